from __future__ import annotations

from datetime import timedelta

import pytest

from domain.troubleshooting.evidence import EvidenceKind, Findings
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.looks import REFUTING_METRICS, PlannedCall
from domain.troubleshooting.planning import MOST_PER_ROUND, next_calls
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.topology import Service, Topology
from tests.unit.troubleshooting.incidents import NOW, ONSET, diagnosed, incident, piece, suspect


def _made(state: IncidentState, call: PlannedCall, *, ok: bool = True, found: Findings | None = None) -> None:
    record = state.record_call(call.capability, call.arguments, NOW, why=call.why, outcome="o", ok=ok)
    if ok:
        state.observe(record, found or Findings(), reads=call.reads)


def _until_nothing_is_left(state: IncidentState, *, ok: bool = True) -> list[PlannedCall]:
    calls: list[PlannedCall] = []
    for _ in range(30):
        planned = next_calls(state)
        if not planned:
            return calls
        for call in planned:
            _made(state, call, ok=ok)
            calls.append(call)
    raise AssertionError("the plan never ends")


def _all_kinds() -> IncidentState:
    return incident(evidence=tuple(piece(kind) for kind in EvidenceKind))


def test_what_gives_names_is_read_before_logs_and_metrics() -> None:
    state = _all_kinds()

    first = next_calls(state)
    assert [call.capability for call in first] == [
        "topology.read",
        "changes.read",
        "traces.analyse",
        "kubernetes.analyse",
        "knowledge.search",
    ]
    for call in first:
        _made(state, call, found=Findings(services=("checkout", "db")))
    second = {call.capability: call.arguments for call in next_calls(state)}
    assert second == {
        "logs.analyse": {
            "evidence": [{"reference": "sha256:logs-1", "name": "logs-1"}],
            "services": ["checkout", "db"],
        },
        "metrics.analyse": {
            "evidence": [{"reference": "sha256:metrics-1", "name": "metrics-1"}],
            "services": ["checkout", "db"],
        },
    }


@pytest.mark.parametrize("name", ["changes.csv", "Deployments-2026.tsv", "release_log.csv.gz"])
def test_a_table_of_changes_that_was_taken_for_a_log_is_read_as_changes(name: str) -> None:
    table = piece(EvidenceKind.LOGS).model_copy(update={"name": name, "reference": "sha256:table"})
    state = incident(evidence=(table, piece(EvidenceKind.LOGS)))

    calls = {call.capability: call.reads for call in _until_nothing_is_left(state) if call.reads}

    assert calls == {"changes.read": ("sha256:table",), "logs.analyse": ("sha256:logs-1",)}


def test_logs_are_read_around_the_time_that_the_reporter_names() -> None:
    logs = next_calls(incident(evidence=(piece(EvidenceKind.LOGS),), reported_at=NOW))[0]

    assert logs.arguments["around"] == NOW.isoformat()


def test_all_pieces_of_a_kind_are_read_in_one_call_that_says_whose_they_are() -> None:
    state = incident(evidence=(piece(EvidenceKind.LOGS, 1, service="a"), piece(EvidenceKind.LOGS, 2)))

    logs = next_calls(state)[0]

    assert logs.arguments["evidence"] == [
        {"reference": "sha256:logs-1", "name": "logs-1", "service": "a"},
        {"reference": "sha256:logs-2", "name": "logs-2"},
    ]
    assert logs.reads == ("sha256:logs-1", "sha256:logs-2")


def test_every_piece_of_evidence_is_read_and_no_call_is_made_twice() -> None:
    state = diagnosed(_all_kinds(), suspect(), suspect("db", FaultKind.CONNECTION_POOL, 0.3), accepted=False)

    calls = _until_nothing_is_left(state)

    assert {reference for call in calls for reference in call.reads} >= {
        one.reference for one in state.evidence if one.kind is not EvidenceKind.NOTES
    }
    assert len({call.digest for call in calls}) == len(calls)


def test_notes_are_read_like_logs_where_there_are_no_logs() -> None:
    calls = _until_nothing_is_left(incident(evidence=(piece(EvidenceKind.NOTES),)))

    assert "logs.analyse" in {call.capability for call in calls}


def test_a_plan_ends_even_when_every_call_fails() -> None:
    state = diagnosed(_all_kinds(), suspect(), accepted=False)

    calls = _until_nothing_is_left(state, ok=False)

    assert len(calls) < 15


def test_pieces_that_could_not_be_read_together_are_read_one_by_one() -> None:
    state = incident(evidence=tuple(piece(EvidenceKind.LOGS, n) for n in range(3)))
    for call in next_calls(state):
        _made(state, call, ok=call.capability != "logs.analyse")

    alone = [call for call in next_calls(state) if call.capability == "logs.analyse"]

    assert [call.reads for call in alone] == [(f"sha256:logs-{n}",) for n in range(3)]
    assert all("this piece alone" in call.why for call in alone)


def test_evidence_that_comes_later_is_read_and_the_earlier_is_not_read_again() -> None:
    state = incident(evidence=(piece(EvidenceKind.METRICS, 1),))
    _until_nothing_is_left(state)
    state.add_evidence((piece(EvidenceKind.METRICS, 2),))

    again = next_calls(state)

    assert [call.reads for call in again] == [("sha256:metrics-2",)]


def test_open_hypotheses_are_told_apart_by_health_and_by_the_metric_that_would_refute_them() -> None:
    one, two = suspect("checkout", FaultKind.MEMORY_LEAK), suspect("db", FaultKind.DISK_FULL, 0.3)
    state = diagnosed(incident(health_urls={"db": "http://db.example/health"}), one, two, accepted=False)

    by_capability: dict[str, list[PlannedCall]] = {}
    for call in _until_nothing_is_left(state):
        by_capability.setdefault(call.capability, []).append(call)

    assert [call.arguments["url"] for call in by_capability["health.probe"]] == [
        "http://checkout.example/health",
        "http://db.example/health",
    ]
    assert [(call.arguments["service"], call.arguments["metric"]) for call in by_capability["metrics.watch"]] == [
        ("checkout", "memory"),
        ("db", "disk"),
    ]
    watched = by_capability["metrics.watch"][0].arguments
    assert (watched["start"], watched["end"]) == ("2026-03-01T13:00:00+00:00", "2026-03-01T15:00:00+00:00")
    assert by_capability["metrics.watch"][0].tells_apart == (one.hypothesis_id,)
    assert "no memory leak" in by_capability["metrics.watch"][0].why
    assert all(call.by_hand for calls in by_capability.values() for call in calls)


def test_once_a_cause_is_accepted_only_what_is_unread_is_read() -> None:
    state = diagnosed(_all_kinds(), suspect())
    _until_nothing_is_left(state)

    assert {call.capability for call in state.calls}.isdisjoint({"health.probe", "metrics.watch"})


def test_logs_are_read_once_more_when_names_came_to_light() -> None:
    state = diagnosed(incident(evidence=(piece(EvidenceKind.LOGS),)), suspect(), accepted=False)
    state.topology = Topology()
    for call in next_calls(state):
        _made(state, call, found=Findings(services=("checkout", "db")))

    again = [call for call in _until_nothing_is_left(state) if call.capability == "logs.analyse"]

    assert [call.arguments["services"] for call in again] == [["checkout", "db"]]
    assert [call.arguments["around"] for call in again] == [ONSET.isoformat()]


def test_hostile_names_reach_no_query() -> None:
    names = ('x"} or vector(1)', "a b", "x\ny", "-", "x" * 500, "")
    state = incident(evidence=(piece(EvidenceKind.LOGS),))
    hostile = tuple(suspect(name, FaultKind.MEMORY_LEAK, 0.2) for name in names)
    diagnosed(state, *hostile, accepted=False)
    state.topology = Topology(services=tuple(Service(name=name) for name in names))

    calls = _until_nothing_is_left(state)

    assert "metrics.watch" not in {call.capability for call in calls}
    assert all("services" not in call.arguments for call in calls)


def test_a_round_is_bounded_however_much_there_is() -> None:
    evidence = tuple(piece(EvidenceKind.LOGS, n) for n in range(100))
    state = incident(evidence=evidence)
    assert len(next_calls(state)) <= MOST_PER_ROUND
    assert all(len(call.arguments["evidence"]) <= 50 for call in next_calls(state) if call.reads)


def test_the_plan_follows_from_the_state_alone() -> None:
    state = diagnosed(_all_kinds(), suspect(), accepted=False)
    later = state.model_copy(update={"opened_at": NOW + timedelta(days=1)})

    assert next_calls(state) == next_calls(state) == next_calls(later)
    assert next_calls(IncidentState.model_validate_json(state.model_dump_json())) == next_calls(state)


def test_every_fault_with_a_metric_of_its_own_is_a_kind_of_fault() -> None:
    assert FaultKind.UNKNOWN not in REFUTING_METRICS
    assert len(REFUTING_METRICS) >= 10
