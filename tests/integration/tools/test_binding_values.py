"""Values that go beside a statement are bound by the database and never become text of it."""

from __future__ import annotations

import pytest

from integrations.databases.statement import Scalar
from integrations.tools.provider import NotAllowed
from tests.integration.tools.orders_world import World

HOSTILE = [
    "' OR 1=1 --", "x'; DELETE FROM orders; --", "a\nb", "\u202e\u0430", "x" * 10_000, ":id", "$1", "1) OR (1=1",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
async def test_a_value_is_bound_and_never_read_as_sql(world: World, value: str) -> None:
    same = await world.ask("SELECT count(*) AS n FROM orders WHERE mail = :mail OR id = :id", {"mail": value, "id": 2})
    assert same.rows == ({"n": 1},)
    assert (await world.ask("SELECT :mail AS said", {"mail": value}, redact=False)).rows == ({"said": value},)
    assert await world.orders() == 3


async def test_values_of_every_kind_are_bound_wherever_their_place_stands(world: World) -> None:
    given: dict[str, Scalar] = {"least": 15.5, "id": 2, "yes": True, "none": None}
    sql = "SELECT id, ':id' AS quoted FROM orders WHERE amount > :least AND id = :id AND :yes AND :none IS NULL"
    assert (await world.ask(sql, given)).rows == ({"id": 2, "quoted": ":id"},)
    assert (await world.ask("EXPLAIN SELECT id FROM orders WHERE id = :id", {"id": 1})).count >= 1
    if world.kind == "postgresql":
        dated = await world.ask("SELECT CAST(:at AS timestamptz) AS at, 1::int AS n", {"at": "2026-03-02T14:05:00Z"})
        assert dated.rows[0]["n"] == 1


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT ':mail'", "SELECT 1::mail"])
async def test_a_value_without_a_place_is_refused(world: World, sql: str) -> None:
    with pytest.raises(NotAllowed, match="no place for one of its parameters"):
        await world.ask(sql, {"mail": "a"})
