"""Questions that whoever asked them no longer wants answered."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import and_, select

from integrations.store.database.connection import Database
from integrations.store.tables.deliveries import withdrawn_questions as table


class SqlQuestions:
    """The table `withdrawn_questions` on a `Database`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def withdraw(self, tenant: str, workflow_id: str, query_id: str, by: str) -> datetime:
        """Withdraw a question; a second time changes nothing.

        Args:
            tenant: whose case it is.
            workflow_id: of the case.
            query_id: of the question.
            by: whoever withdraws it.

        Returns:
            When it was withdrawn.
        """
        row = {
            "tenant": tenant,
            "workflow_id": workflow_id,
            "query_id": query_id,
            "withdrawn_by": by,
            "withdrawn_at": datetime.now(UTC),
        }
        async with self._database.writing() as connection:
            await connection.execute(self._database.insert(table).on_conflict_do_nothing().values(row))
        return (await self.withdrawn(tenant, workflow_id))[query_id]

    async def withdrawn(self, tenant: str, workflow_id: str) -> dict[str, datetime]:
        """The withdrawn questions about a case, with when."""
        query = select(table.c.query_id, table.c.withdrawn_at).where(
            and_(table.c.tenant == tenant, table.c.workflow_id == workflow_id)
        )
        async with self._database.reading() as connection:
            return {row.query_id: row.withdrawn_at for row in await connection.execute(query)}
