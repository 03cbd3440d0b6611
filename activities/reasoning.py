"""The reasoning about an incident. Its rules get better all the time, and what they said to a running incident stays.

In workflow code a better rule would make running incidents replay differently. So each thought is a local activity: its
result stands in history, and the next thought may follow newer rules.
"""

from __future__ import annotations

import asyncio

from temporalio import activity

from domain.model import JsonValue, Value
from domain.troubleshooting.classification import classify
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.fixing.solution import propose
from domain.troubleshooting.hypotheses import Diagnosis
from domain.troubleshooting.incident import IncidentClassification, Solution
from domain.troubleshooting.looks import PlannedCall
from domain.troubleshooting.planning import next_calls
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.state import IncidentState


class ClassifyInput(Value):
    """A report or a question."""

    text: str
    evidence: tuple[EvidenceRef, ...] = ()


class Thought(Value):
    """What everything that is known says, and what would be looked at next."""

    diagnosis: Diagnosis
    planned: tuple[PlannedCall, ...] = ()


class ProposeInput(Value):
    """An incident whose cause is accepted, and what could be run against it."""

    state: IncidentState
    schemas: dict[str, JsonValue]
    """Name of a playbook -> schema of its input."""


class ReasoningActivities:
    """Needs nothing but what it is given."""

    @activity.defn
    async def classify_query(self, asked: ClassifyInput) -> IncidentClassification:
        """What a report or a question is about."""
        return classify(asked.text, asked.evidence)

    @activity.defn
    async def think(self, state: IncidentState) -> Thought:
        """Judge all evidence anew, and plan the next round."""
        # A tenth of a second of arithmetic where there are hundreds of findings: the worker's loop has other work.
        return await asyncio.to_thread(_thought, state)

    @activity.defn
    async def propose_solution(self, asked: ProposeInput) -> Solution | None:
        """The best fix that nobody turned down; None when there is none."""
        cause = asked.state.cause
        return propose(asked.state, cause, asked.schemas) if cause is not None else None


def _thought(state: IncidentState) -> Thought:
    state.diagnosed(diagnose(state.known()))
    assert state.diagnosis is not None  # noqa: S101  (just made)
    return Thought(diagnosis=state.diagnosis, planned=next_calls(state))
