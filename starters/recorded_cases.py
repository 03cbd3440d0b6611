"""Recorded cases: what tools printed of real trouble, given to the product as a user would give it.

A case is a folder with a question (`test_case.yaml`, or the alert in `investigate_request.json`) and texts. Every text
is evidence: what it is, is told by its content, the incident's own plan says what reads it, and nothing but readers of
evidence is there, as on a machine that reaches none of the systems in question.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from domain.errors import InvalidInput, SurehandError
from domain.model import Value
from domain.troubleshooting.classification import classify
from domain.troubleshooting.evidence import EvidenceRef, Findings
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.looks import PlannedCall
from domain.troubleshooting.planning import next_calls
from domain.troubleshooting.reasoning.diagnosis import diagnose
from domain.troubleshooting.records import QueryRecord
from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.guidance import answer_by_rules
from domain.troubleshooting.telling.report import markdown
from domain.troubleshooting.terms import ToolFallback
from domain.troubleshooting.topology import Topology
from integrations.evidence.kinds import HEAD_BYTES, kind_of
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse
from integrations.tools.builtin.evidence import Cluster, EvidenceTools, Maps, Pieces, Records
from integrations.tools.provider import CallContext
from starters.cli.incident_view import incident_page
from starters.evaluation import EvidenceFiles

QUESTION = "test_case.yaml"
ALERT = "investigate_request.json"
_CONTEXT = CallContext(key="recorded", tenant="evaluation", attempt=1)
_ROUNDS = 8
_PAGE_WIDTH = 1_000
"""Columns of the page: no line is broken, so that a line can be compared as a whole."""
_OUT_OF_REACH = "Only what was recorded can be read here."


class Answered(Value):
    """What the product says of one case: what a person reads, and what it rests on."""

    case: str
    question: str
    answer: str
    """To the question, by rules."""
    report: str
    """In Markdown, as it is exported."""
    page: str
    """As `surehand case show` prints it."""
    leading: str | None = None
    """Id of the hypothesis in first place; None when nothing is suspected."""
    accepted: tuple[str, ...] = ()
    kinds: dict[str, str]
    """Name of each text -> what it was taken for."""


def cases_in(folder: Path) -> list[Path]:
    """The cases below a folder, by name.

    Raises:
        InvalidInput: there is none.
    """
    found = sorted((path.parent for path in folder.glob(f"**/{QUESTION}")), key=lambda case: (case.name, case.parent))
    if not found:
        raise InvalidInput(f"There is no recorded case below {folder}: give a folder with a {QUESTION} in each case.")
    return found


async def answered(case: Path) -> Answered:
    """Let the product look into one case.

    Args:
        case: its folder.

    Raises:
        InvalidInput: it has no question.
    """
    state, question = await _looked_into(case)
    query = QueryRecord(message_id="Q1", author="user", text=question, asked_at=state.opened_at)
    diagnosis = state.diagnosis
    suspects = [one for one in (diagnosis.hypotheses if diagnosis else ()) if one.service is not None]
    accepted = (diagnosis.accepted, *diagnosis.also) if diagnosis is not None else ()
    return Answered(
        case=case.name,
        question=question,
        answer=answer_by_rules(state, query)[0],
        report=markdown(state),
        page=_page(state),
        leading=suspects[0].hypothesis_id if suspects else None,
        accepted=tuple(one for one in accepted if one),
        kinds={one.name: one.kind.value for one in state.evidence},
    )


def _page(state: IncidentState) -> str:
    paper = StringIO()
    Console(file=paper, width=_PAGE_WIDTH, no_color=True).print(
        incident_page("troubleshooting:evaluation:INC-1", state)
    )
    return paper.getvalue()


async def _looked_into(case: Path) -> tuple[IncidentState, str]:
    """Upload everything, and go on looking as an incident does, until nothing more can be learned."""
    files = _texts_of(case)
    desk, now = _Desk(files), datetime.now(UTC)
    evidence = tuple(desk.uploaded(file) for file in files)
    title, description = _reported(case)
    report = IncidentReport(incident_id="INC-1", title=title, description=description, evidence=evidence)
    state = IncidentState.opened("evaluation", "incident:INC-1", report, now)
    state.classification = classify(report.text, evidence)
    for _ in range(_ROUNDS):
        state.diagnosed(diagnose(state.known()))
        planned = next_calls(state)
        if not planned:
            break
        for call in planned:
            await desk.make(state, call, now)
    return state, report.text


def _texts_of(case: Path) -> list[Path]:
    return sorted(path for path in case.iterdir() if path.is_file() and path.name != QUESTION)


def _reported(case: Path) -> tuple[str, str]:
    """Title and description: the question, or what the alert says and of whom."""
    document = yaml.safe_load((case / QUESTION).read_text(encoding="utf-8")) or {}
    asked = document.get("user_prompt")
    if asked:
        lines = [asked] if isinstance(asked, str) else [str(line) for line in asked]
        return lines[0][:300], "\n".join(lines[1:])
    try:
        alert = json.loads((case / ALERT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidInput(f"{case.name} has neither a question nor an alert: add one.") from None
    title = " ".join([str(alert.get("title") or "Alert"), *_about(alert.get("subject"))])
    return title[:300], str(alert.get("description") or "")


def _about(subject: Any) -> Iterator[str]:
    if isinstance(subject, Mapping):
        yield from (str(subject[key]) for key in ("subject_type", "kind", "name", "namespace") if subject.get(key))


class _Desk:
    """The tools that read evidence, by capability, on the files of one case."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._store = EvidenceFiles(files)
        tools = EvidenceTools(self._store)
        self._by_capability: dict[str, Callable[[Mapping[str, Any]], Awaitable[Findings | Topology]]] = {
            "kubernetes.analyse": lambda asked: tools.kubernetes(Cluster.model_validate(asked), _CONTEXT),
            "metrics.analyse": lambda asked: tools.metrics(Pieces.model_validate(asked), _CONTEXT),
            "changes.read": lambda asked: tools.changes(Records.model_validate(asked), _CONTEXT),
            "traces.analyse": lambda asked: tools.traces(Maps.model_validate(asked), _CONTEXT),
            "topology.read": lambda asked: tools.topology(Maps.model_validate(asked), _CONTEXT),
            "logs.analyse": self._logs,
        }

    def uploaded(self, file: Path) -> EvidenceRef:
        """A file as it is known once it is uploaded."""
        content = file.read_bytes()
        kind = kind_of(file.name, content[:HEAD_BYTES])
        return EvidenceRef(reference=self._store.reference(file), name=file.name, kind=kind, size_bytes=len(content))

    async def make(self, state: IncidentState, planned: PlannedCall, now: datetime) -> None:
        """Make one planned call, and take what it gives."""
        tool, problem, found = self._by_capability.get(planned.capability), _OUT_OF_REACH, None
        if tool is not None:
            try:
                found = await tool(planned.arguments)
            except SurehandError as error:
                problem = str(error)
        findings = found if isinstance(found, Findings) else Findings()
        call = state.record_call(
            planned.capability,
            planned.arguments,
            now,
            why=planned.why,
            outcome=problem if found is None else findings.summary or "Who calls whom was read.",
            tool=planned.capability if found is not None else None,
            ok=found is not None,
            level=ToolFallback.BEST_MATCH if found is not None else ToolFallback.MANUAL_INSTRUCTIONS,
            tells_apart=planned.tells_apart,
        )
        if found is not None:
            topology = found if isinstance(found, Topology) else None
            state.observe(call, findings, reads=planned.reads, topology=topology)

    async def _logs(self, asked: Mapping[str, Any]) -> Findings:
        files = [
            LogFile(path=await self._store.path("", one["reference"]), name=one["name"], service=one.get("service"))
            for one in asked["evidence"]
        ]
        around = datetime.fromisoformat(asked["around"]) if asked.get("around") else None
        question = LogQuestion(files=tuple(files), around=around, services=tuple(asked.get("services", ())))
        return await asyncio.to_thread(analyse, question)
