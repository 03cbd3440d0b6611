"""Dry runs: what would be called, in order, with which arguments, and who would be asked."""

import json
from datetime import timedelta

import pytest

from domain.expressions import compile_expression
from domain.playbook.definition import parse_playbook
from domain.playbook.plan import Plan, PlannedStep, StepKind
from domain.playbook.rehearsal import MOST_STEPS, rehearse
from domain.playbook.unknowns import Unevaluable, Unknown, evaluated, filled, merged, shown
from domain.policies.case_policy import Ladder, Rung
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, RuleAction, RuleCategory
from domain.tools.tool import Safety, ToolBrief, ToolUndo
from integrations.playbooks.reading import read_playbook
from integrations.playbooks.validating import examine
from tests.unit.playbooks.documents import examples, small, specified

TOOLS = {
    "stock.look": (ToolBrief(name="stock.look", vendor="stock", safety=Safety.SAFE),),
    "stock.reserve": (
        ToolBrief(
            name="stock.reserve",
            vendor="stock",
            safety=Safety.CONFIRM,
            pre_approved=True,
            undo=ToolUndo(tool="stock.release", arguments={"id": "${ $output.id }", "sku": "${ $arguments.sku }"}),
        ),
    ),
    "pay.charge": (ToolBrief(name="pay.charge", vendor="pay", safety=Safety.DANGEROUS, ladder="money"),),
    "capability:mail": (
        ToolBrief(name="mail.first", vendor="a", safety=Safety.SAFE),
        ToolBrief(name="mail.second", vendor="b", safety=Safety.SAFE),
    ),
}


def plan(tasks: str, given=None, *, extra: str = "", **more) -> Plan:
    found = examine(small(tasks, extra=extra), "p.yaml")
    assert not found.errors, found.errors
    return rehearse(parse_playbook(found.definition), given, tools=TOOLS, **more)


def step(made: Plan, name: str) -> PlannedStep:
    (found,) = [step for step in made.steps if step.name == name]
    return found


def test_calls_stand_in_order_with_their_arguments():
    made = plan(
        "- a: {set: {sku: '${ .order.sku }'}}\n- b: {call: stock.look, with: {sku: '${ .sku }', n: 1}}\n"
        "- c: {call: stock.reserve, with: {sku: '${ $workflow.input.order.sku }', shelf: '${ .shelf }'}}\n",
        {"order": {"sku": "A1"}},
    )
    assert [found.name for found in made.steps] == ["b", "c"]
    assert step(made, "b").arguments == {"sku": "A1", "n": 1}
    assert step(made, "b").certain
    assert step(made, "c").arguments == {"sku": "A1", "shelf": "(unknown: output of b, shelf)"}
    assert not step(made, "c").certain
    assert made.tools == ("stock.look", "stock.reserve")


def test_an_assumed_output_is_known_further_on():
    made = plan(
        "- a: {call: stock.look}\n- b: {call: stock.reserve, with: {shelf: '${ .shelf }'}}\n",
        assumed={"a": {"shelf": 7}},
    )
    assert step(made, "b").arguments == {"shelf": 7}


def test_safety_approvals_and_undos_are_named():
    rung = Rung(name="finance", roles=("finance_manager",), time_allowed=timedelta(hours=1))
    made = plan(
        "- a: {call: stock.look}\n- b: {call: stock.reserve, with: {sku: A1}}\n"
        "- c: {call: pay.charge, with: {amount: 5}}\n"
        "- d: {call: approve, with: {summary: Go on, ladder: money}}\n",
        ladders={"money": Ladder(rungs=(rung,)), "default": Ladder(rungs=(rung,))},
    )
    assert [(found.safety, found.approval is not None) for found in made.steps] == [
        ("safe", False),
        ("requires_confirmation", False),
        ("dangerous", True),
        ("", True),
    ]
    assert step(made, "c").approval.ladder == "money"
    assert step(made, "c").approval.rungs == ("finance",)
    assert step(made, "d").kind is StepKind.APPROVAL
    assert step(made, "b").undo == 'call stock.release {"id":"(unknown: output of b, id)","sku":"A1"}'
    assert step(made, "a").undo == ""


def test_an_authors_undo_is_shown_with_its_arguments():
    made = plan(
        "- b:\n    call: stock.reserve\n    with: {sku: A1}\n"
        "    metadata: {undo: {call: stock.free, with: {sku: '${ $arguments.sku }', key: '${ $key }'}}}\n"
    )
    assert step(made, "b").undo == 'call stock.free {"key":"(unknown: key)","sku":"A1"}'


def test_what_guardrails_deny_is_said():
    rule = GuardrailRule(
        name="no-a1",
        at=(GuardPoint.TOOL_CALL,),
        category=RuleCategory.COMPLIANCE,
        when='.arguments.sku == "A1"',
        action=RuleAction.DENY,
        reason="A1 is not sold.",
    )
    made = plan(
        "- b: {call: stock.reserve, with: {sku: A1}}\n- c: {call: stock.reserve, with: {sku: A2}}\n",
        guardrails=Guardrails(rules=(rule,)),
    )
    assert step(made, "b").denied == ("A1 is not sold.",)
    assert step(made, "c").denied == ()


def test_a_decided_switch_takes_one_way():
    tasks = (
        "- s: {switch: [{big: {when: .n > 9, then: b}}, {rest: {then: a}}]}\n"
        "- a: {call: stock.look, with: {way: a}, then: end}\n- b: {call: stock.look, with: {way: b}}\n"
    )
    assert [found.name for found in plan(tasks, {"n": 10}).steps] == ["b"]
    assert [found.name for found in plan(tasks, {"n": 1}).steps] == ["a"]


def test_an_undecided_switch_takes_every_way():
    made = plan(
        "- look: {call: stock.look}\n"
        "- s: {switch: [{big: {when: .n > 9, then: b}}, {none: {when: .n == 0, then: end}}]}\n"
        "- a: {call: stock.look, then: c}\n- b: {call: stock.look}\n- c: {call: stock.look, with: {x: '${ .x }'}}\n"
    )
    assert [(found.name, found.when) for found in made.steps] == [
        ("look", ""),
        ("s", ""),
        ("a", "not (.n > 9) and not (.n == 0)"),
        ("b", ".n > 9"),
        ("c", ""),
    ]
    assert step(made, "s").remark == ".n > 9: b, .n == 0: end, not (.n > 9) and not (.n == 0): continue"


def test_an_undecided_if_may_or_may_not_be():
    made = plan("- a: {call: stock.look}\n- b: {if: .n, call: stock.look}\n- c: {call: stock.look}\n")
    assert [(found.name, found.when) for found in made.steps] == [("a", ""), ("b", ".n"), ("c", "")]


def test_loops_are_unrolled_where_their_items_are_known():
    tasks = "- l:\n    for: {each: o, in: .orders, at: i}\n    do:\n"
    tasks += "    - a: {call: stock.look, with: {o: '${ $o }', i: '${ $i }'}}\n"
    made = plan(tasks, {"orders": ["x", "y"]})
    assert [found.arguments for found in made.steps] == [{"o": "x", "i": 0}, {"o": "y", "i": 1}]
    assert [found.path for found in made.steps] == ["/do/0/l/do#0/0/a", "/do/0/l/do#1/0/a"]
    made = plan("- q: {call: stock.look}\n" + tasks)
    assert [(found.name, found.when) for found in made.steps] == [
        ("q", ""),
        ("l", ""),
        ("a", "for each item of l"),
    ]


def test_a_step_back_is_noted_and_not_followed():
    made = plan("- a: {call: stock.look}\n- w: {wait: PT5M}\n- b: {switch: [{x: {when: .x, then: a}}]}\n")
    assert [found.name for found in made.steps] == ["a", "w", "b"]
    assert "goes back to a" in step(made, "b").remark


def test_waits_events_messages_and_errors_are_steps():
    made = plan(
        "- w: {wait: '${ .days }'}\n"
        "- l: {listen: {to: {any: [{with: {type: paid}}, {with: {type: void}}]}}, timeout: {after: P1D}}\n"
        "- e: {emit: {event: {with: {source: 'https://x.example', type: told, data: {x: '${ .[0] }'}}}}}\n"
        "- n: {call: notify, with: {to: '${ $workflow.input.to }', text: Hello}}\n"
        "- m: {call: ask_model, with: {prompt: Say}}\n"
        "- p: {run: {workflow: {namespace: test, name: other, version: '1.0.0', input: {x: 1}}}}\n"
        "- r: {raise: {error: {type: 'https://x.example/bad', status: 400}}}\n",
        {"days": {"days": 2}, "to": "ann"},
    )
    assert [(found.kind.value, found.what) for found in made.steps] == [
        ("wait", "wait 2 d"),
        ("listen", "wait for any of paid, void"),
        ("emit", "emit told"),
        ("message", "notify ${ $workflow.input.to }"),
        ("model", "ask the language model"),
        ("playbook", "run playbook other 1.0.0"),
        ("raise", "raise bad"),
    ]
    assert step(made, "l").remark == "for 1 d at most"
    assert step(made, "n").arguments == {"to": "ann", "text": "Hello"}


def test_what_is_caught_stands_beside_what_is_tried():
    made = plan(
        "- t:\n    try: [{a: {call: stock.look}}]\n    catch:\n      as: e\n      errors: {with: {status: 503}}\n"
        "      do: [{b: {call: stock.look, with: {why: '${ $e.title }'}}}]\n- c: {call: stock.look}\n"
    )
    assert [(found.name, found.when) for found in made.steps] == [
        ("a", ""),
        ("t", "t fails with status 503"),
        ("b", "t fails with status 503"),
        ("c", ""),
    ]


def test_the_first_tool_of_a_capability_is_called_and_the_others_are_named():
    made = plan("- a: {call: use, with: {capability: mail, arguments: {to: ann}}}\n")
    assert (step(made, "a").tool, step(made, "a").remark, step(made, "a").arguments) == (
        "mail.first",
        "else mail.second",
        {"to": "ann"},
    )


def test_functions_are_gone_into_with_their_arguments():
    made = plan(
        "- a: {call: twice, with: {n: '${ .x }'}}\n",
        {"x": 3},
        extra="use: {functions: {twice: {call: stock.look, with: {n: '${ .n * 2 }'}}}}\n",
    )
    assert step(made, "a").arguments == {"n": 6}


def test_addresses_are_filled_in_as_far_as_they_are_known():
    made = plan(
        "- a: {call: http, with: {method: get, endpoint: 'https://x.example/{id}/{page}'}}\n", {"id": "a b", "page": 2}
    )
    assert step(made, "a").arguments == {"uri": "https://x.example/a%20b/2"}
    made = plan(
        "- q: {call: stock.look}\n- a: {input: {from: '{id: 1, page: .}'}, call: http, "
        "with: {method: get, endpoint: 'https://x.example/{id}/{page}'}}\n"
    )
    assert step(made, "a").arguments == {"uri": "https://x.example/1/{page}"}


def test_a_tool_that_is_not_there_and_an_expression_that_fails_are_noted():
    made = plan("- a: {call: nobody.knows, with: {x: '${ .n + \"a\" }'}}\n", {"n": 1})
    assert len(made.notes) == 2
    assert made.notes[0].startswith("/do/0/a: an expression will fail: ")
    assert made.notes[1] == "/do/0/a: there is no tool for `call nobody.knows`: see `surehand tool list`."


def test_an_input_that_does_not_fit_is_noted():
    extra = "input: {schema: {document: {type: object, required: [sku]}}}\n"
    assert plan("- a: {set: {x: 1}}\n", {}, extra=extra).notes == (
        "The input does not fit its schema: the whole lacks sku.",
    )
    assert plan("- a: {set: {x: 1}}\n", {"sku": "A1"}, extra=extra).notes == ()


def test_nothing_is_endless():
    functions = "use: {functions: {f: {do: [{g: {call: f}}, {h: {call: f}}]}}}\n"
    made = plan("- a: {call: f}\n", extra=functions)
    assert made.notes
    made = plan("- a: {for: {in: 'range(0; 40) | [.]', each: x}, do: [{b: {call: stock.look}}]}\n", {})
    assert len(made.steps) <= MOST_STEPS


RUNNABLE = [(name, text) for name, text in [*specified(), *examples()] if examine(text, name).definition is not None]


@pytest.mark.parametrize(("name", "text"), RUNNABLE, ids=lambda value: value if len(str(value)) < 80 else "")
def test_every_playbook_of_the_specification_can_be_rehearsed(name, text):
    playbook = parse_playbook(read_playbook(text).data)
    made = rehearse(playbook, {"petId": 1, "colors": ["red"], "color": "red"})
    assert json.dumps(made.model_dump(mode="json"))
    assert all(found.path.startswith("/do/") for found in made.steps)


# Unknown values


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (".known", 1),
        (".known + 1", 2),
        (".unknown", "?"),
        (".unknown.deeper", "?"),
        (".unknown + 1", "?"),
        ('.unknown == "paid"', "?"),
        (".unknown != null", "?"),
        (".unknown | not", "?"),
        ("if .unknown then 1 else 2 end", "?"),
        ("if .unknown then 1 else 1 end", 1),
        ("if .known == 1 then 5 else .unknown end", 5),
        (".unknown // 3", "?"),
        ("[.unknown] | length", 1),
        (".unknown | type", "?"),
        ("{a: .known, b: .unknown}", {"a": 1, "b": "?"}),
        ("[.known, .unknown]", [1, "?"]),
        ("{a: .known, b: (.unknown == 1)}", {"a": 1, "b": "?"}),
        ("{a: .known} + {b: ([.unknown[] | .id] | add)}", {"a": 1, "b": "?"}),
        ("[.list[] | {id: .}]", [{"id": 1}, {"id": "?"}]),
        (".known as $k | {k: $k, u: .unknown}", {"k": 1, "u": "?"}),
        ("if .unknown then {a: 1, b: 2} else {a: 1, b: 3} end", {"a": 1, "b": "?"}),
        (".known // .unknown", 1),
        ("{a: .known} + {b: .unknown}", {"a": 1, "b": "?"}),
        (". + {more: 2}", {"known": 1, "unknown": "?", "list": [1, "?"], "more": 2}),
        ('"text " + .unknown', "?"),
        ("{id: .unknown.id, known: .known}", {"id": "?", "known": 1}),
        ("{known: .known} + {id: .unknown.a.b}", {"known": 1, "id": "?"}),
        ("{known: .known} + .unknown", "?"),
        ("{a: (.unknown.x + {b: 1})}", {"a": "?"}),
        (".unknown[0]", "?"),
        (".list + [.unknown]", [1, "?", "?"]),
        (".list[0] + .list[1]", "?"),
        ("$v.x", "?"),
        ("$w", 2),
        (".", {"known": 1, "unknown": "?", "list": [1, "?"]}),
        (".list[0]", 1),
        (".list | map(. == 1)", "?"),
        ('"Total \\(.unknown)"', "?"),
        ("1 + 1", 2),
    ],
)
def test_what_depends_on_the_unknown_is_unknown_and_the_rest_is_known(expression, expected):
    data = {"known": 1, "unknown": Unknown("later"), "list": [1, Unknown("later")]}
    result = evaluated(expression, data, {"v": {"x": Unknown("v")}, "w": 2})
    assert _plain(result) == expected


def _plain(value):
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return "?" if isinstance(value, Unknown) else value


def test_known_data_give_what_a_run_would_give():
    for expression in ("${ .a + 1 }", ".a", "[.b[] | . * 2]"):
        data = {"a": 1, "b": [1, 2]}
        assert evaluated(expression, data, {}) == compile_expression(expression).evaluate(data, {})
    with pytest.raises(Unevaluable):
        evaluated('.a + "x"', {"a": 1}, {})


def test_templates_are_filled_leaf_by_leaf():
    result = filled({"a": "${ .x }", "b": ["${ .y }", "plain ${ .x }"]}, {"x": 1, "y": Unknown("y")}, {})
    assert shown(result) == {"a": 1, "b": ["(unknown: y)", "plain ${ .x }"]}


def test_two_ways_agree_on_what_is_the_same():
    assert _plain(merged({"a": 1, "b": 2}, {"a": 1, "b": 3})) == {"a": 1, "b": "?"}
    assert _plain(merged([1], [1])) == [1]
    assert _plain(merged(1, True)) == "?"
    assert _plain(merged({"a": 1}, {"b": 1})) == "?"
