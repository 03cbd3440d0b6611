"""The knowledge of failures behind one search: meaning, words, signatures, and general guidance when nothing fits.

Each level that is off or down is passed over, and the answer says which level it came from. Only lessons that a person
of the tenant reviewed are found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from domain.errors import InvalidInput, VendorError, VendorUnavailable
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.knowledge import (
    GENERAL_GUIDANCE,
    AnsweredBy,
    KnowledgeAnswer,
    Lesson,
    LessonStatus,
    Signature,
    after_review,
    fuse,
    hit_of,
    lesson_reference,
    match_signatures,
    signature_reference,
    text_of,
)
from integrations.knowledge.embeddings import RestEmbeddings
from integrations.store.knowledge.lessons import MOST_LISTED, SqlLessons, digest_of

_CANDIDATES = 12
_MADE_AT_ONCE = 256
"""Vectors that one search makes at most; the next search makes the rest."""
Known = dict[str, Signature | Lesson]


class FailureKnowledge:
    """`domain.ports.knowledge.IncidentKnowledge`."""

    def __init__(
        self,
        signatures: Sequence[Signature],
        lessons: SqlLessons | None,
        embeddings: RestEmbeddings | None = None,
        *,
        least_similarity: float = 0.35,
    ) -> None:
        """Keep the levels.

        Args:
            signatures: those that ship, with the organisation's own.
            lessons: None for a command that opens no store.
            embeddings: None switches meaning off.
            least_similarity: cosine below which nothing counts as alike.
        """
        self._signatures = {signature_reference(one): one for one in signatures}
        self._lessons = lessons
        self._embeddings = embeddings
        self._least = least_similarity

    async def search(self, tenant: str, text: str, *, signs: Sequence[Sign] = (), limit: int = 5) -> KnowledgeAnswer:
        """What fits a text, the signs of findings, or both; best first.

        Args:
            tenant: whose lessons.
            text: a description, log lines, or a question.
            signs: what findings showed.
            limit: the most hits to return.
        """
        known: Known = dict(self._signatures)
        rankings: dict[AnsweredBy, list[str]] = {}
        down: list[AnsweredBy] = []
        for level, ask in ((AnsweredBy.VECTOR, self._by_meaning), (AnsweredBy.FULL_TEXT, self._by_words)):
            try:
                rankings[level] = await ask(tenant, text, known)
            except VendorError:
                down.append(level)
        matched = match_signatures(self._signatures.values(), text, signs)[:_CANDIDATES]
        rankings[AnsweredBy.SIGNATURES] = [signature_reference(one) for one in matched]
        answered = next((level for level in AnsweredBy if rankings.get(level)), AnsweredBy.GENERAL)
        hits = tuple(hit_of(known[reference], score, by) for reference, score, by in fuse(rankings)[: max(limit, 1)])
        return KnowledgeAnswer(answered_by=answered, hits=hits or GENERAL_GUIDANCE, down=tuple(down))

    async def learn(self, tenant: str, lesson: Lesson) -> LessonStatus:
        """Keep a lesson as a draft; see `SqlLessons.learn`."""
        return await self._kept().learn(tenant, lesson)

    async def find(self, tenant: str, reference: str) -> Signature | Lesson | None:
        """A signature or a lesson, by its reference or its bare id; drafts too."""
        if reference in self._signatures or f"signature:{reference}" in self._signatures:
            return self._signatures.get(reference) or self._signatures[f"signature:{reference}"]
        if reference.startswith("signature:") or self._lessons is None:
            return None
        return await self._lessons.find(tenant, reference.removeprefix("lesson:"))

    async def lessons(self, tenant: str, status: LessonStatus | None = None, *, limit: int = 100) -> list[Lesson]:
        """The tenant's lessons, the newest first."""
        return await self._kept().listed(tenant, status, limit=limit)

    def signatures(self) -> Sequence[Signature]:
        """Every signature, by id."""
        return [self._signatures[reference] for reference in sorted(self._signatures)]

    async def review(self, tenant: str, lesson_id: str, status: LessonStatus, *, reviewer: str, at: datetime) -> Lesson:
        """Let others find a lesson, or let nobody find it any more.

        Args:
            tenant: whose.
            lesson_id: with or without `lesson:` before it.
            status: `reviewed` or `retired`.
            reviewer: id of the person.
            at: when, with a time zone.

        Raises:
            InvalidInput: there is no such lesson, it is so already, or it was changed meanwhile.
        """
        kept = await self._kept().find(tenant, lesson_id.removeprefix("lesson:"))
        if kept is None:
            raise InvalidInput("There is no such lesson: see `surehand knowledge list`.")
        judged = after_review(kept, status, reviewer=reviewer, at=at)
        await self._kept().judge(tenant, judged, kept.status)
        return judged

    def _kept(self) -> SqlLessons:
        if self._lessons is None:
            raise VendorUnavailable("store", "not_open", "The store is not open here: run a command that opens it.")
        return self._lessons

    async def _by_words(self, tenant: str, text: str, known: Known) -> list[str]:
        if self._lessons is None:
            return []
        found = await self._lessons.search(tenant, text, limit=_CANDIDATES)
        known.update((lesson_reference(lesson), lesson) for lesson in found)
        return [lesson_reference(lesson) for lesson in found]

    async def _by_meaning(self, tenant: str, text: str, known: Known) -> list[str]:
        if self._embeddings is None or self._lessons is None or not text.strip():
            return []
        reviewed = await self._lessons.listed(tenant, LessonStatus.REVIEWED, limit=MOST_LISTED)
        searched: Known = {**self._signatures, **{lesson_reference(lesson): lesson for lesson in reviewed}}
        vectors = await self._vectors(tenant, searched, self._embeddings, self._lessons)
        asked = (await self._embeddings.embed([text]))[0]
        alike = {reference: _cosine(asked, vector) for reference, vector in vectors.items()}
        best = sorted(alike, key=lambda reference: (-alike[reference], reference))[:_CANDIDATES]
        found = [reference for reference in best if alike[reference] >= self._least]
        known.update((reference, searched[reference]) for reference in found)
        return found

    async def _vectors(
        self, tenant: str, searched: Known, embeddings: RestEmbeddings, lessons: SqlLessons
    ) -> Mapping[str, Sequence[float]]:
        """The vectors of everything searched; those that are missing or of an older text are made and kept."""
        kept = await lessons.vectors(tenant, embeddings.model)
        texts = {reference: text_of(one) for reference, one in searched.items()}
        digests = {reference: digest_of(text) for reference, text in texts.items()}
        missing = [name for name in sorted(texts) if name not in kept or kept[name][0] != digests[name]]
        made = missing[:_MADE_AT_ONCE]
        numbers = await embeddings.embed([texts[name] for name in made])
        new = {name: (digests[name], vector) for name, vector in zip(made, numbers, strict=True)}
        if new:
            await lessons.keep_vectors(tenant, embeddings.model, new)
        left = set(missing).difference(new)
        return {name: (new.get(name) or kept[name])[1] for name in texts if name not in left}


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of two vectors of length one; 0 where they are not of one kind."""
    if len(one) != len(other):
        return 0.0
    return sum(a * b for a, b in zip(one, other, strict=True))
