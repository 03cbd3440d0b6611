"""What is left to do once an incident is over, by rules over what happened."""

from __future__ import annotations

from domain.troubleshooting.fixing.remedies import Remedy
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.state import IncidentState

_LASTING: dict[FaultKind, str] = {
    FaultKind.BAD_DEPLOYMENT: "Find out why tests and the roll-out did not show the fault, and add what would have.",
    FaultKind.BAD_CONFIGURATION: "Check this setting before it goes live, as code is checked.",
    FaultKind.CONNECTION_POOL: "Watch the use of the pool, and set a time-out on whatever holds a connection.",
    FaultKind.CERTIFICATE: "Renew certificates by machine, with an alarm 30 days before the end.",
    FaultKind.MEMORY_LEAK: "Find the leak with the heap dump; watch the growth of memory over days.",
    FaultKind.SLOW_DEPENDENCY: "Give calls to it a time-out and a circuit breaker, and decide what happens without it.",
    FaultKind.DISK_FULL: "Set an alarm at 80 %, and have old files removed by machine.",
    FaultKind.TRAFFIC_SURGE: "Set limits per client, and let the number of replicas follow the load.",
    FaultKind.CLOCK_SKEW: "Watch the offset of all clocks.",
    FaultKind.DNS_FAILURE: "Watch name resolution from where the services run.",
    FaultKind.CPU_SATURATION: "Profile what used the processors; set an alarm before they are used up.",
    FaultKind.CRASH_LOOP: "Set an alarm on restarts.",
    FaultKind.OUTAGE: "Find out why nothing said what happened: logs and metrics of its last minutes are missing.",
    FaultKind.PERMISSION: "Review who may change rights, and watch for denied access after such changes.",
    FaultKind.SCHEDULING: "Watch for workloads that wait to be placed.",
    FaultKind.DATA: "Rehearse migrations on a copy of the data; watch locks and slow queries.",
    FaultKind.QUEUE_BACKLOG: "Set an alarm on the age of the oldest message.",
}

_NAMED = 10


def follow_ups(state: IncidentState) -> tuple[str, ...]:
    """Sentences, the most pressing first."""
    found = [*_untold(state), *_left(state), *_cause(state), *_blind_spots(state)]
    return tuple(dict.fromkeys(found))


def _untold(state: IncidentState) -> list[str]:
    """Whose case has ended, or whose news nobody approved."""
    waiting = [one.ticket_id for one in state.untold("outcome")] if state.closed or state.withdrawn else []
    if not waiting:
        return []
    more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
    return [f"Nobody told the customers of {', '.join(waiting[:_NAMED])}{more} how it ended: write to them."]


def _left(state: IncidentState) -> list[str]:
    execution, watch = state.execution, state.monitoring
    found = [f"Take back by hand what could not be undone: {what}" for what in (execution.left if execution else ())]
    if watch is not None and watch.outcome == "unknown":
        found.append("Nobody could measure whether the fix holds: look at it, and make it measurable.")
    mitigated = state.solution is not None and state.solution.kind in (Remedy.RESTART.value, Remedy.SCALE.value)
    if mitigated:
        found.append("What was done relieves and does not repair: the cause is still there.")
    return found


def _cause(state: IncidentState) -> list[str]:
    diagnosis, cause = state.diagnosis, state.cause
    if cause is None:
        tests = [one.refuted_by for one in state.open_hypotheses[:3] if one.refuted_by]
        return ["The cause is not known: go on looking.", *tests]
    found = [_LASTING[cause.fault]] if cause.fault in _LASTING else []
    for other in diagnosis.also if diagnosis is not None else ():
        one = diagnosis.find(other) if diagnosis is not None else None
        if one is not None:
            found.append(f"A second fault stands beside it: {one.sentence}")
    return found


def _blind_spots(state: IncidentState) -> list[str]:
    found = [f"No tool could do this, so a person had to: {call.why}" for call in state.calls if not call.ok][:4]
    seen = {one.capability for one in state.observed}
    if "changes.read" not in seen:
        found.append("No records of changes were given: with them, the change that broke it can be named.")
    if "topology.read" not in seen and not state.topology.calls:
        found.append("Nobody wrote down who calls whom: with it, causes are told from consequences.")
    return found
