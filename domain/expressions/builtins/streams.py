"""Built-in functions that take expressions as arguments: `select`, `recurse`, `until`, `path`, `walk`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.expressions.access import Located
from domain.expressions.budget import DEEPEST_CALL, NODE
from domain.expressions.builtins.registry import Builder
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Env, Path, Paths, located
from domain.expressions.paths import get
from domain.expressions.values import compare, kind, truth
from domain.model import JsonValue


def frames(*codes: Code) -> int:
    """The Python frames that a function over these takes."""
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

    return Code(many=many, depth=frames(message) if message else FRAMES)


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

    return Code(many=simple if test else many, paths=lambda: paths, depth=frames(condition))


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

    return Code(many=many, paths=make, depth=frames(step))


def repeat(body: Code) -> Code:
    """`repeat(f)`: the outputs of `f` over and over, each time from the same input, until it fails or is broken."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        while True:
            env.meter.step()
            yield from body.many(env, value)

    return Code(many=many, depth=frames(body))


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

        return Code(many=many, depth=frames(condition, update))

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

    return Code(one=one, depth=frames(condition, update))


def path(body: Code) -> Code:
    """`path(f)`."""

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for place, output in body.paths(env, (), value):
            env.meter.step()
            keys = located(place, output)
            env.meter.grow(len(keys) + 1)
            yield list(keys)

    return Code(many=many, depth=frames(body))


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
        return Code(many=many, paths=lambda: paths, depth=frames(keys))

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return get(env.meter, value, as_path(single(env, value)))

    return Code(one=one, paths=lambda: paths, depth=frames(keys))


def _reached(env: Env, value: JsonValue, keys: tuple[JsonValue, ...]) -> JsonValue:
    try:
        return get(env.meter, value, keys)
    except Raised:
        return None


def walk(change: Code) -> Code:
    """`walk(f)`: from the leaves up."""

    def visit(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        meter = env.meter
        meter.step()
        if env.depth + change.depth > DEEPEST_CALL:
            meter.too_deep()
        if type(value) is list:
            meter.grow(len(value))
            below = Env(meter, env.up, env.value, env.depth + FRAMES)
            value = [output for part in value for output in visit(below, part)]
        elif type(value) is dict:
            meter.grow(len(value))
            below = Env(meter, env.up, env.value, env.depth + FRAMES)
            changed = {}
            for name, part in value.items():
                for output in visit(below, part):
                    changed[name] = output
                    break
            value = changed
        return change.many(env, value)

    return Code(many=visit, depth=frames(change))


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

    return Code(many=many, depth=frames(target))


STREAMS: dict[str, Builder] = {
    "empty/0": empty,
    "error/0": error,
    "error/1": error,
    "select/1": select,
    "recurse/1": recurse,
    "repeat/1": repeat,
    "while/2": _loop(_while),
    "until/2": until,
    "path/1": path,
    "getpath/1": getpath,
    "walk/1": walk,
    "bsearch/1": bsearch,
}
