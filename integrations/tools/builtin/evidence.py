"""Reading evidence: metrics, changes, topology, traces and what kubectl printed. Everything here only reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import TypeVar

from pydantic import Field

from domain.errors import InvalidInput
from domain.model import Value
from domain.ports import EvidenceStore
from domain.tool import Safety, ToolCategory
from domain.troubleshooting.evidence import Findings
from integrations.evidence.answers import off_loop, said
from integrations.evidence.documents import Unreadable, read_text
from integrations.evidence.metrics.analysing import analyse
from integrations.evidence.metrics.reading import read_series
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_VENDOR = "evidence"
_TIMEOUT = timedelta(minutes=2)
T = TypeVar("T")


class Evidence(Value):
    """One uploaded piece."""

    reference: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    name: str = Field(min_length=1, max_length=255, description="as the user named it")
    service: str | None = Field(None, max_length=120, description="whose it is, where the content does not say")


class Pieces(Value):
    """What to read."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)
    services: tuple[str, ...] = Field((), max_length=2_000, description="names that are known, such as the topology's")


@dataclass(frozen=True)
class Opened:
    """A piece with its text."""

    name: str
    service: str | None
    text: str
    cut: bool
    """Longer than may be read."""


class EvidenceReader:
    """Opens what a tenant uploaded, and works on it beside the event loop."""

    def __init__(self, store: EvidenceStore) -> None:
        """`store` holds every tenant's evidence."""
        self._store = store

    async def read(
        self, pieces: Sequence[Evidence], context: CallContext, work: Callable[[list[Opened], list[str], Going], T]
    ) -> T:
        """Give the texts, and a sentence for each piece that cannot be read, to a function in a thread.

        Raises:
            InvalidInput: the tenant has no such evidence.
        """
        found = [(piece, await self._store.path(context.tenant, piece.reference)) for piece in pieces]
        stop = Event()

        def all_of_it() -> T:
            opened, unread = _opened(found)
            return work(opened, unread, Going(stop))

        try:
            return await off_loop(context.beat, all_of_it)
        finally:
            stop.set()


class Going:
    """Called by long work now and then; ends it once nobody waits for it any more."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def __call__(self) -> None:
        """Raise when the caller has gone."""
        if self._stop.is_set():
            raise InvalidInput("Reading was stopped: ask again.")


def _opened(found: Sequence[tuple[Evidence, Path]]) -> tuple[list[Opened], list[str]]:
    opened, unread = [], []
    for piece, path in found:
        name = said(piece.name, 80)
        try:
            text, cut = read_text(path)
        except Unreadable as fault:
            unread.append(f"{name}: {fault}")
            continue
        if cut:
            unread.append(f"{name}: only its beginning was read, for it is very large.")
        opened.append(Opened(name, piece.service, text, cut))
    return opened, unread


def each(opened: Sequence[Opened], unread: list[str], read: Callable[[Opened], T]) -> list[tuple[Opened, T]]:
    """Read every piece; one that cannot be read adds a sentence and holds up no other."""
    done = []
    for piece in opened:
        try:
            done.append((piece, read(piece)))
        except Unreadable as fault:
            unread.append(f"{piece.name}: {fault}")
    return done


class EvidenceTools:
    """Tools on the port `EvidenceStore`."""

    def __init__(self, store: EvidenceStore) -> None:
        """`store` holds every tenant's evidence."""
        self._reader = EvidenceReader(store)

    @tool(
        name="metrics.analyse",
        title="Find what changed in metrics",
        vendor=_VENDOR,
        category=ToolCategory.ANALYSIS,
        capabilities=("metrics.analyse",),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=_TIMEOUT,
    )
    async def metrics(self, arguments: Pieces, context: CallContext) -> Findings:
        """Shifts, steady growth and crossed limits in CSV or Prometheus JSON, with onset and what moved beside."""

        def work(opened: list[Opened], unread: list[str], going: Going) -> Findings:
            read = each(opened, unread, lambda one: read_series(one.text, name=one.name, service=one.service))
            return analyse(
                [(piece.name, reading.series) for piece, reading in read],
                services=arguments.services,
                going=going,
                relative=any(reading.relative for _, reading in read),
                unread=unread,
            )

        return await self._reader.read(arguments.evidence, context, work)
