"""Stack traces are one entry, known by what was raised and where."""

from __future__ import annotations

import pytest

from domain.troubleshooting.evidence import Sign
from tests.unit.evidence.logs.made import at, look

JAVA = """java.lang.IllegalStateException: order {n}
\tat com.acme.Orders.place(Orders.java:{n})
\tat com.acme.Api.post(Api.java:88)
Caused by: java.net.SocketTimeoutException: Read timed out
\tat com.acme.PaymentsClient.charge(PaymentsClient.java:{n})
\t... 12 more"""
PYTHON = """Traceback (most recent call last):
  File "/app/orders.py", line {n}, in place
    charge(order)
  File "/app/payments_client.py", line 12, in charge
    raise TimeoutError(f"payments did not answer order {n}")
TimeoutError: payments did not answer order {n}"""
GO = """panic: context deadline exceeded

goroutine {n} [running]:
main.(*Payments).Charge(0xc000{n}, 0x1)
\t/src/payments.go:{n} +0x1d
main.main()
\t/src/main.go:14 +0x20"""
NODE = """TimeoutError: no reply from payments for {n}
    at PaymentsClient.charge (/srv/payments.js:{n}:11)
    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)"""


@pytest.mark.parametrize(
    ("trace", "where"),
    [
        (JAVA, "SocketTimeoutException at com.acme.PaymentsClient.charge"),
        (PYTHON, "TimeoutError at charge (payments_client.py)"),
        (NODE, "TimeoutError at PaymentsClient.charge"),
    ],
)
def test_a_trace_below_an_error_is_grouped_by_what_was_raised_and_where(trace: str, where: str, tmp_path) -> None:
    lines = [
        f"{at(n):%Y-%m-%dT%H:%M:%SZ} ERROR [checkout] request {n} failed\n{trace.format(n=n + 100)}" for n in range(20)
    ]
    findings = look(tmp_path, "\n".join(lines))
    (finding,) = findings.findings
    assert finding.sign is Sign.TIMEOUT
    assert finding.numbers["count"] == 20
    assert where in finding.text
    assert findings.details["entries"] == 20


@pytest.mark.parametrize("trace", [GO, PYTHON, NODE])
def test_last_words_without_a_stamp_are_an_error_and_no_part_of_what_was_said_before(trace: str, tmp_path) -> None:
    quiet = [f"{at(n):%Y-%m-%dT%H:%M:%SZ} INFO [checkout] order {n} placed" for n in range(30)]
    findings = look(tmp_path, "\n".join([*quiet, trace.format(n=7), ""]))
    (finding,) = findings.findings
    assert (finding.service, finding.at) == ("checkout", at(29))
    assert finding.sign in (Sign.TIMEOUT, Sign.CRASH)


def test_the_same_exception_from_elsewhere_is_another_finding(tmp_path) -> None:
    lines = [
        f"{at(n):%Y-%m-%dT%H:%M:%SZ} ERROR [checkout] failed\n{JAVA.format(n=n).replace('charge', name)}"
        for n in range(20)
        for name in ("charge", "refund")
    ]
    assert len(look(tmp_path, "\n".join(lines)).findings) == 2
