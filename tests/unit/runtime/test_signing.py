"""Signatures on people's words: what they are about, how long they hold, and whose keys are trusted."""

from __future__ import annotations

import base64
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from domain.cases.approval import ApprovalDecision
from domain.cases.messages import ClaimInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.errors import ConfigurationProblem
from domain.identity.signing import SIGNAL_HOLDS, UPDATE_HOLDS, Signature, Word, WordKind, digest_of
from domain.model import Value
from runtime.settings.environment import load_settings
from runtime.settings.signing import TrustedKey
from runtime.temporal.signing import SigningKey, TrustedKeys, key_of, signature_in, trusted_of, with_signature

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DECISION = ApprovalDecision(request_id="refund-1", person_id="p-lena", approve=True, digest="d" * 64, reason="Fair")
WORD = Word(
    namespace="default",
    workflow_id="escalation:default:T-1",
    kind=WordKind.UPDATE,
    name="decide_approval",
    word_id="u-1",
    content=digest_of([DECISION]),
)


def key(name: str = "service", seed: int = 1, at: datetime = NOW) -> SigningKey:
    return SigningKey(name, bytes([seed]) * 32, lambda: at)


def trusting(*keys: SigningKey, at: datetime = NOW, until: date | None = None) -> TrustedKeys:
    return TrustedKeys({one.key_id: TrustedKey(one.public, until) for one in keys}, lambda: at)


def test_a_word_that_a_trusted_key_signed_is_taken_wherever_its_headers_went() -> None:
    found = signature_in(with_signature({}, key().sign(WORD)))
    assert found is not None
    assert trusting(key()).refusal(WORD, found) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"namespace": "other"},
        {"workflow_id": "escalation:default:T-2"},
        {"workflow_id": "escalation:other:T-1"},
        {"kind": WordKind.SIGNAL},
        {"name": "claim"},
        {"word_id": "u-2"},
        *(
            {"content": digest_of([DECISION.model_copy(update=change)])}
            for change in (
                {"request_id": "refund-2"},
                {"person_id": "p-omar"},
                {"approve": False},
                {"digest": "e" * 64},
                {"reason": "Other"},
            )
        ),
    ],
)
def test_a_signature_holds_for_one_word_and_no_other(changed: dict[str, Any]) -> None:
    other = WORD.model_copy(update=changed)
    assert other != WORD
    assert trusting(key()).refusal(other, key().sign(WORD)) == "it was signed for something else"


@pytest.mark.parametrize(
    "changed",
    [
        {"nonce": "another-nonce-of-somebody"},
        {"issued_at": NOW + timedelta(seconds=1)},
        {"expires_at": NOW + timedelta(hours=1)},
        {"value": base64.b64encode(bytes(64)).decode()},
        {"value": "no base64"},
        {"value": ""},
    ],
)
def test_nothing_of_a_signature_can_be_changed(changed: dict[str, Any]) -> None:
    forged = key().sign(WORD).model_copy(update=changed)
    assert trusting(key()).refusal(WORD, forged) == "it was signed for something else"


def test_a_key_that_nobody_trusts_signs_nothing_even_under_a_trusted_name() -> None:
    assert "does not trust" in (trusting(key()).refusal(WORD, key("stranger", 2).sign(WORD)) or "")
    assert "something else" in (trusting(key()).refusal(WORD, key("service", 2).sign(WORD)) or "")


def test_a_signature_holds_for_its_time_and_the_difference_of_two_clocks() -> None:
    signed = key().sign(WORD)
    latest = NOW + UPDATE_HOLDS + timedelta(minutes=1)
    assert trusting(key(), at=latest).refusal(WORD, signed) is None
    assert "too late" in (trusting(key(), at=latest + timedelta(minutes=2)).refusal(WORD, signed) or "")
    assert trusting(key(), at=NOW - timedelta(minutes=1)).refusal(WORD, signed) is None
    assert "clock" in (trusting(key(), at=NOW - timedelta(minutes=3)).refusal(WORD, signed) or "")


def test_a_signal_waits_longer_for_a_worker_and_nothing_holds_longer_than_that() -> None:
    word = WORD.model_copy(update={"kind": WordKind.SIGNAL, "name": "escalate_now", "word_id": ""})
    signed = key().sign(word)
    assert trusting(key(), at=NOW + SIGNAL_HOLDS).refusal(word, signed) is None
    # Even the holder of a key cannot make one for ever.
    eternal = signed.model_copy(update={"expires_at": NOW + SIGNAL_HOLDS + timedelta(seconds=1)})
    assert "time is wrong" in (trusting(key()).refusal(word, eternal) or "")
    timeless = signed.model_copy(update={"issued_at": NOW.replace(tzinfo=None)})
    assert "time is wrong" in (trusting(key()).refusal(word, timeless) or "")


def test_a_key_holds_to_the_end_of_its_last_day() -> None:
    last = date(2026, 11, 20)
    evening, morning = datetime(2026, 11, 20, 23, 59, tzinfo=UTC), datetime(2026, 11, 21, 0, 1, tzinfo=UTC)
    assert trusting(key(), at=evening, until=last).refusal(WORD, key(at=evening).sign(WORD)) is None
    late = trusting(key(), at=morning, until=last).refusal(WORD, key(at=morning).sign(WORD))
    assert late == "it was signed with a key that has run out"


def test_keys_change_one_after_the_other() -> None:
    old, new = key("2026", 1), key("2027", 2)
    both = trusting(old, new)
    assert both.refusal(WORD, old.sign(WORD)) is None
    assert both.refusal(WORD, new.sign(WORD)) is None
    assert "does not trust" in (trusting(new).refusal(WORD, old.sign(WORD)) or "")


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[1]", b'"x"', b'{"key_id":"a","nonce":"b"}', b"x" * 5_000])
def test_a_header_that_is_no_signature_counts_as_none(data: bytes) -> None:
    headers = with_signature({}, key().sign(WORD))
    (payload,) = headers.values()
    payload.data = data
    assert signature_in(headers) is None
    assert signature_in({}) is None


def test_two_signatures_of_one_word_are_two() -> None:
    assert key().sign(WORD).nonce != key().sign(WORD).nonce


def test_what_is_signed_survives_the_way_through_temporal() -> None:
    word = UnparkInput(
        step="charge-1",
        action=UnparkAction.RETRY,
        person_id="p-greta",
        arguments={
            "amount": 12.5,
            "whole": 3.0,
            "n": 10**19,
            "text": "Größe \U0001f600 \x00",
            "list": [None, {"b": 1, "a": 2}],
        },
        parked_at=NOW + timedelta(microseconds=5),
    )
    back = UnparkInput.model_validate_json(word.model_dump_json())
    assert digest_of([back]) == digest_of([word])


def test_a_newer_field_with_its_default_does_not_break_an_older_signature() -> None:
    class Newer(ClaimInput):
        note: str = ""

    older = ClaimInput(person_id="p-lena", take_over=True)
    newer: Value = TypeAdapter(Newer).validate_json(older.model_dump_json())
    assert digest_of([newer]) == digest_of([older])
    assert digest_of([Newer(person_id="p-lena", take_over=True, note="x")]) != digest_of([older])


# Settings

PRIVATE = base64.b64encode(bytes([1]) * 32).decode()
PUBLIC = base64.b64encode(key().public).decode()


def test_keys_come_from_variables_or_from_files(tmp_path: Path) -> None:
    private, trusted = tmp_path / "signing.key", tmp_path / "trusted.keys"
    private.write_text(f"service:{PRIVATE}\n")
    trusted.write_text(f"service:{PUBLIC}\n\ncli:{PUBLIC}:2027-01-31\n")
    for variables in (
        {"KEY": f"service:{PRIVATE}", "TRUSTED": f"service:{PUBLIC}, cli:{PUBLIC}:2027-01-31"},
        {"KEY_FILE": str(private), "TRUSTED_FILE": str(trusted)},
    ):
        found = load_settings(environ={f"SUREHAND_SIGNING__{name}": text for name, text in variables.items()})
        mine, theirs = key_of(found.signing), trusted_of(found.signing)
        assert mine is not None
        assert theirs is not None
        assert theirs.refusal(WORD, mine.sign(WORD)) is None
        assert found.signing.trusted_keys()["cli"].until == date(2027, 1, 31)
        assert PRIVATE not in repr(found)


def test_without_keys_nothing_is_signed_and_nothing_refused() -> None:
    found = load_settings(environ={}).signing
    assert (key_of(found), trusted_of(found)) == (None, None)


def test_a_private_key_is_hidden_from_logs() -> None:
    settings = load_settings(environ={"SUREHAND_SIGNING__KEY": f"service:{PRIVATE}"})
    assert PRIVATE in settings.secret_values()


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"KEY": PRIVATE}, "id:base64"),
        ({"KEY": "a:short"}, "32 bytes"),
        ({"KEY": f"a b:{PRIVATE}"}, "id:base64"),
        ({"TRUSTED": f"a:{PUBLIC},a:{PUBLIC}"}, "same id"),
        ({"TRUSTED": f"a:{PUBLIC}:soon"}, "2027-01-31"),
        ({"TRUSTED": f"a:{PUBLIC},b"}, "32 bytes"),
        ({"KEY_FILE": "/nowhere"}, "cannot be read"),
        ({"KEY": f"a:{PRIVATE}", "KEY_FILE": "FILE"}, "keep one of them"),
        ({"TRUSTED_FILE": "FILE"}, "without a key"),
    ],
)
def test_keys_that_cannot_be_used_stop_the_start(variables: dict[str, str], says: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    environ = {f"SUREHAND_SIGNING__{name}": text.replace("FILE", str(empty)) for name, text in variables.items()}
    with pytest.raises(ConfigurationProblem) as caught:
        load_settings(environ=environ)
    assert says in str(caught.value)
    assert PRIVATE not in str(caught.value)


def test_a_signature_shows_no_person() -> None:
    assert set(Signature.model_fields) == {"key_id", "nonce", "issued_at", "expires_at", "value"}
