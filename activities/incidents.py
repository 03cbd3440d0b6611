"""Opens an incident, and looks at what a solution would do before people are asked about it."""

from __future__ import annotations

from datetime import datetime

from temporalio import activity

from domain.cases.approval import ApprovalQuestion
from domain.cases.records import CaseRecord
from domain.cases.terms import Channels
from domain.errors import ConfigurationProblem, InvalidInput
from domain.model import JsonValue, Value
from domain.playbook.definition import parse_playbook, walk_everything
from domain.playbook.plan import Plan
from domain.playbook.rehearsal import rehearse
from domain.policies.case_policy import CasePolicy
from domain.policies.guardrails import Guardrails
from domain.ports.cases import CaseStore
from domain.ports.configuration import GuardrailSource, PolicySource
from domain.ports.knowledge import IncidentKnowledge
from domain.ports.playbooks import PlaybookLibrary
from domain.ports.tools import ToolBox
from domain.text.redaction import Redactor
from domain.tools.tool import Safety, ToolBrief
from domain.troubleshooting.knowledge import Lesson


class OpenIncidentInput(Value):
    """What is known when an incident is reported."""

    tenant: str
    case_number: str
    incident_id: str
    title: str
    customer_id: str | None = None
    opened_at: datetime
    service: str | None = None
    description: str = ""
    """The beginning of it: tickets are compared with it."""


class KnownPlaybook(Value):
    """A playbook that a solution may run."""

    name: str
    version: str
    title: str
    input_schema: JsonValue = None


class OpenedIncident(Value):
    """What an incident keeps from its start."""

    policy: CasePolicy
    channels: Channels
    guardrails: Guardrails
    tools: dict[str, tuple[ToolBrief, ...]]
    """Capability -> tools that only look, in the order in which they are tried."""
    playbooks: tuple[KnownPlaybook, ...] = ()


class RehearseSolutionInput(Value):
    """A playbook that is proposed."""

    tenant: str
    playbook: str
    arguments: dict[str, JsonValue]
    customer_id: str | None = None


class SolutionCall(Value):
    """One call that the playbook would make."""

    tool: str
    what: str
    arguments: JsonValue = None
    certain: bool = True
    """Whether all arguments are known beforehand; otherwise the run asks again once they are."""
    needs_approval: bool = False
    when: str = ""
    undo: str = ""
    digest: str = ""
    """Of tool and arguments, as an approval binds them; empty when they are not known."""


class RehearsedSolution(Value):
    """What carrying it out would do."""

    version: str = ""
    """Of the playbook that was rehearsed."""
    calls: tuple[SolutionCall, ...] = ()
    problems: tuple[str, ...] = ()
    """Why it could not run, or would be refused; sentences for a person."""

    @property
    def approved(self) -> tuple[str, ...]:
        """Digests of the calls that an approval of the whole covers: those whose arguments people can see."""
        return tuple(call.digest for call in self.calls if call.digest and call.needs_approval)


class LearnInput(Value):
    """What an incident taught."""

    tenant: str
    lesson: Lesson


class IncidentActivities:
    """Receives the library, the tool box, policies, guardrails, the store and what is known of failures."""

    def __init__(
        self,
        *,
        library: PlaybookLibrary,
        toolbox: ToolBox,
        policies: PolicySource,
        guardrails: GuardrailSource,
        store: CaseStore,
        channels: Channels,
        knowledge: IncidentKnowledge | None = None,
    ) -> None:
        """`channels` says which outside systems this installation has; without `knowledge` nothing is learned."""
        self._knowledge = knowledge
        self._library = library
        self._toolbox = toolbox
        self._policies = policies
        self._guardrails = guardrails
        self._store = store
        self._channels = channels

    @activity.defn
    async def open_incident(self, opening: OpenIncidentInput) -> OpenedIncident:
        """Load the tenant's policy, tools and playbooks, and store the case."""
        tools: dict[str, list[ToolBrief]] = {}
        for spec in await self._toolbox.specs(opening.tenant):
            if spec.safety is Safety.SAFE:
                for capability in spec.capabilities:
                    tools.setdefault(capability, []).append(spec.brief())
        await self._store.save_case(
            CaseRecord(
                workflow_id=activity.info().workflow_id or "",
                tenant=opening.tenant,
                kind="troubleshooting",
                case_id=opening.case_number,
                ticket_id=opening.incident_id,
                status="investigating",
                phase="intake_classification",
                subject=opening.title,
                customer_ref=opening.customer_id,
                opened_at=opening.opened_at,
                updated_at=opening.opened_at,
                details={"reported_service": opening.service, "description": opening.description},
            )
        )
        return OpenedIncident(
            policy=self._policies.policy_for(opening.tenant),
            channels=self._channels,
            guardrails=self._guardrails.guardrails_for(opening.tenant),
            tools={capability: tuple(briefs) for capability, briefs in sorted(tools.items())},
            playbooks=tuple(self._playbooks(opening.tenant)),
        )

    @activity.defn
    async def rehearse_solution(self, proposed: RehearseSolutionInput) -> RehearsedSolution:
        """Go through a playbook without calling anything: what people approve is what they see here."""
        try:
            definition = self._library.find(proposed.tenant, proposed.playbook)
            playbook = parse_playbook(definition)
            tools = await self._tools_of(proposed.tenant, definition)
        except InvalidInput as problem:
            return RehearsedSolution(problems=(str(problem),))
        policy = self._policies.policy_for(proposed.tenant)
        plan = rehearse(
            playbook,
            proposed.arguments,
            tools=tools,
            guardrails=self._guardrails.guardrails_for(proposed.tenant),
            ladders=policy.ladders,
            facts={"tenant": proposed.tenant, "customer_id": proposed.customer_id, "started_by": "surehand"},
        )
        denied = [f"{step.name}: {reason}" for step in plan.steps for reason in step.denied]
        return RehearsedSolution(version=plan.version, calls=_calls_of(plan), problems=(*plan.notes, *denied))

    @activity.defn
    async def learn_from_incident(self, learned: LearnInput) -> str:
        """Keep a lesson as a draft, without personal data; nobody finds it before a person reviewed it.

        Returns:
            Its reference, or nothing where no knowledge is kept.
        """
        if self._knowledge is None:
            return ""
        lesson, redactor = learned.lesson, Redactor()
        clean = {name: redactor.redact(getattr(lesson, name)).text for name in ("title", "body")}
        await self._knowledge.learn(learned.tenant, lesson.model_copy(update=clean))
        return f"lesson:{lesson.lesson_id}"

    def _playbooks(self, tenant: str) -> list[KnownPlaybook]:
        found = []
        for name in self._library.names(tenant):
            try:
                definition = self._library.find(tenant, name)
            except (InvalidInput, ConfigurationProblem):
                continue  # a faulty playbook is no choice; `surehand playbook list` says what is wrong with it
            asked = definition.get("input")
            document = definition["document"]
            found.append(
                KnownPlaybook(
                    name=name,
                    version=document["version"],
                    title=document.get("title") or name,
                    input_schema=asked.get("schema") if isinstance(asked, dict) else None,
                )
            )
        return found

    async def _tools_of(self, tenant: str, definition: dict[str, JsonValue]) -> dict[str, tuple[ToolBrief, ...]]:
        """Briefs of the tools that a playbook names; what is called by capability or document is left to the run."""
        tools: dict[str, tuple[ToolBrief, ...]] = {}
        for _, task in walk_everything(parse_playbook(definition)):
            spec = await self._toolbox.find(tenant, task.call) if task.call else None
            if spec is not None:
                tools[spec.name] = (spec.brief(),)
        return tools


def _calls_of(plan: Plan) -> tuple[SolutionCall, ...]:
    return tuple(
        SolutionCall(
            tool=step.tool,
            what=step.what,
            arguments=step.arguments,
            certain=step.certain,
            needs_approval=step.approval is not None,
            when=step.when,
            undo=step.undo,
            digest=_digest(step.tool, step.arguments) if step.certain else "",
        )
        for step in plan.steps
        if step.tool
    )


def _digest(tool: str, arguments: JsonValue) -> str:
    return ApprovalQuestion(action=tool, summary="", arguments=arguments or {}).digest
