"""Slack's refusals, row by row."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from domain.errors import (
    NotFoundAtVendor,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from integrations.slack.session import SlackAnswerTooLarge, SlackRedirected, translate


class Answer:
    """What slack_sdk hangs on its error."""

    def __init__(self, code: str | None, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.data: Any = {"ok": False, "error": code} if code else {}
        self.status_code = status
        self.headers = headers or {}


def refused(code: str | None, status: int = 200, headers: dict[str, str] | None = None) -> SlackApiError:
    return SlackApiError("the request and the answer in full", Answer(code, status, headers))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ratelimited", VendorThrottled),
        ("rate_limited", VendorThrottled),
        ("service_unavailable", VendorUnavailable),
        ("internal_error", OutcomeUnknown),
        ("fatal_error", OutcomeUnknown),
        ("request_timeout", OutcomeUnknown),
        ("channel_not_found", NotFoundAtVendor),
        ("message_not_found", NotFoundAtVendor),
        ("is_archived", VendorRefused),
        ("not_in_channel", VendorRefused),
        ("msg_too_long", VendorRefused),
        ("invalid_blocks", VendorRefused),
        ("token_revoked", VendorRefused),
        ("invalid_auth", VendorRefused),
        ("missing_scope", VendorRefused),
        ("something_new", VendorRefused),
    ],
)
def test_each_word_becomes_wait_retry_or_never(code: str, kind: type[VendorError]) -> None:
    translated = translate(refused(code), write=True, sent=True)
    assert type(translated) is kind
    assert translated.code == code
    assert "in full" not in str(translated)


def test_in_doubt_is_only_unavailable_for_a_read() -> None:
    assert type(translate(refused("internal_error"), write=False, sent=True)) is VendorUnavailable


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, VendorThrottled), (500, OutcomeUnknown), (503, OutcomeUnknown), (403, VendorRefused), (200, OutcomeUnknown)],
)
def test_each_status_without_a_word(status: int, kind: type[VendorError]) -> None:
    assert type(translate(refused(None, status), write=True, sent=True)) is kind


def test_the_wait_that_slack_asks_for_is_kept() -> None:
    translated = translate(refused(None, 429, {"Retry-After": "30"}), write=True, sent=True)
    assert isinstance(translated, VendorThrottled)
    assert translated.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("error", "sent", "kind"),
    [
        (aiohttp.ClientConnectionError(), False, VendorUnavailable),
        (aiohttp.ServerDisconnectedError(), True, OutcomeUnknown),
        (TimeoutError(), False, VendorUnavailable),
        (TimeoutError(), True, OutcomeUnknown),
        (aiohttp.ClientPayloadError(), True, OutcomeUnknown),
        (aiohttp.InvalidURL("x"), False, VendorRefused),
        (SlackRedirected(), True, VendorRefused),
        (SlackAnswerTooLarge(), True, OutcomeUnknown),
        (AttributeError(), True, OutcomeUnknown),
        (UnicodeDecodeError("utf-8", b"x", 0, 1, "x"), True, OutcomeUnknown),
    ],
)
def test_a_call_without_an_answer_is_unknown_only_when_it_was_sent(
    error: Exception, sent: bool, kind: type[VendorError]
) -> None:
    assert type(translate(error, write=True, sent=sent)) is kind
