"""What people do about the demo's incidents, beside what they do in any case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.ports.evidence import EvidenceStore
from domain.troubleshooting.messages import EvidenceInput
from domain.troubleshooting.state import IncidentState
from starters.demo.acts import Act, Turn
from starters.demo.scenery import Scenery
from starters.incidents import Incidents, upload


@dataclass(frozen=True)
class TimePasses(Act[IncidentState]):
    """Time passes in the outside world while a fix is watched: what builds up slowly shows, or does not."""

    scenery: Scenery
    solution: str
    """Id of the fix."""
    minutes: int

    def since(self, state: IncidentState) -> datetime | None:
        """Since the fix was carried out."""
        watch = state.monitoring
        return watch.started_at if watch is not None and watch.solution_id == self.solution else None

    def is_due(self, state: IncidentState, now: datetime) -> bool:
        """Nobody has to react."""
        return self.since(state) is not None

    async def perform(self, turn: Turn[IncidentState]) -> None:
        """Let it pass."""
        await self.scenery.pass_time(self.minutes)

    @property
    def words(self) -> str:
        """What happens."""
        return f"{self.minutes} minutes pass while fix {self.solution} is watched"


@dataclass(frozen=True)
class AddEvidence(Act[IncidentState]):
    """Whoever claimed the incident brings what was missing."""

    person: str
    files: tuple[Path, ...]
    incidents: Incidents
    store: EvidenceStore

    def since(self, state: IncidentState) -> datetime | None:
        """Since the incident was claimed."""
        return state.claim.claimed_at if state.claim.claimed_by == self.person else None

    async def perform(self, turn: Turn[IncidentState]) -> None:
        """Upload it."""
        refs = [await upload(self.store, turn.tenant, file) for file in self.files]
        more = EvidenceInput(evidence=tuple(refs), person_id=self.person)
        await self.incidents.add_evidence(turn.tenant, turn.case, more)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} adds the missing evidence: {', '.join(file.name for file in self.files)}"


@dataclass(frozen=True)
class FixByHand(Act[IncidentState]):
    """Somebody does by hand what was approved."""

    person: str
    scenery: Scenery
    service: str

    def since(self, state: IncidentState) -> datetime | None:
        """Since it was approved that people do it; it is watched from then on."""
        execution, watch = state.execution, state.monitoring
        return watch.started_at if watch is not None and execution is not None and not execution.run else None

    def is_due(self, state: IncidentState, now: datetime) -> bool:
        """At once: the time in which it has to get better runs."""
        return self.since(state) is not None

    async def perform(self, turn: Turn[IncidentState]) -> None:
        """Do it."""
        await self.scenery.renew_credential(self.service)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} renews the credential of {self.service} by hand, as approved"
