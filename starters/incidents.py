"""Incidents from outside: open one with its evidence, ask about it, add to it, link tickets to it, close it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from domain.cases.messages import Accepted
from domain.errors import InvalidInput
from domain.ids import incident_number, kind_of, troubleshooting_workflow_id, workflow_id_for
from domain.model import Term, Value
from domain.ports.evidence import EvidenceStore
from domain.tickets.ticket import Priority
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.messages import (
    CloseIncidentInput,
    EvidenceInput,
    IncidentInput,
    IncidentReport,
    IncidentResult,
    LinkTicketInput,
    QueryInput,
)
from domain.troubleshooting.state import IncidentState
from integrations.evidence.kinds import HEAD_BYTES, is_text
from integrations.evidence.kinds import kind_of as evidence_kind_of
from integrations.evidence.store import EvidenceFolder
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import Settings
from starters.answers import INCIDENT_CLOSED, PATIENCE, answered_within
from workflows import search_attributes, sharing
from workflows.troubleshooting import TroubleshootingWorkflow

_PIECE_BYTES = 1_048_576
_UNSAID = Priority.HIGH
"""Trouble whose urgency nobody has said yet is looked at before the usual work."""


class OpenOutcome(Term):
    """What became of a report."""

    STARTED = "started"
    JOINED = "joined"
    """The incident was open already, and has the new evidence."""


class OpenedIncident(Value):
    """The answer to a report."""

    incident: str
    """`incident:ID`, as every command takes it."""
    workflow_id: str
    outcome: OpenOutcome
    text: str
    """One sentence for a person."""


def evidence_store(settings: Settings) -> EvidenceStore:
    """The folder that keeps evidence, as the settings say."""
    return EvidenceFolder(
        settings.evidence_dir,
        file_limit_bytes=settings.evidence.file_limit_bytes,
        tenant_limit_bytes=settings.evidence.tenant_limit_bytes,
    )


async def upload(store: EvidenceStore, tenant: str, path: Path, service: str | None = None) -> EvidenceRef:
    """Keep a file as evidence.

    Args:
        store: where.
        tenant: whose it is.
        path: of the file.
        service: whose logs these are, where the lines do not say.

    Raises:
        InvalidInput: it cannot be read, is no text, or is too large.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as problem:
        raise InvalidInput(f"{path} cannot be read ({problem.strerror or 'error'}): give another file.") from None
    if not is_text(head):
        raise InvalidInput(f"{path} is not text: give logs, metrics and records as text, packed with gzip or not.")
    reference, size = await store.put(tenant, path.name, _pieces(path))
    kind = evidence_kind_of(path.name, head)
    return EvidenceRef(reference=reference, name=path.name, kind=kind, size_bytes=size, service=service)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def incident_id_for(title: str, evidence: Sequence[EvidenceRef]) -> str:
    """An id made of what was reported, so that reporting the same twice is one incident."""
    content = "\x00".join([title, *sorted(one.reference for one in evidence)])
    return "INC-" + hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()[:8]


class Incidents:
    """Speaks to the incidents of one Temporal namespace.

    Args:
        client: connected.
        task_queue: of the workers.
        tenants: who may start anything.
        patience: how long one answer may take.
    """

    def __init__(self, client: Client, *, task_queue: str, tenants: Tenants, patience: timedelta = PATIENCE) -> None:
        self._client = client
        self._task_queue = task_queue
        self._tenants = tenants
        self._patience = patience

    async def open(self, tenant: str, report: IncidentReport) -> OpenedIncident:
        """Start an incident, or join the one that is open under its id.

        Raises:
            ConfigurationProblem: there is no such tenant.
            Refused: it has ended already.
            NotReachable: Temporal does not answer.
        """
        workflow_id = troubleshooting_workflow_id(tenant, report.incident_id)
        number = incident_number(report.incident_id)
        weight = self._tenants.share_of(tenant)
        try:
            async with answered_within(self._patience, changes=True):
                await self._client.start_workflow(
                    TroubleshootingWorkflow.run,
                    IncidentInput(tenant=tenant, report=report),
                    id=workflow_id,
                    task_queue=self._task_queue,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    search_attributes=search_attributes.at_incident_start(tenant),
                    static_summary="Incident",
                    static_details=f"Incident **{number}** of tenant {tenant}.",
                    priority=sharing.of_tenant(tenant, report.urgency or _UNSAID, weight=weight),
                )
        except WorkflowAlreadyStartedError:
            text = f"{number} was open already."
            if report.evidence:
                more = EvidenceInput(evidence=report.evidence, person_id=report.reported_by)
                text = f"{number} was open already. {(await self.add_evidence(tenant, number, more)).text}"
            return OpenedIncident(incident=number, workflow_id=workflow_id, outcome=OpenOutcome.JOINED, text=text)
        text = f"{number} is open."
        return OpenedIncident(incident=number, workflow_id=workflow_id, outcome=OpenOutcome.STARTED, text=text)

    async def state(self, tenant: str, incident: str) -> IncidentState:
        """Everything an incident knows."""
        async with answered_within(self._patience):
            return await self._handle(tenant, incident).query(TroubleshootingWorkflow.query_state)

    async def ask(self, tenant: str, incident: str, query: QueryInput) -> Accepted:
        """Ask about it; the same message id counts once."""
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            return await self._handle(tenant, incident).execute_update(
                TroubleshootingWorkflow.add_query, query, id=f"query-{query.message_id}"
            )

    async def add_evidence(self, tenant: str, incident: str, more: EvidenceInput) -> Accepted:
        """Give it more evidence."""
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            return await self._handle(tenant, incident).execute_update(TroubleshootingWorkflow.add_evidence, more)

    async def link(self, tenant: str, incident: str, link: LinkTicketInput) -> None:
        """Say that a ticket is about it."""
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            await self._handle(tenant, incident).signal(TroubleshootingWorkflow.link_ticket, link)

    async def close(self, tenant: str, incident: str, word: CloseIncidentInput) -> Accepted:
        """Say that it is over."""
        async with answered_within(self._patience, changes=True, closed=INCIDENT_CLOSED):
            return await self._handle(tenant, incident).execute_update(TroubleshootingWorkflow.close, word)

    async def result(self, tenant: str, incident: str, *, patience: timedelta) -> IncidentResult:
        """How it ended; waits for its end."""
        async with answered_within(patience):
            result: IncidentResult = await self._handle(tenant, incident).result()
        return result

    def _handle(self, tenant: str, incident: str) -> WorkflowHandle[TroubleshootingWorkflow, IncidentResult]:
        workflow_id = workflow_id_for(tenant, incident)
        if kind_of(workflow_id) != "troubleshooting":
            raise InvalidInput("An incident is named incident:ID: give it as `surehand incident open` showed it.")
        return self._client.get_workflow_handle_for(TroubleshootingWorkflow.run, workflow_id)
