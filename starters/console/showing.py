"""What the page of a case shows: of a ticket, an incident, a run, and of one that only the store still has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from domain.approval import ApprovalState
from domain.case import CaseState, ParkedStep, ServedCaseState
from domain.escalation import EscalationState
from domain.playbook.state import PlaybookState
from domain.records import CaseRecord
from domain.sla import deadline
from domain.troubleshooting.state import IncidentState
from starters.cli.words import ago, label, sentences
from starters.console.incidents import IncidentParts, parts_of

_EFFECTS = 60


@dataclass(frozen=True)
class Clock:
    """One clock of the service level."""

    name: str
    due_at: datetime | None
    word: str
    """`running`, `paused`, `met` or `breached`."""


@dataclass(frozen=True)
class Shown:
    """One case, for the template."""

    title: str
    status: str
    is_open: bool
    opened_at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    claimed_by: str = ""
    is_claimable: bool = False
    approvals: tuple[ApprovalState, ...] = ()
    parked: tuple[ParkedStep, ...] = ()
    clocks: tuple[Clock, ...] = ()
    risks: tuple[tuple[str, int], ...] = ()
    """Names and values, of 100."""
    done: tuple[str, ...] = ()
    """What it did outside: steps of its saga."""
    undone: tuple[str, ...] = ()
    at_work: tuple[str, ...] = ()
    incident: IncidentParts | None = None
    notes: tuple[str, ...] = field(default=())


def of_state(workflow_id: str, state: CaseState) -> Shown:
    """A case that Temporal has."""
    facts, title = _facts_of(state)
    served = state if isinstance(state, ServedCaseState) else None
    effects, undone, at_work = _saga(state)
    return Shown(
        title=title,
        status=state.current_status().value,
        is_open=not (state.closed or state.withdrawn),
        opened_at=state.opened_at,
        facts=_with_value([*facts, ("workflow", workflow_id)]),
        claimed_by=(served.claim.claimed_by or "") if served is not None else "",
        is_claimable=served is not None and served.people_have_it and not served.is_resolved,
        approvals=tuple(state.pending_approvals),
        parked=tuple(state.parked.values()),
        clocks=tuple(_clocks(served)) if served is not None else (),
        risks=_risks(state) if isinstance(state, EscalationState) else (),
        done=effects,
        undone=undone,
        at_work=at_work,
        incident=parts_of(state) if isinstance(state, IncidentState) else None,
    )


def of_record(record: CaseRecord) -> Shown:
    """A case that only the store has."""
    details = [(name, value) for name, value in record.details.items() if isinstance(value, str | int | float)]
    facts = [
        ("category", label(record.category)),
        ("priority", record.priority or ""),
        ("decision", label(record.decision)),
        ("team", label(record.team)),
        ("claimed by", record.claimed_by or ""),
        ("opened", ago(record.opened_at)),
        ("closed", ago(record.closed_at)),
        *((label(name), str(value)) for name, value in details),
        ("workflow", record.workflow_id),
    ]
    return Shown(
        title=record.subject,
        status=record.status,
        is_open=False,
        opened_at=record.opened_at,
        facts=_with_value(facts),
        notes=("Temporal keeps this case no longer; this is what the store has.",),
    )


def _with_value(facts: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in facts if value)


def _facts_of(state: CaseState) -> tuple[list[tuple[str, str]], str]:
    if isinstance(state, EscalationState):
        return list(_of_ticket(state)), state.ticket.subject
    if isinstance(state, IncidentState):
        return list(_of_incident(state)), state.report.title
    assert isinstance(state, PlaybookState)  # noqa: S101 - the only other kind
    return list(_of_run(state)), state.name


def _of_ticket(state: EscalationState) -> Iterator[tuple[str, str]]:
    customer, kind, decision = state.ticket.customer, state.classification, state.decision
    yield "customer", ", ".join(filter(None, (customer.tier.label, customer.customer_id)))
    yield "opened", f"{ago(state.opened_at)}, by {state.ticket.channel.label}"
    if kind is not None:
        yield "triage", f"{kind.category.label}, priority {state.priority.value}, {kind.complexity.label}"
        yield "signals", ", ".join(signal.label for signal in kind.signals)
    if decision is not None:
        by = " (decided by rules: no model answered)" if state.degraded else ""
        to = "to" if decision.escalates else "so far, in the queue of"
        yield "decision", f"{decision.kind.label} {to} {label(decision.team)}{by}"
        yield "because", sentences(decision.reasons)
    yield "incident", "; ".join(state.incident_lines)
    yield from _handoff(state)
    if state.is_resolved:
        yield "resolved", f"{ago(state.resolved_at)} by {state.outcome.resolved_by}: {state.outcome.resolution}"
    if state.model_cost:
        yield "model cost", f"{state.model_cost:.4f}"


def _of_incident(state: IncidentState) -> Iterator[tuple[str, str]]:
    yield "opened", f"{ago(state.opened_at)}, by {state.report.reported_by}"
    yield "priority", state.priority.label
    yield "phase", state.trouble_phase.label
    if state.diagnosis is not None:
        radius = state.diagnosis.blast_radius
        yield "onset", ago(state.diagnosis.onset) or "not known"
        yield "reach", f"{radius.scope}, severity {radius.severity}: {', '.join(radius.affected[:12])}"
    spent = state.spent
    yield "spent", f"{spent.iterations} rounds, {spent.tool_calls} tool calls, {spent.model_calls} model calls"
    yield "people", state.escalated_because
    yield from _handoff(state)
    yield "resolution", state.resolution


def _of_run(state: PlaybookState) -> Iterator[tuple[str, str]]:
    yield "playbook", f"{state.name} {state.opened.version if state.opened is not None else '(not opened yet)'}"
    yield "opened", f"{ago(state.opened_at)}, by {state.started_by}"
    yield "customer", state.customer_id or ""
    if state.waiting_for_event:
        yield "listens", f"{state.waiting_for_event} tasks wait for an event"
    yield "aborted by", state.stopped_by
    if isinstance(state.error, dict):
        yield "error", f"{state.error.get('status')} {state.error.get('title') or state.error.get('type')}"


def _handoff(state: ServedCaseState) -> Iterator[tuple[str, str]]:
    if state.people_have_it and state.handoff is not None:
        how = ", by the emergency path" if state.handoff.emergency else ""
        yield "handed to", f"{label(state.handoff.team)} {ago(state.handoff.completed_at)}{how}"
        yield "claimed by", state.claim.claimed_by or "nobody yet"
        yield "left to do by hand", "; ".join(state.handoff.left_undone)


def _clocks(state: ServedCaseState) -> Iterator[Clock]:
    if state.policy is None:
        return
    decision = state.decision if isinstance(state, EscalationState) else None
    team = state.handoff.team if state.handoff is not None else state.policy.immediate_team
    calendar = state.policy.calendar_of(decision.team if decision is not None else team)
    for name, clock in state.clocks.items():
        word = "breached" if clock.breached_at is not None else "met" if clock.met_at is not None else "running"
        due_at = deadline(clock, calendar) if word == "running" else None
        yield Clock(name=name.label, due_at=due_at, word="paused" if word == "running" and due_at is None else word)


def _risks(state: EscalationState) -> tuple[tuple[str, int], ...]:
    if state.risk is None:
        return ()
    numbers = [(name, value) for name, value in state.risk.model_dump().items() if isinstance(value, int | float)]
    found = [(label(name), round(value)) for name, value in numbers]
    return (*found, ("frustration", state.frustration))


def _saga(state: CaseState) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    if isinstance(state, PlaybookState):
        done = [one.what + ("" if one.known else " (nobody knows whether it took effect)") for one in state.effects]
        return tuple(done[-_EFFECTS:]), tuple(state.undone[-_EFFECTS:]), tuple(state.at_work)
    sent = [f"{label(one.what)} to {one.to} by {one.channel}, {ago(one.at)}" for one in state.sent[-_EFFECTS:]]
    handoff = state.handoff if isinstance(state, ServedCaseState) else None
    return tuple(sent), tuple(handoff.undone) if handoff is not None else (), ()
