"""Trouble of whom a report names, in a cluster where others are in trouble too and nobody knows who calls whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.hypotheses import Diagnosis, Known
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Service, Topology

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
OTHERS = tuple(
    Finding(sign=Sign.CRASH, service=name, strength=0.75, text=f"{name} crashes again and again")
    for name in ("agent", "sync", "mail")
)


def told(description: str, *findings: Finding, calls: tuple[tuple[str, str], ...] = ()) -> Diagnosis:
    names = {finding.service for finding in findings if finding.service}
    topology = Topology(services=tuple(Service(name=name) for name in sorted(names)) if calls else (), calls=calls)
    return diagnose(Known(description=description, opened_at=NOW, findings=findings, topology=topology))


def stuck(strength: float = 0.6) -> Finding:
    return Finding(sign=Sign.SCHEDULING, service="import", strength=strength, text="no node has what import asks for")


@pytest.mark.parametrize("report", ["What is wrong with import?", "import-7f8b9c6d5-x2m4n is Pending"])
def test_whoever_the_report_names_comes_first(report: str) -> None:
    named, unnamed = told(report, stuck(), *OTHERS), told("Something is odd", stuck(), *OTHERS)
    assert named.hypotheses[0].service == "import" or named.hypotheses[1].service == "import"
    likely = {one.hypothesis_id: one.posterior for one in named.hypotheses}
    before = {one.hypothesis_id: one.posterior for one in unnamed.hypotheses}
    assert likely["import/scheduling"] > 1.5 * before["import/scheduling"]
    assert "It is what the report names" in str(named.find("import/scheduling"))
    assert "report names" not in str(unnamed.hypotheses)


def test_what_the_platform_says_for_certain_of_it_is_accepted_and_its_word_alone_is_not() -> None:
    assert told("import does not start", stuck(0.9)).accepted == "import/scheduling"
    assert told("import does not start", stuck(0.5)).accepted is None


def test_where_calls_are_known_the_graph_decides_and_not_the_reporters_words() -> None:
    calls = (("import", "agent"),)
    named, unnamed = (told(text, stuck(), *OTHERS, calls=calls) for text in ("import fails", "it fails"))
    assert [one.posterior for one in named.hypotheses] == [one.posterior for one in unnamed.hypotheses]


def test_naming_everyday_words_and_nobody_changes_nothing() -> None:
    named, unnamed = (told(text, stuck(), *OTHERS) for text in ("important imports fail", "x" * 9_000))
    assert [one.posterior for one in named.hypotheses] == [one.posterior for one in unnamed.hypotheses]
