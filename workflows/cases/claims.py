"""The claim ladder: a case that was handed over is somebody's, or somebody is being asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.cases.messages import ReassignInput
    from domain.cases.parts import ClaimState
    from domain.cases.records import InterventionRecord
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.policies.case_policy import CasePolicy

from workflows.cases.case import Case, ServedStateT


@dataclass(frozen=True)
class ClaimRung:
    """Who is told that a case waits."""

    name: str
    people: tuple[str, ...]
    channel: str | None


def ladder_of(policy: CasePolicy, team_name: str) -> list[ClaimRung]:
    """The rungs after the handoff itself: the team again, its lead, the next teams, the duty lead, the last owner.

    The catch-all owner ends every ladder, so that no case is left without somebody who is asked.
    """
    rungs: list[ClaimRung] = []
    name: str | None = team_name
    while name is not None:
        team = policy.team(name)
        rungs.append(ClaimRung(f"{team.label}", (), team.slack_channel))
        rungs.append(ClaimRung(f"lead of {team.label}", (team.lead,), team.slack_channel))
        name = team.next_team
    rungs.append(ClaimRung("duty lead", (policy.duty_lead,), policy.emergency_channel))
    rungs.append(ClaimRung("catch-all owner", (policy.catch_all_owner,), policy.emergency_channel))
    return rungs


class Claims:
    """Keeps a handed-over case claimed."""

    def __init__(self, case: Case[ServedStateT], announce: Callable[[str | None], Awaitable[object]]) -> None:
        """`announce` shows in the handoff's chat message who has the case."""
        self._case = case
        self._announce = announce
        self._raised = 0

    @property
    def _claim(self) -> ClaimState:
        return self._case.state.claim

    # Handlers call these; they only change the state, the lane does the rest.

    def claim(self, person_id: str) -> None:
        """Somebody takes the case, or takes it over."""
        now = self._case.now()
        self._claim.claimed_by = person_id
        self._claim.claimed_at = now
        self._claim.last_activity_at = now
        self._claim.announced = False
        self._claim.given_by, self._claim.note, self._claim.given_is_told = None, "", True
        self._case.note(TimelineKind.CLAIM, "claimed the case", person_id)
        self._case.changed()

    def give(self, word: ReassignInput) -> None:
        """Somebody gives the case to a person, who is told with their note."""
        now, before = self._case.now(), self._claim
        self._case.state.unsaved_interventions.append(
            InterventionRecord(
                workflow_id=workflow.info().workflow_id,
                tenant=self._case.state.tenant,
                number=int(self._case.state.begin("audit/parked").rsplit("-", 1)[1]),
                step="claim",
                title=f"Given to {word.to}",
                problem=f"{before.claimed_by} had it" if before.claimed_by else "nobody had it",
                parked_at=before.claimed_at or now,
                action="reassign",
                person_id=word.person_id,
                at=now,
                reason=word.note,
            )
        )
        self._claim.claimed_by = word.to
        self._claim.claimed_at = now
        self._claim.last_activity_at = now
        self._claim.announced = False
        self._claim.given_by, self._claim.note = word.person_id, word.note
        self._claim.given_is_told = word.person_id == word.to
        self._case.note(TimelineKind.CLAIM, f"gave the case to {word.to}: {word.note}", word.person_id)
        self._case.changed()

    def touch(self, person_id: str) -> None:
        """The claimer did something: the claim lives on."""
        if self._claim.claimed_by == person_id:
            self._claim.last_activity_at = self._case.now()

    def move_up(self) -> None:
        """A breach of the SLA moves an unclaimed case up the ladder at once."""
        if self._case.state.people_have_it and self._claim.claimed_by is None:
            self._raised += 1

    # The lane

    async def keep_claimed(self, claim_within: timedelta, team: Callable[[], str], is_over: Callable[[], bool]) -> None:
        """Remind, pass up, watch over the claim, until the case is resolved."""
        if self._claim.rung_since is None:
            self._claim.rung_since = self._case.now()
        while not is_over():
            if self._claim.claimed_by is None:
                await self._wait_for_claim(claim_within, team, is_over)
            else:
                await self._watch_claim(is_over)

    async def _wait_for_claim(
        self, claim_within: timedelta, team: Callable[[], str], is_over: Callable[[], bool]
    ) -> None:
        rungs = ladder_of(self._case.policy, team())
        at_the_end = self._claim.rung >= len(rungs)
        patience = self._case.policy.timers.claim_reminder_repeats_after if at_the_end else claim_within
        raised = self._raised
        since = self._claim.rung_since or self._case.now()
        happened = await self._case.lanes.wait(
            lambda: self._claim.claimed_by is not None or is_over() or self._raised != raised,
            until=since + patience,
            summary=f"Waiting for a claim (rung {self._claim.rung})",
        )
        if self._claim.claimed_by is not None or is_over():
            return
        if happened:
            self._case.note(TimelineKind.CLAIM, "The breach moves the case up the claim ladder")
        await self._climb(rungs)

    async def _climb(self, rungs: list[ClaimRung]) -> None:
        rung = rungs[min(self._claim.rung, len(rungs) - 1)]
        self._claim.rung += 1
        self._claim.rung_since = self._case.now()
        self._case.note(TimelineKind.CLAIM, f"Still unclaimed: {rung.name} is asked")
        context: dict[str, JsonValue] = {
            "case_number": self._case.state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "rung": rung.name,
            "waiting_minutes": self._minutes_unclaimed(),
        }
        step = self._case.state.begin("claim-reminder")
        await self._case.tell_people(rung.people, step, "claim_reminder", context, rung.channel)

    def _minutes_unclaimed(self) -> int:
        handoff = self._case.state.handoff
        since = handoff.completed_at if handoff is not None else None
        return int((self._case.now() - since).total_seconds() // 60) if since is not None else 0

    async def _watch_claim(self, is_over: Callable[[], bool]) -> None:
        holder = self._claim.claimed_by
        if not self._claim.announced:
            self._claim.announced = True
            await self._case.attempt("Show the claim", lambda: self._announce(holder))
            return
        if not self._claim.given_is_told:
            self._claim.given_is_told = True
            await self._tell_who_was_given(holder)
            return
        seen = self._claim.last_activity_at
        expires_at = (seen or self._case.now()) + self._case.policy.timers.claim_expires_after
        happened = await self._case.lanes.wait(
            lambda: is_over() or not self._claim.announced or self._claim.last_activity_at != seen,
            until=expires_at,
            summary="Claim expires without activity",
        )
        if not happened:
            self._expire(holder)

    async def _tell_who_was_given(self, holder: str | None) -> None:
        context: dict[str, JsonValue] = {
            "case_number": self._case.state.case_number,
            "workflow_id": workflow.info().workflow_id,
            "given_by": self._claim.given_by or "",
            "note": self._claim.note,
        }
        people = (holder,) if holder is not None else ()
        await self._case.tell_people(people, self._case.state.begin("case-given"), "case_given", context)

    def _expire(self, holder: str | None) -> None:
        self._claim.claimed_by = None
        self._claim.claimed_at = None
        self._claim.expired_claims += 1
        self._claim.rung = 0
        self._claim.rung_since = self._case.now()
        self._case.note(TimelineKind.CLAIM, f"The claim of {holder} expired without activity")
        self._case.changed()
