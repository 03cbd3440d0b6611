"""What was looked for and is not there: it lowers what would show it, and does nothing else."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.hypotheses import Diagnosis, Known
from domain.troubleshooting.reasoning.denials import needs
from domain.troubleshooting.reasoning.diagnosis import diagnose
from tests.unit.troubleshooting.incidents import diagnosed, incident, suspect
from tests.unit.troubleshooting.situation import known, ranking, saw
from tests.unit.troubleshooting.test_diagnosis_laws import SERVICES, several, some_changes

denials = st.lists(
    st.builds(
        saw,
        st.sampled_from(SERVICES),
        st.sampled_from(list(Sign)),
        st.none(),
        about=st.sampled_from([None, None, "orders-db"]),
        strength=st.sampled_from([0.0, 0.5, 0.8, 0.95]),
        source=st.sampled_from(["check:a", "check:b", "metrics.watch"]),
    ),
    max_size=6,
)
TWO = (
    saw("orders-db", "pool_exhausted", strength=0.75),
    saw("orders-db", "data", strength=0.7),
    saw("orders", "timeout", about="orders-db"),
)


def without(seen: Known, *denied: Finding) -> Diagnosis:
    return diagnose(seen.model_copy(update={"denied": denied}))


def posterior(diagnosis: Diagnosis, name: str) -> float:
    found = diagnosis.find(name)
    return found.posterior if found is not None else 0.0


def test_what_is_denied_falls_and_its_rival_rises() -> None:
    before = diagnose(known(*TWO))
    denied = saw("orders-db", "pool_exhausted", None, strength=0.8, source="check:sessions", text="4 sessions of 100")
    after = without(known(*TWO), denied)
    pool, data = "orders-db/connection_pool", "orders-db/data"
    assert posterior(after, pool) < 0.15 * posterior(before, pool), ranking(after)
    assert posterior(after, data) > posterior(before, data)
    shown = after.find(pool)
    assert shown is not None
    (against,) = [one for one in shown.evidence_against if one.text == "4 sessions of 100"]
    assert against.source == "check:sessions orders-db.log"
    assert against.weight < -3


def test_a_denial_of_others_complaints_touches_whom_they_would_blame() -> None:
    seen = known(*TWO, saw("payments", "data", about="orders-db"))
    after = without(seen, saw("orders", "data", None, about="orders-db", strength=0.9, source="check:a"))
    assert posterior(after, "orders-db/data") < posterior(diagnose(seen), "orders-db/data")


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, some_changes, denials, st.integers())
def test_neither_order_nor_repetition_of_denials_changes_the_diagnosis(
    seen: list[Finding], made: list[object], denied: list[Finding], seed: int
) -> None:
    mixed = [*denied, *denied]
    random.Random(seed).shuffle(mixed)
    situation = known(*seen, changes=tuple(made))  # type: ignore[arg-type]
    assert without(situation, *denied) == without(situation, *mixed)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, some_changes, denials)
def test_a_denial_moves_neither_onset_nor_timeline_nor_whom_it_reaches(
    seen: list[Finding], made: list[object], denied: list[Finding]
) -> None:
    situation = known(*seen, changes=tuple(made))  # type: ignore[arg-type]
    before, after = diagnose(situation), without(situation, *denied)
    assert (before.onset, before.timeline, before.blast_radius) == (after.onset, after.timeline, after.blast_radius)
    assert {one.hypothesis_id for one in before.hypotheses[:5]} <= {one.hypothesis_id for one in after.hypotheses}


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, st.sampled_from(SERVICES), st.sampled_from(list(Sign)))
def test_a_denial_never_helps_what_it_denies(seen: list[Finding], service: str, sign: Sign) -> None:
    before = diagnose(known(*seen))
    after = without(known(*seen), saw(service, sign, None, strength=0.9, source="check:a"))
    for one in after.hypotheses:
        if one.service == service and needs(one.fault, sign) and before.find(one.hypothesis_id) is not None:
            others = [other for other in after.hypotheses if other.service == service and needs(other.fault, sign)]
            if len(others) == 1:
                assert one.posterior <= posterior(before, one.hypothesis_id) + 1e-9, ranking(after)


def test_what_was_refuted_stays_visible_among_many_causes() -> None:
    many = [suspect(f"s{number}", posterior=0.1) for number in range(20)]
    refuted = [suspect(f"r{number}", posterior=0.0, status="refuted") for number in range(5)]
    state = diagnosed(incident(), suspect(posterior=0.5), *many, *refuted)
    assert state.diagnosis is not None
    kept = [one.hypothesis_id for one in state.diagnosis.hypotheses]
    assert len(kept) == 8
    assert kept[0] == "checkout/bad_deployment"
    assert kept[-3:] == [one.hypothesis_id for one in refuted[-3:]]
