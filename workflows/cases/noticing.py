"""Counts what happens to a case, by comparing what it shows now with what it showed before.

It goes through `workflow.metric_meter`, which is silent while a history is replayed, and it schedules nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain import measures
    from domain.cases.approval import ApprovalStatus
    from domain.cases.state import CaseState, ServedCaseState
    from domain.measures import Metric


@dataclass(frozen=True)
class _Seen:
    """What of a state is counted."""

    status: str
    phase: str
    first_response_at: datetime | None = None
    handed_over_at: datetime | None = None
    resolved_at: datetime | None = None
    sla_breaches: int = 0
    confidence: float | None = None
    parked: frozenset[tuple[str, datetime]] = frozenset()
    approvals: dict[str, ApprovalStatus] = field(default_factory=dict)


class Notices:
    """Of one run of one case."""

    def __init__(self, kind: str) -> None:
        """`kind` is a word for what the case is."""
        self._kind = kind
        self._before: _Seen | None = None

    def note(self, state: CaseState) -> None:
        """Count what is new since the last time."""
        seen = _seen_in(state)
        before, self._before = self._before, seen
        if before is None:
            # A run that goes on shows what the run before it has counted.
            if workflow.info().continued_run_id is not None:
                return
            self._count(measures.CASES_OPENED, tenant=state.tenant)
            before = _Seen(status="", phase="begin")
        self._moves(state, before, seen)
        self._times(state, before, seen)
        self._people(state, before, seen)

    def _moves(self, state: CaseState, before: _Seen, seen: _Seen) -> None:
        if seen.status != before.status:
            self._count(measures.CASE_STATUSES, tenant=state.tenant, status=seen.status)
        if seen.phase != before.phase:
            self._count(measures.PHASE_CHANGES, from_phase=before.phase, to_phase=seen.phase)
        for _ in range(seen.sla_breaches - before.sla_breaches):
            priority = getattr(state, "priority", None)
            self._count(measures.SLA_BREACHES, tenant=state.tenant, priority=getattr(priority, "value", "none"))
        if seen.confidence is not None and before.confidence is None:
            self._observe(measures.CONFIDENCE, seen.confidence)

    def _times(self, state: CaseState, before: _Seen, seen: _Seen) -> None:
        for metric, then, now in (
            (measures.FIRST_RESPONSE, before.first_response_at, seen.first_response_at),
            (measures.HANDOFF, before.handed_over_at, seen.handed_over_at),
            (measures.RESOLUTION, before.resolved_at, seen.resolved_at),
        ):
            if now is not None and now != then:
                self._observe(metric, (now - state.opened_at).total_seconds(), tenant=state.tenant)

    def _people(self, state: CaseState, before: _Seen, seen: _Seen) -> None:
        for _ in seen.parked - before.parked:
            self._count(measures.STEPS_PARKED, tenant=state.tenant)
        for request_id, status in seen.approvals.items():
            if request_id not in before.approvals:
                self._count(measures.APPROVALS_ASKED, tenant=state.tenant)
            if status is not ApprovalStatus.PENDING and before.approvals.get(request_id) is not status:
                waited = (workflow.now() - state.approvals[request_id].asked_at).total_seconds()
                self._observe(measures.APPROVAL_WAIT, waited, tenant=state.tenant, outcome=status.value)

    def _count(self, metric: Metric, **labels: str) -> None:
        workflow.metric_meter().create_counter(metric.name, metric.meaning).add(1, {**labels, "kind": self._kind})

    def _observe(self, metric: Metric, value: float, **labels: str) -> None:
        histogram = workflow.metric_meter().create_histogram_float(metric.name, metric.meaning)
        histogram.record(max(value, 0.0), {**labels, "kind": self._kind})


def _seen_in(state: CaseState) -> _Seen:
    served = state if isinstance(state, ServedCaseState) else None
    outcome = getattr(state, "outcome", None)
    handoff = served.handoff if served is not None else None
    return _Seen(
        status=state.current_status().value,
        phase=state.phase,
        first_response_at=getattr(outcome, "first_response_at", None),
        handed_over_at=handoff.completed_at if handoff is not None else None,
        resolved_at=served.resolved_at if served is not None else None,
        sla_breaches=served.sla_breaches if served is not None else 0,
        confidence=_confidence(state),
        parked=frozenset((step, parked.parked_at) for step, parked in state.parked.items()),
        approvals={name: request.status for name, request in state.approvals.items()},
    )


def _confidence(state: CaseState) -> float | None:
    """Of an incident's cause, or of a ticket's triage."""
    cause = getattr(state, "cause", None)
    if cause is not None:
        return float(cause.posterior)
    classification = getattr(state, "classification", None)
    return float(classification.confidence) if classification is not None else None
