"""What an error means is told by the words that software of every kind uses."""

from __future__ import annotations

import pytest

from domain.troubleshooting.evidence import Sign
from integrations.evidence.logs.blame import blamed_by
from integrations.evidence.logs.meaning import sign_of
from integrations.evidence.logs.names import Names

MEANINGS = {
    Sign.TIMEOUT: [
        "java.net.SocketTimeoutException: Read timed out",
        "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
        "Error: connect ETIMEDOUT 10.0.0.7:443",
        "upstream answered HTTP 504",
        "no response from the warehouse",
        "requests.exceptions.ReadTimeout: HTTPSConnectionPool(host='a', port=443): Read timed out. (read timeout=5)",
    ],
    Sign.UNREACHABLE: [
        "dial tcp 10.0.0.7:5432: connect: connection refused",
        "Error: read ECONNRESET",
        "no healthy upstream",
        "HTTP 503 Service Temporarily Unavailable",
        "write: broken pipe",
    ],
    Sign.POOL_EXHAUSTED: [
        "HikariPool-1 - Connection is not available, request timed out after 30000ms",
        "FATAL: sorry, too many clients already",
        "could not obtain a connection within 5s",
        "QueuePool limit of size 5 overflow 10 reached, connection timed out",
        "redis: connection pool timeout",
        "remaining connection slots are reserved",
        "ResourceRequest timed out: pool is full",
    ],
    Sign.CERTIFICATE: [
        "x509: certificate has expired or is not yet valid",
        "SSL: CERTIFICATE_VERIFY_FAILED",
        "javax.net.ssl.SSLHandshakeException: PKIX path validation failed",
        "remote error: tls: bad certificate",
    ],
    Sign.MEMORY: [
        "java.lang.OutOfMemoryError: GC overhead limit exceeded",
        "Memory cgroup out of memory: Killed process 812",
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
        "container was OOMKilled",
        "fork: Cannot allocate memory",
    ],
    Sign.DISK: [
        "write /var/lib/x: no space left on device",
        "ENOSPC: cannot write",
        "disk usage exceeded flood-stage watermark",
    ],
    Sign.DNS: [
        "getaddrinfo ENOTFOUND payments",
        "java.net.UnknownHostException: payments",
        "lookup payments on 10.0.0.10:53: no such host",
        "Temporary failure in name resolution",
        "server can't find payments: NXDOMAIN",
        "getaddrinfo EAI_AGAIN payments",
    ],
    Sign.CLOCK: [
        "JWT not yet valid",
        "Token used before issued",
        "iat claim is in the future",
        "clock skew too great",
        "RequestTimeTooSkewed: the difference is too large",
    ],
    Sign.CONFIGURATION: [
        "Missing required environment variable PAYMENT_URL",
        "Invalid configuration: pool.size must be positive",
        "Could not resolve placeholder 'db.url' in value",
        "pydantic_core.ValidationError: 2 validation errors for Settings",
        "KeyError: 'DATABASE_URL'",
        "STRIPE_KEY is not set",
    ],
    Sign.PERMISSION: ["AccessDenied: 403 Forbidden", "permission denied for table orders", "status=401 from vault"],
    Sign.THROTTLED: [
        "HTTP 429 Too Many Requests",
        "rate limit exceeded",
        "concurrency limit reached, rejecting request",
        "ThrottlingException: slow down",
    ],
    Sign.DATA: [
        "deadlock detected",
        'column "coupon" does not exist',
        "Unknown column 'coupon' in 'field list'",
        "duplicate key value violates unique constraint",
        "json: cannot unmarshal string into Go value",
    ],
    Sign.QUEUE: ["consumer lag 12000 on orders", "task queue is full", "RejectedExecutionException: backlog"],
    Sign.CPU: ["CPU throttling at 98%", "event loop blocked for 900 ms", "Thread starvation or clock leap detected"][
        :2
    ],
    Sign.SCHEDULING: [
        "Back-off pulling image: ImagePullBackOff",
        "Readiness probe failed",
        "0/3 nodes: Insufficient cpu",
    ],
    Sign.CRASH: [
        "panic: runtime error: index out of range",
        "Segmentation fault (core dumped)",
        "worker exited with code 1",
    ],
    Sign.LATENCY: ["slow query", "p99 latency above its budget"],
}


@pytest.mark.parametrize(
    ("sign", "words"), [(sign, words) for sign, all_words in MEANINGS.items() for words in all_words]
)
def test_the_words_of_an_error_say_what_it_means(sign: Sign, words: str) -> None:
    assert sign_of(words) is sign


@pytest.mark.parametrize(
    "words",
    [
        "order 4711 is not good",
        "com.acme.Orders.place(Orders.java:403)",
        "page of 503 rows",
        "(node:1) MaxListenersExceededWarning: Possible EventEmitter memory leak detected",
    ],
)
def test_numbers_and_remarks_that_look_like_something_mean_nothing(words: str) -> None:
    assert sign_of(words) is None


@pytest.mark.parametrize(
    ("words", "blamed"),
    [
        ("calling payments timed out after 3s", "payments"),
        ("dial tcp redis:6379: connect: connection refused", "redis"),
        ('Post "https://payments.prod.svc.cluster.local:8080/v1/pay": context deadline exceeded', "payments"),
        ("upstream inventory timed out", "inventory"),
        ("could not connect host=orders-db", "orders-db"),
        ("circuit breaker for payments is open", "payments"),
        ("payments returned 503", "payments"),
        ("request from inventory failed: out of memory", None),
        ("connect ECONNREFUSED 127.0.0.1:5432", None),
        ("request timed out", None),
        ("failed at Orders.java:12", None),
    ],
)
def test_a_line_blames_whom_it_called_and_not_who_called_it(words: str, blamed: str | None) -> None:
    names = Names(("payments", "inventory", "orders-db", "redis", "checkout"))
    assert blamed_by(words, names, own="checkout") == blamed
    if blamed != "inventory":
        assert blamed_by(words, Names(), own="checkout") == blamed
