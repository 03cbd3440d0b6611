"""`surehand playbook`: check playbooks, show them, rehearse them, run them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import AsOption, JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.playbook.messages import PlaybookResult
    from integrations.playbooks.library import FolderLibrary
    from runtime.settings.environment import Settings
    from starters.cli.session import Session
    from starters.playbooks import Playbooks

PlaybookArgument = Annotated[
    str, typer.Argument(metavar="NAME|FILE", help="A playbook of the library, or a file.", show_default=False)
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="NAME:KEY, or the workflow id.", show_default=False)]
InputOption = Annotated[
    list[str] | None,
    typer.Option("--input", metavar="FILE|JSON|key=value", help="What goes in; pairs may be given several times."),
]
VersionOption = Annotated[str | None, typer.Option("--version", help="Of the library's; the newest when not given.")]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(
        help="Check playbooks, show them, rehearse them, run them.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("validate")(validate)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("dry-run")(dry_run)
    group.command("run")(run)
    group.command("abort")(abort)
    group.command("event")(event)
    app.add_typer(group, name="playbook")


def _playbooks(session: Session) -> Playbooks:
    from starters.playbooks import Playbooks  # noqa: PLC0415

    queue = session.settings.temporal.task_queue
    return Playbooks(session.cases.client, task_queue=queue, tenants=session.tenants)


def _library(tenant: str | None) -> tuple[Settings, FolderLibrary, str]:
    from integrations.playbooks.library import FolderLibrary  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.finding import find_settings, find_tenant  # noqa: PLC0415

    settings = find_settings()
    return settings, FolderLibrary(settings.playbooks.folder), find_tenant(settings, tenant)


@report.command
async def validate(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE...", help="YAML or JSON; - reads standard input.", show_default=False)
    ],
    tools: Annotated[bool, typer.Option("--tools", help="Check the names of tools, too, as configured here.")] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> int:
    """Look playbooks through and name every fault with its place. Needs no server.

    The exit code is 1 when one of them cannot run; warnings alone leave it 0.
    """
    from integrations.playbooks.validating import examine  # noqa: PLC0415
    from starters.playbook_files import content_of  # noqa: PLC0415

    known = None
    if tools:
        from starters.finding import find_settings  # noqa: PLC0415
        from starters.playbook_tools import known_tools  # noqa: PLC0415

        settings = find_settings()
        known = (await known_tools(settings, tenant or settings.tenant)).by_name
    looks = [examine(content_of(name), "standard input" if name == "-" else name, known) for name in files]
    findings = [finding for look in looks for finding in look.findings]
    if as_json:
        report.put_json(findings)
    else:
        for finding in findings:
            typer.echo(report.text(str(finding)).plain)
        for name, look in zip(files, looks, strict=True):
            if not look.errors:
                report.note(f"{name}: it can run.")
    return report.FAILED if any(look.errors for look in looks) else report.DONE


@report.command
def list_(tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the playbooks of the library, with all their versions. Needs no server."""
    _, library, owner = _library(tenant)
    shelf = library.shelf(owner)
    rows = [
        {
            "name": shelved.name,
            "version": shelved.version,
            "title": shelved.title,
            "file": str(shelved.path),
            "runs": shelved.definition is not None,
            "faults": len(shelved.errors),
        }
        for shelved in shelf
    ]
    if as_json:
        report.put_json(rows)
        return
    if not rows:
        report.note("There is no playbook: put files into the folder SUREHAND_PLAYBOOKS__FOLDER names.")
        return
    cells = [
        [
            shelved.name,
            shelved.version,
            shelved.title,
            "" if shelved.definition is not None else f"{len(shelved.errors)} faults",
            str(shelved.path),
        ]
        for shelved in shelf
    ]
    report.put_table(("name", "version", "title", "problem", "file"), cells, expendable=("file", "title"))


@report.command
async def show(
    *,
    named: PlaybookArgument,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="As a Mermaid flowchart.")] = False,
    tree: Annotated[bool, typer.Option("--tree", help="As a tree; what is shown when nothing is asked for.")] = False,
    yaml: Annotated[bool, typer.Option("--yaml", help="As its author wrote it.")] = False,
    version: VersionOption = None,
    tenant: TenantOption = None,
) -> None:
    """Show a playbook: as a tree, a diagram, or its text. Needs no server."""
    from domain.playbook.definition import parse_playbook  # noqa: PLC0415
    from starters.playbook_files import choose  # noqa: PLC0415

    if mermaid + tree + yaml > 1:
        raise InvalidInput("A playbook is shown in one way: give one of --mermaid, --tree and --yaml.")
    settings, library, owner = _library(tenant)
    chosen = choose(library, owner, named, version)
    if yaml:
        typer.echo(report.text(chosen.text).plain, nl=not chosen.text.endswith("\n"))
        return
    playbook = parse_playbook(chosen.definition)
    if mermaid:
        from domain.playbook.diagram import mermaid as drawn  # noqa: PLC0415

        typer.echo(drawn(playbook), nl=False)
        return
    from starters.cli.playbook_view import tree_of  # noqa: PLC0415
    from starters.playbook_tools import known_tools  # noqa: PLC0415

    tools = await known_tools(settings, owner)
    report.console().print(tree_of(playbook, tools.by_name))


@report.command
async def dry_run(
    *,
    named: PlaybookArgument,
    given: InputOption = None,
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="TASK=JSON", help="Take a task's output as given; may be given several times."),
    ] = None,
    version: VersionOption = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Customer id, for limits per customer.")] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what a playbook would do, in order, without doing any of it. Needs no server.

    The exit code is 1 when a call would be denied or an expression would fail.
    """
    from domain.playbook.definition import parse_playbook  # noqa: PLC0415
    from domain.playbook.rehearsal import rehearse  # noqa: PLC0415
    from starters.cli.playbook_view import put_plan  # noqa: PLC0415
    from starters.playbook_files import choose, read_data  # noqa: PLC0415
    from starters.playbook_tools import known_tools  # noqa: PLC0415

    settings, library, name = _library(tenant)
    chosen = choose(library, name, named, version)
    playbook = parse_playbook(chosen.definition)
    tools = await known_tools(settings, name, playbook)
    plan = rehearse(
        playbook,
        read_data(given or ()),
        tools=tools.by_call,
        guardrails=tools.guardrails,
        ladders=tools.ladders,
        assumed=read_data(assume or ()) or {},
        facts={"tenant": name, "customer_id": customer, "started_by": "surehand"},
    )
    if as_json:
        report.put_json(plan)
    else:
        put_plan(plan)
    return report.FAILED if plan.notes or any(step.denied for step in plan.steps) else report.DONE


@report.command
async def run(
    *,
    named: PlaybookArgument,
    given: InputOption = None,
    key: Annotated[str | None, typer.Option(help="Tells runs apart; a fresh one when not given.")] = None,
    customer: Annotated[str | None, typer.Option("--customer", help="Customer id, for limits per customer.")] = None,
    who: Annotated[
        str | None, typer.Option("--as", metavar="PERSON", help="Who starts it; approves none of it.")
    ] = None,
    version: VersionOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and print its output.")] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> int:
    """Start a playbook. The same key once more gives the same run.

    With --wait, the exit code is 1 when the run fails or is cancelled.
    """
    from domain.playbook.messages import PlaybookInput  # noqa: PLC0415
    from integrations.playbooks.library import FolderLibrary  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415
    from starters.playbook_files import check_input, choose, read_data  # noqa: PLC0415
    from starters.playbooks import fresh_key  # noqa: PLC0415

    data = read_data(given or ())
    async with open_session(tenant) as session:
        library = FolderLibrary(session.settings.playbooks.folder)
        chosen = choose(library, session.tenant, named, version)
        for finding in chosen.warnings:
            report.note(str(finding))
        check_input(chosen.definition, data)
        request = PlaybookInput(
            tenant=session.tenant,
            name=chosen.name,
            key=key or fresh_key(),
            version=None if chosen.is_file else chosen.version,
            definition=chosen.definition if chosen.is_file else None,
            input=data,
            started_by=session.person(session.tenant, who).person_id if who is not None else "surehand",
            customer_id=customer,
        )
        playbooks = _playbooks(session)
        start = await playbooks.start(request)
        if not wait:
            report.put_json(start) if as_json else typer.echo(start.text)
            return report.DONE
        report.note(start.text)
        result = await playbooks.result(session.tenant, start.workflow_id)
    return _put_result(start.model_dump(mode="json"), result, as_json=as_json)


def _put_result(start: dict[str, Any], result: PlaybookResult, *, as_json: bool) -> int:
    if as_json:
        report.put_json({**start, **result.model_dump(mode="json")})
    else:
        if result.status == "completed":
            report.put_json(result.output)
        for what in result.unknown:
            report.note(f"Nobody knows whether it took effect: {what}")
        for what in result.undone:
            report.note(f"Undone: {what}")
        for what in result.left:
            report.note(f"Left to you: {what}")
        if result.status != "completed":
            problem = result.error.title or result.error.type if result.error is not None else ""
            report.complain(f"The run is {result.status}{f': {problem}' if problem else ''}")
    return report.DONE if result.status == "completed" else report.FAILED


@report.command
async def abort(
    run: RunArgument,
    who: AsOption,
    reason: Annotated[str, typer.Option(help="Why, for the record.", show_default=False)],
    tenant: TenantOption = None,
) -> None:
    """Stop a run; what it did is undone."""
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        playbooks = _playbooks(session)
        person = session.person(run, who)
        answer = await playbooks.abort(session.tenant_of(run), run, person_id=person.person_id, reason=reason)
    typer.echo(answer.text)


@report.command
async def event(
    run: RunArgument,
    given: Annotated[
        str, typer.Argument(metavar="FILE|JSON", help="A CloudEvent: id, source, type, data.", show_default=False)
    ],
    tenant: TenantOption = None,
) -> None:
    """Bring an event to a run. A repeat of its id from the same source counts once."""
    from starters.cli.session import open_session  # noqa: PLC0415
    from starters.playbook_files import read_data  # noqa: PLC0415
    from starters.playbooks import read_event  # noqa: PLC0415

    wanted = read_event(read_data([given]))
    async with open_session(tenant) as session:
        playbooks = _playbooks(session)
        await playbooks.event(session.tenant_of(run), run, wanted)
    typer.echo(f"Event {wanted.id} is on its way.")
