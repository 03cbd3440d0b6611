"""Reads what kubectl printed, line by line: tables, descriptions, objects and logs, in any order and mixed."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from domain.troubleshooting.evidence import Sign
from integrations.evidence.answers import said
from integrations.evidence.documents import Unreadable, values_of
from integrations.evidence.kubernetes.described import Described
from integrations.evidence.kubernetes.messages import is_error, understood
from integrations.evidence.kubernetes.objects import is_object, read_object
from integrations.evidence.kubernetes.rows import is_heading, read_row
from integrations.evidence.kubernetes.symptoms import Gathered, Symptom, Where
from integrations.evidence.kubernetes.told import culprit, read_command, read_told
from integrations.evidence.moments import moment
from integrations.evidence.printed import Printed, counted_by, nothing_of, plural, printed_by

_MOST_LINES = 400_000
_LONGEST_LINE = 6_000
_MOST_BROKEN = 40
"""Places where an object seems to begin and none can be read, before no further one is tried."""
_MOST_WORDS = 12
"""Different error lines of programs that are told."""
_DESCRIBES = re.compile(r"^Name:\s{1,40}(\S{1,250})\s*$")
_EMPTY = re.compile(r"No resources found(?: in ([\w.-]{1,250}) namespace)?")
_RESULTS = re.compile(r"^\s{0,20}(\d{1,7})( results?)?$")
_COMPLAINTS = ("Error from server", "error:", "Error:")
_HEAD_LINES, _LONGEST_HEAD, _LONGEST_RECORD = 8, 65_536, 20_001
_NUMBERS = re.compile(r"[0-9a-f]{8,64}|\d{1,30}")
_STAMP = re.compile(r"^\W{0,3}(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)")
_YAML_GOES_ON = re.compile(r"^(?:\s|-|#|$|[\w.$/-]{1,120}:)")


class Reader:
    """Reads one piece of evidence, line by line."""

    def __init__(self, found: Gathered, service: str | None) -> None:
        self._found = found
        self._service = service
        self._head: Printed | None = None
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
        first = [line[:_LONGEST_RECORD] for line in text[:_LONGEST_HEAD].splitlines()[:_HEAD_LINES]]
        self._head = printed_by(first)
        before = len(self._found.symptoms)
        if not self._as_objects(text):
            self._as_lines(text, going)
        self._conclude()
        if self._head is not None and self._head.is_cluster:
            body = text.splitlines()[self._head.lines :]
            self._answered(
                self._head,
                [line for line in body if line.strip() not in ("", "stdout:", "stderr:")],
                len(self._found.symptoms) > before,
            )

    def _answered(self, head: Printed, body: list[str], told: bool) -> None:
        """That what was asked for holds nothing, or nothing bad, is an answer too."""
        if not head.is_log and head.term and not body and not told:
            text = f"Nothing that was looked through has the name {head.term}; check the name and the namespace."
            self._found.add(
                Symptom(Sign.CONFIGURATION, "missing", text, 0.45, namespace=head.namespace, about=head.term)
            )
        if not head.is_log or not head.pod:
            return
        self._found.logs_of.discard(head.pod)
        if head.failed:
            return
        if not body:
            self._found.facts.append(nothing_of(head))
        elif not told and not any(line.startswith(_COMPLAINTS) for line in body):
            self._found.facts.append(f"The log of {head.pod} has {plural(len(body), 'line')}; none reports an error.")

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
            self._where = read_told(value, self._where, self._service, self._found)

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

    def _end_of_section(self) -> None:
        if self._described is not None:
            self._described.finish()
        self._described, self._heading = None, []

    def _line(self, line: str, number: int) -> None:
        if "kubectl " in line[:300]:
            self._end_of_section()
            self._where = read_command(line, self._where, self._service, self._found)
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
        if results is not None and (results[2] or (self._head is not None and self._head.counts)):
            self._found.facts.append(counted_by(self._head, int(results[1])))
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
        if line.startswith(_COMPLAINTS):
            meaning = understood(line)
            return "(BadRequest)" not in line or (meaning is not None and meaning.cause != "log")
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
                        culprit(meaning),
                        where.pod,
                        at,
                        until=until,
                        count=float(count),
                        line=number,
                        is_own_word=where.pod is not None,
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
                        is_own_word=where.pod is not None,
                    )
                )


_INFORMS = re.compile(r"(?i)\b(?:info|debug|trace|notice)\b")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _offsets(text: str) -> list[int]:
    places, at = [], 0
    for line in text.splitlines(keepends=True):
        places.append(at)
        at += len(line)
    return places
