"""The shipped playbook `canary-deployment`, end to end: every gate, every undo, every step cancelled."""

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

NAME = "canary-deployment"
STEPS = effectful_steps(NAME)
BRIEF = {
    "stages": [{"percent": percent, "soak_minutes": 0} for percent in (5, 25, 50)],
    "final_soak_minutes": 0,
    "checks_per_stage": 1,
    "report_to": "channel:#releases",
}


ONE_STAGE = [{"percent": 25, "soak_minutes": 0}]


async def begin(world: PlaybooksWorld, version: str = "v2", **changes: Any) -> Run:
    return await world.start(NAME, {"service": "checkout", "version": version, **BRIEF, **changes})


async def checkout(world: PlaybooksWorld) -> tuple[str, str | None, int]:
    """Stable version, canary, and its share."""
    (found,) = [
        service
        for service in await world.vendors.ask("GET", "/api/objects/deployments/service")
        if service["name"] == "checkout"
    ]
    return found["stable_version"], found["canary_version"], found["canary_percent"]


async def shares(world: PlaybooksWorld) -> list[str]:
    """What happened to the traffic, in order."""
    entries = await world.vendors.messages("deployments")
    return [f"{entry['kind']} {entry['body']['facts']['Canary']}" for entry in entries]


async def reports(world: PlaybooksWorld) -> list[str]:
    return [
        entry["body"]["message"]["text"]
        for entry in await world.vendors.messages("slack")
        if entry["body"]["channel_name"] == "releases" and entry["kind"] == "message"
    ]


async def trouble(world: PlaybooksWorld, **fields: Any) -> None:
    await world.set_object("deployments/trouble/t", service="checkout", **fields)


async def test_a_well_version_goes_through_every_stage_and_to_all_traffic_once_approved(world: PlaybooksWorld) -> None:
    run = await begin(world)
    state = await world.until(run, lambda s: bool(s.pending_approvals))
    assert await checkout(world) == ("v1", "v2", 50)
    assert [request.question.action for request in state.pending_approvals] == ["deployments.promote"]
    result = await drive(world, run)
    assert result.status == "completed"
    assert result.output == {
        "result": "deployed",
        "service": "checkout",
        "version": "v2",
        "before": "v1",
        "health": {"stage": "all of the traffic", "error_ratio": 0.002, "p95_seconds": 0.12},
    }
    assert await checkout(world) == ("v2", None, 0)
    kinds = await world.kinds("deployments")
    assert kinds == ["canary_started", "traffic_set", "traffic_set", "traffic_set", "version_promoted"]
    assert await world.standing() == ["deployments version_promoted"]
    ready, done = await reports(world)
    assert "waits for approval" in ready
    assert "has all of the traffic" in done


async def test_each_stage_is_watched_for_as_long_as_was_asked(world: PlaybooksWorld) -> None:
    run = await begin(
        world,
        stages=[{"percent": 10, "soak_minutes": 20}],
        final_soak_minutes=10,
        checks_per_stage=2,
    )
    await drive(world, run)
    timeline = (await world.state(run)).timeline
    assert timedelta(minutes=30) <= timeline[-1].at - timeline[0].at < timedelta(minutes=33)
    looks = [reference for reference in world.watched.reached if "metrics" in reference]
    assert len(looks) >= 2 + 1 + 2


async def test_the_watch_ends_with_the_decision(world: PlaybooksWorld) -> None:
    run = await begin(world, stages=ONE_STAGE)
    await drive(world, run)
    timeline = (await world.state(run)).timeline
    # Looking is every two minutes while people decide; nobody waits for the next look.
    assert timeline[-1].at - timeline[0].at < timedelta(seconds=100)


@pytest.mark.parametrize(
    ("version", "percent", "words"),
    [("v2-bad", 25, "an error ratio of 0.18 at 25 %"), ("v2-bad-50", 50, "an error ratio of 0.18 at 50 %")],
)
async def test_a_version_that_gets_worse_with_traffic_goes_back_in_order(
    world: PlaybooksWorld, version: str, percent: int, words: str
) -> None:
    result = await drive(world, await begin(world, version))
    assert result.status == "faulted"
    assert result.error is not None
    assert words in result.error.title
    assert await checkout(world) == ("v1", None, 0)
    assert await world.standing() == []
    seen = await shares(world)
    assert f"traffic_set {version} ({percent} %)" in seen
    first_back = seen.index(f"traffic_set {version} (0 %)")
    assert seen[first_back - 1] == f"traffic_set {version} ({percent} %)"
    assert set(seen[first_back:-1]) == {f"traffic_set {version} (0 %)"}
    assert seen[-1] == "rolled_back - (0 %)"
    (report,) = await reports(world)
    assert "is back on v1" in report
    assert words in report
    assert "version_promoted" not in await world.kinds("deployments")


async def test_a_slow_version_goes_back(world: PlaybooksWorld) -> None:
    await trouble(world, version="v2", p95_seconds=1.4)
    result = await drive(world, await begin(world))
    assert result.error is not None
    assert "a 95th percentile of 1.4 s at 5 % of the traffic; allowed is 0.5 s" in result.error.title
    assert await world.standing() == []


async def test_thresholds_are_the_ones_given(world: PlaybooksWorld) -> None:
    await trouble(world, version="v2", p95_seconds=1.4)
    result = await drive(world, await begin(world, max_p95_seconds=1.5))
    assert result.status == "completed"
    result = await drive(world, await begin(world, "v3", max_error_ratio=0.001))
    assert result.status == "faulted"
    assert await checkout(world) == ("v2", None, 0)


async def test_no_metrics_are_no_good_metrics(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, error_ratio_metric="service:no_such_metric"))
    assert result.error is not None
    assert "has no metrics at 5 %" in result.error.title
    assert await checkout(world) == ("v1", None, 0)


async def test_metrics_that_cannot_be_read_send_the_version_back(world: PlaybooksWorld) -> None:
    await world.vendors.fault("metrics", "fail", status=503, times=None)
    result = await drive(world, await begin(world))
    assert result.status == "faulted"
    assert await checkout(world) == ("v1", None, 0)
    assert await world.standing() == []


async def test_names_in_a_query_stay_names(world: PlaybooksWorld) -> None:
    """A version that would close the label and match everything is one that has no metrics, and does not exist."""
    result = await drive(world, await begin(world, 'v2"} or up{version="v1'))
    assert result.status == "faulted"
    assert await world.kinds("deployments") == []


async def test_a_version_that_people_reject_goes_back(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, stages=ONE_STAGE), approve=False)
    assert result.status == "faulted"
    assert result.error is not None
    assert "Not approved" in result.error.title
    assert await checkout(world) == ("v1", None, 0)
    assert await world.standing() == []
    assert "Not approved" in (await reports(world))[-1]


async def test_a_version_that_nobody_decides_about_goes_back(world: PlaybooksWorld) -> None:
    run = await begin(world, stages=ONE_STAGE)
    await world.until(run, lambda s: bool(s.pending_approvals))
    await world.pass_time(hours=3)
    result = await world.result(run)
    assert result.status == "faulted"
    assert await checkout(world) == ("v1", None, 0)


async def test_a_version_that_turns_bad_while_people_decide_goes_back_and_the_question_with_it(
    world: PlaybooksWorld,
) -> None:
    run = await begin(world)
    state = await world.until(run, lambda s: any(request.rungs for request in s.pending_approvals))
    request = state.pending_approvals[0]
    await trouble(world, version="v2", error_ratio=0.3)
    await world.pass_time(minutes=3)
    result = await world.result(run)
    assert result.error is not None
    assert "before anybody approved it" in result.error.title
    assert await checkout(world) == ("v1", None, 0)
    later = (await world.state(run)).approvals[request.request_id]
    assert (later.status.value, later.granted) == ("superseded", False)


async def test_a_version_that_turns_bad_with_all_traffic_goes_back_to_the_old_one(world: PlaybooksWorld) -> None:
    await trouble(world, version="v2", error_ratio=0.3, from_percent=100)
    result = await drive(world, await begin(world))
    assert result.error is not None
    assert "at all of the traffic" in result.error.title
    assert await checkout(world) == ("v1", None, 0)
    assert "version_promoted" in await world.kinds("deployments")
    assert await world.standing() == []


async def test_a_version_that_is_stable_already_changes_nothing(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, "v1"))
    assert (result.status, result.output["result"]) == ("completed", "stable_already")  # type: ignore[index,call-overload]
    assert await world.kinds("deployments") == []


async def test_another_canary_is_left_alone(world: PlaybooksWorld) -> None:
    first = await begin(world, "v9")
    await world.until(first, lambda s: bool(s.pending_approvals))
    result = await drive(world, await begin(world))
    assert result.error is not None
    assert result.error.status == 409
    assert await checkout(world) == ("v1", "v9", 50)
    await drive(world, first)


async def test_more_than_half_of_the_traffic_is_no_stage(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, stages=[{"percent": 60, "soak_minutes": 0}]))
    assert (result.status, await world.kinds("deployments")) == ("faulted", [])


async def test_a_report_that_cannot_be_sent_takes_no_deployment_back(world: PlaybooksWorld) -> None:
    result = await drive(world, await begin(world, report_to="team:nobody", stages=ONE_STAGE))
    assert result.status == "completed"
    assert await checkout(world) == ("v2", None, 0)


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_whatever_is_refused_leaves_nothing(world: PlaybooksWorld, step: EffectfulStep) -> None:
    refuse(world, step)
    result = await drive(world, await begin(world, stages=ONE_STAGE))
    assert result.status == "faulted"
    assert step.reference in world.watched.reached
    assert await checkout(world) == ("v1", None, 0)
    assert (await world.standing(), list(result.left)) == ([], [])


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_an_answer_that_is_lost_changes_nothing_twice(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.watched.before[step.reference] = lambda call: world.vendors.fault("deployments", "drop")
    result = await drive(world, await begin(world, stages=ONE_STAGE))
    assert result.status == "completed"
    assert await checkout(world) == ("v2", None, 0)
    assert await world.duplicates() == []


@pytest.mark.parametrize("step", STEPS, ids=str)
async def test_a_run_that_is_cancelled_leaves_nothing_and_says_so(world: PlaybooksWorld, step: EffectfulStep) -> None:
    world.cancel_at(step.reference)
    with pytest.raises(WorkflowFailureError):
        await drive(world, await begin(world, stages=ONE_STAGE))
    assert step.reference in world.watched.reached
    assert await checkout(world) == ("v1", None, 0)
    assert await world.standing() == []
    assert "The deployment was cancelled." in (await reports(world))[-1]


async def test_a_roll_back_that_fails_waits_for_a_person_and_names_what_is_left(world: PlaybooksWorld) -> None:
    await keep_failing(world, "deployments", "rollback")
    run = await begin(world, "v2-bad")
    state = await go_on(world, run)
    assert state.parked[UNDO].left_undone == ["Start the new version (deployments.startCanary)"]
    # Exactly that: no traffic, but the new version is still beside the old one.
    assert await checkout(world) == ("v1", "v2-bad", 0)
    await relent(world)
    await world.unpark(run, UnparkAction.RETRY)
    result = await drive(world, run)
    assert (result.status, list(result.left)) == ("faulted", [])
    assert await checkout(world) == ("v1", None, 0)
