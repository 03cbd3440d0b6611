"""`surehand knowledge`: what is known of failures, and which lessons others may find."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from starters.cli import report
from starters.cli.options import AsOption, JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.troubleshooting.knowledge import KnowledgeHit, Lesson, LessonStatus, Signature

NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Such as disk-full, or a lesson's id.", show_default=False)
]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(
        help="Search what is known of failures, and review lessons.", no_args_is_help=True, rich_markup_mode=None
    )
    group.command("search")(search)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("review")(review)
    group.command("retire")(retire)
    app.add_typer(group, name="knowledge")


@report.command
async def search(
    text: Annotated[str, typer.Argument(help="A description, or a log line.", show_default=False)],
    limit: Annotated[int, typer.Option(help="The most hits to show.", min=1, max=20)] = 5,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search signatures and reviewed lessons."""
    from starters.finding import find_settings  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.knowledge import open_knowledge  # noqa: PLC0415

    async with open_knowledge(find_settings(), tenant) as desk:
        answer = await desk.search(text, limit)
    if as_json:
        report.put_json(answer)
        return
    for hit in answer.hits:
        _put_hit(hit)
    report.note(f"Answered by {answer.answered_by.label}.")
    for level in answer.down:
        report.note(f"Did not answer: {level.label}.")


@report.command
async def list_(
    status: Annotated[str | None, typer.Option(help="Only lessons that are draft, reviewed or retired.")] = None,
    signatures: Annotated[bool, typer.Option("--signatures", help="List signatures instead.")] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """List lessons, the newest first."""
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.knowledge import open_knowledge  # noqa: PLC0415

    async with open_knowledge(find_settings(), tenant) as desk:
        known = desk.signatures() if signatures else ()
        lessons = () if signatures else await desk.lessons(status)
    if as_json:
        report.put_json(list(known or lessons))
    elif signatures:
        rows = [[one.signature_id, one.title, one.fault.label, one.playbook or ""] for one in known]
        report.put_table(("signature", "what", "fault", "playbook"), rows, expendable=("playbook",), wrap=60)
    elif lessons:
        columns = ("lesson", "what", "status", "service", "reviewer", "from")
        rows = [
            [one.lesson_id, one.title, one.status.label, one.service or "", one.reviewer or "", one.source_case or ""]
            for one in lessons
        ]
        report.put_table(columns, rows, expendable=("from", "reviewer", "service"), wrap=60)
    else:
        report.note("There is no such lesson: incidents leave them when they are closed.")


@report.command
async def show(name: NameArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Show a signature or a lesson whole."""
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.knowledge import open_knowledge  # noqa: PLC0415

    async with open_knowledge(find_settings(), tenant) as desk:
        found = await desk.show(name)
    if as_json:
        report.put_json(found)
    else:
        _put_whole(found)


@report.command
async def review(name: NameArgument, who: AsOption, tenant: TenantOption = None) -> None:
    """Let others find a lesson."""
    from domain.troubleshooting.knowledge import LessonStatus  # noqa: PLC0415

    await _judge(name, who, tenant, LessonStatus.REVIEWED)


@report.command
async def retire(name: NameArgument, who: AsOption, tenant: TenantOption = None) -> None:
    """Let nobody find a lesson any more. It is kept."""
    from domain.troubleshooting.knowledge import LessonStatus  # noqa: PLC0415

    await _judge(name, who, tenant, LessonStatus.RETIRED)


async def _judge(name: str, who: str, tenant: str | None, status: LessonStatus) -> None:
    from starters.cli.session import find_person  # noqa: PLC0415
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.knowledge import open_knowledge  # noqa: PLC0415

    settings = find_settings()
    async with open_knowledge(settings, tenant) as desk:
        lesson = await desk.review(name, status, find_person(settings, desk.tenant, who))
    typer.echo(f"{lesson.lesson_id} is {lesson.status.label}, by {lesson.reviewer}.")


def _put_hit(hit: KnowledgeHit) -> None:
    out = report.console()
    out.print(report.text(hit.title, style="bold"), report.text(f"({hit.reference})"))
    lines = [f"  check: {line}" for line in hit.check]
    lines += [f"  not so when: {hit.refuted_by}"] if hit.refuted_by else []
    lines += [f"  fix: {hit.fix}"] if hit.fix else [f"  {line}" for line in hit.text.splitlines()[:6]]
    lines += [f"  playbook: {hit.playbook}"] if hit.playbook else []
    for line in lines:
        out.print(report.text(line))


def _put_whole(found: Signature | Lesson) -> None:
    plain = found.model_dump(mode="json")
    body = plain.pop("body", None)
    rows = [
        [key.replace("_", " "), "; ".join(value) if isinstance(value, list) else str(value)]
        for key, value in plain.items()
        if value not in (None, "", [])
    ]
    report.put_table(("field", "value"), rows, wrap=100)
    if body:
        out = report.console()
        for line in ["", *body.splitlines()]:
            out.print(report.text(line))
