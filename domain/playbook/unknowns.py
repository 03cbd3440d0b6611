"""What a dry run knows: templates and expressions over data of which some is unknown."""

from __future__ import annotations

from collections.abc import Mapping

from domain.expressions import ExpressionFault, ExpressionSyntax, is_expression
from domain.expressions.partial import evaluate_partly
from domain.expressions.unknown import Unknown, has_unknown, merged, with_unknown_as
from domain.model import JsonValue

_LONGEST = 80


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
    try:
        return evaluate_partly(source, value, variables)
    except (ExpressionFault, ExpressionSyntax) as problem:
        raise Unevaluable(str(problem)) from None


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


def shown(value: JsonValue) -> JsonValue:
    """The value as JSON: what is unknown becomes a text that says so."""
    if isinstance(value, dict):
        return {name: shown(part) for name, part in value.items()}
    if isinstance(value, list):
        return [shown(part) for part in value]
    return f"(unknown: {_short(value.text)})" if isinstance(value, Unknown) else value


def _short(text: str) -> str:
    """A long expression stands in the playbook already."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


__all__ = ["Unevaluable", "Unknown", "evaluated", "filled", "has_unknown", "merged", "shown", "with_unknown_as"]
