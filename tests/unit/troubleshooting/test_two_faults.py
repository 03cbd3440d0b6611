"""Two things break at once: neither hides the other, and neither's consequences are taken for a third."""

from __future__ import annotations

from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Topology
from tests.unit.troubleshooting.situation import SHOP, at, changed, known, ranking, saw
from tests.unit.troubleshooting.test_misleading_neighbours import grew

READ = tuple(service.name for service in SHOP.services if service.name != "acmepay")
LEAK = (
    saw("accounts", "memory", -60, strength=0.7, source="metrics.analyse"),
    saw("accounts", "memory", 0, strength=0.95),
    saw("accounts", "crash", 3, strength=0.9),
    saw("web", "unreachable", 1, about="accounts", strength=0.9),
    saw("checkout", "unreachable", 1, about="accounts", strength=0.9),
    saw("gateway", "errors", 2, strength=0.9),
)


def test_a_second_fault_holds_by_what_the_first_leaves_over() -> None:
    orders = (
        saw("orders-db", "pool_exhausted", 9, strength=0.92),
        saw("orders", "pool_exhausted", 8, about="orders-db", strength=0.95),
        saw("orders", "errors", 8, strength=0.9),
        saw("checkout", "errors", 9, about="orders", strength=0.8),
    )
    diagnosis = diagnose(known(*LEAK, *orders, observed=READ))
    assert {diagnosis.accepted, *diagnosis.also} == {"accounts/memory_leak", "orders-db/connection_pool"}, ranking(
        diagnosis
    )


def test_a_surge_elsewhere_is_no_retry_of_an_earlier_fault() -> None:
    surge = (
        grew("catalogue", 9, 4.0), grew("web", 9, 3.0),
        saw("catalogue", "throttled", 10, strength=0.9), saw("catalogue", "latency", 9, strength=0.85),
        saw("web", "throttled", 11, about="catalogue", strength=0.85),
        saw("web", "timeout", 10, about="catalogue", strength=0.9),
    )  # fmt: skip
    diagnosis = diagnose(known(*LEAK, *surge, observed=READ))
    assert {diagnosis.accepted, *diagnosis.also} == {"accounts/memory_leak", "catalogue/traffic_surge"}, ranking(
        diagnosis
    )


def test_a_few_more_requests_above_a_fault_are_retries_and_no_second_one() -> None:
    diagnosis = diagnose(known(*LEAK, grew("gateway", 2, 1.8), grew("web", 2, 1.9), observed=READ))
    assert diagnosis.accepted == "accounts/memory_leak"
    assert diagnosis.also == (), ranking(diagnosis)


def test_the_onset_is_that_of_the_first_fault_also_where_the_second_is_louder() -> None:
    quiet = (
        saw("payments", "certificate", -11, strength=0.95),
        saw("checkout", "certificate", -11, about="payments", strength=0.95),
    )
    loud = [
        saw(name, sign, 0.2, strength=0.95)
        for name in ("web", "catalogue", "gateway")
        for sign in ("errors", "latency")
    ]
    surge = [grew(name, 0, 5.0) for name in ("gateway", "web", "catalogue")]
    diagnosis = diagnose(known(*quiet, *loud, *surge, saw("catalogue", "throttled", 1, strength=0.9), observed=READ))
    assert "payments/certificate" in (diagnosis.accepted, *diagnosis.also), ranking(diagnosis)
    assert diagnosis.onset == at(-11)


def test_who_turns_clients_away_has_the_limit_and_not_its_client() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "pool_exhausted", 0, about="orders-db", strength=0.95),
            saw("orders", "errors", 0, strength=0.9),
            saw("orders-db", "pool_exhausted", 3.5, strength=0.9),
            saw("checkout", "errors", 1, about="orders", strength=0.8),
            observed=READ,
        )
    )
    assert diagnosis.accepted == "orders-db/connection_pool", ranking(diagnosis)


def test_a_name_that_its_only_caller_misses_who_reaches_another_is_accepted() -> None:
    missed = (
        saw("payments", "dns", 0, about="acmepay", strength=0.95),
        saw("payments", "dns", 1, strength=0.9),
        saw("payments", "errors", 0, strength=0.9),
    )
    diagnosis = diagnose(known(*missed, observed=READ))
    assert diagnosis.accepted == "acmepay/dns_failure", ranking(diagnosis)


def test_an_error_that_only_its_own_code_makes_needs_no_look_at_whom_it_calls() -> None:
    broken = saw("checkout", "new_error", 0, strength=0.9)
    release = (changed("checkout", -3, change_id="REL-1"),)
    seen = tuple(name for name in READ if name != "orders")
    vague = diagnose(known(broken, changes=release, observed=seen))
    assert vague.accepted is None, ranking(vague)
    own = broken.model_copy(update={"numbers": {"defect": 1.0}})
    assert diagnose(known(own, changes=release, observed=seen)).accepted == "checkout/bad_deployment/REL-1"


def test_a_change_of_who_merely_waits_is_more_likely_a_coincidence() -> None:
    slow = (
        saw("orders-db", "latency", 0, strength=0.95),
        saw("orders", "timeout", 0.5, about="orders-db", strength=0.95),
        saw("orders", "errors", 0.5, strength=0.9),
        saw("checkout", "errors", 1, about="orders", strength=0.9),
    )
    diagnosis = diagnose(known(*slow, changes=(changed("orders", -10, change_id="HERRING"),), observed=READ))
    assert diagnosis.hypotheses[0].hypothesis_id == "orders-db/slow_dependency", ranking(diagnosis)


def test_what_the_log_of_a_program_that_keeps_ending_says_once_is_why_it_ends() -> None:
    found = (
        saw("importer", "crash", None, strength=0.8, source="kubernetes.analyse"),
        saw("importer", "certificate", -3, strength=0.15),
    )
    diagnosis = diagnose(known(*found, topology=Topology()))
    assert diagnosis.hypotheses[0].hypothesis_id == "importer/certificate", ranking(diagnosis)


def test_standing_trouble_of_others_in_a_cluster_says_little_against_whom_the_report_names() -> None:
    others = [saw(f"job-{number}", "crash", None, strength=0.75, source="kubernetes.analyse") for number in range(6)]
    asked = known(
        saw("scraper", "configuration", None, strength=0.9, source="kubernetes.analyse"),
        saw("scraper", "crash", None, strength=0.75, source="kubernetes.analyse"),
        *others,
        topology=Topology(),
    ).model_copy(update={"description": "The job scraper failed"})
    assert diagnose(asked).accepted == "scraper/bad_configuration"
    assert diagnose(asked.model_copy(update={"description": "Something failed"})).accepted is None
