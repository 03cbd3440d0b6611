"""The samples' evidence, as if it had been collected just now.

What was written down at some time in the past reads oddly beside a case that is opened today, so each time in the files
is moved by the same amount. The files say times in one form only: a day, `T` or a blank, and a time of day, in UTC.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)([T ])(\d\d:\d\d:\d\d)")


def rebased(folder: Path, to: Path, now: datetime) -> Path:
    """Copy a folder of evidence so that its last time is now.

    Args:
        folder: of the evidence; folders inside come along.
        to: does not exist yet.
        now: with a time zone.

    Returns:
        `to`.
    """
    shutil.copytree(folder, to)
    files = [path for path in sorted(to.rglob("*")) if path.is_file()]
    texts = {path: path.read_text("utf-8") for path in files}
    by = _whole_seconds(now - _last_time(texts.values()))
    for path, text in texts.items():
        path.write_text(_TIME.sub(lambda found: _moved(found, by), text), "utf-8")
    return to


def _last_time(texts: Iterable[str]) -> datetime:
    return max(_read(found) for text in texts for found in _TIME.finditer(text))


def _read(found: re.Match[str]) -> datetime:
    return datetime.fromisoformat(f"{found[1]}T{found[3]}").replace(tzinfo=UTC)


def _moved(found: re.Match[str], by: timedelta) -> str:
    moved = _read(found) + by
    return f"{moved:%Y-%m-%d}{found[2]}{moved:%H:%M:%S}"


def _whole_seconds(span: timedelta) -> timedelta:
    return timedelta(seconds=int(span.total_seconds()))
