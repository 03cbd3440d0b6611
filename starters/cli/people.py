"""What people do with a case: claim it, resolve it, judge it."""

from __future__ import annotations

from typing import Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import AsOption, CaseArgument, TenantOption

TakeOverOption = Annotated[bool, typer.Option("--take-over", help="Take it from whoever has it.")]
SilentOption = Annotated[bool, typer.Option("--silent", help="Do not send the text to the customer.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("claim")(claim)
    app.command("reassign")(reassign)
    app.command("resolve")(resolve)
    app.command("feedback")(feedback)


@report.command
async def claim(
    case: CaseArgument, who: AsOption, take_over: TakeOverOption = False, tenant: TenantOption = None
) -> None:
    """Take a case that was handed over."""
    from domain.cases.messages import ClaimInput  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person = session.person(case, who)
        answer = await session.cases.claim(
            session.tenant_of(case), case, ClaimInput(person_id=person.person_id, take_over=take_over)
        )
    typer.echo(answer.text)


@report.command
async def reassign(
    case: CaseArgument,
    who: AsOption,
    to: Annotated[str, typer.Option(help="Who has it from now on: an id, e-mail address or alias.")],
    note: Annotated[str, typer.Option(help="What they need to know; it is sent to them.")],
    tenant: TenantOption = None,
) -> None:
    """Give a case that was handed over to a named person."""
    from domain.cases.messages import ReassignInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if not note.strip():
        raise InvalidInput("The note is empty: say what the person needs to know.")
    async with open_session(tenant) as session:
        by, holder = session.person(case, who), session.person(case, to)
        word = ReassignInput(person_id=by.person_id, to=holder.person_id, note=note)
        answer = await session.cases.reassign(session.tenant_of(case), case, word)
    typer.echo(answer.text)


@report.command
async def resolve(
    case: CaseArgument,
    text: Annotated[str, typer.Argument(help="What solved it; sent to the customer.", show_default=False)],
    who: AsOption,
    silent: SilentOption = False,
    tenant: TenantOption = None,
) -> None:
    """Say that a case is solved, and how."""
    from domain.cases.messages import ResolveInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if not text.strip():
        raise InvalidInput("The resolution is empty: say what solved it.")
    async with open_session(tenant) as session:
        person = session.person(case, who)
        resolution = ResolveInput(person_id=person.person_id, resolution=text, tell_customer=not silent)
        answer = await session.cases.resolve(session.tenant_of(case), case, resolution)
    typer.echo(answer.text)


@report.command
async def feedback(
    case: CaseArgument,
    rating: Annotated[int | None, typer.Option(help="1 (bad) to 5 (good).", min=1, max=5)] = None,
    comment: Annotated[str, typer.Option(help="In the person's own words.")] = "",
    was_right: Annotated[
        bool | None, typer.Option("--was-right/--was-wrong", help="Whether the decision to escalate or not was right.")
    ] = None,
    tenant: TenantOption = None,
) -> None:
    """Record how a case was judged.

    Later decisions learn from it.
    """
    from domain.cases.messages import FeedbackInput  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    if rating is None and not comment.strip() and was_right is None:
        raise InvalidInput("The feedback is empty: give --rating, --comment or --was-right/--was-wrong.")
    async with open_session(tenant) as session:
        judgement = FeedbackInput(rating=rating, comment=comment, escalation_was_right=was_right)
        answer = await session.cases.feedback(session.tenant_of(case), case, judgement)
    typer.echo(answer.text)
