"""Records of changes that are lines of text: git's log, the histories of Helm and Argo CD, and CSV."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

COMMIT = re.compile(r"^commit ([0-9a-f]{7,64})")
HELM_HEADING = re.compile(r"^\s*REVISION\s+UPDATED\s+STATUS", re.MULTILINE)
ARGO_HEADING = re.compile(r"^\s*ID\s+DATE\s+REVISION", re.MULTILINE)


def plain(key: object) -> str:
    """A field's name without spaces, underscores and capitals: `Deployed_At` -> `deployedat`."""
    return re.sub(r"[^a-z0-9]", "", str(key)[:100].lower())


def from_git(text: str) -> Iterator[Mapping[str, Any]]:
    """`git log`, with any of git's date formats."""
    record: dict[str, Any] = {}
    message: list[str] = []
    for line in text.splitlines():
        found = COMMIT.match(line)
        if found is not None:
            if record:
                yield {**record, "summary": " ".join(message)[:500]}
            record, message = {"id": found[1][:12]}, []
        elif line.startswith(("Date:", "AuthorDate:", "CommitDate:")):
            record["at"] = line.split(":", 1)[1].strip()
        elif line.startswith("Author:"):
            record["author"] = line.split(":", 1)[1].strip()
        elif line.startswith("    ") and line.strip() and len(message) < 3:
            message.append(line.strip()[:300])
    if record:
        yield {**record, "summary": " ".join(message)[:500]}


def from_history(text: str) -> Iterator[Mapping[str, Any]]:
    """The tables of `helm history` and `argocd app history`; columns are two spaces or a tab apart."""
    release = next((m[1] for m in re.finditer(r"helm history\s{1,4}([\w.-]{1,120})", text[:5_000])), None)
    heads: list[str] = []
    for line in text.splitlines():
        # Days of one digit are written with two spaces before them.
        plain = re.sub(r"(?<=[a-z])  (?=\d )", " ", line.strip()[:1_000])
        cells = [cell.strip() for cell in re.split(r"\t+| {2,}", plain) if cell.strip()]
        if not cells:
            continue
        if cells[0] in ("REVISION", "ID"):
            heads = [cell.lower() for cell in cells]
            continue
        if heads and len(cells) >= 3:
            row = dict(zip(heads, cells, strict=False))
            chart = row.get("chart", "")
            whose = release or re.sub(r"-v?\d[\w.+-]*$", "", chart) or None
            at = row.get("updated") or re.sub(r" [A-Z]{3,4}$", "", row.get("date", ""))
            version = row.get("app version") or chart or row.get("revision")
            yield {
                "id": f"{whose or 'revision'}-{cells[0]}",
                "at": at,
                "service": whose,
                "kind": "deployment",
                "version": version,
                "summary": row.get("description") or f"Revision {cells[0]}",
            }


def is_table(text: str, times: Sequence[str]) -> bool:
    """Whether a text is CSV with a time column; `times` are the plain names of those."""
    first, _, rest = text.lstrip().partition("\n")
    second = rest.partition("\n")[0]
    mark = next(
        (one for one in (",", ";", "\t") if first.count(one) >= 1 and second.count(one) >= first.count(one)), None
    )
    return mark is not None and any(plain(cell) in times for cell in first.split(mark))


def from_table(text: str) -> Iterable[Mapping[str, Any]]:
    """The rows of CSV by their headings."""
    first = text.lstrip().partition("\n")[0]
    mark = max((",", ";", "\t"), key=first.count)
    rows = csv.DictReader(io.StringIO(text.lstrip()), delimiter=mark)
    try:
        for row in rows:
            # What a spreadsheet would run as a formula is a text here, and stays one.
            yield {key: value.lstrip("=+@") for key, value in row.items() if key and isinstance(value, str)}
    except csv.Error:
        return
