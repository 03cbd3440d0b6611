"""Expressions as the rest of Surehand uses them: compile once, evaluate often, fill templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from domain.expressions.budget import DEEPEST_VALUE, NODE, Budget, Meter
from domain.expressions.compiler import Compiler
from domain.expressions.errors import Broken, ExpressionFault, ExpressionSyntax, Raised
from domain.expressions.evaluation import ROOT, Code, Env
from domain.expressions.parser import parse
from domain.expressions.values import finished
from domain.model import JsonValue

_DEFAULT = Budget()


class Expression:
    """A compiled expression; safe to share, as evaluating changes nothing in it.

    Attributes:
        text: the jq text, without `${ }`.
        variables: names of the variables it must be given, without the dollar sign.
    """

    __slots__ = ("_code", "text", "variables")

    def __init__(self, text: str, code: Code, variables: frozenset[str]) -> None:
        """Use `compile_expression`."""
        self.text = text
        self.variables = variables
        self._code = code

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def evaluate(
        self, value: JsonValue, variables: Mapping[str, JsonValue] | None = None, budget: Budget | None = None
    ) -> JsonValue:
        """The first output; None when there is none.

        Args:
            value: what `.` is; it is never changed, and the result shares no list or object with it.
            variables: by name, without the dollar sign.
            budget: steps and size; the default is for one expression within workflow code.

        Raises:
            ExpressionFault: a jq error that nothing catches, a missing variable, or the budget is used up.
        """
        return self.evaluate_with(Meter(budget or _DEFAULT, variables), value)

    def evaluate_with(self, meter: Meter, value: JsonValue) -> JsonValue:
        """Like `evaluate`, on a meter that several expressions share; its `steps` and `size` say what is left."""
        try:
            single = self._code.one
            env = Env(meter, None, None, 0)
            if single is not None:
                return finished(meter, single(env, value))
            for output in self._code.many(env, value):
                return finished(meter, output)
            return None
        except (Raised, Broken, RecursionError) as error:
            raise _fault(error) from None

    def evaluate_all(
        self, value: JsonValue, variables: Mapping[str, JsonValue] | None = None, budget: Budget | None = None
    ) -> list[JsonValue]:
        """All outputs. Arguments and errors are those of `evaluate`."""
        meter = Meter(budget or _DEFAULT, variables)
        try:
            return list(_counted(meter, self._code.many(Env(meter, None, None, 0), value)))
        except (Raised, Broken, RecursionError) as error:
            raise _fault(error) from None


def _counted(meter: Meter, outputs: Iterator[JsonValue]) -> Iterator[JsonValue]:
    for output in outputs:
        meter.step()
        meter.grow(NODE)
        yield finished(meter, output)


def _fault(error: Exception) -> ExpressionFault:
    if isinstance(error, RecursionError):
        return ExpressionFault(
            "The expression needs more of the call stack than is left here: use reduce or until instead.",
            exhausted=True,
        )
    if not isinstance(error, Raised):
        return ExpressionFault("The expression breaks out of a label it has already left: move the break.")
    if error.own:
        return ExpressionFault("The expression stopped with an error of its own.", value=error.value)
    return ExpressionFault(f"The expression cannot go on: {error.value}.", value=error.value)


def is_expression(value: object) -> bool:
    """Whether it is a text that is an expression from beginning to end: `${ ... }`, with space around it or not."""
    if type(value) is not str:
        return False
    text = value.strip()
    return text.startswith("${") and text.endswith("}")


def inner(text: str) -> str:
    """The jq text within `${ ... }`; any other text is returned as it is."""
    return text.strip()[2:-1].strip() if is_expression(text) else text


@lru_cache(maxsize=1024)
def compile_expression(text: str) -> Expression:
    """Read an expression.

    Args:
        text: jq, bare or within `${ ... }`.

    Raises:
        ExpressionSyntax: it cannot be read, or it asks for something refused; its position counts from the start of
            `text`.
    """
    jq = inner(text)
    compiler = Compiler()
    try:
        code = compiler(parse(jq), ROOT, 0)
    except ExpressionSyntax as error:
        raise ExpressionSyntax(str(error), error.position + max(0, text.find(jq))) from None
    return Expression(jq, code, frozenset(compiler.free))


def fill(
    template: JsonValue,
    value: JsonValue,
    variables: Mapping[str, JsonValue] | None = None,
    budget: Budget | None = None,
) -> JsonValue:
    """A template with each text that is entirely `${ ... }` replaced by its value.

    What an expression gives is data and is never read as an expression again; keys are never expressions. One budget
    is for the whole template.

    Raises:
        ExpressionSyntax: a text of the template is no expression.
        ExpressionFault: see `Expression.evaluate`.
    """
    return _filled(template, value, Meter(budget or _DEFAULT, variables), 0)


def _filled(template: JsonValue, value: JsonValue, meter: Meter, depth: int) -> JsonValue:
    meter.step()
    if depth > DEEPEST_VALUE:
        meter.too_deep()
    if is_expression(template):
        return compile_expression(template).evaluate_with(meter, value)
    if type(template) is dict:
        return {name: _filled(part, value, meter, depth + 1) for name, part in template.items()}
    if type(template) is list:
        return [_filled(part, value, meter, depth + 1) for part in template]
    return template
