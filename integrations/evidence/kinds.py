"""What kind of evidence a file is: told by what it begins with, and by its name only where that says nothing.

Only the beginning is looked at, so it may end in the middle of a line or of a gzip stream. Patterns are linear and
lines are cut, because the text comes from outside.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from pathlib import PurePath

from domain.troubleshooting.evidence import EvidenceKind
from integrations.evidence.looks import (
    MOST_LINES,
    are_messages,
    is_logged,
    key_of,
    kubectl,
    logged,
    of_a_standard,
    structured,
    table_of_numbers,
)
from integrations.evidence.printed import printed_by

HEAD_BYTES = 65_536
"""How much of a file is worth handing over."""
_UNPACKED_BYTES = 262_144
_LINE_LENGTH = 2_000
_MOST_STRANGE = 0.2
"""Share of signs that no text has; logs in an older encoding have a few."""


def kind_of(name: str, head: bytes) -> EvidenceKind:
    """Say what a file holds.

    Args:
        name: as the user named it; `.gz` at its end is passed over.
        head: how the file begins, `HEAD_BYTES` of it or less; gzip is unpacked for the look.
    """
    text = _text(head)
    if text is None:
        return EvidenceKind.NOTES
    lines = [line[:_LINE_LENGTH] for line in text.splitlines()[:MOST_LINES] if line.strip()]
    for look in _LOOKS:
        kind = look(text, lines)
        if kind is not None:
            return kind
    return _by_name(name, text)


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is text in some encoding, packed with gzip or not; an empty one is."""
    text = _text(head)
    if text is None:
        return False
    strange = sum(sign == "\ufffd" or (sign < " " and sign not in "\t\n\r\f\x1b") for sign in text)
    return strange <= len(text) * _MOST_STRANGE


def _text(head: bytes) -> str | None:
    """The beginning as text; None when it is no text."""
    if head.startswith(b"\x1f\x8b"):
        try:
            head = zlib.decompressobj(wbits=31).decompress(head, _UNPACKED_BYTES)
        except zlib.error:
            return None
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "ignore")
    if b"\x00" in head:
        return None
    return head.decode("utf-8", "replace").removeprefix("\ufeff")


_NAMES: tuple[tuple[re.Pattern[str], EvidenceKind], ...] = (
    (re.compile(r"topolog|service[-_ ]?map|dependenc|architecture"), EvidenceKind.TOPOLOGY),
    (re.compile(r"trace|span|jaeger|zipkin"), EvidenceKind.TRACES),
    (re.compile(r"change|deploy|release|rollout|feature[-_]?flag"), EvidenceKind.CHANGES),
    (re.compile(r"kube|pods?\b|describe|k8s"), EvidenceKind.KUBERNETES),
    (re.compile(r"metric|prometheus|grafana"), EvidenceKind.METRICS),
)
_LOG_NAME = re.compile(
    r"\.log(?:\.\d{1,4})?\Z|\.jsonl\Z|\.ndjson\Z|(?:\A|[-_.])(?:syslog|journal|stderr|stdout|access|error|logs)(?:[-_.]|\Z)"
)
_DATA_ENDINGS = (".json", ".yaml", ".yml", ".csv", ".tsv")


def _by_name(name: str, text: str) -> EvidenceKind:
    plain = re.split(r"[/\\]", name.strip().lower())[-1].removesuffix(".gz")
    if _LOG_NAME.search(plain):
        return EvidenceKind.LOGS
    if not text.strip() or plain.endswith(_DATA_ENDINGS):
        for pattern, kind in _NAMES:
            if pattern.search(plain):
                return kind
        if PurePath(plain).suffix in (".csv", ".tsv"):
            return EvidenceKind.METRICS
    return EvidenceKind.NOTES


_ALERT_KEYS = key_of("alertname|starts_?at|generator_?url|aggregation_?key|finding_?type|subject(?:_name)?")
_WORKLOAD_KEYS = key_of("pod|namespace|container|subject_namespace")


def _alert(text: str, lines: list[str]) -> EvidenceKind | None:
    """One alert about something in a cluster, as Alertmanager and others send it."""
    if not text.lstrip().startswith("{") or are_messages(lines[:1]):
        return None
    alerted = _ALERT_KEYS.search(text) is not None and _WORKLOAD_KEYS.search(text) is not None
    return EvidenceKind.KUBERNETES if alerted else None


def _printed(text: str, lines: list[str]) -> EvidenceKind | None:
    """An output with the command, or the record of the call, in front of it."""
    head = printed_by(lines)
    if head is None:
        return None
    body = lines[head.lines :]
    if head.is_page:
        return EvidenceKind.NOTES
    if head.is_log and (not head.is_cluster or _are_stamped(body)):
        return EvidenceKind.LOGS
    if head.is_cluster:
        return EvidenceKind.KUBERNETES
    rest = "\n".join(body)
    return next((kind for look in _LOOKS[1:] if body and (kind := look(rest, body)) is not None), None)


def _are_stamped(body: list[str]) -> bool:
    """Lines of a log that say when: those below a stack trace's first do not, and need not."""
    begun = [line for line in body if line[:1] not in (" ", "\t")]
    return sum(is_logged(line) for line in begun) * 2 > len(begun)


_LOOKS: tuple[Callable[[str, list[str]], EvidenceKind | None], ...] = (
    _printed,
    kubectl,
    _alert,
    of_a_standard,
    structured,
    table_of_numbers,
    logged,
)
