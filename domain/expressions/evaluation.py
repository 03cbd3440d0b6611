"""What an expression is compiled to: closures over an environment, in up to three forms.

A part that always has exactly one output has a `one` form, which is a plain call; every part has a `many` form, which
gives its outputs one after the other, and a `paths` form for the left side of assignments and for `path(...)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from domain.expressions import syntax as s
from domain.expressions.budget import DEEPEST_CALL, Meter
from domain.expressions.errors import Raised
from domain.expressions.values import kind
from domain.model import JsonValue

Path = tuple[JsonValue, ...] | None
"""Keys from the start; None for a value that was computed and so has no place."""
FRAMES = 2
"""Python frames that one level of the tree takes at most."""


class Env:
    """Variables and function arguments, innermost first; `depth` is how many frames lie below this body."""

    __slots__ = ("depth", "meter", "up", "value")

    def __init__(self, meter: Meter, up: Env | None, value: Any, depth: int) -> None:
        """One more binding on top of `up`."""
        self.meter = meter
        self.up = up
        self.value = value
        self.depth = depth


One = Callable[[Env, JsonValue], JsonValue]
Many = Callable[[Env, JsonValue], Iterator[JsonValue]]
Paths = Callable[[Env, Path, JsonValue], Iterator[tuple[Path, JsonValue]]]


class Code:
    """A compiled part."""

    __slots__ = ("_make", "_paths", "depth", "many", "one")

    def __init__(
        self,
        *,
        one: One | None = None,
        many: Many | None = None,
        paths: Callable[[], Paths] | None = None,
        depth: int = FRAMES,
    ) -> None:
        """Give at least one of `one` and `many`; `paths` is made when it is first asked for."""
        self.one = one
        self.many: Many = many if many is not None else _lifted(one)
        self.depth = depth
        self._make = paths
        self._paths: Paths | None = None

    @property
    def paths(self) -> Paths:
        """The form that says where each output lies."""
        if self._paths is None:
            self._paths = self._make() if self._make is not None else _nowhere(self.many)
        return self._paths


def _lifted(one: One | None) -> Many:
    if one is None:
        raise AssertionError("a part without any form")

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        yield one(env, value)

    return many


def _nowhere(many: Many) -> Paths:
    def paths(env: Env, _path: Path, value: JsonValue) -> Iterator[tuple[Path, JsonValue]]:
        for output in many(env, value):
            yield None, output

    return paths


def located(path: Path, value: JsonValue) -> tuple[JsonValue, ...]:
    """The path, which must be one.

    Raises:
        Raised: the value was computed, so there is nothing to assign to.
    """
    if path is None:
        raise Raised(f"Invalid path expression with a computed {kind(value)}")
    return path


def climb(env: Env, hops: int) -> Env:
    """The environment so many bindings out."""
    while hops:
        env = env.up  # type: ignore[assignment]  # the compiler counted the bindings
        hops -= 1
    return env


class Function:
    """A function of an expression; `code` is there once its body is compiled, which may call itself."""

    __slots__ = ("code", "parameters", "size")

    def __init__(self, parameters: tuple[str, ...], size: int) -> None:
        """`size` is the number of bindings around the definition."""
        self.parameters = parameters
        self.size = size
        self.code: Code | None = None


def entered(env: Env, level: int, code: Code) -> int:
    """The depth a called body starts at, after charging for the call.

    Raises:
        ExpressionFault: no steps are left, or the call is nested too deeply.
    """
    depth = env.depth + level + FRAMES
    meter = env.meter
    meter.steps -= 2
    if meter.steps < 0:
        meter.stop()
    if depth + code.depth > DEEPEST_CALL:
        meter.too_deep()
    return depth


class Scope:
    """What a name means at a place: mirrors `Env` at compile time."""

    __slots__ = ("entry", "name", "size", "up")

    def __init__(self, up: Scope | None, name: str, entry: Any, size: int) -> None:
        """`name` is `$x`, `f/1` or `*label`; `entry` is a Function for a definition and None for a binding."""
        self.up = up
        self.name = name
        self.entry = entry
        self.size = size

    def bind(self, name: str) -> Scope:
        """With one more binding."""
        return Scope(self, name, None, self.size + 1)

    def define(self, name: str, function: Function) -> Scope:
        """With one more definition, which takes no binding."""
        return Scope(self, name, function, self.size)

    def find(self, name: str) -> Scope | None:
        """The innermost entry of that name."""
        here: Scope | None = self
        while here is not None and here.name != name:
            here = here.up
        return here


ROOT = Scope(None, "", None, 0)


Compile = Callable[[s.Node, Scope, int], Code]
"""Compiles a part, so many frames into its body: what builds a whole gets its parts through it."""
