"""What the tasks of a playbook do, one kind at a time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from domain.errors import VendorRefused
from domain.playbook.messages import CloudEvent
from runtime.configuration.policies import Configuration
from tests.workflows.playbook_world import PlaybookWorld, a_tool, playbook
from workflows.playbook import PlaybookWorkflow


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration) -> PlaybookWorld:
    return PlaybookWorld(environment, configuration)


async def test_data_flow_goes_through_all_stations(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - first:
                input: {from: .order}
                set: {total: "${ .price * .count }", currency: EUR}
                output: {as: "{ sum: .total, unit: .currency }"}
                export: {as: "{ seen: .sum }"}
            - second:
                set: {text: '${ "\\(.sum) \\(.unit), seen \\($context.seen)" }'}
            """,
            input={"schema": {"document": {"type": "object", "required": ["order"]}}},
            output={"as": ".text"},
        ),
        {"order": {"price": 5, "count": 3}},
    )
    assert (result.status, result.output) == ("completed", "15 EUR, seen 15")


async def test_input_that_does_not_fit_faults_with_a_validation_error(world: PlaybookWorld) -> None:
    definition = playbook(
        "[{a: {set: {x: 1}}}]", input={"schema": {"document": {"type": "object", "required": ["order"]}}}
    )
    result = await world.run(definition, {"other": "secret-value"})
    assert result.status == "faulted"
    assert result.error is not None
    assert (result.error.type.rsplit("/", 1)[1], result.error.status) == ("validation", 400)
    assert "order" in result.error.title
    assert "secret-value" not in result.model_dump_json()


async def test_then_jumps_loops_and_ends(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - count:
                set: {n: "${ .n + 1 }"}
            - again:
                switch:
                  - enough: {when: .n >= 3, then: finish}
                  - more: {then: count}
            - never:
                set: {n: 99}
            - finish:
                set: {n: "${ .n }", done: true}
                then: end
            - later:
                set: {n: 100}
            """
        ),
        {"n": 0},
    )
    assert result.output == {"n": 3, "done": True}


async def test_for_passes_its_data_on_and_stops_at_while(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - loop:
                for: {each: word, in: .words, at: place}
                while: .taken | length < 2
                do:
                  - take:
                      if: $word != "skip"
                      set: {taken: '${ .taken + [ "\\($place)\\($word)" ] }', words: "${ .words }"}
            """
        ),
        {"words": ["a", "skip", "b", "c"], "taken": []},
    )
    assert result.output["taken"] == ["0a", "2b"]


async def test_fork_gives_outputs_in_the_order_of_its_branches(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - both:
                fork:
                  branches:
                    - slow: {do: [{pause: {wait: {hours: 2}}}, {say: {set: {name: slow}}}]}
                    - fast: {set: {name: fast}}
            """
        )
    )
    assert [branch["name"] for branch in result.output] == ["slow", "fast"]


async def test_a_race_has_one_winner_and_what_losers_did_is_undone(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("stock.reserve"), a_tool("stock.release"))
    result = await world.run(
        playbook(
            """
            - race:
                fork:
                  compete: true
                  branches:
                    - slow:
                        do:
                          - reserve:
                              call: stock.reserve
                              with: {sku: A}
                              metadata: {undo: {call: stock.release, with: {sku: "${ $arguments.sku }"}}}
                          - pause: {wait: {days: 2}}
                    - fast: {do: [{pause: {wait: {hours: 1}}}, {say: {set: {name: fast}}}]}
            """
        )
    )
    assert result.output == {"name": "fast"}
    assert [call.arguments for call in world.tools.calls_of("stock.release")] == [{"sku": "A"}]
    assert result.done == ()


async def test_a_failing_branch_stops_its_siblings(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - both:
                fork:
                  branches:
                    - long: {do: [{pause: {wait: {days: 9}}}]}
                    - bad: {raise: {error: {type: "https://example.org/broken", status: 418, title: Broken}}}
            """
        )
    )
    assert result.status == "faulted"
    assert result.error is not None
    assert (result.error.status, result.error.instance) == (418, "/do/0/both/fork/branches/1/bad")


async def test_catch_takes_what_its_filter_is_for_and_sees_the_error(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("shop.find")).on(
        "shop.find", VendorRefused("shop", "gone", "The shop has none.", status=404)
    )
    result = await world.run(
        playbook(
            """
            - attempt:
                try:
                  - find: {call: shop.find, with: {sku: A}}
                catch:
                  errors: {with: {type: "https://serverlessworkflow.io/dsl/errors/types/communication", status: 404}}
                  as: err
                  do: [{tell: {set: {seen: "${ $err.status }", code: "${ $err.data.code }", at: "${ $err.instance }"}}}]
            """
        )
    )
    assert result.output == {"seen": 404, "code": "gone", "at": "/do/0/attempt/try/0/find"}


async def test_retry_tries_again_with_a_new_effect_and_undoes_the_failed_attempt(world: PlaybookWorld) -> None:
    refused = VendorRefused("pay", "declined", "The card was declined.", status=402)
    world.tools.add(a_tool("stock.reserve"), a_tool("stock.release"), a_tool("pay.charge"))
    answers = iter([refused, refused, {"id": "ch-3"}])
    world.tools.on("pay.charge", lambda call: next(answers))
    result = await world.run(
        playbook(
            """
            - attempt:
                try:
                  - reserve:
                      call: stock.reserve
                      metadata: {undo: {call: stock.release}}
                  - charge: {call: pay.charge, metadata: {undo: none}}
                catch:
                  retry:
                    delay: {minutes: 5}
                    backoff: {exponential: {}}
                    limit: {attempt: {count: 4}}
            """
        )
    )
    assert result.output == {"id": "ch-3"}
    assert len({call.key for call in world.tools.calls_of("pay.charge")}) == 3
    assert len(world.tools.calls_of("stock.reserve")) == 3
    assert len(world.tools.calls_of("stock.release")) == 2


async def test_retries_that_are_used_up_raise_the_last_error(world: PlaybookWorld) -> None:
    world.tools.add(a_tool("pay.charge")).on("pay.charge", VendorRefused("pay", "declined", "Declined.", status=402))
    result = await world.run(
        playbook(
            """
            - attempt:
                try: [{charge: {call: pay.charge}}]
                catch: {retry: {delay: {seconds: 1}, limit: {attempt: {count: 2}}}}
            """
        )
    )
    assert result.status == "faulted"
    assert len(world.tools.calls_of("pay.charge")) == 3


async def test_a_timeout_stops_what_it_is_around(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - patience:
                timeout: {after: {hours: 1}}
                do: [{pause: {wait: {days: 3}}}]
            """
        )
    )
    assert result.error is not None
    assert (result.error.type.rsplit("/", 1)[1], result.error.status) == ("timeout", 408)


async def test_an_event_before_its_listener_and_one_after_it_are_both_heard(world: PlaybookWorld) -> None:
    definition = playbook(
        """
        - pause: {wait: {minutes: 5}}
        - hear:
            listen:
              to:
                all:
                  - with: {type: paid}
                  - with: {type: shipped}
            output: {as: "map(.n)"}
        """
    )
    async with world.worker():
        run = await world.start(definition)
        early = CloudEvent(id="1", source="shop", type="shipped", data={"n": 1})
        await run.signal(PlaybookWorkflow.event, early)
        await run.signal(PlaybookWorkflow.event, early)
        await world.pass_time(timedelta(minutes=6))
        await world.until(run, lambda s: s.waiting_for_event == 1)
        await run.signal(PlaybookWorkflow.event, CloudEvent(id="2", source="shop", type="other", data={}))
        await run.signal(PlaybookWorkflow.event, CloudEvent(id="3", source="shop", type="paid", data={"n": 2}))
        result = await run.result()
    assert sorted(result.output) == [1, 2]


async def test_a_listener_does_its_tasks_for_each_event_until_one_ends_it(world: PlaybookWorld) -> None:
    definition = playbook(
        """
        - hear:
            listen:
              to:
                any: [{with: {type: opened}}]
                until: {one: {with: {type: stop}}}
            foreach:
              item: event
              at: number
              do: [{note: {set: {line: '${ "\\($number): \\($event.who)" }'}}}]
        """
    )
    async with world.worker():
        run = await world.start(definition)
        for number, (kind, who) in enumerate([("opened", "ann"), ("opened", "bob"), ("stop", "")]):
            event = CloudEvent(id=str(number), source="mail", type=kind, data={"who": who})
            await run.signal(PlaybookWorkflow.event, event)
            await run.signal(PlaybookWorkflow.event, event)  # a delivery that comes twice is one event
        result = await run.result()
    assert result.output == [{"line": "0: ann"}, {"line": "1: bob"}]


async def test_events_are_correlated_by_what_they_carry(world: PlaybookWorld) -> None:
    definition = playbook(
        """
        - hear:
            listen:
              to:
                one:
                  with: {type: paid}
                  correlate: {order: {from: .data.order, expect: "${ .order }"}}
        """
    )
    async with world.worker():
        run = await world.start(definition, {"order": "o-2"})
        for order in ("o-1", "o-2"):
            await run.signal(
                PlaybookWorkflow.event, CloudEvent(id=order, source="shop", type="paid", data={"order": order})
            )
        result = await run.result()
    assert result.output == [{"order": "o-2"}]


async def test_a_runaway_expression_is_reported_and_stops_nothing_else(world: PlaybookWorld) -> None:
    result = await world.run(
        playbook(
            """
            - attempt:
                try: [{spin: {set: {x: "${ [range(1000000000)] | length }"}}}]
                catch: {as: err, do: [{tell: {set: {type: '${ $err.type | split("/") | last }'}}}]}
            """
        )
    )
    assert result.output == {"type": "expression"}


async def test_text_from_data_is_never_taken_for_an_expression(world: PlaybookWorld) -> None:
    planted = {"note": "${ env.HOME }", "deep": ["${ $workflow.definition }"]}
    result = await world.run(playbook('[{copy: {set: {got: "${ . }"}}}, {again: {set: {got: "${ .got }"}}}]'), planted)
    assert result.output == {"got": planted}


@pytest.mark.parametrize(
    "tasks",
    [
        "[{a: {call: approve, with: {}}}]",
        '[{a: {raise: {error: {type: "https://example.org/x", status: "${ .text }"}}}}]',
        '[{a: {wait: "${ .text }"}}]',
        "[{a: {call: notify, with: {text: hello}}}]",
        '[{a: {for: {in: .text}, do: [{b: {raise: {error: "${ .text }"}}}]}}]',
        "[{a: {timeout: {after: {months: 1}}, set: {x: 1}}}]",
        "[{a: {try: [{b: {raise: {error: {type: t, status: 500}}}}], catch: {retry: {delay: {months: 1}}}}}]",
    ],
)
async def test_data_of_another_shape_fault_the_task_and_leave_no_run_hanging(world: PlaybookWorld, tasks: str) -> None:
    result = await world.run(playbook(tasks), {"text": "no number"})
    assert result.status == "faulted"


async def test_functions_and_undos_may_be_of_many_tasks_and_find_their_tools(world: PlaybookWorld) -> None:
    for name in ("shop.look", "shop.buy", "shop.give_back", "shop.fail"):
        world.tools.add(a_tool(name))
    world.tools.on("shop.fail", VendorRefused("shop", "no", "No."))
    definition = playbook(
        """
        - bought: {call: careful, with: {what: tent}}
        - failed: {call: shop.fail}
        """,
        use={
            "functions": {
                "careful": {
                    "do": [
                        {"looked": {"call": "shop.look", "with": {"what": "${ .what }"}, "output": {"as": "$input"}}},
                        {
                            "buying": {
                                "call": "shop.buy",
                                "with": {"what": "${ .what }"},
                                "metadata": {
                                    "undo": {
                                        "try": [
                                            {"back": {"call": "shop.give_back", "with": {"it": "${ $arguments.what }"}}}
                                        ],
                                        "catch": {"do": [{"gone": {"set": {"gone": True}}}]},
                                    }
                                },
                            }
                        },
                    ]
                }
            }
        },
    )
    definition["use"]["functions"]["careful"]["do"][0]["looked"]["metadata"] = {"undo": "none"}
    result = await world.run(definition, {})
    assert result.status == "faulted"
    assert [call.arguments for call in world.tools.calls_of("shop.give_back")] == [{"it": "tent"}]
    assert list(result.left) == []
