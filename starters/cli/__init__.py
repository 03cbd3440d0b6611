"""The command line: `surehand`. One small module per group of commands; each imports what it needs when it runs."""

from __future__ import annotations

import sys

from starters.leaving import leave


def main() -> None:
    """Run the command that the process was called with."""
    from starters.cli.app import app  # noqa: PLC0415 - importing the package alone stays free

    try:
        app(prog_name="surehand")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if "temporalio" in sys.modules:
            leave(code)
        sys.exit(code)
