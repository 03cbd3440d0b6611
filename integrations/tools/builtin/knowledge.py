"""Looking up what is known of failures."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from domain.model import Value
from domain.ports.knowledge import IncidentKnowledge
from domain.tools.tool import Safety, ToolCategory
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.knowledge import KnowledgeAnswer
from integrations.tools.provider import CallContext
from integrations.tools.python import tool


class KnowledgeQuestion(Value):
    """What to look for: words, signs, or both."""

    text: str = Field("", max_length=20_000, description="a description, log lines, or a question")
    signs: tuple[Sign, ...] = Field((), max_length=30, description="what findings showed")
    limit: int = Field(5, ge=1, le=20)


class KnowledgeTools:
    """Searches signatures and reviewed lessons."""

    def __init__(self, failures: IncidentKnowledge) -> None:
        """`failures` is asked for the tenant of each call."""
        self._failures = failures

    @tool(
        name="knowledge.search",
        title="Search what is known of failures",
        vendor="knowledge",
        category=ToolCategory.SEARCH,
        capabilities=("knowledge.search",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=timedelta(seconds=60),
    )
    async def search(self, arguments: KnowledgeQuestion, context: CallContext) -> KnowledgeAnswer:
        """Signatures of known failures and lessons of closed incidents, best first, with the level that answered."""
        return await self._failures.search(context.tenant, arguments.text, signs=arguments.signs, limit=arguments.limit)
