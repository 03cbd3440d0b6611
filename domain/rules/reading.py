"""One reading of a text: its words, its prose, its language and every phrase found in it, with the context applied."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from domain.rules.keywords import KeywordTables
from domain.rules.language import LanguageDetector
from domain.rules.lexicon import Hit, Lexicon
from domain.rules.words import SENTENCE_END, fold, prose_of, words_of

_TOO_LONG_FOR_PROSE = 200_000
"""Beyond this a text is a dump: only its beginning and end are looked at for prose."""
_DUMP_PART = 50_000

# Which sentences take which meanings away: a table -> the contexts in which its hits do not count.
_CONTEXTS: dict[str, tuple[str, ...]] = {
    "signals.legal": ("context.not_legal",),
    "signals.executive": ("context.not_executive",),
    "urgency.outage": ("context.hypothetical", "context.past"),
    "urgency.service_down": ("context.hypothetical", "context.past"),
    "urgency.incident": ("context.hypothetical", "context.past", "context.wants_access"),
}
# Words that stand for what they say also after a `not`: their phrases are negative by themselves.
_NEVER_NEGATED = frozenset(
    {
        "signals.repeated",
        "urgency.can_wait",
        "urgency.broken",
        "urgency.data_loss",
        "feelings.strong",
        "feelings.time_lost",
        "feelings.polite",
        "conversation.still_broken",
        "conversation.question",
        "conversation.but",
        "context.manipulation",
    }
)
# Tables that name something, so that a `not` before it changes nothing: "cannot log in" is about logging in.
_NAMING = ("categories.", "topics.", "complexity.", "functions.")


@dataclass(frozen=True)
class Reading:
    """What the rules know of a text."""

    text: str
    prose: str
    words: list[str]
    subject_words: int
    language: str
    hits: dict[str, list[Hit]]

    def found(self, table: str) -> list[Hit]:
        """The hits of a table that count: not negated, and not in a sentence that takes their meaning away."""
        return self.hits[table]

    def has(self, *tables: str) -> bool:
        """Whether any of the tables has a hit that counts."""
        return any(self.hits[table] for table in tables)

    def count(self, table: str) -> int:
        """How many different phrases of a table were found."""
        return len({hit.phrase for hit in self.hits[table]})

    def places(self, table: str) -> int:
        """How many places of the text a table was found in; phrases that overlap are one place."""
        places, last_end = 0, -1
        for hit in sorted(self.hits[table], key=lambda hit: hit.start):
            if hit.start >= last_end:
                places += 1
            last_end = max(last_end, hit.end)
        return places


_KEPT_READINGS = 64
_LONGEST_KEPT = 20_000


class Reader:
    """Reads texts with one set of tables. Keeps the last few readings: every step of a case reads the same ticket."""

    def __init__(self, tables: KeywordTables) -> None:
        """Compile the tables once."""
        negators = frozenset(fold(word) for word in tables.context.negators)
        skipped = ("context.negators", "acronyms", "stop_words")
        self._lexicon = Lexicon(
            {name: phrases for name, phrases in tables.flat().items() if not name.startswith(skipped)}, negators
        )
        self._languages = LanguageDetector(tables.stop_words)
        self._kept = lru_cache(maxsize=_KEPT_READINGS)(self._read)

    def read(self, subject: str, body: str) -> Reading:
        """Read a ticket's subject and body, or a message with an empty subject."""
        return self._kept(subject, body) if len(body) <= _LONGEST_KEPT else self._read(subject, body)

    def _read(self, subject: str, body: str) -> Reading:
        prose = prose_of(_part_of_dump(body))
        head = words_of(subject)
        words = [*head, SENTENCE_END, *words_of(prose)] if head else words_of(prose)
        hits = self._lexicon.find(words)
        sentences = _sentence_numbers(words)
        kept = {table: _counting(table, found, hits, sentences) for table, found in hits.items()}
        return Reading(
            text=f"{subject}\n{body}".strip(),
            prose=f"{subject}\n{prose}".strip(),
            words=words,
            subject_words=len(head),
            language=self._languages.detect(words),
            hits=kept,
        )


def _counting(table: str, found: list[Hit], hits: dict[str, list[Hit]], sentence_of: list[int]) -> list[Hit]:
    """The hits of one table that count."""
    anew = {sentence_of[hit.start] for hit in hits["context.anew"]}
    void: set[int] = set()
    for context in _CONTEXTS.get(table, ()):
        sentences = {sentence_of[hit.start] for hit in hits[context]}
        void |= sentences - anew if context == "context.past" else sentences
    negatable = table not in _NEVER_NEGATED and not table.startswith(_NAMING)
    return [hit for hit in found if not (negatable and hit.negated) and sentence_of[hit.start] not in void]


def _sentence_numbers(words: list[str]) -> list[int]:
    numbers, current = [], 0
    for word in words:
        current += word == SENTENCE_END
        numbers.append(current)
    return numbers


def _part_of_dump(text: str) -> str:
    if len(text) <= _TOO_LONG_FOR_PROSE:
        return text
    return f"{text[:_DUMP_PART]}\n\n{text[-_DUMP_PART:]}"
