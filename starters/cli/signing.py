"""`surehand signing-key`: a key by which a way in speaks to cases in people's names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("signing-key")(signing_key)


@report.command
async def signing_key(
    name: Annotated[str, typer.Argument(help="Its name, such as service-2026.", show_default=False)],
    file: Annotated[Path, typer.Option(help="Where its private half goes; nobody else may read it.")],
) -> None:
    """Make a key that signs what people say to cases.

    The file is for the service, or whoever else speaks for people (SUREHAND_SIGNING__KEY_FILE). The line that is
    printed is for the workers (SUREHAND_SIGNING__TRUSTED).
    """
    from runtime.temporal.signing import make_key  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.service.access.keys import write_secret  # noqa: PLC0415

    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", name):
        raise InvalidInput("A key's name has letters, digits, dots, dashes or underscores: correct it.")
    if file.exists():
        raise InvalidInput(f"{file} is there already: name a new file, so that no key is lost.")
    private, public = make_key(name)
    try:
        write_secret(file, private)
    except OSError as problem:
        raise InvalidInput(f"{file} cannot be written ({problem.strerror}): name another.") from None
    report.note(f"The private key is in {file}. Workers take what it signs once they trust this line:")
    typer.echo(public)
