"""The reasoning about an incident. Its rules get better all the time, and what they said to a running incident stays.

In workflow code a better rule would make running incidents replay differently. So each thought is an activity: its
result stands in history, and the next thought may follow newer rules. They are no local activities: one that outlasts a
workflow task stands elsewhere in history than where it was waited for, and a replay may then take another way.
"""

from __future__ import annotations

import asyncio

from temporalio import activity

from domain.model import JsonValue, Value
from domain.ports.configuration import CheckSource
from domain.troubleshooting.answers import CheckAnswer, Meaning, read_answer
from domain.troubleshooting.checks import Check, CheckAsked
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


class ReadCheckInput(Value):
    """What a tool gave for a check."""

    asked: CheckAsked
    output: JsonValue
    tool: str


class ReasoningActivities:
    """Looks up what an installation's engineers look at by hand; else it needs nothing but what it is given."""

    def __init__(self, checks: CheckSource | None = None, meaning: Meaning = lambda _: None) -> None:
        """`meaning` says what the words of a line tell, as for lines of logs; without `checks` there are none."""
        self._checks = checks
        self._meaning = meaning

    @activity.defn
    async def classify_query(self, asked: ClassifyInput) -> IncidentClassification:
        """What a report or a question is about."""
        return classify(asked.text, asked.evidence)

    @activity.defn
    async def think(self, state: IncidentState) -> Thought:
        """Judge all evidence anew, and plan the next round."""
        # A tenth of a second of arithmetic where there are hundreds of findings: the worker's loop has other work.
        return await asyncio.to_thread(_thought, state, self._checks_of(state))

    @activity.defn
    async def read_check(self, read: ReadCheckInput) -> CheckAnswer:
        """What the answer of a check says."""
        # A pattern of somebody's configuration may take its time over much text.
        return await asyncio.to_thread(read_answer, read.asked, read.output, self._meaning, source=read.tool)

    @activity.defn
    async def propose_solution(self, asked: ProposeInput) -> Solution | None:
        """The best fix that nobody turned down; None when there is none."""
        cause = asked.state.cause
        if cause is None:
            return None
        return propose(asked.state, cause, asked.schemas, self._checks_of(asked.state))

    def _checks_of(self, state: IncidentState) -> tuple[Check, ...]:
        return self._checks.checks_for(state.tenant) if self._checks is not None else ()


def _thought(state: IncidentState, checks: tuple[Check, ...]) -> Thought:
    state.diagnosed(diagnose(state.known()))
    assert state.diagnosis is not None  # noqa: S101  (just made)
    return Thought(diagnosis=state.diagnosis, planned=next_calls(state, checks))
