"""From the tree to closures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeAlias

from domain.expressions import access, assignment, binding, construction, control
from domain.expressions import syntax as s
from domain.expressions.builtins import NATIVE, PRELUDE, REFUSED, REFUSED_VARIABLES
from domain.expressions.errors import Broken, ExpressionFault, ExpressionSyntax
from domain.expressions.evaluation import FRAMES, ROOT, Code, Env, Function, Path, Paths, Scope, climb, entered
from domain.expressions.parser import parse
from domain.model import JsonValue

_DEEPEST = 200
"""Python frames a body may take when it is evaluated, not counting calls."""
_WHERE_ARGUMENTS_START = FRAMES + 2

Build: TypeAlias = Callable[[Any, Any, Scope, int], Code]
"""Builds a part with whatever compiles its parts: the compiler itself."""


class Compiler:
    """Compiles one expression; collects the variables it expects to be given."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.free: set[str] = set()

    def __call__(self, node: s.Node, scope: Scope, level: int) -> Code:
        """One part, `level` frames into its body.

        Raises:
            ExpressionSyntax: it names something unknown or refused, or it is too deep.
        """
        if level > _DEEPEST:
            raise ExpressionSyntax("The expression is nested too deeply: name its parts with “as”.", node.at)
        code = _BUILD[type(node)](self, node, scope, level)
        if code.depth + level > _DEEPEST:
            raise ExpressionSyntax("The expression is nested too deeply: name its parts with “as”.", node.at)
        return code

    def variable(self, node: s.Variable, scope: Scope, _level: int) -> Code:
        """`$name`: bound here, or given from outside."""
        entry = scope.find("$" + node.name)
        if entry is not None:
            return _bound(scope.size - entry.size)
        if node.name in REFUSED_VARIABLES:
            raise ExpressionSyntax(REFUSED_VARIABLES[node.name], node.at)
        self.free.add(node.name)
        return _given(node.name)

    def define(self, node: s.Define, scope: Scope, level: int) -> Code:
        """A definition, and what it is visible in."""
        definition = node.definition
        function = Function(definition.parameters, scope.size)
        outer = scope.define(f"{definition.name}/{len(definition.parameters)}", function)
        inner, body = outer, definition.body
        for parameter in reversed(definition.parameters):
            if parameter.startswith("$"):
                call = s.Call(node.at, parameter[1:], ())
                body = s.Bind(node.at, call, (s.VariablePattern(parameter[1:]),), body)
        for parameter in definition.parameters:
            inner = inner.bind(parameter.removeprefix("$") + "/0")
        function.code = self(body, inner, 0)
        return self(node.rest, outer, level)

    def call(self, node: s.Call, scope: Scope, level: int) -> Code:
        """A function: an argument, a definition, or built in."""
        name = f"{node.name}/{len(node.arguments)}"
        entry = scope.find(name)
        if entry is not None and entry.entry is None:
            return _argument(scope.size - entry.size, level)
        if entry is not None:
            return self._user(entry.entry, node, scope, level)
        if name in NATIVE:
            arguments = [self(argument, scope, level + _WHERE_ARGUMENTS_START) for argument in node.arguments]
            return NATIVE[name](*arguments)
        if name in PRELUDE:
            return self._user(_prelude(name), node, scope, level)
        if node.name in REFUSED:
            raise ExpressionSyntax(REFUSED[node.name], node.at)
        raise ExpressionSyntax(f"There is no function {name}: correct its name or its number of arguments.", node.at)

    def _user(self, function: Function, node: s.Call, scope: Scope, level: int) -> Code:
        arguments = [self(argument, scope, 0) for argument in node.arguments]
        return _called(function, arguments, scope.size - function.size, level)

    def breaking(self, node: s.Break, scope: Scope, _level: int) -> Code:
        """`break $name`."""
        entry = scope.find("*" + node.name)
        if entry is None:
            raise ExpressionSyntax(f"There is no label ${node.name} around this break: add one.", node.at)
        hops = scope.size - entry.size

        def many(env: Env, _value: JsonValue) -> Iterator[JsonValue]:
            raise Broken(climb(env, hops).value)

        return Code(many=many)


@cache
def _prelude(name: str) -> Function:
    """A built-in function that is written in jq itself."""
    tree = parse(PRELUDE[name])
    if not isinstance(tree, s.Define):
        raise AssertionError(name)
    definition = tree.definition
    function = Function(definition.parameters, 0)
    inner, body = ROOT.define(name, function), definition.body
    for parameter in reversed(definition.parameters):
        if parameter.startswith("$"):
            call = s.Call(0, parameter[1:], ())
            body = s.Bind(0, call, (s.VariablePattern(parameter[1:]),), body)
    for parameter in definition.parameters:
        inner = inner.bind(parameter.removeprefix("$") + "/0")
    function.code = Compiler()(body, inner, 0)
    return function


def _bound(hops: int) -> Code:
    def nearest(env: Env, _value: JsonValue) -> JsonValue:
        return env.value

    def further(env: Env, _value: JsonValue) -> JsonValue:
        return climb(env, hops).value

    return Code(one=further if hops else nearest, depth=FRAMES)


def _given(name: str) -> Code:
    def one(env: Env, _value: JsonValue) -> JsonValue:
        try:
            return env.meter.variables[name]
        except KeyError:
            raise ExpressionFault(f"The expression needs the variable ${name}, which is not known here.") from None

    return Code(one=one, depth=1)


def _argument(hops: int, level: int) -> Code:
    """A call of a function's argument, which is evaluated where it was written."""

    def enter(env: Env) -> tuple[Code, Env]:
        code, home = climb(env, hops).value
        return code, Env(env.meter, home.up, home.value, entered(env, level, code))

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        code, here = enter(env)
        return code.many(here, value)

    def make() -> Paths:
        def paths(env: Env, path: Path, value: JsonValue) -> Iterator[tuple[Path, JsonValue]]:
            code, here = enter(env)
            return code.paths(here, path, value)

        return paths

    return Code(many=many, paths=make)


def _called(function: Function, arguments: list[Code], hops: int, level: int) -> Code:
    def enter(env: Env) -> tuple[Code, Env]:
        code = function.code
        if code is None:
            raise AssertionError("a function that was never compiled")
        depth = entered(env, level, code)
        home = climb(env, hops)
        here = Env(env.meter, home.up, home.value, depth)
        for argument in arguments:
            here = Env(env.meter, here, (argument, env), depth)
        return code, here

    def many(env: Env, value: JsonValue) -> Iterator[JsonValue]:
        code, here = enter(env)
        return code.many(here, value)

    def one(env: Env, value: JsonValue) -> JsonValue:
        code, here = enter(env)
        return code.one(here, value)  # type: ignore[misc]  # used only where there is one

    def make() -> Paths:
        def paths(env: Env, path: Path, value: JsonValue) -> Iterator[tuple[Path, JsonValue]]:
            code, here = enter(env)
            return code.paths(here, path, value)

        return paths

    known = function.code is not None and function.code.one is not None
    return Code(one=one if known else None, many=None if known else many, paths=make)


_BUILD: dict[type, Build] = {
    s.Identity: lambda _c, _node, _scope, _level: access.identity(),
    s.Literal: lambda _c, node, _scope, _level: access.literal(node.value),
    s.Text: control.build_text,
    s.Format: control.build_format,
    s.Array: construction.build_array,
    s.Object: construction.build_object,
    s.Negation: control.build_negation,
    s.Pipe: access.build_pipe,
    s.Comma: access.build_comma,
    s.Binary: control.build_binary,
    s.Assign: assignment.build_assign,
    s.If: control.build_if,
    s.Try: control.build_try,
    s.Variable: Compiler.variable,
    s.Call: Compiler.call,
    s.Define: Compiler.define,
    s.Bind: binding.build_bind,
    s.Reduce: binding.build_reduce,
    s.Foreach: binding.build_foreach,
    s.Label: control.build_label,
    s.Break: Compiler.breaking,
    s.Index: access.build_index,
    s.Slice: access.build_slice,
    s.Iterate: access.build_iterate,
}
