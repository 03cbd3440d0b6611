"""What changed is found: which service, what it means, whom it blames, and from which minute on."""

from __future__ import annotations

import json
import random
from datetime import timedelta

import pytest

from domain.troubleshooting.evidence import MOST_FINDINGS, Sign
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse
from tests.unit.evidence.logs.made import BEGIN, at, first, look, repeated, text_of, work

SERVICES = ("checkout", "payments", "inventory")


def test_nothing_stands_out_where_nothing_happened(tmp_path) -> None:
    for seed in range(8):
        lines = work(seed=seed, minutes=120) + work("inventory", seed=seed + 50, minutes=120)
        findings = look(tmp_path, text_of(lines))
        assert [finding for finding in findings.findings if finding.strength >= 0.35] == []


def test_a_new_error_is_found_with_its_minute_its_service_and_whom_it_blames(tmp_path) -> None:
    lines = work() + work("inventory", seed=2) + repeated("calling payments timed out after 3000ms", 40, 60)
    findings = look(tmp_path, text_of(lines), services=SERVICES)
    finding = findings.findings[0]
    assert (finding.sign, finding.service, finding.about) == (Sign.TIMEOUT, "checkout", "payments")
    assert abs(finding.at - at(40)) < timedelta(minutes=1)
    assert finding.strength > 0.85
    assert finding.numbers["count"] == 60
    assert finding.numbers["before"] == 0
    assert finding.source.startswith("logs.analyse all.log lines ")
    assert ("checkout", "payments") in findings.calls


def test_a_service_is_found_by_its_host_name_its_pod_and_its_own_spelling(tmp_path) -> None:
    for spelling in (
        "payments.shop.svc.cluster.local:8080",
        "payments-service",
        "payments-7d9f8b6c5-x2x4z",
        "PAYMENTS",
    ):
        lines = work() + repeated(f"no response from {spelling} within 3s", 40, 60)
        assert look(tmp_path, text_of(lines), services=SERVICES).findings[0].about == "payments"


def test_the_same_failure_towards_two_services_is_two_findings(tmp_path) -> None:
    lines = work() + repeated("calling payments timed out after 3000ms", 40, 60)
    lines += repeated("calling inventory timed out after 3000ms", 45, 60)
    findings = look(tmp_path, text_of(lines), services=SERVICES)
    assert {finding.about for finding in findings.findings if finding.sign is Sign.TIMEOUT} == {"payments", "inventory"}


def test_an_error_that_was_always_there_and_now_comes_more_often_is_a_rise(tmp_path) -> None:
    always = repeated("could not parse the reply of the bank", 0, 60, per_minute=1)
    lines = work() + always + repeated("could not parse the reply of the bank", 30, 60, per_minute=9)
    finding = look(tmp_path, text_of(lines)).findings[0]
    assert (finding.sign, finding.service) == (Sign.ERRORS, "checkout")
    assert finding.numbers["ratio"] == pytest.approx(10, rel=0.1)
    assert abs(finding.at - at(30)) <= timedelta(minutes=1)


def test_errors_that_rise_with_the_traffic_are_weaker_than_those_that_do_not(tmp_path) -> None:
    always = repeated("could not parse the reply", 0, 60, per_minute=2)
    more = repeated("could not parse the reply", 30, 60, per_minute=6)
    busy = work(per_minute=6) + [line for line in work(per_minute=20, seed=3) if line[0] >= at(30)]
    with_traffic = look(tmp_path, text_of(busy + always + more))
    alone = look(tmp_path, text_of(work() + always + more))
    assert first(with_traffic, Sign.ERRORS).strength < first(alone, Sign.ERRORS).strength
    assert first(with_traffic, Sign.TRAFFIC).numbers["ratio"] > 3


def test_an_end_of_the_errors_is_seen(tmp_path) -> None:
    lines = work() + repeated("connect ECONNREFUSED redis:6379", 20, 30)
    finding = look(tmp_path, text_of(lines)).findings[0]
    assert (finding.sign, finding.about) == (Sign.UNREACHABLE, "redis")
    assert abs(finding.until - at(30)) <= timedelta(minutes=1)


def test_slower_calls_are_found_by_the_times_in_the_lines(tmp_path) -> None:
    pick = random.Random(4)
    calls = [
        (
            at(m + pick.random()),
            "INFO",
            "checkout",
            f"call to inventory took {round(pick.lognormvariate(4, 0.4) * k)}ms",
        )
        for m in range(60)
        for k in [1 if m < 35 else 5] * 5
    ]
    finding = first(look(tmp_path, text_of(work() + calls), services=SERVICES), Sign.LATENCY)
    assert (finding.service, finding.about) == ("checkout", "inventory")
    assert abs(finding.at - at(35)) <= timedelta(minutes=1)
    assert finding.numbers["ratio"] == pytest.approx(5, rel=0.3)


def test_a_time_in_a_field_counts_too(tmp_path) -> None:
    rows = [
        json.dumps({"ts": at(m).isoformat(), "level": "info", "service": "search", "msg": "done", "duration_ms": d})
        for m in range(60)
        for d in ([10, 12, 11] if m < 30 else [90, 80, 95])
    ]
    finding = first(look(tmp_path, "\n".join(rows)), Sign.LATENCY)
    assert (finding.service, finding.at) == ("search", at(30))


def test_a_service_that_falls_silent_is_found_and_one_whose_log_is_sparse_is_not(tmp_path) -> None:
    silent = [line for line in work("inventory", seed=2) if line[0] < at(42)]
    sparse = repeated("cleaned up", 0, 60, per_minute=1, level="INFO", service="janitor")[::20]
    findings = look(tmp_path, text_of(work() + silent + sparse))
    told = [finding for finding in findings.findings if finding.numbers.get("silent")]
    assert [(finding.service, finding.about) for finding in told] == [("inventory", "inventory")]
    assert told[0].at == at(42)
    assert told[0].sign is Sign.UNREACHABLE


def test_a_file_that_ends_before_the_others_is_no_proof_of_silence(tmp_path) -> None:
    names = ("checkout.log", "inventory.log")
    (tmp_path / names[0]).write_text(text_of(work()))
    (tmp_path / names[1]).write_text(text_of(line for line in work("inventory", seed=2) if line[0] < at(42)))
    files = tuple(LogFile(path=tmp_path / name, name=name) for name in names)
    (told,) = [one for one in analyse(LogQuestion(files=files)).findings if one.numbers.get("silent")]
    assert told.strength <= 0.5


def test_one_line_that_tells_all_is_a_finding_even_though_it_is_one(tmp_path) -> None:
    lines = [*work(), (at(50), "FATAL", "checkout", "java.lang.OutOfMemoryError: Java heap space")]
    finding = first(look(tmp_path, text_of(lines)), Sign.MEMORY)
    assert (finding.service, finding.at) == ("checkout", at(50))
    assert finding.strength >= 0.35


def test_an_information_that_speaks_of_errors_is_none(tmp_path) -> None:
    lines = work() + repeated("0 errors found, timeout is 30s", 30, 60, level="INFO")
    assert [one for one in look(tmp_path, text_of(lines)).findings if one.sign is Sign.TIMEOUT] == []


def test_a_service_that_starts_again_and_again_crashes(tmp_path) -> None:
    starts = [(at(30 + 2 * n), "INFO", "inventory", "Starting inventory v2.0.1") for n in range(6)]
    finding = first(look(tmp_path, text_of(work() + work("inventory", seed=2) + starts)), Sign.CRASH)
    assert (finding.service, finding.at, finding.numbers["count"]) == ("inventory", at(30), 6)


def test_a_start_with_another_version_is_a_deployment_and_a_web_servers_own_version_is_none(tmp_path) -> None:
    lines = [
        *work(),
        (at(1), "INFO", "checkout", "Starting checkout v4.1.9"),
        (at(1.1), "INFO", "checkout", "Starting gunicorn 23.0.0"),
        (at(30), "INFO", "checkout", "Starting checkout v4.2.0"),
        (at(30.5), "INFO", "checkout", "Starting checkout v4.2.0"),
        (at(40), "INFO", "checkout", "configuration reloaded from config.yaml"),
        (at(45), "INFO", "checkout", "feature flag fast_checkout enabled"),
    ]
    changes = look(tmp_path, text_of(lines)).changes
    assert [(one.kind, one.version, one.before) for one in changes] == [
        ("deployment", "v4.1.9", None),
        ("deployment", "v4.2.0", "v4.1.9"),
        ("configuration", None, None),
        ("feature_flag", None, None),
    ]
    assert [one.at for one in changes] == [at(1), at(30), at(40), at(45)]


def test_a_start_after_a_crash_is_no_deployment(tmp_path) -> None:
    lines = (
        work() + repeated("killed: out of memory", 30, 31) + [(at(31), "INFO", "checkout", "Starting checkout v4.2.0")]
    )
    assert look(tmp_path, text_of(lines)).changes == ()


def test_no_service_shouts_the_others_down(tmp_path) -> None:
    lines = work() + repeated("x509: certificate has expired", 50, 60, per_minute=1, service="payments")
    for word in range(80):
        name = "".join(chr(97 + int(digit)) for digit in f"{word:03}")
        lines += repeated(f"{name} {name[::-1]} {name}x failed for {name}y", 40, 60)
    findings = look(tmp_path, text_of(lines))
    assert len(findings.findings) == MOST_FINDINGS
    assert findings.left_out > 0
    assert first(findings, Sign.CERTIFICATE).service == "payments"


def test_what_is_far_from_the_incident_weighs_less(tmp_path) -> None:
    lines = work() + repeated("connect ECONNREFUSED redis:6379", 20, 30)
    near = look(tmp_path, text_of(lines), around=at(25))
    far = look(tmp_path, text_of(lines), around=BEGIN + timedelta(days=2))
    assert far.findings[0].strength < near.findings[0].strength


def test_days_of_logs_are_counted_in_wider_steps_instead_of_more_memory(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("integrations.evidence.logs.book._MOST_CELLS", 100)
    lines = work(minutes=120) + repeated("calling payments timed out after 3000ms", 100, 120)
    findings = look(tmp_path, text_of(lines), services=SERVICES)
    assert findings.details["counted_per_seconds"] > 60
    assert abs(first(findings, Sign.TIMEOUT).at - at(100)) <= timedelta(minutes=2)


def test_a_file_that_begins_within_a_minute_tells_of_no_rush(tmp_path) -> None:
    # Much is written every minute, and the file holds only the last seconds of the first one.
    lines = [line for line in work(per_minute=200) if line[0] >= at(0) + timedelta(seconds=50)]
    found = look(tmp_path, text_of(lines))
    assert Sign.TRAFFIC not in {finding.sign for finding in found.findings}
