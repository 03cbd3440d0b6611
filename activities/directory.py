"""Activities on the people directory: who may decide, as of now and not as of the case's start."""

from __future__ import annotations

from temporalio import activity

from domain.model import Value
from domain.ports.configuration import Directory


class FindApproversInput(Value):
    """Who is to be asked on one rung."""

    tenant: str
    roles: tuple[str, ...]
    people: tuple[str, ...]
    amount: float | None
    requested_by: str


class Approvers(Value):
    """Who was found."""

    person_ids: tuple[str, ...]


class CheckAuthorityInput(Value):
    """A vote whose authority is to be checked."""

    tenant: str
    person_id: str
    roles: tuple[str, ...]
    people: tuple[str, ...]
    amount: float | None
    requested_by: str


class Authority(Value):
    """Whether a person may decide, now."""

    valid: bool
    reason: str = ""


class CheckHolderInput(Value):
    """Somebody who is to have a case."""

    tenant: str
    person_id: str
    roles: tuple[str, ...]
    """One of these lets them."""


class DirectoryActivities:
    """Receives the directory."""

    def __init__(self, directory: Directory) -> None:
        """Keep the directory, which is read anew at each question."""
        self._directory = directory

    @activity.defn
    async def find_approvers(self, rung: FindApproversInput) -> Approvers:
        """Active people of a rung, without the requester under any name and without those whose limit is too low."""
        requester = self._directory.person(rung.tenant, rung.requested_by)
        found = [
            person.person_id
            for person in self._directory.holders(rung.tenant, rung.roles, rung.people)
            if (requester is None or person.person_id != requester.person_id)
            and not _over_limit(rung.amount, person.approval_limit)
        ]
        return Approvers(person_ids=tuple(found))

    @activity.defn
    async def check_authority(self, vote: CheckAuthorityInput) -> Authority:
        """Check a decision against the directory of this moment."""
        person = self._directory.person(vote.tenant, vote.person_id)
        requester = self._directory.person(vote.tenant, vote.requested_by)
        if person is None or not person.active:
            return Authority(valid=False, reason="is no longer active in the people directory")
        if requester is not None and requester.person_id == person.person_id:
            return Authority(valid=False, reason="asked for it under another name")
        if person not in self._directory.holders(vote.tenant, vote.roles, vote.people):
            return Authority(valid=False, reason="no longer holds a role that may decide")
        if _over_limit(vote.amount, person.approval_limit):
            return Authority(valid=False, reason="may not approve an amount this large")
        return Authority(valid=True)

    @activity.defn
    async def check_holder(self, wanted: CheckHolderInput) -> Authority:
        """Whether somebody may have a case, by the directory of this moment."""
        person = self._directory.person(wanted.tenant, wanted.person_id)
        if person is None or person.person_id != wanted.person_id:
            return Authority(valid=False, reason="is nobody of the people directory")
        if not person.active:
            return Authority(valid=False, reason="has left")
        if not set(person.roles) & set(wanted.roles):
            return Authority(valid=False, reason=f"holds none of the roles {', '.join(wanted.roles)}")
        return Authority(valid=True)


def _over_limit(amount: float | None, limit: float | None) -> bool:
    return amount is not None and limit is not None and amount > limit
