"""`surehand mcp`: cases, incidents and playbooks for MCP clients."""

from __future__ import annotations

from typing import Annotated

import typer

from starters.cli import report
from starters.cli.options import TenantOption

TOKEN_SECRET = "mcp_server"  # noqa: S105 - the name of a secret
"""`SUREHAND_SECRETS__MCP_SERVER` is the token that HTTP clients bring."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("mcp")(mcp)


@report.command
async def mcp(
    http: Annotated[
        int | None,
        typer.Option("--http", metavar="PORT", help="Serve HTTP on this port of loopback.", min=1, max=65535),
    ] = None,
    allow_start: Annotated[
        bool, typer.Option("--allow-start", help="Let clients start playbooks and open incidents.")
    ] = False,
    tenant: TenantOption = None,
) -> None:
    """Serve cases, incidents and playbooks to MCP clients, over standard input and output or HTTP.

    Clients read; with --allow-start they also start playbooks, in which everything dangerous still asks people, and
    open incidents from tickets.
    """
    import secrets  # noqa: PLC0415 - keeps `surehand --help` fast

    from pydantic import SecretStr  # noqa: PLC0415

    from integrations.playbooks.library import FolderLibrary  # noqa: PLC0415
    from runtime.telemetry.logs import configure_logging  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415
    from starters.mcp.desk import Desk  # noqa: PLC0415
    from starters.mcp.server import build_server  # noqa: PLC0415
    from starters.mcp.serving import HOST, PATH, serve_http  # noqa: PLC0415
    from starters.playbooks import Playbooks  # noqa: PLC0415
    from starters.service.http.listening import listen  # noqa: PLC0415

    async with open_session(tenant) as session:
        settings = session.settings
        # To standard error: standard output carries the protocol and nothing else.
        configure_logging(settings.log, secrets=settings.secret_values())
        desk = Desk(
            session.cases,
            Playbooks(session.cases.client, task_queue=settings.temporal.task_queue, tenants=session.tenants),
            FolderLibrary(settings.playbooks.folder),
            tenant=session.tenant,
            open_store=session.existing_store,
            may_start=allow_start,
        )
        server = build_server(desk)
        if http is None:
            await server.run_stdio_async()
            return
        token = settings.secrets.get(TOKEN_SECRET)
        listening = listen(HOST, http, advice="stop what has it, or choose another with --http")
        report.note(f"Serving tenant {session.tenant} on http://{HOST}:{http}{PATH}; Ctrl-C stops it.")
        if token is None:
            token = SecretStr(secrets.token_urlsafe(32))
            report.note(f"Clients bring this token, until the server stops: {token.get_secret_value()}")
        await serve_http(server, listening, token)
