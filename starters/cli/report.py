"""How the command line speaks: results on standard output, everything else on standard error, errors as sentences."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, ParamSpec

import typer

from domain.errors import ConfigurationProblem, InvalidInput, NotReachable, SurehandError
from starters.cli.words import harmless
from starters.leaving import BROKEN_PIPE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

DONE = 0
FAILED = 1
WRONG_USE = 2
UNREACHABLE = 3
INTERRUPTED = 130
_WIDTH_WITHOUT_TERMINAL = 200

Parameters = ParamSpec("Parameters")


def command(function: Callable[Parameters, object]) -> Callable[Parameters, None]:
    """Make a function, plain or `async`, a command: it runs to its end, and an error becomes a sentence and a code.

    The function may return an exit code; None is 0.
    """

    @functools.wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            result = function(*args, **kwargs)
            if inspect.iscoroutine(result):
                result = _run_to_its_end(result)
            sys.stdout.flush()
        except SurehandError as error:
            complain(str(error))
            raise typer.Exit(code_of(error)) from None
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            be_quiet()
            raise typer.Exit(BROKEN_PIPE) from None
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:  # whatever it is, a person gets a sentence and not a traceback
            raise typer.Exit(_unforeseen(error)) from None
        raise typer.Exit(result if isinstance(result, int) else DONE)

    return run


def _run_to_its_end(work: Coroutine[Any, Any, object]) -> object:
    return asyncio.run(work)


def code_of(error: SurehandError) -> int:
    """The exit code of an error."""
    if isinstance(error, NotReachable):
        return UNREACHABLE
    return WRONG_USE if isinstance(error, (InvalidInput, ConfigurationProblem)) else FAILED


def be_quiet() -> None:
    """Nobody reads our output any more: let what is still buffered go nowhere, without a complaint at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _unforeseen(error: Exception) -> int:
    import tempfile  # noqa: PLC0415 - only needed when something broke
    import traceback  # noqa: PLC0415

    with tempfile.NamedTemporaryFile("w", prefix="surehand-error-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, file=file)
    complain(f"Surehand stumbled over a fault of its own ({type(error).__name__}): please report it with {file.name}.")
    return FAILED


def complain(sentence: str) -> None:
    """Say on standard error what went wrong; several faults come as one line each."""
    for line in sentence.splitlines():
        typer.echo(f"Error: {harmless(line)}", err=True)


def note(sentence: str) -> None:
    """Say something beside the result, on standard error."""
    typer.echo(harmless(sentence), err=True)


def put_json(value: object) -> None:
    """Print a result as JSON. Pydantic models and lists of them are taken as they are."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False))


def _plain(value: object) -> object:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value


def console(*, err: bool = False) -> Console:
    """A Rich console that obeys NO_COLOR, and does not squeeze tables when nobody looks at a terminal."""
    from rich.console import Console  # noqa: PLC0415 - Rich costs a tenth of a second, and many commands print a line

    made = Console(stderr=err, highlight=False, soft_wrap=False)
    if not made.is_terminal and made.width == 80:
        made.width = _WIDTH_WITHOUT_TERMINAL
    return made


def text(value: str, style: str = "") -> Text:
    """A text for Rich that is shown literally: neither markup nor control characters in it take effect."""
    from rich.text import Text  # noqa: PLC0415

    return Text(harmless(value), style=style)


def put_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    expendable: Sequence[str] = (),
    wrap: int | None = None,
) -> None:
    """Print a table on standard output; see `table`."""
    out = console()
    out.print(table(columns, rows, numbers=numbers, expendable=expendable, width=out.width, wrap=wrap))


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    numbers: Sequence[str] = (),
    heading: bool = True,
    expendable: Sequence[str] = (),
    width: int | None = None,
    wrap: int | None = None,
) -> Table:
    """A plain, aligned table.

    Args:
        columns: headings; the first one names things and is never cut.
        rows: cells as text, shown literally.
        numbers: headings of columns that align to the right.
        heading: whether to show the headings.
        expendable: headings of columns to leave out, in this order, until the table fits.
        width: columns of the terminal that it has to fit into.
        wrap: break cells that are longer than this between words before leaving out a column.
    """
    from rich.table import Table  # noqa: PLC0415

    kept = _kept(columns, rows, expendable, width, wrap=wrap)
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=heading, padding=(0, 2, 0, 0))
    for place in kept:
        name = columns[place]
        made.add_column(name, justify="right" if name in numbers else "left", no_wrap=place == 0, overflow="fold")
    for row in rows:
        made.add_row(*(text(row[place]) for place in kept))
    return made


def _kept(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    expendable: Sequence[str],
    width: int | None,
    *,
    wrap: int | None,
) -> list[int]:
    """Places of the columns that fit."""

    def needed(place: int) -> int:
        cells = [columns[place], *(row[place] for row in rows)]
        if wrap is None or place == 0:
            return max(map(len, cells))
        return max(max(min(len(cell), wrap), *map(len, cell.split() or [""])) for cell in cells)

    kept = list(range(len(columns)))
    for name in expendable:
        if width is None or sum(needed(place) + 2 for place in kept) <= width:
            break
        kept.remove(columns.index(name))
    return kept
