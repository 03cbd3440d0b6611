"""The command line called in this process, with nothing of the developer's own environment."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from starters.cli.app import app

SAMPLES = Path(__file__).resolve().parents[3] / "starters" / "samples"


@pytest.fixture
def surehand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """Runs a command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("SUREHAND_"):
            monkeypatch.delenv(name)

    def run(*arguments: str, text: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=text)

    return run


@pytest.fixture
def ticket() -> dict[str, object]:
    """A ticket as a customer's system sends it."""
    return json.loads((SAMPLES / "password-reset.json").read_text("utf-8"))
