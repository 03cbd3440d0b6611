"""The shipped playbooks that analyse: mail, documents, content, tasks, market data and devices, end to end."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from domain.cases.terms import UnparkAction
from domain.playbook.messages import PlaybookResult
from tests.playbooks.driving import UNDO, drive, go_on, keep_failing, refuse, relent
from tests.playbooks.enumerating import EffectfulStep, effectful_steps
from tests.playbooks.world import PlaybooksWorld

pytestmark = pytest.mark.asyncio(loop_scope="module")

MAIL, DOCUMENT, TASKS = "email-processing", "document-review", "task-automation"
CONTENT, MARKET, DEVICES = "content-review", "market-data-validation", "device-remediation"
GOOD_TEXT = (
    "# Ten tents compared\n\nWe took ten tents to the coast for a week. Each tent stood in wind and rain. "
    "We weighed them, and we timed how long one person needs to put each of them up.\n\n"
    "The light tents are good for long walks. The heavy tents keep you dry in a storm. "
    "Pick the tent that fits your trip, and air it well before you store it at home."
)
MINUTES = "- Anna: send the offer to Acme by Friday\n- Ben will update the price list\n- TODO: book the room"
GIVEN: dict[str, dict[str, Any]] = {
    MAIL: {
        "sender": "ann@example.com",
        "subject": "Invoice",
        "body": "Hello, could you please tell me where I find my last invoice? Thank you, Ann",
        "ticket": "4711",
    },
    DOCUMENT: {"document": "policy-travel", "criteria": ["manager approves"], "report_to": "channel:#legal"},
    TASKS: {"text": MINUTES, "ticket": "4711", "people": {"Anna": "person:p-sofia"}},
    CONTENT: {"document": "post-tents", "publish": True, "report_to": "channel:#content"},
    MARKET: {"batch": "ACME-2026-11-20", "report_to": "channel:#data"},
    DEVICES: {"firmware": "2.5.0", "reference": "fix-1", "soak_minutes": 0, "report_to": "channel:#plants"},
}
STEPS = [(name, step) for name in GIVEN for step in effectful_steps(name)]


async def run(world: PlaybooksWorld, name: str, *, approve: bool = True, **changes: Any) -> PlaybookResult:
    if name == CONTENT:
        await world.set_object("documents/document/post-tents", **A_DRAFT)
    return await drive(world, await world.start(name, {**GIVEN[name], **changes}), approve=approve)


A_DRAFT = {
    "title": "Ten tents", "kind": "article", "content": GOOD_TEXT, "author": "writer@example.com", "status": "draft",
    "version": 1, "updated_at": "2026-11-20T09:00:00Z",
}  # fmt: skip


async def objects(world: PlaybooksWorld, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await world.vendors.ask("GET", f"/api/objects/{kind}")
    return found


async def told(world: PlaybooksWorld, channel: str) -> list[str]:
    entries = await world.vendors.messages("slack")
    return [entry["body"]["message"]["text"] for entry in entries if entry["body"]["channel_name"] == channel]


async def notes(world: PlaybooksWorld) -> list[str]:
    return [str(entry["body"]) for entry in await world.vendors.messages("zendesk")]


# All of them


@pytest.mark.parametrize("name", GIVEN)
async def test_each_comes_to_its_end_and_reaches_its_report(world: PlaybooksWorld, name: str) -> None:
    result = await run(world, name)
    assert result.status == "completed", result
    assert await world.duplicates() == []


# A step is passed by when the run takes another branch: rejecting is not on the way of what is approved.
@pytest.mark.parametrize(("name", "step"), STEPS, ids=[f"{name}-{step}" for name, step in STEPS])
@pytest.mark.parametrize("how", ["refused", "cancelled"])
async def test_what_fails_or_is_cancelled_anywhere_leaves_nothing(
    world: PlaybooksWorld, name: str, step: EffectfulStep, how: str
) -> None:
    if how == "refused":
        refuse(world, step)
    else:
        world.cancel_at(step.reference)
    rejecting = "reject" in step.reference
    approve = not rejecting
    if how == "refused":
        result = await run(world, name, approve=approve)
        assert (result.status, list(result.left)) == ("faulted", [])
    else:
        with pytest.raises(WorkflowFailureError):
            await run(world, name, approve=approve)
    assert step.reference in world.watched.reached
    assert await world.standing() == []
    assert all(ticket["status"] == "open" for ticket in await objects(world, "zendesk/ticket"))
    if name == CONTENT:
        (document,) = [row for row in await objects(world, "documents/document") if row["id"] == "post-tents"]
        assert document["status"] == "draft"
    if name == DEVICES:
        assert not any(row["firmware"] == "2.5.0" for row in await objects(world, "fleet/device"))


# E-mail


async def test_a_question_is_answered_and_noted_on_its_ticket(world: PlaybooksWorld) -> None:
    result = await run(world, MAIL)
    output: Any = result.output
    assert output["result"] == "answered"
    (mail,) = await world.mails()
    assert mail.startswith("Re: Invoice")
    assert any("E-mail answered" in note for note in await notes(world))


@pytest.mark.parametrize(
    "given",
    [
        {"subject": "Out of office", "body": "I am on annual leave until Monday."},
        {"body": "Your weekly digest.", "headers": {"List-Id": "<news.example.com>"}},
        {"sender": "mailer-daemon@example.com", "subject": "Undeliverable", "body": "Could not deliver."},
    ],
)
async def test_machines_are_not_answered(world: PlaybooksWorld, given: dict[str, Any]) -> None:
    result = await run(world, MAIL, **given)
    assert result.output["result"] == "noted"  # type: ignore[index,call-overload]
    assert await world.mails() == []


async def test_a_threat_is_handed_to_people_and_not_answered(world: PlaybooksWorld) -> None:
    body = "This is unacceptable. My lawyer will sue you if this is not fixed today!"
    result = await run(world, MAIL, subject="Last warning", body=body)
    assert result.output["result"] == "handed over"  # type: ignore[index,call-overload]
    assert await world.mails() == []
    (message,) = await told(world, "customer-support")
    assert "For a person: Last warning" in message


async def test_what_the_rules_are_unsure_of_is_for_a_person(world: PlaybooksWorld) -> None:
    result = await run(world, MAIL, least_confidence=1)
    assert (result.output["result"], await world.mails()) == ("handed over", [])  # type: ignore[index,call-overload]


async def test_an_answer_that_cannot_be_sent_waits_and_given_up_sets_the_status_back(world: PlaybooksWorld) -> None:
    await world.vendors.fault("smtp", "down", times=None)
    started = await world.start(MAIL, GIVEN[MAIL])
    state = await go_on(world, started)
    assert [step.title for step in state.parked.values()] == ["Answer the e-mail"]
    await world.unpark(started, UnparkAction.GIVE_UP)
    result = await drive(world, started)
    assert (result.status, list(result.left)) == ("faulted", [])
    assert [ticket["status"] for ticket in await objects(world, "zendesk/ticket")] == ["open"]


# Documents


async def test_a_risky_document_waits_for_a_person_and_the_review_bears_their_name(world: PlaybooksWorld) -> None:
    result = await run(world, DOCUMENT, document="contract-acme", criteria=[])
    output: Any = result.output
    assert (output["risk"], output["result"], output["reviewer"]) == ("high", "approve", "p-lena")
    (review,) = await objects(world, "documents/review")
    assert (review["verdict"], review["status"]) == ("approve", "recorded")
    assert any("unlimited" in finding for finding in review["findings"])


async def test_a_risky_document_that_people_reject_is_to_be_changed(world: PlaybooksWorld) -> None:
    result = await run(world, DOCUMENT, approve=False, document="contract-acme", criteria=[])
    assert (result.status, result.output["result"]) == ("completed", "request_changes")  # type: ignore[index,call-overload]


async def test_a_plain_document_is_reviewed_without_asking(world: PlaybooksWorld) -> None:
    started = await world.start(DOCUMENT, GIVEN[DOCUMENT])
    result = await drive(world, started)
    output: Any = result.output
    assert (output["risk"], output["result"], output["reviewer"]) == ("low", "approve", "rules")
    assert (await world.state(started)).approvals == {}
    assert len(await told(world, "legal")) == 1


async def test_a_document_that_was_changed_during_its_review_is_not_reviewed(world: PlaybooksWorld) -> None:
    started = await world.start(DOCUMENT, {**GIVEN[DOCUMENT], "document": "contract-acme"})
    await world.until(started, lambda s: bool(s.pending_approvals))
    await world.set_object("documents/document/contract-acme", version=2)
    result = await drive(world, started)
    assert result.error is not None
    assert (result.error.status, await world.standing()) == (409, [])


# Tasks


async def test_tasks_are_recorded_and_told_to_whoever_has_them(world: PlaybooksWorld) -> None:
    result = await run(world, TASKS)
    output: Any = result.output
    assert {task["action"]: task["to"] for task in output["tasks"]} == {
        action: ("person:p-sofia" if "offer" in action else "team:general_support")
        for action in [task["action"] for task in output["tasks"]]
    }
    assert len(output["tasks"]) == 3
    (mail,) = await world.mails()
    assert "offer" in mail
    assert "price list" not in mail
    (message,) = await told(world, "customer-support")
    assert "nobody has it yet" in message


async def test_tasks_of_which_one_cannot_be_recorded_are_withdrawn_and_nobody_is_told(world: PlaybooksWorld) -> None:
    made = []

    async def the_third(call: Any) -> None:
        made.append(call)
        if len(made) == 3:
            await world.vendors.fault("zendesk", "fail", status=400, match="PUT")
        else:
            world.watched.before["/do/4/record/do/0/note"] = the_third

    world.watched.before["/do/4/record/do/0/note"] = the_third
    result = await run(world, TASKS)
    assert (result.status, len(result.undone), list(result.left)) == ("faulted", 2, [])
    assert sum("Withdrawn, nobody works on it: Task" in note for note in await notes(world)) == 2
    assert (await world.mails(), await told(world, "customer-support")) == ([], [])


async def test_a_task_that_the_rules_are_unsure_of_goes_to_the_coordinator(world: PlaybooksWorld) -> None:
    result = await run(world, TASKS, least_confidence=1)
    output: Any = result.output
    assert output["told"] == ["team:general_support"]
    assert "please check it" in (await told(world, "customer-support"))[0]


async def test_a_text_without_tasks_tells_nobody(world: PlaybooksWorld) -> None:
    result = await run(world, TASKS, text="The weather was fine.")
    assert result.output["result"] == "no tasks"  # type: ignore[index,call-overload]
    assert (await world.mails(), await notes(world)) == ([], [])


# Content


async def test_good_content_is_approved_and_published_by_people_with_every_stage_on_record(
    world: PlaybooksWorld,
) -> None:
    result = await run(world, CONTENT)
    assert result.output["result"] == "published"  # type: ignore[index,call-overload]
    reviews = await objects(world, "documents/review")
    assert [review["reviewer"] for review in reviews] == [
        f"rules/{stage}" for stage in ("structure", "language", "claims", "safety")
    ]
    assert "is published" in (await told(world, "content"))[0]


async def test_content_that_the_rules_stop_is_rejected_and_nobody_is_asked(world: PlaybooksWorld) -> None:
    started = await world.start(CONTENT, {**GIVEN[CONTENT], "document": "post-launch"})
    result = await drive(world, started)
    assert (result.status, result.output["result"]) == ("completed", "rejected")  # type: ignore[index,call-overload]
    assert (await world.state(started)).approvals == {}
    assert "was not approved" in (await told(world, "content"))[0]


async def test_a_text_that_asks_to_be_approved_is_not(world: PlaybooksWorld) -> None:
    result = await drive(world, await world.start(CONTENT, {**GIVEN[CONTENT], "document": "post-injected"}))
    assert result.output["result"] == "rejected"  # type: ignore[index,call-overload]


async def test_content_that_people_refuse_is_rejected(world: PlaybooksWorld) -> None:
    result = await run(world, CONTENT, approve=False)
    output: Any = result.output
    assert (result.status, output["result"]) == ("completed", "rejected")
    assert "Not approved" in output["refused_because"]


# Market data


async def test_odd_ticks_are_set_aside_and_the_rest_published(world: PlaybooksWorld) -> None:
    result = await run(world, MARKET)
    output: Any = result.output
    assert output["result"] == "published"
    codes = {row["code"] for row in output["set_aside"]}
    assert {"out_of_range", "missing_field", "repeated_sequence"} <= codes
    (batch,) = await objects(world, "market/batch")
    assert not set(batch["published"]) & {row["sequence"] for row in output["set_aside"]}
    assert len(batch["published"]) == output["published"] >= 50
    waits, done = await told(world, "data")
    assert "30 (price_jump)" in waits
    assert "is published" in done


async def test_a_batch_with_too_much_wrong_is_held_and_nobody_is_asked(world: PlaybooksWorld) -> None:
    result = await run(world, MARKET, rules={"max_rejected_percent": 1})
    output: Any = result.output
    assert (output["result"], output["published"]) == ("held", None)
    assert await world.standing() == ["market ticks_quarantined"]


async def test_a_batch_that_people_refuse_is_held_with_what_is_wrong_set_aside(world: PlaybooksWorld) -> None:
    result = await run(world, MARKET, approve=False)
    assert (result.status, result.output["result"]) == ("completed", "held")  # type: ignore[index,call-overload]
    assert await world.standing() == ["market ticks_quarantined"]


async def test_a_published_batch_is_not_touched(world: PlaybooksWorld) -> None:
    await run(world, MARKET)
    result = await run(world, MARKET)
    assert result.error is not None
    assert result.error.status == 409


# Devices


async def test_unwell_devices_get_their_firmware_in_batches_each_approved(world: PlaybooksWorld) -> None:
    started = await world.start(DEVICES, GIVEN[DEVICES])
    result = await drive(world, started)
    assert result.output == {"result": "done", "devices": ["dev-007", "dev-015"], "offline": []}
    asked = (await world.state(started)).approvals.values()
    assert [request.question.arguments["body"]["device_ids"] for request in asked] == [["dev-007"], ["dev-015"]]
    well = {row["id"]: row["health"] for row in await objects(world, "fleet/device")}
    assert (well["dev-007"], well["dev-015"]) == ("healthy", "healthy")


async def test_bad_firmware_is_taken_back_from_every_batch(world: PlaybooksWorld) -> None:
    before = {row["id"]: row["firmware"] for row in await objects(world, "fleet/device")}
    result = await run(world, DEVICES, firmware="2.5.0-bad", devices=["dev-001", "dev-002", "dev-003"], first_batch=2)
    assert result.error is not None
    assert "2 of 2 devices in batch 1 are unwell" in result.error.title
    assert {row["id"]: row["firmware"] for row in await objects(world, "fleet/device")} == before
    assert "was taken back" in (await told(world, "plants"))[0]


async def test_batches_before_the_bad_one_go_back_too(world: PlaybooksWorld) -> None:
    async def breaks(call: object) -> None:
        await world.set_object("fleet/device/dev-001", health="degraded", error_count=40)

    world.watched.before["/do/4/remedy/try/0/each/do/2/look/do/0/health"] = breaks
    result = await run(world, DEVICES, devices=["dev-001", "dev-002"])
    assert (result.status, await world.standing()) == ("faulted", [])


async def test_a_device_that_is_offline_is_named_and_holds_nobody_up(world: PlaybooksWorld) -> None:
    result = await run(world, DEVICES, devices=["dev-024", "dev-001"])
    assert result.output == {"result": "done", "devices": ["dev-001"], "offline": ["dev-024"]}
    assert "Offline, to be done again: dev-024" in (await told(world, "plants"))[0]


async def test_no_unwell_devices_are_nothing_to_do(world: PlaybooksWorld) -> None:
    result = await run(world, DEVICES, plant="nowhere")
    assert result.output["result"] == "nothing to do"  # type: ignore[index,call-overload]


async def test_firmware_that_cannot_be_taken_back_waits_for_a_person(world: PlaybooksWorld) -> None:
    await keep_failing(world, "fleet", "rollback")
    started = await world.start(DEVICES, {**GIVEN[DEVICES], "firmware": "2.5.0-bad", "devices": ["dev-001"]})
    state = await go_on(world, started)
    assert state.parked[UNDO].left_undone == ["Push the firmware to a batch (fleet.createRollout)"]
    assert await world.standing() == ["fleet firmware_pushed"]
    await relent(world)
    await world.unpark(started, UnparkAction.RETRY)
    await drive(world, started)
    assert await world.standing() == []
