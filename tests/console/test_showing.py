"""What the page of a case says of a run and of an incident, whatever words are in them; no server is needed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from domain.cases.escalation import EscalationState
from domain.cases.parts import ParkedStep
from domain.cases.state import CaseState, ServedCaseState
from domain.identity.principals import Principal, Role
from domain.playbook.state import Effect, PlaybookState
from domain.tickets.intake import read_ticket
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis, HypothesisStatus, Weighed
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.linking import IncidentAdvice, LinkKind
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import BlastRadius, Topology
from starters.console.cases.case import Timeline, redacted
from starters.console.cases.showing import of_state
from starters.console.drawings.charts import bars, shares
from starters.console.drawings.graph import drawn
from starters.console.sign_in.visitors import Visitor
from starters.console.web.pages import rendered
from starters.relatives import Relatives
from tests.console.browser import Suspicion

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVIL = "</svg><script>x()</script>\" onload='x()' {{ 7 * 7 }}"


def page(workflow_id: str, state: CaseState, kind: str, **allowed: bool) -> tuple[str, str]:
    """The page's text, and the page; checked for what words must never become."""
    principal = Principal(principal_id="key:k", tenant="default", roles=frozenset({Role.ADMIN}), person_id="p-lena")
    visitor = Visitor(principal=principal, person=None, secret="s" * 43)
    given: dict[str, Any] = {"may_work": False, "may_operate": False, "sees_arguments": False, **allowed}
    answer = rendered(
        "case", visitor=visitor, case=state.case_number, kind=kind, shown=of_state(workflow_id, state),
        timeline=Timeline([], (), "", 0), relatives=Relatives(), audit=[],
        conversation=[], calls=[SimpleNamespace(step=EVIL, attempt=2, problem=EVIL, next_at=NOW)], temporal="",
        once="0", redacted=redacted, **given,
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


SHOWN = {
    CaseState: "approvals case_number closed opened_at parked policy sent status timeline withdrawn",
    ServedCaseState: "claim clocks conversation handoff resolved_at",
    EscalationState: "analysis articles billing_done classification decision degraded disruption escalate_at "
    "escalation_asked follow_up_at followed_up frustration incident_advice incidents last_word_at model_cost "
    "not_incidents outcome risk runs strategy ticket",
    IncidentState: "budget calls classification confirmed_cause diagnosis escalated_because evidence execution "
    "fallbacks knowledge_id linked looks model_cost monitoring news news_refused observed queries rejected reopened "
    "report resolution resolved_by runs solutions spent supposed topology transitions",
    PlaybookState: "customer_id effects ending error events frames held kept kept_because name opened raw_input recent "
    "runs started_by stopped_by suspicious_text totals undone waiting_for_event",
}
KEPT_BACK = {
    CaseState: "channels phase sent_count step_numbers tenant timeline_count timeline_saved told unsaved_audit "
    "unsaved_interventions",
    ServedCaseState: "assessed conversation_count conversation_saved handled seen_message_ids sla_breaches",
    # A draft and why it was turned down stand in its approval; what was announced stands in the timeline.
    EscalationState: "acknowledged escalation_announced handoff_recorded pending_reply rejection_reason",
    IncidentState: "call_count capabilities customers query_count refuted shown_to_model solution_count unlinked",
    # What tasks work on is theirs; what went outside stands beside it.
    PlaybookState: "context effect_count seen_events",
}


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_whatever_a_case_knows_is_shown_or_kept_back_on_purpose(kind: type[CaseState]) -> None:
    inherited = {name for base in kind.__mro__[1:] if base in SHOWN for name in base.model_fields}
    own = set(kind.model_fields) - inherited
    assert own == {*SHOWN[kind].split(), *KEPT_BACK[kind].split()}


def test_arguments_are_shown_whole_to_operators_only() -> None:
    step = ParkedStep(step="s", title="Paying", problem="no", parked_at=NOW, tool="t",
                      arguments={"to": "ana@example.com", "amount": 5})  # fmt: skip
    state = PlaybookState(tenant="default", case_number="o:1", opened_at=NOW, name="o", parked={"s": step},
                          raw_input={"who": "bo@example.com"})  # fmt: skip
    assert "@example.com" not in page("playbook:default:o:1", state, "run")[0]
    whole = page("playbook:default:o:1", state, "run", sees_arguments=True)[0]
    assert "ana@example.com" in whole
    assert "bo@example.com" in whole


def test_the_page_of_a_ticket_names_no_command_for_what_it_has_a_form() -> None:
    ticket = read_ticket({"id": "T-1", "subject": "Down", "body": "All is down", "channel": "api"})
    advice = IncidentAdvice(kind=LinkKind.SUGGEST_OPEN, reasons=("The ticket reports an outage",))
    state = EscalationState(tenant="default", case_number="T-1", opened_at=NOW, ticket=ticket, incident_advice=advice)
    words, _ = page("escalation:default:T-1", state, "ticket")
    assert "May be an incident (The ticket reports an outage)" in words
    assert "surehand case" not in words


def test_how_far_an_incident_reaches_is_not_known_before_anything_shows() -> None:
    state = IncidentState.opened("default", "incident:I-1", IncidentReport(incident_id="I-1", title="Slow"), NOW)
    state.diagnosis = Diagnosis()
    _, html = page("troubleshooting:default:I-1", state, "incident")
    assert "<dt>reach</dt><dd>not known</dd>" in html
