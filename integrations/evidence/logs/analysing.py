"""From files to findings: the whole of one analysis, in this process."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import Field

from domain.model import JsonValue, Value
from domain.troubleshooting.evidence import MOST_FINDINGS, Change, Finding, Findings, Sign
from integrations.evidence.logs.book import Book, Happened
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.judging import findings_of
from integrations.evidence.logs.names import Names
from integrations.evidence.logs.opening import Opened
from integrations.evidence.logs.owners import Owner, owner_of, service_of, twins_of
from integrations.evidence.logs.plainly import facts_of
from integrations.evidence.logs.reading import FileReader
from integrations.evidence.logs.sentences import redacted
from integrations.evidence.logs.stamps import Stamps

_MOST_CHANGES = 60
_MOST_TEMPLATES = 15
_OF_EACH = 3
"""Findings of a service that come before the further ones of others."""
_LONGEST_TEMPLATE = 200
_AGAIN = timedelta(minutes=5)
"""Instances of one service start one after the other: that is one deployment."""


class LogFile(Value):
    """One file."""

    path: Path
    name: str = Field(max_length=300)
    service: str | None = Field(None, max_length=100)


class LogQuestion(Value):
    """What to analyse."""

    files: tuple[LogFile, ...]
    around: datetime | None = None
    services: tuple[str, ...] = ()
    most_bytes: int = Field(4_000_000_000, gt=0)
    """Of all files together, decompressed."""
    most_seconds: float = Field(600.0, gt=0)
    """After that, what was read so far is the answer."""


def analyse(question: LogQuestion) -> Findings:
    """Read the files and judge what stands in them.

    Raises:
        OSError: a file cannot be read.
    """
    owners = [owner_of(file.path) for file in question.files]
    book, names, twins = Book(), _names(question, owners), twins_of(owners)
    deadline = time.monotonic() + question.most_seconds
    left, notes, size = question.most_bytes, [], 0
    for number, file in enumerate(question.files):
        if number in twins:
            notes.append(f"{file.name} says the same as {question.files[twins[number]].name}, and counts once.")
            continue
        opened = Opened(file.path, left)
        service, sure = service_of(file.service, owners[number], file.name, names)
        stamps = _stamps(file.path, question.around)
        reader = FileReader(book, number, names, stamps, service=service, sure=sure)
        in_time = _read(opened, reader, owners[number].skipped, deadline)
        left, size = left - opened.size, size + opened.size
        if opened.broken:
            notes.append(f"{file.name} is damaged or ends in the middle: what came before that was read.")
        if opened.truncated or not in_time:
            notes.append(
                f"{file.name} was read up to its first {opened.size // 1_000_000} MB only: upload a smaller part."
            )
    return _answer(question, book, names, notes, size).model_copy(update={"facts": facts_of(book, owners, twins)})


def _names(question: LogQuestion, owners: Sequence[Owner]) -> Names:
    plain = Names(question.services)
    named = [
        file.service or owner.service or plain.of_file(file.name)[0]
        for file, owner in zip(question.files, owners, strict=True)
    ]
    return Names(question.services, seen=[name for name in named if name])


def _stamps(path: Path, around: datetime | None) -> Stamps:
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Stamps(around if around is not None and around.tzinfo is not None else written)


def _read(opened: Opened, reader: FileReader, skipped: int, deadline: float) -> bool:
    """Read one file; whether there was time for all of it."""
    in_time = True
    for lines in opened.batches():
        reader.skip(min(skipped, len(lines)))
        reader.read(lines[skipped:] if skipped else lines)
        skipped = max(0, skipped - len(lines))
        if time.monotonic() > deadline:
            in_time = False
            break
    reader.finish()
    return in_time


def _answer(question: LogQuestion, book: Book, names: Names, notes: list[str], size: int) -> Findings:
    files = [file.name for file in question.files]
    found = findings_of(book, files, around=question.around, known=names.recognised)
    kept, changes = _kept(found), _changes(book, question)
    services = book.services()
    begins = min((covered[0] for covered in book.coverage.values()), default=None)
    ends = max((covered[1] for covered in book.coverage.values()), default=None)
    return Findings(
        findings=tuple(kept),
        changes=changes,
        services=services,
        calls=_calls(book, names),
        begins=None if begins is None else datetime.fromtimestamp(begins, UTC),
        ends=None if ends is None else datetime.fromtimestamp(ends, UTC),
        summary=_summary(book, kept, services, notes),
        left_out=len(found) - len(kept),
        details=_details(book, notes, size),
    )


def _kept(found: list[Finding]) -> list[Finding]:
    """The strongest, but of each service some: where one failure makes twenty services shout, its cause may whisper."""
    rank: dict[str | None, int] = {}
    places = []
    for place, finding in enumerate(found):
        rank[finding.service] = rank.get(finding.service, 0) + 1
        places.append((rank[finding.service] > _OF_EACH, place))
    chosen = sorted(place for _, place in sorted(places)[:MOST_FINDINGS])
    return [found[place] for place in chosen]


def _calls(book: Book, names: Names) -> tuple[tuple[str, str], ...]:
    """Who calls whom, as far as both are known by name or write logs themselves."""
    real = {*names.known, *book.services()}
    pairs = {(series.service, series.about) for series in book.series.values() if series.about in real}
    return tuple(sorted((caller, callee) for caller, callee in pairs if caller and callee and caller != callee))[:500]


def _changes(book: Book, question: LogQuestion) -> tuple[Change, ...]:
    """Starts with another version than before, settings that were loaded anew, flags that were switched."""
    changes: list[Change] = []
    fallen = _fallen(book)
    versions: dict[str | None, str] = {}
    seen: dict[tuple[str | None, str, str | None], datetime] = {}
    for happened in sorted(book.events, key=lambda one: one.place[2]):
        at = datetime.fromtimestamp(happened.place[2], UTC)
        kind, version = happened.event.kind, happened.event.version
        is_start = kind in ("start", "deployment")
        before = versions.get(happened.service) if is_start else None
        if is_start:
            if version is None or version == before:
                continue
            versions[happened.service] = version
            if before is None and kind == "start" and _came_back(happened, fallen):
                continue  # the version that it had before it fell, as far as anybody knows
        key = (happened.service, "deployment" if is_start else kind, version or happened.text)
        earlier = seen.get(key)
        seen[key] = at
        if earlier is None or at - earlier > _AGAIN:
            changes.append(_change(happened, at, before, question))
    return tuple(changes[-_MOST_CHANGES:])


def _fallen(book: Book) -> dict[str | None, list[int]]:
    """When services ended, or said that they would."""
    fallen: dict[str | None, list[int]] = {}
    for series in book.series.values():
        if series.level >= Level.WARNING and series.sign in (Sign.CRASH, Sign.MEMORY):
            fallen.setdefault(series.service, []).extend(place[2] for place in series.firsts.values())
    return fallen


def _came_back(happened: Happened, fallen: dict[str | None, list[int]]) -> bool:
    seconds = happened.place[2]
    return any(0 <= seconds - moment <= _AGAIN.total_seconds() for moment in fallen.get(happened.service, ()))


def _change(happened: Happened, at: datetime, before: str | None, question: LogQuestion) -> Change:
    kind = "deployment" if happened.event.kind == "start" else happened.event.kind
    name = question.files[happened.place[0]].name
    return Change(
        change_id=f"log/{name[:60]}/{happened.place[1]}",
        at=at,
        kind=kind,
        service=happened.service,
        summary=f"The log says: {redacted(happened.text)[:300]}",
        version=happened.event.version,
        before=before,
    )


def _summary(book: Book, found: list[Finding], services: tuple[str, ...], notes: list[str]) -> str:
    what = (
        f"{book.lines} lines of {len(services)} services"
        if len(services) != 1
        else f"{book.lines} lines of {services[0]}"
    )
    strongest = f" The clearest: {found[0].text[:250]}" if found else " Nothing stands out."
    return " ".join([f"{what} were read; {len(found)} findings.{strongest}", *notes])[:1_500]


def _details(book: Book, notes: list[str], size: int) -> dict[str, JsonValue]:
    trouble = [series for series in book.series.values() if series.level >= Level.WARNING]
    largest = sorted(trouble, key=lambda series: -series.total)[:_MOST_TEMPLATES]
    return {
        "lines": book.lines,
        "entries": book.entries,
        "bytes": size,
        "undated": book.undated,
        "counted_per_seconds": book.width,
        "notes": notes,
        "templates": [
            {
                "service": series.service,
                "level": series.level.name.lower(),
                "count": series.total,
                "template": redacted(series.template)[:_LONGEST_TEMPLATE],
            }
            for series in largest
        ],
    }
