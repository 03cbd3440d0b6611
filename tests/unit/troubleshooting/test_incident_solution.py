from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.model import JsonValue
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.fixing.remedies import STEPS, Remedy, by_hand
from domain.troubleshooting.fixing.solution import propose
from domain.troubleshooting.fixing.wishes import wishes_in
from domain.troubleshooting.hypotheses import FaultKind, Hypothesis
from domain.troubleshooting.state import IncidentState
from tests.unit.troubleshooting.incidents import DEPLOYMENT, NOW, diagnosed, errors, found, incident, suspect

CONFIGURED = DEPLOYMENT.model_copy(update={"kind": "configuration", "summary": "Pool size 20 to 1"})


def _shipped(name: str) -> JsonValue:
    path = Path(__file__).parents[3] / "playbooks" / f"{name}.yaml"
    return yaml.safe_load(path.read_text("utf-8"))["input"]["schema"]


LIBRARY: dict[str, JsonValue] = {
    name: _shipped(name) for name in ("roll-back-deployment", "configuration-rollback", "service-restart", "scale-out")
}


def _with_cause(fault: FaultKind = FaultKind.BAD_DEPLOYMENT, **more: Any) -> tuple[IncidentState, Hypothesis]:
    cause = suspect(fault=fault, posterior=0.9, **more)
    return diagnosed(found(incident(), errors()), cause), cause


def _turned_down(state: IncidentState, cause: Hypothesis, reason: str, library: dict[str, JsonValue] = LIBRARY) -> Any:
    solution = propose(state, cause, library)
    assert solution is not None
    state.propose(solution)
    state.reject(solution, reason, "p-lena", NOW)
    return propose(state, cause, library)


def test_a_bad_deployment_is_rolled_back_to_the_version_before() -> None:
    state, cause = _with_cause(change=DEPLOYMENT)

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.title == "Roll checkout back from 4.2.0 to 4.1.9"
    assert solution.playbook == "roll-back-deployment"
    assert solution.arguments == {
        "service": "checkout",
        "from_version": "4.2.0",
        "to_version": "4.1.9",
        "reason": "incident:INC-1: bad deployment CHG-7",
    }
    assert solution.undo == "The version that runs now is put back."
    assert solution.risk


@pytest.mark.parametrize(
    ("fault", "change", "playbook"),
    [
        (FaultKind.BAD_CONFIGURATION, CONFIGURED, "configuration-rollback"),
        (FaultKind.CONNECTION_POOL, CONFIGURED, "configuration-rollback"),
        (FaultKind.CONNECTION_POOL, None, "service-restart"),
        (FaultKind.MEMORY_LEAK, DEPLOYMENT, "roll-back-deployment"),
        (FaultKind.MEMORY_LEAK, None, "service-restart"),
        (FaultKind.TRAFFIC_SURGE, None, "scale-out"),
        (FaultKind.CPU_SATURATION, None, "scale-out"),
        (FaultKind.OUTAGE, None, "service-restart"),
        (FaultKind.CERTIFICATE, None, None),
        (FaultKind.DISK_FULL, None, None),
        (FaultKind.CLOCK_SKEW, None, None),
        (FaultKind.DNS_FAILURE, None, None),
    ],
)
def test_the_fix_follows_from_fault_and_change_and_fits_the_playbooks_schema(
    fault: FaultKind, change: Any, playbook: str | None
) -> None:
    state, cause = _with_cause(fault, change=change)

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.playbook == playbook
    assert bool(solution.steps) is (playbook is None)
    assert all("{" not in step for step in solution.steps)


def test_a_change_that_no_playbook_takes_back_is_taken_back_by_hand_before_anything_else() -> None:
    flag = DEPLOYMENT.model_copy(update={"kind": "feature_flag", "summary": "Turn on fast-cart"})
    state, cause = _with_cause(FaultKind.CPU_SATURATION, change=flag)

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.playbook is None
    assert solution.steps[0] == "Take back change CHG-7 (feature flag): Turn on fast-cart"


def test_without_the_right_playbook_people_do_the_right_thing_and_no_playbook_a_lesser_one() -> None:
    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)

    solution = propose(
        state, cause, {name: schema for name, schema in LIBRARY.items() if name != "roll-back-deployment"}
    )

    assert solution is not None
    assert solution.kind == "manual"
    assert "no playbook that takes back a deployment" in solution.because


def test_a_rejected_solution_is_not_proposed_again_and_its_reason_changes_the_next() -> None:
    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)
    second = _turned_down(state, cause, "No rollback now, there is a migration in it")
    assert second.kind == "restart"
    assert "Roll checkout back" in second.because

    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)
    assert _turned_down(state, cause, "Too risky. Please scale it out instead").kind == "scale"

    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)
    assert _turned_down(state, cause, "A restart would be too risky and we do it by hand").kind == "manual"


def test_what_was_turned_down_does_not_come_back_with_other_arguments() -> None:
    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)
    _turned_down(state, cause, "Something better, please")
    older = cause.model_copy(update={"change": DEPLOYMENT.model_copy(update={"before": "4.1.8"})})
    again = propose(state, older, LIBRARY)
    assert again is not None
    assert again.kind == "restart"


def test_every_solution_can_be_turned_down_and_then_nothing_is_proposed() -> None:
    state, cause = _with_cause(FaultKind.MEMORY_LEAK, change=DEPLOYMENT)
    kinds = []
    for _ in range(6):
        solution = propose(state, cause, LIBRARY)
        if solution is None:
            break
        kinds.append(solution.kind)
        assert solution.solution_id == f"S{len(kinds)}"
        state.propose(solution)
        state.reject(solution, "Something better, please", "p-lena", NOW)

    assert kinds == ["roll_back", "restart", "scale", "manual"]


def test_what_was_ruled_out_for_one_cause_is_ruled_out_for_the_next() -> None:
    state, cause = _with_cause(change=DEPLOYMENT)
    _turned_down(state, cause, "Never restart anything today")
    other = suspect("db", FaultKind.OUTAGE)

    solution = propose(state, other, LIBRARY)

    assert solution is not None
    assert solution.kind == "manual"


def test_a_configuration_that_was_changed_again_is_put_back_by_hand() -> None:
    state, cause = _with_cause(FaultKind.BAD_CONFIGURATION, change=CONFIGURED)
    later = CONFIGURED.model_copy(update={"change_id": "CHG-8", "at": NOW})
    found(state, changes=(later,))

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.playbook is None


@pytest.mark.parametrize(("before", "given"), [("3", 3), ("v3", None), ("0", None), (None, None)])
def test_a_numbered_configuration_is_named_so_that_people_approve_the_very_call(before: str | None, given: Any) -> None:
    state, cause = _with_cause(FaultKind.BAD_CONFIGURATION, change=CONFIGURED.model_copy(update={"before": before}))

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.playbook == "configuration-rollback"
    assert solution.arguments.get("to_version") == given


def test_an_unknown_fault_has_no_fix() -> None:
    state, cause = _with_cause(FaultKind.UNKNOWN)

    assert propose(state, cause, LIBRARY) is None
    assert propose(state, suspect(None, FaultKind.DNS_FAILURE), LIBRARY) is None


@pytest.mark.parametrize("name", ['x"; rm -rf /', "../../etc", "a b", "x" * 200, "${ .secret }", "{version}"])
def test_a_name_from_outside_that_is_no_name_reaches_no_playbook_and_no_query(name: str) -> None:
    state, cause = _with_cause(FaultKind.OUTAGE, service=name)

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert solution.playbook is None
    assert solution.success.query == ""
    hostile = DEPLOYMENT.model_copy(update={"before": name})
    back = propose(*_with_cause(change=hostile), LIBRARY)
    assert back is not None
    assert back.kind != Remedy.ROLL_BACK.value


def test_success_is_measured_by_what_proved_the_trouble() -> None:
    state, cause = _with_cause(change=DEPLOYMENT)

    success = propose(state, cause, LIBRARY).success  # type: ignore[union-attr]

    assert (success.before, success.during, success.proof) == (2, 120, "errors per minute of checkout")
    assert success.sentence == (
        "The health address of checkout says that it is well, and stays so for 30 minutes; errors per minute of "
        "checkout: at most 25.6 (before: 2, during the incident: 120)."
    )
    assert success.query == 'service:error_ratio:rate5m{service="checkout"}'
    assert success.threshold == 0.01
    assert success.health_url == "http://checkout.example/health"


def test_a_slow_service_is_measured_by_its_response_time_and_a_leak_for_longer() -> None:
    slow = errors(before=80, after=900, sign=Sign.LATENCY, strength=0.9)
    cause = suspect(fault=FaultKind.MEMORY_LEAK)
    state = diagnosed(found(incident(), errors(), slow), cause)

    success = propose(state, cause, LIBRARY).success  # type: ignore[union-attr]

    assert success.query == 'service:latency_seconds:p95{service="checkout"}'
    assert success.watch_minutes == 120
    assert success.proof == "latency of checkout"


def test_without_numbers_success_is_still_said_and_nothing_is_made_up() -> None:
    cause = suspect(change=DEPLOYMENT)
    state = diagnosed(incident(), cause)

    success = propose(state, cause, LIBRARY).success  # type: ignore[union-attr]

    assert (success.before, success.during, success.proof) == (None, None, "")
    assert success.sentence.endswith("for 30 minutes.")


@pytest.mark.parametrize(
    ("reason", "ruled_out", "wanted"),
    [
        ("no rollback now", {"roll_back"}, ()),
        ("Don't roll it back, restart it", {"roll_back"}, ("restart",)),
        ("restart instead of scaling", {"scale"}, ("restart",)),
        ("Rolling back is too risky", {"roll_back"}, ()),
        ("we cannot restart it before six", {"restart"}, ()),
        ("scale it out", set(), ("scale",)),
        ("Kein Neustart heute", {"restart"}, ()),
        ("Bitte neu starten", set(), ("restart",)),
        ("Sin reiniciar", {"restart"}, ()),
        ("Ask the database team first", set(), ()),
        ("", set(), ()),
        ("no " * 100_000 + "restart", set(), ()),
    ],
)
def test_the_words_of_a_rejection_are_heeded(reason: str, ruled_out: set[str], wanted: tuple[str, ...]) -> None:
    wishes = wishes_in([reason])

    assert {one.value for one in wishes.ruled_out} == ruled_out
    assert tuple(one.value for one in wishes.wanted) == wanted


def test_every_fault_has_steps_for_people() -> None:
    assert set(STEPS) == set(FaultKind)
    for fault in FaultKind:
        for step in by_hand(fault, "{secret}{0}", version="{x}", change="{y}"):
            assert step.endswith(".")


def test_what_is_proposed_is_small_whatever_the_records_say() -> None:
    long = DEPLOYMENT.model_copy(update={"kind": "other", "summary": "s" * 500, "change_id": "c" * 5_000})
    state, cause = _with_cause(change=long)

    solution = propose(state, cause, LIBRARY)

    assert solution is not None
    assert len(solution.model_dump_json()) < 4_000
