"""By what people see whether a fix worked, and why by that."""

from __future__ import annotations

from typing import Any

import pytest

from domain.troubleshooting.checks import Check
from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.fixing.solution import propose
from domain.troubleshooting.incident import MeasureKind, Success
from domain.troubleshooting.planning import next_calls
from tests.unit.troubleshooting.incidents import DEPLOYMENT, diagnosed, errors, found, incident, suspect

QUERY = '{__name__="service:error_ratio:rate5m",service="checkout"}'
ON_SERVER = {"metric": "service:error_ratio:rate5m", "query": QUERY, "source": "metrics.watch prometheus e"}
ALL_TOOLS = ("any.look", "health.probe", "metrics.query", "metrics.watch")


def _success(*findings: Any, can: tuple[str, ...] | None = ALL_TOOLS, checks: tuple[Check, ...] = ()) -> Success:
    cause = suspect(change=DEPLOYMENT, posterior=0.9)
    state = diagnosed(found(incident(), *findings), cause)
    state.capabilities = can
    solution = propose(state, cause, {}, checks)
    assert solution is not None
    return solution.success


def _check(service: str = "checkout") -> tuple[Check, Finding]:
    data = {
        "name": "failures",
        "title": "Failed orders of {service}",
        "tells": ["bad_deployment"],
        "capability": "any.look",
        "arguments": {"service": "{service}"},
        "reads": {"value": ".n", "bad": "> 5", "sign": "errors"},
    }
    shown = errors(service, source="check:failures any.look", numbers={"value": 40}, strength=0.9)
    return Check.model_validate(data), shown


def test_the_metric_that_proved_it_is_held_to_its_level_before_the_onset() -> None:
    success = _success(errors(), errors(before=0.002, after=0.182, **ON_SERVER))
    assert (success.kind, success.query, success.at_most) == (MeasureKind.METRIC, QUERY, True)
    assert success.threshold == pytest.approx(0.038)
    assert success.sentence == (
        "The metric service:error_ratio:rate5m of checkout is at most 0.038 and stays there for 30 minutes (before: "
        "0.002, during the incident: 0.182); it is the metric that proved the trouble, asked for at the same metrics "
        "server."
    )
    fell = _success(errors(before=1.0, after=0.0, **ON_SERVER))
    assert (fell.threshold, fell.at_most, fell.is_met(0.9), fell.is_met(0.5)) == (0.8, False, True, False)


def test_a_metric_that_proves_another_fault_or_that_nobody_can_ask_is_no_measure() -> None:
    other = errors(sign=Sign.CERTIFICATE, before=1, after=2, **ON_SERVER)
    assert _success(errors(), other).kind is MeasureKind.HEALTH
    proving = errors(before=0.002, after=0.182, **ON_SERVER)
    assert _success(proving, can=("health.probe",)).kind is MeasureKind.HEALTH
    assert _success(errors(before=3, after=3, **ON_SERVER)).kind is MeasureKind.HEALTH


def test_the_check_that_showed_it_is_made_again() -> None:
    check, shown = _check()
    success = _success(errors(), shown, checks=(check,))
    assert success.kind is MeasureKind.CHECK
    assert success.check is not None
    assert (success.check.capability, success.check.arguments) == ("any.look", {"service": "checkout"})
    assert success.sentence == (
        "Failed orders of checkout: it is no longer > 5 and stays so for 30 minutes (during the incident: 40); it is "
        "the check failures, which showed the fault."
    )


def test_a_check_is_no_measure_where_it_is_gone_spoke_of_another_or_has_no_tool() -> None:
    check, shown = _check()
    assert _success(shown).kind is MeasureKind.HEALTH
    assert _success(_check("gateway")[1], checks=(check,)).kind is MeasureKind.HEALTH
    assert _success(shown, can=("health.probe",), checks=(check,)).kind is MeasureKind.HEALTH


def test_a_plain_metric_goes_before_a_check_and_a_hint_of_one_behind() -> None:
    check, shown = _check()
    plain = errors(before=0.002, after=0.182, **ON_SERVER)
    assert _success(plain, shown, checks=(check,)).kind is MeasureKind.METRIC
    assert _success(plain.model_copy(update={"strength": 0.3}), shown, checks=(check,)).kind is MeasureKind.CHECK


def test_where_no_tool_can_tell_people_are_told_so() -> None:
    success = _success(errors(), can=("logs.analyse",))
    assert (success.kind, success.query, success.health_url, success.threshold) == (MeasureKind.PEOPLE, "", None, None)
    assert success.sentence == (
        "No tool here can tell, so people look at it for 30 minutes: errors per minute of checkout: at most 25.6 "
        "(before: 2, during the incident: 120)."
    )
    assert not success.is_met(0)


def test_the_metrics_of_the_house_are_said_to_be_that() -> None:
    cause = suspect("db", posterior=0.9)
    state = diagnosed(found(incident(), errors("db")), cause)
    state.capabilities = ALL_TOOLS
    success = propose(state, cause, {}).success  # type: ignore[union-attr]
    assert success.kind is MeasureKind.HOUSE
    assert "as the shipped playbooks take for well" in success.sentence


def test_the_metric_of_a_file_is_looked_for_at_the_server_once_there_is_a_cause() -> None:
    cause = suspect(change=DEPLOYMENT, posterior=0.9)
    uploaded = errors(metric="error_ratio", source="metrics.analyse m.csv checkout.error_ratio")
    state = diagnosed(found(incident(), errors(), uploaded), cause)
    state.capabilities = ALL_TOOLS
    (call,) = [one for one in next_calls(state) if one.capability == "metrics.watch"]
    assert (call.arguments["service"], call.arguments["metric"]) == ("checkout", "error_ratio")
    state.capabilities = ("metrics.watch",)
    assert not [one for one in next_calls(state) if one.capability == "metrics.watch"]
