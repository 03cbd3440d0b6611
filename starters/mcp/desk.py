"""What an MCP client may ask of one tenant: to read cases and playbooks, and to start playbooks where it is allowed."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from temporalio.client import WorkflowExecutionStatus

from domain.cases.messages import Accepted
from domain.errors import InvalidInput, Refused, UnknownCase
from domain.ids import check_tenant, escalation_workflow_id_for, kind_of, workflow_id_for
from domain.model import JsonValue, Value
from domain.playbook.messages import PlaybookInput
from domain.playbook.schema_check import problem_with
from domain.ports.cases import CaseStore
from domain.tools.tool import canonical
from domain.troubleshooting.state import IncidentState
from integrations.playbooks.library import FolderLibrary, Shelved
from starters.answers import PATIENCE, answered_within
from starters.case_list import CaseFilter, CaseRow, list_cases, open_approvals
from starters.cases import Cases
from starters.mcp.incident_views import IncidentView, incident_view
from starters.mcp.views import ApprovalView, CaseView, RunView, approval_view, case_view, record_view, run_view
from starters.playbooks import Playbooks, Start
from starters.ticket_links import TicketLinks
from workflows.playbook import PlaybookWorkflow

MOST_CASES = 200
_LARGEST_INPUT = 200_000
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


class PlaybookRow(Value):
    """One playbook in a list."""

    name: str
    version: str
    title: str
    can_run: bool


class PlaybookView(Value):
    """One playbook."""

    name: str
    version: str
    title: str
    definition: dict[str, JsonValue]
    input_schema: JsonValue = None


class Desk:
    """Answers for one tenant and no other.

    Args:
        cases: connected.
        playbooks: starts runs.
        library: of playbooks.
        tenant: whose; fixed for as long as the server runs.
        open_store: opens the store, or says that there is none.
        may_start: whether clients may start playbooks.
    """

    def __init__(
        self,
        cases: Cases,
        playbooks: Playbooks,
        library: FolderLibrary,
        *,
        tenant: str,
        open_store: Callable[[], Awaitable[CaseStore | None]],
        may_start: bool = False,
    ) -> None:
        self.tenant = check_tenant(tenant)
        self.may_start = may_start
        self._cases = cases
        self._playbooks = playbooks
        self._library = library
        self._open_store = open_store

    async def cases(
        self,
        *,
        kind: str = "escalation",
        status: str | None,
        team: str | None = None,
        category: str | None = None,
        priority: str | None = None,
        limit: int,
    ) -> list[CaseRow]:
        """Cases of a kind, newest first."""
        wanted = CaseFilter(
            tenant=self.tenant, kind=kind, status=status, team=team, category=category, priority=priority
        )
        most = max(1, min(limit, MOST_CASES))
        return await list_cases(self._cases.client, wanted, limit=most, open_store=self._open_store)

    async def case(self, name: str) -> CaseView:
        """One case, from Temporal or, once that has forgotten it, from the store."""
        workflow_id = escalation_workflow_id_for(self.tenant, _short(name))
        try:
            return case_view(workflow_id, await self._cases.escalation(self.tenant, workflow_id))
        except UnknownCase:
            store = await self._open_store()
            record = await store.find_case(workflow_id, tenant=self.tenant) if store is not None else None
            if record is None:
                raise
            return record_view(record)

    async def incident(self, name: str) -> IncidentView:
        """One incident that Temporal has."""
        workflow_id = workflow_id_for(self.tenant, _short(name))
        if kind_of(workflow_id) != "troubleshooting":
            raise InvalidInput("An incident is named incident:ID: give it as list_incidents gives it.")
        state = await self._cases.state(self.tenant, workflow_id)
        assert isinstance(state, IncidentState)  # noqa: S101  (by its id)
        return incident_view(workflow_id, state)

    async def approvals(self) -> list[ApprovalView]:
        """What waits for people."""
        found = await open_approvals(self._cases, self.tenant)
        return [approval_view(approval.case, approval.request) for approval in found]

    def shelf(self) -> list[PlaybookRow]:
        """The tenant's playbooks."""
        return [
            PlaybookRow(name=each.name, version=each.version, title=each.title, can_run=each.definition is not None)
            for each in self._library.shelf(self.tenant)
        ]

    def playbook(self, name: str, version: str | None) -> PlaybookView:
        """One playbook that can run."""
        shelved = self._shelved(name, version)
        definition = self._library.definition_of(shelved)
        return PlaybookView(
            name=shelved.name,
            version=shelved.version,
            title=shelved.title,
            definition=definition,
            input_schema=_input_schema(definition),
        )

    def document(self, name: str) -> str:
        """A playbook as its author wrote it."""
        return self._shelved(name, None).path.read_text("utf-8")

    async def run(self, name: str) -> RunView:
        """One run of a playbook."""
        workflow_id = workflow_id_for(self.tenant, _short(name))
        if kind_of(workflow_id) != "playbook":
            raise InvalidInput("A run is named NAME:KEY: give it as start_playbook returned it.")
        handle = self._cases.client.get_workflow_handle_for(PlaybookWorkflow.run, workflow_id)
        async with answered_within(PATIENCE):
            state = await handle.query(PlaybookWorkflow.query_state)
            ended = (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED
            result = await handle.result() if ended else None
        return run_view(workflow_id, state, result)

    async def start(
        self, name: str, *, key: str, data: JsonValue, version: str | None, customer_id: str | None, client: str
    ) -> Start:
        """Start a playbook; the same key and input once more give the same run.

        Args:
            name: of a playbook in the library.
            key: tells runs apart.
            data: what goes in.
            version: the newest when None.
            customer_id: for limits per customer.
            client: what the client calls itself.

        Raises:
            Refused: this server was not told to allow it, or the key belongs to another input.
            InvalidInput: there is no such playbook, or the input is not what it asks for.
        """
        self._refuse_to_start("Playbooks cannot be started here")
        if not _KEY.match(key):
            raise InvalidInput("A key has 1 to 64 letters, digits, dots, dashes or underscores: correct it.")
        if len(canonical(data)) > _LARGEST_INPUT:
            raise InvalidInput(f"An input takes at most {_LARGEST_INPUT:,} bytes: shorten it.")
        found = self.playbook(name, version)
        problem = problem_with(found.input_schema, data)
        if problem is not None:
            raise InvalidInput(f"The input does not fit the playbook {found.name} ({problem}): see show_playbook.")
        return await self._playbooks.start(
            PlaybookInput(
                tenant=self.tenant,
                name=found.name,
                key=key,
                version=found.version or None,
                input=data,
                started_by=requester(client),
                customer_id=customer_id,
            )
        )

    async def open_incident(self, case: str, *, client: str) -> Accepted:
        """Open an incident from a ticket."""
        self._refuse_to_start("Incidents cannot be opened here")
        return await TicketLinks(self._cases).open(self.tenant, _short(case), requester(client))

    async def join_incident(self, case: str, incident: str, *, client: str) -> Accepted:
        """Say which incident a ticket is about."""
        self._refuse_to_start("Tickets cannot be linked here")
        return await TicketLinks(self._cases).join(self.tenant, _short(case), _short(incident), requester(client))

    def _refuse_to_start(self, what: str) -> None:
        if not self.may_start:
            raise Refused(f"{what}: run `surehand mcp` with --allow-start to allow it.")

    def names(self) -> Sequence[str]:
        """Names of the playbooks."""
        return self._library.names(self.tenant)

    def _shelved(self, name: str, version: str | None) -> Shelved:
        return self._library.shelved(self.tenant, _short(name), version)


def requester(client: str) -> str:
    """Who a run was started by: what the client calls itself, as an id. It is a claim, and gives no right."""
    return f"mcp:{_ODD.sub('-', client)[:40].strip('-') or 'unnamed'}"


def _input_schema(definition: dict[str, JsonValue]) -> JsonValue:
    given = definition.get("input")
    return given.get("schema") if isinstance(given, dict) else None


def _short(name: str) -> str:
    if not 1 <= len(name.strip()) <= 300 or not name.isprintable():
        raise InvalidInput("A name has 1 to 300 characters that can be printed: correct it.")
    return name.strip()
