"""Fits what a tool gave into history: valid JSON before and after, the small parts whole, the large ones cut."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from domain.model import JsonValue
from domain.tools.tool import canonical

DEEPEST = 40
"""Levels of nesting that are kept; nobody reads deeper, and parsers give up on much more."""
_MARK = "..."
_LEAST_ROOM = 30
"""Bytes below which a part is left out instead of cut."""
_LONGEST_NUMBER_BITS = 4096


def size_of(value: JsonValue) -> int:
    """Bytes of the value's canonical JSON."""
    return len(canonical(value))


def clean(value: Any, depth: int = 0) -> JsonValue:
    """The value as JSON that every reader takes: no NaN, no half characters, no endless depth, text as keys.

    A value that JSON does not have becomes its text.
    """
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        if depth >= DEEPEST:
            return _MARK
        if isinstance(value, Mapping):
            return {_text(str(key)): clean(part, depth + 1) for key, part in value.items()}
        return [clean(part, depth + 1) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER_BITS:
        return None
    return value if value is None or isinstance(value, bool | int | float) else _text(str(value))


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def deeper_than(value: JsonValue, levels: int) -> bool:
    """Whether a value nests deeper; looks no further than it must."""
    layer: list[Any] = [value]
    for _ in range(levels + 1):
        layer = [part for each in layer for part in _parts(each)]
        if not layer:
            return False
    return True


def _parts(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list | tuple | set | frozenset) else ()


def cap(value: JsonValue, limit_bytes: int) -> tuple[JsonValue, int, bool]:
    """Cut a clean value down to a limit.

    Args:
        value: JSON, from `clean`.
        limit_bytes: of canonical JSON; at least 2.

    Returns:
        The value, whole or cut; the bytes of the whole; whether it was cut. Strings lose their end, arrays their last
        elements, objects only what is large in them.
    """
    whole = size_of(value)
    if whole <= limit_bytes:
        return value, whole, False
    return _cut(value, limit_bytes), whole, True


def _cut(value: JsonValue, room: int) -> JsonValue:
    if size_of(value) <= room:
        return value
    if isinstance(value, str):
        return _cut_text(value, room)
    if isinstance(value, list):
        return _cut_list(value, room)
    if isinstance(value, dict):
        return _cut_object(value, room)
    return None if room >= 4 else 0


def _cut_text(text: str, room: int) -> str:
    left = room - 2 - len(_MARK)
    if left < 0:
        return ""
    kept = 0
    for character in text:
        left -= len(json.dumps(character)) - 2
        if left < 0:
            break
        kept += 1
    return text[:kept] + _MARK


def _cut_list(items: list[JsonValue], room: int) -> list[JsonValue]:
    kept: list[JsonValue] = []
    left = room - 2
    for item in items:
        size = size_of(item) + (1 if kept else 0)
        if size > left:
            part_room = left - (1 if kept else 0)
            if part_room >= _LEAST_ROOM and isinstance(item, str | list | dict):
                kept.append(_cut(item, part_room))
            break
        kept.append(item)
        left -= size
    return kept


def _cut_object(members: dict[str, JsonValue], room: int) -> dict[str, JsonValue]:
    """Share the room out: what is smaller than a fair share stays whole, and the rest goes to the larger ones."""
    key_sizes = {key: len(json.dumps(key)) + 2 for key in members}  # its colon, and a comma
    sizes = {key: size_of(part) for key, part in members.items()}
    left = room - 1  # braces, and no comma after the last
    kept: dict[str, JsonValue] = {}
    waiting = sorted(members, key=lambda key: sizes[key] + key_sizes[key])
    for position, key in enumerate(waiting):
        share = left // (len(waiting) - position) - key_sizes[key]
        if sizes[key] <= share:
            kept[key] = members[key]
        elif share >= _LEAST_ROOM and isinstance(members[key], str | list | dict):
            kept[key] = _cut(members[key], share)
        else:
            continue
        left -= key_sizes[key] + size_of(kept[key])
    return {key: kept[key] for key in members if key in kept}
