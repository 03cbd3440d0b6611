"""What every line of a log says about where it belongs: correlation id, tenant, case, run, activity, attempt."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from runtime.telemetry.correlation import KEY, current

_fields: ContextVar[Mapping[str, str | int]] = ContextVar("log_fields", default={})  # noqa: B039 - never changed, only replaced
KNOWN = frozenset({KEY, "tenant", "case_id", "run_id", "activity", "attempt", "trace_id", "workflow_type"})
"""Made or checked by us: these need no look for personal data."""
_OF_SDK = {
    "workflow_id": "case_id",
    "workflow_run_id": "run_id",
    "run_id": "run_id",
    "activity_type": "activity",
    "attempt": "attempt",
    "workflow_type": "workflow_type",
}
"""Names that the SDK gives in `temporal_activity` and `temporal_workflow` -> ours."""


def bind(**fields: str | int) -> None:
    """Have every line say this from here on, in this task and those that it starts."""
    _fields.set({**_fields.get(), **fields})


class InContext(logging.Filter):
    """Adds the fields to every record; what a record says itself wins."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add them; drops nothing."""
        said: dict[str, Any] = dict(_fields.get())
        if correlation_id := current.get():
            said[KEY] = correlation_id
        for of_sdk in (vars(record).pop("temporal_activity", None), vars(record).pop("temporal_workflow", None)):
            if isinstance(of_sdk, Mapping):
                said |= {ours: of_sdk[theirs] for theirs, ours in _OF_SDK.items() if theirs in of_sdk}
        for name, value in said.items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True
