"""Compiling what decides, catches and computes: `if`, `try`, `and`, `//`, operators, texts."""

from __future__ import annotations

from collections.abc import Iterator

from domain.expressions import syntax as s
from domain.expressions.errors import Broken, Raised
from domain.expressions.evaluation import FRAMES, Code, Compile, Env, Path, Paths, Scope
from domain.expressions.formats import format_named, formatted
from domain.expressions.operators import OPERATORS, negate
from domain.expressions.values import truth
from domain.model import JsonValue

Located = Iterator[tuple[Path, JsonValue]]


def build_if(c: Compile, node: s.If, scope: Scope, level: int) -> Code:
    """`if`."""
    condition = c(node.condition, scope, level + FRAMES)
    then = c(node.then, scope, level + FRAMES)
    otherwise = c(node.otherwise, scope, level + FRAMES)
    depth = max(condition.depth, then.depth, otherwise.depth) + FRAMES
    test, yes, no = condition.one, then.one, otherwise.one

    def make() -> Paths:
        ways = {True: then.paths, False: otherwise.paths}

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            for answer in condition.many(env, value):
                env.meter.step()
                yield from ways[truth(answer)](env, path, value)

        return paths

    if test is None:

        def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
            for answer in condition.many(env, value):
                env.meter.step()
                yield from (then if truth(answer) else otherwise).many(env, value)

        return Code(many=many, paths=make, depth=depth)

    if yes is None or no is None:

        def chosen(env: Env, value: JsonValue) -> Iterator[JsonValue]:
            env.meter.step()
            return (then if truth(test(env, value)) else otherwise).many(env, value)

        return Code(many=chosen, paths=make, depth=depth)

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        return yes(env, value) if truth(test(env, value)) else no(env, value)

    return Code(one=one, paths=make, depth=depth)


def build_try(c: Compile, node: s.Try, scope: Scope, level: int) -> Code:
    """`try`, and `e?`."""
    body = c(node.body, scope, level + FRAMES)
    handler = c(node.handler, scope, level + FRAMES) if node.handler else None
    depth = max(body.depth, handler.depth if handler else 0) + FRAMES

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        env.meter.step()
        try:
            yield from body.many(env, value)
            return
        except Raised as raised:
            caught = raised.value
        if handler is not None:
            yield from handler.many(env, caught)

    def make() -> Paths:
        within = body.paths
        after = handler.paths if handler else None

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            env.meter.step()
            try:
                yield from within(env, path, value)
                return
            except Raised as raised:
                caught = raised.value
            if after is not None:
                yield from after(env, None, caught)

        return paths

    return Code(many=many, paths=make, depth=depth)


def build_binary(c: Compile, node: s.Binary, scope: Scope, level: int) -> Code:
    """Arithmetic, comparison, `and`, `or`, `//`."""
    left = c(node.left, scope, level + FRAMES)
    right = c(node.right, scope, level + FRAMES)
    if node.operator == "//":
        return _alternative(left, right)
    if node.operator in ("and", "or"):
        return _logical(left, right, node.operator == "or")
    return _operation(left, right, node.operator)


def _operation(left: Code, right: Code, name: str) -> Code:
    operate = OPERATORS[name]
    first, second = left.one, right.one
    depth = max(left.depth, right.depth) + FRAMES
    if first is not None and second is not None:

        def one(env: Env, value: JsonValue) -> JsonValue:
            meter = env.meter
            meter.steps -= 1
            if meter.steps < 0:
                meter.stop()
            other = second(env, value)
            return operate(meter, first(env, value), other)

        return Code(one=one, depth=depth)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for other in right.many(env, value):
            for output in left.many(env, value):
                env.meter.step()
                yield operate(env.meter, output, other)

    return Code(many=many, depth=depth)


def _logical(left: Code, right: Code, settles: bool) -> Code:
    first, second = left.one, right.one
    depth = max(left.depth, right.depth) + FRAMES
    if first is not None and second is not None:

        def one(env: Env, value: JsonValue) -> JsonValue:
            env.meter.step()
            return settles if truth(first(env, value)) is settles else truth(second(env, value))

        return Code(one=one, depth=depth)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in left.many(env, value):
            env.meter.step()
            if truth(output) is settles:
                yield settles
            else:
                for other in right.many(env, value):
                    yield truth(other)

    return Code(many=many, depth=depth)


def _alternative(left: Code, right: Code) -> Code:
    """`//`: the left outputs that are neither false nor null; without any, the right ones. Errors are not caught."""
    first, second = left.one, right.one
    depth = max(left.depth, right.depth) + FRAMES

    def make() -> Paths:
        before, after = left.paths, right.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            found = False
            for place, output in before(env, path, value):
                env.meter.step()
                if truth(output):
                    found = True
                    yield place, output
            if not found:
                yield from after(env, path, value)

        return paths

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        found = False
        for output in left.many(env, value):
            env.meter.step()
            if truth(output):
                found = True
                yield output
        if not found:
            yield from right.many(env, value)

    if first is None or second is None:
        return Code(many=many, paths=make, depth=depth)

    def one(env: Env, value: JsonValue) -> JsonValue:
        env.meter.step()
        output = first(env, value)
        return output if truth(output) else second(env, value)

    return Code(one=one, paths=make, depth=depth)


def build_negation(c: Compile, node: s.Negation, scope: Scope, level: int) -> Code:
    """`-e`."""
    body = c(node.body, scope, level + FRAMES)
    single = body.one
    if single is not None:
        return Code(one=lambda env, value: negate(single(env, value)), depth=body.depth + FRAMES)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        for output in body.many(env, value):
            yield negate(output)

    return Code(many=many, depth=body.depth + FRAMES)


def build_text(c: Compile, node: s.Text, scope: Scope, level: int) -> Code:
    """A text with interpolations, each through its format."""
    form = format_named(node.format, node.at)
    parts = [part if isinstance(part, str) else c(part, scope, level + FRAMES) for part in node.parts]
    codes = [part for part in parts if isinstance(part, Code)]
    depth = max(code.depth for code in codes) + FRAMES

    def one(env: Env, value: JsonValue) -> JsonValue:
        meter = env.meter
        meter.step(len(parts))
        pieces = [
            part if isinstance(part, str) else form(meter, part.one(env, value))  # type: ignore[misc]
            for part in parts
        ]
        meter.grow(sum(map(len, pieces)))
        return "".join(pieces)

    if all(code.one for code in codes):
        return Code(one=one, depth=depth)

    def joined(env: Env, value: JsonValue, place: int) -> Iterator[str]:
        # The last interpolation is the outermost loop, as in jq.
        if place < 0:
            yield ""
            return
        part = parts[place]
        outputs = iter((part,)) if isinstance(part, str) else (form(env.meter, out) for out in part.many(env, value))
        for piece in outputs:
            for before in joined(env, value, place - 1):
                env.meter.step()
                env.meter.grow(len(before) + len(piece))
                yield before + piece

    return Code(many=lambda env, value: joined(env, value, len(parts) - 1), depth=depth + len(parts))


def build_format(_c: Compile, node: s.Format, _scope: Scope, _level: int) -> Code:
    """`@name` on its own."""
    return formatted(node.name, node.at)


def build_label(c: Compile, node: s.Label, scope: Scope, level: int) -> Code:
    """`label $name | body`."""
    body = c(node.body, scope.bind("*" + node.name), level + FRAMES)

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        label = object()
        try:
            yield from body.many(Env(env.meter, env, label, env.depth), value)
        except Broken as broken:
            if broken.label is not label:
                raise

    def make() -> Paths:
        within = body.paths

        def paths(env: Env, path: Path, value: JsonValue) -> Located:
            label = object()
            try:
                yield from within(Env(env.meter, env, label, env.depth), path, value)
            except Broken as broken:
                if broken.label is not label:
                    raise

        return paths

    return Code(many=many, paths=make, depth=body.depth + FRAMES)
