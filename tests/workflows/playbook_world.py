"""Playbook runs on the time-skipping server: the real workflow and activities, fake tools behind them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import yaml
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.allowances import AllowanceActivities
from activities.cases import CaseActivities
from activities.directory import DirectoryActivities
from activities.notices import NoticeActivities
from activities.playbook_functions import PlaybookFunctions
from activities.playbooks import PlaybookActivities
from activities.tools import ToolActivities
from domain.cases.approval import ApprovalDecision
from domain.cases.terms import Channels
from domain.errors import InvalidInput
from domain.ids import playbook_workflow_id
from domain.model import JsonValue
from domain.playbook.messages import CloudEvent, PlaybookInput, PlaybookResult
from domain.playbook.state import PlaybookState
from domain.policies.guardrails import Guardrails
from domain.tools.tool import Safety, ToolBrief, ToolSpec
from integrations.rendering import Templates
from runtime.configuration.policies import Configuration
from tests.cancelling import careful_worker
from tests.fakes import (
    FakeAllowances,
    FakeChat,
    FakeDirectory,
    FakeKnowledge,
    FakeMailer,
    FakeModel,
    FakePolicies,
    FakeStore,
    FakeToolBox,
)
from tests.playbook_states import state_when
from tests.skipping import PATIENCE_SECONDS, pass_time
from tests.workflows.conftest import TEMPLATES, _people
from workflows import search_attributes
from workflows.playbook import PlaybookWorkflow

Run = WorkflowHandle[PlaybookWorkflow, PlaybookResult]


def playbook(tasks: str, name: str = "test", **more: Any) -> dict[str, JsonValue]:
    """A definition from the YAML of its tasks."""
    return {
        "document": {"dsl": "1.0.3", "namespace": "tests", "name": name, "version": "1.0.0"},
        **more,
        "do": yaml.safe_load(tasks),
    }


def a_tool(name: str, safety: Safety = Safety.CONFIRM, **more: Any) -> ToolSpec:
    """A tool that the tenant confirmed for playbooks, unless told otherwise."""
    given = {
        "pre_approved": True,
        "idempotent": True,
        "vendor": name.split(".", maxsplit=1)[0],
        "provider": "python",
        **more,
    }
    return ToolSpec(name=name, safety=safety, **given)


class FakeLibrary:
    """Definitions by name."""

    def __init__(self) -> None:
        self.definitions: dict[str, dict[str, JsonValue]] = {}
        self.asked: set[tuple[str, str | None]] = set()
        """Names and versions that were looked for."""

    def find(self, tenant: str, name: str, version: str | None = None) -> dict[str, JsonValue]:
        self.asked.add((name, version))
        if name not in self.definitions:
            raise InvalidInput(f"There is no playbook {name}: see `surehand playbook list`.")
        return self.definitions[name]

    def names(self, tenant: str) -> Sequence[str]:
        return sorted(self.definitions)

    def check(self, definition: dict[str, JsonValue]) -> Sequence[str]:
        return []


class FakePublisher:
    """Keeps events by key."""

    def __init__(self) -> None:
        self.events: dict[str, CloudEvent] = {}

    async def publish(self, event: CloudEvent, *, tenant: str, key: str) -> int:
        self.events[key] = event
        return 1


class FakeGuardrails:
    def __init__(self) -> None:
        self.guardrails = Guardrails()

    def guardrails_for(self, tenant: str) -> Guardrails:
        return self.guardrails


class PlaybookWorld:
    """One worker on fakes, and what a test does to a run."""

    def __init__(self, environment: WorkflowEnvironment, configuration: Configuration) -> None:
        self.environment = environment
        self.client = environment.client
        self.tools = FakeToolBox()
        self.library, self.guardrails, self.allowances = FakeLibrary(), FakeGuardrails(), FakeAllowances()
        self.mailer, self.chat, self.store, self.model = FakeMailer(), FakeChat(), FakeStore(), FakeModel()
        self.policies = FakePolicies(configuration.policy_for("default"))
        self.change_timers(retry_first=timedelta(milliseconds=200), give_up_after=timedelta(seconds=3))
        self.directory = FakeDirectory(_people(configuration))
        self.publisher = FakePublisher()
        self.task_queue = f"test-{uuid.uuid4().hex[:8]}"
        self.continue_after_events: int | None = None

    def change_timers(self, **changes: timedelta) -> None:
        policy = self.policies.policy
        self.policies.policy = policy.model_copy(update={"timers": policy.timers.model_copy(update=changes)})

    def methods(self) -> list[Callable[..., Any]]:
        cases = CaseActivities(self.store, FakeKnowledge(), self.policies, Channels(mail=True, chat=True))
        notices = NoticeActivities(self.mailer, self.chat, Templates(TEMPLATES), self.directory, self.store)
        people = DirectoryActivities(self.directory)
        tools = ToolActivities(self.tools)
        allowances = AllowanceActivities(self.allowances)
        functions = PlaybookFunctions(
            model=self.model,
            mailer=self.mailer,
            chat=self.chat,
            renderer=Templates(TEMPLATES),
            directory=self.directory,
            policies=self.policies,
            publisher=self.publisher,
        )
        opening = PlaybookActivities(
            library=self.library,
            toolbox=self.tools,
            policies=self.policies,
            guardrails=self.guardrails,
            store=self.store,
            channels=Channels(mail=True, chat=True),
        )
        return [
            opening.open_playbook,
            cases.save_case,
            notices.mail_team,
            notices.post_chat,
            people.find_approvers,
            people.check_authority,
            tools.run_tool,
            tools.check_call,
            allowances.reserve_allowance,
            allowances.release_allowance,
            functions.ask_model,
            functions.notify,
            functions.publish_event,
        ]

    @asynccontextmanager
    async def worker(self, **options: Any) -> AsyncIterator[Worker]:
        async with careful_worker(
            self.client,
            task_queue=self.task_queue,
            workflows=[PlaybookWorkflow],
            activities=self.methods(),
            **options,
        ) as worker:
            yield worker

    async def start(self, definition: dict[str, JsonValue], given: JsonValue = None, **more: Any) -> Run:
        name = str(definition["document"]["name"])
        key = more.pop("key", None) or uuid.uuid4().hex[:8]
        return await self.client.start_workflow(
            PlaybookWorkflow.run,
            PlaybookInput(
                tenant="default",
                name=name,
                key=key,
                definition=definition,
                input=given,
                started_by=more.pop("started_by", "p-ivan"),
                continue_after_events=self.continue_after_events,
                **more,
            ),
            id=playbook_workflow_id("default", name, key),
            task_queue=self.task_queue,
            search_attributes=search_attributes.at_playbook_start("default", name),
        )

    async def run(self, definition: dict[str, JsonValue], given: JsonValue = None, **more: Any) -> PlaybookResult:
        """Start a run and wait for its end."""
        async with self.worker():
            run = await self.start(definition, given, **more)
            return await asyncio.wait_for(run.result(), PATIENCE_SECONDS)

    async def pass_time(self, duration: timedelta) -> None:
        await pass_time(self.environment, duration)

    async def until(
        self, run: Run, condition: Callable[[PlaybookState], bool], *, within: float = PATIENCE_SECONDS
    ) -> PlaybookState:
        """Poll the run's state, in real time, until a condition holds."""
        return await state_when(run, condition, within=within)

    async def decide(self, run: Run, *, approve: bool = True, reason: str = "", person: str | None = None) -> None:
        """Decide the open approval as the first person who was asked."""
        state = await self.until(run, lambda s: any(r.rungs and r.rungs[-1].approvers for r in s.pending_approvals))
        request = next(r for r in state.pending_approvals if r.rungs and r.rungs[-1].approvers)
        decision = ApprovalDecision(
            request_id=request.request_id,
            person_id=person or request.rungs[-1].approvers[0],
            approve=approve,
            digest=request.digest,
            reason=reason,
        )
        await run.execute_update(PlaybookWorkflow.decide_approval, decision)


__all__ = ["PlaybookWorld", "Run", "ToolBrief", "a_tool", "playbook"]
