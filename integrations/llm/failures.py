"""The one place where what goes wrong at a model's endpoint becomes a decision: rest it, or only pass on to the next.

No sentence here repeats the endpoint's own words: they can quote the prompt or part of a key.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import openai

from domain.model import Term
from integrations.llm.transport import ResponseTooLarge

THROTTLED_REST = timedelta(seconds=10)
"""How long a throttled endpoint rests when it does not say."""
LONGEST_THROTTLED_REST = timedelta(minutes=5)
UNAVAILABLE_REST = timedelta(seconds=30)
MISCONFIGURED_REST = timedelta(minutes=15)

_OUT_OF_QUOTA = ("insufficient_quota", "billing_hard_limit_reached", "quota_exceeded", "billing_not_active")


class Failing(Term):
    """What a failure says about the endpoint."""

    THROTTLED = "throttled"
    """It asked us to slow down: rest it for as long as it said."""
    UNAVAILABLE = "unavailable"
    """It may pass: rest it when it happens several times in a row."""
    MISCONFIGURED = "misconfigured"
    """Only a person can help (key, quota, model's name): rest it for long and tell the operator once."""
    NO_ANSWER = "no_answer"
    """The endpoint is well, and this question got nothing usable from it."""


class ProviderFailure(Exception):
    """One endpoint gave no usable answer."""

    def __init__(self, failing: Failing, reason: str, *, rest: timedelta = timedelta(0), sent: bool = True) -> None:
        """Keep what to do about it.

        Args:
            failing: what it says about the endpoint.
            reason: a short clause for a sentence such as `primary timed out`.
            rest: how long to leave the endpoint alone.
            sent: whether the endpoint may have worked on the question, and so may charge for it.
        """
        super().__init__(reason)
        self.failing = failing
        self.reason = reason
        self.rest = rest
        self.sent = sent


def from_openai(error: Exception, now: datetime) -> ProviderFailure:
    """Translate an error of the `openai` library, row by row.

    Args:
        error: what the call raised.
        now: for a Retry-After that is a date.
    """
    if isinstance(error, openai.APIStatusError):
        return _from_status(error, now)
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        return ProviderFailure(Failing.UNAVAILABLE, "timed out", rest=UNAVAILABLE_REST)
    if isinstance(error.__cause__, ResponseTooLarge):
        return ProviderFailure(Failing.NO_ANSWER, "sent an answer that is too large")
    if isinstance(error, openai.APIConnectionError):
        return ProviderFailure(Failing.UNAVAILABLE, "could not be reached", rest=UNAVAILABLE_REST, sent=False)
    return ProviderFailure(Failing.NO_ANSWER, "sent something that is not an answer")


def _from_status(error: openai.APIStatusError, now: datetime) -> ProviderFailure:
    status = error.status_code
    if status == 402 or (status in (403, 429) and _quota_is_spent(error)):
        return ProviderFailure(Failing.MISCONFIGURED, "is out of quota", rest=MISCONFIGURED_REST, sent=False)
    if status == 429:
        rest = retry_after(error.response.headers.get("retry-after"), now) or THROTTLED_REST
        return ProviderFailure(
            Failing.THROTTLED, "asked us to slow down", rest=min(rest, LONGEST_THROTTLED_REST), sent=False
        )
    if status in (401, 403):
        return ProviderFailure(
            Failing.MISCONFIGURED, f"refused our key (status {status})", rest=MISCONFIGURED_REST, sent=False
        )
    if status in (404, 405) or 300 <= status < 400:
        reason = f"has no such model or address (status {status})"
        return ProviderFailure(Failing.MISCONFIGURED, reason, rest=MISCONFIGURED_REST, sent=False)
    if status >= 500 or status in (408, 409):
        rest = retry_after(error.response.headers.get("retry-after"), now) or UNAVAILABLE_REST
        rest = min(rest, LONGEST_THROTTLED_REST)
        return ProviderFailure(Failing.UNAVAILABLE, f"failed (status {status})", rest=rest, sent=False)
    return ProviderFailure(Failing.NO_ANSWER, f"refused the request (status {status})", sent=False)


def _quota_is_spent(error: openai.APIStatusError) -> bool:
    return any(isinstance(word, str) and word in _OUT_OF_QUOTA for word in (error.code, error.type))


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Read a Retry-After header, in seconds or as a date (RFC 9110, section 10.2.3); None when it says nothing."""
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return timedelta(seconds=min(float(text), 86_400.0)) or None
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(at - now, timedelta(0)) or None
