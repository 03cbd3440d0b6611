"""How good a diagnosis is, against the truth of a made-up incident."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import Field

from domain.model import Term, Value
from domain.troubleshooting.hypotheses import Diagnosis, Hypothesis

MEASURES = ("service", "change", "kind", "honesty")
"""Shares between 0 and 1 that can be asked for."""


class Setting(Term):
    """How an incident was made."""

    SINGLE = "single"
    """One fault."""
    OVERLAPPING = "overlapping"
    """Two independent ones at the same time."""
    REMOVED = "removed"
    """One fault, and what tells the cause was taken out: nobody can know it."""


class Cause(Value):
    """A fault that was injected."""

    service: str
    kind: str
    change: str | None = None
    onset: datetime


class Truth(Value):
    """What really happened."""

    seed: int
    is_answerable: bool
    causes: tuple[Cause, ...] = Field(min_length=1)
    """In the order in which they began."""

    def of(self, service: str | None) -> Cause:
        """The fault of a service; the first one when it has none."""
        return next((cause for cause in self.causes if cause.service == service), self.causes[0])


class Verdict(Value):
    """One incident: what was true, what was said, and what of it was right."""

    seed: int
    setting: Setting
    truth: tuple[Cause, ...]
    said: str | None
    """Id of the hypothesis in first place."""
    accepted: bool
    also: tuple[str, ...] = ()
    why_not: str = ""
    seconds: float = 0.0
    """How long reading and reasoning took."""
    problem: str = ""
    """Why there is no diagnosis: then everything counts as wrong."""
    service: bool = False
    change: bool = False
    """The same change as in truth, or none where no change did it; of a faulty service only."""
    kind: bool = False
    every_service: bool = False
    """All faulty services are among the accepted hypothesis and those that hold beside it."""
    honest: bool = True
    """Nothing was accepted where nobody can know, and no service that is well was accepted as faulty."""
    onset_error_minutes: float | None = None

    @property
    def is_miss(self) -> bool:
        """Something is to be looked at."""
        if self.setting is Setting.REMOVED:
            return not self.honest or bool(self.problem)
        return not (self.service and self.change and self.kind and self.honest)


def judged(truth: Truth, setting: Setting, diagnosis: Diagnosis, seconds: float = 0.0) -> Verdict:
    """Score one diagnosis.

    Args:
        truth: what was injected.
        setting: how the incident was made.
        diagnosis: what was said.
        seconds: how long it took.
    """
    accepted = diagnosis.find(diagnosis.accepted)
    best = accepted or next(iter(diagnosis.hypotheses), None)
    cause = truth.of(best.service if best else None)
    is_service = best is not None and best.service == cause.service
    blamed = best.change.change_id if best and best.change else None
    holds = {one.service for key in (diagnosis.accepted, *diagnosis.also) if (one := diagnosis.find(key))}
    wrong = accepted is not None and (not truth.is_answerable or not is_service)
    onset = diagnosis.onset
    return Verdict(
        seed=truth.seed,
        setting=setting,
        truth=truth.causes,
        said=best.hypothesis_id if best else None,
        accepted=accepted is not None,
        also=diagnosis.also,
        why_not=diagnosis.why_not,
        seconds=round(seconds, 2),
        service=is_service,
        change=is_service and blamed == cause.change,
        kind=is_service and _kind(best) == cause.kind,
        every_service={cause.service for cause in truth.causes} <= holds,
        honest=not wrong,
        onset_error_minutes=None if onset is None else _apart(onset, truth.causes[0].onset),
    )


def failed(truth: Truth, setting: Setting, problem: str) -> Verdict:
    """An incident that could not be diagnosed at all: nothing about it was right, not even its honesty.

    Args:
        truth: what was injected.
        setting: how the incident was made.
        problem: why, for people.
    """
    return Verdict(
        seed=truth.seed, setting=setting, truth=truth.causes, said=None, accepted=False, honest=False, problem=problem
    )


class Score(Value):
    """Many incidents together; shares are None when there is nothing to judge."""

    name: str
    incidents: int
    service: float | None = None
    change: float | None = None
    kind: float | None = None
    honesty: float | None = None
    every_service: float | None = None
    accepted: float | None = None
    """Share that was accepted, and not only put first."""
    change_where_one_did_it: float | None = None
    onset_error_median_minutes: float | None = None
    onset_error_worst_tenth_minutes: float | None = None
    """Nine tenths are nearer."""


def scored(name: str, verdicts: Sequence[Verdict]) -> Score:
    """Put verdicts together.

    Args:
        name: of the row.
        verdicts: of incidents in any setting; those without evidence count for honesty only.
    """
    known = [one for one in verdicts if one.setting is not Setting.REMOVED]
    changed = [one for one in known if any(cause.change for cause in one.truth)]
    errors = sorted(one.onset_error_minutes for one in known if one.onset_error_minutes is not None)
    return Score(
        name=name,
        incidents=len(verdicts),
        service=_share(one.service for one in known),
        change=_share(one.change for one in known),
        kind=_share(one.kind for one in known),
        honesty=_share(one.honest for one in verdicts),
        every_service=_share(one.every_service for one in known),
        accepted=_share(one.accepted for one in verdicts),
        change_where_one_did_it=_share(one.change for one in changed),
        onset_error_median_minutes=round(statistics.median(errors), 1) if errors else None,
        onset_error_worst_tenth_minutes=round(errors[math.ceil(0.9 * len(errors)) - 1], 1) if errors else None,
    )


def table(verdicts: Sequence[Verdict]) -> list[Score]:
    """All rows: by setting, by kind of the first fault among single ones, and everything together."""
    rows = [
        scored(setting.value, of_it)
        for setting in Setting
        if (of_it := [one for one in verdicts if one.setting is setting])
    ]
    single = [one for one in verdicts if one.setting is Setting.SINGLE]
    for kind in sorted({one.truth[0].kind for one in single}):
        rows.append(scored(kind, [one for one in single if one.truth[0].kind == kind]))
    return [*rows, scored("all", verdicts)]


def too_low(overall: Score, wanted: dict[str, float]) -> list[str]:
    """What falls short, one sentence each.

    Args:
        overall: of everything that ran.
        wanted: the least share by measure.
    """
    short = []
    for measure, least in wanted.items():
        share: float | None = getattr(overall, measure)
        if share is None or share < least:
            short.append(f"{measure} is {'not measured' if share is None else f'{share:.3f}'}, wanted {least:g}.")
    return short


def _share(right: Iterable[bool]) -> float | None:
    found = list(right)
    return sum(found) / len(found) if found else None


def _kind(hypothesis: Hypothesis | None) -> str | None:
    return None if hypothesis is None else hypothesis.fault.value


def _apart(one: datetime, other: datetime) -> float:
    return round(abs((one - other).total_seconds()) / 60, 2)
