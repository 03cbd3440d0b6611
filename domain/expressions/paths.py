"""Reading and rebuilding values along paths. Nothing is changed in place: values are shared."""

from __future__ import annotations

import math
from typing import Any

from domain.expressions.budget import DEEPEST_VALUE, Meter
from domain.expressions.errors import Raised
from domain.expressions.values import as_double, compare, is_nan, json_text, kind, whole
from domain.model import JsonValue

LONGEST_ARRAY = 100_000
"""Setting an element beyond the end fills up with nulls, so this is bounded on its own."""
NUMBERS = frozenset((int, float))


def index(meter: Meter, value: JsonValue, key: JsonValue) -> JsonValue:
    """`value[key]`."""
    found, by = type(value), type(key)
    if by is str:
        if found is dict:
            return value.get(key)
        if value is None:
            return None
    elif by in NUMBERS:
        if found is list:
            return _element(value, key)
        if value is None:
            return None
    elif by is dict:
        if found is list or found is str or value is None:
            return cut(meter, value, *ends(key))
    elif by is list and found is list:
        return positions(meter, value, key)
    raise Raised(f"Cannot index {kind(value)} with {kind(key)}")


def _element(array: list[Any], key: int | float) -> JsonValue:
    if is_nan(key):
        return None
    position = whole(key)
    if position < 0:
        position += len(array)
    return array[position] if 0 <= position < len(array) else None


def positions(meter: Meter, array: list[Any], wanted: list[Any]) -> JsonValue:
    """Where a list occurs within another."""
    if not wanted:
        return []
    width = len(wanted)
    found = []
    for start in range(len(array)):
        meter.step()
        if compare(meter, array[start : start + width], wanted) == 0:
            found.append(start)
    return found


def bounds(length: int, start: JsonValue, end: JsonValue) -> tuple[int, int]:
    """Where a slice of something of this length begins and ends."""
    for bound in (start, end):
        if bound is not None and type(bound) not in NUMBERS:
            raise Raised("Start and end indices of an array slice must be numbers")
    low = 0.0 if start is None or is_nan(start) else as_double(start)
    high = float(length) if end is None or is_nan(end) else as_double(end)
    low, high = (bound + length if bound < 0 else bound for bound in (low, high))
    low, high = (max(0.0, min(float(length), bound)) for bound in (low, high))
    return math.floor(low), max(math.floor(low), math.ceil(high))


def ends(key: dict[str, JsonValue]) -> tuple[JsonValue, JsonValue]:
    """The start and end of a slice that is written as an object."""
    if "start" not in key or "end" not in key:
        raise Raised("Start and end indices of an array slice must be numbers")
    return key["start"], key["end"]


def cut(meter: Meter, value: JsonValue, start: JsonValue, end: JsonValue) -> JsonValue:
    """`value[start:end]`."""
    if value is None:
        return None
    if type(value) is not list and type(value) is not str:
        raise Raised(f"Cannot index {kind(value)} with object")
    low, high = bounds(len(value), start, end)
    meter.grow(high - low)
    return value[low:high]


def get(meter: Meter, value: JsonValue, path: tuple[JsonValue, ...]) -> JsonValue:
    """The value at a path; null where there is none."""
    meter.grow(len(path))
    for key in path:
        if value is None:
            return None
        value = index(meter, value, key)
    return value


def replace(meter: Meter, value: JsonValue, path: tuple[JsonValue, ...], new: JsonValue) -> JsonValue:
    """The value with another one at a path."""
    if len(path) > DEEPEST_VALUE:
        meter.too_deep()
    meter.step(len(path) + 1)
    holders = []
    here = value
    for key in path:
        holders.append(here)
        here = None if here is None else index(meter, here, key)
    for holder, key in zip(reversed(holders), reversed(path), strict=True):
        new = put(meter, holder, key, new)
    return new


def put(meter: Meter, holder: JsonValue, key: JsonValue, new: JsonValue) -> JsonValue:
    """A copy of a list or object with one thing replaced."""
    found, by = type(holder), type(key)
    if by is str and (found is dict or holder is None):
        meter.grow(len(holder or ()) + 1)
        return {**holder, key: new} if holder else {key: new}
    if by in NUMBERS and (found is list or holder is None):
        return _put_element(meter, holder or [], key, new)
    if by is dict and (found is list or holder is None):
        if type(new) is not list:
            raise Raised("A slice of an array can only be assigned another array")
        array = holder or []
        low, high = bounds(len(array), *ends(key))
        meter.grow(len(array) + len(new))
        return array[:low] + new + array[high:]
    if by is dict and found is str:
        raise Raised("Cannot update string slices")
    raise Raised(f"Cannot index {kind(holder)} with {kind(key)}")


def _put_element(meter: Meter, array: list[Any], key: int | float, new: JsonValue) -> list[Any]:
    if is_nan(key):
        raise Raised("Cannot set array element at NaN index")
    position = whole(key)
    if position < 0:
        position += len(array)
        if position < 0:
            raise Raised("Out of bounds negative array index")
    if position > LONGEST_ARRAY + len(array):
        raise Raised("Array index too large")
    meter.grow(max(len(array), position) + 1)
    copy = array + [None] * (position + 1 - len(array))
    copy[position] = new
    return copy


def drop(meter: Meter, value: JsonValue, paths: list[tuple[JsonValue, ...]]) -> JsonValue:
    """The value without what is at these paths, all of which mean places in the value as it is now."""
    if any(not path for path in paths):
        return None
    return _drop(meter, value, paths, 0)


def _drop(meter: Meter, value: JsonValue, paths: list[tuple[JsonValue, ...]], depth: int) -> JsonValue:
    if depth > DEEPEST_VALUE:
        meter.too_deep()
    meter.step(len(paths))
    if value is None:
        return None
    gone = [path[depth] for path in paths if len(path) == depth + 1]
    further: dict[str, list[tuple[JsonValue, ...]]] = {}
    for path in paths:
        if len(path) > depth + 1:
            further.setdefault(json_text(meter, path[depth]), []).append(path)
    for group in further.values():
        key = group[0][depth]
        inner = index(meter, value, key)
        if inner is not None:
            value = put(meter, value, key, _drop(meter, inner, group, depth + 1))
    return _without(meter, value, gone) if gone else value


def _without(meter: Meter, holder: JsonValue, keys: list[JsonValue]) -> JsonValue:
    meter.grow(len(holder) if type(holder) is list or type(holder) is dict else 1)
    if type(holder) is dict and all(type(key) is str for key in keys):
        names = set(keys)
        return {name: value for name, value in holder.items() if name not in names}
    if type(holder) is list and all(type(key) in NUMBERS or type(key) is dict for key in keys):
        places = {place for key in keys for place in _places(meter, len(holder), key)}
        return [value for place, value in enumerate(holder) if place not in places]
    raise Raised(f"Cannot delete field at {kind(keys[0])} index of {kind(holder)}")


def _places(meter: Meter, length: int, key: JsonValue) -> range:
    if type(key) is dict:
        low, high = bounds(length, *ends(key))
        meter.step((high - low) // 8)
        return range(low, high)
    place = whole(key) + (length if whole(key) < 0 else 0)
    return range(place, place + 1)
