"""One world for all tests of the folder, and one ticket that went through it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.observability.observed_ticket import send
from tests.observability.observed_world import ObservedWorld, Span


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedWorld]:
    with ObservedWorld(tmp_path_factory.mktemp("observed")) as running:
        yield running


@pytest.fixture(scope="session")
def spans(world: ObservedWorld) -> list[Span]:
    """Those of the ticket."""
    return send(world)
