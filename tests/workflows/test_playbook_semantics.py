"""Small print of the specification: when a playbook stops, what it catches, and how often it tries."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.cases.messages import UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import VendorRefused, VendorUnavailable
from domain.tools.tool import ToolCategory
from runtime.configuration.policies import Configuration
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workflows.playbook import PlaybookWorkflow


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> PlaybookWorld:
    world = PlaybookWorld(environment, configuration)
    world.tools.add(a_tool("shop.find")).on("shop.find", VendorRefused("shop", "gone", "None there.", status=404))
    return world


async def test_a_playbook_that_takes_too_long_is_stopped(world: PlaybookWorld) -> None:
    definition = playbook("[{pause: {wait: {days: 3}}}]", timeout={"after": {"hours": 1}})
    result = await world.run(definition)
    assert result.error is not None
    assert (result.error.type.rsplit("/", 1)[1], result.error.status) == ("timeout", 408)


async def test_end_in_a_loop_ends_the_whole_playbook(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - loop:
                for: {each: n, in: "${ [1, 2, 3] }"}
                do: [{note: {set: {last: "${ $n }"}, then: end}}]
            - after: {set: {last: never}}
            """
        )
    )
    assert result.output == {"last": 1}


@pytest.mark.parametrize(
    ("catch", "caught"),
    [
        ("{errors: {with: {status: 404}}, do: [{seen: {set: {ok: true}}}]}", True),
        ("{errors: {with: {status: 409}}, do: [{seen: {set: {ok: true}}}]}", False),
        ("{as: err, when: '${ $err.status == 404 }', do: [{seen: {set: {ok: true}}}]}", True),
        ("{as: err, when: '${ $err.status == 409 }', do: [{seen: {set: {ok: true}}}]}", False),
        ("{as: err, exceptWhen: '${ $err.status == 409 }', do: [{seen: {set: {ok: true}}}]}", True),
        ("{as: err, exceptWhen: '${ $err.status == 404 }', do: [{seen: {set: {ok: true}}}]}", False),
    ],
)
async def test_an_error_is_caught_only_by_a_catch_that_is_for_it(
    world: PlaybookWorld, catch: str, caught: bool
) -> None:
    result = await world.run(playbook(f"[{{a: {{try: [{{find: {{call: shop.find}}}}], catch: {catch}}}}}]"))
    assert (result.status, result.output) == (("completed", {"ok": True}) if caught else ("faulted", None))


@pytest.mark.parametrize(
    ("word", "calls"), [("when: '${ $error.status == 409 }'", 1), ("exceptWhen: '${ $error.status == 404 }'", 1)]
)
async def test_what_a_retry_is_not_for_is_tried_once(world: PlaybookWorld, word: str, calls: int) -> None:
    catch = f"{{retry: {{{word}, delay: {{seconds: 1}}, limit: {{attempt: {{count: 3}}}}}}}}"
    result = await world.run(playbook(f"[{{a: {{try: [{{find: {{call: shop.find}}}}], catch: {catch}}}}}]"))
    assert result.status == "faulted"
    assert len(world.tools.calls_of("shop.find")) == calls


async def test_one_attempt_that_takes_too_long_is_an_error_and_the_next_one_follows(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - a:
                try: [{pause: {wait: {hours: 2}}}]
                catch:
                  as: err
                  retry: {delay: {seconds: 1}, limit: {attempt: {count: 1, duration: {minutes: 1}}}}
                  do: [{seen: {set: {status: "${ $err.status }"}}}]
            """
        )
    )
    assert result.output == {"status": 408}


async def test_a_call_that_a_person_skips_is_not_made_again_and_the_run_goes_on(world: PlaybookWorld) -> None:
    world.tools.on("shop.find", VendorUnavailable("shop", "503", "Down."))
    async with world.worker():
        run = await world.start(playbook("[{a: {call: shop.find, metadata: {undo: none}}}, {b: {set: {done: true}}}]"))
        state = await world.until(run, lambda s: bool(s.parked))
        made = len(world.tools.calls_of("shop.find"))
        word = UnparkInput(step=next(iter(state.parked)), action=UnparkAction.SKIP, person_id="p-ruth")
        await run.execute_update(PlaybookWorkflow.unpark, word)
        result = await run.result()
    assert (result.status, result.output) == ("completed", {"done": True})
    assert len(world.tools.calls_of("shop.find")) == made


async def test_words_that_left_are_not_asked_back_when_a_run_is_undone(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("mail.tell", category=ToolCategory.COMMUNICATION))
    result = await world.run(playbook("[{tell: {call: mail.tell}}, {find: {call: shop.find}}]"))
    assert (result.status, result.undone, result.left) == ("faulted", (), ())
    assert len(world.tools.calls_of("mail.tell")) == 1
