"""Reads what kubectl printed, line by line: tables, descriptions, objects and logs, in any order and mixed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.troubleshooting.evidence import Sign
from integrations.evidence.answers import said
from integrations.evidence.documents import Unreadable, values_of
from integrations.evidence.kubernetes.described import Described
from integrations.evidence.kubernetes.messages import is_error, understood
from integrations.evidence.kubernetes.names import workload_of
from integrations.evidence.kubernetes.objects import is_object, read_object
from integrations.evidence.kubernetes.rows import Where, is_heading, read_row
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom
from integrations.evidence.moments import moment

_MOST_LINES = 400_000
_LONGEST_LINE = 6_000
_MOST_BROKEN = 40
"""Places where an object seems to begin and none can be read, before no further one is tried."""
_MOST_WORDS = 12
"""Different error lines of programs that are told."""
_DESCRIBES = re.compile(r"^Name:\s{1,40}(\S{1,250})\s*$")
_NAMESPACE = re.compile(r"kubectl[^|\"\n]{0,300}?(?:-n|--namespace)[ =]([\w.-]{1,250})")
_LOGS_OF = re.compile(r"kubectl[^|\"\n]{0,200}? logs (?:-\S{1,30} ){0,4}(?:\w{1,20}/)?([\w.-]{1,250})")
_EMPTY = re.compile(r"No resources found(?: in ([\w.-]{1,250}) namespace)?")
_RESULTS = re.compile(r"^\s{0,20}(\d{1,7}) results?$")
_NUMBERS = re.compile(r"[0-9a-f]{8,64}|\d{1,30}")
_STAMP = re.compile(r"^\W{0,3}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_YAML_GOES_ON = re.compile(r"^(?:\s|-|#|$|[\w.$/-]{1,120}:)")
_NAMING = ("pod_name", "pod", "subject_name", "resource_name", "workload", "name")


class Reader:
    """Reads one piece of evidence, line by line."""

    def __init__(self, found: Gathered, service: str | None) -> None:
        self._found = found
        self._service = service
        self._where = Where(workload=service)
        self._described: Described | None = None
        self._heading: list[str] = []
        self._words: Counter[str] = Counter()
        self._quiet: set[str] = set()
        self._broken = 0
        self._said: dict[str, tuple[str, int, Where, datetime | None, datetime | None]] = {}

    def read(self, text: str, going: Callable[[], None]) -> None:
        """Take the whole text.

        Raises:
            Unreadable: it holds nothing that kubectl could have printed.
        """
        if not self._as_objects(text):
            self._as_lines(text, going)
        self._conclude()

    def _as_objects(self, text: str) -> bool:
        """Whether the whole is JSON or YAML of objects."""
        start = text.lstrip()[:40]
        if not start.startswith(("{", "[", "apiVersion:", "---", "kind:", "items:")):
            return False
        try:
            values = values_of(text)
        except Unreadable:
            return False
        if not any(is_object(one) for value in values for one in _listed(value)):
            return False
        for value in values:
            for one in _listed(value):
                self._value(one)
        return True

    def _value(self, value: Any) -> None:
        if is_object(value):
            read_object(value, self._found)
        elif isinstance(value, dict):
            self._told(value)

    def _as_lines(self, text: str, going: Callable[[], None]) -> None:
        lines = text.splitlines()[:_MOST_LINES]
        offsets = _offsets(text) if "{" in text else []
        skip = 0
        for number, whole in enumerate(lines, start=1):
            if number % 5_000 == 0:
                going()
            if number <= skip:
                continue
            line = whole[:_LONGEST_LINE].rstrip()
            taken = None
            if self._broken >= _MOST_BROKEN:
                pass  # Each try looks at all that follows.
            elif line.startswith("{"):
                taken = self._json(text, offsets[number - 1] if offsets else 0)
                self._broken += taken is None
            elif line.startswith("apiVersion:"):
                taken = self._yaml(lines, number)
                self._broken += taken is None
            if taken is not None:
                skip = number + taken
            else:
                self._line(line, number)

    def _json(self, text: str, at: int) -> int | None:
        """Read a JSON value that begins here; how many further lines it takes, None when there is none."""
        try:
            value, end = json.JSONDecoder(parse_constant=lambda _: None).raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        self._value(value)
        if isinstance(value, dict) and not is_object(value):
            self._end_of_section()
        return text.count("\n", at, end)

    def _yaml(self, lines: Sequence[str], number: int) -> int | None:
        end = number
        while end < len(lines) and end - number < 100_000 and _YAML_GOES_ON.match(lines[end]):
            end += 1
        try:
            values = values_of("\n".join(lines[number - 1 : end]))
        except Unreadable:
            return None
        objects = [value for value in values if is_object(value)]
        for value in objects:
            read_object(value, self._found)
        return end - number if objects else None

    def _told(self, value: Mapping[str, Any]) -> None:
        """JSON that is no object, such as an alert or the record of a call: whom it names, and what its texts say."""
        texts = list(_texts(value))
        low = {key.lower(): one for key, one in texts}
        named = next((low[word] for word in _NAMING if low.get(word)), None)
        namespace = low.get("namespace") or low.get("subject_namespace")
        pod = low.get("pod_name") or low.get("pod") or low.get("subject_name")
        for _, one in texts:
            self._command(one)
        if pod or namespace:
            self._where = Where(namespace or self._where.namespace, workload_of(pod) if pod else self._service, pod)
            self._found.logs_of.update([pod] if pod and "pod_name" in low else [])
        for key, one in texts:
            meaning = understood(one) if len(one) > 15 and key.lower() not in ("invocation", "cmd", "command") else None
            if meaning is not None and (meaning.cause != "log" or meaning.strength >= 0.7):
                whose = workload_of(named) if named and (pod or key != "error") else self._where.workload
                at = moment(low.get("creation_date") or low.get("timestamp") or low.get("startsat"))
                self._found.add(
                    Symptom(
                        meaning.sign,
                        meaning.cause,
                        meaning.text,
                        meaning.strength,
                        whose,
                        namespace,
                        _culprit(meaning),
                        at=at,
                    )
                )

    def _command(self, line: str) -> None:
        namespace, logs = _NAMESPACE.search(line), _LOGS_OF.search(line)
        if namespace is not None:
            self._where = Where(namespace[1], self._service)
        if logs is not None:
            pod = logs[1]
            self._where = Where(namespace[1] if namespace else None, workload_of(pod), pod)
            self._found.logs_of.add(pod)

    def _end_of_section(self) -> None:
        if self._described is not None:
            self._described.finish()
        self._described, self._heading = None, []

    def _line(self, line: str, number: int) -> None:
        if "kubectl " in line[:300]:
            self._end_of_section()
            self._command(line)
            if line.lstrip().startswith(("$", "#", "kubectl", ">", "%")):
                return
        describes = _DESCRIBES.match(line)
        if describes is not None:
            self._end_of_section()
            self._described = Described(describes[1], self._found, number)
            return
        if is_heading(line):
            self._end_of_section()
            self._heading = re.split(r"\t+| {2,}", line.strip()[:2_000])
            return
        if self._described is not None:
            if self._described.read(line, number):
                return
            self._end_of_section()
        where = self._where
        if not line.strip() or read_row(line, self._heading, where, self._found, number):
            return
        self._heading = [] if not line.startswith(" ") else self._heading
        self._loose(line, number)

    def _loose(self, line: str, number: int) -> None:
        """A line of a log, or a complaint of kubectl's."""
        empty = _EMPTY.search(line)
        if empty is not None:
            self._found.empty_namespaces.append(empty[1] or self._where.namespace or "")
            return
        results = _RESULTS.match(line)
        if results is not None:
            self._found.results.append(int(results[1]))
            return
        stamp = _STAMP.match(line)
        at = moment(stamp[1].replace(",", ".")) if stamp is not None else None
        if at is not None:
            self._found.moments.append(at)
        key = _NUMBERS.sub("#", line[:400])
        if key not in self._said:
            if key in self._quiet or not self._reports(line):
                if len(self._quiet) < 20_000:
                    self._quiet.add(key)
                return
            if len(self._said) < 5_000:
                self._said[key] = (line, number, self._where, at, at)
        elif at is not None:
            self._said[key] = (*self._said[key][:4], at)
        self._words[key] += 1

    def _reports(self, line: str) -> bool:
        """Whether a line tells of trouble: it is an error, or says something that is known to be one."""
        if line.startswith(("Error from server", "error:", "Error:")):
            return "(BadRequest)" not in line
        if is_error(line):
            return True
        meaning = understood(line) if not _INFORMS.search(line) else None
        return meaning is not None and (meaning.cause != "log" or meaning.strength >= 0.65)

    def _conclude(self) -> None:
        self._end_of_section()
        told = 0
        known = [
            (key, understood(self._said[key][0])) for key, _ in self._words.most_common(2_000) if key in self._said
        ]
        # What is understood goes before what only looks like an error.
        for key, meaning in sorted(known, key=lambda pair: -(pair[1].strength if pair[1] else 0.3)):
            line, number, where, at, until = self._said[key]
            count = self._words[key]
            if told >= _MOST_WORDS and (meaning is None or meaning.cause == "log"):
                continue
            told += 1
            often = f" ({count} lines)" if count > 1 else ""
            whose = None if line.startswith("Error from server") else where.workload
            if meaning is not None:
                self._found.add(
                    Symptom(
                        meaning.sign,
                        f"{meaning.cause} {told}" if meaning.cause == "log" else meaning.cause,
                        meaning.text + often,
                        meaning.strength,
                        whose,
                        where.namespace,
                        _culprit(meaning),
                        where.pod,
                        at,
                        until=until,
                        count=float(count),
                        line=number,
                    )
                )
            else:
                text = f"{{who}} logs an error{often}: {said(line, 300)}"
                self._found.add(
                    Symptom(
                        Sign.NEW_ERROR,
                        f"words {told}",
                        text,
                        0.4,
                        whose,
                        where.namespace,
                        None,
                        where.pod,
                        at,
                        until=until,
                        count=float(count),
                        line=number,
                    )
                )


_INFORMS = re.compile(r"(?i)\b(?:info|debug|trace|notice)\b")


def _culprit(meaning: Any) -> str | None:
    return None if meaning.cause == "image" else meaning.about


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _offsets(text: str) -> list[int]:
    places, at = [], 0
    for line in text.splitlines(keepends=True):
        places.append(at)
        at += len(line)
    return places


def _texts(value: Any, key: str = "", depth: int = 0) -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value[:_LONGEST_LINE]
    elif isinstance(value, dict) and depth < 8:
        for name, inner in list(value.items())[:500]:
            yield from _texts(inner, str(name), depth + 1)
    elif isinstance(value, list) and depth < 8:
        for inner in value[:500]:
            yield from _texts(inner, key, depth + 1)
