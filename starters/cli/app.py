"""The tree of commands."""

from __future__ import annotations

from typing import Annotated

import typer

from starters.cli import (
    approvals,
    case,
    console,
    evaluation,
    incident,
    knowledge,
    mcp,
    people,
    platform,
    playbook,
    replay,
    serving,
    signing,
    ticket,
    tool,
    triage,
    webhook,
)

app = typer.Typer(
    name="surehand",
    help="Runs customer-support escalations as durable cases that drop nothing.",
    no_args_is_help=True,
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - only here

        typer.echo(f"surehand {version('surehand')}")
        raise typer.Exit


@app.callback()
def surehand(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Runs customer-support escalations as durable cases that drop nothing."""


platform.add_to(app)
triage.add_to(app)
ticket.add_to(app)
case.add_to(app)
incident.add_to(app)
approvals.add_to(app)
playbook.add_to(app)
tool.add_to(app)
knowledge.add_to(app)
mcp.add_to(app)
people.add_to(app)
serving.add_to(app)
signing.add_to(app)
console.add_to(app)
webhook.add_to(app)
replay.add_to(app)
evaluation.add_to(app)
