"""A question is answered by what the evidence says of whom it names, before anything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain.troubleshooting.evidence import Finding, Findings, Sign
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.records import QueryRecord
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.asked import clearest, facts_of, names_in
from domain.troubleshooting.telling.guidance import LONGEST, answer_by_rules
from domain.troubleshooting.telling.report import markdown
from tests.unit.troubleshooting.incidents import NOW, incident

FACTS = (
    "A query counted 6 pods in the namespace shop-6.",
    "A query counted 9 pods in the namespace shop-66.",
    "The log of web has 100 lines; none reports an error or a warning.",
)


def finding(service: str | None, text: str, strength: float = 0.5, **more: Any) -> Finding:
    return Finding(sign=more.pop("sign", Sign.NEW_ERROR), service=service, strength=strength, text=text, **more)


def seen(*findings: Finding, facts: tuple[str, ...] = (), **more: Any) -> IncidentState:
    state = incident(**more)
    call = state.record_call("logs.analyse", {}, NOW, why="Read", outcome="Read")
    state.observe(call, Findings(findings=findings, facts=facts))
    state.diagnosed(diagnose(state.known()))
    return state


def asked(state: IncidentState, text: str) -> list[str]:
    answer, _ = answer_by_rules(state, QueryRecord(message_id="M", author="p-lena", text=text, asked_at=NOW))
    assert len(answer) <= LONGEST
    return answer.splitlines()


def test_a_question_that_a_fact_answers_gets_that_fact_alone() -> None:
    assert asked(seen(facts=FACTS), "How many pods are running in the shop-6 namespace?") == [FACTS[0]]


def test_a_pod_is_known_by_its_workloads_name() -> None:
    assert asked(seen(finding("web", "x", 0.1), facts=FACTS), "Show me the logs of web-7f8b9c6d5-x2m4n")[0] == FACTS[2]
    assert names_in("Is api-7f8b9c6d5-x2m4n well? And `db`", ["api", "db", "web"]) == ("api", "db")
    assert names_in("apiary and webs", ["api", "web"]) == ()


def test_what_is_asked_about_stands_before_louder_trouble_of_others() -> None:
    state = seen(
        finding("loud", "loud crashes again and again", 0.9, sign=Sign.CRASH),
        finding("quiet", "quiet lacks the secret db-password", 0.4, sign=Sign.CONFIGURATION),
    )
    assert asked(state, "What is the issue with quiet?")[0] == "- quiet lacks the secret db-password"


def test_who_asks_for_logs_gets_what_they_say_in_order_of_time() -> None:
    state = seen(
        finding("api", 'An error. "disk full"', 0.9, at=NOW),
        finding("api", 'A warning. "disk at 90 %"', 0.2, at=NOW - timedelta(hours=2)),
    )
    assert asked(state, "Show me the logs of api since yesterday")[:2] == [
        '- 2026-03-01 12:30 UTC: A warning. "disk at 90 %"',
        '- 2026-03-01 14:30 UTC: An error. "disk full"',
    ]


def test_a_quoted_term_finds_the_lines_that_hold_it() -> None:
    state = seen(
        finding("api", 'An error. "query failed: deadlock"', 0.2), finding("api", 'An error. "cache cold"', 0.9)
    )
    assert asked(state, "Find 'Query failed' in the logs of api")[0] == '- An error. "query failed: deadlock"'


def test_that_nothing_is_about_what_was_asked_is_said_before_anything_else() -> None:
    state = seen(finding("api", "api cannot reach prod-db:3333", 0.7))
    lines = asked(state, "What is wrong with job night-import?")
    assert lines[:2] == [
        "No finding is about night-import. The clearest of all:",
        "- api cannot reach prod-db:3333",
    ]


def test_what_holds_for_a_namespace_answers_a_question_about_it() -> None:
    state = seen(finding(None, "There is nothing of that kind in the namespace shop-9.", 0.4))
    assert asked(state, "get the last logs of video in shop-9")[0].endswith("namespace shop-9.")


def test_the_report_shows_the_clearest_findings_about_what_was_reported_first_and_the_facts() -> None:
    state = seen(
        *(finding(f"s{at}", f"trouble {at}", 0.9) for at in range(20)),
        finding("night-import", "night-import lacks a volume", 0.3),
        facts=FACTS,
        title="night-import does not start",
    )
    assert clearest(state, 1)[0].service == "night-import"
    assert len(facts_of(state)) == 3
    text = markdown(state).replace("\\", "")
    section = text.partition("## What the evidence shows")[2].partition("\n## ")[0]
    assert section.strip().startswith("- night-import lacks a volume")
    assert FACTS[0] in section


@pytest.mark.parametrize("text", ["", "'" * 500, '"""', "- " * 900, "a-" * 3_000, "\u202e `x`", "logs logs logs"])
def test_odd_questions_are_answered(text: str) -> None:
    assert asked(seen(finding("api", "api fails", 0.5), facts=FACTS), text)


def test_facts_are_kept_short_and_few() -> None:
    state = incident()
    for number in range(10):
        call = state.record_call("logs.analyse", {"n": number}, NOW, why="Read", outcome="Read")
        state.observe(call, Findings(facts=tuple(f"{number} {at} " + "x" * 900 for at in range(50))))
    kept = [fact for one in state.observed for fact in one.facts]
    assert len(kept) == 30
    assert max(map(len, kept)) <= 260
    assert kept[-1].startswith("9 ")


def test_trouble_of_nobody_in_particular_is_told_beside_what_was_asked_about() -> None:
    state = seen(
        finding("api", "api crashes again and again", 0.8, sign=Sign.CRASH),
        finding(None, 'An error. "certificate expired"', 0.4, sign=Sign.CERTIFICATE),
    )
    assert asked(state, "What is wrong with api?")[:3] == [
        "- api crashes again and again",
        "Nothing says whose these are:",
        '- An error. "certificate expired"',
    ]
