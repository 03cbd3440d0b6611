"""`surehand console`: a link into the web console, and passwords for it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import AsOption, TenantOption

if TYPE_CHECKING:
    from runtime.settings.environment import Settings

_USUAL_ROLES = ("agent", "approver")


def add_to(app: typer.Typer) -> None:
    """Register the group. By itself it prints a link."""
    group = typer.Typer(rich_markup_mode=None)
    group.callback(invoke_without_command=True)(console)
    group.command("password")(password)
    app.add_typer(group, name="console")


def console(
    context: typer.Context,
    show: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
) -> None:
    """Print a link that signs you in to the web console, or see the command below.

    It works once, for fifteen minutes, with the key of the local operator that `surehand dev` keeps in its data folder.
    """
    # A command ends the program, so the group itself must be none.
    if context.invoked_subcommand is None:
        link(show)


@report.command
async def link(show: bool) -> None:
    """Print the link.

    Args:
        show: open it too.
    """
    import webbrowser  # noqa: PLC0415 - keeps `surehand --help` fast

    from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second
    from starters.console.sign_in.links import local_link  # noqa: PLC0415
    from starters.dev import state  # noqa: PLC0415
    from starters.dev.service import KEY_FILE  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415

    settings = find_settings()
    running = state.running(settings.data_dir)
    base = running.service_url if running is not None and running.service_url else None
    store = await SqlStore.open(settings.store_url)
    try:
        made = await local_link(
            store, settings.data_dir / KEY_FILE, base or f"http://{settings.service.host}:{settings.service.port}"
        )
    finally:
        await store.close()
    typer.echo(made)
    if show:
        webbrowser.open(made)


@report.command
async def password(
    who: AsOption,
    role: Annotated[
        list[str] | None,
        typer.Option(
            help=f"What they may do: viewer, agent, approver, operator, admin; {' and '.join(_USUAL_ROLES)} when not "
            "given; may be repeated.",
            show_default=False,
        ),
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away, and sign them out.")] = False,
    tenant: TenantOption = None,
) -> None:
    """Give somebody a password for the web console, or take it away.

    It is asked for twice, or read as one line from standard input. Whoever is signed in as them is signed out.
    """
    from datetime import UTC, datetime  # noqa: PLC0415

    from domain.identity.principals import Role  # noqa: PLC0415
    from integrations.store.store import SqlStore  # noqa: PLC0415
    from starters.cli.session import find_person  # noqa: PLC0415
    from starters.console.sign_in import passwords  # noqa: PLC0415
    from starters.finding import find_settings, find_tenant  # noqa: PLC0415

    roles = role or list(_USUAL_ROLES)
    unknown = sorted(set(roles) - set(Role))
    if unknown:
        raise InvalidInput(f"There is no role {unknown[0]!r}: use {', '.join(Role)}.")
    settings = find_settings()
    owner = find_tenant(settings, tenant)
    if remove:
        await _take_away(settings, owner, who)
        return
    person, text = find_person(settings, owner, who), _asked_for()
    store = await SqlStore.open(settings.store_url)
    try:
        kept = [Role(one) for one in roles]
        await passwords.set_password(store, owner, person, text, roles=kept, now=datetime.now(UTC))
    finally:
        await store.close()
    typer.echo(f"{person.person_id} signs in at /console with this password, as {', '.join(roles)}.")
    if not settings.service.takes_passwords:
        report.note("Passwords are switched off while OIDC is set: set SUREHAND_SERVICE__PASSWORDS=true to allow both.")


async def _take_away(settings: Settings, tenant: str, who: str) -> None:
    """Also of somebody who has left, or is no longer in the directory."""
    from integrations.store.store import SqlStore  # noqa: PLC0415
    from runtime.configuration.people_directory import PeopleDirectory  # noqa: PLC0415
    from starters.console.sign_in import passwords  # noqa: PLC0415

    known = PeopleDirectory(settings.configuration_dirs).person(tenant, who)
    person_id = known.person_id if known is not None else who.strip()
    store = await SqlStore.open(settings.store_url)
    try:
        had_one = await passwords.take_away(store, tenant, person_id)
    finally:
        await store.close()
    typer.echo(f"{person_id} has no password now." if had_one else f"{person_id} had no password.")


def _asked_for() -> str:
    """The new password: never an argument, which other users of the machine would see."""
    import getpass  # noqa: PLC0415

    if not _is_typed():
        return sys.stdin.readline().rstrip("\r\n")
    text = getpass.getpass("New password: ")
    if text != getpass.getpass("Once more: "):
        raise InvalidInput("The two do not match: nothing was changed; try again.")
    return text


def _is_typed() -> bool:
    return sys.stdin.isatty()
