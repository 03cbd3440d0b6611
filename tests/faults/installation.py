"""A whole installation to break: real worker processes, the sandbox's vendors, a store of its own, one task queue."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, cast

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.escalation import EscalationInput, EscalationResult, EscalationState
from domain.cases.messages import ResolveInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.ids import escalation_workflow_id
from domain.tickets.ticket import Customer, CustomerTier, Ticket
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.faults.worker_process import FreshWorker, WorkerProcess
from workflows import search_attributes
from workflows.escalation import EscalationWorkflow

ROOT = Path(__file__).resolve().parents[2]
CUSTOMER = "customer@example.org"
PASSWORD_TICKET = (
    "Hi, I forgot my password and cannot sign in to my account. Could you please help me reset it? Thanks!"
)
OUTAGE_TICKET = (
    "Our production system is down because every API call fails to authenticate. We lose thousands every minute. "
    "This is completely unacceptable and we are considering legal action."
)
REFUND_TICKET = "I was charged twice this month and would like a refund of 49.90 EUR to my card, please."
DESCRIBED = ("inventory", "shipping", "accounting", "deployments", "fleet", "documents", "mailing", "market")
STARTED = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
SOON_SECONDS = 480.0
"""Patience of a test with a busy machine. It bounds a hang and proves nothing: what is soon is measured elsewhere."""
PATIENCE_SECONDS = 8
"""Of clients with vendors. An answer that a busy machine is late with counts as lost, and its mail goes out once more
than kills explain."""
HURRIED_SECONDS = 3
"""For what waits until this has passed, several times one after the other."""
UNHURRIED_SECONDS = 20
WRITES_4711 = "PUT /api/v2/tickets/4711"
ACKNOWLEDGEMENT, REPLY, RESOLVED, SURVEY = "We have your request", "] Re: ", "] Resolved: ", "How did we do"
HANDOFF, WITHDRAWN_HANDOFF = "handoff to", "Handoff withdrawn"
"""What stands in the subject of a mail: several mails are under way at once, and a fault must hit the one it is for."""

_MONEY = ("refund", "credit")

TIMERS = """
timers:
  urgency_delay: {{immediate: 0 s, urgent: 0 s, standard: 0 s, scheduled: 0 s}}
  claim_within: {{immediate: 1 h, urgent: 1 h, standard: 1 h, scheduled: 1 h}}
  claim_reminder_repeats_after: 1 h
  claim_expires_after: 1 h
  follow_up_after_silence: 1 h
  close_after_silence: 3 h
  resolution_check_after: 100 ms
  survey_after: 200 ms
  final_analysis_after: {final_analysis_after}
  model_timeout: 20 s
  vendor_timeout: {vendor_timeout}
  give_up_after: 5 min
  handoff_give_up_after: {handoff_give_up_after}
  retry_first: {retry_first}
  retry_longest: 4 s
  agreed_minute: {agreed_minute}
"""
CALM = {
    # Every ladder that config/demo hurries: what nobody answers there within seconds is denied.
    "approvals.yaml": "ladders:\n"
    "  default: {rungs: [{name: lead, roles: [support_lead], channel: both, time_allowed: 1 h}]}\n"
    "  credit: {rungs: [{name: manager, roles: [support_manager], channel: both, time_allowed: 1 h}]}\n"
    "  reply: {rungs: [{name: lead, roles: [support_lead], channel: slack, time_allowed: 1 h}]}\n"
    "  change: {rungs: [{name: lead, roles: [incident_lead], channel: both, time_allowed: 1 h}]}\n"
    "  refund: {rungs: [{name: finance, roles: [finance_manager], channel: both, time_allowed: 1 h}]}\n",
    "sla.yaml": "targets:\n"
    + "".join(
        f"  {priority}: {{first_response: 5 h, next_response: 5 h, resolution: 9 h}}\n"
        for priority in ("critical", "urgent", "high", "medium", "low")
    ),
}


Handle = WorkflowHandle[EscalationWorkflow, EscalationResult]


class Installation:
    """Use it with `async with`. Workers are started by the test, as many as it needs."""

    def __init__(
        self,
        client: Client,
        folder: Path,
        *,
        model: bool = False,
        patience_seconds: int = PATIENCE_SECONDS,
        **timers: str,
    ) -> None:
        """Clients wait for a vendor for `patience_seconds`, and attempts that speak to one end a second later.

        `timers` may set vendor_timeout, handoff_give_up_after, retry_first, final_analysis_after and agreed_minute.
        """
        self.client = client
        self.folder = folder
        self.task_queue = f"faults-{uuid.uuid4().hex[:8]}"
        self.sandbox = Sandbox(folder / "sandbox")
        self.workers: list[WorkerProcess] = []
        self._model = model
        self._patience = str(patience_seconds)
        self._timers = {
            "vendor_timeout": f"{patience_seconds + 1} s",
            "handoff_give_up_after": "2 min",
            "retry_first": "300 ms",
            "final_analysis_after": "300 ms",
            "agreed_minute": "60 s",
            **timers,
        }

    async def __aenter__(self) -> Installation:
        await self.sandbox.__aenter__()
        config = self.folder / "config"
        config.mkdir(parents=True)
        for name, text in {**CALM, "timers.yaml": TIMERS.format(**self._timers)}.items():
            (config / name).write_text(text)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.workers:
            worker.kill()
        await self.sandbox.__aexit__(kind, error, trace)

    def worker(self, *, fresh: bool = False) -> WorkerProcess:
        """Start one more worker process; a fresh one loads the program, as those of an operator do."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        worker = (FreshWorker if fresh else WorkerProcess)(self._variables(), log)
        self.workers.append(worker)
        worker.start()
        return worker

    def _variables(self) -> dict[str, str]:
        at = self.sandbox.state()
        model = {
            "SUREHAND_MODEL__PRIMARY__BASE_URL": at["openai"]["url"],
            "SUREHAND_MODEL__PRIMARY__MODEL": "sandbox",
        }
        return {
            **(model if self._model else {}),
            "SUREHAND_TEMPORAL__ADDRESS": self.client.service_client.config.target_host,
            "SUREHAND_TEMPORAL__TASK_QUEUE": self.task_queue,
            "SUREHAND_DATA_DIR": str(self.folder),
            "SUREHAND_CONFIG_DIRS": f"{ROOT / 'config' / 'demo'},{self.folder / 'config'}",
            "SUREHAND_SMTP__HOST": at["smtp"]["host"],
            "SUREHAND_SMTP__PORT": str(at["smtp"]["port"]),
            "SUREHAND_SMTP__SECURITY": "none",
            "SUREHAND_SMTP__SENDER": "support@example.com",
            "SUREHAND_SMTP__TIMEOUT_SECONDS": self._patience,
            "SUREHAND_SLACK__BOT_TOKEN": "xoxb-sandbox",
            "SUREHAND_SLACK__BASE_URL": at["slack"]["url"],
            "SUREHAND_SLACK__TIMEOUT_SECONDS": self._patience,
            "SUREHAND_ZENDESK__BASE_URL": at["zendesk"]["url"],
            "SUREHAND_ZENDESK__EMAIL": "agent@example.com",
            "SUREHAND_ZENDESK__API_TOKEN": "sandbox",
            "SUREHAND_ZENDESK__TIMEOUT_SECONDS": self._patience,
            "SUREHAND_HUBSPOT__ACCESS_TOKEN": "sandbox",
            "SUREHAND_HUBSPOT__BASE_URL": at["hubspot"]["url"],
            "SUREHAND_HUBSPOT__TIMEOUT_SECONDS": self._patience,
            "SUREHAND_STRIPE__API_KEY": "rk_test_sandbox",
            "SUREHAND_STRIPE__BASE_URL": at["stripe"]["url"],
            "SUREHAND_STRIPE__TIMEOUT_SECONDS": self._patience,
            "SUREHAND_PROMETHEUS__BASE_URL": at["metrics"]["url"],
            **{f"SUREHAND_SERVERS__{name.upper()}": at[name]["url"] for name in DESCRIBED},
            **{f"SUREHAND_SECRETS__{name.upper()}_KEY": f"{name}-sandbox" for name in DESCRIBED},
            "SUREHAND_LOG__LEVEL": "WARNING",
        }

    # Faults

    def break_vendor(self, vendor: str, kind: str, *, after: int = 0, **more: Any) -> Fault:
        """Set a fault; `after` lets so many requests that match through first."""
        if after:
            self.sandbox.faults.add({"vendor": vendor, "kind": "delay", "times": after, "match": more.get("match", "")})
        return self.sandbox.faults.add({"vendor": vendor, "kind": kind, **more})

    def lock_store(self) -> sqlite3.Connection:
        """Hold the store's write lock until the connection is closed."""
        connection = sqlite3.connect(self.folder / "surehand.db", isolation_level=None, timeout=20)
        connection.execute("BEGIN IMMEDIATE")
        return connection

    # Cases

    async def submit(self, text: str, **changes: Any) -> Case:
        customer = {
            "customer_id": "CUST-1",
            "email": CUSTOMER,
            "tier": CustomerTier.PAID,
            **changes.pop("customer", {}),
        }
        ticket = Ticket(
            ticket_id=f"T-{uuid.uuid4().hex[:8]}", subject="Help", body=text, customer=Customer(**customer), **changes
        )
        handle = await self.client.start_workflow(
            EscalationWorkflow.run,
            EscalationInput(tenant="default", ticket=ticket),
            id=escalation_workflow_id("default", ticket.ticket_id),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_start("default", "escalation"),
        )
        return Case(self, handle)


class Case:
    """One case and what people do to it."""

    def __init__(
        self, installation: Installation, handle: WorkflowHandle[EscalationWorkflow, EscalationResult]
    ) -> None:
        self._installation = installation
        self.handle = handle
        self.number = handle.id.rsplit(":", 1)[1]

    async def until(self, condition: Callable[[EscalationState], bool]) -> EscalationState:
        """Look at the case until a condition holds."""
        state: EscalationState | None = None
        pause = 0.05
        try:
            async with asyncio.timeout(SOON_SECONDS):
                while True:
                    # Without a worker nobody answers.
                    with suppress(RPCError):
                        state = await self.handle.query(
                            EscalationWorkflow.query_state, rpc_timeout=timedelta(seconds=2)
                        )
                        if condition(state):
                            return state
                    # A look is a task of the worker's and the server's; what takes seconds is not asked for often.
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.5, 0.7)
        except TimeoutError:
            lines = [entry.text for entry in state.timeline] if state is not None else []
            raise AssertionError(
                f"{self.number} did not come so far: {lines}, parked {state.parked if state else ''}; "
                f"workers say: {[worker.words[-1500:] for worker in self._installation.workers]}"
            ) from None

    async def asked(self) -> ApprovalState:
        """The open request, once its approvers were told."""
        state = await self.until(lambda s: open_request(s) is not None)
        return cast("ApprovalState", open_request(state))

    async def approve_what_is_asked(self) -> EscalationState:
        """Approve until the customer has an answer. A request may be decided, or another be asked, while we look."""
        while True:
            state = await self.until(
                lambda s: open_request(s) is not None or s.last_word_at is not None or s.is_resolved
            )
            request = open_request(state)
            if request is None:
                return state
            await self.approve(request, "p-greta" if request.question.action == "refund" else "p-lena")

    async def approve(self, request: ApprovalState, person: str) -> None:
        """Approve, as the service does it: the same update id each time, so that asking again is safe."""
        word = ApprovalDecision(request_id=request.request_id, person_id=person, approve=True, digest=request.digest)
        await self.tell(EscalationWorkflow.decide_approval, word, f"{word.request_id}/{person}")

    async def started(self, activity: str) -> None:
        """Wait until a worker is working on an activity."""
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                description = await self.handle.describe()
                pending = description.raw_description.pending_activities
                if any(one.activity_type.name == activity and one.state == STARTED for one in pending):
                    return
                await asyncio.sleep(0.05)

    async def quiet(self) -> None:
        """Wait until nothing is under way: what is just being sent is at the vendor and not yet in the case."""
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                with suppress(RPCError):
                    now = (await self.handle.describe()).raw_description
                    if not now.pending_activities and not now.HasField("pending_workflow_task"):
                        return
                await asyncio.sleep(0.1)

    async def resolve(self) -> None:
        word = ResolveInput(person_id="p-ivan", resolution="Rotated the signing keys.")
        await self.tell(EscalationWorkflow.resolve, word, "resolve")

    async def retry(self, step: str) -> None:
        word = UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth")
        await self.tell(EscalationWorkflow.unpark, word, f"retry/{step}")

    async def tell(self, update: Any, word: Any, update_id: str) -> None:
        """Send an update until it is accepted, whoever is down meanwhile."""
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                with suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                    await self.handle.execute_update(update, word, id=update_id, rpc_timeout=timedelta(seconds=10))
                    return
                await asyncio.sleep(0.1)

    async def result(self) -> EscalationResult:
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                with suppress(RPCError):
                    return await self.handle.result(rpc_timeout=timedelta(seconds=20))
                await asyncio.sleep(0.1)

    # What reached the world

    def entries(self, vendor: str, kind: str | None = None) -> list[dict[str, Any]]:
        """What a vendor took for this case."""
        return [
            {"key": entry.key, "effects": entry.effects, **entry.body}
            for entry in self._installation.sandbox.world.entries(vendor=vendor)
            if entry.case in (self.number, *self._playbooks()) and kind in (None, entry.kind)
        ]

    def _playbooks(self) -> list[str]:
        """What the runs of playbooks that move this case's money are called: by a hash of the case and the step."""
        endings = ("-1", "-2", "/undo")
        steps = [f"reply-{number}/{kind}{end}" for number in (1, 2) for kind in _MONEY for end in endings]
        return [hashlib.sha256(f"{self.handle.id}/{step}".encode()).hexdigest()[:32] for step in steps]

    async def assert_each_effect_once(self, *steps: str, kills: int = 1) -> EscalationState:
        """Every message that the case says it sent arrived, once; SMTP alone may repeat one, and then says so.

        Args:
            steps: keys of steps that must be among what was sent.
            kills: so many attempts of one step may have ended without anybody knowing how.
        """
        await self.until(lambda s: set(steps) <= {message.step for message in s.sent})
        await self.quiet()
        state = await self.until(lambda _: True)
        sent = Counter(message.step for message in state.sent)
        assert max(sent.values()) == 1, sent
        self._assert_mail_once(state, kills)
        chat = Counter(str(entry["key"]) for entry in self.entries("slack", "message"))
        assert len(chat) == sum(message.channel == "slack" for message in state.sent), (chat, sent)
        for vendor in ("slack", "zendesk", "stripe"):
            effects = Counter(effect for entry in self.entries(vendor) for effect in entry["effects"])
            assert {key: count for key, count in effects.items() if count > 1} == {}, vendor
        assert state.parked == {}
        return state

    def _assert_mail_once(self, state: EscalationState, kills: int) -> None:
        may_repeat = {message.message_id for message in state.sent if message.repeated}
        mails = self.entries("smtp")
        assert {entry["key"] for entry in mails} == {m.message_id for m in state.sent if m.channel == "email"}
        effects = Counter((entry["key"], effect) for entry in mails for effect in entry["effects"])
        for (message_id, effect), count in effects.items():
            assert count == 1 or (count <= 1 + kills and message_id in may_repeat), (effect, count)


def open_request(state: EscalationState) -> ApprovalState | None:
    """A request whose approvers were found, on which nobody's word is being checked."""
    return next((r for r in state.pending_approvals if r.rungs and r.unchecked_vote is None), None)


async def met(fault: Fault) -> None:
    """Wait until a request has met a fault."""
    async with asyncio.timeout(SOON_SECONDS):
        while not fault.met:  # noqa: ASYNC110 - the sandbox counts and tells nobody
            await asyncio.sleep(0.02)


class Stopwatch:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._since
