"""Compiling what makes arrays and objects: `[ ]`, `{ }`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from domain.expressions import syntax as s
from domain.expressions.budget import Meter
from domain.expressions.errors import Raised
from domain.expressions.evaluation import FRAMES, Code, Compile, Env, Scope
from domain.expressions.values import kind
from domain.model import JsonValue


def collected(meter: Meter, outputs: Iterator[JsonValue]) -> list[JsonValue]:
    """All outputs as an array."""
    found: list[JsonValue] = []
    for output in outputs:
        meter.steps -= 1
        if meter.steps < 0:
            meter.stop()
        found.append(output)
    meter.grow(len(found) + 1)
    return found


def build_array(c: Compile, node: s.Array, scope: Scope, level: int) -> Code:
    """`[ ]`."""
    if node.body is None:
        return Code(one=lambda _env, _value: [], depth=1)
    body = c(node.body, scope, level + FRAMES)
    outputs, single = body.many, body.one
    if single is not None:
        return Code(one=lambda env, value: [single(env, value)], depth=body.depth + FRAMES)
    return Code(one=lambda env, value: collected(env.meter, outputs(env, value)), depth=body.depth + FRAMES)


def build_object(c: Compile, node: s.Object, scope: Scope, level: int) -> Code:
    """`{ }`."""
    pairs = [(c(key, scope, level + FRAMES), c(value, scope, level + FRAMES)) for key, value in node.entries]
    depth = max((max(key.depth, value.depth) for key, value in pairs), default=0) + FRAMES
    if len(pairs) == 0:
        return Code(one=lambda _env, _value: {}, depth=1)
    if all(key.one and value.one for key, value in pairs):
        singles: list[tuple[Any, Any]] = [(key.one, value.one) for key, value in pairs]

        def one(env: Env, value: JsonValue) -> JsonValue:
            env.meter.step(len(singles))
            return {_named(key(env, value)): part(env, value) for key, part in singles}

        return Code(one=one, depth=depth)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        yield from _combined(env, value, pairs, 0, {})

    return Code(many=many, depth=depth + len(pairs))


def _named(key: JsonValue) -> str:
    if type(key) is not str:
        raise Raised(f"Object keys must be strings, not {kind(key)}")
    return key


def _combined(
    env: Env, value: JsonValue, pairs: list[tuple[Code, Code]], place: int, made: dict[str, JsonValue]
) -> Iterator[JsonValue]:
    if place == len(pairs):
        yield made
        return
    key, part = pairs[place]
    for name in key.many(env, value):
        for output in part.many(env, value):
            env.meter.step(2)
            env.meter.grow(len(made) + 1)
            yield from _combined(env, value, pairs, place + 1, {**made, _named(name): output})
