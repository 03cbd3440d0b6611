"""What cases answer to that people serve a customer, or an incident, in: somebody takes it, and parked steps go on."""

from __future__ import annotations

from typing import ClassVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.directory import CheckHolderInput, DirectoryActivities
    from domain.cases.messages import Accepted, ClaimInput, ReassignInput, UnparkInput

from workflows import options
from workflows.cases.case import Case, ServedStateT
from workflows.cases.claims import Claims
from workflows.cases.lifecycle import Lifecycle


class ServedLifecycle(Lifecycle[ServedStateT]):
    """The part that escalations and incidents have in common."""

    case: Case[ServedStateT]
    claims: Claims

    THING: ClassVar[str]
    """What people call it: `case` or `incident`."""
    NOT_HANDED_OVER: ClassVar[str]
    """Why there is nothing to claim; a sentence."""
    HOLDERS: ClassVar[tuple[str, ...]]
    """Roles of the people directory of which one lets somebody be given it."""

    @workflow.update
    def claim(self, claim: ClaimInput) -> Accepted:
        """Somebody takes it."""
        if self.state.claim.claimed_by != claim.person_id:
            self.claims.claim(claim.person_id)
        return self._accepted(f"The {self.THING} is yours.")

    @claim.validator
    def _check_claim(self, claim: ClaimInput) -> None:
        self._refuse_when_over()
        holder = self.state.claim.claimed_by
        if not self.state.people_have_it:
            raise ApplicationError(self.NOT_HANDED_OVER, non_retryable=True)
        if holder is not None and holder != claim.person_id and not claim.take_over:
            raise ApplicationError(
                f"{holder} has this {self.THING}: talk to them, or take it over.", non_retryable=True
            )

    @workflow.update
    async def reassign(self, word: ReassignInput) -> Accepted:
        """Somebody gives it to a named person, whoever has it now."""
        authority = await self.case.do(
            DirectoryActivities.check_holder,
            CheckHolderInput(tenant=self.state.tenant, person_id=word.to, roles=self.HOLDERS),
            "Check who is to have it",
            options.directory(self.case.policy.timers),
        )
        # Somebody else may have said something meanwhile.
        self._check_reassign(word)
        if not authority.valid:
            raise ApplicationError(f"{word.to} {authority.reason}: give it to somebody else.", non_retryable=True)
        self.claims.give(word)
        return self._accepted(f"{word.to} has the {self.THING} now, and is told.")

    @reassign.validator
    def _check_reassign(self, word: ReassignInput) -> None:
        self._refuse_when_over()
        if not self.state.people_have_it:
            raise ApplicationError(self.NOT_HANDED_OVER, non_retryable=True)
        if self.state.claim.claimed_by == word.to:
            raise ApplicationError(f"{word.to} has this {self.THING} already.", non_retryable=True)
        if not word.note.strip():
            raise ApplicationError("The note is empty: say what the person needs to know.", non_retryable=True)

    @workflow.update
    def unpark(self, word: UnparkInput) -> Accepted:
        """A person says how a parked step goes on."""
        return self._accepted(f"{self.case.take_word(word).title}: {word.action.label}.")

    @unpark.validator
    def _check_unpark(self, word: UnparkInput) -> None:
        why = self.case.refusal_of(word)
        if why is None and word.arguments is not None:
            why = "Only the retry of a tool's call takes other arguments."
        if why is not None:
            raise ApplicationError(why, non_retryable=True)

    @property
    def _is_over(self) -> bool:
        return self.state.closed or self.state.withdrawn
