"""Live pages: one stream of events that says "changed", and no more; the page then loads itself anew."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from starlette.responses import Response, StreamingResponse

from domain.errors import SurehandError
from starters.answers import PATIENCE, answered_within
from starters.case_list import CaseFilter
from starters.console.web.pages import Ask
from starters.service.contract.naming import case_named
from starters.service.http.errors import Problem, unknown_case

LOOKS_EVERY_SECONDS = 2.0
_LASTS_SECONDS = 240.0
"""A stream ends then; the browser opens the next, and whoever was signed out meanwhile gets none."""
_MOST_STREAMS = 100
_NEWEST = 100

Look = Callable[[], Awaitable[str]]
_open: set[object] = set()


async def stream(ask: Ask) -> Response:
    """Events about the inbox, the list of cases, or one case."""
    look = await _look_for(ask, ask.request.path_params["of"])
    if len(_open) >= _MOST_STREAMS:
        raise Problem(503, "UNAVAILABLE", "Too many pages are open: this one does not change by itself.")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(ask, look), headers=headers, media_type="text/event-stream")


async def _look_for(ask: Ask, of: str) -> Look:
    if of in ("inbox", "cases"):
        return lambda: _of_list(ask)
    kind, _, name = of.partition("/")
    if kind != "case":
        raise unknown_case()
    workflow_id = case_named(ask.visitor.principal, name)

    async def look() -> str:
        return await _of_case(ask, workflow_id)

    await look()
    return look


async def _events(ask: Ask, look: Look) -> AsyncIterator[str]:
    mark, before, ends = object(), "", time.monotonic() + _LASTS_SECONDS
    _open.add(mark)
    try:
        yield "retry: 3000\n: open\n\n"
        while time.monotonic() < ends and not ask.services.leaving.is_set():
            try:
                seen = await look()
            except (SurehandError, RuntimeError):
                seen = before
            yield "event: changed\ndata: 1\n\n" if before and seen != before else ": still\n\n"
            before = seen
            await _pause(ask)
    finally:
        _open.discard(mark)


async def _pause(ask: Ask) -> None:
    try:
        await asyncio.wait_for(ask.services.leaving.wait(), LOOKS_EVERY_SECONDS)
    except TimeoutError:
        return


async def _of_list(ask: Ask) -> str:
    query = CaseFilter(tenant=ask.tenant).query()
    found = hashlib.sha256()
    async with answered_within(PATIENCE):
        async for one in ask.services.client.list_workflows(query, limit=_NEWEST):
            attributes = sorted((key.name, str(value)) for key, value in one.typed_search_attributes)
            found.update(f"{one.id}\n{one.status}\n{attributes}\n".encode())
    return found.hexdigest()


async def _of_case(ask: Ask, workflow_id: str) -> str:
    async with answered_within(PATIENCE):
        seen = await ask.services.cases.handle(ask.tenant, workflow_id).describe()
    return f"{seen.run_id} {seen.status} {seen.history_length}"
