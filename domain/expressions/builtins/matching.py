"""Built-in functions over regular expressions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.expressions.budget import Meter
from domain.expressions.builtins.registry import Builder, value_function
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Env
from domain.expressions.patterns import LARGEST, Found, Pattern, compile_pattern
from domain.expressions.values import kind
from domain.model import JsonValue


def _pattern(meter: Meter, expression: JsonValue, flags: JsonValue) -> Pattern:
    if type(expression) is list and flags is None:
        flags = expression[1] if len(expression) > 1 else None
        expression = expression[0] if expression else None
    if type(expression) is not str:
        raise Raised(f"{kind(expression)} cannot be matched, as it is not a string")
    if flags is not None and type(flags) is not str:
        raise Raised(f"{kind(flags)} is not a string")
    meter.step(1 + len(expression))
    try:
        pattern = compile_pattern(expression, flags or "")
    except Raised:
        meter.step(LARGEST)
        raise
    # What compiling takes is paid for each time, so that a replay on a worker that remembers it counts the same.
    meter.step(pattern.size)
    return pattern


def _subject(value: JsonValue) -> str:
    if type(value) is not str:
        raise Raised(f"{kind(value)} cannot be matched, as it is not a string")
    return value


def _described(meter: Meter, pattern: Pattern, text: str, found: Found) -> dict[str, Any]:
    """A match as `match` gives it."""
    whole, *groups = found.spans
    meter.step(len(found.spans))
    meter.grow(16 * len(found.spans) + 2 * (whole[1] - whole[0]))
    return {
        "offset": whole[0],
        "length": whole[1] - whole[0],
        "string": text[whole[0] : whole[1]],
        "captures": [_capture(meter, text, span, name) for span, name in zip(groups, pattern.names, strict=True)],
    }


def _capture(meter: Meter, text: str, span: tuple[int, int], name: str | None) -> dict[str, Any]:
    start, end = span
    if start < 0 or end < 0:
        return {"offset": -1, "length": 0, "string": None, "name": name}
    meter.grow(end - start)
    return {"offset": start, "length": end - start, "string": text[start:end], "name": name}


def _matches(
    meter: Meter, value: JsonValue, expression: JsonValue, flags: JsonValue, *, always: bool = False
) -> list[JsonValue]:
    pattern = _pattern(meter, expression, flags)
    text = _subject(value)
    found = pattern.matches(meter, text, everywhere=always or pattern.everywhere)
    return [_described(meter, pattern, text, one) for one in found]


def _test(meter: Meter, value: JsonValue, expression: JsonValue, flags: JsonValue) -> JsonValue:
    return bool(_pattern(meter, expression, flags).matches(meter, _subject(value), everywhere=False))


def _named(match: dict[str, Any]) -> dict[str, Any]:
    return {one["name"]: one["string"] for one in match["captures"] if one["name"] is not None}


def _captures(meter: Meter, value: JsonValue, expression: JsonValue, flags: JsonValue) -> list[JsonValue]:
    return [_named(match) for match in _matches(meter, value, expression, flags)]


def _scanned(meter: Meter, value: JsonValue, expression: JsonValue, flags: JsonValue) -> list[JsonValue]:
    return [
        [one["string"] for one in match["captures"]] if match["captures"] else match["string"]
        for match in _matches(meter, value, expression, flags, always=True)
    ]


def _split(meter: Meter, value: JsonValue, expression: JsonValue, flags: JsonValue) -> JsonValue:
    text = _subject(value)
    parts, before = [], 0
    for found in _pattern(meter, expression, flags).matches(meter, text, everywhere=True):
        start, end = found.spans[0]
        parts.append(text[before:start])
        before = end
    meter.grow(len(text) + len(parts))
    return [*parts, text[before:]]


def _spread(build: Builder) -> Builder:
    """Each element of a computed array as an output of its own."""

    def built(*arguments: Code) -> Code:
        whole = build(*arguments)

        def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
            for found in whole.many(env, value):
                for output in found:
                    env.meter.step()
                    yield output

        return Code(many=many, depth=whole.depth + FRAMES)

    return built


def _sub(expression: Code, replacement: Code, flags: Code) -> Code:
    """`sub(re; f; flags)`: `f` sees the named groups; each of its outputs gives a text of its own."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for wanted in expression.many(env, value):
            for options in flags.many(env, value):
                yield from _replaced(env, value, _matches(env.meter, value, wanted, options), replacement)

    depth = max(expression.depth, replacement.depth, flags.depth) + FRAMES + 4
    return Code(many=many, depth=depth)


def _replaced(env: Env, text: str, matches: list[Any], replacement: Code) -> Iterator[JsonValue]:
    """One text for each output of the replacement: the first outputs make the first text, and so on."""
    made: list[list[str]] = []
    before, meter = 0, env.meter
    for match in matches:
        gap = text[before : match["offset"]]
        for place, output in enumerate(replacement.many(env, _named(match))):
            meter.step()
            if type(output) is not str:
                raise Raised(f"string and {kind(output)} cannot be added")
            if place == len(made):
                made.append([])
            made[place] += (gap, output)
            meter.grow(len(gap) + len(output) + 2)
        before = match["offset"] + match["length"]
    if not made:
        yield text
        return
    meter.grow((len(text) - before) * len(made))
    for pieces in made:
        yield "".join(pieces) + text[before:]


MATCHING: dict[str, Builder] = {
    "test/2": value_function(_test, 2, first_is_outer=True),
    "match/2": _spread(value_function(_matches, 2, first_is_outer=True)),
    "capture/2": _spread(value_function(_captures, 2, first_is_outer=True)),
    "scan/2": _spread(value_function(_scanned, 2, first_is_outer=True)),
    "split/2": value_function(_split, 2, first_is_outer=True),
    "sub/3": _sub,
}
