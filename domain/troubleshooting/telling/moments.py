"""Times as people read them."""

from __future__ import annotations

from datetime import datetime, timedelta


def moment(at: datetime) -> str:
    """A time as people read it in a report: minutes, UTC or with its offset."""
    offset = at.utcoffset()
    zone = " UTC" if offset == timedelta(0) else f" {at:%z}" if offset is not None else ""
    return f"{at:%Y-%m-%d %H:%M}{zone}"
