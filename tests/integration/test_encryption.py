"""What Temporal itself holds of a case, read raw from a real server: nothing readable with keys, all of it without."""

import asyncio
import base64
import contextlib
import itertools
from datetime import timedelta

import pytest
from pydantic import BaseModel
from temporalio import activity, workflow
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import HistoryEventFilterType
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    GetWorkflowExecutionHistoryRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError
from temporalio.worker import Replayer, Worker

from runtime.settings.environment import Settings, load_settings
from runtime.temporal.connection import connect, data_converter
from runtime.temporal.dev_server import EmbeddedServer

pytestmark = pytest.mark.server

PLACES = (
    "input", "result", "activity-input", "activity-result", "activity-failure", "failure-details", "memo", "signal",
    "update", "update-answer", "summary", "timer-summary", "details", "heartbeat",
)  # fmt: skip
SENTINELS = {place: f"sentinel-{place}-4111" for place in PLACES}


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 32).decode()


class Letter(BaseModel):
    text: str


@activity.defn
async def answer(letter: Letter) -> Letter:
    activity.heartbeat(SENTINELS["heartbeat"])
    if activity.info().attempt == 1:
        # An attempt that ends keeps its heartbeat and its failure on the server for the next one.
        raise ApplicationError(SENTINELS["activity-failure"], SENTINELS["failure-details"])
    return Letter(text=SENTINELS["activity-result"])


@workflow.defn(sandboxed=False)
class Correspondence:
    @workflow.init
    def __init__(self, letter: Letter) -> None:
        self.letters = [letter.text]

    @workflow.run
    async def run(self, letter: Letter) -> Letter:
        workflow.set_current_details(SENTINELS["details"])
        await workflow.execute_activity(
            answer,
            Letter(text=SENTINELS["activity-input"]),
            start_to_close_timeout=timedelta(seconds=10),
            heartbeat_timeout=timedelta(seconds=5),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=300), maximum_attempts=3),
        )
        await workflow.sleep(0.01, summary=SENTINELS["timer-summary"])
        await workflow.wait_condition(lambda: len(self.letters) == 3)
        if letter.text.startswith("fail"):
            raise ApplicationError(SENTINELS["activity-failure"], SENTINELS["failure-details"])
        return Letter(text=SENTINELS["result"])

    @workflow.signal
    def add(self, letter: Letter) -> None:
        self.letters.append(letter.text)

    @workflow.update
    async def tell(self, letter: Letter) -> Letter:
        self.letters.append(letter.text)
        return Letter(text=SENTINELS["update-answer"])

    @workflow.query
    def read(self) -> list[str]:
        return self.letters


def settings_for(server: EmbeddedServer, keys: str | None = None) -> Settings:
    environ = {"SUREHAND_TEMPORAL__ADDRESS": server.address}
    return load_settings(environ=environ | ({"SUREHAND_CODEC__KEYS": keys} if keys else {}))


async def live_through(client: Client, workflow_id: str, first_word: str = "hello") -> None:
    """One whole life on a worker of its own: activity, timer, signal, update, end."""
    async with Worker(client, task_queue=workflow_id, workflows=[Correspondence], activities=[answer]):
        handle = await client.start_workflow(
            Correspondence.run,
            Letter(text=f"{first_word} {SENTINELS['input']}"),
            id=workflow_id,
            task_queue=workflow_id,
            memo={"note": SENTINELS["memo"]},
            static_summary=SENTINELS["summary"],
            static_details=SENTINELS["details"],
        )
        await handle.signal(Correspondence.add, Letter(text=SENTINELS["signal"]))
        told = await handle.execute_update(Correspondence.tell, Letter(text=SENTINELS["update"]))
        assert told.text == SENTINELS["update-answer"]
        if first_word == "hello":
            assert (await handle.result()).text == SENTINELS["result"]
        else:
            with pytest.raises(WorkflowFailureError) as failure:
                await handle.result()
            assert str(failure.value.cause) == SENTINELS["activity-failure"]


async def raw(server: EmbeddedServer, workflow_id: str) -> bytes:
    """Everything the server tells about a workflow to somebody without any codec."""
    client = await Client.connect(server.address)
    execution = WorkflowExecution(workflow_id=workflow_id)
    told: list[bytes] = []
    token = b""
    for _ in itertools.count():
        page = await client.workflow_service.get_workflow_execution_history(
            GetWorkflowExecutionHistoryRequest(
                namespace="default",
                execution=execution,
                history_event_filter_type=HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT,
                next_page_token=token,
            )
        )
        told.append(page.SerializeToString())
        token = page.next_page_token
        if not token:
            break
    describe = DescribeWorkflowExecutionRequest(namespace="default", execution=execution)
    told.append((await client.workflow_service.describe_workflow_execution(describe)).SerializeToString())
    listing = ListWorkflowExecutionsRequest(namespace="default")
    told.append((await client.workflow_service.list_workflow_executions(listing)).SerializeToString())
    return b"".join(told)


def found_in(content: bytes) -> set[str]:
    return {place for place, sentinel in SENTINELS.items() if sentinel.encode() in content}


@pytest.fixture
async def server():
    async with EmbeddedServer(ui=False) as running:
        yield running


async def test_with_keys_the_server_holds_nothing_readable(server, tmp_path):
    client = await connect(settings_for(server, f"k1:{key('a')}"))

    await live_through(client, "closed-letter")
    await live_through(client, "failed-letter", "fail")

    for workflow_id in ("closed-letter", "failed-letter"):
        content = await raw(server, workflow_id)
        assert found_in(content) == set()
        assert b"binary/encrypted" in content


async def watch(server: EmbeddedServer, client: Client) -> set[str]:
    """What could be read at any moment while a case ran: heartbeats and last failures are gone afterwards."""
    life = asyncio.create_task(live_through(client, "busy"))
    readable: set[str] = set()
    while not life.done():
        with contextlib.suppress(RPCError):  # not found, before it has started
            readable |= found_in(await raw(server, "busy"))
        await asyncio.sleep(0.02)
    await life
    return readable


async def test_a_running_activity_shows_neither_its_heartbeat_nor_its_last_failure(server):
    assert await watch(server, await connect(settings_for(server, f"k1:{key('a')}"))) == set()


async def test_without_keys_they_are_readable_so_watching_would_have_found_them(server):
    assert {"heartbeat", "activity-failure"} <= await watch(server, await connect(settings_for(server)))


async def test_without_keys_everything_is_readable_so_the_search_above_would_find_it(server):
    client = await connect(settings_for(server))

    await live_through(client, "open-letter")
    await live_through(client, "open-failure", "fail")

    content = await raw(server, "open-letter") + await raw(server, "open-failure")
    assert found_in(content) == set(PLACES) - {"heartbeat"}


async def test_the_database_file_holds_nothing_readable_either(tmp_path):
    file = tmp_path / "temporal.db"
    async with EmbeddedServer(database_file=file, ui=False) as server:
        await live_through(await connect(settings_for(server, f"k1:{key('a')}")), "on-disk")
        content = await asyncio.to_thread(lambda: b"".join(path.read_bytes() for path in tmp_path.glob("temporal.db*")))

    assert b"on-disk" in content, "the workflow id is there, in the clear"
    assert found_in(content) == set()


async def test_old_histories_stay_readable_after_a_rotation(server):
    before = await connect(settings_for(server, f"old:{key('a')}"))
    await live_through(before, "written-before")

    after = await connect(settings_for(server, f"new:{key('b')},old:{key('a')}"))
    await live_through(after, "written-after")

    for workflow_id, key_id in (("written-before", b"old"), ("written-after", b"new")):
        handle = after.get_workflow_handle_for(Correspondence.run, workflow_id)
        assert (await handle.result()).text == SENTINELS["result"]
        content = await raw(server, workflow_id)
        assert b"encryption-key-id\x12" + bytes([len(key_id)]) + key_id in content
    history = await after.get_workflow_handle("written-before").fetch_history()
    settings = settings_for(server, f"new:{key('b')},old:{key('a')}")
    await Replayer(workflows=[Correspondence], data_converter=data_converter(settings.codec)).replay_workflow(history)


async def test_a_case_begun_under_the_old_key_goes_on_under_the_new_one(server):
    before = await connect(settings_for(server, f"old:{key('a')}"))
    handle = await before.start_workflow(
        Correspondence.run, Letter(text="hello"), id="begun", task_queue="begun", memo={"note": "x"}
    )
    async with Worker(before, task_queue="begun", workflows=[Correspondence], activities=[answer]):
        await handle.signal(Correspondence.add, Letter(text="one"))
        assert await handle.query(Correspondence.read) == ["hello", "one"]

    after = await connect(settings_for(server, f"new:{key('b')},old:{key('a')}"))
    async with Worker(after, task_queue="begun", workflows=[Correspondence], activities=[answer]):
        again = after.get_workflow_handle_for(Correspondence.run, "begun")
        await again.execute_update(Correspondence.tell, Letter(text="two"))
        assert (await again.result()).text == SENTINELS["result"]


@pytest.mark.parametrize(
    ("keys", "words"),
    [(None, "no key is configured"), ("k2", "SUREHAND_CODEC__KEYS does not have"), ("k1", "does not open")],
)
async def test_a_reader_with_no_key_or_the_wrong_one_is_told_so(server, keys, words):
    await live_through(await connect(settings_for(server, f"k1:{key('a')}")), "sealed")

    reader = await connect(settings_for(server, f"{keys}:{key('z')}" if keys else None))
    with pytest.raises(Exception, match=words):
        await reader.get_workflow_handle_for(Correspondence.run, "sealed").result()
