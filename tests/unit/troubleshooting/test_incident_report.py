from __future__ import annotations

import re
from datetime import timedelta

import pytest

from domain.troubleshooting.fixing.solution import propose
from domain.troubleshooting.hypotheses import FaultKind, HypothesisStatus, Weighed
from domain.troubleshooting.incident import Solution
from domain.troubleshooting.records import ExecutionState, MonitoringState
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.escaping import literal, mermaid_label
from domain.troubleshooting.telling.follow_ups import follow_ups
from domain.troubleshooting.telling.report import brief, markdown
from domain.troubleshooting.telling.service_graph import MOST_NODES, mermaid
from domain.troubleshooting.terms import TroublePhase
from domain.troubleshooting.topology import Topology
from tests.unit.troubleshooting.incidents import DEPLOYMENT, NOW, diagnosed, errors, found, incident, suspect

HOSTILE = (
    "<script>alert(1)</script> [click](javascript:alert(1)) ![x](http://evil.example/p.png) **bold** `code` | a | b |\n"
    "# heading\n- item\n```\nbreak out\n``` https://evil.example www.evil.example mailto:a@evil.example\n"
    "&lt; \u202ertl $x$"
)


def _finished() -> IncidentState:
    refuted = suspect("db", FaultKind.CONNECTION_POOL, 0.1, status=HypothesisStatus.REFUTED)
    state = diagnosed(
        found(incident(linked_tickets=("T-1",)), errors()), suspect(change=DEPLOYMENT, posterior=0.93), refuted
    )
    state.enter(TroublePhase.INTAKE_CLASSIFICATION, NOW, "The incident was reported")
    cause = state.cause
    assert cause is not None
    first = propose(state, cause, {})
    assert first is not None
    state.propose(first)
    state.reject(first, "No deployments before noon", "p-lena", NOW)
    second = first.model_copy(update={"solution_id": "S2", "title": "Restart checkout", "kind": "restart"})
    state.propose(second)
    state.execution = ExecutionState(
        solution_id="S2",
        run="r",
        started_at=NOW,
        status="completed",
        sentence="It was carried out.",
        done=["Restart a service"],
        undone=["Add replicas"],
        left=["A cache that was emptied"],
    )
    until = NOW + timedelta(minutes=30)
    state.monitoring = MonitoringState(
        solution_id="S2", success=second.success, started_at=NOW, until=until, looks=30, good=30, outcome="held"
    )
    state.fell_back("model", "structured_guidance", "a question", NOW, "no model is configured")
    state.resolved_at, state.resolution, state.resolved_by = until, "It is well", "p-lena"
    return state


def test_a_post_mortem_says_what_happened_why_and_what_is_left() -> None:
    text = markdown(_finished())

    for part in (
        "# incident:INC-1: Checkout fails",
        "bad deployment of checkout. Confidence: 93%",
        "Resolved by p-lena: It is well",
        "Affected: checkout, gateway",
        "At risk: web",
        "Onset 2026-03-01 14:00 UTC, over at 2026-03-01 15:00 UTC (60 minutes).",
        "1 tickets: T-1",
        "change (shortly before the onset): 4.2.0",
        "New errors after the deployment (logs.analyse api.log; weight +2.1)",
        "The database is slow too (-0.4)",
        "Errors that began before the deployment would refute it.",
        "connection pool of db (refuted)",
        "turned down by p-lena: No deployments before noon",
        "Undone: Add replicas",
        "Could not be undone, left to a person: A cache that was emptied",
        "Watched 30 times until 2026-03-01 15:00 UTC: it held.",
        "Model, a question: structured guidance (no model is configured)",
        "Take back by hand what could not be undone: A cache that was emptied",
        "What was done relieves and does not repair: the cause is still there.",
        "Find out why tests and the roll-out did not show the fault, and add what would have.",
    ):
        assert part in text.replace("\\_", "_").replace("\\[", "["), part
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Summary",
        "## Impact",
        "## Timeline",
        "## Cause",
        "## What the evidence shows",
        "## What was looked at",
        "## What was done and undone",
        "## Who answered",
        "## Follow-ups",
    ]


def test_an_unknown_cause_is_said_to_be_unknown() -> None:
    state = diagnosed(incident(), suspect(), accepted=False)

    text = markdown(state)

    assert "The cause is not known. No logs of checkout were given." in text
    assert "The cause is not known: go on looking." in text
    assert "Confidence" not in text


def test_a_report_can_be_made_at_any_time() -> None:
    text = markdown(incident())

    assert "The evidence was not judged yet." in text
    assert "Nothing was changed." in text
    assert "The first choice answered everywhere." in text


def _hostile() -> IncidentState:
    cause = suspect(
        'check"];out --> evil',
        sentence=HOSTILE,
        refuted_by=HOSTILE,
        evidence_for=(Weighed(text=HOSTILE, source=HOSTILE[:100], weight=1.0),),
    )
    state = diagnosed(incident(title=HOSTILE[:290], description=HOSTILE), cause, suspect("b", sentence=HOSTILE))
    state.topology = Topology(calls=(('check"];out --> evil', "`x`\n```"), ("end", "<img src=x>")))
    state.record_call("logs.analyse", {}, NOW, why=HOSTILE, outcome=HOSTILE, ok=False)
    state.enter(TroublePhase.ESCALATION, NOW, HOSTILE)
    state.escalated_because = HOSTILE
    state.fell_back("model", "static_guidance", HOSTILE, NOW, HOSTILE)
    solution = propose(state, cause, {})
    assert solution is not None
    state.propose(solution)
    state.reject(solution, HOSTILE, "p-lena", NOW)
    return state


def test_text_from_outside_stays_text() -> None:
    text = markdown(_hostile())
    graph = re.search(r"```mermaid\n(.*?)\n```", text, re.DOTALL)
    assert graph is not None
    prose = text.replace(graph.group(0), "")

    assert "<" not in prose
    assert "https://" not in prose
    assert "http://" not in prose
    assert "www." not in prose
    assert "javascript:" not in prose
    assert "mailto:" not in prose
    assert not re.search(r"[\w.]@\w", prose)
    assert not re.search(r"(?<!\\)[`*|$]", prose)
    assert not re.search(r"(?<!\\)\]\(", prose)
    assert "\u202e" not in text
    own = {"Summary", "Impact", "Timeline", "Cause", "Services", "Follow-ups"}
    headings = {line.lstrip("# ") for line in text.splitlines()[1:] if re.match(r"#{1,6} ", line)}
    assert own <= headings
    assert not {heading for heading in headings if "heading" in heading}


def test_a_graph_holds_names_as_text_and_marks_the_faulty_and_the_affected() -> None:
    graph = mermaid(_hostile())
    for line in graph.splitlines()[1:]:
        assert re.match(
            r'  (?:s\d+\["[A-Za-z0-9 _.,:/()%+=#;-]*"\](?::::\w+)?|s\d+ --> s\d+|classDef \w+ [\w:#,; -]+)$', line
        ), line

    plain = mermaid(diagnosed(incident(), suspect()))
    assert '["checkout (faulty)"]:::faulty' in plain
    assert '["gateway (affected)"]:::affected' in plain
    assert '["web (at risk)"]:::at_risk' in plain
    assert "classDef faulty" in plain
    assert mermaid(incident()) == ""


def test_a_graph_of_a_large_system_shows_what_is_concerned() -> None:
    state = diagnosed(incident(), suspect())
    state.topology = Topology(calls=tuple((f"s{n}", "checkout") for n in range(500)))

    assert sum("[" in line for line in mermaid(state).splitlines()) == MOST_NODES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("<b>", "&lt;b&gt;"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("# h", "\\# h"),
        ("https://x.example", "https\\[:\\]//x.example"),
        ("a@b.example", "a\\[@\\]b.example"),
        ("snake_case", "snake\\_case"),
        ("a\nb\r\nc", "a b c"),
        ("x" * 1000, "x" * 397 + "..."),
        ("", ""),
    ],
)
def test_markdown_is_literal(text: str, shown: str) -> None:
    assert literal(text) == shown


def test_a_label_is_cut_before_it_is_escaped() -> None:
    assert mermaid_label('a"b') == '"a#34;b"'
    assert len(mermaid_label('"' * 500)) < 250


def test_a_brief_is_plain_text_of_the_same_facts() -> None:
    page = brief(_finished())

    assert page.services == {"checkout": "faulty", "gateway": "affected", "web": "at_risk"}
    assert page.status == "resolved"
    assert page.evidence_for == ("New errors after the deployment (logs.analyse api.log; weight +2.1)",)
    assert len(page.timeline) >= 4
    assert list(page.timeline) == sorted(page.timeline)


def test_what_could_not_be_looked_at_is_a_follow_up() -> None:
    state = incident()
    state.record_call("health.probe", {}, NOW, why="Look whether checkout answers", outcome="No tool", ok=False)

    said = follow_ups(state)

    assert "No tool could do this, so a person had to: Look whether checkout answers" in said
    assert any("No records of changes" in one for one in said)


def test_a_solution_by_hand_is_shown_as_such() -> None:
    state = diagnosed(incident(), suspect(fault=FaultKind.DISK_FULL))
    cause = state.cause
    assert cause is not None
    solution = propose(state, cause, {})
    assert isinstance(solution, Solution)
    state.propose(solution)

    assert "Relieve checkout by hand: disk full (by hand)" in markdown(state)
