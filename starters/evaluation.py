"""Measures troubleshooting: incidents that a program makes up, read and diagnosed as the product does, and scored.

The program is another process, and what it shares with the product is the files it writes: the product cannot know
the answers, and whoever writes the answers cannot know the product.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from domain.errors import InvalidInput, NotReachable, SurehandError
from domain.troubleshooting.evidence import EvidenceKind, Findings
from domain.troubleshooting.hypotheses import Diagnosis, Known
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Topology
from integrations.evidence.kinds import HEAD_BYTES, kind_of
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse
from integrations.tools.builtin.evidence import Evidence, EvidenceTools, Maps, Pieces, Records
from integrations.tools.provider import CallContext
from starters.scoring import Setting, Truth, Verdict, failed, judged

MOST_SEEDS = 10_000
_REPORTED_AFTER = timedelta(minutes=15)
"""People notice, talk, and then report."""
_CONTEXT = CallContext(key="evaluation", tenant="evaluation", attempt=1)
_FLAGS: dict[Setting, tuple[str, ...]] = {
    Setting.SINGLE: (),
    Setting.OVERLAPPING: ("--faults", "2"),
    Setting.REMOVED: ("--remove-evidence",),
}


class EvidenceFiles:
    """`domain.ports.evidence.EvidenceStore` on files that lie where they are."""

    def __init__(self, files: Sequence[Path]) -> None:
        """`files` is what may be read."""
        self._files = {f"sha256:{number:064x}": file for number, file in enumerate(files)}

    def reference(self, file: Path) -> str:
        """Under what a file is known here."""
        return next(key for key, known in self._files.items() if known == file)

    async def put(self, tenant: str, name: str, content: AsyncIterator[bytes]) -> tuple[str, int]:
        """Nothing is added.

        Raises:
            InvalidInput: always.
        """
        raise InvalidInput("An evaluation only reads: open an incident to add evidence.")

    async def path(self, tenant: str, reference: str) -> Path:
        """Where a file lies."""
        return self._files[reference]

    async def remove_older_than(self, moment: datetime) -> int:
        """Nothing is removed."""
        return 0


@dataclass(frozen=True)
class Reader:
    """Everything that lies in one folder."""

    store: EvidenceFiles
    by_kind: dict[EvidenceKind, list[Path]]

    @classmethod
    def of(cls, folder: Path) -> Reader:
        """Look at each file and tell what it is."""
        files = sorted(path for path in folder.iterdir() if path.is_file())
        by_kind: dict[EvidenceKind, list[Path]] = {}
        for file in files:
            with file.open("rb") as content:
                by_kind.setdefault(kind_of(file.name, content.read(HEAD_BYTES)), []).append(file)
        return cls(EvidenceFiles(files), by_kind)

    def pieces(self, kind: EvidenceKind) -> tuple[Evidence, ...]:
        """Files of a kind, as tools take them."""
        return tuple(
            Evidence(reference=self.store.reference(file), name=file.name) for file in self.by_kind.get(kind, ())
        )

    def notes(self) -> str:
        """What a person wrote."""
        notes = self.by_kind.get(EvidenceKind.NOTES, ())
        return "\n".join(file.read_text(encoding="utf-8", errors="replace") for file in notes)[:20_000]


async def investigate(folder: Path, truth: Truth) -> Diagnosis:
    """Read all evidence with the product's readers and let the product diagnose it.

    Args:
        folder: of the evidence; what a file is, is told by its content.
        truth: only for when the incident was reported; nothing else of it is looked at.

    Raises:
        SurehandError: a reader refused a file.
    """
    reader = Reader.of(folder)
    tools = EvidenceTools(reader.store)
    reported = truth.causes[0].onset + _REPORTED_AFTER
    topology = Topology()
    if maps := reader.pieces(EvidenceKind.TOPOLOGY):
        topology = await tools.topology(Maps(evidence=maps), _CONTEXT)
    names = topology.names()
    found: list[Findings] = []
    if logs := reader.by_kind.get(EvidenceKind.LOGS):
        files = tuple(LogFile(path=file, name=file.name) for file in logs)
        found.append(await asyncio.to_thread(analyse, LogQuestion(files=files, around=reported, services=names)))
    if metrics := reader.pieces(EvidenceKind.METRICS):
        found.append(await tools.metrics(Pieces(evidence=metrics, services=names), _CONTEXT))
    if records := reader.pieces(EvidenceKind.CHANGES):
        found.append(await tools.changes(Records(evidence=records), _CONTEXT))
    changes = {change.change_id: change for one in found for change in one.changes}
    seen = [one for one in found if one.findings]
    return diagnose(
        Known(
            description=reader.notes(),
            opened_at=reported,
            findings=tuple(finding for one in found for finding in one.findings),
            changes=tuple(sorted(changes.values(), key=lambda change: change.at)),
            topology=topology.joined(
                [name for one in found for name in one.services], [call for one in found for call in one.calls]
            ),
            observed=tuple(sorted({name for one in found for name in one.services if not one.changes or one.findings})),
            begins=min((one.begins for one in seen if one.begins), default=None),
            ends=max((one.ends for one in seen if one.ends), default=None),
        )
    )


async def make_up(seed: int, folder: Path, setting: Setting, *, lines: int, kind: str | None = None) -> Truth:
    """Have an incident made up by another process.

    Args:
        seed: decides everything about it.
        folder: where its evidence and its truth go.
        setting: how it is made.
        lines: about how many log lines.
        kind: of the first fault; the seed decides when None.

    Raises:
        NotReachable: there is no such program, or it failed.
    """
    words = [str(seed), str(folder), "--lines", str(lines), *_FLAGS[setting], *(("--kind", kind) if kind else ())]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sandbox.incidents",
        *words,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or ["no reason was given"]
        raise NotReachable(f"No incident could be made up ({last[0][:200]}): install surehand with its simulators.")
    try:
        told = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        return Truth.model_validate({name: told[name] for name in Truth.model_fields})
    except (OSError, ValueError, KeyError):
        raise NotReachable(f"The incident of seed {seed} came without its truth: install surehand again.") from None


async def evaluate(
    seeds: Iterable[int],
    settings: Sequence[Setting],
    *,
    lines: int,
    kind: str | None = None,
    keep: Path | None = None,
) -> AsyncIterator[Verdict]:
    """Make up, investigate and score one incident after the other; while one is read, the next is being made up.

    Args:
        seeds: one incident each, in every setting.
        settings: how they are made.
        lines: about how many log lines each.
        kind: of the first fault; the seeds decide when None.
        keep: folder in which the incidents stay; they are thrown away when None.

    Raises:
        NotReachable: the program that makes them up does not run.
    """
    with tempfile.TemporaryDirectory(prefix="surehand-evaluation-") as scratch:
        wanted = ((seed, setting) for seed in seeds for setting in settings)
        made = (_made(seed, setting, keep or Path(scratch), lines, kind) for seed, setting in wanted)
        coming = _next(made)
        try:
            while coming is not None:
                incident = await coming
                coming = _next(made)
                yield await _verdict(incident.folder, incident.truth, incident.setting)
                if keep is None:
                    shutil.rmtree(incident.folder)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


@dataclass(frozen=True)
class _Made:
    """An incident that lies in its folder."""

    folder: Path
    truth: Truth
    setting: Setting


async def _made(seed: int, setting: Setting, parent: Path, lines: int, kind: str | None) -> _Made:
    folder = parent / f"{seed}-{setting.value}"
    folder.mkdir(parents=True, exist_ok=True)
    return _Made(folder, await make_up(seed, folder, setting, lines=lines, kind=kind), setting)


def _next(made: Iterator[Coroutine[None, None, _Made]]) -> asyncio.Task[_Made] | None:
    """Begin to make up one more, where there is one."""
    one = next(made, None)
    return None if one is None else asyncio.create_task(one)


async def _verdict(folder: Path, truth: Truth, setting: Setting) -> Verdict:
    began = time.monotonic()
    try:
        diagnosis = await investigate(folder / "evidence", truth)
    except SurehandError as error:
        return failed(truth, setting, str(error))
    except Exception as error:  # one reader that breaks is a result, and must not hide the other incidents
        return failed(truth, setting, f"{type(error).__name__}: {error}"[:300])
    return judged(truth, setting, diagnosis, time.monotonic() - began)


def seeds_in(text: str) -> list[int]:
    """Read `1..50`, `7` or `1..10,15,20..22`.

    Raises:
        InvalidInput: it says something else, or too many.
    """
    seeds: list[int] = []
    for piece in text.split(","):
        first, dots, last = piece.strip().partition("..")
        if not first.isdecimal() or (dots and not last.isdecimal()) or len(first + last) > 18:
            raise InvalidInput(f"Seeds are given as 1..50 or 3,7,9, not as {text[:60]!r}.")
        begin, end = int(first), int(last or first)
        if end - begin >= MOST_SEEDS or len(seeds) > MOST_SEEDS:
            raise InvalidInput(f"Give at most {MOST_SEEDS} seeds at a time.")
        seeds += range(begin, end + 1)
    if not seeds:
        raise InvalidInput(f"There is no seed in {text[:60]!r}: give the smaller one first.")
    return seeds
