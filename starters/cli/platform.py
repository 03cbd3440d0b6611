"""`surehand dev`, `demo`, `worker`, `setup`, `doctor`: run Surehand, prepare it, look whether all is well."""

from __future__ import annotations

from typing import Annotated

import typer

from starters.cli import report
from starters.cli.options import JsonOption


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("dev")(dev)
    app.command("demo")(demo)
    app.command("worker")(worker)
    app.command("setup")(setup)
    app.command("doctor")(doctor)


@report.command
async def dev(
    oidc: Annotated[
        bool, typer.Option("--oidc", help="Sign in to the console at a simulated identity provider, to try that out.")
    ] = False,
) -> int:
    """Run everything on this machine until Ctrl-C.

    Temporal with its web UI, a worker, and simulators of the vendors that you did not configure.
    """
    from starters.dev.run import run_dev  # noqa: PLC0415 - keeps `surehand --help` fast

    return await run_dev(accounts=oidc)


@report.command
async def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> int:
    """See sample tickets live their whole lives.

    People are scripted and clocks run fast, so that 72 hours pass in about a minute. Nothing leaves this machine.
    """
    from starters.demo.run import run_demo  # noqa: PLC0415

    return await run_demo(keep=keep, as_json=as_json)


@report.command
async def worker() -> None:
    """Run one worker process until Ctrl-C or SIGTERM.

    Start more of them, on any machine, for more cases.
    """
    import asyncio  # noqa: PLC0415

    from runtime.garbage import settle  # noqa: PLC0415
    from runtime.telemetry.logs import configure_logging  # noqa: PLC0415
    from starters.dev.signals import stop_on_signals  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415
    from workers.worker import run  # noqa: PLC0415

    settings = find_settings()
    configure_logging(settings.log, secrets=settings.secret_values())
    stop = asyncio.Event()
    with stop_on_signals(stop):
        await run(settings, stop=stop, ready=settle)


@report.command
async def setup(
    wait: Annotated[
        float, typer.Option("--wait", metavar="SECONDS", help="Wait this long for the servers.", min=0)
    ] = 60.0,
) -> None:
    """Prepare a cluster and the store; safe to repeat.

    Makes the namespace and its search attributes, migrates the store and fills in the articles.
    """
    from starters.setting_up import set_up  # noqa: PLC0415

    async for sentence in set_up(wait):
        typer.echo(sentence)


@report.command
async def doctor(
    ask_models: Annotated[
        bool, typer.Option("--ask-models", help="Also ask each language model for one token, which costs a little.")
    ] = False,
    as_json: JsonOption = False,
) -> int:
    """Look whether all is here that a case needs.

    Tries what is configured, changes nothing, and says what to do. Ends with 1 if anything is missing.
    """
    from starters.doctoring import examine  # noqa: PLC0415

    results = await examine(ask_models=ask_models)
    if as_json:
        report.put_json(results)
    else:
        rows = [(result.name, result.status.label, result.sentence) for result in results]
        report.put_table(("check", "result", "what"), rows, wrap=20)
    return report.FAILED if any(result.status.value == "missing" for result in results) else report.DONE
