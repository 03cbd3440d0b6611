"""One cause at a time, as an engineer would see it: the diagnosis names the service, the fault and the change."""

from __future__ import annotations

import pytest

from domain.troubleshooting.evidence import Change, Finding
from domain.troubleshooting.reasoning.diagnosis import diagnose
from tests.unit.troubleshooting.situation import changed, known, ranking, saw

Case = tuple[str, tuple[Finding, ...], tuple[Change, ...], str]

CASES: list[Case] = [
    (
        "a release that throws at once, its callers see errors",
        (
            saw("payments", "new_error", 0, strength=0.9),
            saw("payments", "errors", 0.5, source="metrics.analyse"),
            saw("checkout", "errors", 1, about="payments", strength=0.7),
            saw("web", "errors", 2, strength=0.5),
        ),
        (changed("payments", -3), changed("mailer", -40)),
        "payments/bad_deployment/CHG-payments-3",
    ),
    (
        "a release that is only slow",
        (
            saw("catalogue", "latency", 0, strength=0.8, source="metrics.analyse"),
            saw("catalogue", "cpu", 0.5, strength=0.5, source="metrics.analyse"),
            saw("web", "timeout", 1, about="catalogue", strength=0.8),
        ),
        (changed("catalogue", -4),),
        "catalogue/bad_deployment/CHG-catalogue-4",
    ),
    (
        "a setting that is missing after a configuration change",
        (
            saw("accounts", "configuration", 0, strength=0.8),
            saw("accounts", "errors", 0, strength=0.7),
            saw("checkout", "errors", 1, about="accounts", strength=0.6),
            saw("web", "errors", 1, about="accounts", strength=0.6),
        ),
        (changed("accounts", -2, "configuration"),),
        "accounts/bad_configuration/CHG-accounts-2",
    ),
    (
        "a flag that breaks a page, without any line about settings",
        (
            saw("catalogue", "new_error", 0, strength=0.8),
            saw("catalogue", "errors", 0, strength=0.7, source="metrics.analyse"),
            saw("web", "errors", 1, about="catalogue", strength=0.6),
        ),
        (changed("catalogue", -1, "feature_flag"),),
        "catalogue/bad_configuration/CHG-catalogue-1",
    ),
    (
        "a pool that leaks since a release, with a healthy database",
        (
            saw("orders", "pool_exhausted", 0, about="orders-db", strength=0.9),
            saw("orders", "latency", -1, strength=0.6, source="metrics.analyse"),
            saw("checkout", "timeout", 1, about="orders", strength=0.7),
            saw("web", "latency", 2, strength=0.5),
        ),
        (changed("orders", -12),),
        "orders/connection_pool/CHG-orders-12",
    ),
    (
        "a pool that is too small, nothing was changed",
        (
            saw("orders", "pool_exhausted", 0, strength=0.9),
            saw("orders", "timeout", 0.5, about="orders-db", strength=0.4),
            saw("checkout", "timeout", 1, about="orders", strength=0.7),
        ),
        (changed("mailer", -200),),
        "orders/connection_pool",
    ),
    (
        "a certificate of a vendor that ran out",
        (
            saw("payments", "certificate", 0, about="acmepay", strength=0.95),
            saw("checkout", "errors", 0.5, about="payments", strength=0.8),
            saw("web", "errors", 1, strength=0.6),
        ),
        (),
        "acmepay/certificate",
    ),
    (
        "a certificate of one's own that ran out, seen by all callers",
        (
            saw("web", "certificate", 0, about="accounts", strength=0.9),
            saw("checkout", "certificate", 0, about="accounts", strength=0.9),
            saw("accounts", "errors", 1, strength=0.4),
            saw("gateway", "errors", 1, strength=0.5),
        ),
        (changed("accounts", -300),),
        "accounts/certificate",
    ),
    (
        "memory that grows for an hour after a release and kills",
        (
            saw("catalogue", "memory", -50, strength=0.7, source="metrics.analyse"),
            saw("catalogue", "crash", 0, strength=0.8),
            saw("catalogue", "memory", 0, strength=0.9),
            saw("web", "unreachable", 0.3, about="catalogue", strength=0.8),
        ),
        (changed("catalogue", -62), changed("mailer", -5)),
        "catalogue/memory_leak/CHG-catalogue-62",
    ),
    (
        "memory without any change on record",
        (
            saw("catalogue", "memory", -30, strength=0.9),
            saw("catalogue", "crash", 0, strength=0.9),
            saw("web", "errors", 0.5, about="catalogue", strength=0.6),
        ),
        (),
        "catalogue/memory_leak",
    ),
    (
        "a database that is slow and blamed by two services",
        (
            saw("orders-db", "latency", 0, strength=0.8, source="metrics.analyse"),
            saw("orders", "timeout", 0.5, about="orders-db", strength=0.8),
            saw("payments", "timeout", 0.6, about="orders-db", strength=0.8),
            saw("checkout", "latency", 1, strength=0.6),
        ),
        (changed("orders", -300),),
        "orders-db/slow_dependency",
    ),
    (
        "a slow database that uses up its callers' pools",
        (
            saw("orders-db", "latency", -1, strength=0.8, source="metrics.analyse"),
            saw("orders", "pool_exhausted", 0.5, about="orders-db", strength=0.9),
            saw("payments", "timeout", 0.6, about="orders-db", strength=0.8),
            saw("checkout", "timeout", 1, about="orders", strength=0.6),
        ),
        (),
        "orders-db/slow_dependency",
    ),
    (
        "a vendor that is slow and only named",
        (
            saw("payments", "timeout", 0, about="acmepay", strength=0.9),
            saw("payments", "latency", 0, about="acmepay", strength=0.7, source="traces.analyse"),
            saw("checkout", "timeout", 0.5, about="payments", strength=0.8),
            saw("web", "latency", 1, strength=0.5),
        ),
        (changed("catalogue", -6),),
        "acmepay/slow_dependency",
    ),
    (
        "a full disk under a database",
        (
            saw("orders-db", "disk", -8, strength=0.9),
            saw("orders-db", "errors", 0, strength=0.7),
            saw("orders", "errors", 0.4, about="orders-db", strength=0.8),
            saw("payments", "errors", 0.5, about="orders-db", strength=0.7),
        ),
        (changed("orders", -5),),
        "orders-db/disk_full",
    ),
    (
        "a surge at the entry that throttles those below",
        (
            saw("gateway", "traffic", 0, strength=0.9, source="metrics.analyse"),
            saw("web", "traffic", 0.5, strength=0.7, source="metrics.analyse"),
            saw("web", "latency", 2, strength=0.6),
            saw("catalogue", "cpu", 2, strength=0.7),
            saw("checkout", "throttled", 2, strength=0.6),
            saw("accounts", "queue", 3, strength=0.5),
        ),
        (),
        "gateway/traffic_surge",
    ),
    (
        "a clock that is wrong, so that tokens come from the future",
        (
            saw("accounts", "clock", -2, strength=0.9),
            saw("accounts", "permission", 0, strength=0.5),
            saw("web", "clock", 0, about="accounts", strength=0.7),
            saw("checkout", "permission", 0, about="accounts", strength=0.6),
        ),
        (),
        "accounts/clock_skew",
    ),
    (
        "a name that no caller can resolve any more",
        (
            saw("orders", "dns", 0, about="orders-db", strength=0.9),
            saw("payments", "dns", 0, about="orders-db", strength=0.9),
            saw("checkout", "errors", 0.5, about="orders", strength=0.7),
        ),
        (changed("orders-db", -3, "infrastructure"),),
        "orders-db/dns_failure/CHG-orders-db-3",
    ),
    (
        "a processor that is used up",
        (
            saw("catalogue", "cpu", 0, strength=0.9, source="metrics.analyse"),
            saw("catalogue", "latency", 0.5, strength=0.7, source="metrics.analyse"),
            saw("web", "timeout", 1, about="catalogue", strength=0.7),
        ),
        (),
        "catalogue/cpu_saturation",
    ),
    (
        "a process that crashes again and again",
        (
            saw("accounts", "crash", 0, strength=0.9, source="kubernetes.analyse"),
            saw("accounts", "errors", 0, strength=0.6),
            saw("web", "unreachable", 0.2, about="accounts", strength=0.8),
            saw("checkout", "unreachable", 0.4, about="accounts", strength=0.8),
        ),
        (),
        "accounts/crash_loop",
    ),
    (
        "a cache that is gone, named by its caller alone",
        (
            saw("accounts", "unreachable", 0, about="session-cache", strength=0.9),
            saw("accounts", "errors", 0.2, about="session-cache", strength=0.8),
            saw("web", "errors", 0.5, about="accounts", strength=0.7),
            saw("checkout", "errors", 0.6, about="accounts", strength=0.6),
        ),
        (),
        "session-cache/outage",
    ),
    (
        "credentials that are refused after a secret was rotated",
        (
            saw("payments", "permission", 0, strength=0.9),
            saw("payments", "errors", 0, strength=0.6),
            saw("checkout", "errors", 0.5, about="payments", strength=0.7),
        ),
        (changed("payments", -2, "secret"),),
        "payments/permission/CHG-payments-2",
    ),
    (
        "instances that cannot start: the image is not there",
        (
            saw("catalogue", "scheduling", 0, strength=0.9, source="kubernetes.analyse"),
            saw("web", "unreachable", 1, about="catalogue", strength=0.7),
        ),
        (changed("catalogue", -2),),
        "catalogue/scheduling/CHG-catalogue-2",
    ),
    (
        "a migration that locks a table",
        (
            saw("orders-db", "data", 0, strength=0.8),
            saw("orders-db", "latency", 0, strength=0.7, source="metrics.analyse"),
            saw("orders", "timeout", 0.5, about="orders-db", strength=0.8),
            saw("payments", "timeout", 0.7, about="orders-db", strength=0.7),
        ),
        (changed("orders-db", -1, "migration"),),
        "orders-db/data/CHG-orders-db-1",
    ),
    (
        "a consumer that falls behind",
        (
            saw("mailer", "queue", -4, strength=0.9, source="metrics.analyse"),
            saw("mailer", "latency", 0, strength=0.6),
        ),
        (),
        "mailer/queue_backlog",
    ),
]


@pytest.mark.parametrize(
    ("findings", "changes", "cause"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_single_cause_is_named_and_accepted(
    findings: tuple[Finding, ...], changes: tuple[Change, ...], cause: str
) -> None:
    diagnosis = diagnose(known(*findings, changes=changes))
    assert diagnosis.accepted == cause, ranking(diagnosis)
    assert diagnosis.hypotheses[0].hypothesis_id == cause
    assert diagnosis.why_not == ""
    assert diagnosis.also == (), ranking(diagnosis)
