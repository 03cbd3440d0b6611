"""When an endpoint is left alone, and how its delays are read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from integrations.llm.failures import Failing, ProviderFailure, retry_after
from integrations.llm.rest import FAILURES_BEFORE_REST, LONGEST_PROBE, Rest

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DOWN = ProviderFailure(Failing.UNAVAILABLE, "failed", rest=timedelta(seconds=30))
SLOW_DOWN = ProviderFailure(Failing.THROTTLED, "asked us to slow down", rest=timedelta(seconds=20))


def broken() -> Rest:
    rest = Rest()
    for _ in range(FAILURES_BEFORE_REST):
        assert rest.enter(NOW)
        rest.failed(DOWN, NOW)
    return rest


@pytest.mark.parametrize(
    ("header", "delay"),
    [
        ("20", timedelta(seconds=20)),
        (" 1.5 ", timedelta(seconds=1.5)),
        ("Mon, 23 Nov 2026 12:00:40 GMT", timedelta(seconds=40)),
        ("Mon, 23 Nov 2026 12:00:40", timedelta(seconds=40)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", None),
        ("9" * 30, timedelta(days=1)),
        ("0", None),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("Mon, 99 Nov 2026 12:00:40 GMT", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header, delay):
    assert retry_after(header, NOW) == delay


def test_one_time_out_is_no_reason_to_rest():
    rest = Rest()
    assert rest.failed(DOWN, NOW) is False
    assert rest.enter(NOW)


def test_failures_in_a_row_are_and_an_answer_between_them_starts_anew():
    rest = Rest()
    for _ in range(FAILURES_BEFORE_REST - 1):
        rest.failed(DOWN, NOW)
    rest.succeeded()
    rest.failed(DOWN, NOW)
    assert rest.enter(NOW)
    assert not broken().enter(NOW + 29 * SECOND)


def test_a_poor_answer_says_nothing_against_the_endpoint():
    rest = Rest()
    for _ in range(10):
        assert rest.failed(ProviderFailure(Failing.NO_ANSWER, "refused to answer"), NOW) is False
    assert rest.enter(NOW)


def test_throttling_rests_at_once_and_is_told_once():
    rest = Rest()
    assert rest.failed(SLOW_DOWN, NOW) is True
    assert rest.failed(SLOW_DOWN, NOW) is False
    assert not rest.enter(NOW + 19 * SECOND)
    assert rest.enter(NOW + 21 * SECOND)


def test_a_late_failure_does_not_shorten_a_rest():
    rest = Rest()
    rest.failed(ProviderFailure(Failing.MISCONFIGURED, "refused our key", rest=timedelta(minutes=15)), NOW)
    rest.failed(SLOW_DOWN, NOW + SECOND)
    assert not rest.enter(NOW + timedelta(minutes=14))


def test_only_the_probe_goes_through_after_a_rest():
    rest = broken()
    later = NOW + 31 * SECOND
    assert [rest.enter(later) for _ in range(5)] == [True, False, False, False, False]
    rest.succeeded()
    assert rest.enter(later)


def test_a_probe_that_fails_makes_the_next_rest_twice_as_long():
    rest = broken()
    later = NOW + 31 * SECOND
    assert rest.enter(later)
    assert rest.failed(DOWN, later) is True
    assert not rest.enter(later + 59 * SECOND)
    assert rest.enter(later + 61 * SECOND)


def test_a_probe_that_was_given_up_or_lost_lets_the_next_one_probe():
    given_up, lost = broken(), broken()
    later = NOW + 31 * SECOND
    given_up.enter(later)
    given_up.left()
    assert given_up.enter(later)
    lost.enter(later)
    assert not lost.enter(later + LONGEST_PROBE - SECOND)
    assert lost.enter(later + LONGEST_PROBE)


def test_a_clock_set_back_a_day_does_not_make_a_rest_a_day_long():
    assert broken().enter(NOW - timedelta(days=1))
