"""Situations that mislead: red herrings, cascades, missing and contradicting evidence, two faults at once."""

from __future__ import annotations

from domain.troubleshooting.hypotheses import FaultKind, HypothesisStatus
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Service, Topology
from tests.unit.troubleshooting.situation import at, changed, known, ranking, saw

BAD_RELEASE = (
    saw("payments", "new_error", 0, strength=0.9),
    saw("payments", "errors", 0.5, source="metrics.analyse"),
    saw("checkout", "errors", 1, about="payments", strength=0.7),
    saw("web", "errors", 2, strength=0.5),
)
RELEASE = changed("payments", -3, change_id="REL-3")


def test_a_deployment_elsewhere_at_the_same_time_is_not_blamed() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE, changed("mailer", -2), changed("catalogue", -1))))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_a_deployment_of_a_caller_at_the_same_time_is_not_blamed() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE, changed("checkout", -3))))
    assert diagnosis.hypotheses[0].hypothesis_id == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_a_deployment_of_a_service_that_is_called_and_healthy_is_not_blamed() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE, changed("acmepay", -3), changed("orders-db", -1))))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_a_change_after_the_onset_is_not_the_cause() -> None:
    later = changed("payments", 6, change_id="REL-4")
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(later,)))
    assert all(one.change != later for one in diagnosis.hypotheses), ranking(diagnosis)
    assert diagnosis.accepted is None
    assert "no change of it is recorded" in diagnosis.why_not or "nothing shows what is wrong" in diagnosis.why_not


def test_a_change_long_before_the_onset_is_not_the_cause_of_errors() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(changed("payments", -600, change_id="OLD"),)))
    assert diagnosis.hypotheses[0].service == "payments", ranking(diagnosis)
    assert diagnosis.hypotheses[0].change is None, ranking(diagnosis)
    assert diagnosis.accepted is None


def test_of_two_deployments_of_one_service_the_closer_one_is_named() -> None:
    changes = (changed("payments", -55, change_id="EARLY"), changed("payments", -3, change_id="CLOSE"))
    diagnosis = diagnose(known(*BAD_RELEASE, changes=changes))
    assert diagnosis.accepted == "payments/bad_deployment/CLOSE", ranking(diagnosis)


def test_a_noisy_warning_from_before_the_onset_is_not_blamed() -> None:
    noise = (
        saw("accounts", "pool_exhausted", -90, strength=0.7, until=50),
        saw("catalogue", "errors", -80, strength=0.6, until=55),
    )
    diagnosis = diagnose(known(*BAD_RELEASE, *noise, changes=(RELEASE,)))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)
    assert diagnosis.onset == at(0)
    assert diagnosis.also == ()


def test_a_traffic_peak_that_was_over_is_not_blamed() -> None:
    peak = saw("gateway", "traffic", -25, strength=0.8, until=-15, source="metrics.analyse")
    diagnosis = diagnose(known(*BAD_RELEASE, peak, changes=(RELEASE,)))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_more_traffic_after_the_errors_is_retries_and_not_the_cause() -> None:
    retries = saw("gateway", "traffic", 5, strength=0.8, source="metrics.analyse")
    diagnosis = diagnose(known(*BAD_RELEASE, retries, changes=(RELEASE,)))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_a_cascade_over_three_levels_is_followed_down() -> None:
    diagnosis = diagnose(
        known(
            saw("orders-db", "latency", 0, strength=0.7, source="metrics.analyse"),
            saw("orders", "timeout", 0.5, about="orders-db", strength=0.8),
            saw("payments", "timeout", 0.5, about="orders-db", strength=0.7),
            saw("checkout", "timeout", 1, about="orders", strength=0.9),
            saw("checkout", "timeout", 1, about="payments", strength=0.9),
            saw("web", "timeout", 1.5, about="checkout", strength=0.9),
            saw("gateway", "errors", 2, about="web", strength=0.9),
            changes=(changed("web", -8), changed("checkout", -45)),
        )
    )
    assert diagnosis.accepted == "orders-db/slow_dependency", ranking(diagnosis)


def test_who_only_waits_for_another_is_explained_by_it_even_right_after_a_deployment() -> None:
    diagnosis = diagnose(
        known(
            saw("payments", "timeout", 0, about="acmepay", strength=0.9),
            saw("payments", "latency", 0, about="acmepay", strength=0.8, source="traces.analyse"),
            saw("acmepay", "latency", 0, strength=0.7, source="metrics.analyse"),
            saw("checkout", "timeout", 0.5, about="payments", strength=0.8),
            changes=(changed("payments", -25),),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "acmepay/slow_dependency", ranking(diagnosis)


def test_one_caller_that_complains_after_its_own_change_is_at_fault_and_not_the_database_of_all() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "timeout", 0, about="orders-db", strength=0.7),
            saw("orders", "new_error", 0, strength=0.8),
            saw("checkout", "errors", 1, about="orders", strength=0.7),
            changes=(changed("orders", -2, change_id="REL-9"),),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "orders/bad_deployment/REL-9", ranking(diagnosis)


def test_without_evidence_nothing_is_claimed() -> None:
    diagnosis = diagnose(known(changes=(RELEASE,)))
    assert diagnosis.accepted is None
    assert diagnosis.hypotheses[0].fault is FaultKind.UNKNOWN
    assert "missing" in diagnosis.why_not
    assert diagnosis.onset is None


def test_hints_alone_are_not_enough() -> None:
    diagnosis = diagnose(known(saw("payments", "errors", 0, strength=0.2), saw("web", "latency", 1, strength=0.2)))
    assert diagnosis.accepted is None, ranking(diagnosis)


def test_a_single_plain_symptom_is_not_enough() -> None:
    diagnosis = diagnose(known(saw("payments", "latency", 0, strength=0.6)))
    assert diagnosis.accepted is None, ranking(diagnosis)


def test_a_service_whose_evidence_was_removed_is_suspected_and_not_accepted() -> None:
    diagnosis = diagnose(
        known(
            saw("checkout", "timeout", 0, about="accounts", strength=0.9),
            saw("web", "errors", 0.2, about="accounts", strength=0.8),
            saw("gateway", "errors", 1, strength=0.6),
        )
    )
    assert diagnosis.hypotheses[0].service == "accounts", ranking(diagnosis)
    assert diagnosis.hypotheses[0].fault in (FaultKind.OUTAGE, FaultKind.SLOW_DEPENDENCY)
    assert diagnosis.accepted is None
    assert "accounts" in diagnosis.why_not
    assert "missing" in diagnosis.why_not


def test_a_deployment_of_a_service_whose_evidence_was_removed_does_not_make_it_certain() -> None:
    diagnosis = diagnose(
        known(
            saw("checkout", "errors", 0, about="accounts", strength=0.9),
            saw("web", "errors", 0.2, about="accounts", strength=0.8),
            changes=(changed("accounts", -3),),
        )
    )
    assert diagnosis.hypotheses[0].service == "accounts", ranking(diagnosis)
    assert diagnosis.accepted is None


def test_a_service_that_fails_without_any_change_records_is_suspected_only() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE))
    assert diagnosis.hypotheses[0].service == "payments", ranking(diagnosis)
    assert diagnosis.accepted is None, ranking(diagnosis)


def test_evidence_that_begins_with_the_trouble_is_not_enough() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), begins=0))
    assert diagnosis.accepted is None
    assert "before the onset" in diagnosis.why_not


def test_symptoms_without_times_are_not_enough_unless_beyond_doubt() -> None:
    timeless = tuple(one.model_copy(update={"at": None}) for one in BAD_RELEASE)
    assert diagnose(known(*timeless, changes=(RELEASE,))).accepted is None
    full = saw("orders-db", "disk", None, strength=0.95), saw("orders-db", "errors", None, strength=0.8)
    assert diagnose(known(*full)).accepted == "orders-db/disk_full"


def test_two_services_of_one_chain_that_changed_at_once_are_not_told_apart_by_generic_errors() -> None:
    diagnosis = diagnose(
        known(
            saw("payments", "errors", 0, strength=0.6),
            saw("checkout", "errors", 0, strength=0.6),
            saw("web", "errors", 0.5, strength=0.6),
            changes=(changed("payments", -3), changed("checkout", -3)),
        )
    )
    assert {one.service for one in diagnosis.hypotheses[:2]} == {"payments", "checkout"}, ranking(diagnosis)
    assert diagnosis.hypotheses[0].posterior < 0.95, ranking(diagnosis)


def test_two_causes_that_fit_equally_well_are_both_named_and_none_is_accepted() -> None:
    chain = Topology(services=(Service(name="front"), Service(name="one"), Service(name="two")),
                     calls=(("front", "one"), ("front", "two")))  # fmt: skip
    diagnosis = diagnose(
        known(
            saw("front", "timeout", 0, about="one", strength=0.6),
            saw("front", "timeout", 0, about="two", strength=0.6),
            topology=chain,
        )
    )
    assert diagnosis.accepted is None, ranking(diagnosis)


def test_two_faults_that_cannot_reach_each_other_are_both_found() -> None:
    diagnosis = diagnose(
        known(
            *BAD_RELEASE[:3],
            saw("mailer", "disk", 1, strength=0.95),
            saw("mailer", "errors", 1.5, strength=0.8),
            changes=(RELEASE,),
        )
    )
    found = {diagnosis.accepted, *diagnosis.also}
    assert found == {"payments/bad_deployment/REL-3", "mailer/disk_full"}, ranking(diagnosis)


def test_a_second_fault_that_begins_later_is_found_beside_the_first() -> None:
    diagnosis = diagnose(
        known(
            *BAD_RELEASE,
            saw("mailer", "new_error", 20, strength=0.9),
            saw("mailer", "errors", 20, strength=0.9, source="metrics.analyse"),
            changes=(RELEASE, changed("mailer", 18, change_id="REL-MAIL")),
        )
    )
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)
    assert diagnosis.also == ("mailer/bad_deployment/REL-MAIL",), ranking(diagnosis)


def test_names_that_several_services_cannot_resolve_point_at_what_they_share() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "dns", 0, about="orders-db", strength=0.9),
            saw("accounts", "dns", 0, about="accounts-db", strength=0.9),
            saw("payments", "dns", 0.2, about="acmepay", strength=0.9),
            saw("checkout", "errors", 1, about="orders", strength=0.7),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "shared/dns_failure", ranking(diagnosis)
    assert diagnosis.hypotheses[0].service is None


def test_a_resolver_in_the_topology_is_named_when_many_cannot_resolve() -> None:
    with_resolver = Topology(
        services=(*(Service(name=name) for name in ("front", "one", "two")), Service(name="coredns", kind="dns")),
        calls=(("front", "one"), ("front", "two")),
    )
    diagnosis = diagnose(
        known(
            saw("front", "dns", 0, about="one", strength=0.9),
            saw("one", "dns", 0, about="ledger.example", strength=0.9),
            saw("two", "dns", 0.5, about="stock.example", strength=0.8),
            topology=with_resolver,
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "coredns/dns_failure", ranking(diagnosis)


def test_one_service_that_cannot_resolve_anything_has_the_fault_itself() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "dns", 0, about="orders-db", strength=0.9),
            saw("orders", "dns", 0, about="events", strength=0.9),
            saw("checkout", "errors", 0.5, about="orders", strength=0.7),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "orders/dns_failure", ranking(diagnosis)


def test_a_host_whose_clock_is_wrong_is_named_by_those_who_blame_it() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "clock", 0, about="node-7", strength=0.9),
            saw("payments", "clock", 0, about="node-7", strength=0.9),
            saw("checkout", "errors", 0.5, about="orders", strength=0.6),
        )
    )
    assert diagnosis.accepted == "node-7/clock_skew", ranking(diagnosis)


def test_without_a_topology_the_blame_in_the_evidence_is_the_graph() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), topology=Topology()))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)


def test_hosts_ports_and_spellings_mean_the_same_service() -> None:
    diagnosis = diagnose(
        known(
            saw("Orders_DB", "latency", 0, strength=0.8, source="metrics.analyse"),
            saw("orders-service", "timeout", 0.5, about="orders-db.internal:5432", strength=0.8),
            saw("PAYMENTS", "timeout", 0.6, about="orders_db", strength=0.8),
        )
    )
    assert diagnosis.accepted == "orders-db/slow_dependency", ranking(diagnosis)
    assert set(diagnosis.blast_radius.affected) == {"orders-db", "orders", "payments"}


def test_the_onset_is_not_moved_by_a_lone_early_warning() -> None:
    early = saw("catalogue", "latency", -8, strength=0.5)
    assert diagnose(known(*BAD_RELEASE, early, changes=(RELEASE,))).onset == at(0)


def test_a_symptom_that_healed_before_the_onset_is_over() -> None:
    blip = saw("accounts", "errors", -30, strength=0.8), saw("accounts", "restored", -20, strength=0.8)
    diagnosis = diagnose(known(*BAD_RELEASE, *blip, changes=(RELEASE,)))
    assert diagnosis.onset == at(0)
    assert "accounts" not in diagnosis.blast_radius.affected
    assert [one.service for one in diagnosis.timeline if one.kind == "restored"] == ["accounts"]


def test_changes_shortly_before_in_the_affected_part_are_marked() -> None:
    elsewhere = changed("mailer", -5)
    after = changed("payments", 10, change_id="LATER")
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE, elsewhere, after)))
    marked = [one.text for one in diagnosis.timeline if one.before_onset]
    assert len(marked) == 1
    assert "payments" in marked[0]
    assert [one.at for one in diagnosis.timeline] == sorted(one.at for one in diagnosis.timeline)


def test_the_blast_radius_tells_affected_from_at_risk() -> None:
    radius = diagnose(known(*BAD_RELEASE, changes=(RELEASE,))).blast_radius
    assert radius.affected == ("payments", "checkout", "web")
    assert radius.at_risk == ("gateway",)
    assert radius.severity in ("high", "critical")
    assert radius.scope == "several services"
    assert radius.reasons


def test_a_refuted_hypothesis_stays_visible_at_the_end() -> None:
    refuted = "payments/bad_deployment/REL-3"
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), refuted=(refuted,)))
    last = diagnosis.hypotheses[-1]
    assert last.hypothesis_id == refuted
    assert last.status is HypothesisStatus.REFUTED
    assert last.posterior == 0
    assert diagnosis.accepted != refuted


def test_what_was_refuted_stays_visible_though_nothing_suggests_it_any_more() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), refuted=("mailer/disk_full",)))
    assert diagnosis.hypotheses[-1].hypothesis_id == "mailer/disk_full"
    assert diagnosis.accepted == "payments/bad_deployment/REL-3"


def test_a_person_who_denies_the_deployment_and_points_at_the_database_is_heard() -> None:
    findings = (
        saw("payments", "errors", 0, strength=0.7),
        saw("payments", "latency", 0, about="orders-db", strength=0.7),
        saw("orders", "timeout", 0.4, about="orders-db", strength=0.6),
        saw("orders-db", "latency", 0, strength=0.5, source="metrics.analyse"),
    )
    said = ("It is not the deployment, we rolled that back yesterday. Look at the database.",)
    before = diagnose(known(*findings, changes=(RELEASE,)))
    after = diagnose(known(*findings, changes=(RELEASE,), rejected=said))
    assert after.hypotheses[0].service == "orders-db", ranking(after)
    share = {one.hypothesis_id: one.posterior for one in before.hypotheses}
    lower = [one for one in after.hypotheses if one.change == RELEASE]
    assert lower
    assert all(one.posterior < share[one.hypothesis_id] for one in lower)


def test_a_person_who_says_it_is_not_a_service_but_another_is_heard() -> None:
    findings = (
        saw("payments", "errors", 0, strength=0.6),
        saw("orders", "errors", 0, strength=0.6),
        saw("checkout", "errors", 1, strength=0.6),
    )
    changes = (changed("payments", -3), changed("orders", -3))
    one = diagnose(known(*findings, changes=changes, rejected=("It isn't payments, it's orders.",)))
    other = diagnose(known(*findings, changes=changes, rejected=("payments is the culprit but orders is fine",)))
    assert one.hypotheses[0].service == "orders", ranking(one)
    assert other.hypotheses[0].service == "payments", ranking(other)


def test_what_a_person_says_of_nothing_in_particular_changes_nothing() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,)))
    again = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), rejected=("I do not like it", "", "no" * 5000)))
    assert again == diagnosis


def test_evidence_against_is_shown_with_its_weight() -> None:
    diagnosis = diagnose(known(*BAD_RELEASE, saw("mailer", "disk", 0, strength=0.95), changes=(RELEASE,)))
    release = diagnosis.find("payments/bad_deployment/REL-3")
    assert release is not None
    assert any("mailer" in one.text and one.weight < 0 for one in release.evidence_against), ranking(diagnosis)
    assert all(one.weight > 0 and one.source for one in release.evidence_for)
    assert release.refuted_by.startswith("Roll payments back")


def test_a_release_that_leaks_memory_is_a_leak_and_names_the_release() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "memory", -100, strength=0.6, source="metrics.analyse"),
            saw("orders", "latency", -5, strength=0.5, source="metrics.analyse"),
            saw("orders", "crash", 0, strength=0.9, source="kubernetes.analyse"),
            saw("orders", "memory", 0, strength=0.9, source="kubernetes.analyse"),
            saw("checkout", "unreachable", 0.1, about="orders", strength=0.8),
            changes=(changed("orders", -130, change_id="SLOW-LEAK"), changed("checkout", -6)),
            begins=-180,
        )
    )
    assert diagnosis.accepted == "orders/memory_leak/SLOW-LEAK", ranking(diagnosis)


def test_the_same_symptom_from_two_tools_counts_little_more_than_once() -> None:
    once = diagnose(known(saw("payments", "errors", 0, strength=0.7), saw("web", "errors", 1, strength=0.7)))
    more = diagnose(
        known(
            saw("payments", "errors", 0, strength=0.7),
            saw("payments", "errors", 0, strength=0.7, source="metrics.analyse"),
            saw("payments", "errors", 0, strength=0.7, source="traces.analyse"),
            saw("web", "errors", 1, strength=0.7),
        )
    )

    def nats(diagnosis_of: str) -> float:
        found = {"once": once, "more": more}[diagnosis_of].find("payments/unknown")
        assert found is not None
        return sum(one.weight for one in found.evidence_for if "payments: errors" in one.text)

    assert nats("once") < nats("more") < 1.4 * nats("once")


READ = (
    *("gateway", "web", "checkout", "payments", "orders", "accounts", "catalogue"),
    *("orders-db", "accounts-db", "session-cache", "events"),
)


def test_what_a_service_shows_may_come_from_one_that_nobody_looked_at() -> None:
    errors = (
        saw("checkout", "errors", 0, strength=0.9, source="metrics.analyse"),
        saw("checkout", "new_error", 0.5, strength=0.7),
        saw("web", "errors", 1, strength=0.7),
    )
    release = (changed("checkout", -2, change_id="REL-5"),)
    without = tuple(name for name in READ if name != "payments")
    assert diagnose(known(*errors, changes=release, observed=READ)).accepted == "checkout/bad_deployment/REL-5"
    diagnosis = diagnose(known(*errors, changes=release, observed=without))
    assert diagnosis.accepted is None, ranking(diagnosis)
    assert "payments" in diagnosis.why_not
    assert "missing" in diagnosis.why_not


def test_a_symptom_that_only_the_service_itself_can_make_needs_no_look_at_others() -> None:
    diagnosis = diagnose(
        known(
            saw("checkout", "disk", 0, strength=0.95),
            saw("checkout", "errors", 0.5, strength=0.8),
            observed=("checkout", "web"),
        )
    )
    assert diagnosis.accepted == "checkout/disk_full", ranking(diagnosis)


def test_a_release_whose_service_logs_nothing_is_shown_by_what_it_answers_its_callers() -> None:
    seen = (
        saw("checkout", "errors", 0, about="accounts", strength=0.9),
        saw("web", "errors", 0.2, about="accounts", strength=0.8),
    )
    release = (changed("accounts", -3, change_id="REL-6"),)
    assert diagnose(known(*seen, changes=release, observed=READ)).accepted == "accounts/bad_deployment/REL-6"


def test_whom_a_service_calls_and_who_was_in_trouble_first_explains_it() -> None:
    diagnosis = diagnose(
        known(
            saw("orders-db", "latency", 0, strength=0.9),
            saw("orders", "latency", 0.8, strength=0.7),
            saw("orders", "timeout", 2, about="orders-db", strength=0.7),
            saw("checkout", "new_error", 6, strength=0.6),
            saw("web", "errors", 5, about="checkout", strength=0.9),
            changes=(changed("checkout", -3),),
        )
    )
    assert diagnosis.hypotheses[0].hypothesis_id == "orders-db/slow_dependency", ranking(diagnosis)


def test_a_surge_belongs_to_the_service_whose_traffic_grew_most() -> None:
    more = saw("web", "traffic", 0, strength=0.6, source="metrics.analyse").model_copy(
        update={"numbers": {"ratio": 1.8}}
    )
    most = saw("catalogue", "traffic", 0, strength=0.8, source="metrics.analyse")
    diagnosis = diagnose(
        known(
            more,
            most.model_copy(update={"numbers": {"ratio": 5.0}}),
            saw("catalogue", "cpu", 1, strength=0.8, source="metrics.analyse"),
            saw("catalogue", "throttled", 1, strength=0.7),
            saw("web", "timeout", 1.5, about="catalogue", strength=0.8),
        )
    )
    assert diagnosis.accepted == "catalogue/traffic_surge", ranking(diagnosis)


def test_what_a_log_says_of_a_deployment_on_record_is_no_second_one() -> None:
    logged = changed("payments", -2.5, change_id="log/payments.log/17")
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE, logged)))
    assert diagnosis.accepted == "payments/bad_deployment/REL-3", ranking(diagnosis)
    assert all("log/" not in one.hypothesis_id for one in diagnosis.hypotheses)


def test_a_refused_token_behind_a_wrong_clock_is_the_clock() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "clock", 0, strength=0.9),
            saw("orders", "permission", 0.2, about="accounts", strength=0.9),
            saw("checkout", "permission", 0.5, about="orders", strength=0.9),
        )
    )
    assert diagnosis.accepted == "orders/clock_skew", ranking(diagnosis)


def test_a_service_whose_clock_is_wrong_does_not_say_when_it_began_nor_clears_the_change() -> None:
    diagnosis = diagnose(
        known(
            saw("orders", "clock", -12, strength=0.9),
            saw("orders", "errors", -11, strength=0.8),
            saw("checkout", "errors", 0, about="orders", strength=0.8),
            saw("web", "errors", 0.5, about="checkout", strength=0.8),
            changes=(changed("orders", -1, "infrastructure", change_id="NET-7"),),
        )
    )
    assert diagnosis.onset == at(0)
    assert diagnosis.accepted == "orders/clock_skew/NET-7", ranking(diagnosis)


def test_a_release_is_not_accepted_while_whom_its_service_calls_is_in_the_same_trouble() -> None:
    symptoms = (
        saw("checkout", "errors", 0, strength=0.8, source="metrics.analyse"),
        saw("checkout", "new_error", 2, strength=0.7),
        saw("web", "errors", 1, strength=0.7),
    )
    release = (changed("checkout", -3, change_id="REL-8"),)
    assert diagnose(known(*symptoms, changes=release)).accepted == "checkout/bad_deployment/REL-8"
    below = saw("orders", "errors", 0, strength=0.9, source="metrics.analyse")
    diagnosis = diagnose(known(*symptoms, below, changes=release))
    assert diagnosis.accepted is None, ranking(diagnosis)
    assert "orders" in diagnosis.why_not


def test_a_lone_early_warning_of_who_waits_does_not_make_it_the_first() -> None:
    diagnosis = diagnose(
        known(
            saw("accounts", "pool_exhausted", -9, strength=0.55, source="metrics.analyse"),
            saw("accounts-db", "latency", 0, strength=0.95, source="metrics.analyse"),
            saw("accounts", "timeout", 0.3, about="accounts-db", strength=0.9),
            saw("accounts", "latency", 1, strength=0.8, source="metrics.analyse"),
            saw("web", "errors", 1, about="accounts", strength=0.8),
            changes=(changed("accounts", -16, "scaling"),),
        )
    )
    assert diagnosis.accepted == "accounts-db/slow_dependency", ranking(diagnosis)
    assert diagnosis.onset == at(0)
