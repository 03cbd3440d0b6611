"""Commands that bring tickets and incidents together, and apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from starters.cli import report
from starters.cli.options import AsOption, CaseArgument, JsonOption, TenantOption

if TYPE_CHECKING:
    from starters.cli.session import Session
    from starters.ticket_links import TicketLinks

IncidentArgument = Annotated[
    str, typer.Argument(metavar="INCIDENT", help="As `incident open` showed it: incident:ID.", show_default=False)
]
TicketsArgument = Annotated[list[str], typer.Argument(metavar="TICKET...", help="Tickets' ids.", show_default=False)]


@report.command
async def open_incident(
    case: CaseArgument, who: AsOption, tenant: TenantOption = None, as_json: JsonOption = False
) -> None:
    """Open an incident from a ticket; the ticket is linked to it. A second time gives the same one."""
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        answer = await _links(session).open(session.tenant_of(case), case, session.person(case, who).person_id)
    if as_json:
        report.put_json(answer)
    else:
        typer.echo(answer.text)


@report.command
async def join(
    case: CaseArgument,
    incident: IncidentArgument,
    who: AsOption,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which incident a ticket is about: its customer hears once how it ended, after approval."""
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person = session.person(case, who).person_id
        answer = await _links(session).join(session.tenant_of(case), case, incident, person)
    if as_json:
        report.put_json(answer)
    else:
        typer.echo(answer.text)


@report.command
async def link(
    incident: IncidentArgument, tickets: TicketsArgument, who: AsOption, tenant: TenantOption = None
) -> None:
    """Say that tickets are about an incident: their customers hear once how it ended, after approval."""
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person, links = session.person(incident, who).person_id, _links(session)
        for ticket in tickets:
            typer.echo((await links.link(session.tenant_of(incident), incident, ticket, person)).text)


@report.command
async def unlink(
    incident: IncidentArgument, tickets: TicketsArgument, who: AsOption, tenant: TenantOption = None
) -> None:
    """Say that tickets are not about an incident: their customers hear nothing of it, and no rule links them again."""
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person, links = session.person(incident, who).person_id, _links(session)
        for ticket in tickets:
            typer.echo((await links.unlink(session.tenant_of(incident), incident, ticket, person)).text)


def _links(session: Session) -> TicketLinks:
    from starters.ticket_links import TicketLinks  # noqa: PLC0415

    return TicketLinks(session.cases)
