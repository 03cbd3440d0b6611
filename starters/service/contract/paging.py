"""Lists in pieces: `limit`, `offset`, and how many there are in all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeVar

from fastapi import Query
from pydantic import BaseModel, ConfigDict

from starters.case_pages import MOST

ItemT = TypeVar("ItemT")
MOST_AT_ONCE = 200

Limit = Annotated[int, Query(ge=1, le=MOST_AT_ONCE, description="The most to give.")]
Offset = Annotated[int, Query(ge=0, le=MOST - MOST_AT_ONCE, description="How many come before.")]
SortOrder = Annotated[Literal["asc", "desc"], Query()]


class Page(BaseModel):
    """A part of a list; the part itself is beside these."""

    model_config = ConfigDict(extra="forbid")

    total: int
    limit: int
    offset: int
    has_more: bool


def cut(items: Sequence[ItemT], limit: int, offset: int) -> tuple[list[ItemT], dict[str, int | bool]]:
    """A part of a whole list, and the fields of its page."""
    part = list(items[offset : offset + limit])
    return part, numbers(len(items), limit, offset, len(part))


def numbers(total: int, limit: int, offset: int, given: int) -> dict[str, int | bool]:
    """The fields of a page."""
    return {"total": total, "limit": limit, "offset": offset, "has_more": offset + given < total}
