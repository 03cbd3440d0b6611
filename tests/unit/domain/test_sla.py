"""SLA clocks: warn, breach, stand still, are met, are measured anew."""

from __future__ import annotations

from datetime import timedelta

from domain.policies.sla import Calendar
from domain.sla import clocks as sla
from domain.sla.clocks import ClockName, SlaClock
from tests.fakes import at

ALWAYS = Calendar(name="always")
START = at("2026-03-02T10:00:00+00:00")
WARN = (50, 75, 90)


def a_clock(minutes: int = 60) -> SlaClock:
    return SlaClock(name=ClockName.FIRST_RESPONSE, target=timedelta(minutes=minutes), running_since=START)


def test_events_come_in_order_and_each_once() -> None:
    clock, seen = a_clock(), []
    while (event := sla.next_event([clock], ALWAYS, WARN)) is not None:
        seen.append((event.percent, event.at - START))
        sla.record_event(clock, event, event.at, WARN)
    assert seen == [
        (50, timedelta(minutes=30)),
        (75, timedelta(minutes=45)),
        (90, timedelta(minutes=54)),
        (100, timedelta(minutes=60)),
    ]
    assert clock.breached_at == START + timedelta(minutes=60)


def test_clock_that_stands_still_reaches_nothing_and_goes_on_where_it_stood() -> None:
    clock = a_clock()
    sla.pause(clock, ALWAYS, START + timedelta(minutes=20))
    assert sla.next_event([clock], ALWAYS, WARN) is None
    assert sla.deadline(clock, ALWAYS) is None
    sla.resume(clock, START + timedelta(hours=5))
    assert sla.deadline(clock, ALWAYS) == START + timedelta(hours=5, minutes=40)


def test_met_clock_warns_no_more() -> None:
    clock = a_clock()
    sla.meet(clock, ALWAYS, START + timedelta(minutes=10))
    assert clock.counted == timedelta(minutes=10)
    assert sla.next_event([clock], ALWAYS, WARN) is None
    sla.resume(clock, START + timedelta(minutes=20))
    assert clock.running_since is None


def test_higher_priority_shortens_what_is_left_and_may_breach_at_once() -> None:
    clock = a_clock(480)
    now = START + timedelta(minutes=40)
    sla.retarget(clock, timedelta(minutes=60), ALWAYS, now)
    assert sla.deadline(clock, ALWAYS) == START + timedelta(minutes=60)
    sla.retarget(clock, timedelta(minutes=15), ALWAYS, now)
    event = sla.next_event([clock], ALWAYS, WARN)
    assert event is not None
    assert event.at <= now


def test_lower_priority_allows_the_same_warning_again() -> None:
    clock = a_clock(60)
    first = sla.next_event([clock], ALWAYS, WARN)
    assert first is not None
    sla.record_event(clock, first, first.at, WARN)
    sla.retarget(clock, timedelta(minutes=240), ALWAYS, first.at)
    again = sla.next_event([clock], ALWAYS, WARN)
    assert again is not None
    assert (again.percent, again.at) == (50, START + timedelta(minutes=120))


def test_breach_counts_every_warning_as_given() -> None:
    clock = a_clock()
    late = sla.SlaEvent(clock=clock.name, percent=100, at=START)
    sla.record_event(clock, late, START + timedelta(hours=2), WARN)
    assert sla.next_event([clock], ALWAYS, WARN) is None
