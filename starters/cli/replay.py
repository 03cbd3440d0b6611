"""`surehand replay`: would the installed code carry on the cases that are running? Replays histories to find out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import JsonOption

if TYPE_CHECKING:
    from starters.replaying import Replayed


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("replay")(replay)


@report.command
async def replay(
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILE...]", help="Histories as JSON; folders are searched.")
    ] = None,
    from_server: Annotated[bool, typer.Option("--from-server", help="Replay cases of the server instead.")] = False,
    query: Annotated[
        str, typer.Option(help="Which cases of the server, as a visibility query.")
    ] = "ExecutionStatus = 'Running'",
    limit: Annotated[int, typer.Option(help="The most cases of the server.", min=1)] = 100,
    as_json: JsonOption = False,
) -> int:
    """Replay cases with the installed code.

    Exits with 1 when one could not go on: then do not deploy this code.
    """
    from starters.replaying import replay_files, replay_server  # noqa: PLC0415 - keeps `surehand --help` fast

    if bool(files) == from_server:
        raise InvalidInput("Give files with histories, or --from-server, and not both.")
    results: list[Replayed] = []
    async for result in replay_server(query, limit) if from_server else replay_files(files or []):
        results.append(result)
        if not as_json:
            typer.echo(f"{'ok    ' if result.ok else 'failed'}  {result.name}  ({result.events} events)")
            if result.problem:
                typer.echo(f"        {result.problem}")
    if as_json:
        report.put_json(results)
    failed = sum(not result.ok for result in results)
    report.note(f"{len(results)} replayed, {failed} failed.")
    return report.FAILED if failed else report.DONE
