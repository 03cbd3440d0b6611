"""Business time: opening hours, holidays, changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.policies.sla import Calendar
from domain.sla.calendars import add_business_time, business_time_between
from tests.fakes import at

OFFICE = Calendar(
    name="berlin",
    time_zone="Europe/Berlin",
    hours={day: ((time(9), time(17)),) for day in range(5)},
    holidays=(date(2026, 5, 1),),
)
AROUND_THE_CLOCK = Calendar(name="always")
NIGHT_SHIFT = Calendar(
    name="night", time_zone="Europe/Berlin", hours={day: ((time(22), time.max),) for day in range(7)}
)


def test_friday_afternoon_runs_on_on_monday_morning() -> None:
    friday = at("2026-03-06T16:00:00+01:00")
    assert add_business_time(OFFICE, friday, timedelta(hours=2)) == at("2026-03-09T10:00:00+01:00")
    assert business_time_between(OFFICE, friday, at("2026-03-09T10:00:00+01:00")) == timedelta(hours=2)


def test_holiday_and_weekend_do_not_count() -> None:
    thursday = at("2026-04-30T16:30:00+02:00")
    assert add_business_time(OFFICE, thursday, timedelta(hours=1)) == at("2026-05-04T09:30:00+02:00")


def test_change_of_clocks_moves_the_opening_hour_and_not_its_length() -> None:
    before_change = at("2026-03-27T16:00:00+01:00")
    assert add_business_time(OFFICE, before_change, timedelta(hours=2)) == at("2026-03-30T10:00:00+02:00")
    all_day = Calendar(name="x", time_zone="Europe/Berlin", hours={6: ((time.min, time.max),)})
    sunday = at("2026-03-29T00:00:00+01:00")
    assert business_time_between(all_day, sunday, at("2026-03-30T00:00:00+02:00")) == timedelta(hours=23)


def test_span_up_to_midnight_ends_with_the_day() -> None:
    start = at("2026-03-02T23:30:00+01:00")
    assert add_business_time(NIGHT_SHIFT, start, timedelta(hours=1)) == at("2026-03-03T22:30:00+01:00")


def test_closed_calendar_delays_a_deadline_and_never_loses_it() -> None:
    closed = Calendar(name="closed", holidays=(date(2026, 1, 1),), hours={})
    assert add_business_time(closed, at("2026-01-01T10:00:00+00:00"), timedelta(hours=1)) == at(
        "2026-01-02T01:00:00+00:00"
    )
    never = Calendar(name="never", hours={0: ()})
    assert add_business_time(never, at("2026-01-01T10:00:00+00:00"), timedelta(hours=1)) > at(
        "2027-06-01T00:00:00+00:00"
    )


def test_time_does_not_run_backwards() -> None:
    later, earlier = at("2026-03-06T16:00:00+01:00"), at("2026-03-05T16:00:00+01:00")
    for calendar in (OFFICE, AROUND_THE_CLOCK):
        assert business_time_between(calendar, later, earlier) == timedelta(0)
        assert add_business_time(calendar, later, timedelta(seconds=-5)) == later


instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001  (hypothesis adds the zone)
durations = st.timedeltas(timedelta(0), timedelta(hours=60))


@settings(max_examples=80, deadline=None)
@given(start=instants, duration=durations, calendar=st.sampled_from([OFFICE, AROUND_THE_CLOCK, NIGHT_SHIFT]))
def test_adding_and_measuring_are_inverse(start: datetime, duration: timedelta, calendar: Calendar) -> None:
    end = add_business_time(calendar, start, duration)
    assert business_time_between(calendar, start, end) == duration


@settings(max_examples=80, deadline=None)
@given(start=instants, first=durations, second=durations)
def test_business_time_adds_up(start: datetime, first: timedelta, second: timedelta) -> None:
    middle, end = start + first, start + first + second
    whole = business_time_between(OFFICE, start, end)
    assert whole == business_time_between(OFFICE, start, middle) + business_time_between(OFFICE, middle, end)
    assert timedelta(0) <= whole <= end - start
