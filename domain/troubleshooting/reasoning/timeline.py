"""What happened, in order, with the changes that deserve a look marked."""

from __future__ import annotations

from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import TimelineEvent
from domain.troubleshooting.reasoning.candidates import Scene
from domain.troubleshooting.reasoning.signals import Clock, Signal
from domain.troubleshooting.reasoning.wording import describe

_SHORTLY_BEFORE = 60.0
"""Minutes before the onset in which a change is marked."""
_ROUNDING = 2.0
_DAY = 24 * 60.0
_MOST_CHANGES = 60
_MOST_SYMPTOMS = 80
_SAID = 400


def timeline(scene: Scene, raw: list[Signal], clock: Clock, affected: tuple[str, ...]) -> tuple[TimelineEvent, ...]:
    """Changes of the last day, and when each symptom began or ended.

    Args:
        scene: Changes, graph and onset.
        raw: All signals, with those that tell of recovery.
        clock: The incident's.
        affected: Services that show symptoms; changes of theirs and of whom they depend on are marked.

    Returns:
        Events by time; at most 60 changes, those closest to the onset, and 80 symptoms, the strongest.
    """
    part = {*affected, *scene.graph.who_serve(affected)}
    events = [*_changes(scene, clock, part), *_symptoms(raw, clock)]
    return tuple(sorted(events, key=lambda one: (one.at, one.kind, one.service or "", one.text)))


def _changes(scene: Scene, clock: Clock, part: set[str]) -> list[TimelineEvent]:
    centre = scene.onset or 0.0
    near = [one for one in scene.changes if abs(centre - one.at) <= _DAY]
    near = sorted(near, key=lambda one: (abs(centre - one.at), one.change.change_id))[:_MOST_CHANGES]
    events = []
    for one in near:
        ahead = None if scene.onset is None else scene.onset - one.at
        shortly = ahead is not None and -_ROUNDING <= ahead <= _SHORTLY_BEFORE
        what = describe(one.change)
        more = f": {one.change.summary}" if one.change.summary else ""
        events.append(
            TimelineEvent(
                at=clock.moment(one.at),
                kind="change",
                service=one.service,
                text=(what[:1].upper() + what[1:] + more)[:_SAID],
                before_onset=shortly and (one.service is None or one.service in part),
            )
        )
    return events


def _symptoms(raw: list[Signal], clock: Clock) -> list[TimelineEvent]:
    timed = [one for one in raw if one.start is not None]
    strongest = sorted(timed, key=lambda one: (-one.strength, one.start, one.service or "", one.sign, one.about or ""))
    return [
        TimelineEvent(
            at=clock.moment(one.start or 0.0),
            kind="restored" if one.sign is Sign.RESTORED else "symptom",
            service=one.service,
            text=one.text[:_SAID],
        )
        for one in strongest[:_MOST_SYMPTOMS]
    ]
