"""The web console beside the demo: started once the cases are on their way, so that they do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from domain.errors import NotReachable
from starters.dev.stack import Stack


@asynccontextmanager
async def console_beside(
    stack: Stack, say: Callable[[str], None], *, under_way: asyncio.Event, keep: bool
) -> AsyncIterator[None]:
    """Serve the console while the demo plays, and say where.

    Args:
        stack: runs already, without it.
        say: is told the link, or that there is none.
        under_way: set once people do something; until then every core has enough to do.
        keep: the demo stays, so the console is waited for.
    """

    async def serve() -> None:
        await under_way.wait()
        try:
            await stack.serve()
        except NotReachable as problem:
            say(str(problem))
        else:
            until = "" if keep else " until the demo ends"
            say(f"The web console, signed in once by this link{until}: {stack.console_link}")

    serving = asyncio.create_task(serve())
    try:
        yield
        if keep:
            under_way.set()
            await serving
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def new_link(stack: Stack) -> str:
    """Another link: the first one may have been used, or be old."""
    from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second, when there is time
    from starters.console.sign_in.links import local_link  # noqa: PLC0415

    base = (stack.state.service_url if stack.state is not None else None) or ""
    store = await SqlStore.open(stack.settings.store_url)
    try:
        return await local_link(store, stack.key_file, base)
    finally:
        await store.close()
