"""What the page of a case shows: of a ticket, an incident, a run, and of one that only the store still has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from domain.cases.approval import ApprovalState
from domain.cases.escalation import EscalationState
from domain.cases.parts import ParkedStep, SentMessage
from domain.cases.records import CaseRecord
from domain.cases.state import CaseState, ServedCaseState
from domain.playbook.state import Effect, PlaybookState
from domain.sla.clocks import deadline
from domain.troubleshooting.state import IncidentState
from starters.cli.words import label, span
from starters.console.cases.facts import Who, facts_of, facts_of_record, title_of
from starters.console.incidents.parts import IncidentParts, parts_of
from starters.console.playbooks.runs import RunParts, run_parts
from workflows.cases.claims import ladder_of

_EFFECTS = 60


@dataclass(frozen=True)
class Clock:
    """One clock of the service level."""

    name: str
    target: str
    due_at: datetime | None
    word: str
    """`running`, `paused`, `met` or `breached`."""
    left: str = ""
    """Of a clock that stands still: what it has left."""


@dataclass(frozen=True)
class Rung:
    """Who is asked to claim a case, and whether they were."""

    name: str
    asked: bool


@dataclass(frozen=True)
class SagaStep:
    """Something that was done outside, and how it is taken back."""

    what: str
    word: str
    """`done`, `not known` or `undone`."""
    undo: str = ""


@dataclass(frozen=True)
class Shown:
    """One case, for the template."""

    title: str
    status: str
    is_open: bool
    opened_at: datetime
    facts: tuple[tuple[str, str], ...] = ()
    claimed_by: str = ""
    with_people: bool = False
    """Whether it was handed over, so that people answer."""
    is_claimable: bool = False
    approvals: tuple[ApprovalState, ...] = ()
    decided: tuple[ApprovalState, ...] = ()
    """Requests that no longer wait, the newest first."""
    parked: tuple[ParkedStep, ...] = ()
    clocks: tuple[Clock, ...] = ()
    ladder: tuple[Rung, ...] = ()
    """Who is asked to claim it, as long as nobody has it."""
    risks: tuple[tuple[str, int], ...] = ()
    """Names and values, of 100."""
    saga: tuple[SagaStep, ...] = ()
    sent: tuple[SentMessage, ...] = ()
    """Messages, the latest first: they cannot be taken back."""
    linked: tuple[tuple[str, str], ...] = ()
    """Other cases, with what they are to this one."""
    articles: tuple[str, ...] = ()
    """Of the knowledge base, that were found for it."""
    incident: IncidentParts | None = None
    run: RunParts | None = None
    notes: tuple[str, ...] = field(default=())


def of_state(workflow_id: str, state: CaseState, who: Who = str) -> Shown:
    """A case that Temporal has.

    Args:
        workflow_id: of the case.
        state: all that it knows.
        who: the name of a person by their id.
    """
    served = state if isinstance(state, ServedCaseState) else None
    ticket = state if isinstance(state, EscalationState) else None
    return Shown(
        title=title_of(state),
        status=state.current_status().value,
        is_open=not (state.closed or state.withdrawn),
        opened_at=state.opened_at,
        facts=facts_of(workflow_id, state, who),
        claimed_by=(served.claim.claimed_by or "") if served is not None else "",
        with_people=served is not None and served.people_have_it,
        is_claimable=served is not None and served.people_have_it and not served.is_resolved,
        approvals=tuple(state.pending_approvals),
        decided=tuple(one for one in reversed(state.approvals.values()) if not one.is_pending),
        parked=tuple(state.parked.values()),
        clocks=tuple(_clocks(served)) if served is not None else (),
        ladder=tuple(_ladder(served, who)) if served is not None else (),
        risks=_risks(ticket) if ticket is not None else (),
        saga=tuple(_saga(state)),
        sent=tuple(reversed(state.sent[-_EFFECTS:])),
        linked=tuple((name, "the incident that it is about") for name in ticket.incidents) if ticket else (),
        articles=tuple(f"{one.title} ({one.article_id})" for one in ticket.articles) if ticket is not None else (),
        incident=parts_of(state) if isinstance(state, IncidentState) else None,
        run=run_parts(state) if isinstance(state, PlaybookState) else None,
    )


def of_record(record: CaseRecord, note: str) -> Shown:
    """A case as the store has it.

    Args:
        record: of the store.
        note: why it is no more than that.
    """
    return Shown(
        title=record.subject,
        status=record.status,
        is_open=False,
        opened_at=record.opened_at,
        facts=facts_of_record(record),
        notes=(note,),
    )


def _clocks(state: ServedCaseState) -> Iterator[Clock]:
    if state.policy is None:
        return
    decision = state.decision if isinstance(state, EscalationState) else None
    team = state.handoff.team if state.handoff is not None else state.policy.immediate_team
    calendar = state.policy.calendar_of(decision.team if decision is not None else team)
    for name, clock in state.clocks.items():
        word = "breached" if clock.breached_at is not None else "met" if clock.met_at is not None else "running"
        due_at = deadline(clock, calendar) if word == "running" else None
        still = word == "running" and due_at is None
        yield Clock(
            name=name.label,
            target=span(clock.target),
            due_at=due_at,
            word="paused" if still else word,
            left=span(max(clock.target - clock.counted, timedelta(0))) if still else "",
        )


def _ladder(state: ServedCaseState, who: Who) -> Iterator[Rung]:
    handoff, policy = state.handoff, state.policy
    if handoff is None or policy is None or not state.people_have_it or state.claim.claimed_by or state.is_resolved:
        return
    yield Rung(policy.team(handoff.team).label, asked=True)
    for number, rung in enumerate(ladder_of(policy, handoff.team)):
        people = f": {', '.join(map(who, rung.people))}" if rung.people else ", again"
        yield Rung(f"{rung.name}{people}", asked=number < state.claim.rung)


def _risks(state: EscalationState) -> tuple[tuple[str, int], ...]:
    if state.risk is None:
        return ()
    numbers = [(name, value) for name, value in state.risk.model_dump().items() if isinstance(value, int | float)]
    found = [(label(name), round(value)) for name, value in numbers]
    return (*found, ("frustration", state.frustration))


def _saga(state: CaseState) -> Iterator[SagaStep]:
    if isinstance(state, PlaybookState):
        for effect in state.effects[-_EFFECTS:]:
            yield SagaStep(effect.what, "done" if effect.known else "not known", _undo_of(effect))
        yield from (SagaStep(what, "undone") for what in state.undone[-_EFFECTS:])
        return
    if isinstance(state, EscalationState):
        for action in state.billing_done:
            yield SagaStep(f"{action.kind.label} of {action.amount} {action.currency}", "done", "undone if withdrawn")
    if isinstance(state, ServedCaseState) and state.handoff is not None:
        yield from (SagaStep(what, "undone") for what in state.handoff.undone)


def _undo_of(effect: Effect) -> str:
    if not effect.needs_undo:
        return "nothing to undo"
    if effect.undo is not None:
        return "by the playbook's own undo"
    return f"by {effect.tool_undo.tool}" if effect.tool_undo is not None else "by hand"
