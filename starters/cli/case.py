"""`surehand case`: look at cases, follow them, say something to them."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import InvalidInput, UnknownCase
from starters.cli import report
from starters.cli.options import AsOption, CaseArgument, JsonOption, TenantOption
from starters.cli.ticket_links import join, open_incident
from starters.cli.unpark import KindOption, PlaybookOption, unpark


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(
        help="Look at cases, follow them, say something to them.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("list")(list_)
    group.command("show")(show)
    group.command("watch")(watch)
    group.command("timeline")(timeline)
    group.command("message")(message)
    group.command("escalate")(escalate)
    group.command("open-incident")(open_incident)
    group.command("join")(join)
    group.command("unpark")(unpark)
    group.command("audit")(audit)
    group.command("cancel")(cancel)
    app.add_typer(group, name="case")


@report.command
async def list_(
    *,
    kind: KindOption = None,
    playbook: PlaybookOption = None,
    status: Annotated[str | None, typer.Option(help="Such as waiting_approval, with_agent, parked, closed.")] = None,
    team: Annotated[str | None, typer.Option(help="Such as engineering.")] = None,
    category: Annotated[str | None, typer.Option(help="Such as billing.")] = None,
    priority: Annotated[str | None, typer.Option(help="critical, urgent, high, medium or low.")] = None,
    limit: Annotated[int, typer.Option(help="The most cases to list.", min=1, max=1000)] = 50,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """List cases, incidents and runs of playbooks, newest first.

    With --status parked: which step is parked, since when, and why.
    """
    from starters.case_list import CaseFilter, list_cases  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.cli.listing import put_cases, put_parked  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415
    from starters.dead_letters import letters_of  # noqa: PLC0415

    async with open_session(tenant) as session:
        wanted = CaseFilter(
            tenant=session.tenant,
            kind=kind,
            playbook=playbook,
            status=status,
            team=team,
            category=category,
            priority=priority,
        )
        rows = await list_cases(session.cases.client, wanted, limit=limit, open_store=session.existing_store)
        parked = [row for row in rows if row.status == "parked"] if status == "parked" else []
        found = await letters_of(session.cases, parked) if parked else None
    if found is not None:
        put_parked(rows, found, as_json=as_json)
    else:
        put_cases(rows, as_json=as_json)
    if not as_json and len(rows) == limit:
        report.note(f"The newest {limit} are listed: see more with --limit.")


@report.command
async def show(
    *,
    case: CaseArgument,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Arguments of a run's parked steps as they are, personal data included.")
    ] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show everything about one case, or one run of a playbook."""
    from domain.ids import workflow_id_for  # noqa: PLC0415
    from starters.cli.case_view import put_record, put_state  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        name = session.tenant_of(case)
        workflow_id = workflow_id_for(name, case)
        try:
            state = await session.cases.state(name, case)
        except UnknownCase:
            # Temporal has forgotten it; the store has not.
            store = await session.existing_store()
            record = await store.find_case(workflow_id, tenant=name) if store is not None else None
            if record is None:
                raise
            put_record(record, as_json=as_json)
            return
        under_way = await session.cases.under_way(name, case)
    put_state(workflow_id, state, under_way, as_json=as_json, reveal=reveal)


@report.command
async def watch(case: CaseArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Follow a case live, until it ends or Ctrl-C."""
    from starters.cli.case_watch import follow  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        await follow(session.cases, session.tenant_of(case), case, as_json=as_json)


@report.command
async def timeline(case: CaseArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List everything that happened in a case, in order."""
    from domain.ids import workflow_id_for  # noqa: PLC0415
    from starters.cli.case_parts import timeline_lines  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        name = session.tenant_of(case)
        try:
            view = await session.cases.timeline(name, case)
            entries, total = list(view.entries), view.total
        except UnknownCase:
            entries, total = [], 0
        if not entries or entries[0].number > 0:
            # The case keeps the latest; the store has what came before.
            store = await session.existing_store()
            stored = await store.timeline(workflow_id_for(name, case), tenant=name) if store else []
            known = {entry.number for entry in entries}
            entries = sorted(
                [*entries, *(entry for entry in stored if entry.number not in known)], key=lambda entry: entry.number
            )
            total = max(total, len(stored))
    if not entries:
        raise UnknownCase("There is no case by that name: see `surehand case list`.")
    if as_json:
        report.put_json(entries)
    else:
        report.console().print(timeline_lines(entries))
    if len(entries) < total:
        report.note(f"{total - len(entries)} earlier entries are in the store, which is not reachable from here.")


@report.command
async def message(
    *,
    case: CaseArgument,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What was said.", show_default=False)],
    who: Annotated[
        str | None,
        typer.Option("--as", metavar="PERSON", help="An agent, whose words go to the customer; else the customer."),
    ] = None,
    message_id: Annotated[
        str | None, typer.Option("--id", help="The message's own id; one made of the text when not given.")
    ] = None,
    tenant: TenantOption = None,
) -> None:
    """Add a message of the customer, or of an agent, to a case."""
    from domain.cases.messages import MessageInput  # noqa: PLC0415
    from starters.cases import content_id  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if not 1 <= len(text.strip()) <= 20_000:
        raise InvalidInput("A message has 1 to 20,000 characters: correct it.")
    async with open_session(tenant) as session:
        author = session.person(case, who).person_id if who is not None else "customer"
        named = message_id or f"text/{content_id(author, text)}"
        said = MessageInput(message_id=named, text=text, author=author)
        answer = await session.cases.message(session.tenant_of(case), case, said)
    typer.echo(answer.text)
    if "already" in answer.text and message_id is None:
        report.note("If it was said once more, tell the two apart with --id.")


@report.command
async def escalate(
    case: CaseArgument,
    who: AsOption,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    tenant: TenantOption = None,
) -> None:
    """Hand a case to people now, whatever was decided before."""
    from domain.cases.messages import EscalateNowInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        order = EscalateNowInput(person_id=session.person(case, who).person_id, reason=reason)
        name = session.tenant_of(case)
        if not await session.cases.is_running(name, case):
            from domain.errors import Refused  # noqa: PLC0415
            from starters.answers import CLOSED  # noqa: PLC0415

            raise Refused(CLOSED)
        await session.cases.escalate_now(name, case, order)
    typer.echo("The case is told to go to people; see it with `surehand case show`.")


@report.command
async def audit(case: CaseArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List who approved, rejected or released what in a case, and why; from the store, where nobody can change it."""
    from domain.ids import workflow_id_for  # noqa: PLC0415
    from starters.cli.listing import put_audit  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        name = session.tenant_of(case)
        workflow_id = workflow_id_for(name, case)
        store = await session.existing_store()
        if store is None or await store.find_case(workflow_id, tenant=name) is None:
            raise UnknownCase("The store knows no case by that name: see `surehand case list`.")
        approvals = await store.approvals_of(workflow_id, tenant=name)
        interventions = await store.interventions_of(workflow_id, tenant=name)
    put_audit(approvals, interventions, as_json=as_json)


@report.command
async def cancel(case: CaseArgument, tenant: TenantOption = None) -> None:
    """Cancel a case or a run.

    A case takes back what it sent, tells the team and the customer, and ends as withdrawn. A run undoes what it did.
    """
    from domain.ids import kind_of, workflow_id_for  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        name = session.tenant_of(case)
        is_run = kind_of(workflow_id_for(name, case)) == "playbook"
        await session.cases.cancel(name, case)
    what = "The run is told to undo what it did" if is_run else "The case is told to take back what it sent"
    typer.echo(f"{what}; see its end with `surehand case show`.")
