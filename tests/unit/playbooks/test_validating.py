"""Validation: every fault of a document, each at its line and column, in a sentence that says what to do."""

import copy
import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from domain.playbook.faults import Weight
from domain.playbook.outline import KINDS
from domain.tools.tool import Safety, ToolBrief, ToolUndo
from integrations.playbooks.reading import read_playbook
from integrations.playbooks.schema import load_schema, schema_faults
from integrations.playbooks.validating import Examination, all_faults, examine
from tests.unit.playbooks.documents import examples, small, specified

E, W = Weight.ERROR, Weight.WARNING


def look(text: str, tools=None) -> Examination:
    return examine(text, "p.yaml", tools)


def found(text: str, tools=None) -> list[str]:
    return [
        f"{finding.line}:{finding.column}: {finding.sentence}"
        for finding in look(text, tools).findings
        if finding.weight is E
    ]


def warned(text: str, tools=None) -> list[str]:
    return [f"{f.line}:{f.column}: {f.sentence}" for f in look(text, tools).findings if f.weight is W]


OPEN_VARIABLES = "known here are $authorization, $context, $input, $runtime, $task, $workflow."

BROKEN = {
    "a misspelt kind": (
        "- a:\n    kall: http\n",
        [
            "7:3: This task does nothing: give it one of call, do, fork, emit, for, listen, raise, run, set, switch, "
            "try, wait."
        ],
    ),
    "a misspelt field of a task": (
        "- a:\n    set: {x: 1}\n    outptu: {as: .x}\n",
        ['9:5: "outptu" does not belong here: did you mean "output"?'],
    ),
    "a field of another kind": (
        "- a:\n    set: {x: 1}\n    wait: PT1S\n",
        ['9:5: "wait" does not belong here: it takes export, if, input, metadata, output, set, then, timeout.'],
    ),
    "a missing part of an HTTP call": (
        "- a:\n    call: http\n    with:\n      method: get\n",
        ['9:5: "endpoint" is missing here: add it.'],
    ),
    "an address of another scheme": (
        "- a:\n    call: http\n    with: {method: get, endpoint: 'ftp://x.example/y'}\n",
        ['9:35: "ftp://x.example/y" is no web address: begin it with https://.'],
    ),
    "an address that is none": (
        "- a:\n    call: http\n    with:\n      method: get\n      endpoint: {uri: somewhere}\n",
        ['11:23: "somewhere" is no web address: begin it with https://.'],
    ),
    "a method that decides late": (
        "- a:\n    call: http\n    with: {method: '${ .m }', endpoint: https://x.example}\n",
        ["9:20: This says which tool is called, which must be known before the run: write it out."],
    ),
    "a method that is none": (
        "- a:\n    call: http\n    with: {method: fetch, endpoint: https://x.example}\n",
        ['9:20: "fetch" is no HTTP method: use get, head, options, post, put, patch, delete.'],
    ),
    "calls that do not run here": (
        "- a:\n    call: grpc\n    with: {proto: {endpoint: 'https://x.ex'}, service: {name: s, host: h}, method: m}\n",
        ["8:11: `call: grpc` does not run here: call a tool, or use http or openapi."],
    ),
    "a program": (
        "- a:\n    run:\n      shell: {command: rm -rf /}\n",
        ["9:7: `run: shell` does not run here: call a tool, or a workflow with `run: workflow`."],
    ),
    "an MCP server as a program": (
        "- a:\n    call: mcp\n    with:\n      method: tools/call\n      parameters: {name: t}\n"
        "      transport: {stdio: {command: npx}}\n",
        ["12:19: A playbook starts no program: configure the MCP server, and call its tool by name."],
    ),
    "an MCP method that is not done": (
        "- a:\n    call: mcp\n    with: {method: tools/list, transport: {http: {endpoint: https://x.example}}}\n",
        ['9:20: "tools/list" is not done here: use tools/call.'],
    ),
    "a target that is not there": (
        "- a:\n    set: {x: 1}\n    then: bb\n- b:\n    set: {y: 1}\n",
        ['9:11: No task is called "bb": did you mean "b"?'],
    ),
    "a target in another list": (
        "- a:\n    do:\n    - inner:\n        set: {x: 1}\n        then: b\n- b:\n    set: {y: 1}\n",
        ['11:15: "b" stands in another list, and `then` stays in its own: move one of them.'],
    ),
    "a case that leads nowhere": (
        "- a:\n    switch:\n    - one: {when: .x, then: nowhere}\n- b: {set: {y: 1}}\n",
        ['9:29: No task is called "nowhere": correct it.'],
    ),
    "two tasks of one name": (
        "- a: {set: {x: 1}}\n- a: {set: {x: 2}}\n",
        ['8:3: Two tasks of this list are called "a": rename one.'],
    ),
    "a task called end": (
        "- end: {set: {x: 1}}\n",
        ['7:3: No task may be called "end", which has a meaning after `then`: rename it.'],
    ),
    "two names in one entry": (
        "- a: {set: {x: 1}}\n  b: {set: {x: 1}}\n",
        ["7:3: Each entry of this list has exactly one name: put a dash before each."],
    ),
    "an expression with a fault": (
        "- a:\n    set:\n      x: ${ .a + }\n",
        ["9:17: This expression cannot be used: The expression cannot be read at the end: a value is missing."],
    ),
    "a secret in an expression": (
        "- a:\n    set: {x: '${ $secrets.key }'}\n",
        ["8:18: Secrets are not seen by expressions: name the secret with `use` in an authentication instead."],
    ),
    "an unknown variable": (
        "- a:\n    if: $inptu.x\n    set: {x: 1}\n",
        ['8:9: There is no $inptu: did you mean "input"?'],
    ),
    "a loop's variable outside of it": (
        "- a:\n    for: {each: order, in: .orders}\n    do:\n    - b: {set: {x: '${ $order }'}}\n"
        "- c:\n    set: {x: '${ $order }'}\n",
        [f"12:18: There is no $order: {OPEN_VARIABLES}"],
    ),
    "an error's variable outside of its catch": (
        "- a:\n    try:\n    - b: {set: {x: '${ $err }'}}\n    catch:\n      as: err\n      when: $err.status == 500\n"
        "      do:\n      - c: {set: {x: '${ $err.title }'}}\n",
        [f"9:24: There is no $err: {OPEN_VARIABLES}"],
    ),
    "$output before there is one": (
        "- a:\n    set: {x: '${ $output }'}\n    export: {as: '$output'}\n",
        [f"8:18: There is no $output: {OPEN_VARIABLES}"],
    ),
    "a duration of a month": (
        "- a:\n    wait: P1M\n",
        ['8:11: "P1M" has months or years, which have no fixed length: write days, such as P30D.'],
    ),
    "a duration that is none": (
        "- a:\n    wait: five minutes\n",
        ["8:11: A duration is a map like {minutes: 30} or a text like PT30M, up to ten years: correct it."],
    ),
    "an unknown unit": (
        "- a:\n    wait: {weeks: 2}\n",
        [
            "8:5: A duration is a map like {minutes: 30} or a text like PT30M, up to ten years: correct it.",
            '8:12: "weeks" does not belong here: it takes days, hours, milliseconds, minutes, seconds.',
        ],
    ),
    "a time-out that decides late": (
        "- a:\n    wait: '${ .pause }'\n    timeout: {after: '${ .long }'}\n",
        ["9:22: This length of time must be known before the run: write it out, such as PT30M."],
    ),
    "a retry that grows wildly": (
        "- a:\n    try: [{b: {set: {x: 1}}}]\n    catch:\n      retry:\n        delay: {seconds: 1}\n"
        "        backoff: {exponential: {factor: lots, maxDelay: P1Y}}\n",
        [
            "12:41: A factor is a number from 1 to 100: correct it.",
            '12:57: "P1Y" has months or years, which have no fixed length: write days, such as P30D.',
        ],
    ),
    "unknown references": (
        "- a:\n    timeout: long\n    try:\n    - b: {raise: {error: broken}}\n    catch: {retry: often}\n",
        [
            '8:14: There is no "long" under use.timeouts: define it under use.timeouts.',
            '10:26: There is no "broken" under use.errors: define it under use.errors.',
            '11:20: There is no "often" under use.retries: define it under use.retries.',
        ],
    ),
    "an unknown authentication": (
        "- a:\n    call: http\n    with:\n      method: get\n"
        "      endpoint: {uri: https://x.example, authentication: {use: me}}\n",
        ['11:64: There is no "me" under use.authentications: define it under use.authentications.'],
    ),
    "a secret that is not listed": (
        "- a:\n    call: http\n    with:\n      method: get\n"
        "      endpoint: {uri: https://x.example, authentication: {bearer: {use: token}}}\n",
        ['11:73: The secret "token" is not listed under use.secrets: add it there.'],
    ),
    "a listener that waits for nothing": (
        "- a:\n    listen: {to: {all: []}}\n",
        ["8:19: This waits for no event at all: name one."],
    ),
    "a listener that takes anything": (
        "- a:\n    listen: {to: {any: []}}\n",
        ["8:19: This would take any event there is: name one, or add `until`."],
    ),
    "an until without any": (
        "- a:\n    listen: {to: {one: {with: {type: x}}, until: .y}}\n",
        ["8:43: `until` goes with `any` only: use `any`."],
    ),
    "a foreach with nothing to do": (
        "- a:\n    listen: {to: {one: {with: {type: x}}}}\n    foreach: {item: e}\n",
        ["9:5: `foreach` has nothing to do: give it a `do`."],
    ),
    "an approval that asks nothing": (
        "- a:\n    call: approve\n    with: {sumary: Pay}\n",
        [
            '9:5: `call: approve` needs "summary": add it.',
            '9:12: `call: approve` takes no "sumary": did you mean "summary"?',
        ],
    ),
    "a notice to nobody": (
        "- a:\n    call: notify\n",
        ['8:5: `call: notify` needs "text": add it.', '8:5: `call: notify` needs "to": add it.'],
    ),
    "a name that no tool can have": (
        "- a:\n    call: 'pay ments'\n",
        ['8:11: "pay ments" is no name of a tool, which looks like payments.capture: correct it.'],
    ),
    "an undo that is no task": (
        "- a:\n    call: t.x\n    metadata: {undo: maybe}\n",
        ["9:22: An undo is a task, or the word none: correct it."],
    ),
    "an undo with faults of its own": (
        "- a:\n    call: t.x\n    metadata:\n      undo:\n        call: t.y\n"
        "        with: {a: '${ $outptu }', b: '${ $output }'}\n"
        "        metadata: {undo: none}\n        kall: 1\n",
        [
            '12:23: There is no $outptu: did you mean "output"?',
            "13:20: What takes something back is not taken back: remove it.",
            '14:9: "kall" does not belong here: it takes call, export, if, input, metadata, output, then, timeout, '
            "with.",
        ],
    ),
    "a schema from elsewhere": (
        "- a:\n    set: {x: 1}\n    output: {schema: {resource: {endpoint: https://x.example}}}\n",
        ["9:23: A schema is not fetched from elsewhere: write it here, as `document`."],
    ),
    "a schema that is none": (
        "- a:\n    set: {x: 1}\n    output: {schema: {document: {type: strin}}}\n",
        ["9:40: This is no JSON schema: correct it."],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_has_its_place_and_its_sentence(name):
    tasks, expected = BROKEN[name]
    assert found(small(tasks)) == expected


def test_everything_is_reported_at_once_in_the_order_of_the_text():
    text = (
        "document: {dsl: 2.0.0, namespace: test, name: 'two words', version: '1'}\n"
        "use:\n  extensions: [{x: {extend: all}}]\n  catalogs: {c: {endpoint: https://x.example}}\n"
        "outptu: {}\n"
        "do:\n- a: {wait: P1Y}\n- a: {set: {x: '${ $nobody }'}, then: b}\n"
    )
    assert found(text) == [
        "1:17: DSL \"2.0.0\" is not known: write dsl: '1.0.3'.",
        '1:47: "two words" is no name: use letters, digits and dashes, at most 63.',
        "1:69: \"1\" is no semantic version: write one like '1.0.0', in quotes.",
        "3:3: Extensions do not run here: put their tasks into the list.",
        "4:3: Catalogs are not loaded here: define the function under `use`.",
        '5:1: "outptu" does not belong here: did you mean "output"?',
        '7:13: "P1Y" has months or years, which have no fixed length: write days, such as P30D.',
        '8:3: Two tasks of this list are called "a": rename one.',
        f"8:20: There is no $nobody: {OPEN_VARIABLES}",
        '8:39: No task is called "b": correct it.',
    ]


@pytest.mark.parametrize("name", ["incident", "troubleshooting"])
def test_a_name_whose_runs_could_not_be_named_is_refused(name):
    text = f"document: {{dsl: '1.0.3', namespace: test, name: {name}, version: 1.0.0}}\ndo:\n- a: {{wait: PT1S}}\n"
    assert found(text) == [f'1:49: "{name}" means an incident to people: name it otherwise.']
    assert not found(text.replace(name, "incidents"))


def test_a_missing_part_of_the_whole_is_named():
    assert found("document: {dsl: '1.0.3', namespace: n, name: n, version: 1.0.0}\n") == [
        '1:1: "do" is missing here: add it.'
    ]
    assert found("- a\n") == ["1:1: A playbook is a map that begins with `document:` and `do:`: correct it."]
    assert found(small("- a: {set: {x: 1}}\n").replace("'1.0.0'", "1.0")) == ["5:12: This must be a text: correct it."]


WARNED = {
    "a loop that never rests": (
        "- a: {set: {x: 1}}\n- b: {if: .again, set: {y: 1}, then: a}\n",
        ['8:38: This goes back to "a" with no wait on the way: add a `wait` to the loop.'],
    ),
    "a loop that rests": ("- a: {wait: PT1S}\n- b: {if: .again, set: {y: 1}, then: a}\n", []),
    "a step back that is no loop": (
        "- a: {set: {x: 1}, then: c}\n- b: {set: {x: 1}, then: end}\n- c: {set: {x: 1}, then: b}\n",
        [],
    ),
    "a task that nothing leads to": (
        "- a: {set: {x: 1}, then: end}\n- b: {set: {y: 1}}\n",
        ['8:3: Nothing leads to "b": lead there with `then`, or remove it.'],
    ),
    "a task behind a switch with an else": (
        "- s: {switch: [{one: {when: .a, then: c}}, {other: {then: end}}]}\n- b: {set: {x: 1}}\n- c: {set: {x: 2}}\n",
        ['8:3: Nothing leads to "b": lead there with `then`, or remove it.'],
    ),
    "a switch without an else goes on": (
        "- s: {switch: [{one: {when: .a, then: c}}]}\n- b: {set: {x: 1}}\n- c: {set: {x: 2}}\n",
        [],
    ),
    "an effect that nothing takes back": (
        "- a:\n    call: http\n    with: {method: post, endpoint: https://x.example}\n",
        ["8:11: Nothing takes this back when a later task fails: add `metadata.undo`, a task or the word none."],
    ),
    "an effect that need not be taken back": (
        "- a:\n    call: http\n    with: {method: post, endpoint: https://x.example}\n    metadata: {undo: none}\n",
        [],
    ),
    "an expression within a text": (
        "- a: {set: {x: 'Hello ${ .name }'}}\n",
        ['7:16: This is plain text: an expression is all of a text, such as ${ "Order \\(.id)" }.'],
    ),
    "a password in the open": (
        "- a:\n    call: http\n    with:\n      method: get\n"
        "      endpoint: {uri: https://x.example, authentication: {basic: {username: u, password: p}}}\n",
        ["11:90: A secret stands here for all to read: name one with `use` and list it under use.secrets."],
    ),
    "a pattern that is not checked": (
        "- a: {set: {x: 1}, output: {schema: {document: {type: string, pattern: 'x+'}}}}\n",
        ["7:72: `pattern` is not checked when the playbook runs: check it in a task."],
    ),
}


@pytest.mark.parametrize("name", WARNED)
def test_what_works_and_should_be_looked_at_is_a_warning(name):
    tasks, expected = WARNED[name]
    assert found(small(tasks)) == []
    assert warned(small(tasks)) == expected


def test_a_schedule_is_a_warning():
    text = small("- a: {set: {x: 1}}\n", extra="schedule: {every: {days: 1}}\n")
    assert warned(text) == ["6:1: A schedule starts nothing here: start it with `surehand playbook run`."]


TOOLS = {
    "stock.look": ToolBrief(name="stock.look", vendor="stock", safety=Safety.SAFE),
    "stock.reserve": ToolBrief(
        name="stock.reserve", vendor="stock", safety=Safety.CONFIRM, undo=ToolUndo(tool="stock.release")
    ),
    "stock.burn": ToolBrief(name="stock.burn", vendor="stock", timeout=timedelta(seconds=1)),
}


def test_tools_are_known_by_name_when_they_are_at_hand():
    text = small(
        "- a: {call: stock.look}\n- b: {call: stock.reserve}\n- c: {call: stock.burn}\n- d: {call: stok.look}\n"
    )
    assert found(text) == []
    assert found(text, TOOLS) == ['10:13: There is no tool "stok.look": did you mean "stock.look"?']
    assert warned(text, TOOLS) == [
        "9:13: Nothing takes this back when a later task fails: add `metadata.undo`, a task or the word none."
    ]


def test_a_function_of_the_document_is_no_tool():
    text = small("- a: {call: hello}\n", extra="use: {functions: {hello: {set: {x: 1}}}}\n")
    assert look(text, TOOLS).findings == ()


REFUSED_IN_THE_SPECIFICATION = (
    "does not run here",
    "A playbook starts no program",
    "do not run here",
    "are not loaded here",
    "is no name of a tool",  # a function of a catalog
    "There is no $message",  # within an AsyncAPI call
    '"https://" is no web address',
    "This is not YAML",  # dsl.md escapes a parenthesis that YAML does not
)


@pytest.mark.parametrize(("name", "text"), specified(), ids=lambda value: value if len(str(value)) < 80 else "")
def test_every_document_of_the_conformance_features_can_run(name, text):
    assert found(text) == []


@pytest.mark.parametrize(("name", "text"), examples(), ids=lambda value: value if len(str(value)) < 80 else "")
def test_every_example_of_the_specification_is_understood(name, text):
    others = [line for line in found(text) if not any(part in line for part in REFUSED_IN_THE_SPECIFICATION)]
    assert others == []


def _stock_validator() -> Draft202012Validator:
    return Draft202012Validator(load_schema())


def test_our_reading_of_the_schema_agrees_with_a_validator_that_tries_every_branch():
    stock = _stock_validator()
    documents = [read_playbook(text).data for _, text in specified()]
    for document in documents:
        assert schema_faults(document) == []
        assert stock.is_valid(document)
    for document in [_damaged(document, number) for number, document in enumerate(documents)]:
        assert bool(schema_faults(document)) == (not stock.is_valid(document)), document


def _damaged(document, number):
    """The document with a fault of one of several kinds in its first task."""
    broken = copy.deepcopy(document)
    name, task = next(iter(broken["do"][0].items()))
    damages = (
        lambda: task.update({"nonsense": 1}),
        lambda: broken["do"][0].update({name: {"nothing": 1}}),
        lambda: task.update({"then": 7}),
        lambda: broken["document"].pop("version"),
        lambda: broken.update({"do": {"a": 1}}),
        lambda: task.update({"input": {"from": 1}}),
        lambda: task.update({"timeout": {"after": "soon"}}),
    )
    damages[number % len(damages)]()
    return broken


def test_a_definition_without_text_is_checked_alike():
    document = read_playbook(small("- a: {wait: P1M}\n")).data
    assert [fault.pointer for fault in all_faults(document)] == ["/do/0/a/wait"]


LINES = [line for _, text in specified() for line in text.splitlines(keepends=True)]
PIECES = [
    *LINES,
    "- ",
    "  ",
    "a: ",
    "{",
    "}",
    "[",
    "]",
    "&x ",
    "*x",
    "!!",
    "${ ",
    " }",
    "|",
    "\n",
    '"',
    "'",
    "undo:",
    "then: a\n",
]


@settings(max_examples=120, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=25).map("".join)))
def test_no_text_raises_anything_but_findings(text):
    for finding in look(text).findings:
        assert finding.line >= 1
        assert finding.column >= 1
        assert finding.sentence.endswith((".", "?"))


KEYS = [
    *KINDS,
    *[
        "with",
        "in",
        "each",
        "to",
        "any",
        "all",
        "one",
        "until",
        "foreach",
        "when",
        "then",
        "catch",
        "retry",
        "errors",
        "metadata",
        "undo",
    ],
]
KEYS += [
    "branches",
    "event",
    "error",
    "workflow",
    "timeout",
    "after",
    "input",
    "from",
    "output",
    "as",
    "schema",
    "export",
    "functions",
    "a",
]
KEYS += ["authentications", "authentication", "basic", "use"]

SHAPES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["", "${ .x }", ".x", "a", "none", "PT1S", "http"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["document", "do", "use", "input", "output", "timeout", "schedule"]), SHAPES))
def test_no_shape_of_a_document_raises_anything(document):
    assert all(fault.sentence for fault in all_faults(document))
    assert look(json.dumps(document)).findings
