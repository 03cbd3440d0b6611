"""`surehand console`: a link into the web console."""

from __future__ import annotations

from typing import Annotated

import typer

from starters.cli import report


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("console")(console)


@report.command
async def console(
    show: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
) -> None:
    """Print a link that signs you in to the web console.

    It works once, for fifteen minutes, with the key of the local operator that `surehand dev` keeps in its data folder.
    """
    import webbrowser  # noqa: PLC0415 - keeps `surehand --help` fast

    from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second
    from starters.console.links import local_link  # noqa: PLC0415
    from starters.dev import state  # noqa: PLC0415
    from starters.dev.service import KEY_FILE  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415

    settings = find_settings()
    running = state.running(settings.data_dir)
    base = running.service_url if running is not None and running.service_url else None
    store = await SqlStore.open(settings.store_url)
    try:
        link = await local_link(
            store, settings.data_dir / KEY_FILE, base or f"http://{settings.service.host}:{settings.service.port}"
        )
    finally:
        await store.close()
    typer.echo(link)
    if show:
        webbrowser.open(link)
