"""What goes wrong with an expression: it cannot be read, or it cannot go on."""

from __future__ import annotations

from domain.errors import InvalidInput, SurehandError
from domain.model import JsonValue


class ExpressionSyntax(InvalidInput):
    """A text that is no expression, or that asks for something refused.

    Attributes:
        position: offset in characters, from the start of the text that was given.
    """

    def __init__(self, message: str, position: int) -> None:
        """Keep the place beside the sentence."""
        super().__init__(message)
        self.position = position


class ExpressionFault(SurehandError):
    """An expression that could not give its result. The text names types, never values: those may be personal.

    Attributes:
        exhausted: it went over its budget of steps, size or depth.
        value: what the expression's own `error(...)` carried, or the text of a jq error; may hold data.
    """

    def __init__(self, message: str, *, exhausted: bool = False, value: JsonValue = None) -> None:
        """Keep the reason beside the sentence."""
        super().__init__(message)
        self.exhausted = exhausted
        self.value = value


class Raised(Exception):
    """A jq error on its way to `try`; never leaves this package."""

    def __init__(self, value: JsonValue, *, own: bool = False) -> None:
        """Keep the value `catch` will see; `own` when `error` raised it."""
        super().__init__()
        self.value = value
        self.own = own


class Broken(Exception):
    """A `break` on its way to its `label`; never leaves this package."""

    def __init__(self, label: object) -> None:
        """Keep which label it belongs to."""
        super().__init__()
        self.label = label
