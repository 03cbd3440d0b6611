"""Compiling what gives names to values: `as`, destructuring, `reduce`, `foreach`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from domain.expressions import syntax as s
from domain.expressions.errors import ExpressionSyntax, Raised
from domain.expressions.evaluation import FRAMES, Code, Compile, Env, Path, Paths, Scope
from domain.expressions.paths import index
from domain.expressions.values import kind
from domain.model import JsonValue

Located = Iterator[tuple[Path, JsonValue]]
Bound = dict[str, JsonValue]
Match = Callable[[Env, JsonValue, Bound], Iterator[Bound]]
Bind = Callable[[Env, JsonValue], Iterator[Env]]
Output = TypeVar("Output")


def _names(pattern: s.Pattern) -> list[str]:
    if isinstance(pattern, s.VariablePattern):
        return [pattern.name]
    if isinstance(pattern, s.ArrayPattern):
        return [name for part in pattern.parts for name in _names(part)]
    found: list[str] = []
    for _, name, part in pattern.entries:
        found += [name] if name else []
        found += _names(part) if part else []
    return found


def _match(c: Compile, pattern: s.Pattern, scope: Scope, level: int) -> Match:
    """How a value is taken apart."""
    if isinstance(pattern, s.VariablePattern):
        name = pattern.name

        def variable(_env: Env, value: JsonValue, bound: Bound) -> Iterator[Bound]:
            yield {**bound, name: value}

        return variable
    if isinstance(pattern, s.ArrayPattern):
        parts = [_match(c, part, scope, level + FRAMES) for part in pattern.parts]
        return lambda env, value, bound: _elements(parts, 0, env, value, bound)
    entries = [
        (c(key, scope, level + FRAMES), name, _match(c, part, scope, level + FRAMES) if part else None)
        for key, name, part in pattern.entries
    ]
    return lambda env, value, bound: _fields(entries, 0, env, value, bound)


def _elements(parts: list[Match], place: int, env: Env, value: JsonValue, bound: Bound) -> Iterator[Bound]:
    if value is not None and type(value) is not list:
        raise Raised(f"Cannot index {kind(value)} with number")
    if place == len(parts):
        yield bound
        return
    env.meter.step()
    for more in parts[place](env, index(env.meter, value, place), bound):
        yield from _elements(parts, place + 1, env, value, more)


def _fields(
    entries: list[tuple[Code, str | None, Match | None]], place: int, env: Env, value: JsonValue, bound: Bound
) -> Iterator[Bound]:
    if place == len(entries):
        yield bound
        return
    key, name, part = entries[place]
    for field in key.many(env, value):
        env.meter.step()
        if type(field) is not str:
            raise Raised(f"Cannot index {kind(value)} with {kind(field)}")
        inner = index(env.meter, value, field)
        here = {**bound, name: inner} if name else bound
        for more in part(env, inner, here) if part else iter((here,)):
            yield from _fields(entries, place + 1, env, value, more)


def _depth(pattern: s.Pattern) -> int:
    if isinstance(pattern, s.VariablePattern):
        return FRAMES
    if isinstance(pattern, s.ArrayPattern):
        return len(pattern.parts) + FRAMES + max(_depth(part) for part in pattern.parts)
    inner = max((_depth(part) for _, _, part in pattern.entries if part), default=0)
    return len(pattern.entries) + FRAMES + inner + 20


def build_patterns(
    c: Compile, patterns: tuple[s.Pattern, ...], scope: Scope, level: int
) -> tuple[Scope, list[Bind], int]:
    """The scope with all names bound, one binder for each alternative, and the frames a binder takes."""
    if len(patterns) == 1 and isinstance(patterns[0], s.VariablePattern):
        return scope.bind("$" + patterns[0].name), [_single], 1
    names = list(dict.fromkeys(name for pattern in patterns for name in _names(pattern)))
    inner = scope
    for name in names:
        inner = inner.bind("$" + name)

    def binder(match: Match) -> Bind:
        def bind(env: Env, value: JsonValue) -> Iterator[Env]:
            for bound in match(env, value, {}):
                here = env
                for name in names:
                    here = Env(env.meter, here, bound.get(name), env.depth)
                yield here

        return bind

    binders = [binder(_match(c, pattern, scope, level + FRAMES)) for pattern in patterns]
    return inner, binders, max(map(_depth, patterns))


def _single(env: Env, value: JsonValue) -> Iterator[Env]:
    yield Env(env.meter, env, value, env.depth)


def build_bind(c: Compile, node: s.Bind, scope: Scope, level: int) -> Code:
    """`e as p ?// q | body`."""
    source = c(node.source, scope, level + FRAMES)
    inner, binders, frames = build_patterns(c, node.patterns, scope, level)
    body = c(node.body, inner, level + FRAMES)
    depth = max(source.depth, body.depth, frames) + FRAMES
    first, single = source.one, body.one

    def make() -> Paths:
        within = body.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for output in source.many(env, value):
                env.meter.step()
                yield from _tried(binders, env, output, lambda here: within(here, path, value))

        return paths

    if binders == [_single] and first is not None and single is not None:

        def one(env: Env, value: JsonValue) -> JsonValue:
            env.meter.step()
            return single(Env(env.meter, env, first(env, value), env.depth), value)

        return Code(one=one, paths=make, depth=depth)

    def simple(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in source.many(env, value):
            env.meter.step()
            yield from body.many(Env(env.meter, env, output, env.depth), value)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in source.many(env, value):
            env.meter.step()
            yield from _tried(binders, env, output, lambda here: body.many(here, value))

    return Code(many=simple if binders == [_single] else many, paths=make, depth=depth)


def _tried(
    binders: list[Bind], env: Env, value: JsonValue, body: Callable[[Env], Iterator[Output]]
) -> Iterator[Output]:
    """With the first alternative that raises nothing; the last one's error is everybody's."""
    for bind in binders[:-1]:
        try:
            for here in bind(env, value):
                yield from body(here)
            return
        except Raised:
            env.meter.step()
    for here in binders[-1](env, value):
        yield from body(here)


def _one_pattern(node: s.Reduce | s.Foreach) -> None:
    if len(node.patterns) > 1:
        raise ExpressionSyntax("Alternative patterns are refused here: bind them with “as” inside.", node.at)


def build_reduce(c: Compile, node: s.Reduce, scope: Scope, level: int) -> Code:
    """`reduce e as p (init; update)`: the last output of `update` is the next state; none makes it null."""
    _one_pattern(node)
    source = c(node.source, scope, level + FRAMES)
    start = c(node.start, scope, level + FRAMES)
    inner, binders, frames = build_patterns(c, node.patterns, scope, level)
    update = c(node.update, inner, level + FRAMES)
    bind, single = binders[0], update.one
    depth = max(source.depth, start.depth, update.depth, frames) + FRAMES

    def fold(env: Env, value: JsonValue, state: JsonValue) -> JsonValue:
        meter = env.meter
        for output in source.many(env, value):
            for here in bind(env, output):
                meter.steps -= 1
                if meter.steps < 0:
                    meter.stop()
                if single is not None:
                    state = single(here, state)
                    continue
                last = None
                for changed in update.many(here, state):
                    meter.step()
                    last = changed
                state = last
        return state

    def make() -> Paths:
        starts, updates = start.paths, update.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for state in starts(env, path, value):
                here_now: tuple[Path, JsonValue] = state
                for output in source.many(env, value):
                    for here in bind(env, output):
                        env.meter.step()
                        last: tuple[Path, JsonValue] = (None, None)
                        for changed in updates(here, *here_now):
                            env.meter.step()
                            last = changed
                        here_now = last
                yield here_now

        return paths

    first = start.one
    if first is not None:
        return Code(one=lambda env, value: fold(env, value, first(env, value)), paths=make, depth=depth)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for state in start.many(env, value):
            yield fold(env, value, state)

    return Code(many=many, paths=make, depth=depth)


def build_foreach(c: Compile, node: s.Foreach, scope: Scope, level: int) -> Code:
    """`foreach e as p (init; update; extract)`."""
    _one_pattern(node)
    source = c(node.source, scope, level + FRAMES)
    start = c(node.start, scope, level + FRAMES)
    inner, binders, frames = build_patterns(c, node.patterns, scope, level)
    update = c(node.update, inner, level + FRAMES)
    extract = c(node.extract or s.Identity(node.at), inner, level + FRAMES)
    bind = binders[0]
    depth = max(source.depth, start.depth, update.depth, extract.depth, frames) + FRAMES

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for begun in start.many(env, value):
            state = begun
            for output in source.many(env, value):
                for here in bind(env, output):
                    env.meter.step()
                    for changed in update.many(here, state):
                        env.meter.step()
                        state = changed
                        yield from extract.many(here, changed)

    def make() -> Paths:
        starts, updates, extracts = start.paths, update.paths, extract.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for begun in starts(env, path, value):
                state: tuple[Path, JsonValue] = begun
                for output in source.many(env, value):
                    for here in bind(env, output):
                        env.meter.step()
                        for changed in updates(here, *state):
                            env.meter.step()
                            state = changed
                            yield from extracts(here, *changed)

        return paths

    return Code(many=many, paths=make, depth=depth)
