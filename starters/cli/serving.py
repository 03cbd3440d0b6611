"""`surehand serve` and `surehand key`: the HTTP service, and the keys that programs bring to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.identity.principals import ApiKey
    from integrations.store.store import SqlStore
    from runtime.settings.environment import Settings


def add_to(app: typer.Typer) -> None:
    """Register the command and the group."""
    app.command("serve")(serve)
    group = typer.Typer(help="Keys of programs that use the HTTP service.", no_args_is_help=True, rich_markup_mode=None)
    group.command("make")(make)
    group.command("list")(list_)
    group.command("revoke")(revoke)
    app.add_typer(group, name="key")


@report.command
async def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; the settings' one when not given.")] = None,
    port: Annotated[int | None, typer.Option(help="Port; the settings' one when not given.", min=1, max=65535)] = None,
) -> None:
    """Serve cases, approvals and playbooks over HTTP until Ctrl-C or SIGTERM.

    It keeps nothing of its own: start more of them, on any machine, beside the same Temporal and store.
    """
    import asyncio  # noqa: PLC0415 - keeps `surehand --help` fast

    from runtime.garbage import settle  # noqa: PLC0415
    from runtime.telemetry.logs import configure_logging  # noqa: PLC0415
    from starters.dev.signals import stop_on_signals  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.service.services import Services  # noqa: PLC0415
    from starters.service.serving import serve as run  # noqa: PLC0415

    settings = find_settings()
    configure_logging(settings.log, secrets=settings.secret_values())
    stop, where = asyncio.Event(), host or settings.service.host

    async def ready(services: Services, bound: int) -> None:
        settle()
        shown = f"[{where}]" if ":" in where else where
        report.note(f"Serving on http://{shown}:{bound}; Ctrl-C stops it.")

    with stop_on_signals(stop):
        await run(settings, host=where, port=port or settings.service.port, stop=stop, ready=ready)


@report.command
async def make(
    *,
    name: Annotated[str, typer.Option(help="Which program gets it.", show_default=False)],
    role: Annotated[
        list[str],
        typer.Option(help="viewer, agent, approver, operator or admin; may be repeated.", show_default=False),
    ],
    who: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Whom it acts as, to claim and to decide.")
    ] = None,
    days: Annotated[int | None, typer.Option(help="Days until it runs out; never when not given.", min=1)] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a key. It is shown once, and nobody can show it again."""
    from datetime import UTC, datetime, timedelta  # noqa: PLC0415

    from domain.identity.principals import Role  # noqa: PLC0415
    from runtime.configuration.policies import Configuration  # noqa: PLC0415
    from starters.cli.session import find_person  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.service.access import keys  # noqa: PLC0415

    unknown = sorted(set(role) - set(Role))
    if unknown:
        raise InvalidInput(f"There is no role {unknown[0]!r}: use {', '.join(Role)}.")
    if not 1 <= len(name.strip()) <= 100 or not name.isprintable():
        raise InvalidInput("A name has 1 to 100 characters that can be printed: correct it.")
    settings = find_settings()
    owner = tenant or settings.tenant
    Configuration.from_settings(settings).policy_for(owner)
    person = find_person(settings, owner, who).person_id if who is not None else None
    async with _store(settings) as store:
        key, text = await keys.make(
            store.keys,
            tenant=owner,
            name=name.strip(),
            roles=[Role(one) for one in role],
            now=datetime.now(UTC),
            person_id=person,
            lives=timedelta(days=days) if days is not None else None,
        )
    if as_json:
        report.put_json({**_shown(key), "key": text})
        return
    report.note(f"Key {key.key_id} of tenant {owner}; it is shown this once. Send it as `Authorization: Bearer KEY`.")
    typer.echo(text)


@report.command
async def list_(tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List keys, without their secrets."""
    from starters.cli.words import ago  # noqa: PLC0415
    from starters.finding import find_settings, find_tenant  # noqa: PLC0415

    settings = find_settings()
    owner = find_tenant(settings, tenant)
    async with _store(settings) as store:
        found = await store.keys.list(owner)
    if as_json:
        report.put_json([_shown(key) for key in found])
        return
    if not found:
        report.note("There is no key: make one with `surehand key make`.")
        return
    rows = [
        [
            key.key_id,
            key.name,
            ", ".join(role.value for role in key.roles),
            key.person_id or "",
            ago(key.created_at),
            "revoked" if key.revoked_at else ago(key.expires_at),
        ]
        for key in found
    ]
    report.put_table(("key", "name", "roles", "acts as", "made", "ends"), rows, expendable=("made",))


@report.command
async def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `key list` shows it.", show_default=False)],
) -> None:
    """Take a key out of force, at once and for good."""
    from datetime import UTC, datetime  # noqa: PLC0415

    from starters.finding import find_settings  # noqa: PLC0415

    async with _store(find_settings()) as store:
        known = await store.keys.revoke(key_id.strip(), datetime.now(UTC))
    if not known:
        raise InvalidInput("There is no key of that id: see `surehand key list`.")
    typer.echo(f"Key {key_id} is revoked.")


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[SqlStore]:
    from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second

    store = await SqlStore.open(settings.store_url)
    try:
        yield store
    finally:
        await store.close()


def _shown(key: ApiKey) -> dict[str, Any]:
    return key.model_dump(mode="json", exclude={"digest"})
