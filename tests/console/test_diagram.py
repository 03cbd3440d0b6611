"""Diagrams of playbooks: every task of every shipped playbook is drawn, cut to fit, and says how it stands in a run."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from domain.playbook.definition import Playbook, parse_playbook, walk
from domain.playbook.state import Effect, Frame, OpenedPlaybook, PlaybookState
from starters.console.drawings.diagram import drawn
from starters.console.playbooks.run_marks import marks_of, path_of, playbook_of
from starters.console.playbooks.runs import run_parts

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SHIPPED = sorted((Path(__file__).parents[2] / "playbooks").glob("*.yaml"))
EVIL = "</text></svg><script>x()</script>\" onload='x()' \u202e"
SVG = "{http://www.w3.org/2000/svg}"


def book(*tasks: dict[str, Any]) -> Playbook:
    document = {"dsl": "1.0.3", "namespace": "t", "name": "t", "version": "1.0.0"}
    return parse_playbook({"document": document, "do": list(tasks)})


def picture(playbook: Playbook, marks: dict[str, str] | None = None) -> ElementTree.Element:
    """Read as XML, so that nothing in it can be broken."""
    return ElementTree.fromstring(str(drawn(playbook, marks)).replace("<svg ", f'<svg xmlns="{SVG[1:-1]}" ', 1))


def titles(svg: ElementTree.Element) -> list[str]:
    return [(one.text or "").split("\n")[0] for one in svg.iter(f"{SVG}title")]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_task_of_a_shipped_playbook_is_drawn_within_the_picture(path: Path) -> None:
    playbook = parse_playbook(yaml.safe_load(path.read_text("utf-8")))
    svg = picture(playbook)
    wanted = sorted(task.title or name for _, name, task in walk(playbook.do))
    assert sorted(one for one in titles(svg) if not one.startswith("when it fails")) == wanted
    width, height = int(svg.attrib["width"]), int(svg.attrib["height"])
    assert width <= 1_100
    for box in svg.iter(f"{SVG}rect"):
        x, y = int(box.attrib["x"]), int(box.attrib["y"])
        assert 0 <= x <= x + int(box.attrib["width"]) <= width, path.stem
        assert 0 <= y <= y + int(box.attrib["height"]) <= height, path.stem
    undos = sum(1 for _, _, task in walk(playbook.do) if task.undo is not None)
    marked = [one for one in svg.iter() if one.get("class") in ("undo", "what undoing")]
    assert len(marked) == undos
    assert svg.attrib["role"] == "img"
    assert svg.attrib["aria-label"]


def test_three_and_forty_steps_stand_below_each_other() -> None:
    for count in (3, 40):
        svg = picture(book(*({f"step{n}": {"set": {"a": n}}} for n in range(count))))
        tops = [int(box.attrib["y"]) for box in svg.iter(f"{SVG}rect")]
        assert len(tops) == count
        assert tops == sorted(set(tops))
        assert sum(1 for _ in svg.iter(f"{SVG}polygon")) == count - 1
        assert int(svg.attrib["width"]) < 300


def test_ways_lead_where_they_go_and_nothing_falls_through_what_always_leaves() -> None:
    playbook = book(
        {"look": {"switch": [{"big": {"when": ".a > 1", "then": "last"}}, {"small": {"then": "next"}}]}},
        {"never": {"raise": {"error": "wrong"}}},
        {"next": {"set": {}, "then": "end"}},
        {"last": {"set": {}, "if": ".b", "then": "look"}},
        {"after": {"set": {}}},
    )
    svg = picture(playbook)
    ways = [one.get("class") for one in svg.iter(f"{SVG}polyline")]
    assert ways.count("way jump") == 3
    # Only the last falls on, because its condition may not hold.
    assert ways.count("way") == 1
    words = [one.text for one in svg.iter(f"{SVG}text")]
    assert ".a > 1 → last" in words
    assert "then the end" in words


def test_hostile_names_are_words_and_are_cut() -> None:
    playbook = book(
        {EVIL: {"set": {EVIL: 1}, "metadata": {"title": EVIL * 9, "undo": {"raise": {"error": EVIL}}}}},
        {"t": {"try": [{"x": {"set": {}}}], "catch": {"errors": {"with": {"type": EVIL}}, "do": []}}},
        {"w": {"metadata": {"undo": {"call": ["no", "task"]}}, "set": {}}},
        {"f": {"fork": {"branches": [{f"b{n}": {"wait": {"seconds": 1}}} for n in range(9)]}}},
    )
    svg = picture(playbook)
    assert all(one.tag.removeprefix(SVG) in SHAPES for one in svg.iter())
    assert "\u202e" not in str(drawn(playbook))
    assert max(len(one.text or "") for one in svg.iter(f"{SVG}text")) < 50
    assert int(svg.attrib["width"]) < 400


SHAPES = {"svg", "g", "title", "text", "rect", "polyline", "polygon"}
DEFINITION: dict[str, Any] = {
    "document": {"dsl": "1.0.3", "namespace": "t", "name": "t", "version": "1.0.0"},
    "do": [
        {"reserve": {"call": "stock.reserve", "metadata": {"title": "Reserving"}}},
        {"pay": {"try": [{"charge": {"call": "pay.charge"}}], "catch": {"do": [{"tell": {"call": "notify"}}]}}},
        {"each": {"for": {"each": "i", "in": ".x"}, "do": [{"ship": {"call": "ship.send"}}]}},
        {"later": {"wait": {"days": 1}}},
    ],
}


def run(**more: Any) -> PlaybookState:
    opened = OpenedPlaybook(definition=DEFINITION, version="1.0.0", digest="d", tools={})
    return PlaybookState(tenant="default", case_number="t:1", opened_at=NOW, name="t", opened=opened, **more)


def effect(what: str, reference: str, *, known: bool = True) -> Effect:
    return Effect(number=1, what=what, place=reference, reference=reference, tool="t", arguments={}, key=reference,
                  known=known)  # fmt: skip


RESERVE, CHARGE, TELL = "/do/0/reserve", "/do/1/pay/try/0/charge", "/do/1/pay/catch/do/0/tell"
SHIP = "/do/2/each/do/0/ship"


def test_each_task_of_a_run_says_how_it_stands() -> None:
    state = run(
        recent=[RESERVE, "/do/1/pay", CHARGE, TELL, "/do/2/each", SHIP],
        effects=[effect("Reserving (stock.reserve)", RESERVE)],
        frames={place: Frame(started_at=NOW) for place in ("/", "/do", "/do/2/each", "/do/2/each/do#3/0/ship~2")},
    )
    playbook = playbook_of(state)
    assert playbook is not None
    assert marks_of(state, playbook) == {
        RESERVE: "done", "/do/1/pay": "done", CHARGE: "failed", TELL: "done", "/do/2/each": "at work", SHIP: "at work",
    }  # fmt: skip
    html = str(run_parts(state).diagram)
    assert re.findall(r'class="mark">([^<]+)<', html).count("at work") == 2
    assert 'class="task is-at-work"' in html
    steps = {step.title: step.mark for step in run_parts(state).steps}
    assert steps == {"Reserving": "done", "pay": "done", "each": "at work", "later": ""}


def test_what_was_undone_failed_or_is_not_known_is_not_called_done() -> None:
    state = run(
        recent=[RESERVE, "/do/1/pay", CHARGE],
        effects=[effect("charge (pay.charge)", CHARGE, known=False)],
        undone=["Reserving (stock.reserve)"],
        error={"status": 500, "instance": "/do/1/pay"},
        closed=True,
        frames={"/do/3/later": Frame(started_at=NOW)},
    )
    playbook = playbook_of(state)
    assert playbook is not None
    assert marks_of(state, playbook) == {RESERVE: "undone", "/do/1/pay": "failed", CHARGE: "not known"}


def test_a_parked_step_is_found_whatever_round_it_is_in() -> None:
    assert path_of("/do/2/each/do#12/0/ship~3") == SHIP
    assert path_of("/do/1/pay/try#2/0/charge") == CHARGE
    assert path_of("/do/0/a~b#c/do/0/x") == "/do/0/a~b#c/do/0/x"
    assert run_parts(PlaybookState(tenant="d", case_number="t:1", opened_at=NOW, name="t")).diagram == ""
