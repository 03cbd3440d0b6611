"""`surehand ticket`: bring tickets in."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import InvalidInput, SurehandError
from starters.cli import report
from starters.cli.options import JsonOption, TenantOption
from starters.cli.triage import name_of, read_text

if TYPE_CHECKING:
    from domain.cases.escalation import EscalationState
    from domain.tickets.intake import ReadResult
    from starters.cli.session import Session
    from starters.submission import Submission, Submitter

_AT_ONCE = 20
"""Tickets submitted at the same time."""
_LOOK_EVERY_SECONDS = 0.3

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="JSON: one ticket, an array, or a line each; - reads standard input."),
]
RejectsOption = Annotated[
    Path | None, typer.Option("--rejects", metavar="FILE", help="Write tickets that were not taken here, a line each.")
]
WaitOption = Annotated[bool, typer.Option("--wait", help="Wait until each case is answered, handed over or stuck.")]


def add_to(app: typer.Typer) -> None:
    """Register the group."""
    group = typer.Typer(help="Bring tickets in.", no_args_is_help=True, rich_markup_mode=None)
    group.command("submit")(submit)
    app.add_typer(group, name="ticket")


@report.command
async def submit(
    files: FilesArgument,
    tenant: TenantOption = None,
    rejects: RejectsOption = None,
    wait: WaitOption = False,
    as_json: JsonOption = False,
) -> int:
    """Open a case for each ticket of a file.

    Repeating it is safe: a ticket that has a case joins it, and what is new in it is added there.
    """
    from starters.cli.session import open_session  # noqa: PLC0415 - keeps `surehand --help` fast

    given = [(result, text) for text in map(read_text, files) for result in _read(text)]
    async with open_session(tenant) as session:
        _check_tenant(session)
        answers = await _submit_all(session, [result for result, _ in given])
        rows = [await _row(session, answer, wait=wait) for answer in answers if not isinstance(answer, SurehandError)]
    unread = [
        (result, text, answer)
        for (result, text), answer in zip(given, answers, strict=True)
        if isinstance(answer, SurehandError)
    ]
    if as_json:
        failed = [{"id": name_of(result), "error": str(problem)} for result, _, problem in unread]
        report.put_json([*rows, *failed])
    else:
        _show(rows, waited=wait)
    for result, _, problem in unread:
        report.complain(f"{name_of(result)}: {problem}")
    if rejects is not None:
        _write_rejects(rejects, unread)
    return report.FAILED if unread else report.DONE


def _read(text: str) -> list[ReadResult]:
    from domain.tickets.intake import read_tickets  # noqa: PLC0415

    return read_tickets(text)


def _check_tenant(session: Session) -> None:
    """A case of a tenant that is not configured could not even be opened."""
    from runtime.configuration.policies import Configuration  # noqa: PLC0415

    Configuration.from_settings(session.settings).policy_for(session.tenant)


async def _submit_all(session: Session, results: list[ReadResult]) -> list[Submission | SurehandError]:
    submitter = session.submitter()
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(result: ReadResult) -> Submission | SurehandError:
        async with gate:
            return await _submit_one(submitter, session.tenant, result)

    return list(await asyncio.gather(*(one(result) for result in results)))


async def _submit_one(submitter: Submitter, tenant: str, result: ReadResult) -> Submission | SurehandError:
    from domain.errors import Refused  # noqa: PLC0415

    if result.ticket is None:
        return InvalidInput(result.problem or "It cannot be read.")
    for remark in result.notes:
        report.note(f"{name_of(result)}: {remark}")
    try:
        return await submitter.submit(tenant, result.ticket, correlation_id=str(uuid.uuid4()))
    except Refused as refusal:
        return refusal


async def _row(session: Session, answer: Submission, *, wait: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": answer.ticket_id,
        "case": answer.case_number,
        "workflow_id": answer.workflow_id,
        "outcome": answer.outcome.value,
        "text": answer.text,
    }
    if wait:
        state = await _settled(session, answer)
        row |= {
            "status": state.current_status().value,
            "category": state.classification.category.value if state.classification else None,
            "priority": state.priority.value,
            "risk": state.risk.overall if state.risk else None,
            "decision": state.decision.kind.value if state.decision else None,
            "team": state.decision.team if state.decision else None,
        }
    return row


async def _settled(session: Session, answer: Submission) -> EscalationState:
    """The case once it waits for somebody, or is resolved: what the machine does at once is done."""
    while True:
        state = await session.cases.escalation(session.tenant, answer.workflow_id)
        is_answered = state.last_word_at is not None and state.escalate_at is None
        if state.current_status().value not in ("triaging", "waiting_customer") or is_answered:
            return state
        await asyncio.sleep(_LOOK_EVERY_SECONDS)


def _show(rows: list[dict[str, Any]], *, waited: bool) -> None:
    from starters.cli.words import label  # noqa: PLC0415

    if waited and rows:
        columns = ("case", "status", "category", "priority", "risk", "decision", "team")
        cells = [[label(str(row[name] if row[name] is not None else "")) for name in columns[1:]] for row in rows]
        table = [[row["case"], *rest] for row, rest in zip(rows, cells, strict=True)]
        report.put_table(columns, table, numbers=("risk",), expendable=("risk", "category", "priority"))
        return
    for row in rows:
        typer.echo(row["text"])
    if len(rows) == 1:
        report.note(f"Follow it with `surehand case watch {rows[0]['case']}`.")
    elif rows:
        report.note("See them with `surehand case list`.")


def _write_rejects(file: Path, unread: Sequence[tuple[ReadResult, str, SurehandError]]) -> None:
    lines = [
        json.dumps({"id": name_of(result), "error": str(problem), "ticket": _raw(text, result.position)})
        for result, text, problem in unread
    ]
    try:
        file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} cannot be written ({error.strerror}): correct the path.") from None


def _raw(text: str, position: int) -> object:
    """What stood at a place of the file, as it was given, so that it can be corrected and submitted again."""
    text = text.lstrip("\ufeff").strip()
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return text.split("\n")[position]
    return whole[position] if isinstance(whole, list) else whole
