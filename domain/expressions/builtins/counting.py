"""Built-in functions that give or take some of many: `limit`, `first`, `any`, `range`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.expressions.access import Located
from domain.expressions.builtins.registry import Builder
from domain.expressions.builtins.streams import frames
from domain.expressions.errors import Raised
from domain.expressions.evaluation import Code, Env, Path
from domain.expressions.paths import NUMBERS
from domain.expressions.values import as_double, kind, settle, truth
from domain.model import JsonValue


def _count(number: JsonValue, what: str) -> float:
    if type(number) not in NUMBERS:
        raise Raised(f"{what} needs a number, not {kind(number)}")
    if number < 0:
        raise Raised(f"{what} doesn't support negative count")
    return as_double(number)


def limit(count: Code, body: Code) -> Code:
    """`limit(n; f)`: stops `f` once it has enough."""

    def counted(env: Env, value: JsonValue, outputs: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        for number in count.many(env, value):
            left = _count(number, "limit")
            if left <= 0:
                continue
            for output in outputs():
                env.meter.step()
                left -= 1
                yield output
                if left <= 0:
                    break

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        return counted(env, value, lambda: body.many(env, value))

    def paths(env: Env, path: Path, value: JsonValue) -> Located:
        return counted(env, value, lambda: body.paths(env, path, value))

    return Code(many=many, paths=lambda: paths, depth=frames(count, body))


def skip(count: Code, body: Code) -> Code:
    """`skip(n; f)`."""

    def counted(env: Env, value: JsonValue, outputs: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        for number in count.many(env, value):
            left = _count(number, "skip")
            for output in outputs():
                env.meter.step()
                left -= 1
                if left < 0:
                    yield output

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        return counted(env, value, lambda: body.many(env, value))

    def paths(env: Env, path: Path, value: JsonValue) -> Located:
        return counted(env, value, lambda: body.paths(env, path, value))

    return Code(many=many, paths=lambda: paths, depth=frames(count, body))


def first(body: Code) -> Code:
    """`first(f)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in body.many(env, value):
            yield output
            return

    def paths(env: Env, path: Path, value: JsonValue) -> Located:
        for found in body.paths(env, path, value):
            yield found
            return

    return Code(many=many, paths=lambda: paths, depth=frames(body))


def last(body: Code) -> Code:
    """`last(f)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        found = []
        for output in body.many(env, value):
            env.meter.step()
            found = [output]
        return iter(found)

    def paths(env: Env, path: Path, value: JsonValue) -> Located:
        found = []
        for output in body.paths(env, path, value):
            env.meter.step()
            found = [output]
        return iter(found)

    return Code(many=many, paths=lambda: paths, depth=frames(body))


def isempty(body: Code) -> Code:
    """`isempty(f)`."""

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return all(False for _ in body.many(env, value))

    return Code(one=one, depth=frames(body))


def _quantified(settles: bool) -> Builder:
    def build(source: Code, condition: Code) -> Code:
        def one(env: Env, value: JsonValue) -> JsonValue:
            for output in source.many(env, value):
                for answer in condition.many(env, output):
                    env.meter.step()
                    if truth(answer) is settles:
                        return settles
            return not settles

        return Code(one=one, depth=frames(source, condition))

    return build


def ranged(start: Code, end: Code, by: Code | None = None) -> Code:
    """`range(a; b)` and `range(a; b; by)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for low in start.many(env, value):
            for high in end.many(env, value):
                for width in by.many(env, value) if by else iter((1,)):
                    yield from _counted(env, low, high, width)

    return Code(many=many, depth=frames(start, end, *([by] if by else [])))


def _counted(env: Env, low: JsonValue, high: JsonValue, width: JsonValue) -> Iterator[JsonValue]:
    if not all(type(bound) in NUMBERS for bound in (low, high, width)):
        raise Raised("Range bounds must be numeric")
    here, meter = low, env.meter
    while (width > 0 and here < high) or (width < 0 and here > high):
        meter.steps -= 1
        if meter.steps < 0:
            meter.stop()
        yield here
        here = settle(as_double(here) + as_double(width)) if type(here) is float else here + width


COUNTING: dict[str, Builder] = {
    "limit/2": limit,
    "skip/2": skip,
    "first/1": first,
    "last/1": last,
    "isempty/1": isempty,
    "any/2": _quantified(True),
    "all/2": _quantified(False),
    "range/2": ranged,
    "range/3": ranged,
}
