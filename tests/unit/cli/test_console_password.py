"""`surehand console password`: read and never an argument, for people of the directory, with roles that there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import Result

from integrations import password_hash

GOOD = "correct horse battery staple"
Surehand = Callable[..., Result]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hash, "COST", password_hash.Cost(log_n=4, r=8, p=1))


def kept(folder: Path) -> list[tuple[str, str, str, str]]:
    with closing(sqlite3.connect(folder / ".surehand" / "surehand.db")) as connection:
        return connection.execute("SELECT tenant, person_id, hashed, roles FROM passwords ORDER BY tenant").fetchall()


def test_a_password_is_read_kept_as_a_hash_and_taken_away(surehand: Surehand, tmp_path: Path) -> None:
    done = surehand("console", "password", "--as", "Lena.Brandt@example.com", text=f"{GOOD}\n")
    assert done.exit_code == 0, done.output
    assert GOOD not in done.output
    ((tenant, person, hashed, roles),) = kept(tmp_path)
    assert (tenant, person, roles) == ("default", "p-lena", '["agent", "approver"]')
    assert password_hash.fits(GOOD, hashed)
    assert GOOD.encode() not in (tmp_path / ".surehand" / "surehand.db").read_bytes()
    changed = surehand("console", "password", "--as", "p-lena", "--role", "viewer", text="another horse and staple")
    assert changed.exit_code == 0, changed.output
    ((*_, hashed, roles),) = kept(tmp_path)
    assert roles == '["viewer"]'
    assert password_hash.fits("another horse and staple", hashed)
    assert "had no password" in surehand("console", "password", "--as", "p-bert", "--remove").output
    assert "has no password now" in surehand("console", "password", "--as", "p-lena", "--remove").output
    assert kept(tmp_path) == []


@pytest.mark.parametrize(
    ("arguments", "text", "sentence"),
    [
        (("--as", "p-lena"), "short", "A password has 12 to 128 characters"),
        (("--as", "p-lena"), "", "A password has 12 to 128 characters"),
        (("--as", "p-lena", "--role", "root"), GOOD, "There is no role 'root'"),
        (("--as", "p-bert"), GOOD, "has left"),
        (("--as", "p-nobody"), GOOD, "Nobody of tenant default is called"),
        (("--as", "p-dana"), GOOD, "Nobody of tenant default is called"),
        (("--as", "p-lena", "--tenant", "nowhere"), GOOD, "That tenant is not configured"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    surehand: Surehand, tmp_path: Path, arguments: tuple[str, ...], text: str, sentence: str
) -> None:
    refused = surehand("console", "password", *arguments, text=text)
    assert refused.exit_code == 2
    assert sentence in refused.stderr
    assert refused.stderr.startswith("Error: ")
    if (tmp_path / ".surehand" / "surehand.db").exists():
        assert kept(tmp_path) == []


def test_a_password_is_no_argument(surehand: Surehand) -> None:
    assert surehand("console", "password", GOOD, "--as", "p-lena").exit_code == 2
    assert "--password" not in surehand("console", "password", "--help").output


def test_two_that_do_not_match_change_nothing(
    surehand: Surehand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starters.cli import console

    typed = iter([GOOD, "something else altogether", GOOD, GOOD])
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(typed))
    monkeypatch.setattr(console, "_is_typed", lambda: True)
    refused = surehand("console", "password", "--as", "p-lena")
    assert refused.exit_code == 2
    assert "do not match" in refused.stderr
    assert surehand("console", "password", "--as", "p-lena").exit_code == 0
    assert len(kept(tmp_path)) == 1


def test_without_a_local_operator_there_is_no_link_but_a_sentence(surehand: Surehand) -> None:
    refused = surehand("console")
    assert refused.exit_code == 2
    assert "surehand key make" in refused.stderr
