"""Checks every length of time in a playbook, and how retries grow theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.errors import InvalidInput
from domain.expressions import is_expression
from domain.model import JsonValue
from domain.playbook.duration import parse_duration
from domain.playbook.faults import Fault, quoted
from domain.playbook.outline import Spot, mapping, under

Placed = tuple[str, JsonValue]
"""Where a duration stands, and what it says."""

_CALENDAR = re.compile(r"P\d+(\.\d+)?Y|P(\d+(\.\d+)?Y)?\d+(\.\d+)?M")
_OF_RETRY = (
    ("delay",),
    ("backoff", "linear", "increment"),
    ("backoff", "exponential", "maxDelay"),
    ("limit", "duration"),
    ("jitter", "from"),
    ("jitter", "to"),
)
_OF_ATTEMPT = ("limit", "attempt", "duration")
"""The only one of a retry that may be an expression."""


def duration_faults(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Fault]:
    """Faults of all durations of a document."""
    for pointer, value in _fixed(root, found):
        if isinstance(value, str) and is_expression(value):
            sentence = "This length of time must be known before the run: write it out, such as PT30M."
            yield Fault(pointer=pointer, sentence=sentence)
        else:
            yield from _faults(pointer, value)
    for pointer, value in late_durations(root, found):
        if not (isinstance(value, str) and is_expression(value)):
            yield from _faults(pointer, value)
    for pointer, policy in _retries(root, found):
        yield from _factor_faults(pointer, policy)


def late_durations(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Placed]:
    """Durations that may be expressions, because they are read when the run comes to them."""
    for spot in found:
        if spot.kind == "wait":
            yield under(spot.pointer, "wait"), spot.task["wait"]
    for pointer, policy in _retries(root, found):
        if (duration := _at(policy, _OF_ATTEMPT)) is not None:
            yield under(pointer, *_OF_ATTEMPT), duration


def _fixed(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Placed]:
    timeouts = [("/timeout", root.get("timeout"))]
    timeouts += [(under("/use/timeouts", name), value) for name, value in mapping(_use(root, "timeouts")).items()]
    timeouts += [(under(spot.pointer, "timeout"), spot.task.get("timeout")) for spot in found]
    for pointer, timeout in timeouts:
        if "after" in mapping(timeout):
            yield under(pointer, "after"), mapping(timeout)["after"]
    for name in ("every", "after"):
        if name in mapping(root.get("schedule")):
            yield under("/schedule", name), mapping(root.get("schedule"))[name]
    for spot in found:
        if spot.task.get("call") == "mcp" and "timeout" in mapping(spot.task.get("with")):
            yield under(spot.pointer, "with", "timeout"), mapping(spot.task.get("with"))["timeout"]
    for pointer, policy in _retries(root, found):
        for steps in _OF_RETRY:
            if (duration := _at(policy, steps)) is not None:
                yield under(pointer, *steps), duration


def _retries(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Placed]:
    for name, policy in mapping(_use(root, "retries")).items():
        yield under("/use/retries", name), policy
    for spot in found:
        retry = mapping(spot.task.get("catch")).get("retry")
        if isinstance(retry, dict):
            yield under(spot.pointer, "catch", "retry"), retry


def _use(root: dict[str, JsonValue], section: str) -> JsonValue:
    return mapping(root.get("use")).get(section)


def _at(value: JsonValue, steps: tuple[str, ...]) -> JsonValue:
    for step in steps:
        value = mapping(value).get(step)
    return value


def _faults(pointer: str, value: JsonValue) -> Iterator[Fault]:
    try:
        parse_duration(value)
    except InvalidInput as problem:
        sentence = str(problem)
        if isinstance(value, str) and _CALENDAR.match(value):
            sentence = f"{quoted(value)} has months or years, which have no fixed length: write days, such as P30D."
        yield Fault(pointer=pointer, sentence=sentence)


def _factor_faults(pointer: str, policy: JsonValue) -> Iterator[Fault]:
    growth = mapping(_at(policy, ("backoff", "exponential")))
    factor = growth.get("factor")
    is_number = isinstance(factor, int | float) and not isinstance(factor, bool)
    if factor is not None and not (is_number and 1 <= factor <= 100):
        here = under(pointer, "backoff", "exponential", "factor")
        yield Fault(pointer=here, sentence="A factor is a number from 1 to 100: correct it.")
