"""What an expression may use: steps, size and depth. Counted, never timed, so a replay stops at the same place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from domain.expressions.errors import ExpressionFault
from domain.model import JsonValue

DEEPEST_CALL = 420
"""Python frames of evaluation. CPython allows 1000 for everything, and a worker's own stack comes first."""
DEEPEST_VALUE = 150
"""Levels of lists and objects inside each other that an expression walks."""
NODE = 16
"""What walking one element costs in size; a character, or an element copied in bulk, costs 1."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one evaluation may use.

    Attributes:
        steps: operations. The default takes about a tenth of a second of CPU when used up.
        size: elements and characters of all values that are built on the way, the result included.
    """

    steps: int = 100_000
    size: int = 3_000_000


class Meter:
    """What is left of a budget during one evaluation."""

    __slots__ = ("size", "steps", "variables")

    def __init__(self, budget: Budget, variables: Mapping[str, JsonValue] | None = None) -> None:
        """Start with all of it; `variables` are what the expression is given by name."""
        self.steps = budget.steps
        self.size = budget.size
        self.variables: Mapping[str, JsonValue] = variables or {}

    def step(self, count: int = 1) -> None:
        """Use steps.

        Raises:
            ExpressionFault: none are left.
        """
        self.steps -= count
        if self.steps < 0:
            self.stop()

    def grow(self, count: int) -> None:
        """Use size, in characters and elements.

        Raises:
            ExpressionFault: none is left.
        """
        self.size -= count
        if self.size < 0:
            raise ExpressionFault(
                "The expression builds values larger than its budget allows: make it work on less data.",
                exhausted=True,
            )

    def stop(self) -> NoReturn:
        """Stop: no steps are left."""
        raise ExpressionFault(
            "The expression takes more steps than its budget allows: make it work on less data.", exhausted=True
        )

    def too_deep(self) -> NoReturn:
        """Stop: functions or values are nested too deeply."""
        raise ExpressionFault(
            "The expression nests calls or values too deeply: use reduce, recurse or until instead of recursion.",
            exhausted=True,
        )
