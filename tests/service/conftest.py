"""One service for all tests of a process, and clients with everybody's keys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.service.service_world import ServiceWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    with ServiceWorld(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def http(world: ServiceWorld) -> Iterator[httpx.Client]:
    """An admin of tenant `default` who is a person of the directory."""
    with world.client() as client:
        yield client
