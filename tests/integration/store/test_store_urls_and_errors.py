"""Which URLs the store takes, and which of a database's errors mean: try again."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem, VendorRefused, VendorUnavailable
from integrations.store.database.connection import Database, to_json
from integrations.store.database.errors import connection_broke, translate
from integrations.store.database.url import read_store_url


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:///surehand.db", "surehand.db"),
        ("sqlite:////var/lib/surehand.db", "/var/lib/surehand.db"),
        ("sqlite+aiosqlite:////var/lib/surehand.db", "/var/lib/surehand.db"),
    ],
)
def test_a_sqlite_url_names_its_file(url: str, file: str) -> None:
    assert read_store_url(url).file == Path(file)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:p@host:5432/name",
        "postgres://u:p@host:5432/name",
        "postgresql+asyncpg://u:p@host:5432/name",
    ],
)
def test_every_spelling_of_postgresql_uses_our_driver(url: str) -> None:
    assert read_store_url(url).sqlalchemy == "postgresql+asyncpg://u:p@host:5432/name"


def test_sslmode_is_passed_on_in_the_drivers_words() -> None:
    assert read_store_url("postgresql://h/n?sslmode=require").sqlalchemy == "postgresql+asyncpg://h/n?ssl=require"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "surehand.db",
        "mysql://u:geheim@h/n",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://u:geheim@[h/n",
        "postgresql://u:geheim@h/n?channel_binding=require",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_quoting_its_password(url: str) -> None:
    with pytest.raises(ConfigurationProblem) as caught:
        Database(url)
    assert "geheim" not in str(caught.value)


class _Postgres(Exception):
    def __init__(self, sqlstate: str) -> None:
        super().__init__("DETAIL: Key (email)=(anna@example.org) already exists")
        self.sqlstate = sqlstate


@pytest.mark.parametrize("state", ["08006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P03", "42P01"])
def test_what_may_pass_is_tried_again(state: str) -> None:
    assert isinstance(translate(_Postgres(state)), VendorUnavailable)


@pytest.mark.parametrize("state", ["23505", "23502", "22001", "22P05", "42601", "P0001"])
def test_what_breaks_a_rule_is_never_tried_again(state: str) -> None:
    assert isinstance(translate(_Postgres(state)), VendorRefused)


def test_a_translated_error_keeps_the_code_and_nothing_personal() -> None:
    ours = translate(_Postgres("23505"))
    assert ours is not None
    assert (ours.vendor, ours.code) == ("store", "23505")
    assert "anna" not in str(ours)


def test_a_programming_mistake_is_not_hidden() -> None:
    assert translate(KeyError("x")) is None


@pytest.mark.parametrize(("code", "broke"), [("connection", True), ("57P01", True), ("55P03", False)])
def test_only_a_broken_connection_leaves_a_commit_in_doubt(code: str, broke: bool) -> None:
    assert connection_broke(VendorUnavailable("store", code, "")) is broke


def test_json_replaces_nul_and_keeps_a_backslash_before_the_letters() -> None:
    assert to_json("\x00") == '"�"'
    assert to_json("\\u0000") == '"\\\\u0000"'
