"""The correlation id of a request, as HTTP carries it. Where it goes from here: `runtime.telemetry.correlation`."""

from __future__ import annotations

from runtime.telemetry.correlation import KEY, CarriesCorrelation, current, take

HEADER = "X-Correlation-ID"
MEMO = KEY

__all__ = ["HEADER", "MEMO", "CarriesCorrelation", "current", "take"]
