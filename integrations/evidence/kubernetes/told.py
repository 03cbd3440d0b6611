"""JSON that is no object of Kubernetes, such as an alert or the record of a call: whom it names, and what it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from integrations.evidence.kubernetes.messages import Understood, understood
from integrations.evidence.kubernetes.names import workload_of
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where
from integrations.evidence.moments import moment

_LONGEST = 6_000
_NAMING = ("pod_name", "pod", "subject_name", "resource_name", "workload", "name")
_COMMANDS = frozenset(("invocation", "cmd", "command"))
_SHORTEST = 12
"""Characters of a text that may say something."""
_NAMESPACE = re.compile(r"kubectl[^|\"\n]{0,300}?(?:-n|--namespace)[ =]([\w.-]{1,250})")
_LOGS_OF = re.compile(r"kubectl[^|\"\n]{0,200}? logs (?:-\S{1,30} ){0,4}(?:\w{1,20}/)?([\w.-]{1,250})")


def read_told(value: Mapping[str, Any], where: Where, service: str | None, found: Gathered) -> Where:
    """Take what an alert or a record says.

    Args:
        value: the JSON.
        where: whose output stood before it.
        service: whose the whole piece is, as the user said.
        found: what its texts say is added here.

    Returns:
        Whose output follows.
    """
    texts = list(_texts(value))
    low = {key.lower(): one for key, one in texts}
    subject = value.get("subject")
    about = {str(key).lower(): one for key, one in subject.items()} if isinstance(subject, dict) else {}
    named = str(about.get("name") or "") or next((low[word] for word in _NAMING if low.get(word)), "")
    namespace = str(about.get("namespace") or "") or low.get("namespace") or low.get("subject_namespace")
    pod = low.get("pod_name") or low.get("pod") or low.get("subject_name") or str(about.get("name") or "")
    kind = str(about.get("subject_type") or about.get("kind") or low.get("subject_type") or "pod")
    for _, one in texts:
        where = read_command(one, where, service, found)
    if pod or namespace:
        workload = workload_of(pod, kind) if pod else service
        where = Where(namespace or where.namespace, workload, pod or None)
    at = moment(low.get("creation_date") or low.get("timestamp") or low.get("startsat"))
    for key, one in texts:
        meaning = understood(one) if len(one) > _SHORTEST and key.lower() not in _COMMANDS else None
        if meaning is not None and (meaning.cause != "log" or meaning.strength >= 0.7):
            whose = workload_of(named, kind) if named and (pod or key != "error") else where.workload
            found.add(
                Symptom(
                    meaning.sign,
                    meaning.cause,
                    meaning.text,
                    meaning.strength,
                    whose,
                    namespace,
                    culprit(meaning),
                    at=at,
                )
            )
    return where


def read_command(line: str, where: Where, service: str | None, found: Gathered) -> Where:
    """Whose output follows a command."""
    namespace, logs = _NAMESPACE.search(line), _LOGS_OF.search(line)
    if logs is not None:
        found.logs_of.add(logs[1])
        return Where(namespace[1] if namespace else None, workload_of(logs[1]), logs[1])
    return Where(namespace[1], service) if namespace is not None else where


def culprit(meaning: Understood) -> str | None:
    """Whom a message blames. An image is no service."""
    return None if meaning.cause == "image" else meaning.about


def _texts(value: Any, key: str = "", depth: int = 0) -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value[:_LONGEST]
    elif isinstance(value, dict) and depth < 8:
        for name, inner in list(value.items())[:500]:
            yield from _texts(inner, str(name), depth + 1)
    elif isinstance(value, list) and depth < 8:
        for inner in value[:500]:
            yield from _texts(inner, key, depth + 1)
