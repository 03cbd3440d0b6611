"""What a metric measures, by its name: which symptom it shows, which way is bad, and from where on it is bad by itself.

Names follow no rule across systems, so words decide: the first row of the table whose words are all there.
"""

from __future__ import annotations

import re

from integrations.evidence.metrics.vocabulary import MEASURES, TABLE, Meaning

_WORDS = re.compile(r"[a-z]+|\d+")
_OVER_TIME = re.compile(r"(?:rate|irate|increase|delta|avg|sum|min|max|p|q)?\d{1,4}(?:ms|s|m|h|d)?")
"""How recorded series are named after what was done to them: `service:error_ratio:rate5m`."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


_ROWS = tuple((tuple(frozenset(group.split()) for group in groups), meaning) for groups, meaning in TABLE)


def words_of(metric: str) -> tuple[str, ...]:
    """A name's words: `http.requestDuration_p95` -> http, request, duration, p95."""
    spaced = _CAMEL.sub(" ", metric[:200]).lower()
    return tuple(
        word
        for part in re.split(r"[^a-z0-9]+", spaced)
        for word in ([part] if part in MEASURES or part[:1] == "p" or part[:1].isdigit() else _WORDS.findall(part))
        if word
    )


def meaning_of(metric: str) -> Meaning | None:
    """How to judge a metric by its name; None when its name says nothing."""
    words = frozenset(words_of(metric))
    for groups, meaning in _ROWS:
        if all(not words.isdisjoint(group) for group in groups):
            return meaning
    return None


def named_in(metric: str, known: frozenset[str], own: str | None) -> str | None:
    """Whom a metric of one service is about: `payments_latency_ms` of checkout is about payments.

    Args:
        metric: its name, without the service.
        known: names of services that are known, in lower case; any other word is trusted when this is empty.
        own: whose metric it is.
    """
    meaning = meaning_of(metric)
    if meaning is None or not meaning.blames:
        return None
    spelled = _CAMEL.sub("_", metric).lower()
    for name in sorted(known, key=len, reverse=True):
        if name != (own or "").lower() and re.search(
            rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])", _like(spelled, name)
        ):
            return name
    leading: list[str] = []
    for word in re.split(r"[^a-z0-9]+", spelled):
        if word in MEASURES or word.isdigit() or _OVER_TIME.fullmatch(word):
            if leading:
                break
            continue
        leading.append(word)
    name = "-".join(leading)
    return name if leading and len(leading) <= 2 and name != (own or "").lower() and own is not None else None


def _like(metric: str, name: str) -> str:
    """The metric with the name's own separators, so that `user_db_latency` names `user-db`."""
    return (
        metric.replace("_", "-").replace(".", "-")
        if "-" in name
        else metric.replace("_", " ")
        if "_" not in name
        else metric
    )
