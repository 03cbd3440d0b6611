"""The tree of a regular expression, and what its characters are tested for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Test = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Characters:
    """One character that passes a test."""

    test: Test


@dataclass(frozen=True, slots=True)
class Assertion:
    """A place between characters."""

    name: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alternatives:
    """One of several, the first preferred."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Parentheses; a number when what they match is kept."""

    body: Part
    number: int | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A quantifier; `most` is None without a limit."""

    body: Part
    least: int
    most: int | None
    greedy: bool


Part = Characters | Assertion | Sequence | Alternatives | Group | Repeat


def is_hex(character: str) -> bool:
    """Whether it is a hexadecimal digit."""
    return character in "0123456789abcdefABCDEF"


def _word(character: str) -> bool:
    return character.isalnum() or character == "_"


CLASSES: dict[str, Test] = {"d": str.isdecimal, "w": _word, "s": str.isspace, "h": is_hex}
NAMED: dict[str, Test] = {
    "alpha": str.isalpha,
    "digit": str.isdecimal,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "blank": lambda character: character in " \t",
    "punct": lambda character: character.isprintable() and not character.isalnum() and not character.isspace(),
    "cntrl": lambda character: ord(character) < 32 or 127 <= ord(character) < 160,
    "xdigit": is_hex,
    "print": str.isprintable,
    "graph": lambda character: character.isprintable() and not character.isspace(),
    "word": _word,
    "ascii": str.isascii,
}
PROPERTIES = {
    **NAMED,
    "l": str.isalpha,
    "lu": str.isupper,
    "ll": str.islower,
    "n": str.isnumeric,
    "nd": str.isdecimal,
}
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b"}
ANCHORS = {"A": "start", "z": "end", "Z": "last_end", "b": "boundary", "B": "within"}


def negated(test: Test) -> Test:
    """The opposite."""
    return lambda character: not test(character)


def any_case(test: Test) -> Test:
    """The same for small and capital letters."""
    return lambda character: test(character) or test(character.lower()) or test(character.upper())
