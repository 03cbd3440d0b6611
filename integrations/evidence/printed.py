"""What printed a text: the command, or the record of a tool's call, that stands in front of its output.

People paste terminals (`$ kubectl logs api-1 -n shop`, then the lines), and tools keep records of their calls (a line
of JSON with the tool and its parameters, then the output). Both say whose output it is, and the output alone does not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

_MOST_HEADS = 4
_LONGEST = 20_000
_NAMING = frozenset(("tool_name", "tool", "invocation", "command", "cmd"))
_GIVING = ("params", "match_params", "parameters", "arguments", "args", "input")
_OF_A_LOG = frozenset(("msg", "message", "level", "severity", "log", "time", "timestamp", "ts", "@timestamp"))
_POD_KEYS = ("pod_name", "pod")
_TERM_KEYS = ("filter", "grep", "search", "keyword", "pattern", "query")
_NOTHING = frozenset(("no_data", "empty", "not_found", "no data"))
_PROMPT = re.compile(
    r"(?:[\w.@~:/\[\] -]{0,60})?[$#%>] {1,3}(?=[a-z./])|(?:\+ |[A-Z][a-z ]{2,30}: )(?=(?:kubectl|oc|docker) )"
)
"""What stands in front of a command: a shell's prompt, or the words of a script that says what it runs."""
_KUBECTL = re.compile(r"\b(?:kubectl|oc)\b[^|\n]{0,400}")
_LOGS = re.compile(
    r"\b(?:kubectl|oc)\b(?: {1,3}(?:-n|--namespace|--context|-c) {0,3}=?\S{1,120}| {1,3}-\S{1,60}){0,6} {1,3}logs"
    r"(?: {1,3}(?:-n|--namespace|-c|--container|--tail|--since)[ =]\S{1,120}| {1,3}-\S{1,60}){0,8}"
    r" {1,3}(?:\w{1,20}/)?([\w.-]{1,250})"
    r"|\b(?:docker|podman|nerdctl) logs(?: {1,3}-\S{1,40}(?: \d{1,9})?){0,6} {1,3}([\w.-]{1,250})"
    r"|\bjournalctl\b[^|\n]{0,200}?(?:-u|--unit)[ =]([\w.@-]{1,250})"
)
_NAMESPACE = re.compile(r"\s(?:-n|--namespace)[ =]([\w.-]{1,250})")
_SELECTED = re.compile(r"\.metadata\.namespace ?== ?[\\\"']{0,4}([\w.-]{1,250})")
_KIND = re.compile(r"\bget (?:-\S{1,30} ){0,4}([a-z][\w.]{1,80})")
_GREP = re.compile(
    r"[^|\n]{1,400}\| ?e?grep(?: -\w{1,8}){0,3} (?:'([^'\n]{1,200})'|\"([^\"\n]{1,200})\"|([^\s|`'\"\\]{1,200}))"
)
_COUNTS = re.compile(r"\| ?wc -l\b|\|[^|\n]{0,200}\blength\b|\bcount\b")
_STREAM = re.compile(r"(?:stdout|stderr):\s*\Z")


@dataclass(frozen=True)
class Printed:
    """Who printed what follows, as far as the head says it."""

    lines: int = 0
    """How many lines the head takes."""
    pod: str | None = None
    """Whose log follows: a pod, a container or a unit."""
    namespace: str | None = None
    kind: str | None = None
    """Of the objects that were asked for, such as `pod`."""
    term: str | None = None
    """Only lines with this word were asked for."""
    is_cluster: bool = False
    """It speaks of Kubernetes."""
    is_log: bool = False
    """A log was asked for."""
    is_page: bool = False
    """A page of the web was asked for."""
    is_empty: bool = False
    """The record says that there was nothing."""
    failed: bool = False
    """The record says that the call failed."""
    counts: bool = False
    """Only how many there are was asked for."""


def printed_by(lines: Sequence[str]) -> Printed | None:
    """What stands in front of an output; None when it begins at once.

    Args:
        lines: the first lines of a text; what is no head is not looked at.
    """
    head = Printed()
    for place, line in enumerate(lines[: _MOST_HEADS * 2]):
        if _STREAM.match(line):
            if head.lines:
                head = replace(head, lines=place + 1)
            continue
        found = _of_line(line)
        if found is None or place >= _MOST_HEADS:
            if line.strip():
                break
            continue
        head = _joined(head, found, place + 1)
    return head if head.lines else None


def _of_line(line: str) -> Printed | None:
    if line.startswith("{"):
        return _of_record(line) if len(line) <= _LONGEST and line.rstrip().endswith("}") else None
    prompt = _PROMPT.match(line[:200])
    command = line[prompt.end() :] if prompt is not None else line
    if prompt is None and not command.startswith(("kubectl ", "oc ", "docker ", "podman ", "journalctl ")):
        return None
    return _of_command(command[:1_000])


def _of_record(line: str) -> Printed | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or _OF_A_LOG & record.keys() or not _NAMING & record.keys() | {"params"}:
        return None
    given = next((record[key] for key in _GIVING if isinstance(record.get(key), dict)), None)
    if given is None and not ({"tool_name", "invocation"} & record.keys()):
        return None
    return _of_call(record, given or {})


def _of_call(record: Mapping[str, Any], given: Mapping[str, Any]) -> Printed:
    texts = [str(record[key])[:2_000] for key in _NAMING if isinstance(record.get(key), str)]
    words = " ".join([*texts, str(record.get("toolset_name", ""))])
    command = next((found for text in texts if (found := _of_command(text)) is not None), None)
    pod = _first(given, _POD_KEYS)
    is_log = pod is not None and re.search(r"(?i)logs?\b|_logs?", words) is not None
    cluster = re.search(r"(?i)kube|\bpod|\boc\b", words) is not None or pod is not None or "namespace" in given
    return Printed(
        pod=pod or (command.pod if command else None),
        namespace=_first(given, ("namespace",)) or (command.namespace if command else None),
        kind=_first(given, ("kind", "resource_type", "resource")) or (command.kind if command else None),
        term=(_first(given, _TERM_KEYS) if is_log else None) or (command.term if command else None),
        is_cluster=cluster,
        is_log=is_log or bool(command and command.is_log),
        is_page=isinstance(given.get("url"), str) and not cluster,
        is_empty=str(record.get("status", "")).lower() in _NOTHING,
        failed=bool(record.get("error")) or str(record.get("status", "")).lower() in ("error", "failed"),
        counts=re.search(r"(?i)count\b|_count", str(record.get("tool_name", ""))) is not None
        or bool(command and command.counts),
    )


def _of_command(command: str) -> Printed | None:
    logs, cluster = _LOGS.search(command), _KUBECTL.search(command)
    if logs is None and cluster is None:
        return None
    first = cluster or logs
    assert first is not None  # noqa: S101  (one of them is there)
    asked, line = first[0], command[first.start() :].split("\n", 1)[0]
    namespace, kind, grep = _SELECTED.search(line) or _NAMESPACE.search(asked), _KIND.search(asked), _GREP.match(line)
    return Printed(
        pod=next((name for name in logs.groups() if name), None) if logs is not None else None,
        namespace=namespace[1] if namespace is not None else None,
        kind=kind[1] if kind is not None else None,
        term=next((word for word in grep.groups() if word), None) if grep is not None else None,
        is_cluster=cluster is not None,
        is_log=logs is not None,
        counts=_COUNTS.search(line) is not None,
    )


def _first(given: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((given[key][:250] for key in keys if isinstance(given.get(key), str) and given[key]), None)


def _joined(one: Printed, other: Printed, lines: int) -> Printed:
    return Printed(
        lines=lines,
        pod=one.pod or other.pod,
        namespace=one.namespace or other.namespace,
        kind=one.kind or other.kind,
        term=one.term or other.term,
        **dict(_either(one, other)),
    )


def _either(one: Printed, other: Printed) -> Iterator[tuple[str, bool]]:
    for name in ("is_cluster", "is_log", "is_page", "is_empty", "failed", "counts"):
        yield name, getattr(one, name) or getattr(other, name)


def nothing_of(head: Printed) -> str:
    """What it means that nothing follows, where lines of a log were asked for."""
    where = f" in the namespace {head.namespace}" if head.namespace else ""
    if head.term:
        return f'No line with "{head.term}" was found in the log of {head.pod}{where}.'
    return f"The log of {head.pod}{where} has no lines."


def counted_by(head: Printed | None, number: int) -> str:
    """What a count says."""
    kind = (head.kind if head is not None and head.kind else "result").split(".", 1)[0].rstrip("s")
    where = f" in the namespace {head.namespace}" if head is not None and head.namespace else ""
    return f"A query counted {plural(number, kind)}{where}."


def plural(number: int, what: str) -> str:
    """`1 pod`, `14 pods`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
