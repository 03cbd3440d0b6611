"""How trouble spreads: callers see timeouts and errors, those below get less to do, everybody above gets worse."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

from sandbox.incidents.faults import SEEN_AS, Fault
from sandbox.incidents.system import Part, System

Series = list[float]


@dataclass
class Course:
    """One part's life, by minute."""

    load: Series
    """Requests, against its usual number."""
    own: Series
    """Share of requests that fail through a fault of its own and that its own log tells of."""
    failing: Series
    """Share of its answers that are errors, whatever the reason."""
    slower: Series
    """How many times slower it answers; 0 is as usual."""
    seen: dict[str, Series] = field(default_factory=dict)
    """Share of calls to it that fail in its callers' eyes, by what they see."""
    failed_calls: dict[tuple[str, str], Series] = field(default_factory=dict)
    """Its own failed calls as a share of its requests, by callee and what was wrong."""

    def seen_share(self, minute: int) -> float:
        """Share of calls to it that fail."""
        return min(1.0, sum(series[minute] for series in self.seen.values()))


def spread(
    rng: random.Random, system: System, faults: tuple[Fault, ...], minutes: int, quiet: bool
) -> dict[str, Course]:
    """Work out every part's course.

    Args:
        rng: decides noise.
        system: the system.
        faults: what strikes.
        minutes: length of the evidence.
        quiet: leave out what traffic alone would give away (how much there is to do).
    """
    day = rng.uniform(0, 2 * math.pi)
    courses = {part.name: _usual(rng, minutes, day) for part in system.parts}
    for fault in faults:
        if fault.kind == "traffic_surge" and not quiet:
            _surge(system, courses, fault, minutes)
    for part in reversed(system.parts):
        mine = tuple(fault for fault in faults if fault.service == part.name)
        _own(courses[part.name], mine, minutes)
        _own_calls(system, courses[part.name], mine, minutes)
        _from_below(system, courses, part, minutes)
        _as_seen(courses[part.name], part, mine, minutes)
    if not quiet:
        _starve(system, courses, minutes)
    return courses


def _usual(rng: random.Random, minutes: int, day: float) -> Course:
    swing = rng.uniform(0.1, 0.3)
    noise = rng.uniform(0.02, 0.12)
    load = [
        max(0.05, 1 + swing * math.sin(day + 2 * math.pi * minute / 1440) + rng.gauss(0, noise))
        for minute in range(minutes)
    ]
    return Course(load=load, own=[0.0] * minutes, failing=[0.0] * minutes, slower=[0.0] * minutes)


def _surge(system: System, courses: dict[str, Course], fault: Fault, minutes: int) -> None:
    above = system.above(fault.service)
    below = {call.callee for call in system.callees(fault.service)}
    times = 2.0 + 4.0 * fault.level
    for name, course in courses.items():
        share = 1.0 if name == fault.service else 0.6 if name in above else 0.4 if name in below else 0.0
        for minute in range(fault.onset, minutes) if share else ():
            course.load[minute] *= 1 + (times - 1) * share * fault.at(minute) / fault.level


def _own(course: Course, faults: tuple[Fault, ...], minutes: int) -> None:
    for fault in faults:
        speaks = fault.kind != "dns_failure" or fault.blind
        for minute in range(fault.onset, minutes):
            level = fault.at(minute)
            # A slow answer is an error only once the caller gives up; a surge and a full pool turn part of it away.
            loud = {"slow_dependency": 0.0, "traffic_surge": 0.5, "certificate": 0.0}.get(fault.kind, 1.0)
            if speaks:
                course.own[minute] = max(course.own[minute], level)
                course.failing[minute] = max(course.failing[minute], level * loud)
            course.slower[minute] += fault.slower * level


def _own_calls(system: System, course: Course, faults: tuple[Fault, ...], minutes: int) -> None:
    for fault in faults:
        levels = [fault.at(minute) for minute in range(minutes)]
        for call in system.callees(fault.service):
            if fault.blind:
                course.failed_calls[call.callee, "dns"] = levels
            elif fault.kind == "clock_skew" and fault.scenario % 2 and system.part(call.callee).kind == "service":
                course.failed_calls[call.callee, "denied"] = [0.3 * level for level in levels]


def _from_below(system: System, courses: dict[str, Course], part: Part, minutes: int) -> None:
    course = courses[part.name]
    for call in system.callees(part.name):
        callee = courses[call.callee]
        for mode, series in callee.seen.items():
            failed = [0.0] * call.lag_minutes + [share * call.use for share in series[: minutes - call.lag_minutes]]
            course.failed_calls[call.callee, mode] = failed
            for minute, share in enumerate(failed):
                if share:
                    left = share * (1 - call.rescue)
                    course.failing[minute] = 1 - (1 - course.failing[minute]) * (1 - left)
        for minute in range(call.lag_minutes, minutes):
            # A call that takes forty times as long as usual still ends at its time limit.
            course.slower[minute] += min(6.0, callee.slower[minute - call.lag_minutes] * call.use * 0.5)


def _as_seen(course: Course, part: Part, faults: tuple[Fault, ...], minutes: int) -> None:
    for fault in faults:
        for mode, share in _looks(fault, part).items():
            course.seen[mode] = [fault.at(minute) * share for minute in range(minutes)]
    own = [sum(series[minute] for series in course.seen.values()) for minute in range(minutes)]
    passed_on = [max(0.0, failing - already) for failing, already in zip(course.failing, own, strict=True)]
    if any(share > 0.004 for share in passed_on):
        late = [0.6 if slower > 4 else 0.25 for slower in course.slower]
        for mode, weights in (("failed", [1 - share for share in late]), ("timeout", late)):
            before = course.seen.get(mode, [0.0] * minutes)
            course.seen[mode] = [
                was + share * weight for was, share, weight in zip(before, passed_on, weights, strict=True)
            ]


def _looks(fault: Fault, part: Part) -> dict[str, float]:
    if fault.blind:
        # It cannot find anybody: what it calls is well, its own answers fail.
        return {"failed": 1.0}
    if fault.kind == "connection_pool" and part.kind == "database":
        return {"crowded": 1.0}
    return SEEN_AS[fault.kind]


def _starve(system: System, courses: dict[str, Course], minutes: int) -> None:
    for part in system.parts:
        callers = system.callers(part.name)
        if not callers:
            continue
        course = courses[part.name]
        for minute in range(minutes):
            lost = sum(courses[call.caller].own[minute] for call in callers) / len(callers)
            never_came = sum(course.seen[mode][minute] for mode in ("certificate", "dns") if mode in course.seen)
            retried = 0.4 * (course.seen_share(minute) - never_came)
            course.load[minute] *= (1 - 0.7 * min(1.0, lost)) * (1 + retried) * (1 - never_came)
