"""What the evidence says of what somebody asks about: plain facts, and the findings about whom the question names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from domain.troubleshooting.evidence import Finding, Sign
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.moments import moment

MOST_FINDINGS = 6
MOST_FACTS = 4
MOST_SHOWN_FACTS = 6
_LOOKED_AT = 4_000
_LEAST_WORD = 4
"""Letters of an everyday word that may tell what a question is about."""
_WORD = re.compile(r"[A-Za-z0-9][\w./:-]{0,120}")
_NAME = re.compile(r"(?=.*[a-z0-9])(?=.*(?:\d|[a-z0-9][-_][a-z0-9])).{3,}")
"""A word that nobody writes unless something is called so: `cart-db`, `shop7`, `api-7f8b9c6d5-x2m4n`."""
_QUOTED = re.compile(r"(?<![\w'\"])(?:'([^'\n]{3,80})'|\"([^\"\n]{3,80})\"|\u201c([^\u201d\n]{3,80})\u201d)")
_OF_LOGS = re.compile(r"(?i)(?<!\w)logs?(?!\w)|protokoll|registros|journaux")
_EVERYDAY_WORDS = """
what when where which this that there have been does show tell please could would with from into about last week days
hours issue problem wrong logs find many much more than under over your they them
"""
_EVERYDAY = frozenset(_EVERYDAY_WORDS.split())


def names_in(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """Those of some names that a text names, also by one of their pods: `api-7f8b9c6d5-x2m4n` is one of `api`.

    Args:
        text: a question or a report.
        names: services and workloads that the evidence knows.
    """
    words = _words(text)
    longest = sorted({name for name in names if name}, key=lambda name: (-len(name), name))
    found: list[str] = []
    for word in words:
        bare = word.rsplit("/", 1)[-1]
        for name in longest:
            low = name.lower()
            if bare == low or (bare.startswith(f"{low}-") and _NAME.match(bare)):
                found.append(name)
                break
    return tuple(dict.fromkeys(found))


def unknown_names_in(text: str, known: Sequence[str]) -> tuple[str, ...]:
    """Words of a question that look like names, and that no finding is about."""
    have = {one.lower() for one in known}
    return tuple(
        word
        for word in _words(text)
        if _NAME.fullmatch(word)
        and word[0].isalpha()
        and len(word) <= 60
        and word not in have
        and not any(word.startswith(f"{name}-") for name in have)
    )[:3]


def facts_for(state: IncidentState, text: str) -> tuple[str, ...]:
    """What the evidence says plainly of what a question is about.

    Args:
        state: of the incident.
        text: the question.
    """
    facts = _facts(state)
    words = _words(text)
    names = {word for word in words if _NAME.fullmatch(word)}
    plain = {_single(word) for word in words if len(word) >= _LEAST_WORD and word not in _EVERYDAY} - names
    known = {name.lower() for name in known_names(state)}
    by_name = [fact for fact in facts if _shares_name(names, _words(fact), known)]
    if names:
        return tuple(by_name[:MOST_FACTS])
    by_words = [fact for fact in facts if len(plain & {_single(word) for word in _words(fact)}) >= 2]
    return tuple(by_words[:MOST_FACTS])


def facts_of(state: IncidentState, most: int = MOST_SHOWN_FACTS) -> tuple[str, ...]:
    """What the evidence says plainly: first of what the report names."""
    first = facts_for(state, state.report.text)
    return tuple(dict.fromkeys([*first, *_facts(state)]))[:most]


def findings_for(state: IncidentState, text: str) -> tuple[Finding, ...]:
    """Findings about what a question names or quotes; in the order of time where it asks for logs.

    Args:
        state: of the incident.
        text: the question.
    """
    every = _findings(state)
    named = set(names_in(text, known_names(state)))
    terms = [next(word for word in match if word).lower() for match in _QUOTED.findall(text[:_LOOKED_AT])]
    quoting = [one for one in every if any(term in one.text.lower() for term in terms)]
    names = [word for word in _words(text) if _NAME.fullmatch(word)]
    about = [one for one in every if one.service in named or one.about in named or _is_of_all(one, names)]
    both = [one for one in quoting if one in about]
    chosen = both or about or quoting
    strongest = sorted(chosen, key=lambda one: -one.strength)[:MOST_FINDINGS]
    if _OF_LOGS.search(text):
        return tuple(sorted(strongest, key=lambda one: (one.at is None, one.at.timestamp() if one.at else 0.0)))
    return tuple(strongest)


def clearest(state: IncidentState, most: int = MOST_FINDINGS) -> tuple[Finding, ...]:
    """What the evidence shows: first of what the report names, then of everybody, the clearest first."""
    named = set(names_in(state.report.text, known_names(state)))
    every = sorted(
        _findings(state), key=lambda one: (one.service not in named and one.about not in named, -one.strength)
    )
    return tuple(every[:most])


def known_names(state: IncidentState) -> tuple[str, ...]:
    """Whom findings are about, and who is in the topology."""
    about = [name for one in _findings(state) for name in (one.service, one.about) if name]
    return tuple(
        dict.fromkeys([*about, *state.topology.names(), *(name for one in state.observed for name in one.services)])
    )


def line_of(finding: Finding, *, dated: bool = False, sourced: bool = True) -> str:
    """A finding in one line."""
    at = f"{moment(finding.at)}: " if dated and finding.at is not None else ""
    source = f" ({finding.source})" if sourced and finding.source else ""
    return f"{at}{finding.text}{source}"


def asks_for_logs(text: str) -> bool:
    """Whether a question is about logs."""
    return _OF_LOGS.search(text) is not None


def _facts(state: IncidentState) -> list[str]:
    return list(dict.fromkeys(fact for one in state.observed for fact in one.facts))


def _findings(state: IncidentState) -> list[Finding]:
    """Each once: two readings of the same place say the same."""
    found = {(one.service, one.text): one for seen in state.observed for one in seen.findings}
    return [one for one in found.values() if one.sign is not Sign.RESTORED]


def _is_of_all(finding: Finding, names: Collection[str]) -> bool:
    """Whether a finding that is about no service names what is asked about, such as a namespace."""
    return finding.service is None and finding.about is None and not set(names).isdisjoint(_words(finding.text))


def _words(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word.rstrip(".:-/_").lower() for word in _WORD.findall(text[:_LOOKED_AT])))


def _single(word: str) -> str:
    return word.removesuffix("s")


def _shares_name(names: Iterable[str], words: Iterable[str], known: Collection[str]) -> bool:
    """Whether a name stands among words; a pod's stands for its workload's, and the other way round."""
    have = [word for word in words if word in known or _NAME.fullmatch(word)]
    return any(
        name == word or name.startswith(f"{word}-") or word.startswith(f"{name}-") for name in names for word in have
    )
