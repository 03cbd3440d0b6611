"""Makes an incident up: a system, its usual life, a fault, and what is left of it as evidence."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.incidents import changes, logs, metrics, papers
from sandbox.incidents.effects import Course, spread
from sandbox.incidents.faults import Fault, eligible, strike
from sandbox.incidents.pen import Pen
from sandbox.incidents.scribe import Kept, Scribe
from sandbox.incidents.system import System, build
from sandbox.incidents.truth import KINDS, Cause, Truth


@dataclass(frozen=True)
class _Plot:
    system: System
    begins: datetime
    minutes: int
    faults: tuple[Fault, ...]


def make_incident(
    seed: int,
    folder: Path,
    *,
    lines: int = 20_000,
    faults: int = 1,
    remove_evidence: bool = False,
    kind: str | None = None,
) -> Truth:
    """Make an incident up and write its evidence to `folder/evidence` and the answer to `folder/truth.json`.

    Args:
        seed: decides everything; the same arguments give the same bytes.
        folder: where to; made when it is missing.
        lines: about how many log lines; stack traces add to them.
        faults: 1, or 2 independent ones that overlap.
        remove_evidence: take out what tells the cause: the faulty parts' logs and metrics, their changes, and whatever
            others say of them. Nobody can then know the cause.
        kind: of the first fault, one of `KINDS`; the seed decides when None.

    Returns:
        The answer.

    Raises:
        ValueError: no such kind, or not one or two faults.
    """
    if (kind is not None and kind not in KINDS) or faults not in (1, 2):
        raise ValueError("kind must be one of KINDS and faults 1 or 2.")
    rng = random.Random(f"incident {seed} {faults} {kind} {remove_evidence}")
    plot = _plot(rng, faults, kind or KINDS[seed % len(KINDS)])
    courses = spread(rng, plot.system, plot.faults, plot.minutes, quiet=remove_evidence)
    records, causes = changes.make_up(rng, plot.system, plot.faults, plot.minutes)
    kept = _keep(rng, plot, remove_evidence)
    evidence = folder / "evidence"
    evidence.mkdir(parents=True, exist_ok=True)

    _write_logs(rng, evidence, plot, courses=courses, records=records, kept=kept, lines=lines)
    if not kept.hidden or rng.random() < 0.7:
        metrics.write(
            rng,
            evidence / "metrics.csv",
            system=plot.system,
            courses=courses,
            faults=plot.faults,
            begins=plot.begins,
            minutes=plot.minutes,
            hidden=kept.hidden | kept.calm,
        )
    guilty = list(causes.values()) if remove_evidence else []
    changes.write(rng, evidence, [record for record in records if record not in guilty], plot.begins)
    papers.write_topology(rng, evidence / "topology.yaml", plot.system)
    first = plot.faults[0].onset
    said = papers.description(rng, plot.system, courses, plot.begins + timedelta(minutes=first), first)
    (evidence / "description.txt").write_text(said + "\n", encoding="utf-8")

    truth = _truth(seed, plot, courses, causes, not remove_evidence)
    truth.write(folder / "truth.json")
    return truth


def _plot(rng: random.Random, count: int, kind: str) -> _Plot:
    while True:
        system = build(rng)
        # The whole of the year before, so that no line lies in the future of whoever reads it.
        begins = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(seconds=rng.randrange(300 * 86_400))
        onset = rng.randint(60, 360)
        minutes = onset + rng.randint(15 if count == 1 else 25, 60)
        first = strike(rng, system, kind, onset, set()) if eligible(system, kind) else None
        if first is None:
            continue
        found = [first]
        if count == 2:
            later = rng.randint(3, 12)
            others = rng.sample(KINDS, len(KINDS))
            near = {first.service} | system.above(first.service)
            # A second fault is one of its own: neither above the first one, where it would drown in the first one's.
            near |= {part.name for part in system.parts if first.service in system.above(part.name)}
            second = next(
                (fault for other in others if (fault := strike(rng, system, other, onset + later, near))), None
            )
            if second is None:
                continue
            found.append(second)
        return _Plot(system, begins, minutes, tuple(found))


def _keep(rng: random.Random, plot: _Plot, remove: bool) -> Kept:
    if not remove:
        return Kept()
    faulty = frozenset(fault.service for fault in plot.faults)
    above = frozenset().union(*(plot.system.above(name) for name in faulty))
    silent = rng.random() < 0.4
    # Those it calls could tell that it behaves oddly, or that it asks for less.
    below = frozenset(call.callee for name in faulty for call in plot.system.callees(name)) - above
    return Kept(
        hidden=faulty, vague=above | faulty, calm=(above - {plot.system.entry.name} if silent else frozenset()) | below
    )


def _write_logs(
    rng: random.Random,
    folder: Path,
    plot: _Plot,
    *,
    courses: dict[str, Course],
    records: list[changes.Record],
    kept: Kept,
    lines: int,
) -> None:
    scribes = []
    for part in plot.system.parts:
        mine = tuple(fault for fault in plot.faults if fault.service == part.name)
        deployed = [record for record in records if record.service == part.name and record.kind == "deployment"]
        boots = {int(record.at) + 1 for record in deployed}
        for fault in mine:
            if fault.kind == "memory_leak":
                boots |= set(range(fault.onset + 10, plot.minutes, 11))
        onset = plot.begins + timedelta(minutes=plot.faults[0].onset)
        version = next((record.version for record in reversed(deployed) if record.version), "1.0.0")
        skew = next((fault.skew_seconds for fault in plot.faults if fault.kind == "clock_skew"), 0)
        own = random.Random(rng.random())
        if not part.has_logs or part.name in kept.hidden:
            continue
        scribe = Scribe(
            part=part,
            course=courses[part.name],
            faults=mine,
            vague=part.name in kept.vague,
            calm=part.name in kept.calm,
            boots=frozenset(boots),
            pen=Pen(own, part, version, onset, skew),
            rng=own,
        )
        scribe.learn_calls(plot.system)
        scribes.append(scribe)
    logs.write(rng, folder, scribes, begins=plot.begins, minutes=plot.minutes, lines=lines)


def _truth(
    seed: int, plot: _Plot, courses: dict[str, Course], causes: dict[Fault, changes.Record], answerable: bool
) -> Truth:
    hurt = {
        name: max(*course.failing, max(course.slower) / 4) for name, course in courses.items()
    } | {fault.service: 9.0 for fault in plot.faults}  # fmt: skip
    affected = sorted((name for name, share in hurt.items() if share > 0.05), key=lambda name: -hurt[name])
    return Truth(
        seed=seed,
        causes=tuple(
            Cause(
                service=fault.service,
                kind=fault.kind,
                change=causes[fault].change_id if fault in causes else None,
                onset=plot.begins + timedelta(minutes=fault.onset),
            )
            for fault in plot.faults
        ),
        affected=tuple(affected),
        is_answerable=answerable,
    )
