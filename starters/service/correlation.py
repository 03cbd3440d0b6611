"""The correlation id of a request, as HTTP carries it. What becomes of it further on is in `runtime.correlation`."""

from __future__ import annotations

from runtime.correlation import KEY, CarriesCorrelation, current, take

HEADER = "X-Correlation-ID"
MEMO = KEY

__all__ = ["HEADER", "MEMO", "CarriesCorrelation", "current", "take"]
