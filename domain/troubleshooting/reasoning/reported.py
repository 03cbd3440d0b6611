"""Whom a report names, where nobody knows who calls whom.

In a cluster something always waits, restarts or lacks an image, and none of it need have to do with what is reported.
A graph tells what has; without one, trouble of whoever the report names is more likely to be the trouble that is meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from domain.troubleshooting.hypotheses import Known
from domain.troubleshooting.reasoning.candidates import Candidate
from domain.troubleshooting.reasoning.graph import Graph, Names
from domain.troubleshooting.reasoning.signals import Signal

_NATS = 1.2
_BESIDE = 0.2
_LOOKED_AT = 4_000
_WORD = re.compile(r"[A-Za-z0-9][\w.:-]{1,120}")


@dataclass(frozen=True, slots=True)
class Reported:
    """Services that the report names."""

    services: frozenset[str]
    nats: float = _NATS
    text: str = "It is what the report names"

    def speaks_of(self, one: Candidate) -> bool:
        """Whether a candidate is one of them."""
        return one.service in self.services


def reported(known: Known, names: Names) -> tuple[Reported, ...]:
    """Whom the report names; nothing where calls are known, or where it names nobody in trouble.

    Args:
        known: the report and all findings.
        names: to tell services apart.
    """
    if known.topology.calls:
        return ()
    services = {one for finding in known.findings if (one := names.service(finding.service)) is not None}
    named = frozenset(one for one in services if _is_named(one, _words(known.description)))
    return (Reported(named),) if named else ()


def quieter(signals: Iterable[Signal], said: Iterable[Reported], graph: Graph) -> tuple[Signal, ...]:
    """Signals, with less weight for what stands beside the report: of nobody it names or who has to do with them.

    Only what has no time is quietened. What began together with the trouble may belong to it, whoever shows it.

    Args:
        signals: all of them.
        said: whom the report names; nothing changes without anybody.
        graph: with the calls that findings show.
    """
    named = {name for one in said for name in one.services}
    if not named:
        return tuple(signals)
    near = {*named, *graph.who_depend_on(named), *graph.who_serve(named)}
    return tuple(
        one if one.start is not None or not one.service or near & {one.service, one.about}
        else replace(one, weight=one.weight * _BESIDE)
        for one in signals
    )  # fmt: skip


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.rstrip(".:-").lower() for word in _WORD.findall(text[:_LOOKED_AT]))


def _is_named(service: str, words: Iterable[str]) -> bool:
    """By its own name, or by one of its pods: `api-7f8b9c6d5-x2m4n` is one of `api`."""
    low = service.lower()
    return any(word == low or (word.startswith(f"{low}-") and any(one.isdigit() for one in word)) for word in words)
