"""The functions of playbooks on real clients: models, mail, chat and sinks over loopback."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from temporalio.testing import ActivityEnvironment

from activities.playbook_functions import PlaybookFunctions
from integrations.llm.no_model import NoModel
from integrations.mail import SmtpMailer
from integrations.rendering import Templates
from integrations.slack.channel import SlackChat
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from tests.model_world import ModelServer, close_chains
from tests.vendor_world import MemoryLedger, Outside, outside

TEMPLATES = SHIPPED_CONFIG.parent / "templates"


@pytest.fixture(scope="module")
def model_server() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
async def server(model_server: ModelServer) -> AsyncIterator[ModelServer]:
    model_server.reset()
    yield model_server
    await close_chains()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def ledger() -> MemoryLedger:
    return MemoryLedger()


@pytest.fixture
def within() -> ActivityEnvironment:
    """An activity's surroundings, as a worker gives them."""
    environment = ActivityEnvironment()
    environment.info = dataclasses.replace(
        environment.info, start_to_close_timeout=timedelta(seconds=60), started_time=datetime.now(UTC), attempt=2
    )
    return environment


def functions(**clients: Any) -> PlaybookFunctions:
    configuration = Configuration((SHIPPED_CONFIG,))
    given: dict[str, Any] = {"model": NoModel(), "mailer": None, "chat": None, "publisher": None, **clients}
    return PlaybookFunctions(renderer=Templates(TEMPLATES), directory=configuration, policies=configuration, **given)


def mailer(world: Outside, ledger: MemoryLedger) -> SmtpMailer:
    return SmtpMailer(
        host="127.0.0.1",
        port=world.state["smtp"]["port"],
        security="none",
        sender="support@example.com",
        sender_name="Customer Support",
        ledger=ledger,
        timeout_seconds=2,
    )


def chat(world: Outside, ledger: MemoryLedger) -> SlackChat:
    return SlackChat(token=SecretStr("xoxb-test"), base_url=world.url("slack"), ledger=ledger, timeout_seconds=2)
