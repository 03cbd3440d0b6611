"""From an accepted cause to what is done about it: a playbook with its arguments, or steps for people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.model import JsonValue
from domain.playbook.schema_check import problem_with
from domain.troubleshooting.checks import Check
from domain.troubleshooting.fixing.measuring import success_of
from domain.troubleshooting.fixing.remedies import MITIGATIONS, PLAYBOOKS, RISKS, UNDOES, UNDOS, Remedy, by_hand
from domain.troubleshooting.fixing.wishes import Wishes, wishes_in
from domain.troubleshooting.hypotheses import FaultKind, Hypothesis
from domain.troubleshooting.incident import Solution
from domain.troubleshooting.keeping import cut
from domain.troubleshooting.state import IncidentState

_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
_NUMBERED = re.compile(r"[1-9][0-9]{0,8}\Z")
_REASON = 180
_ADDED_REPLICAS = 2


@dataclass(frozen=True, slots=True)
class _Has:
    """What the installation has."""

    playbooks: Mapping[str, JsonValue]
    checks: Sequence[Check]


def propose(
    state: IncidentState, cause: Hypothesis, playbooks: Mapping[str, JsonValue], checks: Sequence[Check] = ()
) -> Solution | None:
    """The best fix that nobody turned down.

    Taking back the change comes first, then what relieves, then people. What was rejected, or failed, is not proposed
    again for the same cause, and the reasons given decide what is left and what comes first.

    Args:
        state: the incident.
        cause: the accepted hypothesis.
        playbooks: what the library has: name -> input schema.
        checks: what the engineers look at by hand; one that showed the fault can show that it is gone.

    Returns:
        None when nothing is known that helps, or all of it was turned down.
    """
    if cause.fault is FaultKind.UNKNOWN or cause.service is None:
        return None
    has = _Has(playbooks, checks)
    wishes = wishes_in(one.reason for one in state.rejected)
    done = {one.digest for one in state.rejected}
    turned_down = {one.kind for one in state.rejected if one.hypothesis_id == cause.hypothesis_id}
    back = _takes_back(cause)
    for remedy in _in_order(cause, wishes):
        if remedy.value in turned_down or remedy in wishes.ruled_out:
            continue
        solution = _built(state, cause, remedy, has)
        if solution is None and remedy is back and Remedy.MANUAL.value not in turned_down:
            # To take the change back is right, and no playbook can: people are better than a lesser fix.
            solution = _manual(state, cause, has)
        if solution is not None and solution.digest not in done:
            return solution
    return None


def _takes_back(cause: Hypothesis) -> Remedy | None:
    return UNDOES.get(cause.change.kind) if cause.change is not None else None


def _in_order(cause: Hypothesis, wishes: Wishes) -> Iterator[Remedy]:
    """What may help, the best first; what people asked for comes before."""
    back = _takes_back(cause)
    usual = [*([back] if back is not None else []), *MITIGATIONS.get(cause.fault, ()), Remedy.MANUAL]
    if cause.change is not None and back is None:
        # Such as a feature flag: it is taken back by hand before anything else is tried.
        usual.insert(0, Remedy.MANUAL)
    wanted = [one for one in wishes.wanted if one in usual or one in (Remedy.RESTART, Remedy.SCALE)]
    yield from dict.fromkeys([*wanted, *usual])


def _built(state: IncidentState, cause: Hypothesis, remedy: Remedy, has: _Has) -> Solution | None:
    if remedy is Remedy.MANUAL:
        return _manual(state, cause, has)
    arguments = _arguments(state, cause, remedy)
    if arguments is None:
        return None
    for name in PLAYBOOKS[remedy]:
        if name in has.playbooks and problem_with(has.playbooks[name], arguments) is None:
            return _solution(state, cause, remedy, has, playbook=name, arguments=arguments)
    return None


def _arguments(state: IncidentState, cause: Hypothesis, remedy: Remedy) -> dict[str, JsonValue] | None:
    """What a playbook is started with; None where the evidence does not say enough, or says something odd."""
    service, change = cause.service or "", cause.change
    if not _SERVICE.match(service):
        return None
    arguments: dict[str, JsonValue] = {
        "service": service,
        "reason": cut(f"{state.case_number}: {cause.fault.label}{_of_change(cause)}", _REASON),
    }
    if remedy is Remedy.ROLL_BACK:
        if change is None or not (change.before and _VERSION.match(change.before)):
            return None
        arguments["to_version"] = change.before
        if change.version and _VERSION.match(change.version):
            arguments["from_version"] = change.version
    elif remedy is Remedy.CONFIGURATION:
        if _changed_again(state, cause):
            # The playbook goes back one step, and that would not be this change.
            return None
        if change is not None and _NUMBERED.match(change.before or ""):
            # Named, so that people approve the very call that will be made.
            arguments["to_version"] = int(change.before or "")
    elif remedy is Remedy.SCALE:
        arguments["add"] = _ADDED_REPLICAS
    return arguments


def _changed_again(state: IncidentState, cause: Hypothesis) -> bool:
    made = cause.change
    return made is not None and any(
        change.kind == made.kind and change.service == made.service and change.at > made.at
        for seen in state.observed
        for change in seen.changes
    )


def _manual(state: IncidentState, cause: Hypothesis, has: _Has) -> Solution:
    change = cause.change
    steps = by_hand(
        cause.fault,
        cause.service,
        version=change.before if change is not None and change.kind == "deployment" else None,
        change=change.change_id if change is not None else None,
    )
    if change is not None and change.kind not in UNDOES:
        steps = (f"Take back change {change.change_id} ({change.kind.replace('_', ' ')}): {change.summary}", *steps)
    steps = tuple(cut(step, 400) for step in steps)
    because = _why_by_hand(state, cause, has.playbooks)
    return _solution(state, cause, Remedy.MANUAL, has, steps=steps, because=because)


def _why_by_hand(state: IncidentState, cause: Hypothesis, playbooks: Mapping[str, JsonValue]) -> str:
    if any(one.hypothesis_id == cause.hypothesis_id for one in state.rejected):
        return "What playbooks could do was turned down or failed."
    back = _takes_back(cause)
    if back is not None and not any(name in playbooks for name in PLAYBOOKS[back]):
        return f"The library has no playbook that takes back a {cause.change.kind if cause.change else 'change'}."
    return "No playbook does this: it takes a person's judgement."


def _solution(
    state: IncidentState,
    cause: Hypothesis,
    remedy: Remedy,
    has: _Has,
    *,
    playbook: str | None = None,
    arguments: dict[str, JsonValue] | None = None,
    steps: tuple[str, ...] = (),
    because: str = "",
) -> Solution:
    success = success_of(state, cause, has.checks)
    rejected = [one.title for one in state.rejected if one.hypothesis_id == cause.hypothesis_id]
    if rejected and not because:
        because = cut(f"Turned down or failed before: {'; '.join(rejected[-3:])}.", 400)
    return Solution(
        solution_id=f"S{state.solution_count + 1}",
        hypothesis_id=cause.hypothesis_id,
        title=cut(_title(cause, remedy), 200),
        kind=remedy.value,
        playbook=playbook,
        arguments=arguments or {},
        steps=steps,
        risk=RISKS[remedy],
        undo=UNDOS[remedy],
        success=success,
        because=because,
    )


def _title(cause: Hypothesis, remedy: Remedy) -> str:
    service, change = cause.service, cause.change
    if remedy is Remedy.ROLL_BACK and change is not None:
        newer = f" from {change.version}" if change.version else ""
        return f"Roll {service} back{newer} to {change.before}"
    return {
        Remedy.CONFIGURATION: f"Put the configuration of {service} from before{_of_change(cause)} back in force",
        Remedy.SCALE: f"Add {_ADDED_REPLICAS} replicas to {service}",
        Remedy.RESTART: f"Restart {service}",
    }.get(remedy, f"Relieve {service} by hand: {cause.fault.label}")


def _of_change(cause: Hypothesis) -> str:
    return f" {cause.change.change_id}" if cause.change is not None else ""
