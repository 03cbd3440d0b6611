"""What a document says in a few of its own sentences, and whether it covers what a reviewer asks for.

The summary quotes: no sentence is made up. A sentence weighs what its words weigh in the whole document (how often they
occur, after H. P. Luhn, "The Automatic Creation of Literature Abstracts", 1958), more at the beginning, in the
neighbourhood of a figure, and where it says "in summary" or "must".
"""

from __future__ import annotations

import re
from collections import Counter

from pydantic import Field

from domain.analysis.text import WORD, ReadText, read
from domain.model import Value
from domain.rules.entities import amounts_of

_WORDS_PER_MINUTE = 230
"""Silent reading of English non-fiction: M. Brysbaert, 2019, 238 words per minute, rounded down."""
_LONGEST_SENTENCE = 400
_MOST_DATES = 20
_CURRENCY_FIRST = re.compile(r"\b(EUR|USD|GBP|CHF)\s?(\d[\d.,']*\d|\d)")
_SIGNALS = re.compile(
    r"(?i)\b(?:in summary|in conclusion|to summari[sz]e|overall|therefore|as a result|"
    r"we (?:recommend|conclude|propose)|must|shall|is required|deadline|important|decision|"
    r"the purpose of|key finding)\b"
)
_DATE = re.compile(
    r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{4}|"
    r"\d{1,2} (?:January|February|March|April|May|June|July|August|September|October|November|December) \d{4}|"
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December) \d{1,2},? \d{4})\b"
)
_STOP = frozenset({
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been", "before", "being",
    "between", "both", "but", "by", "can", "could", "did", "do", "does", "each", "for", "from", "had", "has", "have",
    "he", "her", "his", "how", "i", "if", "in", "into", "is", "it", "its", "may", "might", "more", "most", "must",
    "no", "nor", "not", "of", "on", "one", "only", "or", "other", "our", "out", "over", "own", "shall", "she",
    "should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "under", "until", "up", "upon", "was", "we", "were", "what", "when", "where", "which", "while",
    "who", "will", "with", "within", "would", "you", "your",
})  # fmt: skip


class CriterionResult(Value):
    """Whether the document covers one thing that was asked for."""

    criterion: str
    met: bool
    evidence: str = ""
    """The first sentence or heading that covers it."""


class DocumentSummary(Value):
    """A document in short."""

    title: str
    summary: tuple[str, ...]
    """Its weightiest sentences, in the document's order, word for word."""
    key_terms: tuple[str, ...]
    headings: tuple[str, ...]
    word_count: int
    reading_minutes: int
    dates: tuple[str, ...] = ()
    amounts: tuple[str, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    coverage: int | None = Field(default=None, ge=0, le=100)
    """Share of the criteria that are met, in percent; None when none were asked for."""
    complete: bool
    """Every criterion is met and the whole text was read."""
    reasons: tuple[str, ...] = ()
    """Why it is not complete, as sentences."""


def summarise(text: str, *, sentences: int = 5, criteria: tuple[str, ...] = ()) -> DocumentSummary:
    """Summarise a document and check it against criteria.

    Args:
        text: plain text or Markdown.
        sentences: how many to quote at most.
        criteria: what it must cover, such as `termination notice`; each word of one must stand in one sentence or
            heading.
    """
    document = read(text)
    weights = _term_weights(document)
    judged = tuple(_judge(criterion, document) for criterion in criteria)
    missing = [f"Nothing in the document covers “{result.criterion}”." for result in judged if not result.met]
    if document.cut:
        missing.append("The document is longer than what was read.")
    if not document.words:
        missing.append("The document has no words.")
    return DocumentSummary(
        title=_title(document),
        summary=_weightiest(document, weights, sentences),
        key_terms=tuple(weights)[:10],
        headings=document.headings[:50],
        word_count=len(document.words),
        reading_minutes=-(-len(document.words) // _WORDS_PER_MINUTE),
        dates=tuple(dict.fromkeys(_DATE.findall(document.text)))[:_MOST_DATES],
        amounts=tuple(
            f"{amount:.2f} {currency}" for amount, currency in amounts_of(_CURRENCY_FIRST.sub(r"\2 \1", document.text))
        ),
        criteria=judged,
        coverage=round(100 * sum(r.met for r in judged) / len(judged)) if judged else None,
        complete=not missing,
        reasons=tuple(missing),
    )


def _title(document: ReadText) -> str:
    first = document.headings[:1] or document.sentences[:1]
    return first[0][:120] if first else ""


def _term_weights(document: ReadText) -> dict[str, int]:
    """Terms of some weight, most frequent first; of equals the one that comes first in the text."""
    counts = Counter(word for word in document.words if word not in _STOP and len(word) > 2)
    most = counts.most_common(60)
    return {word: count for word, count in most if count > 1} or dict(most[:10])


def _weightiest(document: ReadText, weights: dict[str, int], most: int) -> tuple[str, ...]:
    scored = []
    for place, sentence in enumerate(document.sentences):
        words = [word.group().lower() for word in WORD.finditer(sentence)]
        if len(words) < 4 or len(sentence) > _LONGEST_SENTENCE:
            continue
        score = sum(weights.get(word, 0) for word in set(words)) / len(words) ** 0.5
        score *= 1.25 if place < 3 else 1.0
        score *= 1.4 if _SIGNALS.search(sentence) else 1.0
        score *= 1.1 if any(character.isdigit() for character in sentence) else 1.0
        scored.append((score, -place))
    best = sorted(scored, reverse=True)[: max(0, most)]
    return tuple(document.sentences[-place] for _, place in sorted(best, key=lambda one: -one[1]))


def _judge(criterion: str, document: ReadText) -> CriterionResult:
    wanted = {_stem(word.group().lower()) for word in WORD.finditer(criterion)} - _STOP
    for part in (*document.headings, *document.sentences):
        if wanted and wanted <= {_stem(word.group().lower()) for word in WORD.finditer(part)}:
            return CriterionResult(criterion=criterion, met=True, evidence=part[:300])
    return CriterionResult(criterion=criterion, met=False)


def _stem(word: str) -> str:
    """A word without its commonest English endings, so that `payments` covers `payment`."""
    for ending in ("ations", "ation", "ments", "ment", "ings", "ing", "ies", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            return word[: -len(ending)].rstrip("e")
    return word.rstrip("e") if len(word) > 4 else word
