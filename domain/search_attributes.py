"""The search attributes of every case, as plain data. No personal data ever goes into one: they are not encrypted.

Within what PostgreSQL visibility allows: at most ten keywords and three of each other type.
"""

from __future__ import annotations

KEYWORDS = (
    "SurehandTenant",
    "SurehandKind",
    "SurehandStatus",
    "SurehandPhase",
    "SurehandPriority",
    "SurehandCategory",
    "SurehandTeam",
    "SurehandWaitingFor",
)
INTEGERS = ("SurehandRisk",)
DATETIMES = ("SurehandDueAt",)
