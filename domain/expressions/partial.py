"""Evaluation over data of which some is unknown: what does not depend on that is known all the same.

`$context + {number: .id}` keeps the rest of the context although nobody knows `.id` yet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from domain.expressions import syntax as s
from domain.expressions.compiler import Compiler
from domain.expressions.errors import ExpressionFault, ExpressionSyntax
from domain.expressions.evaluation import ROOT
from domain.expressions.expression import Expression, inner
from domain.expressions.parser import parse
from domain.expressions.unknown import Unknown, has_unknown, merged, with_unknown_as
from domain.model import JsonValue


class _Undecided(Exception):
    """Not even the number of outputs is known."""


def evaluate_partly(text: str, value: JsonValue, variables: Mapping[str, JsonValue]) -> JsonValue:
    """The first output as far as it is known, with `Unknown` in the places that are not.

    Args:
        text: jq, bare or within `${ ... }`.
        value: what `.` is.
        variables: by name, without the dollar sign.

    Raises:
        ExpressionSyntax: it cannot be read.
        ExpressionFault: it fails whatever the unknown parts are.
    """
    jq = inner(text)
    try:
        outputs = _Partly(jq, dict(variables)).outputs(parse(jq), value)
    except _Undecided:
        return Unknown(jq)
    return outputs[0] if outputs else None


class _Partly:
    def __init__(self, text: str, variables: dict[str, JsonValue]) -> None:
        self._text = text
        self._variables = variables
        self._kinds: dict[type[s.Node], Callable[[Any, JsonValue], list[JsonValue]]] = {
            s.Identity: lambda _node, value: [value],
            s.Variable: self._variable,
            s.Literal: lambda node, _value: [node.value],
            s.Object: self._object,
            s.Array: self._array,
            s.Comma: lambda node, value: [output for part in node.parts for output in self.outputs(part, value)],
            s.Pipe: self._pipe,
            s.Binary: self._binary,
            s.If: self._if,
            s.Index: self._index,
            s.Iterate: self._iterate,
            s.Bind: self._bind,
        }

    def outputs(self, node: s.Node, value: JsonValue) -> list[JsonValue]:
        """All outputs, in order."""
        kind = self._kinds.get(type(node))
        return kind(node, value) if kind is not None else [self._whole(node, value)]

    def _one(self, node: s.Node, value: JsonValue) -> JsonValue:
        try:
            outputs = self.outputs(node, value)
        except _Undecided:
            return Unknown(self._text)
        if len(outputs) != 1:
            raise _Undecided
        return outputs[0]

    def _whole(self, node: s.Node, value: JsonValue) -> JsonValue:
        """A part that is not looked into. What is unknown in it fails on a look."""
        expression = _expression(node)
        seen = {name: self._variables[name] for name in expression.variables if name in self._variables}
        if not (has_unknown(value) or has_unknown(seen)):
            return expression.evaluate(value, seen)
        try:
            result = expression.evaluate(value, seen)
            # The evaluator takes the unknown for true; where that decided anything, null gives another result.
            same = result == expression.evaluate(with_unknown_as(None, value), with_unknown_as(None, seen))
        except ExpressionFault:
            raise _Undecided from None
        if not same:
            raise _Undecided
        return result

    def _variable(self, node: s.Variable, _value: JsonValue) -> list[JsonValue]:
        return [self._variables[node.name]] if node.name in self._variables else [self._whole(node, None)]

    def _object(self, node: s.Object, value: JsonValue) -> list[JsonValue]:
        made: dict[str, JsonValue] = {}
        for key, part in node.entries:
            name = self._one(key, value)
            if not isinstance(name, str):
                raise _Undecided
            made[name] = self._one(part, value)
        return [made]

    def _array(self, node: s.Array, value: JsonValue) -> list[JsonValue]:
        return [[] if node.body is None else self.outputs(node.body, value)]

    def _pipe(self, node: s.Pipe, value: JsonValue) -> list[JsonValue]:
        values = [value]
        for stage in node.stages:
            values = [output for one in values for output in self.outputs(stage, one)]
        return values

    def _binary(self, node: s.Binary, value: JsonValue) -> list[JsonValue]:
        if node.operator == "//":
            return self._otherwise(node, value)
        if node.operator != "+":
            return [self._whole(node, value)]
        left, right = self._one(node.left, value), self._one(node.right, value)
        if isinstance(left, dict) and isinstance(right, dict):
            return [{**left, **right}]
        if isinstance(left, list) and isinstance(right, list):
            return [[*left, *right]]
        return [self._whole(node, value)]

    def _otherwise(self, node: s.Binary, value: JsonValue) -> list[JsonValue]:
        """`a // b` where `a` has one output: it, unless it is null or false."""
        left = self._one(node.left, value)
        if isinstance(left, Unknown):
            raise _Undecided
        return [left] if left is not None and left is not False else self.outputs(node.right, value)

    def _if(self, node: s.If, value: JsonValue) -> list[JsonValue]:
        condition = self._one(node.condition, value)
        if isinstance(condition, Unknown):
            return [merged(self._one(node.then, value), self._one(node.otherwise, value))]
        return self.outputs(node.then if condition is not None and condition is not False else node.otherwise, value)

    def _index(self, node: s.Index, value: JsonValue) -> list[JsonValue]:
        target, key = self._one(node.target, value), self._one(node.key, value)
        if isinstance(key, Unknown):
            raise _Undecided
        if isinstance(target, Unknown):
            return [Unknown(f"{target.text}, {key}")]
        if isinstance(target, dict) and isinstance(key, str):
            return [target.get(key)]
        if isinstance(target, list) and type(key) is int and has_unknown(target):
            return [target[key] if -len(target) <= key < len(target) else None]
        return [_expression(s.Index(node.at, s.Identity(node.at), s.Literal(node.at, key))).evaluate(target)]

    def _iterate(self, node: s.Iterate, value: JsonValue) -> list[JsonValue]:
        target = self._one(node.target, value)
        if isinstance(target, Unknown):
            raise _Undecided
        if isinstance(target, (dict, list)):
            return list(target.values() if isinstance(target, dict) else target)
        return list(_expression(s.Iterate(node.at, s.Identity(node.at))).evaluate_all(target))

    def _bind(self, node: s.Bind, value: JsonValue) -> list[JsonValue]:
        pattern = node.patterns[0]
        if len(node.patterns) != 1 or not isinstance(pattern, s.VariablePattern):
            return [self._whole(node, value)]
        outputs: list[JsonValue] = []
        for bound in self.outputs(node.source, value):
            inside = _Partly(self._text, {**self._variables, pattern.name: bound})
            outputs += inside.outputs(node.body, value)
        return outputs


def _expression(node: s.Node) -> Expression:
    compiler = Compiler()
    try:
        code = compiler(node, ROOT, 0)
    except ExpressionSyntax as error:
        raise _Undecided from error
    return Expression("", code, frozenset(compiler.free))


__all__ = ["evaluate_partly"]
