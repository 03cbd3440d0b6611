"""Built-in functions over arrays and objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import Any

from domain.expressions.budget import DEEPEST_VALUE, NODE, Meter
from domain.expressions.builtins.registry import Builder, value_function
from domain.expressions.builtins.streams import as_path, to_array_by
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Env
from domain.expressions.operators import add
from domain.expressions.paths import NUMBERS, drop, positions, replace
from domain.expressions.values import compare, is_nan, kind, number_text, plain_text, truth
from domain.model import JsonValue


def array(value: JsonValue, what: str) -> list[Any]:
    """The value, which must be an array."""
    if type(value) is not list:
        raise Raised(f"{kind(value)} cannot be {what}, as it is not an array")
    return value


def order(meter: Meter, keys: list[JsonValue]) -> list[int]:
    """The positions of the keys, in jq's order; equal ones stay in their order."""
    kinds = {type(key) for key in keys}
    meter.step(len(keys))
    if kinds <= {str} or (kinds <= {int, float} and not any(map(is_nan, keys))):
        meter.grow(4 * len(keys))
        return sorted(range(len(keys)), key=keys.__getitem__)

    def compared(one: int, other: int) -> int:
        meter.step()
        return compare(meter, keys[one], keys[other])

    return sorted(range(len(keys)), key=cmp_to_key(compared))


def _sorted(meter: Meter, value: JsonValue) -> JsonValue:
    found = array(value, "sorted")
    return [found[place] for place in order(meter, found)]


def _grouped(meter: Meter, found: list[Any], keys: list[Any]) -> list[list[Any]]:
    groups: list[list[Any]] = []
    last: JsonValue = None
    for place in order(meter, keys):
        if groups and compare(meter, last, keys[place]) == 0:
            groups[-1].append(found[place])
        else:
            groups.append([found[place]])
        last = keys[place]
    meter.grow(len(found))
    return groups


def _by(finish: Callable[[Meter, list[Any], list[Any]], JsonValue], what: str) -> Builder:
    def build(measure: Code) -> Code:
        keys = to_array_by(measure)

        def one(env: Env, value: JsonValue) -> JsonValue:
            found = array(value, what)
            return finish(env.meter, found, keys(env, found))

        return Code(one=one, depth=measure.depth + FRAMES + 2)

    return build


def _sorted_by(meter: Meter, found: list[Any], keys: list[Any]) -> JsonValue:
    return [found[place] for place in order(meter, [key[0] if len(key) == 1 else key for key in keys])]


def _unique(meter: Meter, found: list[Any], keys: list[Any]) -> JsonValue:
    return [group[0] for group in _grouped(meter, found, keys)]


def _extreme(sign: int) -> Callable[[Meter, list[Any], list[Any]], JsonValue]:
    def pick(meter: Meter, found: list[Any], keys: list[Any]) -> JsonValue:
        best = -1
        for place, key in enumerate(keys):
            meter.step()
            # Of equal ones `min` takes the first and `max` the last.
            if best < 0 or (compare(meter, key, keys[best]) < 0) is (sign < 0):
                best = place
        return found[best] if best >= 0 else None

    return pick


def _plainly(finish: Callable[[Meter, list[Any], list[Any]], JsonValue], what: str) -> Builder:
    def compute(meter: Meter, value: JsonValue) -> JsonValue:
        found = array(value, what)
        return finish(meter, found, found)

    return value_function(compute)


def _keys(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is dict:
        meter.grow(4 * len(value))
        return sorted(value)
    return _positions(meter, value)


def _positions(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is not list:
        raise Raised(f"{kind(value)} has no keys")
    meter.grow(len(value))
    return list(range(len(value)))


def _keys_unsorted(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is dict:
        meter.grow(len(value))
        return list(value)
    return _positions(meter, value)


def _has(_meter: Meter, value: JsonValue, key: JsonValue) -> JsonValue:
    if type(value) is dict and type(key) is str:
        return key in value
    if type(value) is list and type(key) in NUMBERS:
        return bool(0 <= key < len(value))
    raise Raised(f"Cannot check whether {kind(value)} has a {kind(key)} key")


def _contains(meter: Meter, value: JsonValue, part: JsonValue) -> JsonValue:
    return _includes(meter, value, part, 0)


def _includes(meter: Meter, value: JsonValue, part: JsonValue, depth: int) -> bool:
    meter.step()
    if depth > DEEPEST_VALUE // 2:
        meter.too_deep()
    if type(value) is dict and type(part) is dict:
        return all(name in value and _includes(meter, value[name], wanted, depth + 1) for name, wanted in part.items())
    if type(value) is list and type(part) is list:
        return all(any(_includes(meter, mine, wanted, depth + 1) for mine in value) for wanted in part)
    if type(value) is str and type(part) is str:
        meter.grow(len(value))
        return part in value
    if kind(value) == kind(part):
        return compare(meter, value, part) == 0
    if depth == 0:
        raise Raised(f"{kind(value)} and {kind(part)} cannot have their containment checked")
    return False


def _to_entries(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is not dict and type(value) is not list:
        raise Raised(f"{kind(value)} has no keys")
    meter.grow(NODE * len(value))
    pairs = value.items() if type(value) is dict else enumerate(value)
    return [{"key": name, "value": part} for name, part in pairs]


def _from_entries(meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) is dict:
        value = list(value.values())
    made: dict[str, Any] = {}
    for entry in array(value, "made into an object"):
        meter.step()
        if type(entry) is not dict:
            raise Raised(f"Cannot index {kind(entry)} with string")
        name = _first_of(entry, ("key", "k", "name", "Name", "K", "Key"))
        if type(name) in NUMBERS or type(name) is bool or name is None:
            name = plain_text(meter, name)
        if type(name) is not str:
            raise Raised(f"Cannot use {kind(name)} as object key")
        made[name] = next((entry[key] for key in ("value", "v", "Value", "V") if key in entry), None)
    meter.grow(4 * len(made))
    return made


def _first_of(entry: dict[str, Any], names: tuple[str, ...]) -> JsonValue:
    """The first that is set: false counts, so that it becomes a key like any other."""
    present = [entry[name] for name in names if entry.get(name) is not None]
    return next((part for part in present if truth(part)), present[0] if present else None)


def _add(meter: Meter, value: JsonValue) -> JsonValue:
    parts = list(value.values()) if type(value) is dict else array(value, "added up")
    if parts and all(type(part) is str for part in parts):
        meter.step(len(parts))
        meter.grow(sum(map(len, parts)))
        return "".join(parts)
    if parts and all(type(part) is list for part in parts):
        meter.step(len(parts))
        meter.grow(sum(map(len, parts)))
        return [inner for part in parts for inner in part]
    total: JsonValue = None
    for part in parts:
        meter.step()
        total = add(meter, total, part)
    return total


def _flatten(meter: Meter, value: JsonValue, levels: JsonValue = 1e9) -> JsonValue:
    if type(levels) not in NUMBERS:
        raise Raised("flatten depth must be a number")
    if levels < 0:
        raise Raised("flatten depth must not be negative")
    parts = list(value.values()) if type(value) is dict else array(value, "flattened")
    return list(_flat(meter, parts, levels, 0))


def _flat(meter: Meter, parts: list[Any], levels: float, depth: int) -> Iterator[JsonValue]:
    if depth > DEEPEST_VALUE:
        meter.too_deep()
    for part in parts:
        meter.step()
        if type(part) is list and levels > 0:
            yield from _flat(meter, part, levels - 1, depth + 1)
        else:
            yield part


def _reverse(meter: Meter, value: JsonValue) -> JsonValue:
    if value is None or value == {}:
        return []
    if type(value) is not list and type(value) is not str:
        raise Raised(f"Cannot reverse {kind(value)}")
    meter.grow(len(value))
    return value[::-1]


def _length(_meter: Meter, value: JsonValue) -> JsonValue:
    if type(value) in (str, list, dict):
        return len(value)
    if value is None:
        return 0
    if type(value) in NUMBERS:
        return abs(value)
    raise Raised(f"{kind(value)} has no length")


def _transpose(meter: Meter, value: JsonValue) -> JsonValue:
    rows = [array(row, "transposed") for row in array(value, "transposed")]
    width = max(map(len, rows), default=0)
    meter.grow(4 * width * len(rows))
    return [[row[place] if place < len(row) else None for row in rows] for place in range(width)]


def _join(meter: Meter, value: JsonValue, separator: JsonValue) -> JsonValue:
    parts = list(value.values()) if type(value) is dict else array(value, "joined")
    if not parts:
        return ""
    if type(separator) is not str:
        if separator is None and len(parts) == 1:
            separator = ""
        else:
            raise Raised(f"Cannot join with {kind(separator)}")
    meter.step(len(parts))
    pieces = []
    for part in parts:
        if type(part) is str:
            pieces.append(part)
        elif part is None:
            pieces.append("")
        elif type(part) is bool:
            pieces.append("true" if part else "false")
        elif type(part) in NUMBERS:
            pieces.append(number_text(part))
        else:
            raise Raised(f"string and {kind(part)} cannot be added")
    meter.grow(sum(map(len, pieces)) + len(separator) * len(pieces))
    return separator.join(pieces)


def _indices(meter: Meter, value: JsonValue, wanted: JsonValue) -> JsonValue:
    if value is None:
        return None
    if type(value) is str and type(wanted) is str:
        return _occurrences(meter, value, wanted)
    if type(value) is list:
        return positions(meter, value, wanted if type(wanted) is list else [wanted])
    raise Raised(f"Cannot determine indices of {kind(wanted)} in {kind(value)}")


def _occurrences(meter: Meter, text: str, wanted: str) -> list[int]:
    found: list[int] = []
    place = text.find(wanted) if wanted else -1
    meter.grow(len(text))
    while place >= 0:
        meter.step(1 + len(wanted) // 64)
        found.append(place)
        place = text.find(wanted, place + 1)
    return found


def _index(meter: Meter, value: JsonValue, wanted: JsonValue) -> JsonValue:
    found = _indices(meter, value, wanted)
    return found[0] if found else None


def _rindex(meter: Meter, value: JsonValue, wanted: JsonValue) -> JsonValue:
    found = _indices(meter, value, wanted)
    return found[-1] if found else None


def _setpath(meter: Meter, value: JsonValue, path: JsonValue, new: JsonValue) -> JsonValue:
    return replace(meter, value, as_path(path), new)


def _delpaths(meter: Meter, value: JsonValue, paths: JsonValue) -> JsonValue:
    if type(paths) is not list:
        raise Raised("Paths must be specified as an array")
    return drop(meter, value, [as_path(path) for path in paths])


def _toarray(_meter: Meter, value: JsonValue) -> JsonValue:
    return value if type(value) is list else [value]


COLLECTIONS: dict[str, Builder] = {
    "length/0": value_function(_length),
    "keys/0": value_function(_keys),
    "keys_unsorted/0": value_function(_keys_unsorted),
    "has/1": value_function(_has, 1),
    "contains/1": value_function(_contains, 1),
    "to_entries/0": value_function(_to_entries),
    "from_entries/0": value_function(_from_entries),
    "add/0": value_function(_add),
    "flatten/0": value_function(_flatten),
    "flatten/1": value_function(_flatten, 1),
    "reverse/0": value_function(_reverse),
    "transpose/0": value_function(_transpose),
    "join/1": value_function(_join, 1),
    "indices/1": value_function(_indices, 1),
    "index/1": value_function(_index, 1),
    "rindex/1": value_function(_rindex, 1),
    "setpath/2": value_function(_setpath, 2),
    "delpaths/1": value_function(_delpaths, 1),
    "toarray/0": value_function(_toarray),
    "sort/0": value_function(_sorted),
    "sort_by/1": _by(_sorted_by, "sorted"),
    "group_by/1": _by(_grouped, "grouped"),
    "unique/0": _plainly(_unique, "made unique"),
    "unique_by/1": _by(_unique, "made unique"),
    "min/0": _plainly(_extreme(-1), "searched"),
    "max/0": _plainly(_extreme(1), "searched"),
    "min_by/1": _by(_extreme(-1), "searched"),
    "max_by/1": _by(_extreme(1), "searched"),
}
