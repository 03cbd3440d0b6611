"""Opens a piece of evidence: plain or gzip, in whatever encoding, as text or as JSON and YAML values, within limits.

Numbers, dates and booleans of YAML stay text, so that a version `1.10` is no number; merge keys are followed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 64 * 1024 * 1024
"""Of one piece, unpacked. What comes after is not read, and the summary says so."""
MOST_YAML_BYTES = 8 * 1024 * 1024
_MOST_NODES = 300_000
"""Of YAML, with aliases written out; JSON has none."""
_MOST_EVENTS = 1_500_000
_DEEPEST = 80
_MOST_ALIASES = 500
_MOST_ALIASES_WITH_MERGES = 30
"""Merge keys copy what they name, so a few dozen that name one another become billions."""
_MERGE, _NULL = "tag:yaml.org,2002:merge", "tag:yaml.org,2002:null"


class Unreadable(Exception):
    """The evidence cannot be read; its sentence says why, for a person, and quotes nothing."""


class _Plain(yaml.CSafeLoader):
    """Reads scalars as text, except null."""


_Plain.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
    if (kept := [one for one in resolvers if one[0] in (_MERGE, _NULL)])
}


class _WithoutMerges(_Plain):
    """Where merge keys could not be followed within limits: `<<` is a key like any other."""


_WithoutMerges.yaml_implicit_resolvers = {
    first: kept
    for first, resolvers in _Plain.yaml_implicit_resolvers.items()
    if (kept := [one for one in resolvers if one[0] == _NULL])
}


def read_text(path: Path, *, most_bytes: int = MOST_BYTES) -> tuple[str, bool]:
    """The text, and whether it was longer than may be read.

    Raises:
        Unreadable: it is empty, binary, or broken gzip.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(most_bytes + 1)
            if raw[:2] == b"\x1f\x8b":
                file.seek(0)
                raw = _unpacked(iter(lambda: file.read(1 << 20), b""), most_bytes + 1)
    except (OSError, zlib.error):
        raise Unreadable("The file cannot be read: upload it again.") from None
    text = _decoded(raw[:most_bytes])
    if not text.strip():
        raise Unreadable("The file is empty: upload what it was meant to hold.")
    return text, len(raw) > most_bytes


def _unpacked(pieces: Iterator[bytes], most: int) -> bytes:
    unzip, parts, size = zlib.decompressobj(wbits=31), [], 0
    for piece in pieces:
        parts.append(unzip.decompress(piece, most - size))
        size += len(parts[-1])
        if size >= most or unzip.eof:
            break
    return b"".join(parts)


def _decoded(raw: bytes) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if raw[:4096].count(0) > len(raw[:4096]) // 10:
        raise Unreadable("The file is binary: upload it as text.")
    return raw.decode("utf-8-sig", errors="replace").replace("\x00", "")


def values_of(text: str) -> list[Any]:
    """Every JSON or YAML document of a text: one JSON document, JSON lines, or YAML with `---` between.

    Raises:
        Unreadable: it is neither, or it is beyond the limits.
    """
    start = text.lstrip()[:1]
    if start and start in "{[":
        found = _json(text)
        if found is not None:
            return found
    return [_within_limits(one) for one in _yaml(text) if one is not None]


def _json(text: str) -> list[Any] | None:
    try:
        return [_load(text)]
    except RecursionError:
        raise Unreadable("The file is nested too deeply to be read.") from None
    except ValueError:
        pass
    found, bad = [], 0
    for line in filter(None, map(str.strip, text.splitlines())):
        try:
            found.append(_load(line))
        except (ValueError, RecursionError):
            bad += 1
    return found if found and len(found) >= bad else None


def _load(text: str) -> Any:
    return json.loads(text, parse_constant=lambda _: None, parse_int=_number)


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float(digits)


def _yaml(text: str) -> list[Any]:
    if len(text) > MOST_YAML_BYTES:
        raise Unreadable("The YAML is too large to be read: upload the part that matters, or JSON.")
    try:
        return list(yaml.load_all(text, Loader=_loader_for(text)))
    except (yaml.YAMLError, ValueError, RecursionError, TypeError):
        raise Unreadable("The file is neither JSON nor YAML that can be read: correct it.") from None


def _loader_for(text: str) -> Any:
    depth = aliases = merges = 0
    events = yaml.parse(text, Loader=yaml.CSafeLoader)
    for event in islice(events, _MOST_EVENTS + 1):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, yaml.ScalarEvent):
            merges += event.value == "<<"
        if depth > _DEEPEST or aliases > _MOST_ALIASES:
            raise Unreadable("The YAML is nested too deeply or repeats itself too often: write it out plainly.")
    return _WithoutMerges if merges and aliases > _MOST_ALIASES_WITH_MERGES else _Plain


def _within_limits(value: Any) -> Any:
    """The value itself, once it was walked through: aliases may make a small text endless."""
    waiting, nodes = [(value, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        nodes += 1
        if depth > _DEEPEST or nodes > _MOST_NODES:
            raise Unreadable("The file is nested too deeply or holds too much: upload the part that matters.")
        if isinstance(here, dict):
            waiting.extend((inner, depth + 1) for inner in here.values())
        elif isinstance(here, list):
            waiting.extend((inner, depth + 1) for inner in here)
    return value
