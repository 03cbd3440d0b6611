"""Starting playbooks, stopping them, and bringing them events."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import CancelledError, WorkflowAlreadyStartedError

from domain.cases.messages import AbortInput, Accepted
from domain.errors import InvalidInput, Refused
from domain.ids import case_id, kind_of, playbook_workflow_id, workflow_id_for
from domain.model import JsonValue, Term, Value
from domain.playbook.messages import CloudEvent, PlaybookInput, PlaybookResult
from domain.tools.tool import canonical
from runtime.configuration.tenants import Tenants
from starters.answers import PATIENCE, answered_within
from workflows import search_attributes, sharing
from workflows.playbook import PlaybookWorkflow

_MEMO_CONTENT = "content"


class Outcome(Term):
    """What became of an order to start a playbook."""

    STARTED = "started"
    KNOWN = "known"
    """It was started before, with this key and this input."""


class Start(Value):
    """The answer to an order to start a playbook."""

    run: str
    """`NAME:KEY`, as every command takes it."""
    workflow_id: str
    outcome: Outcome
    text: str
    """One sentence for a person."""


class Playbooks:
    """Speaks to the playbook runs of one Temporal namespace.

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

    async def start(self, request: PlaybookInput) -> Start:
        """Start a run. The same order once more gives the same run, also when it has ended.

        Args:
            request: what to run; its key tells runs apart.

        Raises:
            ConfigurationProblem: there is no such tenant.
            Refused: the key belongs to a run with another input.
            NotReachable: Temporal does not answer.
        """
        workflow_id = playbook_workflow_id(request.tenant, request.name, request.key)
        run = f"{case_id(request.name)}:{case_id(request.key)}"
        content, weight = _content_of(request), self._tenants.share_of(request.tenant)
        try:
            async with answered_within(self._patience, changes=True):
                await self._client.start_workflow(
                    PlaybookWorkflow.run,
                    request,
                    id=workflow_id,
                    task_queue=self._task_queue,
                    # One key is one run: neither a second one beside it nor a new one after its end.
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    memo={_MEMO_CONTENT: content},
                    search_attributes=search_attributes.at_playbook_start(request.tenant, request.name),
                    static_summary=f"Playbook {request.name}",
                    static_details=f"Playbook **{request.name}** of tenant {request.tenant}, run {run}.",
                    priority=sharing.of_tenant(request.tenant, weight=weight),
                )
        except WorkflowAlreadyStartedError:
            return await self._known(workflow_id, run, content)
        return Start(run=run, workflow_id=workflow_id, outcome=Outcome.STARTED, text=f"Run {run} is started.")

    async def _known(self, workflow_id: str, run: str, content: str) -> Start:
        async with answered_within(self._patience):
            memo = await (await self._client.get_workflow_handle(workflow_id).describe()).memo()
        if memo.get(_MEMO_CONTENT) != content:
            raise Refused(f"Run {run} was started with another input: give this one a --key of its own.")
        return Start(run=run, workflow_id=workflow_id, outcome=Outcome.KNOWN, text=f"Run {run} was started before.")

    async def result(self, tenant: str, run: str) -> PlaybookResult:
        """How a run ends; waits for it as long as it takes.

        Raises:
            Refused: it was ended from outside, with nothing said about what it did.
        """
        handle = self._handle(tenant, run)
        try:
            return await handle.result()
        except WorkflowFailureError as error:
            if not isinstance(error.cause, CancelledError):
                raise Refused("The run was ended by force or failed in the worker: see `surehand case show`.") from None
        async with answered_within(self._patience):
            state = await handle.query(PlaybookWorkflow.query_state)
        left = tuple(effect.what for effect in state.effects if effect.needs_undo)
        return PlaybookResult(status="cancelled", undone=tuple(state.undone), left=left)

    async def abort(self, tenant: str, run: str, *, person_id: str, reason: str) -> Accepted:
        """Stop a run; what it did is undone.

        Raises:
            Refused: it has ended, or is ending.
        """
        try:
            word = AbortInput(person_id=person_id, reason=reason)
        except ValidationError:
            raise InvalidInput("A reason has 1 to 2,000 characters: correct it.") from None
        async with answered_within(self._patience, changes=True):
            return await self._handle(tenant, run).execute_update(PlaybookWorkflow.abort, word)

    async def event(self, tenant: str, run: str, event: CloudEvent) -> None:
        """Bring an event to a run. A repeat of its id from the same source counts once."""
        async with answered_within(self._patience, changes=True):
            await self._handle(tenant, run).signal(PlaybookWorkflow.event, event)

    def _handle(self, tenant: str, run: str) -> WorkflowHandle[PlaybookWorkflow, PlaybookResult]:
        workflow_id = workflow_id_for(tenant, run)
        if kind_of(workflow_id) != "playbook":
            raise InvalidInput("A run is named NAME:KEY: give it as `surehand playbook run` showed it.")
        return self._client.get_workflow_handle_for(PlaybookWorkflow.run, workflow_id)


def fresh_key(now: datetime | None = None) -> str:
    """A key for a run that was given none: when it was asked for, and a few letters that no other has."""
    return f"{(now or datetime.now(UTC)).strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"


def read_event(given: JsonValue) -> CloudEvent:
    """An event as CloudEvents writes it, with extension attributes beside the others.

    Raises:
        InvalidInput: it is none.
    """
    if not isinstance(given, dict):
        raise InvalidInput("An event is a map with id, source and type (CloudEvents 1.0): correct it.")
    known = set(CloudEvent.model_fields) - {"extensions"}
    fields = {name: value for name, value in given.items() if name in known}
    extensions = {name: value for name, value in given.items() if name not in known}
    try:
        return CloudEvent.model_validate({**fields, "extensions": extensions})
    except ValidationError as error:
        names = ", ".join(dict.fromkeys(str(fault["loc"][0]) for fault in error.errors()))
        raise InvalidInput(f"This is no CloudEvent ({names}): give it id, source and type, as texts.") from None


def _content_of(request: PlaybookInput) -> str:
    """A mark of what was ordered, that shows nothing of it."""
    order = request.model_dump(mode="json", include={"version", "definition", "input", "customer_id"})
    return hashlib.sha256(canonical(order).encode()).hexdigest()[:32]
