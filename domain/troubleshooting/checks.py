"""Checks as data: what the engineers of an installation look at by hand, and what its answer says.

A check is a call of a tool that only looks. What is filled into it comes from what is known of the system (topology,
change records, the user's own word) and fits a strict pattern: text from logs never reaches a command or a statement.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from pydantic import Field

from domain.expressions import ExpressionSyntax, compile_expression
from domain.model import JsonValue, Value
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.reasoning.likelihoods import OWN

PLACEHOLDERS = ("service", "change_id", "onset", "host")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)\}")
_OPEN_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){0,62}"
_VALUES = {
    "service": re.compile(_OPEN_NAME),
    "change_id": re.compile(_OPEN_NAME),
    "onset": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "host": re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9](?:[A-Za-z0-9-]|\.(?!\.))*"),
}
_FIXED = {"database.query": ("database", "sql"), "command.run": ("command",), "command.look": ("command",)}
"""Arguments that nothing is filled into: a statement is text that acts, and values are bound beside it."""
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,59}")
_PATTERN = re.compile(r"[A-Za-z0-9*][A-Za-z0-9._*-]{0,99}")
_BAD = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)")
_FINDINGS = frozenset({"metrics.watch", "health.probe", "logs.analyse", "traces.analyse", "kubernetes.analyse"})
"""Capabilities whose answers are findings by themselves."""
_MOST_NESTED = 12
_LONGEST_ARGUMENTS = 3_000
"""They travel with the proposal whose success they measure."""


class CheckReading(Value):
    """How an answer becomes findings: a number that is compared, or lines that are judged as those of logs."""

    value: str = Field(default="", max_length=1_000)
    """Expression over the tool's output that gives a number, or a list of numbers of which the worst counts."""
    column: str = Field(default="", max_length=100)
    """Of the rows of a query, instead of `value`; the worst row counts."""
    lines: bool = False
    """The output is text: each line is judged by its words, as lines of logs are."""
    bad: str = Field(default="", max_length=40)
    """When the number is bad: `> 90`, `>= 1`, `< 7`."""
    sign: Sign | None = None
    """What a bad value shows. With `lines` only lines of this sign count."""
    service: str | None = Field(default=None, max_length=100)
    """Who shows it; the service that the check was made for when None."""
    about: str | None = Field(default=None, max_length=100)
    """Whom it blames."""
    unit: str = Field(default="", max_length=20)
    strength: float = Field(default=0.9, gt=0, le=0.95)
    """How clear a bad value is."""
    against: float = Field(default=0.8, ge=0, le=0.95)
    """How clearly a good value says that it is not so; 0 where it says nothing."""

    def is_bad(self, value: float) -> bool:
        """Whether a number is bad."""
        sign, limit = self.limit
        return {
            ">": value > limit, ">=": value >= limit, "<": value < limit, "<=": value <= limit,
            "==": value == limit, "!=": value != limit,
        }[sign]  # fmt: skip

    @property
    def limit(self) -> tuple[str, float]:
        """The comparison and its number."""
        found = _BAD.fullmatch(self.bad.strip())
        return (found[1], float(found[2])) if found else (">", float("inf"))


class CheckAsked(Value):
    """A check that was made of a service: travels with the call, so that its answer can be read."""

    name: str
    title: str
    service: str | None
    reads: CheckReading


class Check(Value):
    """One thing that engineers look at by hand."""

    name: str
    title: str = Field(min_length=3, max_length=150)
    """What is looked at, for people: "Disk use of {service}"."""
    tells: tuple[FaultKind, ...] = Field(min_length=1, max_length=18)
    """Faults that its answer speaks for or against."""
    services: tuple[str, ...] = Field(default=(), max_length=100)
    """Names or patterns such as `*-db`; every service when empty."""
    capability: str = Field(pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$", max_length=100)
    arguments: dict[str, JsonValue] = Field(default_factory=dict)
    reads: CheckReading | None = None
    """None where the tool gives findings itself."""
    by_hand: str = Field(default="", max_length=300)
    """What a person does where no tool can."""

    @property
    def asks(self) -> str:
        """The capability that is called: of commands only those that change nothing."""
        return "command.look" if self.capability == "command.run" else self.capability

    @property
    def needs(self) -> frozenset[str]:
        """Names of the placeholders in its arguments."""
        return frozenset(name for text in _texts(self.arguments) for name in _PLACEHOLDER.findall(text))

    def fits(self, service: str | None, fault: FaultKind) -> bool:
        """Whether it tells something of a fault of a service; None stands for what several share."""
        if fault not in self.tells and (fault is not FaultKind.UNKNOWN or service is None):
            return False
        if service is None:
            return not self.services and not {"service", "host"} & self.needs
        if self.services:
            return any(fnmatchcase(service, pattern) for pattern in self.services)
        shown = self.reads.service if self.reads is not None else None
        return shown is None or shown == service

    def shown_by(self, service: str | None) -> str | None:
        """Who shows what it finds."""
        return (self.reads.service if self.reads is not None else None) or service

    def asked(self, service: str | None) -> CheckAsked | None:
        """What its answer is read by; None where the tool gives findings itself."""
        if self.reads is None:
            return None
        return CheckAsked(name=self.name, title=self.named(service), service=self.shown_by(service), reads=self.reads)

    def named(self, service: str | None) -> str:
        """Its title for a service."""
        return self.title.replace("{service}", self.shown_by(service) or "the system")

    def filled(self, known: dict[str, str]) -> dict[str, JsonValue] | None:
        """Its arguments with what is known.

        Args:
            known: placeholder -> value.

        Returns:
            None where a placeholder has no value, or one that is no plain name: then the check is not made.
        """
        needed = {name: known.get(name, "") for name in self.needs}
        if any(_VALUES[name].fullmatch(value) is None for name, value in needed.items()):
            return None
        filled = _filled(self.arguments, needed)
        return filled if isinstance(filled, dict) else None


def fault_of(check: Check) -> tuple[tuple[str, ...], str] | None:
    """What makes a check useless or unsafe.

    Returns:
        The key below the check and one sentence; None when it can be used.
    """
    if _NAME.fullmatch(check.name) is None:
        return (), "cannot be a name: use small letters, digits and dashes"
    for pattern in check.services:
        if _PATTERN.fullmatch(pattern) is None:
            return ("services",), f"{pattern[:40]!r} is no name or pattern of services: write one such as *-db"
    if check.title != check.title.strip() or set(_PLACEHOLDER.findall(check.title)) - {"service"}:
        return ("title",), "the title may name {service} and nothing else: correct it"
    return _fault_of_arguments(check) or _fault_of_reading(check)


def _fault_of_arguments(check: Check) -> tuple[tuple[str, ...], str] | None:
    if _depth(check.arguments) > _MOST_NESTED:
        return ("arguments",), "the arguments are nested too deeply: flatten them"
    if len(json.dumps(check.arguments)) > _LONGEST_ARGUMENTS:
        return ("arguments",), f"the arguments are longer than {_LONGEST_ARGUMENTS:,} characters: make a view of it"
    unknown = sorted(check.needs - set(PLACEHOLDERS))
    if unknown:
        return ("arguments",), f"{{{unknown[0]}}} is not known: use {', '.join(f'{{{one}}}' for one in PLACEHOLDERS)}"
    for name in _FIXED.get(check.capability, ()):
        if _PLACEHOLDER.search(str(check.arguments.get(name, ""))):
            where = "parameters" if check.capability == "database.query" else "arguments"
            return ("arguments", name), f"nothing may be filled into {name!r}: give the value below {where!r}"
    if any(_PLACEHOLDER.search(key) for key in _keys(check.arguments)):
        return ("arguments",), "nothing may be filled into a key: fill values only"
    return None


def _fault_of_reading(check: Check) -> tuple[tuple[str, ...], str] | None:
    reads = check.reads
    if reads is None:
        known = check.capability in _FINDINGS
        return None if known else (("reads",), "nobody knows what its answer says: add `reads`")
    whose = {"service", "host"} & check.needs or reads.service or check.services
    signs = [OWN[fault].get(reads.sign, 0.0) for fault in check.tells] if reads.sign is not None else [1.0]
    problem = _problem_of_expression(reads.value)
    faults = (
        ([bool(reads.value), bool(reads.column), reads.lines].count(True) != 1, ("reads",),
         "give one of value, column and lines"),
        (not reads.lines and (reads.sign is None or _BAD.fullmatch(reads.bad.strip()) is None), ("reads", "bad"),
         "give a sign, and when the number is bad, such as `> 90`"),
        (max(signs) <= 0, ("reads", "sign"), f"{reads.sign} is a sign of nothing that it tells: correct sign or tells"),
        (not whose, ("reads", "service"),
         "nobody knows whose answer it is: name the service there, or fill in {service}"),
        (bool(problem), ("reads", "value"), problem),
    )  # fmt: skip
    return next(((key, sentence) for wrong, key, sentence in faults if wrong), None)


def _problem_of_expression(text: str) -> str:
    try:
        compile_expression(text or ".")
    except ExpressionSyntax as problem:
        return str(problem).rstrip(".")
    return ""


def _filled(value: JsonValue, known: dict[str, str]) -> JsonValue:
    if isinstance(value, str):
        # One pass: what is filled in is never looked at again.
        return _PLACEHOLDER.sub(lambda match: known[match[1]], value)
    if isinstance(value, list):
        return [_filled(one, known) for one in value]
    if isinstance(value, dict):
        return {key: _filled(one, known) for key, one in value.items()}
    return value


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _keys(value: JsonValue) -> Iterator[str]:
    if isinstance(value, list | dict):
        yield from value if isinstance(value, dict) else ()
        for one in value.values() if isinstance(value, dict) else value:
            yield from _keys(one)


def _depth(value: JsonValue) -> int:
    if not isinstance(value, list | dict):
        return 0
    return 1 + max((_depth(one) for one in (value.values() if isinstance(value, dict) else value)), default=0)
