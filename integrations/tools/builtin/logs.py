"""Looking into log files that a user uploaded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import Field

from domain.model import Value
from domain.ports.evidence import EvidenceStore
from domain.tools.tool import Safety, ToolCategory
from domain.troubleshooting.evidence import Findings
from integrations.evidence.logs.analysing import LogFile, LogQuestion
from integrations.evidence.logs.apart import LogProcesses
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_TIMEOUT = timedelta(minutes=15)
_MOST_SECONDS = 600.0
_RESULT_LIMIT_BYTES = 200_000


class LogEvidence(Value):
    """One uploaded file."""

    reference: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="what the upload gave")
    name: str = Field(min_length=1, max_length=300, description="as the user named the file")
    service: str | None = Field(None, max_length=100, description="whose logs these are, where the lines do not say")


class LogArguments(Value):
    """What to look into."""

    evidence: tuple[LogEvidence, ...] = Field(min_length=1, max_length=50)
    around: datetime | None = Field(None, description="when the incident was; UTC when it has no time zone")
    services: tuple[str, ...] = Field(
        (), max_length=2_000, description="names of the system's services, as in its topology"
    )


class LogTools:
    """Analyses logs in a process of its own."""

    def __init__(self, store: EvidenceStore) -> None:
        """`store` holds the files."""
        self._store = store
        self._processes = LogProcesses()

    @tool(
        name="logs.analyse",
        title="Analyse log files",
        vendor="logs",
        category=ToolCategory.ANALYSIS,
        capabilities=("logs.analyse",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=_TIMEOUT,
        give_up_after=timedelta(minutes=45),
        result_limit_bytes=_RESULT_LIMIT_BYTES,
    )
    async def analyse(self, arguments: LogArguments, context: CallContext) -> Findings:
        """New and rising errors, slower calls, silent services, restarts and changed settings, with when and who."""
        files = []
        for evidence in arguments.evidence:
            path = await self._store.path(context.tenant, evidence.reference)
            files.append(LogFile(path=path, name=_printable(evidence.name), service=evidence.service or None))
        around = arguments.around
        if around is not None and around.tzinfo is None:
            around = around.replace(tzinfo=UTC)
        question = LogQuestion(
            files=tuple(files),
            around=around,
            services=tuple(name[:100] for name in arguments.services if name.strip()),
            most_seconds=_MOST_SECONDS,
        )
        return await self._processes.analyse(question, beat=context.beat)


def _printable(name: str) -> str:
    return "".join(character for character in name if character.isprintable())[:120] or "log"
