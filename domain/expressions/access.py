"""Compiling what reaches into values, and what joins parts: `.a[0]`, `|`, `,`."""

from __future__ import annotations

from collections.abc import Iterator

from domain.expressions import syntax as s
from domain.expressions.budget import Meter
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Compile, Env, Many, Path, Paths, Scope
from domain.expressions.paths import cut, index
from domain.expressions.values import kind
from domain.model import JsonValue

Located = Iterator[tuple[Path, JsonValue]]


def identity() -> Code:
    """`.`."""

    def one(_env: Env, value: JsonValue) -> JsonValue:
        return value

    def paths(_env: Env, path: Path, value: JsonValue) -> Located:
        yield path, value

    return Code(one=one, paths=lambda: paths, depth=1)


def literal(constant: JsonValue) -> Code:
    """A value from the text."""
    return Code(one=lambda _env, _value: constant, depth=1)


def step_to(path: Path, value: JsonValue, key: JsonValue) -> Path:
    """The path one key further."""
    if path is None:
        raise Raised(f"Invalid path expression with a computed {kind(value)}")
    return (*path, key)


def build_index(c: Compile, node: s.Index, scope: Scope, level: int) -> Code:
    """`t[key]`; a run of fixed keys is walked in one go."""
    keys: list[JsonValue] = []
    target: s.Node = node
    while isinstance(target, s.Index) and isinstance(target.key, s.Literal):
        keys.append(target.key.value)
        target = target.target
    if keys:
        keys.reverse()
        return _fixed(c(target, scope, level + FRAMES), tuple(keys), isinstance(target, s.Identity))
    base = c(node.target, scope, level + FRAMES)
    key = c(node.key, scope, level + FRAMES)
    return _computed(base, key)


def _walk(meter: Meter, value: JsonValue, keys: tuple[JsonValue, ...]) -> JsonValue:
    for key in keys:
        meter.steps -= 1
        if meter.steps < 0:
            meter.stop()
        value = value.get(key) if type(value) is dict and type(key) is str else index(meter, value, key)
    return value


def _fixed(base: Code, keys: tuple[JsonValue, ...], from_input: bool) -> Code:
    first = base.one

    def direct(env: Env, value: JsonValue) -> JsonValue:
        return _walk(env.meter, value, keys)

    def after(env: Env, value: JsonValue) -> JsonValue:
        return _walk(env.meter, first(env, value), keys)  # type: ignore[misc]  # used only where there is one

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in base.many(env, value):
            yield _walk(env.meter, output, keys)

    def make() -> Paths:
        bases = base.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for located in bases(env, path, value):
                place, output = located
                for key in keys:
                    env.meter.step(len(place or ()) + 1)
                    place, output = step_to(place, output, key), index(env.meter, output, key)
                yield place, output

        return paths

    depth = base.depth + FRAMES
    if from_input:
        return Code(one=direct, paths=make, depth=depth)
    return Code(one=after if first else None, many=None if first else many, paths=make, depth=depth)


def _computed(base: Code, key: Code) -> Code:
    target, by = base.one, key.one
    depth = max(base.depth, key.depth) + FRAMES

    def make() -> Paths:
        bases = base.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for name in key.many(env, value):
                for place, output in bases(env, path, value):
                    env.meter.step(len(place or ()) + 1)
                    yield step_to(place, output, name), index(env.meter, output, name)

        return paths

    if target is not None and by is not None:

        def one(env: Env, value: JsonValue) -> JsonValue:
            env.meter.step()
            name = by(env, value)
            return index(env.meter, target(env, value), name)

        return Code(one=one, paths=make, depth=depth)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for name in key.many(env, value):
            for output in base.many(env, value):
                env.meter.step()
                yield index(env.meter, output, name)

    return Code(many=many, paths=make, depth=depth)


def build_slice(c: Compile, node: s.Slice, scope: Scope, level: int) -> Code:
    """`t[from:to]`."""
    base = c(node.target, scope, level + FRAMES)
    nothing = s.Literal(node.at, None)
    start = c(node.start or nothing, scope, level + FRAMES)
    end = c(node.end or nothing, scope, level + FRAMES)
    depth = max(base.depth, start.depth, end.depth) + FRAMES

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for low in start.many(env, value):
            for high in end.many(env, value):
                for output in base.many(env, value):
                    env.meter.step()
                    yield cut(env.meter, output, low, high)

    def make() -> Paths:
        bases = base.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for low in start.many(env, value):
                for high in end.many(env, value):
                    for place, output in bases(env, path, value):
                        env.meter.step(len(place or ()) + 1)
                        yield step_to(place, output, {"start": low, "end": high}), cut(env.meter, output, low, high)

        return paths

    target, low_of, high_of = base.one, start.one, end.one
    if target is None or low_of is None or high_of is None:
        return Code(many=many, paths=make, depth=depth)

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return cut(env.meter, target(env, value), low_of(env, value), high_of(env, value))

    return Code(one=one, paths=make, depth=depth)


def parts_of(value: JsonValue) -> list[JsonValue]:
    """The elements of an array, or the values of an object."""
    if type(value) is list:
        return value
    if type(value) is dict:
        return list(value.values())
    raise Raised(f"Cannot iterate over {kind(value)}")


def places_of(value: JsonValue) -> Iterator[tuple[JsonValue, JsonValue]]:
    """The elements with their keys or positions."""
    if type(value) is list:
        return iter(enumerate(value))
    if type(value) is dict:
        return iter(value.items())
    raise Raised(f"Cannot iterate over {kind(value)}")


def build_iterate(c: Compile, node: s.Iterate, scope: Scope, level: int) -> Code:
    """`t[]`."""
    base = c(node.target, scope, level + FRAMES)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        meter = env.meter
        for output in base.many(env, value):
            for part in parts_of(output):
                meter.steps -= 1
                if meter.steps < 0:
                    meter.stop()
                yield part

    def make() -> Paths:
        bases = base.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for place, output in bases(env, path, value):
                for key, part in places_of(output):
                    env.meter.step(len(place or ()) + 1)
                    yield step_to(place, output, key), part

        return paths

    return Code(many=many, paths=make, depth=base.depth + FRAMES)


def build_pipe(c: Compile, node: s.Pipe, scope: Scope, level: int) -> Code:
    """`a | b | c`."""
    codes = [c(stage, scope, level + FRAMES * (place + 1)) for place, stage in enumerate(node.stages)]
    whole = codes[-1]
    for code in reversed(codes[:-1]):
        whole = piped(code, whole)
    return whole


def piped(left: Code, right: Code) -> Code:
    """One part's outputs into another."""
    first, second = left.one, right.one
    after = right.many
    depth = max(left.depth, right.depth) + FRAMES

    def make() -> Paths:
        before_paths, after_paths = left.paths, right.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for place, output in before_paths(env, path, value):
                yield from after_paths(env, place, output)

        return paths

    if first is not None and second is not None:
        return Code(one=lambda env, value: second(env, first(env, value)), paths=make, depth=depth)
    if first is not None:
        return Code(many=lambda env, value: after(env, first(env, value)), paths=make, depth=depth)
    return Code(many=_chained(left, right), paths=make, depth=depth)


def _chained(left: Code, right: Code) -> Many:
    before, after, second = left.many, right.many, right.one

    def each(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        meter = env.meter
        for output in before(env, value):
            meter.steps -= 1
            if meter.steps < 0:
                meter.stop()
            yield second(env, output)  # type: ignore[misc]  # used only where there is one

    def flat(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        meter = env.meter
        for output in before(env, value):
            meter.steps -= 1
            if meter.steps < 0:
                meter.stop()
            yield from after(env, output)

    return flat if second is None else each


def build_comma(c: Compile, node: s.Comma, scope: Scope, level: int) -> Code:
    """`a, b, c`."""
    codes = [c(part, scope, level + FRAMES) for part in node.parts]

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for code in codes:
            env.meter.step()
            yield from code.many(env, value)

    def make() -> Paths:
        ways = [code.paths for code in codes]

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for way in ways:
                env.meter.step()
                yield from way(env, path, value)

        return paths

    return Code(many=many, paths=make, depth=max(code.depth for code in codes) + FRAMES)
