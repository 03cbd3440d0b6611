"""Checks of an installation: what is filled in, which are made, and what their answers say."""

from __future__ import annotations

from typing import Any

import pytest

from domain.model import JsonValue
from domain.troubleshooting.answers import CheckAnswer, read_answer
from domain.troubleshooting.budget import Budget
from domain.troubleshooting.checking import MOST_CHECKS, check_calls
from domain.troubleshooting.checks import Check, fault_of
from domain.troubleshooting.evidence import Findings, Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.planning import MOST_PER_ROUND, next_calls
from domain.troubleshooting.state import IncidentState
from integrations.evidence.logs.meaning import sign_of
from tests.unit.troubleshooting.incidents import DEPLOYMENT, NOW, diagnosed, incident, suspect

HOSTILE = [
    "; rm -rf /", "$(id)", "`id`", "' or 1=1 --", 'a" or "1"="1', "a\nb", "a\x00b", "-rf", "..", "a..b", "a/../b",
    "ch\u0435ckout", "\u202echeckout", "check\u200bout", "a b", "{host}", "${ .secret }", "%s", "x" * 10_000, "", ".",
]  # fmt: skip
POOL, DATA, DISK = FaultKind.CONNECTION_POOL, FaultKind.DATA, FaultKind.DISK_FULL


def check(**more: Any) -> Check:
    data: dict[str, Any] = {
        "name": "disk-use",
        "title": "Disk use of {service}",
        "tells": ["disk_full"],
        "capability": "command.run",
        "arguments": {"command": "disk-use", "arguments": {"host": "{service}"}},
        "reads": {"value": ".output | tonumber", "bad": "> 90", "sign": "disk", "unit": "%"},
        **more,
    }
    made = Check.model_validate(data)
    assert fault_of(made) is None, fault_of(made)
    return made


def telling(name: str, *faults: FaultKind, **more: Any) -> Check:
    reads = {"value": ".n", "bad": "> 0", "sign": "pool_exhausted"} if POOL in faults else None
    reads = reads or {"value": ".n", "bad": "> 0", "sign": {DATA: "data", DISK: "disk"}[faults[0]]}
    arguments = {"name": name, "service": "{service}"}
    return check(name=name, tells=faults, capability="any.look", arguments=arguments, reads=reads, **more)


def two_that_fit(service: str = "checkout", **more: Any) -> IncidentState:
    state = diagnosed(
        incident(), suspect(service, POOL, 0.4, **more), suspect(service, DATA, 0.38, **more), accepted=False
    )
    for name, call in (("topology.read", 1), ("knowledge.search", 2)):
        state.record_call(name, {"n": call}, NOW, why="-", outcome="-")
    return state


def names(state: IncidentState, *checks: Check) -> list[JsonValue]:
    return [call.arguments["name"] for call in check_calls(state, checks)]


def read(made: Check, output: JsonValue, service: str = "orders-db") -> CheckAnswer:
    asked = made.asked(service)
    assert asked is not None
    return read_answer(asked, output, sign_of, source="command.look")


# What is filled in


@pytest.mark.parametrize("placeholder", ["service", "change_id", "host", "onset"])
@pytest.mark.parametrize("value", HOSTILE)
def test_only_a_plain_name_is_filled_in_and_else_the_check_is_not_made(placeholder: str, value: str) -> None:
    made = check(arguments={"command": "c", "arguments": {"a": f"{{{placeholder}}}", "b": "{service}"}})
    assert made.filled({"service": "checkout", placeholder: value}) is None


def test_what_is_filled_in_is_filled_in_once_and_nowhere_else() -> None:
    made = check(
        capability="database.query",
        arguments={
            "database": "d",
            "sql": "SELECT 1 WHERE :service = 'a'",
            "parameters": {"service": "{service}", "since": "{onset}", "all": ["{change_id}", 7]},
        },
    )
    known = {"service": "orders-db.eu", "onset": "2026-03-02T14:05:00Z", "change_id": "CHG-7"}
    assert made.filled(known) == {
        "database": "d",
        "sql": "SELECT 1 WHERE :service = 'a'",
        "parameters": {"service": "orders-db.eu", "since": "2026-03-02T14:05:00Z", "all": ["CHG-7", 7]},
    }


@pytest.mark.parametrize("value", HOSTILE)
def test_a_hypothesis_about_an_odd_name_plans_no_check(value: str) -> None:
    state = diagnosed(incident(), suspect(value or "x y", POOL, 0.4), accepted=False)
    assert list(check_calls(state, (telling("a", POOL),))) == []
    odd_change = DEPLOYMENT.model_copy(update={"change_id": value})
    by_change = check(arguments={"command": "c", "arguments": {"change": "{change_id}", "s": "{service}"}})
    state = diagnosed(incident(), suspect("checkout", DISK, 0.4, change=odd_change), accepted=False)
    assert list(check_calls(state, (by_change,))) == []


def test_a_name_that_only_a_line_of_a_log_gives_reaches_no_check() -> None:
    state = diagnosed(incident(), suspect("evil-host", POOL, 0.5), accepted=False)
    made = telling("a", POOL)
    log = state.record_call("logs.analyse", {}, NOW, why="-", outcome="-")
    state.observe(log, Findings(services=("evil-host",)))
    assert list(check_calls(state, (made,))) == []
    table = state.record_call("metrics.analyse", {}, NOW, why="-", outcome="-")
    state.observe(table, Findings(services=("evil-host",)))
    assert len(list(check_calls(state, (made,)))) == 1


def test_the_host_is_that_of_the_services_own_address() -> None:
    certificate = check(
        name="days",
        tells=["certificate"],
        capability="health.probe",
        arguments={"url": "tls://{host}:443", "service": "{service}"},
        reads=None,
    )
    state = diagnosed(incident(), suspect("checkout", FaultKind.CERTIFICATE, 0.4), accepted=False)
    (call,) = check_calls(state, (certificate,))
    assert call.arguments == {"url": "tls://checkout.example:443", "service": "checkout"}
    assert call.check is None
    state = diagnosed(incident(), suspect("gateway", FaultKind.CERTIFICATE, 0.4), accepted=False)
    assert list(check_calls(state, (certificate,))) == []


# Which are made


def test_the_check_that_parts_the_leading_causes_comes_before_one_that_fits_both_or_few() -> None:
    state = two_that_fit()
    both = check(
        name="both", tells=[POOL, DATA], capability="any.look", arguments={"name": "both", "service": "{service}"},
        reads={"value": ".n", "bad": "> 0", "sign": "latency"},
    )  # fmt: skip
    assert names(state, both, telling("data", DATA), telling("pool", POOL), telling("disk", DISK)) == [
        "pool",
        "data",
        "both",
    ]
    (pool, *_) = check_calls(state, (telling("pool", POOL),))
    assert pool.tells_apart == ("checkout/connection_pool",)
    assert pool.why == "Disk use of checkout (check pool)"


def test_a_check_is_made_of_the_services_it_is_meant_for() -> None:
    state = two_that_fit()
    assert names(state, telling("a", POOL, services=["*-db"]), telling("b", POOL, services=["check*"])) == ["b"]
    elsewhere = telling("c", POOL).model_copy(update={"services": ("orders",)})
    assert names(state, elsewhere) == []


def test_no_check_is_made_twice_and_none_without_a_budget_in_a_round() -> None:
    state = two_that_fit()
    many = [telling(f"check-{number}", POOL) for number in range(20)]
    planned = [call for call in next_calls(state, many) if call.capability == "any.look"]
    assert len(planned) == MOST_CHECKS < MOST_PER_ROUND
    for call in planned:
        state.record_call(call.capability, call.arguments, NOW, why=call.why, outcome="-", ok=False)
    again = [call.arguments["name"] for call in next_calls(state, many) if call.capability == "any.look"]
    assert not {call.arguments["name"] for call in planned} & set(again)
    assert Budget().tool_calls >= len(planned)


def test_an_accepted_cause_is_looked_at_before_anything_is_done_about_it() -> None:
    state = diagnosed(incident(), suspect("checkout", POOL, 0.9), suspect("checkout", DATA, 0.05))
    assert names(state, telling("data", DATA), telling("pool", POOL)) == ["pool"]


# What their answers say


@pytest.mark.parametrize(
    ("reads", "output", "value", "good"),
    [
        ({"value": ".output | tonumber"}, {"output": "93"}, 93, False),
        ({"value": ".output | tonumber"}, {"output": "12"}, 12, True),
        ({"value": '[.output | scan("(\\\\d+)%") | .[0]]'}, {"output": "/ 40%\n/var 97%\n"}, 97, False),
        ({"value": ".output | tonumber", "bad": "< 7"}, {"output": "3"}, 3, False),
        ({"column": "used"}, {"rows": [{"used": 4}, {"used": "91.5"}, {"used": None}]}, 91.5, False),
        ({"column": "used", "bad": "< 10"}, {"rows": [{"used": 44}, {"used": 11}]}, 11, True),
        ({"column": "used", "bad": "== 0"}, {"rows": [{"used": 1}, {"used": 0}]}, 0, False),
        ({"value": ".ok", "bad": "!= 1"}, {"ok": True}, 1, True),
    ],
)
def test_a_number_is_compared_and_the_worst_counts(
    reads: dict[str, Any], output: JsonValue, value: float, good: bool
) -> None:
    given = {"bad": "> 90", "sign": "disk", **reads}
    answer = read(check(reads=given), output)
    assert (answer.value, answer.good, answer.problem) == (value, good, "")
    (said,) = answer.findings.denied if good else answer.findings.findings
    assert (said.sign, said.service, said.source) == (Sign.DISK, "orders-db", "check:disk-use command.look")
    assert not (answer.findings.findings if good else answer.findings.denied)
    assert said.text == f"Disk use of orders-db: {value:g} (bad when {given['bad']})."


@pytest.mark.parametrize(
    "output",
    [None, [], {}, {"output": None}, {"output": "none"}, {"output": [1]}, {"output": "nan"}, "93"],
)
def test_an_answer_that_is_not_as_expected_says_nothing(output: JsonValue) -> None:
    answer = read(check(), output)
    assert answer.good is None
    assert answer.findings == Findings()
    assert answer.problem.endswith("correct it.") or answer.problem.endswith("correct its `reads`.")


def test_a_good_value_may_be_worth_nothing() -> None:
    answer = read(check(reads={"value": ".n", "bad": "> 0", "sign": "disk", "against": 0}), {"n": 0})
    assert answer.good is True
    assert not answer.findings.denied


def test_lines_are_judged_by_their_words_as_those_of_logs() -> None:
    made = check(reads={"lines": True, "strength": 0.7})
    text = "all fine\n2026-03-02 kernel: EXT4-fs: No space left on device, mail to lena@example.com\nNo space left\n"
    answer = read(made, {"output": text})
    (found,) = answer.findings.findings
    assert (found.sign, found.strength, found.numbers) == (Sign.DISK, 0.7, {"count": 2.0})
    assert "lena@example.com" not in found.text
    assert read(made, {"output": "all fine\n"}).good is True
    only = check(reads={"lines": True, "sign": "disk"})
    assert read(only, {"output": "x509: certificate has expired"}).findings.denied[0].sign is Sign.DISK
    assert read(made, {"rows": []}).good is None


def test_an_answer_of_any_size_is_read_within_bounds() -> None:
    made = check(reads={"lines": True})
    assert read(made, {"output": "No space left on device\n" * 50_000}).findings.findings[0].numbers["count"] <= 2_000
    assert read(check(reads={"column": "n", "bad": "> 0", "sign": "disk"}), {"rows": [{"n": 1}] * 50_000}).good is False
