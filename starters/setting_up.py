"""`surehand setup`: a namespace, search attributes, a migrated store, articles. Waits for servers that still start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from domain.errors import NotReachable
from integrations.store.knowledge.seeding import seed_articles
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from runtime.telemetry.logs import keep_output_clean
from runtime.temporal.cluster_setup import prepare
from runtime.temporal.connection import connect
from starters.finding import find_settings

ResultT = TypeVar("ResultT")

_ASK_EVERY_SECONDS = 1.0


async def set_up(wait_seconds: float) -> AsyncIterator[str]:
    """Prepare everything; safe to repeat and to run twice at once.

    Args:
        wait_seconds: for servers that do not answer yet.

    Yields:
        A sentence for each thing done.

    Raises:
        ConfigurationProblem: settings or configuration cannot be used.
        NotReachable: a server did not answer in time.
    """
    settings = find_settings()
    keep_output_clean(settings)
    configuration = Configuration.from_settings(settings)
    deadline = asyncio.get_running_loop().time() + wait_seconds
    client = await _when_reachable(lambda: connect(settings), deadline)
    made = await prepare(client)
    for sentence in made or ["Temporal was prepared already."]:
        yield sentence
    store = await _when_reachable(lambda: SqlStore.open(settings.store_url), deadline)
    try:
        yield "The store is up to date."
        for tenant in configuration.tenants:
            new = await seed_articles(store.knowledge, tenant, SHIPPED_CONFIG / "knowledge")
            yield f"{new} new or changed articles for tenant {tenant}."
    finally:
        await store.close()


async def _when_reachable(act: Callable[[], Awaitable[ResultT]], deadline: float) -> ResultT:
    while True:
        try:
            return await act()
        except NotReachable:
            if asyncio.get_running_loop().time() >= deadline:
                raise
            await asyncio.sleep(_ASK_EVERY_SECONDS)
