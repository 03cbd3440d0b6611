from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.cases.terms import Status
from domain.tickets.ticket import Priority
from domain.tools.tool import call_digest
from domain.troubleshooting.budget import Budget, Spent
from domain.troubleshooting.evidence import Change, EvidenceKind, EvidenceRef, Finding, Findings, Sign
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis, TimelineEvent, Weighed
from domain.troubleshooting.incident import IncidentReport, Solution, Success
from domain.troubleshooting.linked import BY_RULE
from domain.troubleshooting.messages import IncidentInput
from domain.troubleshooting.records import MonitoringState, Verdict
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.terms import ModelFallback, ToolFallback, TroublePhase
from domain.troubleshooting.topology import BlastRadius, Service, Topology

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)
LOGS = EvidenceRef(reference="sha256:1", name="api.log", kind=EvidenceKind.LOGS, size_bytes=10)


def _state(**more: object) -> IncidentState:
    report = IncidentReport.model_validate({"incident_id": "INC-1", "title": "Checkout fails", **more})
    return IncidentState.opened("acme", "INC-1", report, NOW)


def _finding(service: str, strength: float = 0.5, text: str = "Errors rose") -> Finding:
    return Finding(sign=Sign.ERRORS, service=service, strength=strength, text=text, at=NOW)


def _hypothesis(number: int, weighed: int = 2, text: str = "words") -> Hypothesis:
    evidence = tuple(Weighed(text=f"{text} {n}", weight=float(n)) for n in range(weighed))
    return Hypothesis(
        hypothesis_id=f"s{number}/bad_deployment",
        service=f"s{number}",
        fault=FaultKind.BAD_DEPLOYMENT,
        sentence=f"s{number} is broken",
        prior=0.1,
        posterior=0.5,
        evidence_for=evidence,
        evidence_against=evidence,
    )


def _solution(number: int = 1, kind: str = "restart") -> Solution:
    return Solution(
        solution_id=f"S{number}",
        hypothesis_id="s0/bad_deployment",
        title="Restart s0",
        kind=kind,
        playbook="service-restart",
        arguments={"service": "s0"},
        risk="Requests are lost",
        undo="None is needed",
        success=Success(sentence="It is well", measure="errors per minute", threshold=3, watch_minutes=30),
    )


def test_an_incident_opens_with_its_evidence_and_its_tickets() -> None:
    state = _state(evidence=(LOGS, LOGS), linked_tickets=("T-1", "T-1", "T-2"), urgency="high")

    assert state.evidence == [LOGS]
    assert [one.ticket_id for one in state.linked] == ["T-1", "T-2"]
    assert state.priority is Priority.HIGH
    assert state.current_status() is Status.TRIAGING


def test_every_change_of_phase_is_recorded_with_its_trigger_and_staying_is_none() -> None:
    state = _state()

    assert state.enter(TroublePhase.INTAKE_CLASSIFICATION, NOW, "It was reported.")
    assert not state.enter(TroublePhase.INTAKE_CLASSIFICATION, NOW, "Again.")
    assert state.enter(TroublePhase.CONTEXT_GATHERING, NOW, "It is classified.")

    first, second = state.transitions
    assert (first.from_phase, first.to_phase) == (None, TroublePhase.INTAKE_CLASSIFICATION)
    assert (second.from_phase, second.trigger) == (TroublePhase.INTAKE_CLASSIFICATION, "It is classified.")
    assert state.current_status() is Status.INVESTIGATING


def test_the_status_follows_from_the_phase_until_a_person_must_see_something_first() -> None:
    state = _state()
    state.enter(TroublePhase.EXECUTE_SOLUTION, NOW, "Approved.")
    assert state.current_status() is Status.RUNNING
    state.enter(TroublePhase.MONITOR_OUTCOME, NOW, "Carried out.")
    assert state.current_status() is Status.MONITORING
    state.resolved_at = NOW
    assert state.current_status() is Status.RESOLVED
    state.closed = True
    assert state.current_status() is Status.CLOSED


def test_a_call_with_the_same_arguments_is_known_whatever_came_of_it() -> None:
    state = _state()
    call = state.record_call("logs.analyse", {"a": 1}, NOW, why="w", outcome="It failed.", ok=False)

    assert call.call_id == "C1"
    assert [one.digest for one in state.calls] == [call_digest("logs.analyse", {"a": 1})]


def test_a_second_reading_of_the_same_evidence_takes_the_place_of_the_first() -> None:
    state = _state()
    first = state.record_call("logs.analyse", {"round": 1}, NOW, why="w", outcome="o")
    state.observe(first, Findings(findings=(_finding("a"),)), reads=("sha256:1",))
    other = state.record_call("metrics.analyse", {}, NOW, why="w", outcome="o")
    state.observe(other, Findings(findings=(_finding("b"),)), reads=("sha256:1",))
    second = state.record_call("logs.analyse", {"round": 2}, NOW, why="w", outcome="o")
    state.observe(second, Findings(findings=(_finding("c"),)), reads=("sha256:1",))

    assert {finding.service for finding in state.known().findings} == {"b", "c"}


def test_what_is_known_joins_all_observations() -> None:
    state = _state(description="Since two o'clock")
    change = Change(change_id="CHG-1", at=NOW, kind="deployment", service="a", summary="4.2")
    read = state.record_call("changes.read", {}, NOW, why="w", outcome="o")
    state.observe(read, Findings(changes=(change,), begins=NOW - timedelta(days=9), ends=NOW + timedelta(days=1)))
    one = state.record_call("logs.analyse", {}, NOW, why="w", outcome="o")
    state.observe(one, Findings(begins=NOW - timedelta(hours=2), ends=NOW))
    two = state.record_call("traces.analyse", {}, NOW, why="w", outcome="o")
    state.observe(two, Findings(changes=(change,), calls=(("a", "b"),), begins=NOW - timedelta(hours=1)))
    graph = Topology(services=(Service(name="a", team="shop"),), calls=(("c", "a"),))
    three = state.record_call("topology.read", {}, NOW, why="w", outcome="o")
    state.observe(three, Findings(), topology=graph)
    state.observe(three, Findings(), topology=Topology(services=(Service(name="d"),)))

    known = state.known()

    assert known.changes == (change,)
    assert set(known.topology.calls) == {("a", "b"), ("c", "a")}
    assert {service.name: service.team for service in known.topology.services} == {"a": "shop", "d": None}
    assert (known.begins, known.ends) == (NOW - timedelta(hours=2), NOW), "changes tell nothing of how services were"
    assert known.description == "Checkout fails\nSince two o'clock"


def test_one_noisy_service_does_not_crowd_out_another() -> None:
    state = _state()
    noisy = tuple(_finding("noisy", 0.9, f"{n} " + "x" * 290) for n in range(500))
    call = state.record_call("logs.analyse", {}, NOW, why="w", outcome="o")
    state.observe(call, Findings(findings=(*noisy, _finding("quiet", 0.2))))

    kept = state.known().findings

    assert "quiet" in {finding.service for finding in kept}
    assert len(kept) < 200
    assert state.observed[0].left_out == 501 - len(kept)


def test_the_worst_investigation_stays_below_200_kb() -> None:
    state = _state(title="\U0001f4a5" * 300, description="\U0001f4a5" * 2_000)
    for n in range(60):
        state.enter(list(TroublePhase)[n % 12], NOW, "t" * 1000)
        call = state.record_call("logs.analyse", {"n": n}, NOW, why="w" * 1000, outcome="o" * 1000)
        findings = tuple(_finding(f"s{k}", 0.7, "\U0001f4a5" * 500) for k in range(60))
        changes = tuple(
            Change(change_id=f"C{n}-{k}", at=NOW, kind="other", service="s", summary="s" * 500, version="v" * 9_000)
            for k in range(50)
        )
        services = tuple(f"{n}-service-{k}" for k in range(1_000))
        state.observe(
            call,
            Findings(findings=findings, changes=changes, services=services, summary="s" * 9_000),
            topology=Topology(services=tuple(Service(name=name) for name in services)),
        )
        state.ask(f"M{n}", "p-lena", "q" * 4_000, NOW)
        state.answer(f"M{n}", "a" * 20_000, NOW, ModelFallback.PRIMARY)
        state.fell_back("tool", ToolFallback.ALTERNATIVE.value, "w" * 1000, NOW, "y" * 1000)
        state.handled = state.conversation_saved = state.conversation_count
        state.forget_what_is_saved()
    state.diagnosed(
        Diagnosis(
            hypotheses=tuple(_hypothesis(n, 60, "\U0001f4a5" * 400) for n in range(40)),
            accepted="s39/bad_deployment",
            onset=NOW,
            why_not="w" * 5_000,
            timeline=tuple(
                TimelineEvent(at=NOW + timedelta(minutes=n), kind="symptom", text="t" * 900) for n in range(500)
            ),
            blast_radius=BlastRadius(affected=tuple(f"s{n}" for n in range(900)), reasons=("r" * 900,) * 90),
        )
    )

    assert len(state.model_dump_json().encode()) < 200_000
    assert state.cause is not None, "the accepted hypothesis is never dropped"
    assert state.cause.evidence_for, "and keeps its weightiest evidence"
    assert state.known().findings
    assert state.known().changes
    assert state.open_hypotheses


def test_an_incident_survives_its_way_through_json() -> None:
    state = _state(evidence=(LOGS,))
    state.enter(TroublePhase.CONTEXT_GATHERING, NOW, "t")
    call = state.record_call("logs.analyse", {}, NOW, why="w", outcome="o")
    state.observe(call, Findings(findings=(_finding("a"),), calls=(("a", "b"),)), reads=("sha256:1",))
    state.diagnosed(Diagnosis(hypotheses=(_hypothesis(0),)))
    state.propose(_solution())
    carried = IncidentInput(tenant="acme", report=state.report, state=state)

    assert IncidentInput.model_validate_json(carried.model_dump_json()).state == state


def test_a_rejected_solution_is_no_longer_the_solution_and_a_failed_one_refutes_its_cause() -> None:
    state = _state()
    state.diagnosed(Diagnosis(hypotheses=(_hypothesis(0),), accepted="s0/bad_deployment"))
    state.confirmed_cause = "s0/bad_deployment"
    first, second = _solution(1), _solution(2)
    state.propose(first)
    state.reject(first, "Not during the sale", "p-lena", NOW)
    assert state.solution is None
    assert state.refuted == []
    assert state.known().rejected == ("Not during the sale",)

    state.propose(second)
    assert state.solution == second
    state.reject(second, "Nothing got better", "surehand", NOW, refutes=True)
    assert state.known().refuted == ("s0/bad_deployment",)
    # That it did not help refutes its cause; it is nothing that a person said against others.
    assert state.known().rejected == ("Not during the sale",)
    assert state.confirmed_cause is None


def test_what_is_approved_is_bound_to_playbook_and_arguments() -> None:
    same, other = _solution(2), _solution(1).model_copy(update={"arguments": {"service": "s1"}})

    assert _solution(1).digest == same.digest
    assert _solution(1).digest != other.digest


def test_a_question_asked_twice_is_one_question() -> None:
    state = _state()
    assert state.ask("M-1", "p-lena", "Is it the database?", NOW) is not None
    assert state.ask("M-1", "p-lena", "Is it the database?", NOW) is None
    assert state.open_query is not None
    state.answer("M-1", "No.", NOW, ModelFallback.STRUCTURED_GUIDANCE)
    assert state.open_query is None
    assert state.queries[0].model is ModelFallback.STRUCTURED_GUIDANCE


def test_a_ticket_is_linked_once_and_told_once() -> None:
    state = _state()
    assert state.link("T-1", "p-lena", NOW)
    assert not state.link("T-1", "p-jo", NOW)
    assert [one.ticket_id for one in state.untold("outcome")] == ["T-1"]
    state.linked[0].told["outcome"] = NOW
    assert state.untold("outcome") == []


def test_what_a_person_unlinked_no_rule_links_again_and_a_person_may() -> None:
    state = _state()
    assert state.link("T-1", BY_RULE, NOW)
    assert state.unlink("T-1")
    assert not state.link("T-1", BY_RULE, NOW)
    assert state.linked == []
    assert state.link("T-1", "p-lena", NOW)


def test_looks_that_could_not_be_made_neither_break_nor_lengthen_a_bad_run() -> None:
    state = _state()
    state.monitoring = MonitoringState(
        solution_id="S1", success=_solution().success, started_at=NOW, until=NOW + timedelta(minutes=30)
    )
    for good in (True, False, None, False):
        state.judge(Verdict(at=NOW, good=good))

    assert (state.monitoring.looks, state.monitoring.good, state.monitoring.bad_in_a_row) == (4, 1, 2)


def test_success_is_a_threshold_in_the_right_direction_and_never_a_guess() -> None:
    success = _solution().success
    assert success.is_met(3)
    assert not success.is_met(3.1)
    assert success.model_copy(update={"at_most": False}).is_met(4)
    assert not success.model_copy(update={"threshold": None}).is_met(0)


def test_new_evidence_renews_what_may_be_looked_at_and_never_what_models_cost() -> None:
    budget, spent = Budget(iterations=2, tool_calls=5, model_calls=3, minutes=30), Spent(iterations=2, model_calls=3)
    spent.resume(NOW)
    spent.pause(NOW + timedelta(minutes=31))
    assert budget.exceeded(spent, NOW) is not None
    spent.renew(NOW)
    assert budget.exceeded(spent, NOW) is None
    assert budget.left(spent, NOW)["minutes"] == 30
    assert spent.amounts(NOW)["iterations"] == 2
    assert budget.model_exceeded(spent) is not None
    spent.iterations += 2
    assert "2 rounds" in str(budget.exceeded(spent, NOW))


def test_a_budget_ends_the_investigation_and_says_which_limit_it_was() -> None:
    budget, spent = Budget(iterations=2, tool_calls=5, minutes=30), Spent()
    assert budget.exceeded(spent, NOW) is None
    spent.iterations = 2
    assert "2 rounds of looking for the cause" in str(budget.exceeded(spent, NOW))
    spent.iterations, spent.tool_calls = 1, 5
    assert "5 tool calls" in str(budget.exceeded(spent, NOW))


def test_minutes_count_only_while_the_cause_is_looked_for() -> None:
    budget, spent = Budget(minutes=30), Spent()
    spent.resume(NOW)
    spent.resume(NOW + timedelta(minutes=5))
    assert budget.exceeded(spent, NOW + timedelta(minutes=29)) is None
    spent.pause(NOW + timedelta(minutes=20))
    assert budget.exceeded(spent, NOW + timedelta(days=1)) is None
    spent.resume(NOW + timedelta(days=1))
    assert budget.left(spent, NOW + timedelta(days=1, minutes=4))["minutes"] == 6
    assert "30 minutes" in str(budget.exceeded(spent, NOW + timedelta(days=1, minutes=10)))


def test_a_spent_model_budget_leaves_the_rules_at_work() -> None:
    budget, spent = Budget(model_calls=1, tokens=100), Spent(model_calls=1)
    assert "rules answer" in str(budget.model_exceeded(spent))
    assert budget.exceeded(spent, NOW) is None
    assert budget.model_exceeded(Spent(tokens=99)) is None
