"""Options and arguments that several commands share, so that they are called and explained alike."""

from __future__ import annotations

from typing import Annotated

import typer

TenantOption = Annotated[str | None, typer.Option("--tenant", help="Tenant; the settings' one when not given.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print only JSON on standard output.")]
CaseArgument = Annotated[
    str,
    typer.Argument(
        metavar="CASE", help="Ticket id, case number, NAME:KEY of a run, or workflow id.", show_default=False
    ),
]
AsOption = Annotated[
    str, typer.Option("--as", metavar="PERSON", help="Who acts: id, e-mail address or alias.", show_default=False)
]
