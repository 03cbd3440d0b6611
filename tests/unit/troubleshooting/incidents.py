"""Incidents as tests need them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from domain.troubleshooting.evidence import Change, EvidenceKind, EvidenceRef, Finding, Findings, Sign
from domain.troubleshooting.hypotheses import (
    Diagnosis,
    FaultKind,
    Hypothesis,
    HypothesisStatus,
    TimelineEvent,
    Weighed,
)
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import BlastRadius, Service, Topology

NOW = datetime(2026, 3, 1, 14, 30, tzinfo=UTC)
ONSET = NOW - timedelta(minutes=30)
DEPLOYMENT = Change(
    change_id="CHG-7",
    at=ONSET - timedelta(minutes=2),
    kind="deployment",
    service="checkout",
    summary="Deploy checkout 4.2.0",
    version="4.2.0",
    before="4.1.9",
)


def piece(kind: EvidenceKind, number: int = 1, **more: Any) -> EvidenceRef:
    """An uploaded file."""
    name = f"{kind.value}-{number}"
    return EvidenceRef(reference=f"sha256:{name}", name=name, kind=kind, size_bytes=10, **more)


def incident(**more: Any) -> IncidentState:
    """One that was just reported."""
    report = IncidentReport.model_validate({"incident_id": "INC-1", "title": "Checkout fails", **more})
    return IncidentState.opened("acme", "incident:INC-1", report, NOW)


def suspect(
    service: str | None = "checkout", fault: FaultKind = FaultKind.BAD_DEPLOYMENT, posterior: float = 0.5, **more: Any
) -> Hypothesis:
    """A possible cause."""
    return Hypothesis.model_validate(
        {
            "hypothesis_id": f"{service}/{fault.value}",
            "service": service,
            "fault": fault,
            "sentence": f"{fault.label} of {service}",
            "prior": 0.1,
            "posterior": posterior,
            "evidence_for": (
                Weighed(text="New errors after the deployment", source="logs.analyse api.log", weight=2.1),
            ),
            "evidence_against": (Weighed(text="The database is slow too", weight=-0.4),),
            "refuted_by": "Errors that began before the deployment would refute it.",
            **more,
        }
    )


def diagnosed(state: IncidentState, *hypotheses: Hypothesis, accepted: bool = True) -> IncidentState:
    """With what the evidence says; the first hypothesis is the accepted one."""
    first = hypotheses[0]
    if accepted:
        first = first.model_copy(update={"status": HypothesisStatus.ACCEPTED})
    state.topology = Topology(
        services=(Service(name="checkout", health_url="http://checkout.example/health"), Service(name="gateway")),
        calls=(("gateway", "checkout"), ("checkout", "db")),
    )
    state.diagnosed(
        Diagnosis(
            hypotheses=(first, *hypotheses[1:]),
            accepted=first.hypothesis_id if accepted else None,
            why_not="" if accepted else "No logs of checkout were given.",
            onset=ONSET,
            timeline=(
                TimelineEvent(at=DEPLOYMENT.at, kind="change", service="checkout", text="4.2.0", before_onset=True),
                TimelineEvent(
                    at=ONSET, kind="symptom", service="checkout", text="Errors rose from 2 to 120 per minute"
                ),
            ),
            blast_radius=BlastRadius(
                affected=("checkout", "gateway"), at_risk=("web",), severity="high", scope="several services"
            ),
        )
    )
    return state


def found(state: IncidentState, *findings: Finding, changes: tuple[Change, ...] = (DEPLOYMENT,)) -> IncidentState:
    """With what a tool found."""
    call = state.record_call(
        "logs.analyse", {"n": state.call_count}, NOW, why="Look", outcome="3 findings", tool="logs.analyse"
    )
    state.observe(call, Findings(findings=findings, changes=changes, services=("checkout", "gateway", "db")))
    return state


def errors(service: str = "checkout", before: float = 2, after: float = 120, **more: Any) -> Finding:
    """Errors that rose."""
    return Finding.model_validate(
        {
            "sign": Sign.ERRORS,
            "service": service,
            "at": ONSET,
            "strength": 0.8,
            "text": f"Errors of {service} rose from {before:g} to {after:g} per minute",
            "numbers": {"before": before, "after": after},
            "source": "logs.analyse api.log lines 10-90",
            **more,
        }
    )
