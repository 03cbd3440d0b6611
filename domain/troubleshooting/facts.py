"""What an incident knows, and what follows from it. Serialised it stays below 200 KB; continue-as-new carries it on."""

from __future__ import annotations

from pydantic import Field

from domain.cases.terms import Status
from domain.tickets.ticket import Priority
from domain.troubleshooting.budget import Budget, Spent
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.hypotheses import Diagnosis, Hypothesis, HypothesisStatus, Known, Supposition
from domain.troubleshooting.incident import IncidentClassification, IncidentReport, RejectedSolution, Solution
from domain.troubleshooting.linked import TicketsState
from domain.troubleshooting.looks import Look
from domain.troubleshooting.records import (
    CallMade,
    ExecutionState,
    FallbackUse,
    MonitoringState,
    Observed,
    PhaseTransition,
    QueryRecord,
)
from domain.troubleshooting.terms import TroublePhase
from domain.troubleshooting.topology import Topology

_LOOKS_AT_SERVICES = frozenset({"logs.analyse", "metrics.analyse", "metrics.watch"})
"""Capabilities whose findings name the services that they looked at themselves."""

_STATUS_OF = {
    TroublePhase.INTAKE_CLASSIFICATION: Status.TRIAGING,
    TroublePhase.EXECUTE_SOLUTION: Status.RUNNING,
    TroublePhase.MONITOR_OUTCOME: Status.MONITORING,
}


class IncidentFacts(TicketsState):
    """Everything an incident knows; `IncidentState` adds how it comes to know it."""

    KEPT_MARKS = 500

    report: IncidentReport
    phase: str = TroublePhase.INTAKE_CLASSIFICATION.value
    classification: IncidentClassification | None = None
    transitions: list[PhaseTransition] = Field(default_factory=list)
    evidence: list[EvidenceRef] = Field(default_factory=list)
    """All that was uploaded, at the start and later."""

    observed: list[Observed] = Field(default_factory=list)
    topology: Topology = Topology()
    calls: list[CallMade] = Field(default_factory=list)
    call_count: int = 0
    diagnosis: Diagnosis | None = None
    refuted: list[str] = Field(default_factory=list)
    """Ids of hypotheses that a person or a failed solution refuted."""
    confirmed_cause: str | None = None
    """Id of the hypothesis that a person confirmed."""
    supposed: list[Supposition] = Field(default_factory=list)
    """What a language model supposes, as of its last answer."""
    looks: list[Look] = Field(default_factory=list)
    """What a language model wants to know."""
    shown_to_model: list[str] = Field(default_factory=list)
    """Digests of the material that a model was asked about."""

    capabilities: tuple[str, ...] | None = None
    """Of the tools that only look here; None when nobody knows."""

    budget: Budget = Budget()
    spent: Spent = Field(default_factory=Spent)
    model_cost: float = 0.0

    solutions: list[Solution] = Field(default_factory=list)
    """The latest last."""
    solution_count: int = 0
    rejected: list[RejectedSolution] = Field(default_factory=list)
    execution: ExecutionState | None = None
    monitoring: MonitoringState | None = None

    queries: list[QueryRecord] = Field(default_factory=list)
    query_count: int = 0
    fallbacks: list[FallbackUse] = Field(default_factory=list)

    escalated_because: str = ""
    """Why people were asked to take over; empty while nobody was."""
    reopened: int = 0
    resolution: str = ""
    resolved_by: str = ""
    knowledge_id: str | None = None
    """Of the entry that the incident left in the knowledge library."""
    runs: int = 1

    @property
    def triaged_priority(self) -> Priority | None:
        """What words and reporter say, whichever is more pressing; None while neither says anything."""
        said = [self.report.urgency, self.classification.urgency if self.classification is not None else None]
        return min((one for one in said if one is not None), key=lambda one: one.rank, default=None)

    @property
    def awaits_triage(self) -> bool:
        """Whether nobody has classified it so far."""
        return self.classification is None

    @property
    def priority(self) -> Priority:
        """How soon, as of now; the case's clocks run by it."""
        return self.triaged_priority or Priority.MEDIUM

    @property
    def trouble_phase(self) -> TroublePhase:
        """The phase, as a word of the vocabulary."""
        return TroublePhase(self.phase)

    @property
    def cause(self) -> Hypothesis | None:
        """The hypothesis that a person confirmed, or that the evidence carries; None while there is none."""
        if self.diagnosis is None:
            return None
        return self.diagnosis.find(self.confirmed_cause or self.diagnosis.accepted)

    @property
    def open_hypotheses(self) -> tuple[Hypothesis, ...]:
        """Those that nothing decided yet, the most likely first."""
        known = self.diagnosis.hypotheses if self.diagnosis is not None else ()
        return tuple(one for one in known if one.status is HypothesisStatus.OPEN)

    @property
    def solution(self) -> Solution | None:
        """The latest one that was proposed and not rejected."""
        rejected = {one.solution_id for one in self.rejected}
        return next((one for one in reversed(self.solutions) if one.solution_id not in rejected), None)

    @property
    def open_query(self) -> QueryRecord | None:
        """The oldest question without an answer."""
        return next((query for query in self.queries if query.is_open), None)

    def known(self) -> Known:
        """Everything that a diagnosis goes by."""
        # Records of changes reach back for days, and say nothing of how the services were.
        telling = [one for one in self.observed if one.capability != "changes.read"]
        starts = [one.begins for one in telling if one.begins is not None]
        ends = [one.ends for one in telling if one.ends is not None]
        changes = {change.change_id: change for one in self.observed for change in one.changes}
        return Known(
            description=self.report.text,
            opened_at=self.report.reported_at or self.opened_at,
            findings=tuple(finding for one in self.observed for finding in one.findings),
            denied=tuple(finding for one in self.observed for finding in one.denied),
            changes=tuple(sorted(changes.values(), key=lambda change: change.at)),
            topology=self.topology.joined(
                [name for one in self.observed for name in one.services],
                [call for one in self.observed for call in one.calls],
            ),
            observed=tuple(
                sorted({name for one in telling if one.capability in _LOOKS_AT_SERVICES for name in one.services})
            ),
            begins=min(starts, default=None),
            ends=max(ends, default=None),
            refuted=tuple(self.refuted),
            supposed=tuple(self.supposed),
            rejected=tuple(one.reason for one in self.rejected if one.by != "surehand"),
        )

    def _status_at_work(self) -> Status:
        return _STATUS_OF.get(self.trouble_phase, Status.INVESTIGATING)
