"""The matcher: finds the phrases of every table in one pass over the words of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from domain.errors import ConfigurationProblem
from domain.rules.keywords import Phrases
from domain.rules.words import SENTENCE_END, fold

_APOSTROPHE = re.compile(r"'(?!(?:t|s|re|ve|ll|m|d)(?![^\W_]))|-")
_GAP = "..."
_LONGEST_GAP = 4
_NEGATION_REACH = 3
_STEM_KEY = 3
_MOST_HITS_PER_TABLE = 200
"""A text that says the same thing a million times is judged by its first two hundred."""


@dataclass(frozen=True)
class _Part:
    exact: frozenset[str]
    stems: tuple[str, ...]
    gap: bool = False

    def takes(self, word: str) -> bool:
        return word in self.exact or (bool(self.stems) and word.startswith(self.stems))


@dataclass(frozen=True)
class _Pattern:
    table: str
    phrase: str
    parts: tuple[_Part, ...]


@dataclass(frozen=True)
class Hit:
    """One phrase found in a text."""

    table: str
    phrase: str
    start: int
    """Index of its first word."""
    end: int
    """Index after its last word."""
    negated: bool


@dataclass
class Lexicon:
    """All tables compiled for one pass over a text."""

    tables: dict[str, Phrases]
    negators: frozenset[str]
    _by_word: dict[str, list[_Pattern]] = field(default_factory=dict)
    _by_stem: dict[str, list[_Pattern]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index every phrase by how its first word begins."""
        for table, phrases in self.tables.items():
            for phrase in phrases:
                self._add(table, phrase)

    def _add(self, table: str, phrase: str) -> None:
        for pieces in _variants(_APOSTROPHE.sub(" ", fold(phrase)).replace("'", "").split()):
            self._add_pattern(table, phrase, pieces)

    def _add_pattern(self, table: str, phrase: str, pieces: list[str]) -> None:
        parts = tuple(_part(piece, phrase) for piece in pieces)
        if not parts or parts[0].gap or parts[-1].gap or any(a.gap and b.gap for a, b in pairwise(parts)):
            raise ConfigurationProblem(f"Phrase {phrase!r} in keywords.yaml must begin and end with a word: change it.")
        pattern = _Pattern(table, phrase, parts)
        for word in parts[0].exact:
            self._by_word.setdefault(word, []).append(pattern)
        for stem in parts[0].stems:
            self._by_stem.setdefault(stem[:_STEM_KEY], []).append(pattern)

    def find(self, words: list[str]) -> dict[str, list[Hit]]:
        """Every hit by table. Every table has an entry, so that a misspelt name fails at once."""
        hits: dict[str, list[Hit]] = {table: [] for table in self.tables}
        candidates: dict[str, tuple[_Pattern, ...]] = {}
        for start, word in enumerate(words):
            patterns = candidates.get(word)
            if patterns is None:
                patterns = candidates[word] = self._candidates(word)
            for pattern in patterns:
                found = hits[pattern.table]
                if len(found) >= _MOST_HITS_PER_TABLE:
                    continue
                end = _match(pattern.parts, words, start)
                if end:
                    found.append(Hit(pattern.table, pattern.phrase, start, end, self._is_negated(words, start)))
        return hits

    def _candidates(self, word: str) -> tuple[_Pattern, ...]:
        stems = [pattern for pattern in self._by_stem.get(word[:_STEM_KEY], ()) if pattern.parts[0].takes(word)]
        known = self._by_word.get(word, [])
        return (*known, *(pattern for pattern in stems if pattern not in known))

    def _is_negated(self, words: list[str], start: int) -> bool:
        for index in range(start - 1, max(start - 1 - _NEGATION_REACH, -1), -1):
            if words[index] == SENTENCE_END:
                return False
            if words[index] in self.negators:
                return True
        return False


def _variants(pieces: list[str]) -> list[list[str]]:
    """Every way to read a phrase: choices of one word stay together, each choice of several words is its own."""
    variants: list[list[str]] = [[]]
    for piece in pieces:
        choices = piece.split("|")
        single = [choice for choice in choices if "_" not in choice]
        rows = [["|".join(single)]] if single else []
        rows += [choice.split("_") for choice in choices if "_" in choice]
        variants = [[*before, *row] for before in variants for row in rows]
    return variants


def _part(piece: str, phrase: str) -> _Part:
    if piece == _GAP:
        return _Part(frozenset(), (), gap=True)
    choices = piece.split("|")
    stems = tuple(choice[:-1] for choice in choices if choice.endswith("*"))
    if any(len(stem) < _STEM_KEY for stem in stems):
        raise ConfigurationProblem(f"Phrase {phrase!r} in keywords.yaml has a stem under 3 letters: lengthen it.")
    return _Part(frozenset(choice for choice in choices if not choice.endswith("*")), stems)


def _match(parts: tuple[_Part, ...], words: list[str], start: int) -> int:
    """The index after the match, or 0. A gap tries its few lengths; phrases hold few gaps, so this stays linear."""
    index = start
    for number, part in enumerate(parts):
        if part.gap:
            rest = parts[number + 1 :]
            for skipped in range(_LONGEST_GAP + 1):
                if SENTENCE_END in words[index : index + skipped]:
                    return 0
                end = _match(rest, words, index + skipped)
                if end:
                    return end
            return 0
        if index >= len(words) or not part.takes(words[index]):
            return 0
        index += 1
    return index
