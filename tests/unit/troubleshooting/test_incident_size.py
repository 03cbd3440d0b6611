"""An incident whose every part is at its limit still travels."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from domain.cases.approval import ApprovalQuestion, ApprovalState, ApprovalStatus, OpenRung, Vote
from domain.cases.timeline import TimelineKind
from domain.mail import ChatReceipt
from domain.tools.tool import call_digest
from domain.troubleshooting.evidence import Change, EvidenceKind, EvidenceRef, Finding, Findings, Sign
from domain.troubleshooting.fitting import STATE_BYTES, fit
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis, TimelineEvent, Weighed
from domain.troubleshooting.incident import MOST_EVIDENCE, MOST_TICKETS, IncidentReport, Solution, Success
from domain.troubleshooting.records import ExecutionState, MonitoringState, Verdict
from domain.troubleshooting.state import KEPT_CALLS, IncidentState
from domain.troubleshooting.terms import ModelFallback, TroublePhase
from domain.troubleshooting.topology import BlastRadius, Service, Topology
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG

NOW = datetime(2026, 3, 1, 14, 0, tzinfo=UTC)


def full_incident() -> IncidentState:
    """Everything as much and as long as it may be, and everything saved."""
    evidence = tuple(_evidence(number) for number in range(MOST_EVIDENCE))
    report = IncidentReport(
        incident_id="I" * 200,
        title="t" * 300,
        description="d" * 16_000,
        reported_by="p-ivan",
        evidence=evidence,
        health_urls={f"s{n}": f"https://s{n}.example/health" for n in range(100)},
        linked_tickets=tuple(f"TICKET-{n:06}" for n in range(MOST_TICKETS)),
    )
    state = IncidentState.opened("acme", "incident:" + "I" * 200, report, NOW)
    state.policy = Configuration((SHIPPED_CONFIG,)).policy_for("default")
    _looked(state, evidence)
    _talked(state)
    _tried(state)
    state.timeline_saved = state.timeline_count
    state.handled = state.conversation_saved = state.conversation_count
    return state


def _evidence(number: int) -> EvidenceRef:
    return EvidenceRef(
        reference="sha256:" + f"{number:064x}", name=f"{number}" + "n" * 120, kind=EvidenceKind.LOGS, size_bytes=10**9
    )


def _looked(state: IncidentState, evidence: tuple[EvidenceRef, ...]) -> None:
    for number in range(KEPT_CALLS + 5):
        state.enter(list(TroublePhase)[number % 12], NOW, "t" * 900)
        pieces = evidence[number % 100 : number % 100 + 3]
        arguments = {"n": number, "evidence": [{"reference": one.reference} for one in pieces]}
        call = state.record_call(
            "logs.analyse", arguments, NOW, why="w" * 900, outcome="o" * 900, tells_apart=("h" * 60,) * 8
        )
        found = Findings(
            findings=tuple(
                Finding(sign=Sign.ERRORS, service=f"s{n}", strength=0.5, text="f" * 500, at=NOW) for n in range(60)
            ),
            denied=tuple(
                Finding(sign=Sign.DISK, service=f"s{n}", strength=0.8, text="d" * 500, query="q" * 500)
                for n in range(60)
            ),
            changes=tuple(
                Change(change_id=f"{number}-{n}", at=NOW, kind="other", service="s", summary="c" * 500)
                for n in range(50)
            ),
            services=tuple(f"service-{n}" for n in range(500)),
        )
        graph = Topology(services=tuple(Service(name=f"service-{n}-{number}") for n in range(500)))
        state.observe(call, found, reads=tuple(one.reference for one in pieces), topology=graph)
        state.fell_back("tool", "alternative", "w" * 900, NOW, "y" * 900)
    weighed = tuple(Weighed(text="e" * 400, weight=float(n), source="s" * 120) for n in range(40))
    state.diagnosed(
        Diagnosis(
            hypotheses=tuple(_hypothesis(number, weighed) for number in range(30)),
            accepted="s3/bad_deployment",
            onset=NOW,
            timeline=tuple(TimelineEvent(at=NOW, kind="symptom", text="t" * 900) for _ in range(500)),
            blast_radius=BlastRadius(affected=tuple(f"s{n}" for n in range(900)), reasons=("r" * 900,) * 90),
        )
    )


def _hypothesis(number: int, weighed: tuple[Weighed, ...]) -> Hypothesis:
    return Hypothesis(
        hypothesis_id=f"s{number}/bad_deployment",
        service=f"s{number}",
        fault=FaultKind.BAD_DEPLOYMENT,
        sentence="s" * 900,
        prior=0.1,
        posterior=0.5,
        evidence_for=weighed,
        evidence_against=weighed,
    )


def _talked(state: IncidentState) -> None:
    for number in range(3_000):
        message_id = f"{number}" + "m" * 190
        assert state.ask(message_id, "p" * 200, "q" * 4_000, NOW) is not None
        state.answer(message_id, "a" * 9_000, NOW, ModelFallback.PRIMARY)
        state.handled = state.conversation_saved = state.conversation_count
        state.conversation = state.conversation[-4:]
    for _ in range(400):
        state.note(NOW, TimelineKind.STEP, "x" * 2_000, "p" * 200)


def _tried(state: IncidentState) -> None:
    success = Success(sentence="s" * 500, measure="m" * 100, query="q" * 200, threshold=1, watch_minutes=60)
    for number in range(1, 17):
        solution = Solution(
            solution_id=f"S{number}",
            hypothesis_id=f"s{number % 5}/bad_deployment",
            title="t" * 200,
            kind="restart",
            playbook="service-restart",
            arguments={"service": "s" * 64},
            risk="r" * 300,
            undo="u" * 300,
            success=success,
        )
        state.propose(solution)
        if number < 16:
            state.reject(solution, "r" * 2_000, "p" * 200, NOW)
        state.approvals[f"solution-S{number}"] = _approval(state, number)
    state.execution = ExecutionState(solution_id="S16", run="r" * 200, started_at=NOW, done=["d" * 100] * 20)
    state.monitoring = MonitoringState(solution_id="S16", success=success, started_at=NOW, until=NOW)
    for _ in range(90):
        state.judge(Verdict(at=NOW, value=1.0, good=True, sentence="v" * 200, source="metrics"))


def _approval(state: IncidentState, number: int) -> ApprovalState:
    assert state.policy is not None
    calls = [{"tool": "deploy.rollBack", "what": "w" * 100, "arguments": {"n": n, "x": "x" * 100}} for n in range(12)]
    question = ApprovalQuestion(
        action="incident_solution",
        summary="s" * 300,
        arguments={"playbook": "p", "calls": calls},
        evidence=("e" * 200,) * 10,
    )
    until = NOW + timedelta(hours=1)
    rung = OpenRung(name="lead", approvers=[f"p-{n}" for n in range(10)], quorum=1, opened_at=NOW, expires_at=until)
    open_still = number == 16
    return ApprovalState(
        request_id=f"solution-S{number}",
        question=question,
        digest=question.digest,
        ladder=state.policy.ladder("change"),
        asked_at=NOW,
        rungs=[rung, rung.model_copy()],
        votes=[] if open_still else [Vote(person_id="p-1", approve=False, reason="r" * 2_000, at=NOW)],
        status=ApprovalStatus.PENDING if open_still else ApprovalStatus.REJECTED,
        reason="" if open_still else "r" * 2_000,
        chat=ChatReceipt(channel="C" * 20, ts="1") if open_still else None,
    )


def size_of(state: IncidentState) -> int:
    return len(state.model_dump_json().encode())


def test_an_incident_with_everything_at_its_limit_travels_in_less_than_200_kb() -> None:
    state = full_incident()
    assert size_of(state) > 300_000
    open_request = state.approvals["solution-S16"].model_copy(deep=True)

    state.forget_what_is_saved()
    fit(state)

    assert size_of(state) <= STATE_BYTES < 200_000
    assert len(state.linked) == MOST_TICKETS
    assert len(state.evidence) == MOST_EVIDENCE
    assert state.approvals["solution-S16"] == open_request
    assert state.cause is not None
    assert state.cause.evidence_for
    assert state.known().findings
    assert [one.solution_id for one in state.rejected] == [f"S{n}" for n in range(1, 16)]
    assert state.solution is not None
    assert state.solution.solution_id == "S16"
    assert call_digest("logs.analyse", _arguments_of_last_call(state)) in {call.digest for call in state.calls}
    carried = IncidentState.model_validate_json(state.model_dump_json())
    assert carried.has_heard("2999" + "m" * 190)
    assert carried.ask("2999" + "m" * 190, "p", "again", NOW) is None


def _arguments_of_last_call(state: IncidentState) -> dict[str, object]:
    number = KEPT_CALLS + 4
    return {"n": number, "evidence": [{"reference": one.reference} for one in state.evidence[number : number + 3]]}


def test_what_still_waits_is_never_dropped_to_make_room() -> None:
    state = full_incident()
    for number in range(4):
        state.ask(f"open-{number}", "p-ivan", "Why? " * 100, NOW)
    state.note(NOW, TimelineKind.STEP, "y" * 2_000)

    state.forget_what_is_saved()
    fit(state)

    assert [query.message_id for query in state.queries if query.is_open] == [f"open-{n}" for n in range(4)]
    assert all(query.text == "Why? " * 100 for query in state.queries if query.is_open)
    assert state.timeline[-1].text == "y" * 2_000, "the store does not have it yet"


def test_a_small_incident_loses_nothing_on_its_way() -> None:
    report = IncidentReport(incident_id="I-1", title="Checkout fails", description="Since two.")
    state = IncidentState.opened("acme", "incident:I-1", report, NOW)
    state.ask("q-1", "p-ivan", "Why?", NOW)
    state.note(NOW, TimelineKind.STEP, "x" * 2_000)
    before = state.model_dump()

    state.forget_what_is_saved()
    fit(state)

    assert state.model_dump() == before


def test_ids_of_messages_that_a_case_of_an_earlier_version_kept_are_still_known_and_short() -> None:
    report = IncidentReport(incident_id="I-1", title="Checkout fails")
    old = IncidentState.opened("acme", "incident:I-1", report, NOW).model_dump(mode="json")
    old["seen_message_ids"] = ["first" + "x" * 190, "second"]

    state = IncidentState.model_validate(old)

    assert state.ask("second", "p-ivan", "Why?", NOW) is None
    assert state.ask("first" + "x" * 190, "p-ivan", "Why?", NOW) is None
    assert state.ask("third", "p-ivan", "Why?", NOW) is not None
    assert max(map(len, state.seen_message_ids)) == 13


def test_tickets_with_long_ids_are_linked_as_long_as_there_is_room() -> None:
    state = IncidentState.opened("acme", "incident:I-1", IncidentReport(incident_id="I-1", title="Down"), NOW)
    linked = [state.link(f"{n}-" + "T" * 190, "p" * 200, NOW) for n in range(MOST_TICKETS)]

    assert 100 < sum(linked) < MOST_TICKETS
    assert not state.has_room_for("T" * 200, "p" * 200)
    assert len(b"".join(one.model_dump_json().encode() for one in state.linked)) <= 52_000
