"""Shipped playbooks end to end: the real workflow, activities, tool box and clients against the sandbox over sockets.

Time skips on Temporal's side. The vendors' own clock is moved with `vendors_wait`, as far as it matters there.
"""

from __future__ import annotations

import asyncio
import dataclasses
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.messages import AbortInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.ids import playbook_workflow_id
from domain.model import JsonValue
from domain.playbook.messages import CloudEvent, PlaybookInput, PlaybookResult
from domain.playbook.state import PlaybookState
from domain.tools.tool import ToolCall, ToolResult
from integrations.tools.toolbox import Tools
from runtime.settings.environment import load_settings
from starters.dev.world import variables
from tests.cancelling import careful_worker
from tests.playbook_states import state_when
from tests.playbooks.enumerating import reference_of
from tests.skipping import PATIENCE_SECONDS, pass_time, skipping_server
from tests.vendor_world import Outside, outside
from workers.clients import Clients, open_clients
from workers.registered import methods_of
from workers.worker import WORKFLOWS
from workflows import search_attributes
from workflows.playbook import PlaybookWorkflow

Run = WorkflowHandle[PlaybookWorkflow, PlaybookResult]
At = Callable[[ToolCall], Awaitable[None]]

# Vendors' circuits and waits go by the clock of this machine, which does not skip; they have tests of their own.
_TOOLS = """
vendors:
  {vendors}
tools:
  payments.authorise: {{give_up_after: 5 min}}
  payments.capture: {{give_up_after: 5 min}}
"""
_MOMENT = 0.2
_TIMERS = "timers: {give_up_after: 1 min}\n"
_VENDORS = (
    "stripe", "inventory", "shipping", "accounting", "hubspot", "mailing", "smtp", "slack",
    "deployments", "documents", "fleet", "market", "prometheus", "zendesk",
)  # fmt: skip


class Watched:
    """The real tool box, with a place to do something right before a step's call is made."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._turns = asyncio.Lock()
        self.before: dict[str, At] = {}
        """Path of a task in the definition -> what to do, at its first call only."""
        self.reached: list[str] = []
        """Paths of the tasks whose calls were made, in order; undos bear `undo` in theirs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tools, name)

    async def run(self, call: ToolCall, *, attempt: int, beat: Callable[[], None]) -> ToolResult:
        reference = reference_of(call.key, call.key.split("/", 1)[0])
        self.reached.append(reference)
        # What is set up for a step must not meet the call of a branch beside it.
        async with self._turns if self.before or self._turns.locked() else nullcontext():
            act = self.before.pop(reference, None)
            if act is not None:
                await act(call)
            return await self._tools.run(call, attempt=attempt, beat=beat)


class PlaybooksWorld:
    """One worker on the real clients, and what a test does."""

    def __init__(
        self, environment: WorkflowEnvironment, vendors: Outside, clients: Clients, *, identity: str | None = None
    ) -> None:
        self._identity = identity
        self.environment = environment
        self.client: Client = environment.client
        self.vendors = vendors
        self.watched = Watched(clients.toolbox)
        self.clients = dataclasses.replace(clients, toolbox=self.watched)  # type: ignore[arg-type]
        self.task_queue = f"test-{uuid.uuid4().hex[:8]}"
        self._runs: list[Run] = []

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        async with careful_worker(
            self.client,
            task_queue=self.task_queue,
            workflows=WORKFLOWS,
            activities=methods_of(self.clients),
            identity=self._identity,
        ):
            yield

    async def begin_anew(self) -> None:
        """Forget what earlier tests did outside, and end what they left running, which would hold the others up."""
        for run in self._runs:
            with suppress(RPCError):
                await run.terminate("the test is over")
        self._runs.clear()
        await self.vendors.ask("POST", "/api/reset")
        self.watched.before.clear()
        self.watched.reached.clear()

    # Runs

    async def start(self, name: str, given: JsonValue, *, key: str | None = None, **more: Any) -> Run:
        key = key or uuid.uuid4().hex[:8]
        run = await self.client.start_workflow(
            PlaybookWorkflow.run,
            PlaybookInput(tenant="default", name=name, key=key, input=given, started_by="p-ivan", **more),
            id=playbook_workflow_id("default", name, key),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_playbook_start("default", name),
        )
        self._runs.append(run)
        return run

    async def run(self, name: str, given: JsonValue, **more: Any) -> PlaybookResult:
        return await self.result(await self.start(name, given, **more))

    async def result(self, run: Run, *, within: float = PATIENCE_SECONDS) -> PlaybookResult:
        return await asyncio.wait_for(run.result(), within)

    async def pass_time(self, **duration: float) -> None:
        await pass_time(self.environment, timedelta(**duration))

    async def state(self, run: Run) -> PlaybookState:
        return await run.query(PlaybookWorkflow.query_state)

    async def until(
        self, run: Run, condition: Callable[[PlaybookState], bool], *, within: float = PATIENCE_SECONDS
    ) -> PlaybookState:
        """Poll the run's state, in real time, until a condition holds."""
        return await state_when(run, condition, within=within)

    async def until_parked(self, run: Run) -> PlaybookState:
        """Let time pass until a step waits for a person."""
        for _ in range(60):
            state = await self.state(run)
            if state.parked:
                return state
            await self.pass_time(minutes=1)
        raise AssertionError("nothing was parked")

    async def tell(self, run: Run, kind: str, data: JsonValue = None) -> None:
        """An event from outside."""
        await run.signal(PlaybookWorkflow.event, CloudEvent(id=uuid.uuid4().hex, source="test", type=kind, data=data))

    async def decide(self, run: Run, *, approve: bool = True) -> None:
        """Decide the open approval as the first person who was asked."""
        state = await self.until(run, lambda s: any(_was_put_to_people(request) for request in s.pending_approvals))
        request = next(request for request in state.pending_approvals if _was_put_to_people(request))
        decision = ApprovalDecision(
            request_id=request.request_id,
            person_id=request.rungs[-1].approvers[0],
            approve=approve,
            digest=request.digest,
            reason="" if approve else "not this one",
        )
        await run.execute_update(PlaybookWorkflow.decide_approval, decision)

    async def unpark(self, run: Run, action: UnparkAction, **more: Any) -> None:
        """A person's word on whatever is parked."""
        step = next(iter((await self.state(run)).parked))
        word = UnparkInput(step=step, action=action, person_id="p-ruth", **more)
        await run.execute_update(PlaybookWorkflow.unpark, word)

    async def abort(self, run: Run) -> None:
        await run.execute_update(PlaybookWorkflow.abort, AbortInput(person_id="p-ruth", reason="test"))

    # The outside world

    async def standing(self) -> list[str]:
        """What was done at vendors and not taken back: `vendor kind`."""
        found = await self.vendors.ask("GET", "/api/standing")
        return sorted(f"{row['vendor']} {row['kind']}" for row in found)

    async def kinds(self, vendor: str) -> list[str]:
        return [entry["kind"] for entry in await self.vendors.messages(vendor)]

    async def mails(self) -> list[str]:
        """Subject and text of each mail."""
        return [
            f"{entry['body'].get('subject')}\n{entry['body'].get('text')}"
            for entry in await self.vendors.messages("smtp")
        ]

    async def duplicates(self) -> list[str]:
        """What happened more than once. A PATCH of the CRM sets the same again, which harms nobody."""
        effects = await self.vendors.ask("GET", "/api/effects")
        return [row["key"] for row in effects if row["count"] > 1 and row["vendor"] != "hubspot"]

    async def set_object(self, path: str, **fields: Any) -> None:
        await self.vendors.ask("PATCH", f"/api/objects/{path}", json=fields)

    async def vendors_wait(self, **duration: float) -> None:
        """Time passes at the vendors."""
        await self.vendors.ask("POST", "/api/clock", json={"advance_seconds": timedelta(**duration).total_seconds()})

    # What goes wrong at a step

    def refuse_at(self, reference: str, status: int = 400) -> None:
        """The vendor refuses the step's call for good."""
        self.watched.before[reference] = lambda call: self.vendors.fault(
            _door(call.tool), "fail", status=status, match=_writing(call.tool)
        )

    def lose_answer_at(self, reference: str) -> None:
        """The step's call takes effect, and its answer is lost."""
        self.watched.before[reference] = lambda call: self.vendors.fault(
            _door(call.tool), "drop", match=_writing(call.tool)
        )

    def cancel_at(self, reference: str) -> None:
        """The run is cancelled while the step's call is under way."""

        async def cancel(call: ToolCall) -> None:
            await self.client.get_workflow_handle(call.key.split("/", 1)[0]).cancel()
            await asyncio.sleep(_MOMENT)

        self.watched.before[reference] = cancel


def _was_put_to_people(request: ApprovalState) -> bool:
    return bool(request.rungs and request.rungs[-1].approvers)


def _door(tool: str) -> str:
    """Which vendor of the sandbox a tool goes to."""
    owner = tool.partition(".")[0]
    return {"payments": "stripe", "crm": "hubspot", "mail": "smtp", "chat": "slack"}.get(owner, owner)


def _writing(tool: str) -> str:
    """The part of the request that changes something: a client may look first."""
    return {"crm": "PATCH", "mail": ""}.get(tool.partition(".")[0], "PUT" if tool == "mailing.saveContact" else "POST")


@asynccontextmanager
async def playbooks_world(
    folder: Path,
    *,
    config: str = "",
    tools: str = "",
    model: bool = False,
    identity: str | None = None,
    task_queue: str = "",
) -> AsyncIterator[PlaybooksWorld]:
    """A sandbox, a time-skipping server, a store and a worker.

    Args:
        folder: for all of their files.
        config: more of a `guardrails.yaml`.
        tools: more of a `tools.yaml`, in sections of its own.
        model: whether there is one, the sandbox's.
        identity: what client and worker sign with, in place of this machine's name.
        task_queue: in place of one of its own.
    """
    mine = folder / "config"
    mine.mkdir()
    vendors = "\n  ".join(f"{name}: {{opens_after: 1000, spread: 0 s}}" for name in _VENDORS)
    (mine / "tools.yaml").write_text(_TOOLS.format(vendors=vendors) + tools, "utf-8")
    (mine / "timers.yaml").write_text(_TIMERS, "utf-8")
    if config:
        (mine / "guardrails.yaml").write_text(config, "utf-8")
    async with (
        outside(folder / "sandbox") as vendors_outside,
        skipping_server(identity=identity) as environment,
    ):
        named = {"SUREHAND_CONFIG_DIRS": str(mine), "SUREHAND_DATA_DIR": str(folder / "data")}
        if model:
            named["SUREHAND_MODEL__PRIMARY__BASE_URL"] = vendors_outside.url("openai")
            named["SUREHAND_MODEL__PRIMARY__MODEL"] = "sandbox"
        ports: dict[str, int] = vendors_outside.state["ports"]
        settings = load_settings(environ=named, defaults=variables(ports, load_settings(environ=named)))
        clients = await open_clients(settings)
        world = PlaybooksWorld(environment, vendors_outside, clients, identity=identity)
        world.task_queue = task_queue or world.task_queue
        try:
            async with world.worker():
                yield world
        finally:
            await clients.model.close()
            await clients.toolbox.close()
            await clients.store.close()


__all__ = ["PlaybooksWorld", "Run", "playbooks_world"]
