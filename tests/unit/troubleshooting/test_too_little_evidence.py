"""Where each floor stands below which no cause is accepted: evidence that just does not carry one, and says why."""

from __future__ import annotations

import pytest

from domain.troubleshooting.reasoning.diagnosis import diagnose
from tests.unit.troubleshooting.situation import changed, known, ranking, saw

RELEASE = changed("payments", -3, change_id="REL-3")
BAD_RELEASE = (
    saw("payments", "new_error", 0, strength=0.9),
    saw("payments", "errors", 0.5, source="metrics.analyse"),
    saw("checkout", "errors", 1, about="payments", strength=0.7),
    saw("web", "errors", 2, strength=0.5),
)


def test_evidence_that_ends_before_the_trouble_is_not_enough() -> None:
    assert diagnose(known(*BAD_RELEASE, changes=(RELEASE,))).accepted is not None
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), ends=-1))
    assert diagnosis.accepted is None
    assert "ends before the onset" in diagnosis.why_not


@pytest.mark.parametrize("sign", ["disk", "certificate"])
def test_one_finding_that_leaves_room_for_doubt_is_not_enough(sign: str) -> None:
    diagnosis = diagnose(known(saw("orders-db", sign, 0, strength=0.8)))
    assert diagnosis.accepted is None, ranking(diagnosis)
    assert "too little" in diagnosis.why_not


def test_a_service_that_only_whispers_while_others_blame_it_is_not_accepted() -> None:
    diagnosis = diagnose(
        known(
            saw("payments", "errors", 0, strength=0.27),
            saw("checkout", "errors", 0.2, about="payments", strength=0.9),
            saw("web", "errors", 1, about="payments", strength=0.9),
            changes=(RELEASE,),
        )
    )
    assert diagnosis.hypotheses[0].service == "payments", ranking(diagnosis)
    assert diagnosis.accepted is None
    assert "itself shows no trouble" in diagnosis.why_not


def test_a_cause_that_is_a_little_likelier_than_another_is_not_accepted() -> None:
    diagnosis = diagnose(
        known(
            saw("payments", "new_error", 0, strength=0.9),
            saw("checkout", "memory", 0, strength=0.9),
            saw("web", "errors", 1, strength=0.5),
            changes=(RELEASE, changed("checkout", -4)),
        )
    )
    first, second = diagnosis.hypotheses[:2]
    assert (first.service, second.service) == ("payments", "checkout"), ranking(diagnosis)
    assert first.posterior > 0.5 > second.posterior
    assert diagnosis.accepted is None, ranking(diagnosis)
    assert "Two causes fit" in diagnosis.why_not


def test_a_service_is_not_accepted_while_the_kind_of_its_fault_is_open() -> None:
    diagnosis = diagnose(
        known(
            saw("payments", "errors", 0, strength=0.9),
            saw("payments", "configuration", 0.2, strength=0.2),
            saw("checkout", "errors", 1, about="payments", strength=0.9),
            saw("gateway", "errors", 1, strength=0.5),
        )
    )
    assert {one.service for one in diagnosis.hypotheses[:2]} == {"payments"}, ranking(diagnosis)
    assert diagnosis.accepted is None, ranking(diagnosis)


def test_what_is_refuted_takes_no_probability_from_what_is_left() -> None:
    refuted = "payments/bad_deployment/REL-3"
    diagnosis = diagnose(known(*BAD_RELEASE, changes=(RELEASE,), refuted=(refuted,)))
    shares = {one.hypothesis_id: one.posterior for one in diagnosis.hypotheses}
    assert shares.pop(refuted) == 0
    assert sum(shares.values()) > 0.95, ranking(diagnosis)
