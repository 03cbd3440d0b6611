"""Reading evidence: metrics, changes, topology, traces and what kubectl printed. Everything here only reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from typing import TypeVar

from pydantic import Field

from domain.errors import InvalidInput
from domain.model import Value
from domain.ports.evidence import EvidenceStore
from domain.tools.tool import RESULT_LIMIT_BYTES, Safety, ToolCategory
from domain.troubleshooting.evidence import Findings
from domain.troubleshooting.topology import Topology
from integrations.evidence.answers import gathered, off_loop, said
from integrations.evidence.changes import ChangeReading, read_changes
from integrations.evidence.documents import Unreadable, read_text
from integrations.evidence.kubernetes.analysing import analyse as analyse_cluster
from integrations.evidence.metrics.analysing import analyse
from integrations.evidence.metrics.reading import read_series
from integrations.evidence.spans import read_spans
from integrations.evidence.topology import Hanging, hanging_on, read_topology
from integrations.evidence.traces import analyse_spans
from integrations.tools.provider import CallContext
from integrations.tools.python import MethodT, tool

_VENDOR = "evidence"
_TIMEOUT = timedelta(minutes=2)
_RESULT_LIMIT_BYTES = 200_000
_MOST_CHANGES = 200
"""The latest; what is older than so many changes is no cause of an incident that is going on."""
T = TypeVar("T")


class Evidence(Value):
    """One uploaded piece."""

    reference: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    name: str = Field(min_length=1, max_length=255, description="as the user named it")
    service: str | None = Field(None, max_length=120, description="whose it is, where the content does not say")


class Records(Value):
    """Which records of changes to read."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)
    since: datetime | None = Field(None, description="with a time zone; earlier changes are left out")
    until: datetime | None = Field(None, description="with a time zone; later changes are left out")


class Cluster(Value):
    """What kubectl printed."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)
    as_of: datetime | None = Field(None, description="when it was printed, with a time zone: ages count back from it")


class Maps(Value):
    """Where it stands who calls whom."""

    evidence: tuple[Evidence, ...] = Field(min_length=1, max_length=50)


class WhatFails(Value):
    """What to look at in which topology."""

    services: tuple[str, ...] = Field(min_length=1, max_length=100, description="who fails")
    evidence: tuple[Evidence, ...] = Field((), max_length=50)
    topology: Topology | None = Field(None, description="as topology.read gave it, instead of evidence")


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
        except RecursionError:
            unread.append(f"{piece.name}: The file is nested too deeply to be read.")
    return done


def _reads(name: str, title: str, *, result_limit_bytes: int = RESULT_LIMIT_BYTES) -> Callable[[MethodT], MethodT]:
    """Mark a method as a tool that only looks; it can do what it is called after."""
    return tool(
        name=name,
        title=title,
        vendor=_VENDOR,
        category=ToolCategory.ANALYSIS,
        capabilities=(name,),
        safety=Safety.SAFE,
        idempotent=True,
        timeout=_TIMEOUT,
        result_limit_bytes=result_limit_bytes,
    )


class EvidenceTools:
    """Tools on the port `EvidenceStore`."""

    def __init__(self, store: EvidenceStore) -> None:
        """`store` holds every tenant's evidence."""
        self._reader = EvidenceReader(store)

    @_reads("metrics.analyse", "Find what changed in metrics")
    async def metrics(self, arguments: Pieces, context: CallContext) -> Findings:
        """Shifts, steady growth and crossed limits in CSV or Prometheus JSON, with onset and what moved beside."""

        def work(opened: list[Opened], unread: list[str], going: Going) -> Findings:
            read = each(opened, unread, lambda one: read_series(one.text, name=one.name, service=one.service))
            unread += [f"{piece.name}: only its first part was read." for piece, reading in read if reading.cut]
            return analyse(
                [(piece.name, reading.series) for piece, reading in read],
                services=arguments.services,
                going=going,
                relative=any(reading.relative for _, reading in read),
                unread=unread,
            )

        return await self._reader.read(arguments.evidence, context, work)

    @_reads("changes.read", "Read what was changed", result_limit_bytes=_RESULT_LIMIT_BYTES)
    async def changes(self, arguments: Records, context: CallContext) -> Findings:
        """Deployments, settings, flags and migrations from JSON, YAML, CSV, git, Helm or Argo CD, in order of time."""
        if any(at is not None and at.tzinfo is None for at in (arguments.since, arguments.until)):
            raise InvalidInput("changes.read: since and until have a time zone: add it.")

        def work(opened: list[Opened], unread: list[str], going: Going) -> Findings:
            read = each(opened, unread, lambda one: read_changes(one.text, name=one.name, service=one.service))
            return _changes_in([reading for _, reading in read], unread, arguments)

        return await self._reader.read(arguments.evidence, context, work)

    @_reads("traces.analyse", "Find where traces fail and wait", result_limit_bytes=_RESULT_LIMIT_BYTES)
    async def traces(self, arguments: Maps, context: CallContext) -> Findings:
        """Where errors begin, who became slower by itself and who calls whom, from OpenTelemetry, Jaeger or Zipkin."""

        def work(opened: list[Opened], unread: list[str], going: Going) -> Findings:
            read = each(opened, unread, lambda one: read_spans(one.text, service=one.service))
            unread += [f"{piece.name}: only its first spans were read." for piece, (_, cut) in read if cut]
            return analyse_spans([(piece.name, spans) for piece, (spans, _) in read], going=going, unread=unread)

        return await self._reader.read(arguments.evidence, context, work)

    @_reads("kubernetes.analyse", "Find what is wrong in a cluster", result_limit_bytes=_RESULT_LIMIT_BYTES)
    async def kubernetes(self, arguments: Cluster, context: CallContext) -> Findings:
        """What kubectl printed, tables to logs: which workload has what trouble, and why."""
        if arguments.as_of is not None and arguments.as_of.tzinfo is None:
            raise InvalidInput("kubernetes.analyse: as_of has a time zone: add it.")

        def work(opened: list[Opened], unread: list[str], going: Going) -> Findings:
            pieces = [(one.name, one.text, one.service) for one in opened]
            return analyse_cluster(pieces, as_of=arguments.as_of, going=going, unread=unread)

        return await self._reader.read(arguments.evidence, context, work)

    @_reads("topology.read", "Read who calls whom", result_limit_bytes=_RESULT_LIMIT_BYTES)
    async def topology(self, arguments: Maps, context: CallContext) -> Topology:
        """The services and their calls, from YAML or JSON in many shapes, or a docker-compose file."""
        return await self._reader.read(arguments.evidence, context, _topology_in)

    @_reads("topology.blast_radius", "See who depends on a service")
    async def blast_radius(self, arguments: WhatFails, context: CallContext) -> Hanging:
        """Who is affected directly and by way of others, single points of failure, and circles of calls."""
        given = arguments.topology
        if given is None and not arguments.evidence:
            raise InvalidInput("topology.blast_radius: give evidence or a topology.")

        def work(opened: list[Opened], unread: list[str], going: Going) -> Hanging:
            graph = _topology_in(opened, unread, going) if opened or unread else Topology()
            if given is not None:
                graph = given.joined((one.name for one in graph.services), graph.calls)
            return hanging_on(graph, arguments.services)

        return await self._reader.read(arguments.evidence, context, work)


def _changes_in(read: Sequence[ChangeReading], unread: Sequence[str], asked: Records) -> Findings:
    every = sorted((one for reading in read for one in reading.changes), key=lambda one: (one.at, one.change_id))
    inside = [
        one
        for one in every
        if (asked.since is None or one.at >= asked.since) and (asked.until is None or one.at <= asked.until)
    ]
    kept = inside[-_MOST_CHANGES:]
    without = sum(reading.left_out for reading in read)
    notes = [
        f"{len(inside)} changes were read." if inside else "No change was found.",
        f"Only the latest {len(kept)} are listed: narrow the time." if len(kept) < len(inside) else "",
        f"{len(every) - len(inside)} lie outside the time that was asked for." if len(inside) < len(every) else "",
        f"{without} records were left out, for they have no time or there were too many." if without else "",
    ]
    return gathered(
        (),
        summary=" ".join(filter(None, [*notes, *unread])),
        changes=kept,
        services=[one.service for one in kept if one.service],
        begins=every[0].at if every else None,
        ends=every[-1].at if every else None,
        details={"unread": list(unread)},
    )


def _topology_in(opened: list[Opened], unread: list[str], going: Going) -> Topology:
    graph, faults = Topology(), list(unread)
    for _, (found, left_out) in each(opened, faults, lambda one: read_topology(one.text)):
        going()
        kinds = {one.name for one in graph.services}
        graph = Topology(
            services=(*graph.services, *(one for one in found.services if one.name not in kinds)),
            calls=tuple(dict.fromkeys([*graph.calls, *found.calls])),
        )
        faults += left_out
    if not graph.services:
        raise InvalidInput(" ".join(faults[:3]) or "There is no topology in the evidence: upload one.")
    return graph
