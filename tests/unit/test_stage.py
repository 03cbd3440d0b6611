"""The demo's people do one thing after the other, and once more what helped nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from domain.cases.state import CaseState
from starters.cases import Cases
from starters.demo.acts import Act, Turn
from starters.demo.stage import Stage

LONG_AGO = datetime(2026, 3, 2, tzinfo=UTC)


@dataclass
class Shown:
    """What of a case these acts look at."""

    waits_for: str
    closed: bool = False
    withdrawn: bool = False


class Does(Act[Any]):
    def __init__(self, name: str, *, may_repeat: bool = False) -> None:
        self.name = name
        self.may_repeat = may_repeat  # type: ignore[misc]

    def since(self, state: Any) -> datetime | None:
        return LONG_AGO if state.waits_for == self.name else None

    async def perform(self, turn: Turn[Any]) -> None: ...

    @property
    def words(self) -> str:
        return self.name


@dataclass
class Played:
    shown: list[Shown]
    script: Sequence[Act[Any]]
    name: str = "one"
    state: CaseState | None = None
    result: Any = None
    acted: int = 0
    problem: str = ""
    acts: list[str] = field(default_factory=list)

    async def look(self, cases: Cases, tenant: str) -> CaseState:
        self.state = cast("CaseState", self.shown.pop(0))
        return self.state

    async def conclude(self, cases: Cases, tenant: str, task_queue: str) -> None:
        self.result = "ended"

    def acting(self, act: Act[Any]) -> None:
        self.acts.append(act.words)


async def played(waits_for: str, *script: Act[Any]) -> list[str]:
    shown = [*(Shown(name) for name in waits_for.split()), Shown("", closed=True)]
    part = Played(shown, script)
    stage = Stage(cast("Cases", None), "default", task_queue="test", tell=lambda words: None)
    await stage.play([part], within=timedelta(seconds=20))
    assert part.result == "ended"
    return part.acts


@pytest.mark.parametrize(
    ("waits_for", "acts"),
    [
        ("release nothing settle", ["release", "settle"]),
        ("release release settle", ["release", "release", "settle"]),
        ("release settle release", ["release", "settle"]),
        ("settle release", ["release"]),
    ],
)
async def test_an_act_is_repeated_while_its_case_waits_for_it_again(waits_for: str, acts: list[str]) -> None:
    assert await played(waits_for, Does("release", may_repeat=True), Does("settle")) == acts


async def test_an_act_that_may_not_be_repeated_is_done_once() -> None:
    assert await played("claim claim", Does("claim")) == ["claim"]
