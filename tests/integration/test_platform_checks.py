"""Setting up a namespace and examining it, on a real Temporal server."""

import asyncio
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.worker import Worker

from runtime.doctor.checks import Check, CheckStatus, ok, run_all
from runtime.doctor.platform_checks import PlatformChecks, run_checks
from runtime.settings.environment import Settings, load_settings
from runtime.temporal.cluster_setup import prepare, retention_of
from runtime.temporal.connection import connect
from runtime.temporal.dev_server import EmbeddedServer, free_port
from runtime.temporal.search_attributes import ATTRIBUTES, missing

pytestmark = pytest.mark.server


@activity.defn
async def nothing() -> None:
    return None


@workflow.defn(sandboxed=False)
class Idle:
    @workflow.run
    async def run(self) -> None:
        return None


@pytest.fixture
async def server():
    async with EmbeddedServer(ui=False) as running:
        yield running


def settings_for(server: EmbeddedServer, namespace: str) -> Settings:
    return load_settings(
        environ={"SUREHAND_TEMPORAL__ADDRESS": server.address, "SUREHAND_TEMPORAL__NAMESPACE": namespace}
    )


async def verdicts(settings: Settings) -> dict[str, CheckStatus]:
    # One of them takes its time, and has a test of its own.
    checks = [check for check in PlatformChecks(settings).checks() if check.name != "Sharing"]
    return {result.name: result.status for result in await run_all(checks)}


async def test_setting_up_makes_the_namespace_and_its_search_attributes_once(server):
    client = await connect(settings_for(server, "desk"))
    assert await retention_of(client) is None

    first = await prepare(client, retention=timedelta(days=9))
    second = await prepare(client)

    assert first[0] == "Made namespace desk with 9 days of retention."
    assert second == []
    assert await retention_of(client) == timedelta(days=9)
    assert await missing(client) == []


async def test_the_doctor_finds_what_is_missing_and_is_content_after_setup_and_with_a_worker(server):
    settings = settings_for(server, "desk")
    before = await verdicts(settings)
    client = await connect(settings)
    await prepare(client)
    between = await verdicts(settings)
    async with Worker(client, task_queue="surehand", workflows=[Idle], activities=[nothing]):
        # A poll that found nothing is not yet listed; one that ran a task is.
        await client.execute_workflow(Idle.run, id="idle", task_queue="surehand")
        after = await verdicts(settings)

    assert before["Temporal"] is CheckStatus.MISSING
    assert (between["Temporal"], between["Search attributes"]) == (CheckStatus.OK, CheckStatus.OK)
    assert between["Workers"] is CheckStatus.WARNING
    assert after["Workers"] is CheckStatus.OK


@pytest.mark.parametrize(("shares", "expected"), [(True, CheckStatus.OK), (False, CheckStatus.WARNING)])
async def test_the_doctor_sees_by_the_order_of_tasks_whether_tenants_take_turns(shares, expected):
    async with EmbeddedServer(ui=False, shares=shares) as server:
        checks = PlatformChecks(settings_for(server, "default"))
        found = await checks.sharing()
        client = await connect(settings_for(server, "default"))
        async with asyncio.timeout(30):
            while [run async for run in client.list_workflows()]:  # noqa: ASYNC110 - visibility follows later
                await asyncio.sleep(0.1)

    assert found.status is expected, found.sentence
    assert ("matching.enableFairness" in found.sentence) is not shares


async def test_a_namespace_that_forgets_too_soon_is_a_warning(server):
    settings = settings_for(server, "short")
    await prepare(await connect(settings), retention=timedelta(days=2))
    assert (await verdicts(settings))["Temporal"] is CheckStatus.WARNING


async def test_without_temporal_the_round_is_finished_all_the_same_and_probes_come_last():
    async def probe():
        return ok("Hello.")

    settings = load_settings(environ={"SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}"})
    results = await run_checks(settings, probes=[Check("Slack", probe)])

    by_name = {result.name: result for result in results}
    assert by_name["Temporal"].status is CheckStatus.MISSING
    assert "does not answer" in by_name["Temporal"].sentence
    assert by_name["Python"].status is CheckStatus.OK
    assert results[-1].name == "Slack"
    assert len(ATTRIBUTES) == 10
