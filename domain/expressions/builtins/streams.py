"""Built-in functions that take expressions as arguments: `select`, `limit`, `recurse`, `any`, `path`, `walk`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.expressions.access import Located
from domain.expressions.budget import DEEPEST_VALUE, NODE
from domain.expressions.builtins.registry import Builder
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Env, Path, Paths, located
from domain.expressions.paths import NUMBERS, get
from domain.expressions.values import as_double, compare, kind, settle, truth
from domain.model import JsonValue


def _depth(*codes: Code) -> int:
    return max(code.depth for code in codes) + FRAMES + 2


def empty() -> Code:
    """`empty`."""

    def paths(_env: Env, _path: Path, _value: JsonValue) -> Located:
        return iter(())

    return Code(many=lambda _env, _value: iter(()), paths=lambda: paths)


def error(message: Code | None = None) -> Code:
    """`error` and `error(message)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        if message is None:
            raise Raised(value, own=True)
        for output in message.many(env, value):
            raise Raised(output, own=True)
        yield from ()

    return Code(many=many, depth=_depth(message) if message else FRAMES)


def select(condition: Code) -> Code:
    """`select(f)`."""
    test = condition.one

    def simple(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        env.meter.step()
        if truth(test(env, value)):  # type: ignore[misc]  # used only where there is one
            yield value

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for answer in condition.many(env, value):
            env.meter.step()
            if truth(answer):
                yield value

    def paths(env: Env, path: Path, value: JsonValue) -> Located:
        for answer in condition.many(env, value):
            env.meter.step()
            if truth(answer):
                yield path, value

    return Code(many=simple if test else many, paths=lambda: paths, depth=_depth(condition))


def recurse(step: Code) -> Code:
    """`recurse(f)` and `..`: depth first, on a stack of its own."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        yield value
        stack = [step.many(env, value)]
        while stack:
            env.meter.step()
            for output in stack[-1]:
                yield output
                env.meter.grow(NODE)
                stack.append(step.many(env, output))
                break
            else:
                stack.pop()

    def make() -> Paths:
        ways = step.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            yield path, value
            stack = [ways(env, path, value)]
            while stack:
                env.meter.step()
                for place, output in stack[-1]:
                    yield place, output
                    env.meter.grow(NODE)
                    stack.append(ways(env, place, output))
                    break
                else:
                    stack.pop()

        return paths

    return Code(many=many, paths=make, depth=_depth(step))


def repeat(body: Code) -> Code:
    """`repeat(f)`: the outputs of `f` over and over, each time from the same input, until it fails or is broken."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        while True:
            env.meter.step()
            yield from body.many(env, value)

    return Code(many=many, depth=_depth(body))


def _loop(
    expand: Callable[[Code, Code, Env, JsonValue], Iterator[tuple[bool, JsonValue]]],
) -> Callable[[Code, Code], Code]:
    """A loop over a stack of its own; `expand` gives what to hand out (True) and where to go on (False)."""

    def build(condition: Code, update: Code) -> Code:
        def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
            stack = [expand(condition, update, env, value)]
            while stack:
                env.meter.step(2)
                for done, output in stack[-1]:
                    if done:
                        yield output
                    else:
                        env.meter.grow(NODE)
                        stack.append(expand(condition, update, env, output))
                    break
                else:
                    stack.pop()

        return Code(many=many, depth=_depth(condition, update))

    return build


def _while(condition: Code, update: Code, env: Env, value: JsonValue) -> Iterator[tuple[bool, JsonValue]]:
    for answer in condition.many(env, value):
        if truth(answer):
            yield True, value
            for output in update.many(env, value):
                yield False, output


def _until(condition: Code, update: Code, env: Env, value: JsonValue) -> Iterator[tuple[bool, JsonValue]]:
    for answer in condition.many(env, value):
        if truth(answer):
            yield True, value
        else:
            for output in update.many(env, value):
                yield False, output


def until(condition: Code, update: Code) -> Code:
    """`until(c; f)`; a plain loop where both have one output."""
    test, change = condition.one, update.one
    if test is None or change is None:
        return _loop(_until)(condition, update)

    def one(env: Env, value: JsonValue) -> JsonValue:
        while not truth(test(env, value)):
            env.meter.step()
            value = change(env, value)
        return value

    return Code(one=one, depth=_depth(condition, update))


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

    return Code(many=many, paths=lambda: paths, depth=_depth(count, body))


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

    return Code(many=many, paths=lambda: paths, depth=_depth(count, body))


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

    return Code(many=many, paths=lambda: paths, depth=_depth(body))


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

    return Code(many=many, paths=lambda: paths, depth=_depth(body))


def isempty(body: Code) -> Code:
    """`isempty(f)`."""

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return all(False for _ in body.many(env, value))

    return Code(one=one, depth=_depth(body))


def _quantified(settles: bool) -> Builder:
    def build(source: Code, condition: Code) -> Code:
        def one(env: Env, value: JsonValue) -> JsonValue:
            for output in source.many(env, value):
                for answer in condition.many(env, output):
                    env.meter.step()
                    if truth(answer) is settles:
                        return settles
            return not settles

        return Code(one=one, depth=_depth(source, condition))

    return build


def path(body: Code) -> Code:
    """`path(f)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for place, output in body.paths(env, (), value):
            env.meter.step()
            keys = located(place, output)
            env.meter.grow(len(keys) + 1)
            yield list(keys)

    return Code(many=many, depth=_depth(body))


def as_path(value: JsonValue) -> tuple[JsonValue, ...]:
    """A path that an expression computed."""
    if type(value) is not list:
        raise Raised("Path must be specified as an array")
    return tuple(value)


def getpath(keys: Code) -> Code:
    """`getpath(p)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for wanted in keys.many(env, value):
            env.meter.step()
            yield get(env.meter, value, as_path(wanted))

    def paths(env: Env, place: Path, value: JsonValue) -> Located:
        for wanted in keys.many(env, value):
            env.meter.step(len(place or ()) + 1)
            more = as_path(wanted)
            yield (*located(place, value), *more), _reached(env, value, more)

    single = keys.one
    if single is None:
        return Code(many=many, paths=lambda: paths, depth=_depth(keys))

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return get(env.meter, value, as_path(single(env, value)))

    return Code(one=one, paths=lambda: paths, depth=_depth(keys))


def _reached(env: Env, value: JsonValue, keys: tuple[JsonValue, ...]) -> JsonValue:
    try:
        return get(env.meter, value, keys)
    except Raised:
        return None


def ranged(start: Code, end: Code, by: Code | None = None) -> Code:
    """`range(a; b)` and `range(a; b; by)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for low in start.many(env, value):
            for high in end.many(env, value):
                for width in by.many(env, value) if by else iter((1,)):
                    yield from _counted(env, low, high, width)

    return Code(many=many, depth=_depth(start, end, *([by] if by else [])))


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


def walk(change: Code) -> Code:
    """`walk(f)`: from the leaves up."""

    def visit(env: Env, value: JsonValue, depth: int) -> Iterator[JsonValue]:
        env.meter.step()
        if depth > DEEPEST_VALUE // 2:
            env.meter.too_deep()
        if type(value) is list:
            value = [output for part in value for output in visit(env, part, depth + 1)]
            env.meter.grow(len(value))
        elif type(value) is dict:
            env.meter.grow(len(value))
            changed = {}
            for name, part in value.items():
                for output in visit(env, part, depth + 1):
                    changed[name] = output
                    break
            value = changed
        return change.many(env, value)

    return Code(many=lambda env, value: visit(env, value, 0), depth=_depth(change))


def to_array_by(measure: Code) -> Callable[[Env, list[JsonValue]], list[list[JsonValue]]]:
    """What `sort_by(f)` and its like compare: all outputs of `f` for each element."""
    single = measure.one

    def keys(env: Env, array: list[JsonValue]) -> list[list[JsonValue]]:
        found = []
        for part in array:
            env.meter.step()
            found.append([single(env, part)] if single else list(measure.many(env, part)))
            env.meter.grow(len(found[-1]))
        return found

    return keys


def bsearch(target: Code) -> Code:
    """`bsearch(x)`: the position in a sorted array, or where it would go as `-1 - position`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for wanted in target.many(env, value):
            if type(value) is not list:
                raise Raised(f"{kind(value)} cannot be searched from")
            low, high = 0, len(value) - 1
            found = -1
            while low <= high and found < 0:
                env.meter.step()
                middle = (low + high) // 2
                order = compare(env.meter, value[middle], wanted)
                if order == 0:
                    found = middle
                elif order < 0:
                    low = middle + 1
                else:
                    high = middle - 1
            yield found if found >= 0 else -1 - low

    return Code(many=many, depth=_depth(target))


STREAMS: dict[str, Builder] = {
    "empty/0": empty,
    "error/0": error,
    "error/1": error,
    "select/1": select,
    "recurse/1": recurse,
    "repeat/1": repeat,
    "while/2": _loop(_while),
    "until/2": until,
    "limit/2": limit,
    "skip/2": skip,
    "first/1": first,
    "last/1": last,
    "isempty/1": isempty,
    "any/2": _quantified(True),
    "all/2": _quantified(False),
    "path/1": path,
    "getpath/1": getpath,
    "range/2": ranged,
    "range/3": ranged,
    "walk/1": walk,
    "bsearch/1": bsearch,
}
