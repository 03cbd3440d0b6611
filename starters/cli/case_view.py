"""One case on a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from domain.cases.escalation import EscalationState
from domain.playbook.state import PlaybookState
from domain.sla.clocks import deadline
from domain.troubleshooting.state import IncidentState
from starters.cli import report
from starters.cli.case_parts import attempts_of, facts_table, timeline_lines, waits_of
from starters.cli.incident_view import incident_json, incident_page
from starters.cli.run_view import run_json, run_page
from starters.cli.words import ago, clock, due, label, one_line, sentences
from starters.folding import folded

if TYPE_CHECKING:
    from domain.cases.records import CaseRecord
    from domain.cases.state import CaseState
    from domain.cases.timeline import CaseMessage
    from starters.cases import Attempt

_MESSAGES = 6
_ENTRIES = 12


def put_state(
    workflow_id: str, state: CaseState, under_way: Sequence[Attempt] = (), *, as_json: bool, reveal: bool = False
) -> None:
    """Print a case that Temporal has.

    Args:
        workflow_id: of the case.
        state: of a support case, an incident or a run.
        under_way: the calls that it waits for.
        as_json: as JSON and nothing else.
        reveal: a run's arguments as they are.
    """
    if not as_json:
        report.console().print(page(workflow_id, state, under_way, reveal=reveal))
        return
    calls = [call.model_dump(mode="json") for call in under_way]
    if isinstance(state, PlaybookState):
        report.put_json({**run_json(workflow_id, state, reveal=reveal), "under_way": calls})
    elif isinstance(state, IncidentState):
        report.put_json({**incident_json(workflow_id, state), "under_way": calls})
    else:
        dumped = state.model_dump(mode="json", exclude={"policy"})
        report.put_json({"workflow_id": workflow_id, "kind": "escalation", **dumped, "under_way": calls})


def page(
    workflow_id: str, state: CaseState, under_way: Sequence[Attempt] = (), *, reveal: bool = False
) -> RenderableType:
    """Everything a person wants to know of a case, the most pressing first."""
    if isinstance(state, PlaybookState):
        return run_page(workflow_id, state, under_way, reveal=reveal)
    if isinstance(state, IncidentState):
        return incident_page(workflow_id, state, under_way)
    assert isinstance(state, EscalationState)  # noqa: S101  (the only other kind)
    return _escalation_page(workflow_id, state, under_way)


def put_record(record: CaseRecord, *, as_json: bool) -> None:
    """Print a case that only the store has."""
    if as_json:
        report.put_json(record)
        return
    report.note("Temporal keeps this case no longer; this is what the store has.")
    is_run, is_incident = record.kind == "playbook", record.kind == "troubleshooting"
    facts = [
        ("status", label(record.status)),
        ("subject", one_line(record.subject)),
        *(_run_facts(record) if is_run else _incident_facts(record) if is_incident else _escalation_facts(record)),
        ("opened", ago(record.opened_at)),
        ("closed", ago(record.closed_at)),
    ]
    name = record.case_id if is_incident else f"{'Run' if is_run else 'Case'} {record.case_id}"
    report.console().print(report.text(name, style="bold"), facts_table(facts))


def _escalation_facts(record: CaseRecord) -> Iterator[tuple[str, str]]:
    yield "triage", f"{label(record.category)}, priority {record.priority}, risk {record.risk}"
    yield "decision", f"{label(record.decision)} to {label(record.team)}"


def _incident_facts(record: CaseRecord) -> Iterator[tuple[str, str]]:
    for name in ("cause", "service", "change", "solution", "resolution"):
        yield name, one_line(str(record.details.get(name) or ""))


def _run_facts(record: CaseRecord) -> Iterator[tuple[str, str]]:
    details = record.details
    yield "playbook", f"{details.get('playbook') or record.category} {details.get('version') or ''}"
    for name in ("done", "unknown", "undone"):
        listed = details.get(name)
        yield name, ", ".join(str(what) for what in listed) if isinstance(listed, list) else ""
    error = details.get("error")
    yield "error", str(error.get("title") or error.get("type")) if isinstance(error, dict) else ""


def _escalation_page(workflow_id: str, state: EscalationState, under_way: Sequence[Attempt]) -> RenderableType:
    parts: list[RenderableType] = [
        Text.assemble((f"Case {state.case_number}", "bold"), "  ", (state.current_status().label, "bold")),
        facts_table(_about(workflow_id, state)),
    ]
    for title, lines in (
        ("Waits for a person", list(_waits(state))),
        ("Calls under way", list(attempts_of(under_way))),
        ("Conversation", [_spoken(message) for message in state.conversation[-_MESSAGES:]]),
    ):
        if lines:
            parts += [Text(), report.text(title, style="bold"), *(report.text(f"  {line}") for line in lines)]
    parts += [Text(), report.text("Timeline", style="bold"), timeline_lines(list(folded(state.timeline))[-_ENTRIES:])]
    return Group(*parts)


def _about(workflow_id: str, state: EscalationState) -> Iterator[tuple[str, str]]:
    ticket, customer = state.ticket, state.ticket.customer
    yield "subject", one_line(ticket.subject)
    yield "customer", ", ".join(filter(None, (customer.tier.label, customer.customer_id, customer.email)))
    yield "opened", f"{ago(state.opened_at)}, by {ticket.channel.label}"
    if state.classification is not None:
        kind = state.classification
        yield "triage", f"{kind.category.label}, priority {state.priority.value}, {kind.complexity.label}"
        yield "signals", ", ".join(signal.label for signal in kind.signals)
    if state.risk is not None:
        yield "risk", f"{state.risk.overall} of 100, frustration {state.frustration} of 100"
    if state.decision is not None:
        also = f", also told: {', '.join(map(label, state.decision.also_notify))}" if state.decision.also_notify else ""
        by = " (decided by rules: no model answered)" if state.degraded else ""
        to = "to" if state.decision.escalates else "so far, in the queue of"
        yield "decision", f"{state.decision.kind.label} {to} {label(state.decision.team)}{also}{by}"
        yield "because", sentences(state.decision.reasons)
    yield "incident", "; ".join(state.incident_lines)
    yield from _handoff(state)
    yield from _clocks(state)
    if state.is_resolved:
        how = one_line(state.outcome.resolution)
        yield "resolved", f"{ago(state.resolved_at)} by {state.outcome.resolved_by}: {how}"
    yield "workflow", workflow_id


def _clocks(state: EscalationState) -> Iterator[tuple[str, str]]:
    if state.policy is None or state.is_resolved:
        return
    team = state.decision.team if state.decision is not None else state.policy.immediate_team
    calendar = state.policy.calendar_of(team)
    for name, watched in state.clocks.items():
        yield f"{name.label} due", due(deadline(watched, calendar))


def _handoff(state: EscalationState) -> Iterator[tuple[str, str]]:
    if state.people_have_it and state.handoff is not None:
        how = ", by the emergency path" if state.handoff.emergency else ""
        yield "handed to", f"{label(state.handoff.team)} {ago(state.handoff.completed_at)}{how}"
        yield "claimed by", state.claim.claimed_by or "nobody yet"
    elif state.escalate_at is not None:
        yield "handoff", ago(state.escalate_at)


def _waits(state: EscalationState) -> Iterator[str]:
    for _, line in waits_of(state):
        yield line
    if state.people_have_it and state.claim.claimed_by is None and not state.is_resolved:
        yield f"a claim: surehand claim {state.case_number} --as PERSON"


def _spoken(message: CaseMessage) -> str:
    return f"{clock(message.at)}  {message.author}: {one_line(message.text, 160)}"
