"""The facts at the head of a case's page: what it is, why it went as it did, who has it, what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.cases.escalation import EscalationState
from domain.cases.records import CaseRecord
from domain.cases.state import CaseState, ServedCaseState
from domain.playbook.state import PlaybookState
from domain.troubleshooting.looks import Look
from domain.troubleshooting.state import IncidentState
from starters.cli.words import ago, label, reach_of, sentences, times

_VERSION = 12

Who = Callable[[str], str]
"""The name of a person by their id."""
Facts = Iterator[tuple[str, str]]


def facts_of(workflow_id: str, state: CaseState, who: Who) -> tuple[tuple[str, str], ...]:
    """Names and values; what has no value is left out."""
    return tuple((name, value) for name, value in _facts_of(workflow_id, state, who) if value)


def facts_of_record(record: CaseRecord) -> tuple[tuple[str, str], ...]:
    """The same of a case that only the store has."""
    return tuple((name, value) for name, value in _of_record(record) if value)


def title_of(state: CaseState) -> str:
    """What a case is about."""
    if isinstance(state, EscalationState):
        return state.ticket.subject
    if isinstance(state, IncidentState):
        return state.report.title
    if not isinstance(state, PlaybookState) or state.opened is None:
        return state.case_number
    document = state.opened.definition.get("document")
    title = document.get("title") if isinstance(document, dict) else None
    return title if isinstance(title, str) and title else state.name


def _facts_of(workflow_id: str, state: CaseState, who: Who) -> Facts:
    if isinstance(state, EscalationState):
        yield from _of_ticket(state, who)
    elif isinstance(state, IncidentState):
        yield from _of_incident(state, who)
    elif isinstance(state, PlaybookState):
        yield from _of_run(state, who)
    if isinstance(state, EscalationState | IncidentState) and state.model_cost:
        yield "model cost", f"{state.model_cost:.4f}"
    if state.policy is not None:
        yield "configuration", f"version {state.policy.version[:_VERSION]}"
    yield "continued", times(getattr(state, "runs", 1) - 1)
    yield "workflow", workflow_id


def _of_ticket(state: EscalationState, who: Who) -> Facts:
    ticket, kind, decision = state.ticket, state.classification, state.decision
    customer = ticket.customer
    yield "customer", ", ".join(filter(None, (customer.name, customer.tier.label, customer.customer_id)))
    yield "reached by", customer.email or "no address: answers cannot be sent"
    yield "contacts before", f"{customer.previous_tickets} tickets" if customer.previous_tickets else ""
    yield "opened", f"{ago(state.opened_at)}, by {ticket.channel.label}"
    yield "tags", ", ".join(ticket.tags)
    if kind is not None:
        yield "triage", f"{kind.category.label}, priority {state.priority.value}, {kind.complexity.label}"
        yield "sure of it", f"{kind.confidence:.0%}"
        yield "signals", ", ".join(signal.label for signal in kind.signals)
        yield "triaged because", sentences(kind.reasons)
    if state.analysis is not None:
        yield "customer's tone", f"{state.analysis.tone.label}, frustration {state.frustration} of 100"
    if state.strategy is not None:
        yield "handled", f"{state.strategy.approach.label}, within {state.strategy.estimated_resolution}"
    if decision is not None:
        to = "to" if decision.escalates else "so far, in the queue of"
        yield "decision", f"{decision.kind.label} {to} {label(decision.team)}"
        yield "decided by", _decided_by(state)
        yield "because", sentences(decision.reasons)
        yield "also told", ", ".join(map(label, decision.also_notify))
        yield "to do", sentences([*decision.recommended_actions, *decision.special_instructions])
    yield "asked for by a person", state.escalation_asked
    yield "last answer", ago(state.last_word_at)
    yield "asked again", ago(state.follow_up_at) if not state.followed_up else ""
    if state.escalate_at is not None and not state.people_have_it:
        yield "handoff", ago(state.escalate_at)
    # Where the page has a form, it names no command.
    yield "incident", "; ".join(line.partition(": surehand ")[0] for line in state.incident_lines)
    yield "not about", ", ".join(state.not_incidents)
    yield from _handoff(state, who)
    outcome = state.outcome
    if state.is_resolved:
        yield "resolved", f"{ago(state.resolved_at)} by {who(outcome.resolved_by)}: {outcome.resolution}"
    yield "reopened", times(outcome.reopened)
    yield "ratings of 5", ", ".join(map(str, outcome.ratings))
    yield "comments", sentences(outcome.comments)


def _decided_by(state: EscalationState) -> str:
    decision = state.decision
    if decision is None:
        return ""
    by = "rules: no model answered" if state.degraded else " ".join((decision.origin.provider, decision.origin.model))
    rules = f"; rules that always win: {', '.join(map(label, decision.hard_rules))}" if decision.hard_rules else ""
    overridden = "; the rules overrode the model" if decision.overridden else ""
    return f"{by.strip()}, {decision.confidence:.0%} sure{rules}{overridden}"


def _of_incident(state: IncidentState, who: Who) -> Facts:
    report, kind = state.report, state.classification
    yield "reported", f"{ago(report.reported_at or state.opened_at)}, by {who(report.reported_by)}"
    yield "description", report.description
    yield "service", report.service or ""
    yield "customer", report.customer_id or ""
    yield "priority", state.priority.label
    yield "phase", state.trouble_phase.label
    if kind is not None:
        yield "about", f"{kind.intent.label}, {kind.domain.label}, {kind.complexity.label}"
        yield "triaged because", sentences(kind.reasons)
    if state.diagnosis is not None:
        radius = state.diagnosis.blast_radius
        yield "onset", ago(state.diagnosis.onset) or "not known"
        yield "reach", reach_of(radius, most=12)
    spent, most = state.spent, state.budget
    yield (
        "spent",
        f"{spent.iterations} of {most.iterations} rounds, {spent.tool_calls} of {most.tool_calls} tool calls, "
        f"{spent.model_calls} of {most.model_calls} model calls",
    )
    yield "people", state.escalated_because
    yield from _handoff(state, who)
    yield "resolution", f"{state.resolution} ({who(state.resolved_by)})" if state.resolved_by else state.resolution
    yield "reopened", times(state.reopened)
    yield "confirmed by a person", state.confirmed_cause or ""
    yield "a model wants to know", "; ".join(map(_look, state.looks))
    yield "lesson", state.knowledge_id or ""
    yield "told the customers", state.news or ("nothing: people refused it" if state.news_refused else "")


def _look(look: Look) -> str:
    return " ".join(filter(None, (look.kind.label, look.service, look.metric, look.text)))


def _of_run(state: PlaybookState, who: Who) -> Facts:
    yield "playbook", f"{state.name} {state.opened.version if state.opened is not None else '(not opened yet)'}"
    yield "opened", f"{ago(state.opened_at)}, by {who(state.started_by)}"
    yield "customer", state.customer_id or ""
    if state.waiting_for_event:
        yield "listens", f"{state.waiting_for_event} tasks wait for an event"
    yield "counted towards limits", ", ".join(f"{label(name)} {value:g}" for name, value in state.totals.items())
    yield "held", "all is done; the case that started it has not said yet whether it stays" if state.held else ""
    if state.kept is not None:
        yield "kept" if state.kept else "not kept", state.kept_because
    yield "stopped by", state.stopped_by
    yield "guardrails", "a text looked like instructions; it is treated as data" if state.suspicious_text else ""
    if isinstance(state.error, dict):
        what = state.error.get("title") or state.error.get("type")
        yield "error", f"{state.error.get('status')} {what} at {state.error.get('instance')}"


def _handoff(state: ServedCaseState, who: Who) -> Facts:
    if state.people_have_it and state.handoff is not None:
        how = ", by the emergency path" if state.handoff.emergency else ""
        yield "handed to", f"{label(state.handoff.team)} {ago(state.handoff.completed_at)}{how}"
        claim = state.claim
        since = f", {ago(claim.claimed_at)}" if claim.claimed_at is not None else ""
        yield "claimed by", f"{who(claim.claimed_by)}{since}" if claim.claimed_by else "nobody yet"
        yield "claims that ran out", str(claim.expired_claims or "")
        yield "left to do by hand", "; ".join(state.handoff.left_undone)


def _of_record(record: CaseRecord) -> Facts:
    yield "category", label(record.category)
    yield "priority", record.priority or ""
    yield "decision", label(record.decision)
    yield "team", label(record.team)
    yield "claimed by", record.claimed_by or ""
    yield "customer", record.customer_ref or ""
    yield "opened", ago(record.opened_at)
    yield "resolved", ago(record.resolved_at)
    yield "closed", ago(record.closed_at)
    for name, value in record.details.items():
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield label(name), str(value)
        elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
            yield label(name), "; ".join(map(str, value))
    yield "workflow", record.workflow_id
