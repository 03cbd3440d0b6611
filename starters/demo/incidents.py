"""The demo's incidents: what is reported with which evidence, and what people do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.ids import incident_number, troubleshooting_workflow_id
from domain.ports.evidence import EvidenceStore
from domain.tickets.ticket import Priority
from domain.troubleshooting.messages import IncidentReport, IncidentResult, LinkTicketInput
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.report import markdown
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import SHIPPED_CONFIG
from starters.cases import Cases
from starters.demo.acts import Act, Claim, Decide
from starters.demo.evidence import rebased
from starters.demo.incident_acts import AddEvidence, FixByHand, TimePasses
from starters.demo.scenery import Scenery
from starters.incidents import Incidents, upload

SAMPLES = Path(__file__).resolve().parent.parent / "samples" / "incidents"
_REPORTER = "p-noor"


@dataclass
class IncidentRole:
    """One incident of the demo."""

    report: IncidentReport
    evidence: Path
    """Folder; what lies in folders inside it comes later."""
    tenant: str
    tickets: tuple[str, ...] = ()
    """Tickets of the demo that are about it."""
    script: Sequence[Act[IncidentState]] = ()
    state: IncidentState | None = None
    """As last seen."""
    result: IncidentResult | None = None
    """Once it has ended."""
    acted: int = 0
    problem: str = ""
    said: list[str] = field(default_factory=list)
    """What people did about it."""
    post_mortem: Path | None = None
    """Where it was written."""

    @property
    def name(self) -> str:
        """`incident:ID`."""
        return incident_number(self.report.incident_id)

    @property
    def workflow_id(self) -> str:
        """In Temporal's web UI."""
        return troubleshooting_workflow_id(self.tenant, self.report.incident_id)

    async def look(self, cases: Cases, tenant: str) -> IncidentState:
        """See how it stands."""
        state = await cases.state(tenant, self.name)
        assert isinstance(state, IncidentState)  # noqa: S101  (its id says so)
        self.state = state
        return state

    async def conclude(self, cases: Cases, tenant: str, task_queue: str) -> None:
        """Take its result, once it has ended."""
        incidents = Incidents(cases.client, task_queue=task_queue, tenants=Tenants((SHIPPED_CONFIG,)))
        self.result = await incidents.result(tenant, self.name, patience=timedelta(seconds=15))

    def acting(self, act: Act[IncidentState]) -> None:
        """Remember what a person did."""
        self.said.append(act.words)

    async def open(self, incidents: Incidents, store: EvidenceStore) -> None:
        """Upload its evidence, report it, and say which tickets are about it."""
        files = sorted(path for path in self.evidence.iterdir() if path.is_file())
        refs = [await upload(store, self.tenant, file) for file in files]
        await incidents.open(self.tenant, self.report.model_copy(update={"evidence": tuple(refs)}))
        for ticket in self.tickets:
            word = LinkTicketInput(ticket_id=ticket, person_id=_REPORTER)
            await incidents.link(self.tenant, self.name, word)

    def write_post_mortem(self, folder: Path) -> None:
        """Export it, as `surehand incident export` does."""
        if self.state is not None:
            self.post_mortem = folder / f"{self.report.incident_id}.md"
            self.post_mortem.write_text(markdown(self.state), "utf-8")


def demo_incidents(
    tenant: str, folder: Path, *, scenery: Scenery, incidents: Incidents, store: EvidenceStore
) -> list[IncidentRole]:
    """What breaks in the demo.

    Args:
        tenant: whose incidents they are.
        folder: for the evidence, whose times are moved to now; does not exist yet.
        scenery: the systems that they are about.
        incidents: connected.
        store: keeps the evidence.
    """
    evidence = rebased(SAMPLES, folder, datetime.now(UTC))
    later = tuple(sorted((evidence / "mails-missing" / "later").iterdir()))

    def role(
        name: str, title: str, urgency: Priority, *script: Act[IncidentState], tickets: tuple[str, ...] = ()
    ) -> IncidentRole:
        report = IncidentReport(incident_id=name, title=title, reported_by=_REPORTER, urgency=urgency)
        return IncidentRole(report, evidence / name, tenant, tickets=tickets, script=script)

    return [
        role(
            "search-errors",
            "Every third search ends on an error page",
            Priority.HIGH,
            Decide("p-ruth", reason="Nothing was written in a new form: v3 can come back."),
            Decide("p-lena", reason="That is what we know."),
            tickets=("TICK-SEARCH-001",),
        ),
        role(
            "payments-failing",
            "Payments fail at the checkout",
            Priority.CRITICAL,
            Decide("p-omar", reason="v8 went out two minutes before."),
            # Whatever starts payments empties its pool, so that it is well for a minute. The systems of all incidents
            # share one clock, so no other one lets time pass.
            TimePasses(scenery, "S1", 12),
            Decide("p-ivan", reason="So it was the smaller pool."),
            TimePasses(scenery, "S2", 12),
        ),
        role(
            "mails-missing",
            "Customers get no confirmation of their orders",
            Priority.HIGH,
            Claim("p-ivan"),
            AddEvidence("p-ivan", later, incidents, store),
            Decide("p-ruth", reason="Renew it."),
            FixByHand("p-ivan", scenery, "notifications"),
        ),
    ]
