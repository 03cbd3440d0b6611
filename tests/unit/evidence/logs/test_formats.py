"""Every common form of a line is read: when it was written, by whom, and how bad it is."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import pytest

from domain.troubleshooting.evidence import Sign
from tests.unit.evidence.logs.made import look

WHEN = datetime(2026, 3, 4, 8, 15, 6, tzinfo=UTC)
FAILURE = "calling payments timed out after 3000ms"
FORMS = {
    "ISO 8601 with Z": f"2026-03-04T08:15:06.123Z ERROR [checkout] {FAILURE}",
    "ISO 8601 with an offset": f"2026-03-04T10:15:06+02:00 ERROR checkout: {FAILURE}",
    "ISO 8601 without a zone": f"2026-03-04 08:15:06 [ERROR] checkout - {FAILURE}",
    "a comma before the milliseconds": f"2026-03-04 08:15:06,123 - checkout - ERROR - {FAILURE}",
    "Spring": f"2026-03-04T08:15:06.123Z ERROR 1 --- [checkout,4bf92f,00f067] [nio-8080-exec-12] c.Orders : {FAILURE}",
    "slashes": f"2026/03/04 08:15:06 [error] 31#31: service=checkout {FAILURE}",
    "syslog RFC 3164": f"Mar  4 08:15:06 host-7 checkout[812]: ERROR {FAILURE}",
    "syslog RFC 3164 with a priority": f"<11>Mar  4 08:15:06 host-7 checkout[812]: ERROR {FAILURE}",
    "syslog RFC 5424": f"<11>1 2026-03-04T08:15:06.003Z host-7 checkout 812 ID47 - ERROR {FAILURE}",
    "epoch seconds": f"1772612106 ERROR checkout: {FAILURE}",
    "epoch milliseconds": f"1772612106123 ERROR [checkout] {FAILURE}",
    "klog": f"E0304 08:15:06.123456    1 client.go:41] service=checkout {FAILURE}",
    "Tomcat": f"04-Mar-2026 08:15:06.123 SEVERE [checkout] {FAILURE}",
    "Apache's error log": f"[Wed Mar 04 08:15:06.123456 2026] [error] [checkout] {FAILURE}",
    "logfmt": f'time="2026-03-04T08:15:06Z" level=error service=checkout msg="{FAILURE}"',
    "a container's log": f"2026-03-04T08:15:06.123456789Z stderr F ERROR [checkout] {FAILURE}",
    "compose": f"checkout-1  | 2026-03-04T08:15:06Z ERROR {FAILURE}",
    "kubectl with prefix": f"[pod/checkout-7d9f8b6c5-x2x4z/checkout] 2026-03-04T08:15:06Z ERROR {FAILURE}",
    "JSON": json.dumps({"timestamp": "2026-03-04T08:15:06Z", "level": "error", "service": "checkout", "msg": FAILURE}),
    "JSON of bunyan": json.dumps({"time": 1772612106123, "level": 50, "name": "checkout", "msg": FAILURE}),
    "JSON with dotted names": json.dumps(
        {"@timestamp": "2026-03-04T08:15:06Z", "log.level": "ERROR", "service.name": "checkout", "message": FAILURE}
    ),
    "JSON of Kubernetes": json.dumps(
        {
            "time": "2026-03-04T08:15:06Z",
            "severity": "ERROR",
            "kubernetes": {"pod_name": "x", "labels": {"app": "checkout"}},
            "log": FAILURE,
        }
    ),
    "JSON around text": json.dumps(
        {
            "log": f"2026-03-04T08:15:06Z ERROR [checkout] {FAILURE}\n",
            "stream": "stderr",
            "time": "2026-03-04T08:15:06Z",
        }
    ),
    "JSON after a stamp": "2026-03-04T08:15:06Z "
    + json.dumps({"level": "error", "app": "checkout", "message": FAILURE}),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_line_of_each_common_form_is_read(form: str, tmp_path) -> None:
    around = datetime(2026, 3, 5, tzinfo=UTC)
    findings = look(tmp_path, FORMS[form] + "\n", services=("checkout", "payments"), around=around)
    (finding,) = findings.findings
    assert (finding.sign, finding.service, finding.about, finding.at) == (Sign.TIMEOUT, "checkout", "payments", WHEN)


@pytest.mark.parametrize("form", sorted(set(FORMS) - {"JSON of bunyan"}))
def test_a_line_says_who_wrote_it_where_nobody_knows_the_services(form: str, tmp_path) -> None:
    findings = look(tmp_path, FORMS[form] + "\n", around=datetime(2026, 3, 5, tzinfo=UTC))
    (finding,) = findings.findings
    assert (finding.service, finding.about) == ("checkout", "payments")


def test_an_access_log_tells_errors_by_their_status_and_how_long_they_took(tmp_path) -> None:
    lines = [
        f'10.0.0.{n} - - [04/Mar/2026:08:{n:02}:06 +0000] "GET /o/{n}?t=s3 HTTP/1.1" {status} 512 "-" "curl/8" {took}'
        for n in range(40)
        for status, took in [(200, 0.020) if n < 20 else (504, 5.0)] * 3
    ]
    findings = look(tmp_path, "\n".join(lines), name="gateway-access.log", service="gateway")
    finding = findings.findings[0]
    assert (finding.sign, finding.service) == (Sign.TIMEOUT, "gateway")
    assert finding.at == datetime(2026, 3, 4, 8, 20, 6, tzinfo=UTC)
    assert "s3" not in finding.text


def test_a_year_that_a_stamp_does_not_say_is_the_latest_that_is_not_in_the_future(tmp_path) -> None:
    line = "Dec 31 23:59:58 host checkout[1]: ERROR disk is full\n"
    findings = look(tmp_path, line, around=datetime(2026, 1, 1, tzinfo=UTC))
    assert findings.begins == datetime(2025, 12, 31, 23, 59, 58, tzinfo=UTC)


def test_the_name_of_the_file_says_whose_lines_they_are_when_nothing_else_does(tmp_path) -> None:
    findings = look(tmp_path, f"2026-03-04T08:15:06Z ERROR {FAILURE}\n", name="checkout-2026-03-04.log.1")
    assert findings.services == ("checkout",)


def test_lines_without_any_time_are_findings_without_a_moment(tmp_path) -> None:
    findings = look(tmp_path, f"starting\nERROR {FAILURE}\nERROR {FAILURE}\n", service="checkout")
    assert [(one.sign, one.at, one.numbers["count"]) for one in findings.findings] == [(Sign.TIMEOUT, None, 2.0)]
    assert findings.begins is None


def test_members_of_a_gzip_file_are_read_one_after_the_other(tmp_path) -> None:
    one, two = (gzip.compress(f"2026-03-04T08:{m}:06Z ERROR [checkout] {FAILURE}\n".encode()) for m in ("15", "16"))
    findings = look(tmp_path, one + two, name="all.log.gz")
    assert findings.details["lines"] == 2
    assert findings.details["notes"] == []


def test_a_gzip_file_that_ends_in_the_middle_is_read_as_far_as_it_goes(tmp_path) -> None:
    whole = gzip.compress(
        "".join(f"2026-03-04T08:15:06Z ERROR [c] {n} {hash(str(n))}\n" for n in range(9_000)).encode()
    )
    findings = look(tmp_path, whole[: len(whole) // 2], name="all.log.gz")
    assert 1_000 < findings.details["lines"] < 9_000
    assert "all.log.gz is damaged or ends in the middle" in findings.summary


def test_more_than_may_be_read_is_said_to_be_cut(tmp_path) -> None:
    content = gzip.compress(b"2026-03-04T08:15:06Z INFO [c] all is well\n" * 200_000)
    findings = look(tmp_path, content, name="all.log.gz", most_bytes=2_000_000)
    assert findings.details["bytes"] == 2_000_000
    assert "up to its first 2 MB only" in findings.summary


def test_utf_16_as_windows_writes_it_is_read(tmp_path) -> None:
    findings = look(tmp_path, f"2026-03-04T08:15:06Z ERROR [checkout] {FAILURE}\r\n".encode("utf-16"))
    assert findings.findings[0].sign is Sign.TIMEOUT
