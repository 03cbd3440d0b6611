"""Lessons from closed incidents, found by their words; and vectors, kept so that each is made once."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, RowMapping, select, update

from domain.errors import InvalidInput
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.knowledge import Lesson, LessonStatus
from integrations.store.database.connection import Database
from integrations.store.database.full_text import ranked_rows
from integrations.store.database.search_terms import search_terms
from integrations.store.tables.knowledge import lessons, vectors

MOST_LISTED = 500
_VISIBLE = "a.status = 'reviewed'"


class SqlLessons:
    """Lessons and vectors on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def learn(self, tenant: str, lesson: Lesson) -> LessonStatus:
        """Keep a lesson as a draft. A repeat fills the draft anew; one that a person judged stays as it is.

        Returns:
            What the lesson is now.
        """
        row = lesson.model_dump(mode="python", exclude={"words", "status", "reviewer", "reviewed_at"})
        row |= {"tenant": tenant, "status": LessonStatus.DRAFT.value, "fault": lesson.fault.value}
        row["keywords"] = "\n".join(" ".join(word.split()) for word in lesson.words)
        row["signs"] = "\n".join(sign.value for sign in lesson.signs)
        row["created_at"] = lesson.created_at or datetime.now(UTC)
        insert = self._database.insert(lessons)
        statement = insert.on_conflict_do_update(
            index_elements=["tenant", "lesson_id"],
            set_={name: insert.excluded[name] for name in row if name not in {"tenant", "lesson_id", "created_at"}},
            where=lessons.c.status == LessonStatus.DRAFT.value,
        )
        async with self._database.writing() as connection:
            await connection.execute(statement, row)
            kept = await connection.scalar(select(lessons.c.status).where(_named(tenant, lesson.lesson_id)))
        return LessonStatus(str(kept))

    async def find(self, tenant: str, lesson_id: str) -> Lesson | None:
        """One lesson, whatever its status; None when the tenant has none of that id."""
        async with self._database.reading() as connection:
            row = (await connection.execute(select(lessons).where(_named(tenant, lesson_id)))).mappings().one_or_none()
        return None if row is None else _lesson(row)

    async def listed(self, tenant: str, status: LessonStatus | None = None, *, limit: int = 100) -> list[Lesson]:
        """The newest lessons first.

        Args:
            tenant: whose.
            status: only those; all when None.
            limit: at most `MOST_LISTED`.
        """
        query = select(lessons).where(lessons.c.tenant == tenant)
        if status is not None:
            query = query.where(lessons.c.status == status.value)
        query = query.order_by(lessons.c.created_at.desc(), lessons.c.id.desc()).limit(min(limit, MOST_LISTED))
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).mappings().all()
        return [_lesson(row) for row in rows]

    async def judge(self, tenant: str, judged: Lesson, before: LessonStatus) -> None:
        """Keep what a person said of a lesson.

        Args:
            tenant: whose.
            judged: as `after_review` gives it.
            before: the status it had when the person saw it.

        Raises:
            InvalidInput: it was changed meanwhile.
        """
        where = [_named(tenant, judged.lesson_id), lessons.c.status == before.value]
        where += [lessons.c.body == judged.body, lessons.c.title == judged.title]
        said = {"status": judged.status.value, "reviewer": judged.reviewer, "reviewed_at": judged.reviewed_at}
        async with self._database.writing() as connection:
            done = await connection.execute(update(lessons).where(*where).values(**said))
        if done.rowcount != 1:
            raise InvalidInput(f"The lesson {judged.lesson_id} was changed meanwhile: look at it again.")

    async def search(self, tenant: str, text: str, *, limit: int = 10) -> list[Lesson]:
        """Reviewed lessons that have words of a text, best first; one shared word in a long text is chance."""
        words = search_terms(text)
        if not words or limit < 1:
            return []
        statement, values = ranked_rows(self._database, "lessons", _VISIBLE, words)
        async with self._database.reading() as connection:
            rows = (await connection.execute(statement, values | {"tenant": tenant, "candidates": limit})).mappings()
            found = [row for row in rows.all() if row["terms"] >= 2 or len(words) <= 3]
        if not found:
            return []
        # Read again by the table's own types: a query in plain SQL gives SQLite's times as text.
        ids = [row["lesson_id"] for row in found]
        query = select(lessons).where(lessons.c.tenant == tenant, lessons.c.lesson_id.in_(ids))
        async with self._database.reading() as connection:
            kept = {row["lesson_id"]: row for row in (await connection.execute(query)).mappings()}
        return [_lesson(kept[lesson_id]) for lesson_id in ids if lesson_id in kept]

    async def vectors(self, tenant: str, model: str) -> dict[str, tuple[str, array[float]]]:
        """The vectors of one model: reference -> digest of the text it was made of, and its numbers."""
        query = select(vectors.c.reference, vectors.c.digest, vectors.c.numbers).where(
            vectors.c.tenant == tenant, vectors.c.model == model
        )
        async with self._database.reading() as connection:
            rows = (await connection.execute(query)).all()
        return {row.reference: (row.digest, array("f", row.numbers)) for row in rows}

    async def keep_vectors(self, tenant: str, model: str, made: Mapping[str, tuple[str, Sequence[float]]]) -> None:
        """Keep vectors, in the place of older ones.

        Args:
            tenant: whose.
            model: that made them.
            made: as `vectors` gives them.
        """
        rows = [
            {"tenant": tenant, "model": model, "reference": reference, "digest": digest, "numbers": packed(numbers)}
            for reference, (digest, numbers) in made.items()
        ]
        insert = self._database.insert(vectors)
        statement = insert.on_conflict_do_update(
            index_elements=["tenant", "reference"],
            set_={name: insert.excluded[name] for name in ("model", "digest", "numbers")},
        )
        async with self._database.writing() as connection:
            await connection.execute(statement, rows)


def packed(numbers: Sequence[float]) -> bytes:
    """A vector as 32-bit floats."""
    return array("f", numbers).tobytes()


def digest_of(text: str) -> str:
    """What tells whether a vector is still that of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _named(tenant: str, lesson_id: str) -> ColumnElement[bool]:
    return (lessons.c.tenant == tenant) & (lessons.c.lesson_id == lesson_id)


def _lesson(row: RowMapping) -> Lesson:
    fields = {name: row[name] for name in Lesson.model_fields if name not in ("words", "signs")}
    signs = tuple(Sign(sign) for sign in row["signs"].splitlines())
    return Lesson.model_validate(fields | {"words": tuple(row["keywords"].splitlines()), "signs": signs})
