"""What is known of failures, for one person at a terminal: search it, look at it, review it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from domain.errors import InvalidInput
from domain.identity.people import Person
from domain.ids import check_tenant
from domain.troubleshooting.knowledge import KnowledgeAnswer, Lesson, LessonStatus, Signature
from integrations.knowledge.incidents import FailureKnowledge
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from runtime.settings.environment import Settings
from workers.knowledge import failure_knowledge


class KnowledgeDesk:
    """One tenant's knowledge of failures."""

    def __init__(self, knowledge: FailureKnowledge, tenant: str) -> None:
        self._knowledge = knowledge
        self.tenant = tenant

    async def search(self, text: str, limit: int) -> KnowledgeAnswer:
        """What fits a text.

        Raises:
            InvalidInput: there is nothing to search for.
        """
        if not text.strip():
            raise InvalidInput("There is nothing to search for: describe the failure, or paste a log line.")
        return await self._knowledge.search(self.tenant, text, limit=limit)

    async def lessons(self, status: str | None) -> Sequence[Lesson]:
        """The tenant's lessons.

        Raises:
            InvalidInput: there is no such status.
        """
        if status is not None and status not in set(LessonStatus):
            raise InvalidInput(f"There is no status {status!r}: use one of {', '.join(LessonStatus)}.")
        return await self._knowledge.lessons(self.tenant, LessonStatus(status) if status else None)

    def signatures(self) -> Sequence[Signature]:
        """Every signature."""
        return self._knowledge.signatures()

    async def show(self, reference: str) -> Signature | Lesson:
        """One signature or lesson.

        Raises:
            InvalidInput: there is none of that name.
        """
        found = await self._knowledge.find(self.tenant, reference)
        if found is None:
            raise InvalidInput(f"Nothing is known as {reference!r}: see `surehand knowledge list`.")
        return found

    async def review(self, lesson_id: str, status: LessonStatus, person: Person) -> Lesson:
        """Keep what a person says of a lesson.

        Raises:
            InvalidInput: there is no such lesson, or it is so already.
        """
        return await self._knowledge.review(
            self.tenant, lesson_id, status, reviewer=person.person_id, at=datetime.now(UTC)
        )


@asynccontextmanager
async def open_knowledge(settings: Settings, tenant: str | None) -> AsyncIterator[KnowledgeDesk]:
    """Open the store and read the signatures.

    Raises:
        ConfigurationProblem: a setting or file cannot be used, or there is no such tenant.
        NotReachable: the store does not answer.
    """
    name = check_tenant(tenant or settings.tenant)
    configuration = Configuration.from_settings(settings)
    configuration.policy_for(name)
    store = await SqlStore.open(settings.store_url)
    try:
        yield KnowledgeDesk(failure_knowledge(settings, configuration, store.lessons), name)
    finally:
        await store.close()
