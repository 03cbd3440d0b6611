"""One incident on a page: what matters comes first, and what came from outside is only text."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from domain.troubleshooting.evidence import Change
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis, HypothesisStatus, TimelineEvent, Weighed
from domain.troubleshooting.incident import IncidentReport, Solution, Success
from domain.troubleshooting.records import ExecutionState
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import BlastRadius, Topology
from starters.cli.incident_view import incident_json, incident_page

ONSET = datetime(2026, 3, 2, 14, 5, tzinfo=UTC)
CHANGE = Change(
    change_id="CHG-7", at=ONSET - timedelta(minutes=3), kind="deployment", service="checkout", summary="4.2.0"
)


@pytest.fixture
def state() -> IncidentState:
    report = IncidentReport(incident_id="INC-7", title="Checkout fails [bold]now[/bold]\x1b[31m")
    made = IncidentState.opened("default", "incident:INC-7", report, ONSET)
    symptoms = [
        TimelineEvent(at=ONSET + timedelta(minutes=n), kind="symptom", text=f"symptom number {n}") for n in range(30)
    ]
    deployed = TimelineEvent(at=CHANGE.at, kind="change", text="checkout 4.2.0 went out", before_onset=True)
    cause = Hypothesis(
        hypothesis_id="checkout/bad_deployment/CHG-7",
        service="checkout",
        fault=FaultKind.BAD_DEPLOYMENT,
        change=CHANGE,
        sentence="Deployment 4.2.0 of checkout brought it about.",
        prior=0.2,
        posterior=0.91,
        evidence_for=(Weighed(text="An error is new", source="logs.analyse app.log", weight=2.0),),
        refuted_by="Roll it back and see whether the errors go on.",
    )
    other = cause.model_copy(
        update={"hypothesis_id": "payments/outage", "sentence": "payments does not answer.", "posterior": 0.05}
    )
    made.topology = Topology(calls=(("gateway", "checkout"), ("checkout", "gateway"), ("gateway", "search")))
    made.diagnosis = Diagnosis(
        hypotheses=(cause, other),
        accepted=cause.hypothesis_id,
        onset=ONSET,
        timeline=(deployed, *symptoms),
        blast_radius=BlastRadius(affected=("checkout",), at_risk=("gateway",), severity="high", scope="one service"),
    )
    return made


def shown(state: IncidentState) -> str:
    out = Console(file=io.StringIO(), width=160)
    out.print(incident_page("troubleshooting:default:INC-7", state))
    return out.file.getvalue()


def test_the_cause_stands_with_its_evidence_and_what_would_refute_it(state):
    text = shown(state)
    assert "Deployment 4.2.0 of checkout brought it about. (91%)" in text
    assert "for: An error is new (logs.analyse app.log)" in text
    assert "would refute it: Roll it back and see whether the errors go on." in text
    assert "payments does not answer.  [payments/outage]" in text
    assert text.index("Cause") < text.index("Possible causes") < text.index("What happened to the system")


def test_what_came_shortly_before_the_onset_is_never_crowded_out(state):
    text = shown(state)
    assert "checkout 4.2.0 went out" in text
    assert "symptom number 0" in text
    assert "symptom number 25" not in text


def test_a_refuted_cause_stays_visible_with_why_and_what_became_of_its_fix(state: IncidentState) -> None:
    known = state.diagnosis
    assert known is not None
    cause = known.hypotheses[0]
    many = tuple(cause.model_copy(update={"hypothesis_id": f"other/{n}", "posterior": 0.01}) for n in range(9))
    gone = cause.model_copy(
        update={"hypothesis_id": "db/outage", "sentence": "db does not answer.", "status": HypothesisStatus.REFUTED}
    )
    state.diagnosis = known.model_copy(update={"hypotheses": (cause, *many, gone)})
    success = Success(sentence="Errors fall.", measure="errors", watch_minutes=30)
    fix = Solution(
        solution_id="S1", hypothesis_id="db/outage", title="Restart db", kind="restart", risk="-", undo="-",
        success=success,
    )  # fmt: skip
    state.propose(fix)
    state.reject(fix, "It did not hold: error ratio: 0.3", "surehand", ONSET, refutes=True)
    text = " ".join(shown(state).split())
    assert "refuted db does not answer.: It did not hold: error ratio: 0.3 [db/outage]" in text
    assert "S1 Restart db (carried out, and taken back: It did not hold: error ratio: 0.3)" in text
    assert "turned down" not in text


def test_whoever_wants_to_stop_a_fix_sees_how_as_long_as_it_can_be_stopped(state: IncidentState) -> None:
    run = "playbook:default:roll-back-deployment:x-1"
    state.execution = ExecutionState(solution_id="S1", run=run, started_at=ONSET, status="held")
    assert f"surehand playbook abort {run}" in " ".join(shown(state).split())
    state.execution.status = "completed"
    assert "abort" not in shown(state)


def test_words_from_outside_style_nothing(state):
    text = shown(state)
    assert "[bold]now[/bold]" in text
    assert "\x1b" not in text


def test_a_graph_in_a_circle_ends(state):
    state.topology = Topology(calls=(("web", "a"), ("a", "b"), ("b", "a"), ("b", "checkout")))
    text = shown(state)
    assert "checkout  <- FAULTY" in text


def test_without_a_cause_the_page_says_what_is_missing(state):
    state.diagnosis = state.diagnosis.model_copy(update={"accepted": None, "why_not": "Logs of checkout are missing."})
    assert "Not known. Logs of checkout are missing." in shown(state)


def test_json_holds_no_policy_and_nothing_word_for_word(state):
    told = incident_json("troubleshooting:default:INC-7", state)
    assert (told["kind"], told["status"], told["priority"]) == ("troubleshooting", "triaging", "medium")
    assert "observed" not in told
    assert "policy" not in told


def test_linked_tickets_are_listed_with_their_customers_and_what_these_were_told(state: IncidentState) -> None:
    state.link("T-1", "p-ivan", ONSET, "CUST-1")
    state.link("T-2", "surehand", ONSET, "ada@example.org")
    state.link("T-3", "p-ivan", ONSET)
    state.linked[0].told["outcome"] = ONSET
    text = shown(state)
    assert "T-1 of customer CUST-1, linked" in text
    assert "ada@example.org" not in text
    assert text.count("not told yet") == 2
    for number in range(30):
        state.link(f"T-1{number:02}", "p-ivan", ONSET)
    assert "and 13 more" in shown(state)
