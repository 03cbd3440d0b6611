"""Diagrams: whatever a playbook is called and says, the drawing is one that Mermaid reads."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from domain.playbook.definition import parse_playbook
from domain.playbook.diagram import mermaid
from domain.tools.tool import Safety, ToolBrief, ToolUndo
from integrations.playbooks.reading import read_playbook
from integrations.playbooks.validating import examine
from starters.cli.playbook_view import tree_of
from tests.unit.playbooks.documents import examples, small, specified

LABEL = r'"[^"<>\[\]{}|`$\\]*"'
SHAPES = [
    rf"\(\[{LABEL}\]\)",
    rf"\[{LABEL}\]",
    rf"\{{{LABEL}\}}",
    rf"\{{\{{{LABEL}\}}\}}",
    rf">{LABEL}\]",
    rf"\(\({LABEL}\)\)",
    rf"\[/{LABEL}/\]",
    rf"\[\[{LABEL}\]\]",
]
NODE = re.compile(rf"(n\d+)(?:{'|'.join(SHAPES)})(?::::(people|undo|error))?\Z")
EDGE = re.compile(rf"(n\d+) (?:-->|-\.->)(?:\|{LABEL}\|)? (n\d+)\Z")
BOX = re.compile(rf"subgraph g\d+\[{LABEL}\]\Z")


def checked(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Nodes by id and arrows of a flowchart, which must be of the part of Mermaid's language that is used here."""
    lines = text.splitlines()
    assert lines[0] == "flowchart TD"
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    depth = 0
    for line in (line.strip() for line in lines[1:]):
        if found := NODE.match(line):
            assert found.group(1) not in nodes
            nodes[found.group(1)] = line
        elif found := EDGE.match(line):
            edges.append((found.group(1), found.group(2)))
        elif BOX.match(line):
            depth += 1
        elif line == "end":
            depth -= 1
            assert depth >= 0
        else:
            assert re.match(r"classDef \w+ [\w:#,\- ]+\Z", line), line
    assert depth == 0
    assert {name for edge in edges for name in edge} <= set(nodes)
    start, end = "n1", list(nodes)[-1]
    reached, to_see = set(), [start]
    while to_see:
        name = to_see.pop()
        if name not in reached:
            reached.add(name)
            to_see += [target for source, target in edges if source == name]
    assert end == start or end in reached or not any(target == end for _, target in edges)
    return nodes, edges


def drawn(text: str) -> tuple[dict[str, str], list[tuple[str, str]]]:
    return checked(mermaid(parse_playbook(read_playbook(text).data)))


RUNNABLE = [(name, text) for name, text in [*specified(), *examples()] if examine(text, name).definition is not None]


@pytest.mark.parametrize(("name", "text"), RUNNABLE, ids=lambda value: value if len(str(value)) < 80 else "")
def test_every_playbook_of_the_specification_can_be_drawn(name, text):
    nodes, _ = drawn(text)
    assert len(nodes) >= 3


def test_a_switch_has_a_way_for_each_case_and_one_for_the_rest():
    text = mermaid(
        parse_playbook(
            read_playbook(
                small("- s: {switch: [{big: {when: .a > 1, then: y}}]}\n- x: {wait: PT1H}\n- y: {set: {b: 1}}\n")
            ).data
        )
    )
    assert 'n2 -->|".a #62; 1"| n4' in text
    assert 'n2 -->|"else"| n3' in text
    assert 'n3{{"x: wait 1 h"}}' in text


def test_a_step_back_is_an_arrow_back():
    nodes, edges = drawn(small("- a: {wait: PT1S}\n- b: {if: .x, set: {y: 1}, then: a}\n"))
    assert ("n3", "n2") in edges
    assert len(nodes) == 4


def test_branches_part_and_meet():
    _, edges = drawn(small("- f: {fork: {branches: [{a: {set: {x: 1}}}, {b: {set: {x: 2}}}]}}\n"))
    assert {("n3", "n4"), ("n3", "n5"), ("n4", "n6"), ("n5", "n6")} <= set(edges)


def test_undos_are_dotted_and_approvals_are_marked():
    text = mermaid(
        parse_playbook(
            read_playbook(
                small(
                    "- ask: {call: approve, with: {summary: Pay}}\n"
                    "- pay: {call: p.pay, metadata: {title: Pay them, undo: {call: p.back}}}\n"
                )
            ).data
        )
    )
    assert 'n2[/"ask: people approve: Pay"/]:::people' in text
    assert 'n3["Pay them: call p.pay"]' in text
    assert 'n3 -.->|"when taken back"| n4' in text
    assert 'n4[["undo: call p.back"]]:::undo' in text


def test_what_is_caught_and_retried_is_drawn():
    text = mermaid(
        parse_playbook(
            read_playbook(
                small(
                    "- t:\n    try: [{a: {call: p.pay}}]\n    catch:\n      errors: {with: {status: 503}}\n"
                    "      retry: {delay: PT2S}\n      do: [{b: {wait: PT1S}}]\n"
                )
            ).data
        )
    )
    assert '"catch 503"' in text
    assert '-.->|"retry after 2 s"|' in text


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=120), st.text(max_size=60))
def test_no_name_and_no_text_breaks_the_drawing(name, text):
    document = read_playbook(small("- a: {set: {x: 1}}\n")).data
    document["document"]["title"] = text
    document["do"] = [
        {name: {"call": text or "x", "metadata": {"title": text}}},
        {"s": {"switch": [{name: {"when": text, "then": "end"}}]}},
        {"r": {"raise": {"error": {"type": text, "status": 1}}}},
    ]
    checked(mermaid(parse_playbook(document)))


def test_the_tree_names_kind_tool_safety_time_and_undo():
    text = small(
        "- hold: {call: s.hold, timeout: {after: PT1M}}\n"
        "- each:\n    for: {each: o, in: .orders}\n    do:\n"
        "    - pay: {if: .due, call: p.pay, metadata: {undo: {call: p.back}}}\n"
        "- odd: {set: {x: 1}, metadata: {title: '[red]title[/red]'}}\n"
    )
    tools = {"s.hold": ToolBrief(name="s.hold", vendor="s", safety=Safety.CONFIRM, undo=ToolUndo(tool="s.free"))}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tree_of(parse_playbook(read_playbook(text).data), tools))
    shown = console.export_text()
    assert "hold  call s.hold  requires confirmation  undo: s.free  within 1 min" in shown
    assert "each  for  each o of .orders" in shown
    assert "pay  call p.pay  if .due" in shown
    assert "undo pay  call p.back" in shown
    assert "[red]title[/red]" in shown
