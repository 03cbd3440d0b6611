from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.playbooks.world import PlaybooksWorld, playbooks_world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PlaybooksWorld]:
    """The world of a module; use `world`."""
    async with playbooks_world(tmp_path_factory.mktemp("playbooks")) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def world(running: PlaybooksWorld) -> AsyncIterator[PlaybooksWorld]:
    """The module's world, with nothing left of earlier tests."""
    await running.begin_anew()
    yield running
