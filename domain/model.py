"""The base of every value in Surehand: immutable, closed against unknown fields, JSON at heart."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

JsonValue = Any
"""Anything JSON can hold. Typed loosely on purpose: it is data from outside and never interpreted."""


class Value(BaseModel):
    """A frozen value. Unknown fields are refused, so a misspelt key is an error and never silently dropped."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class State(BaseModel):
    """A workflow's own, changing state. It survives continue-as-new, so everything in it must be JSON."""

    model_config = ConfigDict(extra="forbid", validate_assignment=False)


class Term(StrEnum):
    """A word of the vocabulary. Its value is what people, search attributes and JSON see."""

    @property
    def label(self) -> str:
        """The word as a person reads it: `bug_report` -> `bug report`."""
        return self.value.replace("_", " ")
