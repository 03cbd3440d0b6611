"""Situations in which a neighbour looks guilty: who passes a surge on, whose names others cannot resolve, who waits."""

from __future__ import annotations

from domain.troubleshooting.evidence import Finding
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Topology
from tests.unit.troubleshooting.situation import SHOP, at, changed, known, ranking, saw

READ = tuple(service.name for service in SHOP.services if service.name != "acmepay")


def grew(service: str, minute: float, ratio: float) -> Finding:
    """More traffic than before."""
    found = saw(service, "traffic", minute, strength=0.8, source="metrics.analyse")
    return found.model_copy(update={"numbers": {"ratio": ratio}})


OVERRUN = (
    grew("catalogue", 0, 6.0),
    saw("catalogue", "cpu", 0.5, strength=0.85, source="metrics.analyse"),
    saw("catalogue", "throttled", 1, strength=0.9),
    saw("catalogue", "new_error", 2, strength=0.9),
    saw("web", "throttled", 2, about="catalogue", strength=0.8),
)


def test_a_surge_is_told_of_whom_it_hurts_and_not_of_who_passes_it_on() -> None:
    diagnosis = diagnose(known(*OVERRUN, grew("web", 0, 5.6), grew("gateway", 0, 5.5)))
    assert diagnosis.hypotheses[0].hypothesis_id == "catalogue/traffic_surge", ranking(diagnosis)


def test_a_surge_that_all_get_is_told_of_where_it_comes_in() -> None:
    everywhere = [saw(name, "cpu", 1, strength=0.8) for name in ("web", "checkout", "catalogue", "accounts")]
    grown = [grew(name, 0, 5.0) for name in ("gateway", "web", "checkout", "catalogue", "accounts")]
    diagnosis = diagnose(known(*grown, *everywhere, saw("gateway", "cpu", 0.5, strength=0.8)))
    assert diagnosis.hypotheses[0].hypothesis_id == "gateway/traffic_surge", ranking(diagnosis)


def test_a_surge_that_a_feature_flag_let_in_is_no_wrong_setting() -> None:
    flag = changed("catalogue", -2, "feature_flag", change_id="FLAG-9")
    diagnosis = diagnose(known(*OVERRUN, changes=(flag,), observed=READ))
    assert diagnosis.accepted == "catalogue/traffic_surge/FLAG-9", ranking(diagnosis)


def test_a_deployment_of_who_calls_one_that_is_overrun_no_later_is_not_accepted() -> None:
    diagnosis = diagnose(
        known(
            *OVERRUN,
            saw("web", "timeout", 1, about="catalogue", strength=0.9),
            saw("web", "errors", 0.8, strength=0.9),
            saw("gateway", "errors", 2, about="web", strength=0.9),
            changes=(changed("web", -6, change_id="HERRING"),),
            observed=READ,
        )
    )
    assert diagnosis.accepted != "web/bad_deployment/HERRING", ranking(diagnosis)


def test_a_name_that_one_cannot_resolve_who_reaches_others_is_that_names_fault() -> None:
    diagnosis = diagnose(
        known(
            saw("checkout", "dns", 0, about="payments", strength=0.95),
            saw("web", "errors", 1, about="checkout", strength=0.8),
            changes=(changed("checkout", -40),),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "payments/dns_failure", ranking(diagnosis)


def test_the_only_caller_of_a_name_who_reaches_others_is_believed() -> None:
    lookups = (
        saw("checkout", "dns", 0, about="payments", strength=0.95),
        saw("checkout", "new_error", 0.5, strength=0.8),
        saw("web", "errors", 1, about="checkout", strength=0.8),
    )
    diagnosis = diagnose(known(*lookups, observed=READ))
    assert diagnosis.accepted == "payments/dns_failure", ranking(diagnosis)
    lonely = Topology(services=SHOP.services, calls=(("web", "checkout"), ("checkout", "payments")))
    assert diagnose(known(*lookups, observed=READ, topology=lonely)).accepted != "payments/dns_failure"


def test_who_resolves_no_name_at_all_is_at_fault_itself_whatever_was_changed_below() -> None:
    called = ("payments", "orders", "accounts")
    lookups = [saw("checkout", "dns", minute, about=name, strength=0.9) for minute, name in enumerate(called)]
    below = changed("orders", -9, "configuration", change_id="HERRING")
    diagnosis = diagnose(known(*lookups, saw("web", "errors", 2, about="checkout"), changes=(below,)))
    assert diagnosis.hypotheses[0].hypothesis_id == "checkout/dns_failure", ranking(diagnosis)


def test_two_names_that_are_lost_ten_minutes_apart_are_two_faults() -> None:
    two = Topology(
        services=tuple(one for one in SHOP.services if one.name in ("web", "checkout", "accounts")),
        calls=(("web", "checkout"), ("web", "accounts")),
    )
    diagnosis = diagnose(
        known(
            saw("web", "dns", 0, about="checkout", strength=0.95),
            saw("web", "new_error", 0.2, strength=0.9),
            saw("web", "dns", 11, about="accounts", strength=0.95),
            changes=(changed("accounts", 10, "infrastructure", change_id="NET-2"),),
            topology=two,
        )
    )
    assert diagnosis.hypotheses[0].service in ("checkout", "accounts"), ranking(diagnosis)


def test_what_was_changed_after_the_onset_may_bring_about_a_second_trouble() -> None:
    diagnosis = diagnose(
        known(
            saw("session-cache", "latency", 0, strength=0.9, source="metrics.analyse"),
            saw("accounts", "timeout", 0.5, about="session-cache", strength=0.9),
            saw("web", "timeout", 1, about="accounts", strength=0.8),
            saw("payments", "configuration", 6, strength=0.95),
            saw("payments", "new_error", 6, strength=0.9),
            saw("checkout", "errors", 7, about="payments", strength=0.9),
            saw("web", "errors", 8, about="checkout", strength=0.8),
            changes=(changed("payments", 4.5, "configuration", change_id="CFG-2"),),
        )
    )
    assert diagnosis.onset == at(0)
    assert any(one.hypothesis_id == "payments/bad_configuration/CFG-2" for one in diagnosis.hypotheses[:2]), ranking(
        diagnosis
    )


def test_errors_may_come_from_one_further_down_that_nobody_looked_at() -> None:
    errors = (
        saw("web", "errors", 0, strength=0.95),
        saw("gateway", "errors", 1, strength=0.6),
    )
    change = (changed("web", -3, "configuration", change_id="CFG-7"),)
    without = tuple(name for name in READ if name != "orders")
    diagnosis = diagnose(known(*errors, changes=change, observed=without))
    assert diagnosis.hypotheses[0].service == "web", ranking(diagnosis)
    assert diagnosis.accepted is None, ranking(diagnosis)
    assert "orders" in diagnosis.why_not


def test_a_queue_is_missed_where_there_is_evidence_of_other_stores() -> None:
    errors = (saw("orders", "errors", 0, strength=0.95), saw("checkout", "errors", 1, about="orders", strength=0.8))
    change = (changed("orders", -3, "configuration", change_id="CFG-8"),)
    assert diagnose(known(*errors, changes=change, observed=READ)).accepted == "orders/bad_configuration/CFG-8"
    without = tuple(name for name in READ if name != "events")
    assert diagnose(known(*errors, changes=change, observed=without)).accepted is None


def test_a_version_is_the_same_with_and_without_its_letter() -> None:
    recorded = changed("payments", -4, change_id="REL-1", version="2.5.9")
    logged = changed("payments", -2, change_id="log/payments.log/12", version="v2.5.9")
    failing = (saw("payments", "new_error", 0, strength=0.9), saw("checkout", "errors", 1, about="payments"))
    diagnosis = diagnose(known(*failing, changes=(recorded, logged)))
    assert diagnosis.accepted == "payments/bad_deployment/REL-1", ranking(diagnosis)


def test_a_leak_is_put_down_to_a_release_of_an_hour_ago_and_not_to_one_of_the_morning() -> None:
    leak = (
        saw("payments", "memory", 0, strength=0.95),
        saw("payments", "crash", 2, strength=0.8),
        saw("checkout", "unreachable", 1, about="payments", strength=0.9),
    )
    hour = diagnose(known(*leak, changes=(changed("payments", -60, change_id="HOUR"),)))
    assert hour.accepted == "payments/memory_leak/HOUR", ranking(hour)
    morning = diagnose(known(*leak, changes=(changed("payments", -420, change_id="MORNING"),)))
    assert morning.accepted == "payments/memory_leak", ranking(morning)
