"""`surehand triage`: what the rules make of tickets. Starts nothing and needs no server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.tickets.intake import ReadResult
    from starters.triage import Judgement

FilesArgument = Annotated[
    list[str],
    typer.Argument(metavar="FILE...", help="JSON: one ticket, an array, or a line each; - reads standard input."),
]


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("triage")(triage)


@report.command
def triage(files: FilesArgument, tenant: TenantOption = None, as_json: JsonOption = False) -> int:
    """Judge tickets by the rules, starting nothing.

    Classifies, scores and decides, offline. Exits with 1 when a ticket cannot be read.
    """
    from starters.triage import Triage  # noqa: PLC0415 - keeps `surehand --help` fast

    judge = Triage.for_tenant(tenant)
    judged: list[Judgement | ReadResult] = [
        judge.judge(result.ticket) if result.ticket is not None else result
        for file in files
        for result in read_results(file)
    ]
    if as_json:
        report.put_json([_as_json(result) for result in judged])
    else:
        _show(judged)
    return report.FAILED if any(_is_unread(result) for result in judged) else report.DONE


def read_results(file: str) -> list[ReadResult]:
    """The tickets of a file, or of standard input for `-`, read and checked one by one.

    Raises:
        InvalidInput: the file cannot be opened or holds no ticket at all.
    """
    from domain.tickets.intake import read_tickets  # noqa: PLC0415

    return read_tickets(read_text(file))


def read_text(file: str) -> str:
    """The text of a file, or of standard input for `-`.

    Raises:
        InvalidInput: it cannot be read as text.
    """
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except FileNotFoundError:
        raise InvalidInput(f"There is no file {file}: correct the path.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{file} is no UTF-8 text: save it as UTF-8.") from None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read ({error.strerror}): correct the path.") from None


def name_of(result: ReadResult) -> str:
    """What a ticket that could not be read is called: its id where it gave one, else its place."""
    return result.raw_id or f"ticket {result.position + 1}"


def _is_unread(result: Judgement | ReadResult) -> bool:
    return hasattr(result, "problem")


def _as_json(result: Any) -> object:
    return {"id": name_of(result), "error": result.problem} if _is_unread(result) else result.model_dump(mode="json")


def _show(judged: list[Any]) -> None:
    from starters.cli.words import decision_word, label, one_line, sentences  # noqa: PLC0415

    read = [result for result in judged if not _is_unread(result)]
    rows = [
        [
            one_line(j.id, 40),
            label(j.category),
            j.priority,
            label(j.complexity),
            str(j.frustration),
            str(j.risk),
            decision_word(j.decision),
            label(j.team),
            sentences(j.reasons),
        ]
        for j in read
    ]
    columns = ("ticket", "category", "priority", "complexity", "frustration", "risk", "decision", "team", "why")
    if rows:
        expendable = ("complexity", "frustration", "why", "priority")
        report.put_table(columns, rows, numbers=("frustration", "risk"), expendable=expendable, wrap=30)
    for result in judged:
        if _is_unread(result):
            report.complain(f"{name_of(result)}: {result.problem}")
