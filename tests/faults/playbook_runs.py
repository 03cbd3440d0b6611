"""Runs of playbooks in an installation that breaks: started, approved, and held against what stands outside."""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.messages import AbortInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.ids import playbook_workflow_id
from domain.playbook.messages import CloudEvent, PlaybookInput, PlaybookResult
from domain.playbook.state import PlaybookState
from integrations.idempotency import key_hash
from sandbox.faults import Fault
from tests.faults.installation import SOON_SECONDS, Installation
from tests.faults.playbook_ways import Prepared, Way, billing_at
from tests.playbooks.enumerating import reference_of
from workflows import search_attributes
from workflows.playbook import PlaybookWorkflow

_PATIENT = "tools: {payments.authorise: {give_up_after: 5 min}, payments.capture: {give_up_after: 5 min}}\n"
"""Else they give up sooner than a dead worker is noticed on a busy machine."""
_LOOKS_EVERY = 1.0
"""Seconds. A look is a task of the worker's and of the server's, and up to two hundred runs are looked at."""
_DOORS = {"payments": "stripe", "crm": "hubspot", "tickets": "zendesk"}


@dataclass(frozen=True)
class Death:
    """The call in which the worker is killed."""

    tool: str
    key: str
    """Of the call, without the run's id."""
    kind: str
    """The fault that makes it hang."""
    earlier: int = 0
    """Calls of the same tool box before it."""

    def __str__(self) -> str:
        return f"{self.kind} at {self.key}"


@dataclass
class KilledRun:
    """One run, and where its worker died."""

    way: Way
    own: Prepared
    handle: WorkflowHandle[PlaybookWorkflow, PlaybookResult]
    death: Death | None = None
    fault: Fault | None = None
    state: PlaybookState | None = None
    result: PlaybookResult | None = None
    told: bool = False
    """Whether the event that it waits for was sent."""
    given_up: bool = False
    """Whether a person gave up its parked step, or aborted it over that."""
    calls: dict[str, str] = field(default_factory=dict)
    """Key of each call that was scheduled -> tool."""

    @property
    def hung(self) -> bool:
        return self.fault is not None and self.fault.met > 0

    def __str__(self) -> str:
        return f"{self.way}: {self.death}" if self.death is not None else f"{self.way}"


class PlaybookRuns:
    """The runs of one installation."""

    def __init__(self, installation: Installation) -> None:
        """Call it before the first worker is started, since it has a word in the configuration."""
        (installation.folder / "config" / "tools.yaml").write_text(_PATIENT)
        self._installation = installation
        self._billing = billing_at(installation.sandbox)
        self._count = 0
        self._deadline = 0.0

    async def start(self, way: Way, death: Death | None = None) -> KilledRun:
        """Start a run that hangs in one of its calls."""
        self._count += 1
        own = Prepared(self._installation.sandbox, self._billing, self._count)
        given = way.given(own)
        if inspect.isawaitable(given):
            given = await given
        # Installations share a server, so a run is named after its own.
        key = f"{self._installation.task_queue}-{own.number}"
        workflow_id = playbook_workflow_id("default", way.playbook, key)
        client = self._installation.client
        run = KilledRun(way, own, client.get_workflow_handle_for(PlaybookWorkflow.run, workflow_id), death)
        for tool, inner in way.refused:
            self._installation.break_vendor(
                vendor_of(tool), "fail", status=400, match=key_hash(f"{workflow_id}/{inner}")
            )
        if death is not None:
            run.fault = self._break(own, death, f"{workflow_id}/{death.key}")
        await client.start_workflow(
            PlaybookWorkflow.run,
            PlaybookInput(
                tenant="default",
                name=way.playbook,
                key=key,
                definition=way.definition,
                input=given,
                started_by="p-tom",
            ),
            id=workflow_id,
            task_queue=self._installation.task_queue,
            search_attributes=search_attributes.at_playbook_start("default", way.playbook),
        )
        return run

    def _break(self, own: Prepared, death: Death, key: str) -> Fault:
        vendor, match, after = vendor_of(death.tool), key_hash(key), 0
        if vendor == "zendesk":
            # Its key stands in the body; each run has a ticket of its own.
            match, after = f"PUT /api/v2/tickets/{own.ticket}", death.earlier
        elif vendor == "hubspot":
            match, after = f"contacts/{own.customer}", death.earlier
        return self._installation.break_vendor(vendor, death.kind, match=match, after=after)

    # On the way

    async def finish(self, runs: list[KilledRun]) -> None:
        """Decide whatever is asked until every run has ended, whoever is down meanwhile."""
        self._deadline = time.monotonic() + SOON_SECONDS
        await asyncio.gather(*(self._finish(run) for run in runs))
        late = [f"{run}: {_said(run)}" for run in runs if run.result is None]
        assert late == [], f"not ended; workers say: {[worker.words[-1500:] for worker in self._installation.workers]}"

    async def until_hanging(self, runs: list[KilledRun]) -> None:
        """Decide whatever is asked until every run hangs in its step."""
        self._deadline = time.monotonic() + SOON_SECONDS
        await asyncio.gather(*(self._until_hanging(run) for run in runs))
        late = [f"{run}: {_said(run)}" for run in runs if not (run.hung or (run.state and run.state.closed))]
        assert late == [], "never came to their step"

    async def until(self, run: KilledRun, condition: Callable[[PlaybookState], bool], *, deciding: bool = True) -> None:
        """Look at a run until a condition holds, and decide what is asked meanwhile unless told not to."""
        deadline = time.monotonic() + SOON_SECONDS
        while run.state is None or not condition(run.state):
            assert time.monotonic() < deadline, f"{run}: {_said(run)}"
            await self.look(run, deciding=deciding)
            await asyncio.sleep(0.1)

    async def _until_hanging(self, run: KilledRun) -> None:
        # A client that looks first may find that there is nothing to send; then another way has to reach the step.
        while self._in_time and not run.hung and (run.state is None or not run.state.closed):
            await self.look(run)
            await asyncio.sleep(_LOOKS_EVERY)

    async def _finish(self, run: KilledRun) -> None:
        while self._in_time and (run.state is None or not run.state.closed):
            await self.look(run)
            waiting = [] if run.state is None else [step for step in run.state.parked.values() if step.action is None]
            assert not waiting or run.given_up, f"{run} is parked: {waiting}, {_said(run)}"
            await asyncio.sleep(_LOOKS_EVERY)
        if run.state is not None and run.state.closed:
            run.result = await run.handle.result()
            await self._read_calls(run)

    @property
    def _in_time(self) -> bool:
        # No `asyncio.timeout`: an update that is cancelled says that it timed out.
        return time.monotonic() < self._deadline

    async def look(self, run: KilledRun, *, deciding: bool = True) -> None:
        """See how a run stands, and do what people are to do about it."""
        with suppress(RPCError):
            run.state = await run.handle.query(PlaybookWorkflow.query_state, rpc_timeout=timedelta(seconds=3))
            if not deciding:
                return
            request = next((one for one in run.state.pending_approvals if one.rungs), None)
            if request is not None:
                await self._decide(run, request)
            if run.way.hears and run.state.waiting_for_event and not run.told:
                word = CloudEvent(id="1", source="test", type=run.way.hears, data={})
                await run.handle.signal(PlaybookWorkflow.event, word)
                run.told = True
            await self._give_up(run, run.state)

    async def _give_up(self, run: KilledRun, state: PlaybookState) -> None:
        if run.given_up or not (run.way.gives_up or run.way.aborts) or not state.parked:
            return
        with suppress(WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowUpdateFailedError):
            if run.way.aborts:
                word: Any = AbortInput(person_id="p-ruth", reason="The customer called.")
                update: Any = PlaybookWorkflow.abort
            else:
                word = UnparkInput(step=next(iter(state.parked)), action=UnparkAction.GIVE_UP, person_id="p-ruth")
                update = PlaybookWorkflow.unpark
            await run.handle.execute_update(update, word, id="give-up", rpc_timeout=timedelta(seconds=5))
        run.given_up = True

    async def _decide(self, run: KilledRun, request: ApprovalState) -> None:
        if run.way.before_approval is not None:
            run.way.before_approval(run.own)
        person = request.rungs[-1].approvers[0]
        word = ApprovalDecision(
            request_id=request.request_id, person_id=person, approve=run.way.approve, digest=request.digest, reason="-"
        )
        with suppress(WorkflowUpdateRPCTimeoutOrCancelledError, WorkflowUpdateFailedError):
            await run.handle.execute_update(
                PlaybookWorkflow.decide_approval,
                word,
                id=f"{key_hash(request.request_id)}/{person}",
                rpc_timeout=timedelta(seconds=5),
            )

    async def _read_calls(self, run: KilledRun) -> None:
        history = await run.handle.fetch_history()
        for event in history.events:
            scheduled = event.activity_task_scheduled_event_attributes
            if "." in scheduled.activity_type.name:
                call = json.loads(scheduled.input.payloads[0].data)
                run.calls.setdefault(call["key"], call["tool"])

    # Afterwards

    def standing(self, run: KilledRun) -> Counter[str]:
        """What a run left behind outside: `vendor kind`, so often."""
        known = {word for key in run.calls for word in (key, key_hash(key))}
        return Counter(
            f"{row['vendor']} {row['kind']}"
            for row in self._installation.sandbox.world.standing()
            if row["key"] in known or any(row["key"].startswith(f"{key}/") for key in known)
            or row["key"].startswith(f"{run.handle.id}/")
        )  # fmt: skip

    def effects(self, run: KilledRun) -> Counter[str]:
        """Every effect of a run outside of mail and chat: `vendor kind`, so often."""
        known = {word for key in run.calls for word in (key, key_hash(key))}
        return Counter(
            f"{entry.vendor} {entry.kind}"
            for entry in self._installation.sandbox.world.entries()
            if entry.vendor not in ("smtp", "slack")
            and (entry.key in known or entry.key.startswith(f"{run.handle.id}/"))
        )

    def twice(self) -> list[dict[str, Any]]:
        """Effects that happened more than once, but for mail and a contact's fields: neither vendor knows keys.

        A mail that may be there twice says so, and setting a field to the same value again changes nothing.
        """
        effects = self._installation.sandbox.world.effects()
        return [row for row in effects if row["count"] > 1 and row["vendor"] not in ("smtp", "hubspot")]

    def problems(self, run: KilledRun, model: KilledRun) -> list[str]:
        """How a run differs from the one that nothing happened to."""
        assert run.result is not None
        assert model.result is not None
        pairs = {
            "status": (run.result.status, model.result.status),
            "left standing": (self.standing(run), self.standing(model)),
            "effects": (self.effects(run), self.effects(model)),
            "done": (run.result.done, model.result.done),
            "undone": (sorted(run.result.undone), sorted(model.result.undone)),
            "left": (run.result.left, model.result.left),
        }
        return [f"{run}: {what} {seen}, not {right}" for what, (seen, right) in pairs.items() if seen != right]


def vendor_of(tool: str) -> str:
    """Which door of the sandbox a tool knocks at."""
    owner = tool.partition(".")[0]
    return _DOORS.get(owner, owner)


def deaths(run: KilledRun, kind: str, *, undoing: bool = False) -> Iterator[tuple[str, Death]]:
    """Each call of a run that ended: path of its task, and how to kill a worker in it."""
    seen: set[str] = set()
    for number, (key, tool) in enumerate(run.calls.items()):
        reference = reference_of(key, run.handle.id)
        if reference in seen or ("/undo-" in key) is not undoing:
            continue
        seen.add(reference)
        earlier = sum(vendor_of(other) == vendor_of(tool) for other in list(run.calls.values())[:number])
        yield reference, Death(tool, key.removeprefix(f"{run.handle.id}/"), kind, earlier)


def _said(run: KilledRun) -> list[str]:
    return [entry.text for entry in run.state.timeline] if run.state is not None else []
