"""Whether a text may be published: four stages, points taken off ten for each thing that is wrong, and the reasons.

Passes from 8.0 of 10, with nothing that must not be published at all. Source of scale and threshold: reference document
001, the quality check of resolved tickets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import partial

from pydantic import Field

from domain.analysis.text import WORD, ReadText, read
from domain.model import Term, Value
from domain.text.redaction_patterns import find_all

PASSES_FROM = 8.0
_LONG_TEXT_WORDS = 400
_LONG_SENTENCE_WORDS = 40
_VOWELS = re.compile(r"[aeiouy]+")
_PLACEHOLDER = re.compile(
    r"(?i)\blorem ipsum\b|\bTODO\b|\bTBD\b|\bXXX\b|\{\{.{0,60}?\}\}|"
    r"\[(?:insert|your|company|name|link|date)\b[^\]]{0,40}\]"
)
_CLAIM = re.compile(
    r"(?i)\b(?:guaranteed?|risk[- ]free|100\s?% (?:safe|secure|effective|free)|never fails?|number one|#1\b|"
    r"the best [^.]{0,40}(?:in the world|on the market)|world'?s (?:best|leading)|clinically proven|instant results|"
    r"miracle|no side effects|double your)"
)
_SOURCE = re.compile(r"(?i)\b(?:according to|source:|study|survey|report|as of|audited|certified)\b|\[\d+\]|https?://")
_INSECURE = re.compile(r"\bhttp://(?!localhost|127\.)[^\s)>\"']{3,200}")
_SHOUT = re.compile(r"\b[A-ZÀ-Þ]{5,}\b")


class Stage(Term):
    """What is looked at, in this order."""

    STRUCTURE = "structure"
    LANGUAGE = "language"
    CLAIMS = "claims"
    SAFETY = "safety"


class ContentRules(Value):
    """What a channel or a client asks for."""

    min_words: int = Field(default=50, ge=0)
    max_words: int = Field(default=2_000, ge=1)
    required: tuple[str, ...] = ()
    """Phrases that must stand in it, such as a disclaimer."""
    forbidden: tuple[str, ...] = ()
    """Phrases that must not, such as a competitor's name."""
    reading_ease: float = 40.0
    """The least Flesch reading ease, for English; 60 to 70 is plain, below 30 is academic."""
    passes_from: float = Field(default=PASSES_FROM, ge=0, le=10)


class Issue(Value):
    """One thing that is wrong."""

    stage: Stage
    code: str
    points: float
    """Taken off ten."""
    blocks: bool = False
    """It must not be published with this, whatever the score."""
    sentence: str
    """For the author: what it is and what to do."""
    where: str = ""
    """The words it is about; never personal data or a secret."""


class ContentReview(Value):
    """The outcome."""

    score: float = Field(ge=0, le=10)
    approved: bool
    issues: tuple[Issue, ...]
    stages: dict[str, bool]
    """Stage -> whether nothing was wrong in it."""
    word_count: int
    reading_ease: float | None
    """None for a text too short to measure."""


def review(text: str, rules: ContentRules | None = None) -> ContentReview:
    """Review a text that is to be published."""
    rules = rules or ContentRules()
    content = read(text)
    ease = reading_ease(content)
    issues = (
        *_structure(content, rules),
        *_language(content, rules, ease),
        *_claims(content),
        *_safety(content, rules),
    )
    score = round(max(0.0, 10.0 - sum(issue.points for issue in issues)), 1)
    return ContentReview(
        score=score,
        approved=score >= rules.passes_from and not any(issue.blocks for issue in issues),
        issues=issues,
        stages={stage.value: all(issue.stage is not stage for issue in issues) for stage in Stage},
        word_count=len(content.words),
        reading_ease=ease,
    )


def reading_ease(content: ReadText) -> float | None:
    """Flesch reading ease: 206.835 - 1.015 words per sentence - 84.6 syllables per word (R. Flesch, 1948)."""
    if len(content.words) < 30 or not content.sentences:
        return None
    syllables = sum(_syllables(word) for word in content.words)
    words = len(content.words)
    return round(206.835 - 1.015 * words / len(content.sentences) - 84.6 * syllables / words, 1)


def _syllables(word: str) -> int:
    count = len(_VOWELS.findall(word))
    return max(1, count - (word.endswith("e") and not word.endswith("le") and count > 1))


def _structure(content: ReadText, rules: ContentRules) -> Iterator[Issue]:
    wrong = partial(_issue, Stage.STRUCTURE)
    count = len(content.words)
    if count < rules.min_words:
        yield wrong("too_short", 2.5, f"It has {count} words and needs {rules.min_words}: say more.")
    if count > rules.max_words:
        yield wrong("too_long", 1.5, f"It has {count} words and may have {rules.max_words}: shorten it.")
    if count > _LONG_TEXT_WORDS and len(content.headings) < 2:
        yield wrong("no_headings", 0.5, "A text of this length has at least two headings: add them.")
    for phrase in rules.required:
        if phrase.casefold() not in content.text.casefold():
            yield wrong(
                "required_missing", 2, "A phrase that must stand in it is missing: add it.", phrase, blocks=True
            )
    for found in dict.fromkeys(match.group() for match in _PLACEHOLDER.finditer(content.text)):
        yield wrong("placeholder", 2, "A placeholder was left: fill it in.", found[:60], blocks=True)


def _language(content: ReadText, rules: ContentRules, ease: float | None) -> Iterator[Issue]:
    wrong = partial(_issue, Stage.LANGUAGE)
    if ease is not None and ease < rules.reading_ease:
        sentence = f"Its reading ease is {ease} and should be {rules.reading_ease}: use shorter words and sentences."
        yield wrong("hard_to_read", 1, sentence)
    long_ones = [sentence for sentence in content.sentences if len(WORD.findall(sentence)) > _LONG_SENTENCE_WORDS]
    if long_ones:
        sentence = f"Sentences with over {_LONG_SENTENCE_WORDS} words: {len(long_ones)}; split them."
        yield wrong("long_sentences", min(1.5, 0.5 * len(long_ones)), sentence, long_ones[0][:80])
    shouted = Counter(_SHOUT.findall(content.text))
    if shouted.total() > 2:
        yield wrong("shouting", 0.5, "Whole words stand in capitals: write them normally.", next(iter(shouted)))
    if content.text.count("!") > max(2, len(content.sentences) // 5):
        yield wrong("exclamation", 0.5, "It exclaims a lot: use full stops.")
    repeated = [text for text, times in Counter(map(str.casefold, content.sentences)).items() if times > 1]
    if repeated:
        yield wrong("repeated", 1, "A sentence comes more than once: leave out the repeat.", repeated[0][:80])


def _claims(content: ReadText) -> Iterator[Issue]:
    for sentence in content.sentences:
        claim = _CLAIM.search(sentence)
        if claim and not _SOURCE.search(sentence):
            advice = "A strong claim names no source: name one or say less."
            yield _issue(Stage.CLAIMS, "claim_without_source", 1.5, advice, claim.group()[:60])


def _safety(content: ReadText, rules: ContentRules) -> Iterator[Issue]:
    wrong = partial(_issue, Stage.SAFETY)
    for phrase in rules.forbidden:
        if re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", content.text, re.IGNORECASE):
            advice = "A phrase that must not be published stands in it: take it out."
            yield wrong("forbidden_phrase", 3, advice, phrase, blocks=True)
    for kind in sorted({finding.kind for finding in find_all(content.text)} & set(_FOUND)):
        blocks = kind != "EMAIL"
        yield wrong(f"contains_{kind.lower()}", 3 if blocks else 0.5, _FOUND[kind], blocks=blocks)
    if _INSECURE.search(content.text):
        yield wrong("insecure_link", 0.5, "A link is not encrypted: use https.")


def _issue(stage: Stage, code: str, points: float, sentence: str, where: str = "", *, blocks: bool = False) -> Issue:
    return Issue(stage=stage, code=code, points=points, blocks=blocks, sentence=sentence, where=where)


_FOUND = {
    "SECRET": "It holds a password or key: take it out and renew it.",
    "CARD": "It holds a card number: take it out.",
    "SSN": "It holds a social security number: take it out.",
    "IBAN": "It holds a bank account: take it out.",
    "EMAIL": "It holds an e-mail address: make sure that it may be published.",
}
