"""How far a change may have caused what began after it.

The suspicion fades with the time between the two, fast for most faults and slowly for those that build up. What was
changed after the beginning cannot be its cause.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from domain.troubleshooting.evidence import Change
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.graph import Names
from domain.troubleshooting.reasoning.likelihoods import CHANGE_FITS, REACH_MINUTES, REACH_OTHERWISE
from domain.troubleshooting.reasoning.signals import Clock

_CLOCKS_DIFFER = 2.0
"""Minutes by which the clocks of deployment records and logs may differ, or a minute's rounding."""
_AT_ONCE = 4.0
"""Minutes in which a change is as suspicious as can be."""
_ODDS = 16.0
"""How many times likelier a fault is right after a change that fits it; close to what incident reviews find."""
_SAME_WITHIN = 20.0
"""Minutes between the record of a change and what a log says of it."""
_WITHOUT_ONSET = 0.15
_HARDLY = 0.4
_LONGEST = 24 * 60.0
MENTIONED = 0.5
"""Nats: below this a change is no part of a hypothesis."""


@dataclass(frozen=True, slots=True)
class Made:
    """A change, with its time in minutes from the opening and its service's one name."""

    change: Change
    at: float
    service: str | None


def made(changes: Iterable[Change], names: Names, clock: Clock) -> list[Made]:
    """Changes in order, each once: what a log says of a deployment that is on record is no second one."""
    unique = {(one.change_id, one.at, one.service, one.kind): one for one in changes}
    listed = [Made(one, clock.minutes(one.at) or 0.0, names.service(one.service)) for one in unique.values()]
    listed.sort(key=lambda one: (one.at, one.change.change_id, one.service or "", one.change.kind))
    recorded = [one for one in listed if not _from_log(one)]
    return [one for one in listed if not (_from_log(one) and any(_same(one, other) for other in recorded))]


def _from_log(one: Made) -> bool:
    return one.change.change_id.startswith("log/")


def _same(logged: Made, recorded: Made) -> bool:
    if logged.service != recorded.service or abs(logged.at - recorded.at) > _SAME_WITHIN:
        return False
    versions = (logged.change.version, recorded.change.version)
    if all(versions):
        return _plain(versions[0]) == _plain(versions[1])
    return logged.change.kind == recorded.change.kind


def _plain(version: str | None) -> str:
    """`v4.2.0` and `4.2.0` are one version."""
    return (version or "").strip().lower().removeprefix("v")


def suspicion(
    one: Made, fault: FaultKind, begins: float | None, slack: float = 0.0, reach: float | None = None
) -> float:
    """How much likelier a fault is for the change before it.

    Args:
        one: A change of the service in question.
        fault: The fault.
        begins: When it began, in minutes from the opening; None when nobody knows.
        slack: By how many minutes nobody knows better, as with what grows slowly.
        reach: In how many minutes the suspicion fades, where it is not as usual for the fault.

    Returns:
        Nats, 0 where the change does not fit, came later, or long before.
    """
    fits = CHANGE_FITS.get(fault, {}).get(one.change.kind.strip().lower().replace("-", "_"), 0.0)
    if fits <= 0.0:
        return 0.0
    fades = REACH_MINUTES.get(fault, REACH_OTHERWISE) if reach is None else reach
    prompt = closeness(one.at, begins, min(fades, REACH_OTHERWISE), slack)
    # The further back a fault may have its cause, the more changes are found there by chance.
    late = min(1.0, math.sqrt(REACH_OTHERWISE / fades)) * closeness(one.at, begins, fades, slack)
    return math.log1p(_ODDS * fits * max(prompt, late))


def closeness(at: float, begins: float | None, reach: float, slack: float = 0.0) -> float:
    """1 for a change right before, towards 0 the longer before; half where only clocks may explain it; 0 after it."""
    if begins is None:
        return _WITHOUT_ONSET if -_LONGEST <= at <= 0 else 0.0
    ahead = begins - at
    if ahead < -max(_CLOCKS_DIFFER, slack) or ahead > _LONGEST:
        return 0.0
    if ahead < 0:
        return _HARDLY if slack < _CLOCKS_DIFFER else 1.0
    return 1.0 if ahead <= _AT_ONCE else math.exp(-(ahead - _AT_ONCE) / reach)
