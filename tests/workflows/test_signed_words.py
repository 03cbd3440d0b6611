"""A worker that trusts keys takes no person's word from somebody who merely reaches Temporal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import BaseModel
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
)
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, WorkflowReplayResult
from temporalio.workflow import _Definition

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.cases.messages import EscalateNowInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorUnavailable
from domain.identity.signing import SIGNED_SIGNALS, Signature, Word, WordKind, digest_of
from domain.playbook.messages import CloudEvent
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, WorkerSettings
from runtime.settings.signing import TrustedKey
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer
from runtime.temporal.signing import SigningKey, Signs, TrustedKeys, with_signature
from tests.workflows.conftest import Handle, World, a_ticket
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workers.trusting import TakesSignedWords
from workers.worker import WORKFLOWS, build_worker, workflow_runner
from workflows.playbook import PlaybookWorkflow

OLD, NEW = SigningKey("2026", bytes([1]) * 32), SigningKey("2027", bytes([2]) * 32)
STRANGER = SigningKey("2027", bytes([3]) * 32)
TRUSTED = TrustedKeys({key.key_id: TrustedKey(key.public) for key in (OLD, NEW)})
FROM_CASE_TO_CASE = {"link_ticket", "incident_linked", "incident_unlinked", "incident_news", "playbook_held", "release"}
NOBODY_SAYS = {"event", "wake"}
"""What happened outside; more to send."""


class Brings(Interceptor):
    """An attacker's client: it brings whatever signature it was given, and keeps what others would send."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        outer = self

        class Outbound(OutboundInterceptor):
            async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002
                input.headers = with_signature(input.headers, outer.signature)
                return await super().start_workflow_update(input)

            async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
                input.headers = with_signature(input.headers, outer.signature)
                await super().signal_workflow(input)

        return Outbound(next)


def by(client: Client, interceptor: Interceptor, like: WorkflowHandle[Any, Any]) -> Any:
    """The same case, spoken to through another client."""
    other = Client(
        client.service_client,
        namespace=client.namespace,
        data_converter=client.data_converter,
        interceptors=[interceptor],
    )
    return other.get_workflow_handle(like.id)


def signature(key: SigningKey, case: str, name: str, word: object, **changes: Any) -> Signature:
    about = {"namespace": "default", "workflow_id": case, "kind": WordKind.UPDATE, "name": name, "word_id": "w-1"}
    return key.sign(Word.model_validate({**about, "content": digest_of([word]), **changes}))


async def refusal(handle: Any, name: str, word: object, update_id: str = "w-1") -> str:
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await handle.execute_update(name, word, id=update_id)
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type == "Unsigned"
    return caught.value.cause.message


async def replayed(handle: Any, trusted: TrustedKeys | None) -> WorkflowReplayResult:
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        data_converter=data_converter(),
        interceptors=[TakesSignedWords(trusted)],
    )
    return await replayer.replay_workflow(await handle.fetch_history())


async def asked(world: World, handle: Handle) -> ApprovalState:
    state = await world.until(handle, lambda s: any(one.rungs for one in s.pending_approvals))
    return state.pending_approvals[0]


async def test_only_the_word_that_a_trusted_starter_signed_decides(world: World) -> None:
    async with build_worker(world.client, world.methods(), world.task_queue, WorkerSettings(), trusted=TRUSTED):
        handle = await world.submit(a_ticket(customer={"tier": "vip"}))
        request = await asked(world, handle)
        word = ApprovalDecision(request_id=request.request_id, person_id="p-lena", approve=True, digest=request.digest)
        before = len((await handle.fetch_history()).events)

        assert "is not signed" in await refusal(handle, "decide_approval", word)
        for brought, why in (
            (signature(STRANGER, handle.id, "decide_approval", word), "signed for something else"),
            (signature(SigningKey("x", bytes(32)), handle.id, "decide_approval", word), "does not trust"),
            (signature(NEW, "escalation:default:T-OTHER", "decide_approval", word), "signed for something else"),
            (signature(NEW, handle.id, "claim", word), "signed for something else"),
            (signature(NEW, handle.id, "decide_approval", word, word_id="w-2"), "signed for something else"),
            *(
                (
                    signature(NEW, handle.id, "decide_approval", word.model_copy(update=other)),
                    "signed for something else",
                )
                for other in ({"person_id": "p-omar"}, {"request_id": "reply-9"}, {"approve": False})
            ),
        ):
            assert why in await refusal(by(world.client, Brings(brought), handle), "decide_approval", word)
        # By signal there is no answer; it is on record that somebody tried, and nothing else.
        await handle.signal("approval_decision", word)
        await by(world.client, Brings(signature(NEW, handle.id, "approval_decision", word)), handle).signal(
            "approval_decision", word
        )
        await handle.signal("escalate_now", EscalateNowInput(person_id="p-lena"))
        tried = "A word without a valid signature was not taken"
        state = await world.until(handle, lambda s: sum(line.text == tried for line in s.timeline) == 3)
        assert state.approvals[request.request_id].votes == []
        assert not state.people_have_it
        # What was refused by update left nothing behind.
        kinds = [event.WhichOneof("attributes") for event in (await handle.fetch_history()).events[before:]]
        assert "workflow_execution_update_accepted_event_attributes" not in kinds

        # A signed signal counts, and the same one again does not.
        rejection = word.model_copy(update={"approve": False, "reason": "Too short"})
        brought = signature(OLD, handle.id, "approval_decision", rejection, kind=WordKind.SIGNAL, word_id="")
        for _ in range(2):
            await by(world.client, Brings(brought), handle).signal("approval_decision", rejection)
        state = await world.until(handle, lambda s: sum(line.text == tried for line in s.timeline) == 4)
        assert [line.actor for line in state.timeline if line.text.startswith("rejects ")] == ["p-lena"]

        # A key that came with a rotation is as good.
        second = await world.submit(a_ticket(customer={"tier": "vip"}))
        request = await asked(world, second)
        word = word.model_copy(update={"request_id": request.request_id, "digest": request.digest})
        await by(world.client, Signs(NEW, "default"), second).execute_update("decide_approval", word)
        await second.result()
    # Neither the key that was trusted then nor the clock is asked again.
    for trusted in (None, TRUSTED, TrustedKeys({"other": TrustedKey(STRANGER.public)})):
        for case in (handle, second):
            assert (await replayed(case, trusted)).replay_failure is None


@pytest.fixture
async def runs() -> AsyncIterator[PlaybookWorld]:
    async with EmbeddedServer(ui=False) as server:
        client = await Client.connect(server.address, data_converter=data_converter())
        world = PlaybookWorld(WorkflowEnvironment.from_client(client), Configuration((SHIPPED_CONFIG,)))
        world.continue_after_events = 40
        world.tools.add(a_tool("shop.other"))
        async with build_worker(client, world.methods(), world.task_queue, WorkerSettings(), trusted=TRUSTED):
            yield world


async def test_a_word_that_one_run_took_is_not_taken_again_by_the_next(runs: PlaybookWorld) -> None:
    runs.tools.on("shop.other", VendorUnavailable("shop", "503", "Down."))
    run = await runs.start(playbook("- stuck: {call: shop.other, with: {a: 1}, metadata: {undo: none}}"))
    state = await runs.until(run, lambda s: bool(s.parked))
    step, first = next(iter(state.parked.items()))
    word = UnparkInput(step=step, action=UnparkAction.RETRY, person_id="p-ruth", parked_at=first.parked_at)
    brought = signature(OLD, run.id, "unpark", word)
    await by(runs.client, Brings(brought), run).execute_update("unpark", word, id="w-1")
    before = state.runs
    state = await runs.until(run, lambda s: bool(s.parked) and s.parked[step].parked_at != first.parked_at)
    for number in range(60):
        await run.signal(PlaybookWorkflow.event, CloudEvent(id=str(number), source="s", type="noise"))
    await runs.until(run, lambda s: s.runs > before)

    again = by(runs.client, Brings(brought), run)
    assert "was used before" in await refusal(again, "unpark", word)
    # The same word brought once more by whoever may sign gets as far as the case itself.
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await by(runs.client, Signs(OLD, "default"), run).execute_update("unpark", word, id="w-1")
    assert isinstance(caught.value.cause, ApplicationError)
    assert caught.value.cause.type != "Unsigned"


def test_every_update_is_checked_and_every_signal_is_known() -> None:
    for workflow in WORKFLOWS:
        known = _Definition.must_from_class(workflow)
        # Without a validator Temporal would not ask whether a word is signed.
        assert [name for name, update in known.updates.items() if update.validator is None] == []
        assert set(known.updates) - {None} == set(known.updates), "a handler of any name"
        for name, signal in known.signals.items():
            assert name in SIGNED_SIGNALS | FROM_CASE_TO_CASE | NOBODY_SAYS
            argument, *others = signal.arg_types or [None]
            assert not others
            assert isinstance(argument, type)
            assert issubclass(argument, BaseModel)


def test_the_signals_of_people_are_those_that_carry_a_person_and_come_from_outside() -> None:
    carrying = {
        str(name)
        for workflow in WORKFLOWS
        for name, signal in _Definition.must_from_class(workflow).signals.items()
        for argument in signal.arg_types or ()
        if isinstance(argument, type) and issubclass(argument, BaseModel) and "person_id" in argument.model_fields
    }
    assert carrying - FROM_CASE_TO_CASE == SIGNED_SIGNALS
