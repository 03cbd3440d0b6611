"""One world for all tests of the folder: a ticket went through it, with things in it that nobody may see."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.observability.observed_world import ObservedWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObservedWorld]:
    with ObservedWorld(tmp_path_factory.mktemp("observed")) as running:
        yield running
