"""How a built-in function is declared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.expressions.budget import Meter
from domain.expressions.evaluation import FRAMES, Code, Env
from domain.model import JsonValue

Builder = Callable[..., Code]
Computation = Callable[..., JsonValue]


def value_function(compute: Computation, arity: int = 0, *, first_is_outer: bool = False) -> Builder:
    """A function of its input and of its arguments' values.

    Args:
        compute: takes the meter, the input, and each argument's value.
        arity: how many arguments.
        first_is_outer: the order when arguments have several outputs: functions that jq defines in C loop over the
            last argument outermost, those with `$` parameters over the first.
    """

    def build(*arguments: Code) -> Code:
        depth = max((code.depth for code in arguments), default=0) + FRAMES + arity
        singles = [code.one for code in arguments]
        if arity == 0:
            return Code(one=lambda env, value: compute(_charged(env), value), depth=depth)
        if all(singles):
            if arity == 1:
                only: Any = singles[0]
                return Code(one=lambda env, value: compute(_charged(env), value, only(env, value)), depth=depth)

            def one(env: Env, value: JsonValue) -> JsonValue:
                return compute(_charged(env), value, *(single(env, value) for single in singles if single))

            return Code(one=one, depth=depth)

        def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
            for given in combined(env, value, arguments, first_is_outer):
                yield compute(_charged(env), value, *given)

        return Code(many=many, depth=depth)

    return build


def _charged(env: Env) -> Meter:
    meter = env.meter
    meter.steps -= 1
    if meter.steps < 0:
        meter.stop()
    return meter


def combined(
    env: Env, value: JsonValue, arguments: tuple[Code, ...], first_is_outer: bool
) -> Iterator[tuple[JsonValue, ...]]:
    """Each combination of the arguments' outputs."""
    if not arguments:
        yield ()
        return
    if first_is_outer:
        for output in arguments[0].many(env, value):
            env.meter.step()
            for rest in combined(env, value, arguments[1:], True):
                yield (output, *rest)
        return
    for output in arguments[-1].many(env, value):
        env.meter.step()
        for rest in combined(env, value, arguments[:-1], False):
            yield (*rest, output)
