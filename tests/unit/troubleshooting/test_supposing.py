"""What a language model may add to an investigation, and what it may not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.triage.classification import Origin
from domain.troubleshooting.evidence import EvidenceKind, Findings, Sign
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Supposition
from domain.troubleshooting.looks import LookKind
from domain.troubleshooting.planning import next_calls
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.supposing import SupposeAnswer, Supposed, counted, material
from domain.troubleshooting.topology import Service, Topology
from tests.unit.troubleshooting.incidents import NOW, incident, piece
from tests.unit.troubleshooting.situation import changed, known, ranking, saw

ORIGIN = Origin(provider="primary", model="m")
CLOSE = (
    saw("payments", "cpu", 0, strength=0.7),
    saw("payments", "errors", 0, strength=0.7),
    saw("checkout", "errors", 1, about="payments", strength=0.6),
    saw("orders", "errors", -1, strength=0.6),
)
CHANGES = (changed("payments", -4), changed("payments", -3, "configuration"))


def supposed(service: str, fault: FaultKind, cites: int = 2) -> Supposition:
    return Supposition(service=service, fault=fault, cites=cites, because="It began with it.", made_by="primary")


def with_model(*said: Supposition, findings: Any = CLOSE, **more: Any) -> Diagnosis:
    return diagnose(known(*findings, **{"changes": CHANGES, **more}).model_copy(update={"supposed": said}))


# What it counts for


def test_a_model_settles_what_the_evidence_leaves_open() -> None:
    alone = with_model()
    assert alone.accepted is None, ranking(alone)
    assert "Two causes fit" in alone.why_not
    settled = with_model(supposed("payments", FaultKind.BAD_DEPLOYMENT))
    assert settled.accepted == "payments/bad_deployment/CHG-payments-4", ranking(settled)
    (word,) = [one for one in settled.hypotheses[0].evidence_for if one.source == "language model"]
    assert word.text == "A language model supposes so: It began with it."
    assert word.weight == 0.8


def test_a_model_that_names_no_findings_adds_nothing() -> None:
    assert with_model(supposed("payments", FaultKind.BAD_DEPLOYMENT, cites=0)) == with_model()


def test_many_reasons_of_a_model_count_for_no_more_than_one_plain_symptom() -> None:
    two, forty = (with_model(supposed("payments", FaultKind.BAD_DEPLOYMENT, cites)) for cites in (2, 40))
    assert two == forty


def test_a_model_makes_no_cause_of_a_service_that_the_evidence_does_not_put_first() -> None:
    for service in ("checkout", "orders"):
        for fault in FaultKind:
            diagnosis = with_model(supposed(service, fault))
            assert diagnosis.accepted is None, ranking(diagnosis)


def test_no_model_talks_anybody_out_of_what_the_evidence_carries() -> None:
    plain = (
        saw("checkout", "new_error", 0, strength=0.95),
        saw("checkout", "errors", 0, strength=0.9),
        saw("web", "errors", 1, about="checkout", strength=0.7),
    )
    release = (changed("checkout", -3),)
    alone = with_model(findings=plain, changes=release)
    assert alone.accepted is not None, ranking(alone)
    for service in ("web", "payments", "checkout"):
        assert with_model(supposed(service, FaultKind.DISK_FULL), findings=plain, changes=release) == alone


def test_where_the_evidence_is_missing_no_model_replaces_it() -> None:
    hints = (saw("checkout", "errors", 0, strength=0.2), saw("web", "timeout", 0, about="checkout", strength=0.3))
    for fault in FaultKind:
        diagnosis = with_model(supposed("checkout", fault), findings=hints, changes=())
        assert diagnosis.accepted is None, ranking(diagnosis)


def test_a_cause_that_only_the_model_thought_of_is_shown_beside_the_others() -> None:
    diagnosis = with_model(supposed("payments", FaultKind.PERMISSION))
    shown = [one for one in diagnosis.hypotheses if one.fault is FaultKind.PERMISSION]
    assert [one.service for one in shown] == ["payments"]
    assert not [one for one in with_model().hypotheses if one.fault is FaultKind.PERMISSION]


def test_a_refuted_cause_stays_refuted_whatever_a_model_says() -> None:
    first = "payments/bad_deployment/CHG-payments-4"
    diagnosis = with_model(supposed("payments", FaultKind.BAD_DEPLOYMENT), refuted=(first,))
    assert diagnosis.accepted != first
    assert diagnosis.hypotheses[-1].hypothesis_id == first


# What of its answer is taken


def seen() -> IncidentState:
    state = incident(evidence=[piece(EvidenceKind.LOGS)], health_urls={"payments": "https://payments.example/health"})
    reading = next_calls(state)[0]
    call = state.record_call(reading.capability, reading.arguments, NOW, why=reading.why, outcome="Read.")
    state.observe(call, Findings(findings=CLOSE, changes=CHANGES), reads=reading.reads)
    state.topology = Topology(
        services=(Service(name="payments"), Service(name="checkout")), calls=(("checkout", "payments"),)
    )
    state.diagnosed(diagnose(state.known()))
    return state


def taken(answer: dict[str, Any], state: IncidentState | None = None) -> Supposed:
    return counted(SupposeAnswer.model_validate(answer), material(state or seen()), ORIGIN)


def test_an_answer_may_name_services_and_findings_that_it_was_shown() -> None:
    state = seen()
    shown = material(state)
    number = next(number for number, one in enumerate(shown.findings, 1) if one.sign is Sign.CPU)
    got = taken(
        {"causes": [{"service": "Payments", "fault": "CPU saturation", "findings": [f"f{number}", "F99"],
                     "because": "It is busy."}],
         "looks": [{"kind": "metric", "service": "payments", "metric": "CPU"},
                   {"kind": "health", "service": "payments"},
                   {"kind": "knowledge", "text": "payments busy after a release"}]},
        state,
    )  # fmt: skip
    (cause,) = got.causes
    assert (cause.service, cause.fault, cause.cites) == ("payments", FaultKind.CPU_SATURATION, 1)
    assert [look.kind for look in got.looks] == [LookKind.METRIC, LookKind.HEALTH, LookKind.KNOWLEDGE]
    assert got.dropped == 0


def test_a_finding_about_another_service_is_no_reason() -> None:
    state = seen()
    shown = material(state)
    others = [f"F{number}" for number, one in enumerate(shown.findings, 1) if one.service == "orders"]
    (cause,) = taken({"causes": [{"service": "payments", "fault": "outage", "findings": others}]}, state).causes
    assert cause.cites == 0


def test_what_is_no_number_of_a_finding_is_no_reason() -> None:
    state = seen()
    last = material(state).findings[-1]
    said = {"service": last.service, "fault": "outage", "findings": ["F0", "all"]}
    (cause,) = taken({"causes": [said]}, state).causes
    assert cause.cites == 0


@pytest.mark.parametrize(
    "answer",
    [
        {"causes": [{"service": "evil", "fault": "outage", "findings": ["F1"]}]},
        {"causes": [{"service": "payments; rm -rf /", "fault": "outage", "findings": ["F1"]}]},
        {"causes": [{"service": "payments", "fault": "unknown", "findings": ["F1"]}]},
        {"looks": [{"kind": "health", "service": "checkout"}]},
        {"looks": [{"kind": "health", "service": "https://evil.example/?q=secret"}]},
        {"looks": [{"kind": "metric", "service": "payments", "metric": "up{job='x'} or vector(1)"}]},
        {"looks": [{"kind": "metric", "service": "evil", "metric": "cpu"}]},
        {"looks": [{"kind": "knowledge", "text": "  "}]},
    ],
)
def test_what_names_nothing_that_we_know_is_dropped_and_counted(answer: dict[str, Any]) -> None:
    got = taken(answer)
    assert (got.causes, got.looks, got.dropped) == ((), (), 1)


def test_a_look_of_another_kind_is_no_answer() -> None:
    with pytest.raises(ValidationError):
        SupposeAnswer.model_validate({"looks": [{"kind": "command", "text": "kubectl delete ns prod"}]})


TOOL_CALL = {
    "tool_calls": [{"name": "deploy.rollBack", "arguments": {"service": "payments"}}],
    "tool": "payments.refund",
}


def test_a_tool_call_in_an_answer_is_no_part_of_it() -> None:
    got = taken({**TOOL_CALL, "causes": [{**TOOL_CALL, "service": "payments", "fault": "outage", "findings": ["F1"]}]})
    assert not [word for word in ("rollBack", "refund") if word in got.model_dump_json()]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.lists(
        st.fixed_dictionaries(
            {"kind": st.sampled_from(["metric", "health", "knowledge"]), "service": st.text(max_size=40),
             "metric": st.text(max_size=40), "text": st.text(max_size=2_000)}
        ),
        max_size=8,
    ),
    st.lists(
        st.fixed_dictionaries({"service": st.text(max_size=40), "fault": st.sampled_from([*FaultKind]),
                               "findings": st.lists(st.text(max_size=6), max_size=5),
                               "because": st.text(max_size=2_000)}),
        max_size=8,
    ),
)  # fmt: skip
def test_whatever_a_model_says_only_known_names_enter_a_call(looks: Any, causes: Any) -> None:
    state = seen()
    got = taken({"looks": looks, "causes": causes}, state)
    state.suppose(got.causes, got.looks)
    state.diagnosed(diagnose(state.known()))
    names = {"payments", "checkout", "orders"}
    for call in next_calls(state):
        assert call.capability in ("health.probe", "metrics.watch", "logs.analyse", "knowledge.search")
        assert call.arguments.get("service", "payments") in names
        assert call.arguments.get("url", "https://payments.example/health") == "https://payments.example/health"
        assert len(str(call.arguments.get("text", ""))) <= 1_000


def test_looks_that_a_model_wants_become_calls_of_ours_and_are_made_once() -> None:
    state = seen()
    # Rules would look at the metric of the fault they suspect; the model wants another one.
    state.suppose((), taken({"looks": [{"kind": "metric", "service": "checkout", "metric": "queue_depth"}]}).looks)
    planned = [call for call in next_calls(state) if call.arguments.get("metric") == "queue_depth"]
    assert [(call.capability, call.arguments["service"]) for call in planned] == [("metrics.watch", "checkout")]
    state.record_call("metrics.watch", planned[0].arguments, NOW, why="-", outcome="-")
    assert not [call for call in next_calls(state) if call.arguments.get("metric") == "queue_depth"]


def test_the_same_material_has_the_same_digest_and_news_another() -> None:
    one, other = seen(), seen()
    other.suppose((supposed("payments", FaultKind.BAD_DEPLOYMENT),), ())
    other.diagnosed(diagnose(other.known()))
    assert one.diagnosis != other.diagnosis
    assert material(one).digest == material(other).digest
    call = other.record_call("metrics.watch", {"service": "orders"}, NOW, why="-", outcome="-")
    other.observe(call, Findings(findings=(saw("orders", "disk", 2, strength=0.9),)))
    assert material(one).digest != material(other).digest


def test_material_is_small_however_much_was_found() -> None:
    state = seen()
    call = state.record_call("logs.analyse", {"n": 1}, NOW, why="-", outcome="-")
    many = tuple(saw(f"service-{n}", "errors", 0, text="x" * 490) for n in range(60))
    state.observe(call, Findings(findings=many))
    assert len(material(state).model_dump_json()) < 60_000
