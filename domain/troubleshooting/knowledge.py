"""What is known of failures: signatures that ship with the product, and lessons learned from closed incidents.

A lesson is a draft until a person of the tenant reviewed it; nobody else finds it before. Matching and ranking are
pure, so that what the database, a vector and a signature say can be put together the same way everywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from domain.errors import InvalidInput
from domain.model import Term, Value
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind

LongText = Annotated[str, StringConstraints(min_length=1, max_length=20_000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=400)]
Phrase = Annotated[str, StringConstraints(min_length=3, max_length=120)]
EXCERPT_LIMIT = 600
_READ_LIMIT = 20_000
"""Characters of a question that are matched; an incident says what it is about early."""
_FUSION = 60
"""The constant of reciprocal rank fusion. Source: Cormack, Clarke and Buettcher, SIGIR 2009."""


class Signature(Value):
    """A known failure: how it shows, how to make sure, what to do."""

    signature_id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=80)
    title: Line
    fault: FaultKind
    signs: tuple[Sign, ...] = Field(min_length=1)
    words: tuple[Phrase, ...] = Field(min_length=1)
    """Pieces of what programs and people say when it happens, in small letters; each is looked for as it stands."""
    check: tuple[Line, ...] = Field(min_length=1)
    """What to look at, in order."""
    refuted_by: Line
    """What would show that it is something else."""
    fix: Line
    playbook: str | None = None


class LessonStatus(Term):
    """How far a lesson is."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    """Others find it."""
    RETIRED = "retired"
    """No longer true; kept, and found by nobody."""


class Lesson(Value):
    """What one closed incident taught."""

    lesson_id: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """The same for every attempt to write it, such as `INC-7`."""
    title: Line
    body: LongText
    """Markdown, without personal data or secrets: what showed, the cause, what helped."""
    service: str | None = Field(None, max_length=200)
    fault: FaultKind = FaultKind.UNKNOWN
    signs: tuple[Sign, ...] = ()
    words: tuple[Phrase, ...] = ()
    """What it is found by beside title and body."""
    playbook: str | None = Field(None, max_length=120)
    source_case: str | None = Field(None, max_length=200)
    status: LessonStatus = LessonStatus.DRAFT
    reviewer: str | None = None
    """Id of the person who reviewed or retired it."""
    reviewed_at: datetime | None = None
    created_at: datetime | None = None


class AnsweredBy(Term):
    """Which level of the search answered. Each falls to the next when it is off, down or finds nothing."""

    VECTOR = "vector"
    """Meaning, by embeddings, together with the levels below."""
    FULL_TEXT = "full_text"
    SIGNATURES = "signatures"
    GENERAL = "general"
    """Nothing fits: what to do with any incident."""


class KnowledgeHit(Value):
    """One thing that is known and fits."""

    reference: str
    """`signature:...`, `lesson:...` or `general:...`."""
    title: str
    text: str
    """A lesson's beginning, or what the signature says."""
    fault: FaultKind = FaultKind.UNKNOWN
    check: tuple[str, ...] = ()
    refuted_by: str = ""
    fix: str = ""
    playbook: str | None = None
    source_case: str | None = None
    score: float = 0.0
    """Of the fused ranking; it orders, and means nothing by itself."""
    found_by: tuple[AnsweredBy, ...] = ()


class KnowledgeAnswer(Value):
    """What a search gave."""

    answered_by: AnsweredBy
    hits: tuple[KnowledgeHit, ...] = ()
    """Best first."""
    down: tuple[AnsweredBy, ...] = ()
    """Levels that are switched on and did not answer."""


def signature_reference(signature: Signature) -> str:
    """How hits and vectors name a signature."""
    return f"signature:{signature.signature_id}"


def lesson_reference(lesson: Lesson) -> str:
    """How hits and vectors name a lesson."""
    return f"lesson:{lesson.lesson_id}"


def text_of(one: Signature | Lesson) -> str:
    """What an embedding is made of."""
    if isinstance(one, Signature):
        return "\n".join((one.title, "; ".join(one.words), *one.check, one.fix))
    return "\n".join((one.title, "; ".join(one.words), one.body))


def match_signatures(signatures: Iterable[Signature], text: str, signs: Sequence[Sign] = ()) -> list[Signature]:
    """The signatures that a text or the signs of findings speak for, best first.

    A phrase counts by its length in words, because a long one is hardly there by chance; a sign adds to that and is
    enough by itself only where two of them fit, or nothing else is asked.

    Args:
        signatures: those to look through.
        text: an incident's description, log lines, or what a person asks.
        signs: what findings showed.
    """
    read = " ".join(text[:_READ_LIMIT].lower().split())
    asked = frozenset(signs)
    scored = [(_fit(signature, read, asked), signature) for signature in signatures]
    fitting = [pair for pair in scored if pair[0] > 0]
    return [one for _, one in sorted(fitting, key=lambda pair: (-pair[0], pair[1].signature_id))]


def _fit(signature: Signature, text: str, signs: frozenset[Sign]) -> float:
    said = sum(1.0 + 0.5 * phrase.count(" ") for phrase in signature.words if _stands_in(phrase, text))
    shown = len(signs.intersection(signature.signs))
    if said:
        return said + 0.5 * shown
    enough = shown >= 2 or (shown == 1 and not text)
    return 0.5 * shown if enough else 0.0


def _stands_in(phrase: str, text: str) -> bool:
    """As whole words: `oom` is not in `room`."""
    start = text.find(phrase)
    while start >= 0:
        end = start + len(phrase)
        before, after = text[start - 1 : start], text[end : end + 1]
        if not (before.isalnum() and phrase[0].isalnum()) and not (after.isalnum() and phrase[-1].isalnum()):
            return True
        start = text.find(phrase, start + 1)
    return False


def fuse(rankings: Mapping[AnsweredBy, Sequence[str]]) -> list[tuple[str, float, tuple[AnsweredBy, ...]]]:
    """Put rankings together by reciprocal rank fusion: references, best first, with score and who found each.

    Args:
        rankings: by level, references with the best first.
    """
    scores: dict[str, float] = {}
    found: dict[str, list[AnsweredBy]] = {}
    for level, ranking in rankings.items():
        for rank, reference in enumerate(dict.fromkeys(ranking), start=1):
            scores[reference] = scores.get(reference, 0.0) + 1.0 / (_FUSION + rank)
            found.setdefault(reference, []).append(level)
    ordered = sorted(scores, key=lambda reference: (-scores[reference], reference))
    return [(reference, round(scores[reference], 6), tuple(found[reference])) for reference in ordered]


def hit_of(one: Signature | Lesson, score: float, found_by: tuple[AnsweredBy, ...]) -> KnowledgeHit:
    """A signature or lesson as a search shows it."""
    if isinstance(one, Signature):
        return KnowledgeHit(
            reference=signature_reference(one),
            title=one.title,
            text=one.fix,
            fault=one.fault,
            check=one.check,
            refuted_by=one.refuted_by,
            fix=one.fix,
            playbook=one.playbook,
            score=score,
            found_by=found_by,
        )
    return KnowledgeHit(
        reference=lesson_reference(one),
        title=one.title,
        text=one.body[:EXCERPT_LIMIT],
        fault=one.fault,
        playbook=one.playbook,
        source_case=one.source_case,
        score=score,
        found_by=found_by,
    )


GENERAL_GUIDANCE = (
    KnowledgeHit(
        reference="general:first-steps",
        title="What to do with any incident",
        text="Find out when it began and what changed shortly before; go back to what ran before where that is safe.",
        check=(
            "When did it begin, and which service showed it first?",
            "Which deployment, configuration, feature flag, migration or certificate changed in the hour before?",
            "Do the services that it calls answer, and how fast?",
            "Are processor, memory, disk, connections or quotas used up?",
            "Did the number of requests change?",
        ),
        refuted_by="A change is not the cause when the trouble began before it or stays after it was taken back.",
        fix="Take back the last change, restart or scale out what is used up, and watch the metric that showed it.",
        found_by=(AnsweredBy.GENERAL,),
    ),
)
"""For an incident that nothing known fits."""


def after_review(lesson: Lesson, status: LessonStatus, *, reviewer: str, at: datetime) -> Lesson:
    """The lesson as a person judged it.

    Args:
        lesson: as it is kept.
        status: `reviewed` or `retired`.
        reviewer: id of the person.
        at: when, with a time zone.

    Raises:
        InvalidInput: a lesson does not go back to being a draft, or it is so already.
    """
    if status is LessonStatus.DRAFT:
        raise InvalidInput("A lesson that was judged does not become a draft again: review it or retire it.")
    if lesson.status is status:
        raise InvalidInput(f"The lesson {lesson.lesson_id} is {status.label} already: there is nothing to do.")
    return lesson.model_copy(update={"status": status, "reviewer": reviewer, "reviewed_at": at})
