"""Incidents of made-up systems, with the answer: what an investigator is measured by.

Nothing in here knows the investigator, and nothing of it is known to him.
"""

from sandbox.incidents.incident import make_incident
from sandbox.incidents.truth import KINDS, Cause, Truth

__all__ = ["KINDS", "Cause", "Truth", "make_incident"]
