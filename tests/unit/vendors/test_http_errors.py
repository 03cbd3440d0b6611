"""The translation tables of the vendors that speak HTTP, row by row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from domain.errors import (
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from integrations import hubspot, zendesk
from integrations.http import Reply, Translate, Unreadable, read_reply, retry_after, transport_error
from integrations.stripe import billing

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TRANSLATIONS = {"zendesk": zendesk.translate, "hubspot": hubspot.translate, "stripe": billing.translate}
ROWS: list[tuple[int, type[VendorError], type[VendorError]]] = [
    # status, what a read becomes, what a write becomes
    (301, VendorRefused, VendorRefused),
    (302, VendorRefused, VendorRefused),
    (308, VendorRefused, VendorRefused),
    (400, VendorRefused, VendorRefused),
    (401, VendorRefused, VendorRefused),
    (403, VendorRefused, VendorRefused),
    (404, NotFoundAtVendor, NotFoundAtVendor),
    (405, VendorRefused, VendorRefused),
    (408, VendorUnavailable, OutcomeUnknown),
    (410, NotFoundAtVendor, NotFoundAtVendor),
    (413, VendorRefused, VendorRefused),
    (422, VendorRefused, VendorRefused),
    (425, VendorUnavailable, VendorUnavailable),
    (429, VendorThrottled, VendorThrottled),
    (500, VendorUnavailable, OutcomeUnknown),
    (501, VendorRefused, VendorRefused),
    (502, VendorUnavailable, OutcomeUnknown),
    (503, VendorUnavailable, VendorUnavailable),
    (504, VendorUnavailable, OutcomeUnknown),
    (521, VendorUnavailable, VendorUnavailable),
    (524, VendorUnavailable, OutcomeUnknown),
    (529, VendorUnavailable, VendorUnavailable),
]
OWN_ROWS: list[tuple[str, int, type[VendorError]]] = [
    ("zendesk", 409, VendorUnavailable),
    ("zendesk", 412, VendorUnavailable),
    ("hubspot", 409, VendorRefused),
    ("hubspot", 423, VendorUnavailable),
    ("hubspot", 477, VendorUnavailable),
    ("stripe", 402, VendorRefused),
    ("stripe", 409, VendorUnavailable),
]


@pytest.mark.parametrize("vendor", TRANSLATIONS)
@pytest.mark.parametrize(("status", "read", "write"), ROWS)
def test_each_status_becomes_wait_retry_or_never(
    vendor: str, status: int, read: type[VendorError], write: type[VendorError]
) -> None:
    translate: Translate = TRANSLATIONS[vendor]
    assert type(translate(Reply(status), False)) is read
    assert type(translate(Reply(status), True)) is write


@pytest.mark.parametrize(("vendor", "status", "kind"), OWN_ROWS)
def test_what_differs_at_one_vendor(vendor: str, status: int, kind: type[VendorError]) -> None:
    assert type(TRANSLATIONS[vendor](Reply(status), True)) is kind


@pytest.mark.parametrize(
    ("vendor", "body", "code"),
    [
        ("zendesk", {"error": "RecordInvalid", "details": {}}, "RecordInvalid"),
        ("zendesk", {"error": {"title": "Forbidden", "message": "no"}}, "Forbidden"),
        ("hubspot", {"category": "VALIDATION_ERROR"}, "VALIDATION_ERROR"),
        ("stripe", {"error": {"type": "invalid_request_error", "code": "amount_too_large"}}, "amount_too_large"),
        ("stripe", {"error": {"type": "card_error"}}, "card_error"),
        ("stripe", {"error": "odd"}, "400"),
        ("zendesk", ["odd"], "400"),
        ("hubspot", None, "400"),
    ],
)  # fmt: skip
def test_the_vendors_own_word_is_kept(vendor: str, body: object, code: str) -> None:
    assert TRANSLATIONS[vendor](Reply(400, body), True).code == code


@pytest.mark.parametrize("vendor", TRANSLATIONS)
def test_what_the_vendor_says_never_stands_in_our_sentence(vendor: str) -> None:
    body = {"error": {"message": "secret-word"}, "message": "secret-word", "description": "secret-word"}
    for status in (400, 401, 403, 404, 409, 422, 429, 500, 503):
        assert "secret-word" not in str(TRANSLATIONS[vendor](Reply(status, body), True))


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("30", timedelta(seconds=30)),
        (" 1.5 ", timedelta(seconds=1.5)),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), timedelta(minutes=2)),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("1e9", None),
        ("99999999", timedelta(days=1)),
        ("٣", None),
        ("nan", None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header: str | None, wait: timedelta | None) -> None:
    assert retry_after(header, NOW) == wait


def test_the_vendors_wish_for_a_delay_is_kept_when_throttled_and_when_unavailable() -> None:
    for status in (429, 503):
        error = zendesk.translate(Reply(status, None, {"retry-after": "30"}), True)
        assert isinstance(error, VendorUnavailable)
        assert error.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("error", "write", "sent", "kind", "code"),
    [
        (httpx.ConnectError("x"), True, False, VendorUnavailable, "connection"),
        (httpx.ConnectTimeout("x"), True, False, VendorUnavailable, "timeout"),
        (TimeoutError(), True, False, VendorUnavailable, "timeout"),
        (httpx.ReadTimeout("x"), True, True, OutcomeUnknown, "timeout"),
        (httpx.ReadTimeout("x"), False, True, VendorUnavailable, "timeout"),
        (TimeoutError(), True, True, OutcomeUnknown, "timeout"),
        (httpx.RemoteProtocolError("cut off"), True, True, OutcomeUnknown, "connection"),
        (httpx.RemoteProtocolError("cut off"), False, True, VendorUnavailable, "connection"),
        (Unreadable(), True, True, OutcomeUnknown, "unreadable"),
        (Unreadable(), False, True, VendorUnavailable, "unreadable"),
        (httpx.UnsupportedProtocol("x"), True, False, VendorRefused, "bad_address"),
        (httpx.InvalidURL("x"), False, False, VendorRefused, "bad_address"),
    ],
)
def test_a_call_without_an_answer_is_unknown_only_when_a_write_was_sent(
    error: Exception, write: bool, sent: bool, kind: type[VendorError], code: str
) -> None:
    translated = transport_error("stripe", error, write=write, sent=sent)
    assert type(translated) is kind
    assert translated.code == code


@pytest.mark.parametrize(
    "content", [b"<html>", b'{"a": "\xe9"}', b'{"a": NaN}', b'{"a": ', b"[" * 100_000, b"\xff\xfe{\x00}\x00"]
)
def test_what_is_not_json_in_utf8_is_unreadable(content: bytes) -> None:
    assert not read_reply(200, {}, content).readable


def test_an_empty_body_is_nothing() -> None:
    assert read_reply(204, {}, b" \n") == Reply(204, None, {})
