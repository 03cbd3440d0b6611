"""Going through the words of an expression."""

from __future__ import annotations

from typing import NoReturn

from domain.expressions.errors import ExpressionSyntax
from domain.expressions.lexer import Word

_DEEPEST = 45
"""Parentheses, brackets and keywords within each other: each takes several Python frames here."""


class Reader:
    """Goes through words one by one, and keeps count of the nesting."""

    def __init__(self, words: tuple[Word, ...], depth: int = 0) -> None:
        """Start at the first word, `depth` levels into other expressions."""
        self._words = list(words)
        self._next = 0
        self._depth = depth

    @property
    def _word(self) -> Word:
        return self._words[self._next]

    def _is(self, value: str) -> bool:
        word = self._word
        return word.value == value and word.kind in ("symbol", "name")

    def _take(self, value: str) -> bool:
        if self._is(value):
            self._next += 1
            return True
        return False

    def _need(self, value: str) -> None:
        if not self._take(value):
            self._refuse(f"a “{value}” is missing")

    def _refuse(self, what: str) -> NoReturn:
        word = self._word
        seen = "the end" if word.kind == "end" else f"position {word.at}"
        raise ExpressionSyntax(f"The expression cannot be read at {seen}: {what}.", word.at)

    def _advance(self) -> Word:
        word = self._word
        self._next += 1
        return word

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionSyntax("The expression is nested too deeply: name its parts with “as”.", self._word.at)
