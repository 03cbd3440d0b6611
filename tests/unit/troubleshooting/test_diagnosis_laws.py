"""What holds of every diagnosis, whatever the evidence."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.troubleshooting.evidence import Change, Finding, Sign
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.topology import Topology
from tests.unit.troubleshooting.situation import SHOP, at, changed, known, ranking, saw

SERVICES = ["web", "checkout", "payments", "orders", "orders-db", "acmepay", "catalogue"]

findings = st.builds(
    saw,
    st.sampled_from([*SERVICES, None]),
    st.sampled_from(list(Sign)),
    st.one_of(st.none(), st.integers(min_value=-90, max_value=50)),
    about=st.one_of(st.none(), st.sampled_from([*SERVICES, "10.0.0.7:5432", "node-3"])),
    strength=st.sampled_from([0.0, 0.2, 0.5, 0.8, 0.9, 1.0]),
    until=st.one_of(st.none(), st.integers(min_value=-90, max_value=60)),
    source=st.sampled_from(["logs.analyse", "metrics.analyse", "traces.analyse"]),
)
changes = st.builds(
    changed,
    st.sampled_from([*SERVICES, None]),
    st.integers(min_value=-200, max_value=30),
    st.sampled_from(["deployment", "configuration", "migration", "secret", "other", "made up"]),
)
several = st.lists(findings, max_size=14)
some_changes = st.lists(changes, max_size=4, unique_by=lambda one: one.change_id)
graphs = st.sampled_from([SHOP, Topology()])


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, some_changes, graphs, st.integers(), st.data())
def test_neither_order_nor_repetition_of_the_evidence_changes_the_diagnosis(
    seen: list[Finding], made: list[Change], graph: Topology, seed: int, data: st.DataObject
) -> None:
    again = [*seen, *data.draw(st.lists(st.sampled_from(seen), max_size=5) if seen else st.just([]))]
    mixed, mixed_changes = list(again), [*made, *made]
    random.Random(seed).shuffle(mixed)
    random.Random(seed).shuffle(mixed_changes)
    one = diagnose(known(*seen, changes=tuple(made), topology=graph))
    other = diagnose(known(*mixed, changes=tuple(mixed_changes), topology=graph))
    assert one == other


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, some_changes, graphs)
def test_probabilities_stay_probabilities_and_ids_are_unique(
    seen: list[Finding], made: list[Change], graph: Topology
) -> None:
    diagnosis = diagnose(known(*seen, changes=tuple(made), topology=graph))
    assert sum(one.posterior for one in diagnosis.hypotheses) <= 1.0
    assert sum(one.prior for one in diagnosis.hypotheses) <= 1.0 + 1e-9
    ids = [one.hypothesis_id for one in diagnosis.hypotheses]
    assert len(ids) == len(set(ids))
    assert "unknown" in ids
    order = [one.posterior for one in diagnosis.hypotheses if one.hypothesis_id not in diagnosis.also]
    assert order == sorted(order, reverse=True)
    assert (diagnosis.accepted is None) == bool(diagnosis.why_not)
    if diagnosis.accepted is not None:
        assert diagnosis.find(diagnosis.accepted) == diagnosis.hypotheses[0]
    assert set(diagnosis.also) <= set(ids)


@settings(max_examples=10, deadline=None, derandomize=True)
@given(some_changes, graphs)
def test_without_findings_nothing_is_accepted(made: list[Change], graph: Topology) -> None:
    diagnosis = diagnose(known(changes=tuple(made), topology=graph))
    assert diagnosis.accepted is None
    assert diagnosis.hypotheses[0].hypothesis_id == "unknown"
    assert "missing" in diagnosis.why_not


@settings(max_examples=25, deadline=None, derandomize=True)
@given(several, some_changes, st.sampled_from(["checkout", "payments", "orders"]))
def test_a_clear_symptom_at_the_onset_never_helps_another_service_more(
    seen: list[Finding], made: list[Change], service: str
) -> None:
    # The onset is pinned by two clear symptoms, so that the new one changes nothing but its own service.
    seen = [*seen, saw("web", "errors", 0, strength=0.9), saw("gateway", "errors", 0, strength=0.9)]
    before = diagnose(known(*seen, changes=tuple(made)))
    after = diagnose(known(*seen, saw(service, "certificate", 0, strength=0.9), changes=tuple(made)))
    if not before.onset == after.onset == at(0):
        return  # a symptom that begins long after the onset says as much of the time as of the service
    had = sum(one.posterior for one in before.hypotheses if one.service == service)
    has = sum(one.posterior for one in after.hypotheses if one.service == service)
    assert has >= had - 1e-6, ranking(after)
