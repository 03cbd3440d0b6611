"""`surehand tool`: what tools there are, and one call by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from starters.cli import report
from starters.cli.options import JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.tools.tool import ToolSpec
    from starters.tools import PlannedCall

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Such as stock.reserve.", show_default=False)]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(help="See what tools there are, and call one.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("run")(run)
    app.add_typer(group, name="tool")


@report.command
async def list_(tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """List the tools that may be used."""
    from starters.finding import find_settings  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.tools import open_desk  # noqa: PLC0415

    async with open_desk(find_settings(), tenant) as desk:
        specs = await desk.specs()
        _put_notes(desk.notes)
    if as_json:
        report.put_json(list(specs))
        return
    if not specs:
        report.note("No tool may be used: list a provider in tools.yaml.")
        return
    columns = ("tool", "does", "safety", "vendor", "undone by", "from")
    rows = [
        [spec.name, spec.title, _safety(spec), spec.vendor, spec.undo.tool if spec.undo else "", spec.provider]
        for spec in specs
    ]
    report.put_table(columns, rows, expendable=("from", "undone by", "vendor"), wrap=50)


@report.command
async def show(name: NameArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> None:
    """Show everything about one tool."""
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.tools import open_desk  # noqa: PLC0415

    async with open_desk(find_settings(), tenant) as desk:
        spec = await desk.spec(name)
    if as_json:
        report.put_json(spec)
        return
    _put_facts(spec)
    typer.echo("\nArguments:")
    report.put_json(spec.input_schema)
    if spec.output_schema is not None:
        typer.echo("\nOutput:")
        report.put_json(spec.output_schema)


@report.command
async def run(
    *,
    name: NameArgument,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="One argument; may be repeated.")
    ] = None,
    arguments: Annotated[
        str | None, typer.Option("--arguments", metavar="JSON|FILE", help="All arguments as a JSON object.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it, although it changes something.")] = False,
    key: Annotated[
        str | None, typer.Option("--key", help="Key of an earlier call, to repeat it without a second effect.")
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> int:
    """Call one tool, now and from here.

    A safe tool is called at once. One that changes something is shown first and called only with --yes; guardrails
    and configuration are asked as in a playbook.
    """
    from starters.finding import find_settings  # noqa: PLC0415
    from starters.tools import open_desk, read_arguments  # noqa: PLC0415

    async with open_desk(find_settings(), tenant, to_call=True) as desk:
        spec = await desk.spec(name)
        planned = await desk.plan(name, read_arguments(spec, arguments, assignments or ()), key)
        if planned.needs_yes:
            _announce(planned)
            if not yes:
                report.complain("Nothing was done: say --yes when that is what you want.")
                return report.WRONG_USE
        result = await desk.run(planned, yes=yes)
    report.put_json(result if as_json else result.output)
    if result.truncated:
        report.note(f"The output was cut: it has {result.size_bytes:,} bytes.")
    if result.repeated:
        report.note("An earlier call with this key had taken effect; this is what it gave.")
    return report.DONE


def _put_notes(notes: Sequence[str]) -> None:
    for sentence in notes:
        report.note(sentence)


def _announce(planned: PlannedCall) -> None:
    """What is about to happen, on standard error, before it does."""
    import json  # noqa: PLC0415

    spec, call = planned.spec, planned.call
    report.note(f"{spec.name} ({_safety(spec)}): {spec.title or spec.description}")
    report.note(f"goes to    {spec.target or spec.vendor}")
    report.note(f"arguments  {json.dumps(call.arguments, ensure_ascii=False)}")
    report.note(f"digest     {call.digest}")
    report.note(f"undone by  {spec.undo.tool if spec.undo else 'nothing'}")
    report.note(f"key        {call.key}")


def _put_facts(spec: ToolSpec) -> None:
    facts = {
        "does": spec.title,
        "description": spec.description,
        "safety": _safety(spec),
        "vendor": spec.vendor,
        "goes to": spec.target,
        "category": spec.category.label,
        "capabilities": ", ".join(spec.capabilities),
        "undone by": spec.undo.tool if spec.undo else "nothing",
        "repeats": "have no second effect at the vendor" if spec.idempotent else "are kept apart by the effect ledger",
        "one attempt": f"{spec.timeout.total_seconds():g} s",
        "output kept": f"{spec.result_limit_bytes:,} bytes",
        "queue": spec.queue or "the workers' own",
        "approved by": spec.ladder or "",
        "digest": spec.digest,
    }
    rows = [[name, value] for name, value in facts.items() if value]
    report.put_table((spec.name, " "), rows, wrap=90)


def _safety(spec: ToolSpec) -> str:
    return f"{spec.safety.label}, pre-approved" if spec.pre_approved else spec.safety.label
