"""Values that nobody knows before a playbook runs, and expressions over data that holds some of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from domain.expressions import ExpressionFault, ExpressionSyntax, compile_expression, inner, is_expression
from domain.model import JsonValue

_ONLY_PATHS = re.compile(r'(?:\s|[.$][A-Za-z_]\w*|\.|[A-Za-z_]\w*\s*:|"[\w -]*"|\d+|[\[\]{},|()+])*\Z')
"""Expressions that only pick values and put or add them together, and never look at one."""


_FIELD = re.compile(r"\.([A-Za-z_]\w*)")
_MARK = "\ue000"
"""A character that no playbook means anything by."""


@dataclass(frozen=True)
class Unknown:
    """A value that is known only when the playbook runs. Expressions cannot read it, so nothing is guessed from it."""

    text: str
    """Where it will come from, such as an expression."""


_MIXED = Unknown("depends on what is unknown")


class Unevaluable(Exception):
    """An expression over known data that fails, and will fail in a run too."""


def evaluated(source: str, value: JsonValue, variables: Mapping[str, JsonValue]) -> JsonValue:
    """An expression's result as far as it is known; `Unknown` when it depends on what is not.

    Args:
        source: with or without `${ }`.
        value: what `.` is.
        variables: by name.

    Raises:
        Unevaluable: everything is known, and the expression fails.
    """
    text = inner(source) if is_expression(source) else source
    seen = {name: part for name, part in variables.items() if re.search(rf"\${re.escape(name)}\b", text)}
    if not (has_unknown(value) or has_unknown(seen)):
        try:
            return compile_expression(text).evaluate(value, seen)
        except (ExpressionFault, ExpressionSyntax) as problem:
            raise Unevaluable(str(problem)) from None
    try:
        result = compile_expression(text).evaluate(value, seen)
        # The evaluator takes what it does not know for true; where that decided anything, null gives another result.
        same = result == compile_expression(text).evaluate(without_unknown(value), without_unknown(seen))
        return result if same else Unknown(source)
    except (ExpressionFault, ExpressionSyntax):
        return _put_together(text, source, value, seen)


def _put_together(text: str, source: str, value: JsonValue, variables: Mapping[str, JsonValue]) -> JsonValue:
    """The result of an expression that only picks values: what is unknown in them stays unknown, the rest is known."""
    if not _ONLY_PATHS.match(text):
        return Unknown(source)
    # An unknown value stands in as a text, or, where something of it is picked, as a map of such texts.
    for fields in (frozenset[str](), frozenset(_FIELD.findall(text)[:12])):
        marks: dict[str, Unknown] = {}
        try:
            marked = compile_expression(text).evaluate(
                _marked(value, marks, fields), _marked(dict(variables), marks, fields)
            )
        except (ExpressionFault, ExpressionSyntax):
            continue
        result = _unmarked(marked, marks)
        return Unknown(source) if fields and isinstance(result, Unknown) else result
    return Unknown(source)


def filled(template: JsonValue, value: JsonValue, variables: Mapping[str, JsonValue]) -> JsonValue:
    """A template with every expression replaced by its value, as far as it is known.

    Raises:
        Unevaluable: an expression fails.
    """
    if isinstance(template, str):
        return evaluated(template, value, variables) if is_expression(template) else template
    if isinstance(template, dict):
        return {name: filled(part, value, variables) for name, part in template.items()}
    if isinstance(template, list):
        return [filled(part, value, variables) for part in template]
    return template


def has_unknown(value: JsonValue) -> bool:
    """Whether anything in a value is unknown."""
    if isinstance(value, dict):
        return any(has_unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(has_unknown(part) for part in value)
    return isinstance(value, Unknown)


def without_unknown(value: JsonValue) -> JsonValue:
    """The value with null in place of what is unknown."""
    if isinstance(value, dict):
        return {name: without_unknown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [without_unknown(part) for part in value]
    return None if isinstance(value, Unknown) else value


def shown(value: JsonValue) -> JsonValue:
    """The value as JSON: what is unknown becomes a text that says so."""
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shown(part) for part in value]
    return f"(unknown: {value.text})" if isinstance(value, Unknown) else value


def merged(one: JsonValue, other: JsonValue, text: str = "depends on the way taken") -> JsonValue:
    """What is known when either of two values holds."""
    if isinstance(one, Unknown) or isinstance(other, Unknown):
        return one if isinstance(one, Unknown) else other
    if isinstance(one, dict) and isinstance(other, dict) and set(one) == set(other):
        return {name: merged(one[name], other[name], text) for name in one}
    return one if type(one) is type(other) and one == other else Unknown(text)


def _marked(value: JsonValue, marks: dict[str, Unknown], fields: frozenset[str]) -> JsonValue:
    if isinstance(value, Unknown):
        return _mark(value, marks, fields, 2)
    if isinstance(value, dict):
        return {name: _marked(part, marks, fields) for name, part in value.items()}
    return [_marked(part, marks, fields) for part in value] if isinstance(value, list) else value


def _mark(value: Unknown, marks: dict[str, Unknown], fields: frozenset[str], depth: int) -> JsonValue:
    mark = f"{_MARK}{len(marks)}"
    marks[mark] = value
    if not fields or not depth:
        return mark
    parts = {name: _mark(Unknown(f"{value.text}, {name}"), marks, fields, depth - 1) for name in sorted(fields)}
    return {_MARK: mark, **parts}


def _unmarked(value: JsonValue, marks: dict[str, Unknown]) -> JsonValue:
    if isinstance(value, str):
        # A mark that something was added to is as unknown as before.
        return marks.get(value, _MIXED if _MARK in value else value)
    if isinstance(value, dict) and _MARK in value:
        return marks.get(str(value[_MARK]), _MIXED)
    if isinstance(value, dict):
        return {name: _unmarked(part, marks) for name, part in value.items()}
    return [_unmarked(part, marks) for part in value] if isinstance(value, list) else value
