"""Looking for the cause: plan, execute, observe, plan again, until it is known or a person is needed."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError
from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from activities.reasoning import ClassifyInput, ReadCheckInput, ReasoningActivities
    from activities.supposing import SupposeInput, SupposingActivities
    from domain.cases.timeline import TimelineKind
    from domain.guarding import judge_call
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.policies.guardrails import RuleAction
    from domain.tools.tool import ToolBrief, ToolCall, ToolResult
    from domain.triage.classification import Origin
    from domain.troubleshooting.evidence import Findings
    from domain.troubleshooting.looks import PlannedCall
    from domain.troubleshooting.planning import is_all_read
    from domain.troubleshooting.state import IncidentState
    from domain.troubleshooting.supposing import Supposed, material
    from domain.troubleshooting.terms import ModelFallback, ToolFallback, TroublePhase
    from domain.troubleshooting.topology import Topology

from workflows import options
from workflows.cases.case import Case, problem_of
from workflows.incidents.changes import SUPPOSING, holds
from workflows.incidents.opened import Opened

MOST_QUESTIONS = 3
"""So often a model is asked about one incident's cause: each time with something new to say."""


class Investigation:
    """Finds the cause of one incident, or says honestly that it cannot."""

    def __init__(self, case: Case[IncidentState], opened: Opened) -> None:
        """Work on an incident."""
        self._case = case
        self._opened = opened

    @property
    def _state(self) -> IncidentState:
        return self._case.state

    def enter(self, phase: TroublePhase, trigger: str) -> None:
        """Go to a phase, and write down why."""
        if self._state.enter(phase, self._case.now(), trigger):
            self._case.note(TimelineKind.CASE, f"{phase.label.capitalize()}: {trigger}")
            self._case.changed()

    async def take_in(self) -> None:
        """Classify the report."""
        state = self._state
        if state.classification is not None:
            return
        self.enter(TroublePhase.INTAKE_CLASSIFICATION, "The incident was reported")
        asked = ClassifyInput(text=state.report.text, evidence=tuple(state.evidence))
        state.classification = await self._case.think(ReasoningActivities.classify_query, asked, "Classify the report")

    async def look(self) -> str | None:
        """One whole look: round after round, until the cause is accepted or nothing more can be learned.

        Returns:
            None when a cause is accepted; else why not, in a sentence for people.
        """
        state = self._state
        state.spent.resume(self._case.now())
        self.enter(TroublePhase.CONTEXT_GATHERING, "What the user gave is read")
        why = await self._rounds()
        state.spent.pause(self._case.now())
        return why

    async def _rounds(self) -> str | None:
        state = self._state
        while True:
            why = state.budget.exceeded(state.spent, self._case.now())
            if why is not None:
                return why
            planned = await self.think()
            asking = self._model_may_help()
            if not planned and not asking:
                return self._conclusion()
            state.spent.iterations += 1
            looking = [self._execute(call) for call in planned[: self._calls_left()]]
            await asyncio.gather(*looking, *([self._suppose()] if asking else []))

    def _calls_left(self) -> int:
        return max(1, int(self._state.budget.left(self._state.spent, self._case.now())["tool_calls"]))

    def _conclusion(self) -> str | None:
        if self._state.cause is not None:
            return None
        diagnosis = self._state.diagnosis
        return (diagnosis.why_not if diagnosis is not None else "") or "There is no evidence that points to a cause."

    async def think(self) -> tuple[PlannedCall, ...]:
        """Judge everything anew; what would be worth looking at next."""
        state = self._state
        thought = await self._case.think(ReasoningActivities.think, thinkable(state), "Think")
        if not state.observed:
            return thought.planned
        state.diagnosis = diagnosis = thought.diagnosis
        radius = diagnosis.blast_radius
        self.enter(TroublePhase.DEFINE_BLAST_RADIUS, f"{len(radius.affected)} services show symptoms")
        onset = diagnosis.onset.isoformat(timespec="minutes") if diagnosis.onset is not None else "not known"
        self.enter(TroublePhase.ESTABLISH_TIMELINE, f"Onset: {onset}")
        self.enter(TroublePhase.FORMULATE_HYPOTHESIS, f"{len(diagnosis.hypotheses)} possible causes")
        cause = state.cause
        said = cause.sentence if cause is not None else diagnosis.why_not or "Nothing carries a cause yet."
        self.enter(TroublePhase.VALIDATE_HYPOTHESIS, said)
        return thought.planned

    # Ask a model

    def _model_may_help(self) -> bool:
        """Whether the rules settled nothing, and a model would be shown something new."""
        state = self._state
        if not state.channels.model or state.cause is not None or not state.observed or not is_all_read(state):
            return False
        if len(state.shown_to_model) >= MOST_QUESTIONS or material(state).digest in state.shown_to_model:
            return False
        return holds(SUPPOSING)

    async def _suppose(self) -> None:
        """Have a model name possible causes, and what would tell them apart. Nothing of it is carried out as it is."""
        state = self._state
        why = state.budget.model_exceeded(state.spent)
        shown = material(state)
        state.shown_to_model.append(shown.digest)
        if why is not None:
            state.fell_back("model", ModelFallback.STRUCTURED_GUIDANCE.value, "possible causes", self._case.now(), why)
            return
        asked = SupposeInput(
            tenant=state.tenant, step=state.begin("suppose"), material=shown, budget=self._case.policy.budget
        )
        supposed = await self._case.attempt(
            "Ask a model for possible causes",
            lambda: self._case.do(
                SupposingActivities.suppose_causes,
                asked,
                "Ask a model for possible causes",
                options.model(self._case.policy.timers),
            ),
        )
        state.spent.model_calls += 1
        if supposed is None:
            supposed = Supposed(origin=Origin(provider="rules", degraded=True, note="No model answered."))
        origin = supposed.origin
        state.spent.tokens += origin.input_tokens + origin.output_tokens
        state.model_cost += origin.cost
        if origin.degraded:
            level = ModelFallback.STRUCTURED_GUIDANCE if origin.provider == "rules" else ModelFallback.SECONDARY
            state.fell_back("model", level.value, "possible causes", self._case.now(), origin.note)
        if origin.provider != "rules":
            state.suppose(supposed.causes, supposed.looks)
            self._case.note(TimelineKind.STEP, _what_was_supposed(supposed))

    # Execute

    async def _execute(self, planned: PlannedCall) -> None:
        """Make one planned call: by the best tool, else by another that can do it, else a person is told how."""
        state = self._state
        state.spent.tool_calls += 1
        problem = "no tool can do this here"
        for place, brief in enumerate(self._opened.tools_for(planned.capability)):
            level = ToolFallback.BEST_MATCH if place == 0 else ToolFallback.ALTERNATIVE
            try:
                result = await self._call(brief, planned)
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise asyncio.CancelledError from None
                problem = problem_of(error)
                continue
            if result.refusal is not None:
                problem = result.refusal.sentence
                continue
            if place:
                state.fell_back("tool", level.value, planned.capability, self._case.now(), problem)
            await self._observe(planned, brief, result, level)
            return
        state.fell_back("tool", ToolFallback.MANUAL_INSTRUCTIONS.value, planned.capability, self._case.now(), problem)
        state.record_call(
            planned.capability,
            planned.arguments,
            self._case.now(),
            why=planned.why,
            outcome=f"Could not be done: {problem} By hand: {planned.by_hand}",
            ok=False,
            level=ToolFallback.MANUAL_INSTRUCTIONS,
            tells_apart=planned.tells_apart,
        )
        self._case.note(TimelineKind.STEP, f"Could not be done: {planned.why} ({problem})")

    async def _call(self, brief: ToolBrief, planned: PlannedCall) -> ToolResult:
        state = self._state
        facts: dict[str, JsonValue] = {
            "tenant": state.tenant,
            "customer_id": state.report.customer_id,
            "incident": state.case_number,
            "undoing": False,
            "totals": {},
        }
        verdict = judge_call(self._opened.guardrails, brief, planned.arguments, facts)
        if verdict.action in (RuleAction.DENY, RuleAction.REQUIRE_APPROVAL):
            return ToolResult.model_validate(
                {"refusal": {"kind": "not_allowed", "sentence": " ".join(verdict.reasons)}}
            )
        arguments = verdict.value if isinstance(verdict.value, dict) else planned.arguments
        step = state.begin(f"look/{planned.capability}")
        call = ToolCall(
            tool=brief.name,
            arguments=arguments,
            key=effect_key(workflow.info().workflow_id, step),
            tenant=state.tenant,
            digest=brief.digest,
        )
        config = self._case.shown_as(planned.why[:200], options.tool(brief, self._case.policy.timers))
        result: ToolResult = await workflow.execute_activity(brief.name, call, result_type=ToolResult, **config)
        return result

    async def _observe(self, planned: PlannedCall, brief: ToolBrief, result: ToolResult, level: ToolFallback) -> None:
        """Take what a tool gave. It is data: what does not have the form of findings is not looked at."""
        state = self._state
        if planned.check is not None:
            read = ReadCheckInput(asked=planned.check, output=result.output, tool=brief.name)
            answer = await self._case.think(ReasoningActivities.read_check, read, "Read the answer")
            findings, topology, problem = answer.findings, None, answer.problem
        else:
            findings, topology, problem = read_output(result)
        said = f"{len(topology.names())} services, {len(topology.calls)} calls" if topology is not None else ""
        outcome = problem or findings.summary or said or "Nothing was found."
        call = state.record_call(
            planned.capability,
            planned.arguments,
            self._case.now(),
            why=planned.why,
            outcome=outcome,
            tool=brief.name,
            ok=not problem,
            level=level,
            tells_apart=planned.tells_apart,
        )
        if not problem:
            state.observe(call, findings, reads=planned.reads, topology=topology)


def _what_was_supposed(supposed: Supposed) -> str:
    said = f"A language model named {len(supposed.causes)} possible causes and {len(supposed.looks)} looks"
    return f"{said}; {supposed.dropped} were dropped, for they name nothing that is known" if supposed.dropped else said


def thinkable(state: IncidentState) -> IncidentState:
    """The part of a state that reasoning looks at."""
    return state.model_copy(
        update={"policy": None, "timeline": [], "conversation": [], "approvals": {}, "sent": [], "seen_message_ids": []}
    )


def read_output(result: ToolResult) -> tuple[Findings, Topology | None, str]:
    """What a tool found, the graph where it gave one, and why its output cannot be used."""
    output = result.output
    if not isinstance(output, dict):
        return Findings(), None, "The tool gave nothing that can be read."
    try:
        if "findings" in output or "changes" in output:
            # A tool may say more, such as whether a probed service is healthy.
            known = {name: output[name] for name in Findings.model_fields if name in output}
            return Findings.model_validate(known), None, ""
        if "services" in output and "calls" in output:
            return Findings(), Topology.model_validate(output), ""
    except ValidationError:
        return Findings(), None, "The tool's answer does not have the form of findings."
    return Findings(summary=str(output.get("summary") or "")[:300]), None, ""
