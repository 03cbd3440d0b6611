"""What the page of a case says of a run and of an incident, whatever words are in them; no server is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from domain.case import CaseState, ParkedStep
from domain.playbook.state import Effect, PlaybookState
from domain.principals import Principal, Role
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis, HypothesisStatus, Weighed
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import BlastRadius, Topology
from starters.console.case import Timeline
from starters.console.charts import bars, shares
from starters.console.graph import drawn
from starters.console.pages import rendered
from starters.console.showing import of_state
from starters.console.visitors import Visitor
from starters.relatives import Relatives
from tests.console.browser import Suspicion

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVIL = "</svg><script>x()</script>\" onload='x()' {{ 7 * 7 }}"


def page(workflow_id: str, state: CaseState, kind: str, **allowed: bool) -> tuple[str, str]:
    """The page's text, and the page; checked for what words must never become."""
    principal = Principal(principal_id="key:k", tenant="default", roles=frozenset({Role.ADMIN}), person_id="p-lena")
    visitor = Visitor(principal=principal, person=None, secret="s" * 43)
    given: dict[str, Any] = {"may_work": False, "may_operate": False, **allowed}
    answer = rendered(
        "case", visitor=visitor, case=state.case_number, kind=kind, shown=of_state(workflow_id, state),
        timeline=Timeline([], (), "", 0), relatives=Relatives(), audit=[],
        conversation=[], calls=[SimpleNamespace(step=EVIL, attempt=2, problem=EVIL, next_at=NOW)], temporal="",
        once="0", **given,
    )  # fmt: skip
    html = bytes(answer.body).decode()
    seen = Suspicion(html)
    assert seen.faults == []
    return " ".join(seen.text.split()), html


@pytest.mark.parametrize("can_skip", [True, False])
def test_a_parked_step_says_what_failed_and_takes_only_the_words_that_it_can(can_skip: bool) -> None:
    step = ParkedStep(step=EVIL, title="Taking the money", problem=EVIL, parked_at=NOW, can_skip=can_skip,
                      left_undone=[EVIL], tool="payments.capture")  # fmt: skip
    effect = Effect(number=1, what=f"Reserve {EVIL}", place="/", reference="/", tool="t", arguments={}, key="k")
    state = PlaybookState(
        tenant="default", case_number="order:A-1", opened_at=NOW, name="order", parked={EVIL: step}, effects=[effect],
        undone=[EVIL], error={"status": 500, "title": EVIL},
    )  # fmt: skip
    words, html = page("playbook:default:order:A-1", state, "run", may_operate=True)
    assert "Taking the money" in words
    assert f"To undo by hand: {EVIL}" in words
    assert "nobody knows whether it took effect" in words
    assert 'value="retry"' in html
    assert 'value="give_up"' in html
    assert ('value="skip"' in html) is can_skip
    assert 'action="/console/do/abort"' in html
    assert "2026-03-02T09:00:00+00:00" in html
    assert "/console/do/" not in page("playbook:default:order:A-1", state, "run")[1]


def test_an_incident_shows_each_cause_with_what_speaks_for_and_against_it_and_would_refute_it() -> None:
    def cause(name: str, posterior: float, status: HypothesisStatus) -> Hypothesis:
        return Hypothesis(
            hypothesis_id=f"{name}/x", service=name, fault=next(iter(FaultKind)), sentence=f"{name} is broken {EVIL}",
            prior=0.1, posterior=posterior, status=status, refuted_by=f"no errors of {name}",
            evidence_for=(Weighed(text=f"errors of {name} {EVIL}", source="logs", weight=2.0),),
            evidence_against=(Weighed(text=f"{name} is fast", weight=-1.0),),
        )  # fmt: skip

    report = IncidentReport(incident_id="I-1", title=EVIL, description=EVIL)
    state = IncidentState.opened("default", "incident:I-1", report, NOW)
    state.topology = Topology(calls=(("web", "checkout"), ("checkout", EVIL), ("checkout", "checkout"), (EVIL, "web")))
    state.diagnosed(
        Diagnosis(
            hypotheses=(
                cause("checkout", 0.9, HypothesisStatus.ACCEPTED),
                cause("web", 0.1, HypothesisStatus.REFUTED),
            ),
            accepted="checkout/x",
            onset=NOW - timedelta(hours=1),
            blast_radius=BlastRadius(affected=("web",)),
        )
    )
    words, html = page("troubleshooting:default:I-1", state, "incident", may_work=True, may_operate=True)
    for part in ("90 of 100", "errors of checkout", "checkout is fast", "would refute it no errors of checkout",
                 "refuted web is broken"):  # fmt: skip
        assert part in words, part
    assert 'class="faulty"' in html
    assert 'class="affected"' in html
    assert 'action="/console/do/close"' in html


def test_a_graph_is_drawn_for_circles_and_left_out_when_nobody_could_read_it() -> None:
    ring = Topology(calls=(("a", "b"), ("b", "c"), ("c", "a")))
    assert drawn(ring, {}).count("<rect") == 3
    assert drawn(Topology(), {}) == ""
    assert drawn(Topology(calls=tuple((f"s{n}", f"s{n + 1}") for n in range(60))), {}) == ""


def test_charts_hold_every_value_and_nothing_is_no_chart() -> None:
    assert bars("x", []) == ""
    assert bars("x", [("a", 0.0)]) == ""
    chart = bars(EVIL, [("1 Mar", 2.0), (EVIL, 4.5)], unit=" min")
    assert "<title>1 Mar: 2 min</title>" in chart
    assert Suspicion(chart).faults == []
    split = shares(EVIL, [(EVIL, 1), ("bug", 3)])
    assert "3 (75%)" in split
    assert Suspicion(split).faults == []
