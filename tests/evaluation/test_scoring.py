from datetime import UTC, datetime, timedelta

import pytest

from domain.troubleshooting.evidence import Change
from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Hypothesis
from starters.scoring import Cause, Setting, Truth, Verdict, failed, judged, scored, table, too_low

BEGAN = datetime(2026, 3, 11, 14, 2, tzinfo=UTC)
CARD = Cause(service="card", kind="bad_deployment", change="R7", onset=BEGAN)
STOCK = Cause(service="stock", kind="disk_full", onset=BEGAN + timedelta(minutes=5))


def truth(*causes: Cause, answerable: bool = True) -> Truth:
    return Truth(seed=1, is_answerable=answerable, causes=causes or (CARD,))


def hypothesis(service: str, fault: FaultKind, change: str | None = None) -> Hypothesis:
    return Hypothesis(
        hypothesis_id=f"{service}/{fault.value}",
        service=service,
        fault=fault,
        change=None
        if change is None
        else Change(change_id=change, at=BEGAN, kind="deployment", service=service, summary="Release"),
        sentence="It broke.",
        prior=0.1,
        posterior=0.8,
    )


RIGHT = hypothesis("card", FaultKind.BAD_DEPLOYMENT, "R7")


def diagnosis(*hypotheses: Hypothesis, accepted: bool = True, also: tuple[str, ...] = ()) -> Diagnosis:
    first = hypotheses[0].hypothesis_id if hypotheses and accepted else None
    return Diagnosis(hypotheses=hypotheses, accepted=first, also=also, onset=BEGAN + timedelta(minutes=3))


def test_a_right_answer_is_right_in_everything() -> None:
    verdict = judged(truth(), Setting.SINGLE, diagnosis(RIGHT), seconds=1.234)

    assert (verdict.service, verdict.change, verdict.kind, verdict.honest, verdict.every_service) == (True,) * 5
    assert not verdict.is_miss
    assert verdict.onset_error_minutes == 3
    assert verdict.seconds == 1.23


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (hypothesis("card", FaultKind.BAD_DEPLOYMENT, "R8"), (True, False, True)),
        (hypothesis("card", FaultKind.BAD_DEPLOYMENT), (True, False, True)),
        (hypothesis("card", FaultKind.MEMORY_LEAK, "R7"), (True, True, False)),
        (hypothesis("stock", FaultKind.BAD_DEPLOYMENT, "R7"), (False, False, False)),
    ],
)
def test_service_change_and_kind_are_judged_apart(said: Hypothesis, right: tuple[bool, bool, bool]) -> None:
    verdict = judged(truth(), Setting.SINGLE, diagnosis(said))

    assert (verdict.service, verdict.change, verdict.kind) == right
    assert verdict.is_miss


def test_a_change_that_did_nothing_is_wrongly_blamed() -> None:
    said = judged(truth(STOCK), Setting.SINGLE, diagnosis(hypothesis("stock", FaultKind.DISK_FULL, "R9")))
    none = judged(truth(STOCK), Setting.SINGLE, diagnosis(hypothesis("stock", FaultKind.DISK_FULL)))

    assert (said.change, none.change) == (False, True)


def test_what_is_put_first_without_being_accepted_counts_as_named_and_is_honest_though_wrong() -> None:
    right = judged(truth(), Setting.SINGLE, diagnosis(RIGHT, accepted=False))
    wrong = judged(truth(), Setting.SINGLE, diagnosis(hypothesis("stock", FaultKind.OUTAGE), accepted=False))

    assert (right.service, right.accepted, right.every_service) == (True, False, False)
    assert (wrong.service, wrong.honest, wrong.is_miss) == (False, True, True)


def test_a_service_that_is_well_and_was_accepted_as_faulty_is_dishonest() -> None:
    assert not judged(truth(), Setting.SINGLE, diagnosis(hypothesis("stock", FaultKind.OUTAGE))).honest


def test_where_nobody_can_know_only_silence_is_honest() -> None:
    hidden = truth(answerable=False)

    assert not judged(hidden, Setting.REMOVED, diagnosis(RIGHT)).honest
    silent = judged(hidden, Setting.REMOVED, diagnosis(RIGHT, accepted=False))
    assert silent.honest
    assert not silent.is_miss
    assert judged(hidden, Setting.REMOVED, Diagnosis()).honest


def test_of_two_faults_either_may_come_first_and_both_are_asked_for() -> None:
    both, full = truth(CARD, STOCK), hypothesis("stock", FaultKind.DISK_FULL)
    one = judged(both, Setting.OVERLAPPING, diagnosis(full, RIGHT))
    two = judged(both, Setting.OVERLAPPING, diagnosis(full, RIGHT, also=(RIGHT.hypothesis_id,)))

    assert (one.service, one.change, one.kind, one.every_service) == (True, True, True, False)
    assert two.every_service


def test_an_incident_that_could_not_be_read_counts_against_every_share() -> None:
    verdict = failed(truth(), Setting.SINGLE, "broken")

    score = scored("all", [verdict, judged(truth(), Setting.SINGLE, diagnosis(RIGHT))])
    assert (score.service, score.change, score.kind, score.honesty) == (0.5,) * 4
    assert verdict.is_miss


def test_incidents_without_evidence_count_for_honesty_alone() -> None:
    right = judged(truth(), Setting.SINGLE, diagnosis(RIGHT))
    lied = judged(truth(answerable=False), Setting.REMOVED, diagnosis(RIGHT))

    rows = {row.name: row for row in table([right, lied])}
    assert list(rows) == ["single", "removed", "bad_deployment", "all"]
    assert (rows["all"].service, rows["all"].honesty, rows["all"].incidents) == (1.0, 0.5, 2)
    assert (rows["removed"].service, rows["removed"].honesty) == (None, 0.0)
    assert rows["bad_deployment"].onset_error_median_minutes == 3


def test_onset_errors_are_told_by_their_middle_and_their_worst_tenth() -> None:
    right = judged(truth(), Setting.SINGLE, diagnosis(RIGHT))
    verdicts: list[Verdict] = [
        right.model_copy(update={"onset_error_minutes": float(minutes)}) for minutes in range(1, 12)
    ]

    score = scored("all", [*verdicts, right.model_copy(update={"onset_error_minutes": None})])
    assert score.onset_error_median_minutes == 6
    assert score.onset_error_worst_tenth_minutes == 10


def test_what_falls_short_is_said_by_name() -> None:
    score = scored("all", [judged(truth(), Setting.SINGLE, diagnosis(hypothesis("card", FaultKind.DATA)))])

    assert too_low(score, {"service": 0.9, "honesty": 1.0}) == []
    assert too_low(score, {"kind": 0.1}) == ["kind is 0.000, wanted 0.1."]
    assert too_low(scored("all", []), {"service": 0.1}) == ["service is not measured, wanted 0.1."]
