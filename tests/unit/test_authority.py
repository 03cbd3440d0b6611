"""Who may decide: looked up when it is asked and again when it is answered, against the directory of that moment."""

from __future__ import annotations

import pytest

from activities.directory import CheckAuthorityInput, DirectoryActivities, FindApproversInput
from domain.identity.people import Person
from tests.fakes import FakeDirectory

ROLES = ("finance_manager",)


def somebody(name: str, **more: object) -> Person:
    fields: dict[str, object] = {"person_id": name, "name": name, "email": f"{name}@example.com", "roles": ROLES}
    return Person.model_validate({**fields, **more})


@pytest.fixture
def directory() -> FakeDirectory:
    return FakeDirectory(
        [
            somebody("p-small", approval_limit=100),
            somebody("p-large", approval_limit=1_000),
            somebody("p-free", aliases=("U-FREE",)),
            somebody("p-gone", active=False),
            somebody("p-other", roles=("agent",)),
        ]
    )


async def asked(directory: FakeDirectory, amount: float | None, by: str = "surehand") -> tuple[str, ...]:
    rung = FindApproversInput(tenant="default", roles=ROLES, people=(), amount=amount, requested_by=by)
    return (await DirectoryActivities(directory).find_approvers(rung)).person_ids


async def verdict(directory: FakeDirectory, person: str, *, amount: float | None = None, by: str = "surehand") -> str:
    vote = CheckAuthorityInput(
        tenant="default", person_id=person, roles=ROLES, people=(), amount=amount, requested_by=by
    )
    found = await DirectoryActivities(directory).check_authority(vote)
    assert found.valid is (found.reason == "")
    return found.reason


async def test_only_who_may_approve_so_much_is_asked(directory: FakeDirectory) -> None:
    assert await asked(directory, 100) == ("p-small", "p-large", "p-free")
    assert await asked(directory, 100.01) == ("p-large", "p-free")
    assert await asked(directory, 1_000.01) == ("p-free",)
    assert await asked(directory, None) == ("p-small", "p-large", "p-free")


async def test_who_asks_is_not_asked_under_any_of_their_names(directory: FakeDirectory) -> None:
    for name in ("p-free", "p-free@example.com", "U-FREE"):
        assert await asked(directory, 100, by=name) == ("p-small", "p-large")


async def test_a_decision_above_the_deciders_limit_does_not_count(directory: FakeDirectory) -> None:
    assert await verdict(directory, "p-small", amount=100) == ""
    assert "an amount this large" in await verdict(directory, "p-small", amount=100.01)
    assert await verdict(directory, "p-free", amount=1e9) == ""


async def test_nobody_decides_for_themselves_under_another_name(directory: FakeDirectory) -> None:
    for name in ("p-free", "p-free@example.com", "U-FREE"):
        assert "under another name" in await verdict(directory, "p-free", by=name)


async def test_who_left_or_lost_the_role_decides_nothing(directory: FakeDirectory) -> None:
    assert "no longer active" in await verdict(directory, "p-gone")
    assert "no longer active" in await verdict(directory, "p-nobody")
    assert "no longer holds a role" in await verdict(directory, "p-other")
