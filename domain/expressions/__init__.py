"""Runtime expressions: a deterministic part of jq, evaluated in workflow code under a budget.

No clock, no environment, no input or modules, no files; each step costs, so a runaway expression is stopped at the same
place in every replay and never blocks a worker.
"""

from domain.expressions.budget import Budget
from domain.expressions.errors import ExpressionFault, ExpressionSyntax
from domain.expressions.expression import Expression, compile_expression, fill, inner, is_expression

__all__ = [
    "Budget",
    "Expression",
    "ExpressionFault",
    "ExpressionSyntax",
    "compile_expression",
    "fill",
    "inner",
    "is_expression",
]
