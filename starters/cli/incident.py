"""`surehand incident`: open incidents with their evidence, ask about them, link tickets, close them, export reports."""

from __future__ import annotations

import uuid
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import AsOption, JsonOption, TenantOption
from starters.cli.ticket_links import IncidentArgument, link, unlink

if TYPE_CHECKING:
    from domain.troubleshooting.evidence import EvidenceRef
    from starters.cli.session import Session
    from starters.incidents import Incidents

FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILE...",
        help="Logs (gzip too), metrics as CSV, change records, a topology, traces, output of kubectl. "
        "Write SERVICE=FILE for logs whose lines do not name their service.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(help="Find and fix what is wrong with a system.", no_args_is_help=True, rich_markup_mode=None)
    group.command("open")(open_)
    group.command("ask")(ask)
    group.command("evidence")(evidence)
    group.command("link")(link)
    group.command("unlink")(unlink)
    group.command("close")(close)
    group.command("export")(export)
    app.add_typer(group, name="incident")


@report.command
async def open_(
    *,
    files: FilesArgument = None,
    title: Annotated[str | None, typer.Option(help="One line; the first of the description when not given.")] = None,
    describe: Annotated[str, typer.Option("--describe", metavar="TEXT", help="What is wrong, in your words.")] = "",
    service: Annotated[str | None, typer.Option(help="The service that seems to be in trouble.")] = None,
    health: Annotated[
        list[str] | None, typer.Option("--health", metavar="SERVICE=URL", help="Tells whether a service is well.")
    ] = None,
    ticket: Annotated[
        list[str] | None, typer.Option("--ticket", metavar="ID", help="A ticket that is about it; may be repeated.")
    ] = None,
    incident_id: Annotated[
        str | None, typer.Option("--id", help="Your own id of it; one made of what is reported when not given.")
    ] = None,
    noticed: Annotated[
        str | None,
        typer.Option("--noticed", metavar="TIME", help="When it was noticed, with its zone; now if not given."),
    ] = None,
    who: Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Who reports it.")] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Open an incident with whatever is at hand. Opening it again adds what is new."""
    from domain.troubleshooting.messages import IncidentReport, LinkTicketInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415
    from starters.incidents import incident_id_for  # noqa: PLC0415

    line = (title or describe.strip().partition("\n")[0] or "").strip()[:300]
    if not line:
        raise InvalidInput("Say what is wrong with --describe, or give it a --title.")
    async with open_session(tenant) as session:
        refs = await _upload(session, files or [])
        reporter = session.person(session.tenant, who).person_id if who is not None else "surehand"
        made = IncidentReport(
            incident_id=incident_id or incident_id_for(line, refs),
            title=line,
            description=describe[:16_000],
            reported_by=reporter,
            reported_at=_moment(noticed) if noticed is not None else None,
            service=service,
            evidence=tuple(refs),
            health_urls=dict(_pair(one) for one in health or []),
        )
        incidents = _incidents(session)
        opened = await incidents.open(session.tenant, made)
        for one in ticket or []:
            await incidents.link(session.tenant, opened.incident, LinkTicketInput(ticket_id=one, person_id=reporter))
    if as_json:
        report.put_json(opened)
    else:
        typer.echo(opened.text)
        for ref in refs:
            report.note(f"{ref.name}: {ref.kind.label}, {ref.size_bytes:,} bytes")
        report.note(f"See it with: surehand case show {opened.incident}")


@report.command
async def ask(
    incident: IncidentArgument,
    question: Annotated[str, typer.Argument(metavar="TEXT", help="Your question.", show_default=False)],
    who: Annotated[str | None, typer.Option("--as", metavar="PERSON", help="Who asks.")] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask about an incident, and wait for the answer."""
    import asyncio  # noqa: PLC0415

    from domain.troubleshooting.messages import QueryInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if not 1 <= len(question.strip()) <= 8_000:
        raise InvalidInput("A question has 1 to 8,000 characters: correct it.")
    message_id = f"cli-{uuid.uuid4().hex[:12]}"
    async with open_session(tenant) as session:
        name, incidents = session.tenant_of(incident), _incidents(session)
        author = session.person(incident, who).person_id if who is not None else "surehand"
        await incidents.ask(name, incident, QueryInput(message_id=message_id, author=author, text=question))
        while True:
            state = await incidents.state(name, incident)
            answered = next((q for q in state.queries if q.message_id == message_id and not q.is_open), None)
            if answered is not None:
                break
            await asyncio.sleep(0.3)
    if as_json:
        report.put_json(answered)
    else:
        typer.echo(report.text(answered.answer).plain)
        if answered.model is not None:
            report.note(f"Answered by {answered.model.label}.")


@report.command
async def evidence(
    incident: IncidentArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="As for `incident open`.", show_default=False)],
    who: AsOption,
    tenant: TenantOption = None,
) -> None:
    """Give an incident more evidence; it is looked at anew."""
    from domain.troubleshooting.messages import EvidenceInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person = session.person(incident, who).person_id
        refs = await _upload(session, files)
        more = EvidenceInput(evidence=tuple(refs), person_id=person)
        answer = await _incidents(session).add_evidence(session.tenant_of(incident), incident, more)
    typer.echo(answer.text)


@report.command
async def close(
    incident: IncidentArgument,
    who: AsOption,
    resolution: Annotated[str, typer.Option(help="What solved it.", show_default=False)],
    cause: Annotated[str | None, typer.Option(help="Id of the hypothesis that you confirm.")] = None,
    tenant: TenantOption = None,
) -> None:
    """Say that an incident is over."""
    from domain.troubleshooting.messages import CloseIncidentInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if not 1 <= len(resolution.strip()) <= 20_000:
        raise InvalidInput("A resolution has 1 to 20,000 characters: correct it.")
    async with open_session(tenant) as session:
        word = CloseIncidentInput(person_id=session.person(incident, who).person_id, resolution=resolution, cause=cause)
        answer = await _incidents(session).close(session.tenant_of(incident), incident, word)
    typer.echo(answer.text)


@report.command
async def export(
    incident: IncidentArgument,
    to: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Write it here instead of printing.")] = None,
    tenant: TenantOption = None,
) -> None:
    """Write the post-mortem in Markdown."""
    from domain.troubleshooting.telling.report import markdown  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        state = await _incidents(session).state(session.tenant_of(incident), incident)
    text = markdown(state)
    if to is None:
        typer.echo(report.text(text).plain)
        return
    try:
        to.write_text(text, "utf-8")
    except OSError as problem:
        raise InvalidInput(f"{to} cannot be written ({problem.strerror or 'error'}): give another file.") from None
    typer.echo(f"The post-mortem of {incident} is in {to}.")


def _incidents(session: Session) -> Incidents:
    from starters.incidents import Incidents  # noqa: PLC0415

    queue = session.settings.temporal.task_queue
    return Incidents(session.cases.client, task_queue=queue, tenants=session.tenants)


async def _upload(session: Session, files: list[Path]) -> list[EvidenceRef]:
    from starters.incidents import evidence_store, upload  # noqa: PLC0415

    store = evidence_store(session.settings)
    refs = []
    for given in files:
        service, separator, rest = str(given).partition("=")
        path = Path(rest) if separator and not given.exists() else given
        named = service if separator and not given.exists() else None
        refs.append(await upload(store, session.tenant, path, named))
    return refs


def _moment(text: str) -> datetime:
    with suppress(ValueError):
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is not None:
            return moment
    raise InvalidInput(f"{text!r} is no time with its zone: write one like 2026-03-10T14:30Z.")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not (name and separator and value):
        raise InvalidInput(f"{text!r} is no SERVICE=URL: write one like checkout=https://checkout.example/health.")
    if not value.startswith(("http://", "https://")):
        raise InvalidInput(f"{value!r} is no web address: write one like https://checkout.example/health.")
    return name, value
