"""`surehand webhook`: systems outside that are told of cases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from starters.cli import report
from starters.cli.options import AsOption, JsonOption, TenantOption

if TYPE_CHECKING:
    from starters.webhooks import EndpointRow, WebhookDesk

NameArgument = Annotated[
    str, typer.Argument(metavar="ENDPOINT", help="Its name in subscriptions.yaml.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(help="Systems outside that are told of cases.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("test")(try_out)
    group.command("replay")(replay)
    group.command("enable")(enable)
    group.command("disable")(disable)
    app.add_typer(group, name="webhook")


@report.command
async def list_(tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List endpoints, and how each fares."""
    async with _desk(tenant, acts=False) as desk:
        rows = await desk.endpoints()
    if as_json:
        report.put_json(rows)
        return
    if not rows:
        report.note("Nobody is told: name an endpoint in subscriptions.yaml (see docs/webhooks.md).")
        return
    columns = ("endpoint", "host", "status", "waiting", "delivered", "given up", "last")
    lines = [
        [
            row.name,
            row.host,
            row.status.label,
            str(row.waiting),
            str(row.delivered),
            str(row.given_up),
            row.health.last_outcome or "",
        ]
        for row in rows
    ]
    report.put_table(columns, lines, expendable=("delivered", "given up", "last"))


@report.command
async def show(
    name: NameArgument,
    status: Annotated[str | None, typer.Option(help="Only those that are waiting, delivered or given_up.")] = None,
    limit: Annotated[int, typer.Option(help="The most events to show.", min=1, max=500)] = 20,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show an endpoint and what it was told last."""
    from starters.cli.words import ago  # noqa: PLC0415 - keeps `surehand --help` fast

    async with _desk(tenant, acts=False) as desk:
        endpoint = await desk.endpoint(name)
        found, total = await desk.deliveries(name, status=status, limit=limit)
    if as_json:
        told = [one.model_dump(mode="json", exclude={"number"}) for one in found]
        report.put_json({"endpoint": endpoint.model_dump(mode="json"), "deliveries": told, "total": total})
        return
    _put_health(endpoint)
    if not found:
        report.note("It was told nothing yet.")
        return
    rows = [
        [one.event_id, one.kind, one.status.label, str(one.attempts), one.outcome or "", ago(one.created_at)]
        for one in found
    ]
    report.put_table(("event", "type", "status", "tries", "last", "when"), rows, expendable=("tries", "when"))


@report.command
async def try_out(name: NameArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Send an endpoint an event that says only that the way is open."""
    async with _desk(tenant) as desk:
        event_id = await desk.trial(name)
    if as_json:
        report.put_json({"endpoint": name, "event_id": event_id})
    else:
        typer.echo(f"{event_id} is on its way: see `surehand webhook show {name}`.")


@report.command
async def replay(
    name: NameArgument,
    event: Annotated[str | None, typer.Option("--event", metavar="ID", help="This event.")] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All of changes since then, in UTC.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"])
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send again what was sent or left out, under its own id."""
    from datetime import UTC  # noqa: PLC0415

    moment = since.replace(tzinfo=UTC) if since is not None else None
    async with _desk(tenant) as desk:
        count = await desk.replay(name, event_id=event, since=moment)
    if as_json:
        report.put_json({"endpoint": name, "replayed": count})
    else:
        typer.echo(f"{count} events are sent again." if count else "There is nothing to send again.")


@report.command
async def enable(name: NameArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Tell an endpoint again, first of all what waits for it."""
    async with _desk(tenant) as desk:
        await desk.enable(name)
        endpoint = await desk.endpoint(name)
    if as_json:
        report.put_json(endpoint)
    else:
        typer.echo(f"{name} is enabled; {endpoint.waiting} events wait for it.")


@report.command
async def disable(
    name: NameArgument,
    who: AsOption,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell an endpoint nothing more; what it is not told waits."""
    from starters.cli.session import find_person  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415

    async with _desk(tenant, acts=False) as desk:
        person = find_person(find_settings(), desk.tenant, who)
        await desk.disable(name, by=person.person_id, why=reason)
        endpoint = await desk.endpoint(name)
    if as_json:
        report.put_json(endpoint)
    else:
        typer.echo(f"{name} is disabled by {endpoint.health.disabled_by}: {endpoint.health.why_disabled}")


@asynccontextmanager
async def _desk(tenant: str | None, *, acts: bool = True) -> AsyncIterator[WebhookDesk]:
    """The tenant's endpoints; with a connection to Temporal where a sender is to be woken."""
    from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second
    from runtime.configuration.policies import Configuration  # noqa: PLC0415
    from runtime.temporal.connection import connect  # noqa: PLC0415
    from starters.finding import find_settings, find_tenant  # noqa: PLC0415
    from starters.webhooks import WebhookDesk  # noqa: PLC0415
    from workers.webhook_waking import wake  # noqa: PLC0415

    settings = find_settings()
    owner = find_tenant(settings, tenant)
    client = await connect(settings) if acts else None

    async def wake_sender(of: str, endpoint: str) -> None:
        if client is not None:
            await wake(client, settings.temporal.task_queue, of, endpoint, at_once=True)

    store = await SqlStore.open(settings.store_url)
    try:
        yield WebhookDesk(store.outbox, Configuration.from_settings(settings), owner, wake_sender)
    finally:
        await store.close()


def _put_health(endpoint: EndpointRow) -> None:
    from starters.cli.words import ago  # noqa: PLC0415

    health = endpoint.health
    rows = [
        ["endpoint", endpoint.name],
        ["host", endpoint.host],
        ["events", ", ".join(endpoint.events)],
        ["status", endpoint.status.label],
        ["waiting", str(endpoint.waiting)],
    ]
    times = (("last taken", health.last_success_at), ("failing since", health.failing_since))
    rows += [[what, ago(at)] for what, at in times if at is not None]
    if health.disabled_at is not None:
        rows.append(["disabled", f"{ago(health.disabled_at)} by {health.disabled_by}: {health.why_disabled}"])
    report.put_table(("field", "value"), rows, wrap=80)
