"""`surehand dev`: everything on this machine, until somebody stops it."""

from __future__ import annotations

import asyncio
import time

import typer

from runtime.settings.environment import load_settings
from starters.cli import report
from starters.dev import state
from starters.dev.signals import first_of, stop_on_signals
from starters.dev.stack import Stack


async def run_dev(*, accounts: bool = False) -> int:
    """Start, print where everything is, watch over it, stop.

    Args:
        accounts: people sign in to the console at the sandbox's identity provider.

    Returns:
        0 when it was asked to stop, 1 when it could not go on.

    Raises:
        Refused: another one runs in the same data folder.
        NotReachable: something did not come up.
    """
    began = time.monotonic()
    settings = load_settings()
    stop = asyncio.Event()
    with state.only_one(settings.data_dir), stop_on_signals(stop):
        stack = Stack(settings, settings.data_dir, tell=report.note, service=True, accounts=accounts)
        starting = asyncio.create_task(stack.start())
        try:
            await first_of(starting, stop)
            if starting.done():
                _say(starting.result(), stack, time.monotonic() - began)
                problem = asyncio.create_task(stack.failed())
                await first_of(problem, stop)
                if problem.done():
                    report.complain(problem.result())
                    return report.FAILED
                problem.cancel()
            report.note("Stopping; running cases go on at the next start.")
            return report.DONE
        finally:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            await stack.stop()


def _say(dev: state.DevState, stack: Stack, seconds: float) -> None:
    typer.echo(f"Surehand is ready after {seconds:.1f} s.\n")
    rows = [
        ("Temporal web UI", dev.ui_url or "", "every case, step by step"),
        ("Outbox", dev.outbox_url or "", "e-mail, chat and tickets that were sent"),
        ("HTTP service", dev.service_url or "", f"its key is in {stack.key_file}"),
        ("Logs", str(stack.log_dir), ""),
    ]
    report.console().print(report.table(("", "", ""), rows, heading=False))
    # On a line of its own: a table would break it.
    typer.echo("\nThe web console, which this link signs you in to once (`surehand console` makes another):\n")
    typer.echo(f"  {stack.console_link}")
    typer.echo("\nIn another terminal, from the same folder:\n")
    typer.echo("  surehand ticket submit FILE      a ticket as JSON; README.md has one")
    typer.echo("  surehand case list               what is going on")
    typer.echo("  surehand approvals               what waits for a person")
    typer.echo("\nCtrl-C stops everything; running cases go on at the next start.")
