"""Personal data and secrets leave no process, order numbers do, and only what was handed out comes back."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.text.redaction import Redactor

REDACTOR = Redactor()
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
SLACK = "xoxb-" + "123456789012-abcdefghijkl"
GITHUB = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
OPENAI = "sk-proj-" + "abcdEFGH1234ijklMNOP5678"
STRIPE = "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc"
JWT = "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
PEM = "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEpAIBAAKCAQEA7\nabcd\n-----END RSA PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "secret", "kind"),
    [
        ("Write to jane.doe+test@mail.example.co.uk please.", "jane.doe+test@mail.example.co.uk", "EMAIL"),
        ("Call +49 30 901820 today", "+49 30 901820", "PHONE"),
        ("My number is (415) 555-0132.", "(415) 555-0132", "PHONE"),
        ("Card 4111 1111 1111 1111 was charged", "4111 1111 1111 1111", "CARD"),
        ("Amex 378282246310005", "378282246310005", "CARD"),
        ("Pay to DE89 3704 0044 0532 0130 00 now", "DE89 3704 0044 0532 0130 00", "IBAN"),
        ("SSN 536-22-8726 on file", "536-22-8726", "SSN"),
        ("from 203.0.113.77 and", "203.0.113.77", "IP"),
        ("from 2001:db8::8a2e:370:7334 and", "2001:db8::8a2e:370:7334", "IP"),
        (f"key {AWS} leaked", AWS, "SECRET"),
        (f"bot {SLACK} leaked", SLACK, "SECRET"),
        (f"{GITHUB} leaked", GITHUB, "SECRET"),
        (f"OPENAI={OPENAI}", OPENAI, "SECRET"),
        (f"we use {STRIPE}", STRIPE, "SECRET"),
        (f"Authorization: Bearer {JWT}", JWT, "SECRET"),
        (PEM, "MIIEpAIBAAKCAQEA7", "SECRET"),
        ("my password is hunter2, please help", "hunter2", "SECRET"),
        ("Password: S3cr3t!x", "S3cr3t!x", "SECRET"),
        ("das Passwort lautet geheim99", "geheim99", "SECRET"),
        ("postgres://admin:s3cr3t@db.example.com/prod", "s3cr3t", "SECRET"),
        ("https://example.com/cb?token=abcdef123456&x=1", "abcdef123456", "SECRET"),
        ("my pass\u200bword is hun\u200bter2", "hun\u200bter2", "SECRET"),
        ("mail ja\u200bne@exa\u200bmple.com", "ja\u200bne@exa\u200bmple.com", "EMAIL"),
    ],
)
def test_personal_data_and_secrets_become_tokens(text: str, secret: str, kind: str) -> None:
    redacted = REDACTOR.redact(text)
    assert secret not in redacted.text
    assert f"[{kind}_1]" in redacted.text


@pytest.mark.parametrize(
    "text",
    [
        "Order 100234567 and invoice INV-2024-001234 are missing",
        "order number 4512-8890-12 has not arrived",
        "HTTP 503 with error code ERR_CONN_1042 at 10:11:12 on 2026-03-01",
        "Version 10.4.2 returns 0x80070005",
        "My password is not working and the password is wrong",
        "The ticket 555-123-4567-8 is old",
        "tracking id 00340434161094042557",
        "contract 4111111111111112 has no check digit of a card",
        "We lost 1,234,567.89 EUR in 2024",
    ],
)
def test_order_numbers_error_codes_and_ordinary_sentences_survive(text: str) -> None:
    assert REDACTOR.redact(text).text == text


def test_known_names_are_found_in_any_case_and_by_their_parts() -> None:
    redacted = REDACTOR.redact("MARIA called, maria lópez that is; Lo\u200bpez? No, López.", ["Maria López"])
    assert "maria" not in redacted.text.lower()
    assert "lópez" not in redacted.text.lower()


def test_parts_of_names_that_are_everyday_words_stay() -> None:
    assert REDACTOR.redact("we will do it in may", ["Will May"]).text == "we will do it in may"


def test_the_same_thing_gets_the_same_token_all_over_a_json_value() -> None:
    redacted = REDACTOR.redact_json({"a": "x@example.com", "b": ["to X@example.com", {"c": "y@example.com"}]})
    assert redacted.value == {"a": "[EMAIL_1]", "b": ["to [EMAIL_1]", {"c": "[EMAIL_2]"}]}


def test_a_value_under_the_key_password_is_a_secret_whatever_it_looks_like() -> None:
    assert REDACTOR.redact_json({"db_password": "summer"}).value == {"db_password": "[SECRET_1]"}


def test_restoring_puts_back_what_was_taken_and_nothing_a_model_invents() -> None:
    redacted = REDACTOR.redact("Jane at jane@example.com", ["Jane"])
    answer = f"Dear {redacted.text.split()[0]}, we wrote to [EMAIL_1]; [EMAIL_9] and [NAME_4] are unknown."
    assert REDACTOR.restore(answer, redacted.mapping) == (
        "Dear Jane, we wrote to jane@example.com; [EMAIL_9] and [NAME_4] are unknown."
    )


def test_secrets_and_cards_are_never_put_back() -> None:
    redacted = REDACTOR.redact("password is hunter2 and card 4111111111111111, mail a@example.com")
    restored = REDACTOR.restore("[SECRET_1] [CARD_1] [EMAIL_1]", redacted.mapping)
    assert restored == "[SECRET_1] [CARD_1] a@example.com"


def test_a_token_that_the_customer_typed_is_not_handed_out_for_something_else() -> None:
    redacted = REDACTOR.redact("I typed [EMAIL_1] but mean a@example.com")
    assert redacted.text == "I typed [EMAIL_1] but mean [EMAIL_2]"
    assert REDACTOR.restore(redacted.text, redacted.mapping) == "I typed [EMAIL_1] but mean a@example.com"


def test_a_secret_across_the_border_of_two_parts_of_a_long_text_is_found() -> None:
    for shift in range(0, 30, 3):
        text = "x " * ((40_000 - shift) // 2) + AWS + " end " * 2_000
        assert AWS not in REDACTOR.redact(text).text


@pytest.mark.parametrize(
    "piece",
    [
        "1234567890",
        "12 34 ",
        "a",
        "a@",
        "password is ",
        "(1) ",
        ":",
        "AA11 ",
        "eyJabcdefgh.",
        "http://a:",
        "\u200b",
        "1.",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_no_text_makes_redaction_slow(piece: str) -> None:
    text = piece * (300_000 // len(piece))
    started = time.process_time()
    REDACTOR.redact(text, ["Jane Doe"])
    assert time.process_time() - started < 3


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_redaction_of_any_text_never_fails_and_comes_back_without_secrets(text: str) -> None:
    redacted = REDACTOR.redact(text)
    kinds = {token[1:].split("_")[0] for token in redacted.mapping}
    if not kinds & {"SECRET", "CARD", "SSN", "IBAN"}:
        again = REDACTOR.redact(REDACTOR.restore(redacted.text, redacted.mapping))
        assert again.text == redacted.text


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.emails(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(json_values)
def test_redacted_json_has_the_same_shape_and_no_e_mail_address(value: object) -> None:
    redacted = REDACTOR.redact_json(value)
    assert type(redacted.value) is type(value) or isinstance(redacted.value, (str, list))
    assert json.dumps(redacted.value) is not None
