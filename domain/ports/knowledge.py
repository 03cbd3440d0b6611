"""The ports of what is known: articles for customers, lessons from incidents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from domain.knowledge.articles import Article, ArticleHit
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.knowledge import KnowledgeAnswer, Lesson, LessonStatus, Signature


class KnowledgeBase(Protocol):
    """Articles with full-text search."""

    async def search(self, tenant: str, text: str, *, limit: int = 3, public_only: bool = True) -> list[ArticleHit]:
        """The best articles for a text, best first; an empty list when nothing fits. The text is data, never syntax."""
        ...

    async def add(self, tenant: str, article: Article) -> None:
        """Add or replace an article by its id."""
        ...


class IncidentKnowledge(Protocol):
    """What is known of failures: signatures that ship, and lessons that people of the tenant reviewed."""

    async def search(self, tenant: str, text: str, *, signs: Sequence[Sign] = (), limit: int = 5) -> KnowledgeAnswer:
        """What fits a text, the signs of findings, or both, best first; says which level answered.

        A level that is off or down is passed over, and the answer names it; so this raises nothing.
        """
        ...

    async def learn(self, tenant: str, lesson: Lesson) -> LessonStatus:
        """Keep what an incident taught as a draft, which nobody finds before a person reviewed it.

        A repeat with the same id fills the draft anew; a lesson that a person judged stays as it is.

        Returns:
            What the lesson is now.
        """
        ...

    async def find(self, tenant: str, reference: str) -> Signature | Lesson | None:
        """A signature or lesson by its reference, drafts too; None when the tenant has none."""
        ...
