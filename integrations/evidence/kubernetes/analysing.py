"""Puts together what several pieces of kubectl's output say of one cluster, and tells what is wrong with whom."""

# ruff: noqa: E501 - sentences for people stand whole, so that one finds them by searching

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from domain.troubleshooting.evidence import Finding, Findings, Sign
from integrations.evidence.answers import earliest, gathered, latest, said
from integrations.evidence.kubernetes.reading import Reader
from integrations.evidence.kubernetes.symptoms import Gathered, causes_in, counted, findings_of
from integrations.evidence.printed import plural

_MOST_FACTS = 6
_NUMBERS = re.compile(r"[0-9a-f]{8,64}|\d{1,30}")


def analyse(
    pieces: Iterable[tuple[str, str, str | None]],
    *,
    as_of: datetime | None = None,
    going: Callable[[], None] = lambda: None,
    unread: Sequence[str] = (),
) -> Findings:
    """Read several pieces as one cluster.

    Args:
        pieces: name, text and service of each.
        as_of: when it was printed; ages are counted back from then, and otherwise from the last time in the text.
        going: called now and then; raises to stop.
        unread: what could not be read, one sentence each.
    """
    everything, notes, facts = Gathered(), list(unread), list[str]()
    findings, read = list[Finding](), list[tuple[str, Gathered]]()
    for name, text, service in pieces:
        found = Gathered()
        try:
            Reader(found, service).read(text, going)
        except RecursionError:
            notes.append(f"{name}: a part is nested too deeply to be read.")
        if found.logs_of and not (found.symptoms or found.facts):
            found.facts.append(f"No error stands in the log of {', '.join(sorted(found.logs_of)[:3])}.")
        facts += [said(fact, 240) for fact in found.facts[:_MOST_FACTS]]
        if found.facts:
            notes.append(f"{name}: {said(' '.join(found.facts[:2]), 240)}")
        elif not (found.symptoms or found.pods or found.objects or found.empty_namespaces):
            notes.append(f"{name}: neither a table or object of kubectl's nor an error was recognised in it.")
        read.append((name, found))
        everything.pods |= found.pods
        everything.objects |= found.objects
        everything.moments += found.moments
        everything.empty_namespaces += found.empty_namespaces
        everything.missing += found.missing
        everything.selectors |= found.selectors
        everything.labels += found.labels
    causes = causes_in(found for _, found in read)
    for name, found in read:
        findings += findings_of(found, causes=causes, as_of=as_of, source=f"kubernetes.analyse {name}")
    findings = [*_once(findings), *_mismatched(everything), *_missing(everything), *_elsewhere(everything)]
    counts = counted(everything.pods.items())
    return gathered(
        findings,
        summary=" ".join([_summary(everything, counts, findings), *notes]),
        services=sorted(everything.objects)[:500],
        begins=earliest([*(one.at for one in findings), earliest(everything.moments)]),
        ends=as_of or latest(everything.moments),
        facts=[*facts, *_pods_in(counts)],
        details={"pods": counts, "unread": notes},
    )


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """The same trouble of the same workload from several files is told once, the clearest."""
    best: dict[tuple[Any, ...], Finding] = {}
    for one in findings:
        key = (one.service, one.sign, one.about, _NUMBERS.sub("#", one.text)[:200])
        kept = best.get(key)
        if kept is None or (one.strength, len(one.text)) > (kept.strength, len(kept.text)):
            best[key] = one.model_copy(update={"at": earliest([one.at, kept.at if kept else None])})
    return list(best.values())


def _mismatched(found: Gathered) -> list[Finding]:
    """Services whose selector fits no pod, where the pods' labels are known."""
    if not found.labels:
        return []
    wrong = []
    for service, selector in found.selectors.items():
        if not any(selector.items() <= labels.items() for labels in found.labels):
            asked = ", ".join(f"{key}={value}" for key, value in selector.items())
            text = f"The service {service} selects {asked}, and no pod in the evidence has those labels: it has nobody to send calls to."
            wrong.append(
                Finding(
                    sign=Sign.UNREACHABLE,
                    service=said(service, 120),
                    strength=0.7,
                    text=said(text),
                    source="kubernetes.analyse selectors",
                )
            )
    return wrong


def _missing(found: Gathered) -> list[Finding]:
    """Namespaces in which nothing was found, with those that are spelled alike."""
    known = sorted({namespace for namespace, _ in found.pods if namespace})
    told = []
    for namespace in dict.fromkeys(found.empty_namespaces):
        near = get_close_matches(namespace, known, n=2, cutoff=0.5) if namespace else []
        meant = f" Did you mean {' or '.join(near)}?" if near else " Check the namespace's name."
        where = f"in the namespace {namespace}" if namespace else "where it was looked for"
        text = f"There is nothing of that kind {where}: it was deleted, never made, or is in another namespace.{meant}"
        told.append(
            Finding(sign=Sign.CONFIGURATION, strength=0.4, text=said(text), source="kubernetes.analyse namespaces")
        )
    return told


def _elsewhere(found: Gathered) -> list[Finding]:
    """What was looked for in one namespace and is in another."""
    told = []
    for name, namespace in dict.fromkeys(found.missing):
        here = {
            place
            for place, pod in found.pods
            if place and (pod == name or pod.startswith(f"{name}-")) and namespace is not None
        }
        if here and namespace not in here:
            text = f"{name} is not in the namespace {namespace}, but in {' and '.join(sorted(here)[:3])}: look there."
            told.append(
                Finding(
                    sign=Sign.CONFIGURATION,
                    about=said(name, 120),
                    strength=0.6,
                    text=said(text),
                    source="kubernetes.analyse namespaces",
                )
            )
    return told


def _pods_in(counts: Mapping[str, Mapping[str, int]]) -> list[str]:
    """How many pods each namespace showed, the fullest first."""
    fullest = sorted(counts.items(), key=lambda one: -sum(one[1].values()))[:_MOST_FACTS]
    return [
        f"In the namespace {said(namespace, 80)}, {plural(sum(by_status.values()), 'pod')} can be seen: {_listed(by_status)}."
        for namespace, by_status in fullest
        if namespace != "unknown"
    ]


def _listed(by_status: Mapping[str, int]) -> str:
    ordered = sorted(by_status.items(), key=lambda one: -one[1])[:6]
    return ", ".join(f"{number} {said(status, 40)}" for status, number in ordered)


def _summary(found: Gathered, counts: Mapping[str, Mapping[str, int]], findings: Sequence[Finding]) -> str:
    total = sum(sum(by_status.values()) for by_status in counts.values())
    pods = ""
    if total:
        by_status: Counter[str] = Counter()
        for one in counts.values():
            by_status.update(one)
        pods = f"{plural(total, 'pod')} in {plural(len(counts), 'namespace')} can be seen: {_listed(by_status)}. "
    if not findings:
        return f"{pods}Nothing in it shows trouble."
    worst = max(findings, key=lambda one: one.strength)
    return f"{pods}{len(findings)} troubles; the clearest: {worst.text}"
