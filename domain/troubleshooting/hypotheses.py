"""Hypotheses: what may have caused an incident, and what the evidence says of each."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import Term, Value
from domain.troubleshooting.evidence import Change, Finding
from domain.troubleshooting.topology import BlastRadius, Topology


class FaultKind(Term):
    """What can be wrong with a service."""

    BAD_DEPLOYMENT = "bad_deployment"
    BAD_CONFIGURATION = "bad_configuration"
    CONNECTION_POOL = "connection_pool"
    CERTIFICATE = "certificate"
    MEMORY_LEAK = "memory_leak"
    SLOW_DEPENDENCY = "slow_dependency"
    DISK_FULL = "disk_full"
    TRAFFIC_SURGE = "traffic_surge"
    CLOCK_SKEW = "clock_skew"
    DNS_FAILURE = "dns_failure"
    CPU_SATURATION = "cpu_saturation"
    CRASH_LOOP = "crash_loop"
    OUTAGE = "outage"
    """It does not answer, and nothing says why."""
    PERMISSION = "permission"
    SCHEDULING = "scheduling"
    DATA = "data"
    """A record, schema, lock or query."""
    QUEUE_BACKLOG = "queue_backlog"
    UNKNOWN = "unknown"


class HypothesisStatus(Term):
    """What came of it."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUTED = "refuted"
    """Stays visible."""


class Weighed(Value):
    """One finding and what it says of a hypothesis."""

    text: str
    source: str = ""
    weight: float
    """In nats: how much more likely (positive) or less likely (negative) it makes the hypothesis; ln of the ratio."""


class Hypothesis(Value):
    """One possible cause."""

    hypothesis_id: str
    """`checkout/bad_deployment` or `checkout/bad_deployment/CHG-7`: the same cause has the same id in every round."""
    service: str | None
    fault: FaultKind
    change: Change | None = None
    """What brought it about."""
    sentence: str
    """For people: "Deployment 4.2.0 of checkout at 14:02 introduced errors.\""""
    prior: float = Field(ge=0, le=1)
    posterior: float = Field(ge=0, le=1)
    evidence_for: tuple[Weighed, ...] = ()
    evidence_against: tuple[Weighed, ...] = ()
    refuted_by: str = ""
    """The test that would refute it, for people; and what was found, once it was made."""
    status: HypothesisStatus = HypothesisStatus.OPEN


class Supposition(Value):
    """What a language model supposes. It is a hint and no evidence: see `reasoning.supposed`."""

    service: str
    """One that the evidence names."""
    fault: FaultKind
    cites: int = Field(ge=0)
    """Findings about that service that the model named as its reasons."""
    because: str = Field(default="", max_length=300)
    """In the model's words, for people."""
    made_by: str = ""
    """The provider that answered."""


class TimelineEvent(Value):
    """Something that happened to the system."""

    at: datetime
    kind: str
    """`change`, `symptom`, `alert`, `person`, `restored`."""
    service: str | None = None
    text: str
    before_onset: bool = False
    """A change shortly before the onset: worth a look."""


class Diagnosis(Value):
    """What all evidence together says."""

    hypotheses: tuple[Hypothesis, ...] = ()
    """The most likely first; refuted ones last."""
    accepted: str | None = None
    """Id of the one that the evidence carries; None when none does, and then nothing is claimed."""
    why_not: str = ""
    """Why none is accepted: what is missing or contradicts."""
    onset: datetime | None = None
    timeline: tuple[TimelineEvent, ...] = ()
    blast_radius: BlastRadius = BlastRadius()
    also: tuple[str, ...] = ()
    """Ids of further hypotheses that hold beside the accepted one: a second, independent fault."""

    def find(self, hypothesis_id: str | None) -> Hypothesis | None:
        """A hypothesis by its id."""
        return next((one for one in self.hypotheses if one.hypothesis_id == hypothesis_id), None)


class Known(Value):
    """Everything that is known of an incident when it is diagnosed."""

    description: str = ""
    opened_at: datetime
    findings: tuple[Finding, ...] = ()
    denied: tuple[Finding, ...] = ()
    """Symptoms that were looked for and are not there."""
    changes: tuple[Change, ...] = ()
    topology: Topology = Topology()
    observed: tuple[str, ...] = ()
    """Services whose own logs or metrics were read, well or not; empty when nobody kept note of it."""
    begins: datetime | None = None
    """From when on there is evidence."""
    ends: datetime | None = None
    refuted: tuple[str, ...] = ()
    """Ids of hypotheses that a person or a failed fix refuted."""
    rejected: tuple[str, ...] = ()
    """What people said when they rejected a solution; words that name a service or a fault count against it."""
    supposed: tuple[Supposition, ...] = ()
    """What a language model supposes, where one was asked."""
