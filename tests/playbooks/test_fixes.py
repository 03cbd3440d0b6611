"""The fixes for a service in trouble, end to end: when they help, when they do not, and when they fail."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from domain.cases.terms import UnparkAction
from tests.playbooks.driving import UNDO, drive, go_on, keep_failing, refuse, relent
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld, Run

pytestmark = pytest.mark.asyncio(loop_scope="module")

RESTART, CONFIG, SCALE, ROTATE = "service-restart", "configuration-rollback", "scale-out", "credential-rotation"
BACK = "roll-back-deployment"
REMEDY = {RESTART: "restart", CONFIG: "config", SCALE: "scale", ROTATE: "credential", BACK: "rollback"}
CHANGE = {CONFIG: "/do/3/change", SCALE: "/do/3/change", BACK: "/do/5/change"}
CHANGED = {"pool_size": 1}
STEPS = [(name, step) for name in REMEDY for step in effectful_steps(name)]
BY_STEP = pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}-{step}" for name, step in STEPS])


async def begin(world: PlaybooksWorld, name: str, **changes: Any) -> Run:
    given = {"service": "search", "checks": 1, "check_minutes": 0, "report_to": "channel:#operations", **changes}
    if name == ROTATE:
        given.setdefault("grace_minutes", 0)
    if name == BACK:
        given.setdefault("to_version", "v2")
    if name == CONFIG:
        # Somebody changed it, so that there is something to go back to.
        await world.set_object(
            "deployments/config/search",
            id="search",
            versions=[
                {"version": 1, "values": {"pool_size": 20}, "based_on": None, "created_at": "2026-01-01T00:00:00Z"},
                {"version": 2, "values": CHANGED, "based_on": None, "created_at": "2026-01-02T00:00:00Z"},
            ],
        )
        await world.set_object("deployments/service/search", config_version=2)
    return await world.start(name, given)


async def trouble(world: PlaybooksWorld, ends_with: str, **fields: Any) -> None:
    fields = fields or {"error_ratio": 0.4}
    await world.set_object("deployments/trouble/t", service="search", ends_with=ends_with, **fields)


async def objects(world: PlaybooksWorld, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.vendors.ask("GET", f"/api/objects/deployments/{kind}")
    return found


async def as_it_is(world: PlaybooksWorld) -> dict[str, Any]:
    """What of the service a fix may change, as values and not as version numbers."""
    (service,) = [found for found in await objects(world, "service") if found["name"] == "search"]
    config = [found["versions"][-1]["values"] for found in await objects(world, "config")]
    return {
        "version": service["stable_version"],
        "replicas": service["replicas"],
        "config": config[0] if config else None,
        "active": [found["id"] for found in await objects(world, "credential") if found["status"] == "active"],
    }


async def told(world: PlaybooksWorld, channel: str = "operations") -> list[str]:
    entries = await world.vendors.messages("slack")
    return [entry["body"]["message"]["text"] for entry in entries if entry["body"]["channel_name"] == channel]


@pytest.mark.parametrize("name", REMEDY)
async def test_a_fix_that_helps_is_done_once_after_one_approval_each(world: PlaybooksWorld, name: str) -> None:
    await trouble(world, REMEDY[name])
    run = await begin(world, name)
    result = await drive(world, run)
    # The old credential's trouble ends with its revocation, which comes last.
    assert (result.status, await objects(world, "trouble")) == ("completed", [])
    now = await as_it_is(world)
    if name == RESTART:
        entry = (await world.vendors.messages("deployments"))[0]
        assert "drained for 30 s and restarted" in entry["body"]["title"]
    if name == CONFIG:
        assert now["config"] == {"pool_size": 20}
    if name == SCALE:
        assert now["replicas"] == 5
    assert now["version"] == ("v2" if name == BACK else "v3")
    if name == ROTATE:
        assert now["active"] == [result.output["new"]]  # type: ignore[index,call-overload]
        assert now["config"]["credential"].endswith(now["active"][0])
    assert len(await told(world)) == 1
    asked = [a.question.action for a in (await world.state(run)).approvals.values()]
    assert (
        asked
        == {
            RESTART: ["deployments.restartService"],
            CONFIG: ["deployments.rollBackConfig"],
            SCALE: ["deployments.scaleService"],
            BACK: ["deployments.rollBack"],
            ROTATE: ["deployments.putConfig", "deployments.revokeCredential"],
        }[name]
    )


@pytest.mark.parametrize("name", [CONFIG, SCALE, BACK])
async def test_a_fix_that_does_not_help_is_taken_back(world: PlaybooksWorld, name: str) -> None:
    await trouble(world, "something else")
    run = await begin(world, name)
    before = await as_it_is(world)
    result = await drive(world, run)
    assert (result.status, list(result.left)) == ("faulted", [])
    assert result.error is not None
    assert "did not help: error ratio 0.4" in result.error.title
    assert len(result.undone) == 1
    assert await as_it_is(world) == before
    assert "as " in (await told(world))[0]


async def test_a_restart_that_does_not_help_calls_people(world: PlaybooksWorld) -> None:
    await trouble(world, "something else")
    result = await drive(world, await begin(world, RESTART))
    assert result.status == "faulted"
    (message,) = await told(world, "engineering-support")
    assert "did not come back after a restart" in message
    assert "error ratio 0.4" in message


async def test_a_service_that_needs_a_while_gets_it(world: PlaybooksWorld) -> None:
    look = "/do/3/watch/try/0/watching/call/do/1/look/call/do/0/metrics"
    await trouble(world, "something else")

    async def first(call: object) -> None:
        world.watched.before[look] = second

    async def second(call: object) -> None:
        await trouble(world, "something else", error_ratio=0.002)

    world.watched.before[look] = first
    run = await begin(world, RESTART, checks=5, check_minutes=2)
    result = await drive(world, run)
    assert (result.status, world.watched.reached.count(look)) == ("completed", 2)
    timeline = (await world.state(run)).timeline
    assert timeline[-1].at - timeline[0].at >= timedelta(minutes=4)


async def test_replicas_that_help_in_part_stay(world: PlaybooksWorld) -> None:
    await trouble(world, "something else", p95_seconds=4.0)
    run = await begin(world, SCALE, checks=1)

    async def better(call: object) -> None:
        await trouble(world, "something else", p95_seconds=3.0)

    world.watched.before["/do/3/change/try/0/scale"] = better
    result = await drive(world, run)
    assert result.status == "completed"
    assert (await as_it_is(world))["replicas"] == 5


async def test_replicas_stay_within_what_is_allowed(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, SCALE, add=9, at_most=4))
    assert result.output["replicas"] == 4  # type: ignore[index,call-overload]
    result = await drive(world, await begin(world, SCALE, at_most=4))
    assert result.error is not None
    assert result.error.status == 409


async def test_the_version_to_go_back_to_must_exist(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, CONFIG, to_version=7))
    assert result.error is not None
    assert "no earlier configuration 7" in result.error.title
    assert await world.kinds("deployments") == []


@pytest.mark.parametrize("name", [CONFIG, SCALE, BACK])
async def test_what_somebody_else_changed_meanwhile_stays(world: PlaybooksWorld, name: str) -> None:
    await trouble(world, "something else")
    run = await begin(world, name, checks=1)

    async def change(call: object) -> None:
        if name == SCALE:
            await world.set_object("deployments/service/search", replicas=9)
        elif name == BACK:
            await world.set_object("deployments/service/search", stable_version="v9")
        else:
            versions = (await objects(world, "config"))[0]["versions"]
            more = {"version": 4, "values": {"pool_size": 99}, "based_on": None, "created_at": "2026-01-03T00:00:00Z"}
            await world.set_object("deployments/config/search", versions=[*versions, more])

    reference = f"{CHANGE[name]}/try/0/{'scale' if name == SCALE else 'back'}/undo-0/do/0/now"
    world.watched.before[reference] = change
    result = await drive(world, run)
    assert result.status == "faulted"
    now = await as_it_is(world)
    assert {SCALE: now["replicas"] == 9, BACK: now["version"] == "v9", CONFIG: now["config"] == {"pool_size": 99}}[name]


async def test_a_version_that_runs_already_is_left_alone(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, BACK, to_version="v3"))
    assert (result.status, result.output) == (
        "completed",
        {"result": "there already", "service": "search", "to_version": "v3"},
    )
    assert await world.kinds("deployments") == []


async def test_another_version_than_the_suspected_one_is_not_rolled_back(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, BACK, from_version="v8"))
    assert result.error is not None
    assert "runs v3 and no longer v8" in result.error.title
    assert await world.kinds("deployments") == []


async def test_a_service_with_a_canary_is_not_rolled_back(world: PlaybooksWorld) -> None:
    await world.set_object("deployments/service/search", canary_version="v4", canary_percent=5)
    result = await drive(world, await begin(world, BACK))
    assert result.error is not None
    assert "v4 is being tried on search" in result.error.title
    assert await world.kinds("deployments") == []


async def test_a_credential_that_does_not_work_is_revoked_and_the_old_one_kept(world: PlaybooksWorld) -> None:
    async def breaks(call: Any) -> None:
        await world.set_object(f"deployments/credential/{call.arguments['id']}", works=False)

    world.watched.before["/do/3/rotate/try/1/verify"] = breaks
    result = await drive(world, await begin(world, ROTATE))
    assert (result.status, await world.standing()) == ("faulted", [])
    now = await as_it_is(world)
    assert len(now["active"]) == 1
    assert "keeps its old credential" in (await told(world))[0]


async def test_a_service_that_is_not_well_with_its_new_credential_gets_the_old_one_back(world: PlaybooksWorld) -> None:
    async def breaks(call: Any) -> None:
        await trouble(world, "config")

    world.watched.before["/do/3/rotate/try/3/switch"] = breaks
    result = await drive(world, await begin(world, ROTATE))
    assert result.error is not None
    assert "not well with its new credential" in result.error.title
    now = await as_it_is(world)
    assert (len(now["active"]), "credential" in now["config"]) == (1, False)
    assert await world.standing() == []


async def test_only_the_credential_goes_back_where_somebody_changed_more_meanwhile(world: PlaybooksWorld) -> None:
    async def change(call: Any) -> None:
        versions = (await objects(world, "config"))[0]["versions"]
        more = {**versions[-1], "version": 3, "values": {**versions[-1]["values"], "pool_size": 77}}
        await world.set_object("deployments/config/search", versions=[*versions, more])
        await trouble(world, "something else")

    world.watched.before["/do/3/rotate/try/5/watching/call/do/1/look/call/do/0/metrics"] = change
    result = await drive(world, await begin(world, ROTATE))
    assert result.status == "faulted"
    now = await as_it_is(world)
    assert now["config"]["pool_size"] == 77
    assert "credential" not in now["config"]
    assert len(now["active"]) == 1


async def test_a_second_credential_is_not_guessed_about(world: PlaybooksWorld) -> None:
    await drive(world, await begin(world, ROTATE))
    one = (await objects(world, "credential"))[0]
    await world.set_object("deployments/credential/crd_9", **{**one, "id": "crd_9", "status": "active"})
    result = await drive(world, await begin(world, ROTATE))
    assert result.error is not None
    assert "2 active credentials" in result.error.title


@pytest.mark.parametrize("name", REMEDY)
async def test_what_people_reject_changes_nothing(world: PlaybooksWorld, name: str) -> None:
    run = await begin(world, name)
    before = await as_it_is(world)
    result = await drive(world, run, approve=False)
    assert result.error is not None
    assert "Not approved" in result.error.title
    now = await as_it_is(world)
    assert {**now, "active": []} == {**before, "active": []}
    assert len(now["active"]) == (1 if name == ROTATE else 0)
    assert await world.standing() == []


@BY_STEP
async def test_whatever_is_refused_leaves_the_service_as_it_was(
    world: PlaybooksWorld, name: str, step: EffectfulStep
) -> None:
    refuse(world, step)
    run = await begin(world, name)
    before = await as_it_is(world)
    result = await drive(world, run)
    assert (result.status, list(result.left)) == ("faulted", [])
    assert step.reference in world.watched.reached
    now = await as_it_is(world)
    assert (now["replicas"], now["version"]) == (before["replicas"], before["version"])
    assert (now["config"] or {}).get("credential") is None
    assert len(now["active"]) == (1 if name == ROTATE else 0)
    assert await world.standing() == [] or name == ROTATE


# The last step of a rotation has no way back; it has a test of its own.
@pytest.mark.parametrize(
    ("name", "step"),
    [(name, step) for name, step in STEPS if not step.reference.endswith("/revoke")],
    ids=[f"{name}-{step}" for name, step in STEPS if not step.reference.endswith("/revoke")],
)
async def test_a_fix_that_is_cancelled_leaves_nothing(world: PlaybooksWorld, name: str, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    run = await begin(world, name)
    before = await as_it_is(world)
    with pytest.raises(WorkflowFailureError):
        await drive(world, run)
    assert step.reference in world.watched.reached
    now = await as_it_is(world)
    assert (now["replicas"], now["version"]) == (before["replicas"], before["version"])
    assert len(now["active"]) == (1 if name == ROTATE else 0)


async def test_after_the_old_credential_is_revoked_there_is_no_way_back_and_people_are_told_so(
    world: PlaybooksWorld,
) -> None:
    world.cancel_at("/do/3/rotate/try/7/revoke")
    run = await begin(world, ROTATE)
    state = await go_on(world, run)
    left = ["Put it to use (deployments.putConfig)", "Make a new credential (deployments.createCredential)"]
    assert sorted(state.parked[UNDO].left_undone) == sorted(left)
    now = await as_it_is(world)
    assert len(now["active"]) == 1
    assert now["config"]["credential"].endswith(now["active"][0])
    await world.unpark(run, UnparkAction.SKIP)
    with pytest.raises(WorkflowFailureError):
        await drive(world, run)


@pytest.mark.parametrize(
    ("name", "match", "left"),
    [
        (SCALE, "PUT", "Add replicas (deployments.scaleService)"),
        (CONFIG, "config/rollback", "Put the earlier configuration in force (deployments.rollBackConfig)"),
        (BACK, "search/rollback", "Put the earlier version in force (deployments.rollBack)"),
    ],
)
async def test_a_fix_that_cannot_be_taken_back_waits_for_a_person(
    world: PlaybooksWorld, name: str, match: str, left: str
) -> None:
    await trouble(world, "something else")
    run = await begin(world, name)
    before = await as_it_is(world)

    async def breaks(call: object) -> None:
        await keep_failing(world, "deployments", match)

    world.watched.before[f"{CHANGE[name]}/try/1/watching/call/do/1/look/call/do/0/metrics"] = breaks
    state = await go_on(world, run)
    assert state.parked[UNDO].left_undone == [left]
    assert await as_it_is(world) != before
    await relent(world)
    await world.unpark(run, UnparkAction.RETRY)
    await drive(world, run)
    assert await as_it_is(world) == before
