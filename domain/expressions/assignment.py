"""Compiling `=`, `|=` and the arithmetic assignments: each gives a changed copy."""

from __future__ import annotations

from collections.abc import Iterator

from domain.expressions import syntax as s
from domain.expressions.evaluation import FRAMES, Code, Compile, Env, Scope, located
from domain.expressions.operators import OPERATORS
from domain.expressions.paths import drop, get, replace
from domain.expressions.values import truth
from domain.model import JsonValue


def build_assign(c: Compile, node: s.Assign, scope: Scope, level: int) -> Code:
    """Any assignment."""
    left = c(node.left, scope, level + FRAMES)
    right = c(node.right, scope, level + FRAMES)
    depth = max(left.depth, right.depth) + FRAMES + 1
    if node.operator == "|=":
        return modified(left, right, depth)
    operate = None if node.operator in ("=", "//=") else OPERATORS[node.operator[:-1]]
    keeps = node.operator == "//="

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        meter = env.meter
        for new in right.many(env, value):
            result = value
            for place, _ in left.paths(env, (), value):
                path = located(place, value)
                old = None if operate is None and not keeps else get(meter, result, path)
                if keeps and truth(old):
                    continue
                result = replace(meter, result, path, new if operate is None else operate(meter, old, new))
            yield result

    return Code(many=many, depth=depth)


def modified(left: Code, right: Code, depth: int) -> Code:
    """`|=`: the first output replaces; where there is none, the place goes away."""

    def one(env: Env, value: JsonValue) -> JsonValue:
        meter = env.meter
        result, gone = value, []
        for place, _ in left.paths(env, (), value):
            path = located(place, value)
            old = get(meter, result, path)
            for new in right.many(env, old):
                result = replace(meter, result, path, new)
                break
            else:
                gone.append(path)
        return drop(meter, result, gone)

    return Code(one=one, depth=depth)
