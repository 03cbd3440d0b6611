"""One service for all tests of a process, and clients with everybody's keys."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.service.service_world import ServiceWorld
from tests.service.slack_world import SlackWorld


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    with ServiceWorld(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def http(world: ServiceWorld) -> Iterator[httpx.Client]:
    """An admin of tenant `default` who is a person of the directory."""
    with world.client() as client:
        yield client


@pytest.fixture(scope="session")
def slack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlackWorld]:
    """One service with a sandbox around it, which sends it what vendors send."""
    with SlackWorld(tmp_path_factory.mktemp("slack")) as running:
        yield running


@pytest.fixture
def wire(slack: SlackWorld) -> Iterator[httpx.Client]:
    """To that service, with nobody's key."""
    with slack.client(None) as client:
        yield client
