"""The rules of approvals, one by one and as a machine that is thrown arbitrary decisions."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from domain.cases import approval as rules
from domain.cases.approval import ApprovalDecision, ApprovalQuestion, ApprovalState, ApprovalStatus
from domain.policies.case_policy import Ladder, Rung
from tests.fakes import at

NOW = at("2026-03-02T10:00:00+00:00")
QUESTION = ApprovalQuestion(action="refund", summary="Refund 20.00", arguments={"amount": 20.0, "customer": "C-1"})


def a_request(*rungs: Rung) -> ApprovalState:
    ladder = Ladder(rungs=rungs or (Rung(name="lead", roles=("support_lead",), time_allowed=timedelta(hours=1)),))
    return ApprovalState(request_id="reply-1", question=QUESTION, digest=QUESTION.digest, ladder=ladder, asked_at=NOW)


def word(person: str, *, approve: bool = True, reason: str = "", digest: str = QUESTION.digest) -> ApprovalDecision:
    return ApprovalDecision(request_id="reply-1", person_id=person, approve=approve, reason=reason, digest=digest)


def vote(request: ApprovalState, decision: ApprovalDecision) -> None:
    assert rules.refusal(request, decision) is None
    rules.record_vote(request, decision, NOW)
    request.votes = [cast.model_copy(update={"checked": True}) for cast in request.votes]
    rules.count_votes(request, NOW)


def test_digest_is_the_same_for_the_same_arguments_in_any_order_and_differs_for_any_change() -> None:
    same = QUESTION.model_copy(update={"arguments": {"customer": "C-1", "amount": 20.0}})
    assert same.digest == QUESTION.digest
    for changed in ({"amount": 20.01, "customer": "C-1"}, {"amount": 20.0, "customer": "C-2"}, {"amount": 20.0}):
        assert QUESTION.model_copy(update={"arguments": changed}).digest != QUESTION.digest
    assert QUESTION.model_copy(update={"action": "credit"}).digest != QUESTION.digest
    bound = {QUESTION.model_copy(update={"binding": binding}).digest for binding in ("", "tool-1", "tool-2")}
    assert len(bound) == 3


def test_unchecked_vote_decides_nothing() -> None:
    request = a_request()
    rules.open_rung(request, ["p-1"], NOW)
    rules.record_vote(request, word("p-1"), NOW)
    rules.count_votes(request, NOW)
    assert request.is_pending


def test_one_rejection_decides_even_when_a_quorum_is_wanted() -> None:
    request = a_request(Rung(name="two", roles=("x",), quorum=2, time_allowed=timedelta(hours=1)))
    rules.open_rung(request, ["p-1", "p-2"], NOW)
    vote(request, word("p-1", approve=False, reason="Too much"))
    assert request.status is ApprovalStatus.REJECTED
    assert request.reason == "Too much"
    assert not request.granted


def test_votes_of_two_rungs_do_not_add_up_to_one_quorum() -> None:
    first = Rung(name="two", roles=("x",), quorum=2, time_allowed=timedelta(hours=1))
    second = Rung(name="two more", roles=("y",), quorum=2, time_allowed=timedelta(hours=1))
    request = a_request(first, second)
    rules.open_rung(request, ["p-1", "p-2"], NOW)
    vote(request, word("p-1"))
    rules.open_rung(request, ["p-3", "p-4"], NOW)
    vote(request, word("p-3"))
    assert request.is_pending
    vote(request, word("p-2"))
    assert request.granted
    assert request.decided_by == ["p-1", "p-2"]


def test_expiry_follows_the_policy() -> None:
    denied, granted = a_request(), a_request()
    granted.ladder = granted.ladder.model_copy(update={"when_nobody_answers": "approve"})
    for request in (denied, granted):
        rules.expire(request, NOW)
    assert (denied.granted, granted.granted) == (False, True)
    assert denied.status is granted.status is ApprovalStatus.EXPIRED


def test_rung_where_nobody_is_left_ends_at_once() -> None:
    request = a_request()
    rung = rules.open_rung(request, [], NOW)
    assert rung.expires_at == NOW
    assert rules.next_deadline(request) == NOW


def test_reminder_comes_before_the_end_and_once() -> None:
    request = a_request()
    rung = rules.open_rung(request, ["p-1"], NOW)
    assert rules.next_deadline(request) == NOW + timedelta(minutes=30)
    rung.reminded = True
    assert rules.next_deadline(request) == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (word("surehand"), "own request"),
        (word("p-9"), "not been asked"),
        (word("p-1", digest="other"), "changed after you saw"),
        (word("p-1", approve=False), "needs a reason"),
        (word("p-1", approve=False, reason="  "), "needs a reason"),
    ],
)
def test_refusals_say_what_to_do(decision: ApprovalDecision, sentence: str) -> None:
    request = a_request()
    rules.open_rung(request, ["p-1"], NOW)
    assert sentence in (rules.refusal(request, decision) or "")


def test_nobody_decides_twice_while_others_are_waited_for() -> None:
    request = a_request(Rung(name="two", roles=("x",), quorum=2, time_allowed=timedelta(hours=1)))
    rules.open_rung(request, ["p-1", "p-2"], NOW)
    vote(request, word("p-1"))
    assert request.is_pending
    for approve in (True, False):
        said = rules.refusal(request, word("p-1", approve=approve, reason="no"))
        assert "decided on this request already" in (said or "")


def test_stranger_learns_nothing_about_a_decided_request() -> None:
    request = a_request()
    rules.open_rung(request, ["p-1"], NOW)
    vote(request, word("p-1"))
    assert "not been asked" in (rules.refusal(request, word("p-9")) or "")
    assert "approved already" in (rules.refusal(request, word("p-1")) or "")


class ArbitraryDecisions(RuleBasedStateMachine):
    """Whatever people do, a request is decided once, by people who were asked, who saw the arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.request = a_request(
            Rung(name="one", roles=("x",), quorum=2, time_allowed=timedelta(hours=1)),
            Rung(name="two", roles=("y",), time_allowed=timedelta(hours=1)),
        )
        self.first_outcome: ApprovalStatus | None = None

    @rule(people=st.lists(st.sampled_from(["p-1", "p-2", "p-3", "surehand"]), unique=True))
    def pass_on(self, people: list[str]) -> None:
        if rules.has_next_rung(self.request) and self.request.is_pending:
            rules.open_rung(self.request, people, NOW)

    @rule(
        person=st.sampled_from(["p-1", "p-2", "p-3", "p-9", "surehand"]),
        approve=st.booleans(),
        reason=st.sampled_from(["", "because"]),
        digest=st.sampled_from([QUESTION.digest, "other"]),
    )
    def decide(self, person: str, approve: bool, reason: str, digest: str) -> None:
        decision = word(person, approve=approve, reason=reason, digest=digest)
        if rules.refusal(self.request, decision) is None:
            vote(self.request, decision)

    @rule()
    def run_out_of_time(self) -> None:
        if self.request.is_pending and not rules.has_next_rung(self.request):
            rules.expire(self.request, NOW)

    @invariant()
    def granted_only_by_a_quorum_of_one_rung(self) -> None:
        if self.request.granted:
            voters = {cast.person_id for cast in self.request.votes if cast.approve}
            assert any(len(voters & set(rung.approvers)) >= rung.quorum for rung in self.request.rungs)
            assert "surehand" not in self.request.decided_by

    @invariant()
    def decided_once(self) -> None:
        if not self.request.is_pending:
            self.first_outcome = self.first_outcome or self.request.status
            assert self.request.status is self.first_outcome

    @invariant()
    def nobody_votes_twice(self) -> None:
        people = [cast.person_id for cast in self.request.votes]
        assert len(people) == len(set(people))


TestArbitraryDecisions = ArbitraryDecisions.TestCase
TestArbitraryDecisions.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
