"""`surehand case watch`: a case as it happens."""

from __future__ import annotations

import asyncio
import json

import typer
from rich.live import Live

from domain.cases.state import CaseState
from domain.cases.timeline import TimelineEntry
from domain.ids import workflow_id_for
from starters.cases import Cases
from starters.cli import report
from starters.cli.case_view import page
from starters.cli.words import clock, harmless

_LOOK_EVERY_SECONDS = 1.0


async def follow(cases: Cases, tenant: str, case: str, *, as_json: bool) -> None:
    """Show a case until it ends: a live page at a terminal, else a line for everything that happens.

    Raises:
        UnknownCase: there is no such case.
        NotReachable: no worker answers.
    """
    out = report.console()
    if as_json or not out.is_terminal:
        await _lines(cases, tenant, case, as_json=as_json)
        return
    workflow_id = workflow_id_for(tenant, case)
    state = await cases.state(tenant, case)
    first = page(workflow_id, state, await cases.under_way(tenant, case))
    with Live(first, console=out, auto_refresh=False, vertical_overflow="visible") as live:
        while not _is_over(state):
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            state = await cases.state(tenant, case)
            live.update(page(workflow_id, state, await cases.under_way(tenant, case)), refresh=True)


async def _lines(cases: Cases, tenant: str, case: str, *, as_json: bool) -> None:
    shown = 0
    while True:
        state = await cases.state(tenant, case)
        for entry in state.timeline:
            if entry.number >= shown:
                _put(entry, as_json=as_json)
                shown = entry.number + 1
        if _is_over(state):
            return
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _put(entry: TimelineEntry, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(entry.model_dump(mode="json"), ensure_ascii=False))
    else:
        typer.echo(harmless(f"{clock(entry.at)}  {entry.actor:10}  {entry.text}"))


def _is_over(state: CaseState) -> bool:
    return state.closed or state.withdrawn
