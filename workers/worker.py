"""One worker process: activities with their clients, workflows, and the Temporal worker that runs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.allowances import AllowanceActivities
from activities.boundary import Boundary
from activities.cases import CaseActivities
from activities.directory import DirectoryActivities
from activities.notices import NoticeActivities
from activities.playbook_functions import PlaybookFunctions
from activities.replies import ReplyActivities
from activities.ticketing import CustomerActivities, TicketingActivities
from activities.tools import ToolActivities
from activities.triage import TriageActivities
from domain.case import Channels
from domain.ports import (
    Allowances,
    Billing,
    CaseStore,
    CustomerRecords,
    Directory,
    EventPublisher,
    KnowledgeBase,
    LanguageModel,
    Mailer,
    PolicySource,
    Renderer,
    TeamChat,
    TicketSystem,
    ToolBox,
)
from domain.rules import RulesEngine
from runtime.settings import Settings, WorkerSettings
from runtime.telemetry import create_runtime
from runtime.temporal import connect
from workers.clients import Clients, open_clients
from workers.tools import vendor_workers
from workflows.escalation import EscalationWorkflow

WORKFLOWS: Sequence[type] = (EscalationWorkflow,)
DEPLOYMENT = "surehand"
_VALUES = ("domain", "activities", "annotated_types", "typing_extensions")
"""Imported once per process: values and activity modules, which hold no state of a workflow."""

logger = logging.getLogger(__name__)


def workflow_runner(*, strict: bool = False) -> SandboxedWorkflowRunner:
    """The sandbox that workers and replay use.

    Args:
        strict: import the modules of `workflows` anew for every run, so that whatever is not deterministic in them is
            caught. Costs 65 ms a run, which is why tests do it and workers do not.
    """
    passed_through = _VALUES if strict else (*_VALUES, "workflows")
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed_through))


def activity_methods(
    *,
    store: CaseStore,
    knowledge: KnowledgeBase,
    policies: PolicySource,
    directory: Directory,
    model: LanguageModel,
    rules: RulesEngine,
    renderer: Renderer,
    mailer: Mailer | None,
    chat: TeamChat | None,
    tickets: TicketSystem | None,
    records: CustomerRecords | None,
    billing: Billing | None,
    channels: Channels,
    toolbox: ToolBox | None = None,
    allowances: Allowances | None = None,
    publisher: EventPublisher | None = None,
) -> list[Callable[..., Any]]:
    """Every activity, on its clients. The one list that workers and tests register.

    Without a tool box there are no tools, and a name that is not listed here is no activity. Limits per day need a
    store that counts.
    """
    tools = ToolActivities(toolbox) if toolbox is not None else None
    cases = CaseActivities(store, knowledge, policies, channels)
    triage = TriageActivities(model, rules, store)
    replies = ReplyActivities(model, rules)
    notices = NoticeActivities(mailer, chat, renderer, directory, store)
    ticketing = TicketingActivities(tickets)
    customers = CustomerActivities(records, billing)
    people = DirectoryActivities(directory)
    counts = AllowanceActivities(allowances) if allowances is not None else None
    functions = PlaybookFunctions(
        model=model,
        mailer=mailer,
        chat=chat,
        renderer=renderer,
        directory=directory,
        policies=policies,
        publisher=publisher,
    )
    return [
        cases.open_case,
        cases.save_case,
        cases.record_outcome,
        triage.classify_ticket,
        triage.analyse_ticket,
        triage.decide_escalation,
        triage.assess_message,
        replies.draft_reply,
        notices.mail_customer,
        notices.mail_team,
        notices.post_chat,
        notices.delete_chat,
        ticketing.escalate_ticket,
        ticketing.revert_ticket,
        ticketing.add_ticket_note,
        ticketing.set_ticket_status,
        ticketing.read_ticket_status,
        customers.update_customer_profile,
        customers.refund_customer,
        customers.cancel_refund,
        customers.credit_customer,
        customers.reverse_credit,
        people.find_approvers,
        people.check_authority,
        functions.ask_model,
        functions.notify,
        functions.publish_event,
        *([counts.reserve_allowance, counts.release_allowance] if counts is not None else ()),
        *([tools.run_tool, tools.check_call] if tools is not None else ()),
    ]


def build_worker(
    client: Client, methods: list[Callable[..., Any]], task_queue: str, settings: WorkerSettings
) -> Worker:
    """The Temporal worker.

    Args:
        client: connected, with the product's data converter.
        methods: from `activity_methods`.
        task_queue: where it polls; the starters' queue.
        settings: how much it takes on.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=methods,
        interceptors=[Boundary()],
        workflow_runner=workflow_runner(),
        max_cached_workflows=settings.max_cached_workflows,
        max_concurrent_workflow_tasks=settings.max_concurrent_workflow_tasks,
        max_concurrent_activities=settings.max_concurrent_activities,
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_timeout_seconds),
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
        deployment_config=deployment_of(settings),
    )


def deployment_of(settings: WorkerSettings) -> WorkerDeploymentConfig | None:
    """What versions this process's workers; None when they are not versioned."""
    if settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=settings.build_id),
        use_worker_versioning=True,
        # Cases live for days: they move to new code, which replays their histories (see docs/releasing.md).
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


def methods_of(clients: Clients) -> list[Callable[..., Any]]:
    """The activities on real clients."""
    return activity_methods(
        store=clients.store.cases,
        knowledge=clients.store.knowledge,
        policies=clients.configuration,
        directory=clients.configuration,
        model=clients.model,
        rules=clients.rules,
        renderer=clients.renderer,
        mailer=clients.mailer,
        chat=clients.chat,
        tickets=clients.tickets,
        records=clients.records,
        billing=clients.billing,
        channels=clients.channels,
        toolbox=clients.toolbox,
        allowances=clients.store.allowances,
        publisher=clients.publisher,
    )


async def run(settings: Settings, *, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
    """Run a worker until `stop` is set.

    Args:
        settings: of this process.
        stop: set it to let the worker finish its activities and end.
        ready: called once the worker polls.

    Raises:
        ConfigurationProblem: settings or configuration cannot be used.
        NotReachable: Temporal or the store does not answer.
    """
    clients, client = await asyncio.gather(open_clients(settings), connect(settings, runtime=create_runtime(settings)))
    try:
        for note in await clients.toolbox.verify(clients.configuration.tenants):
            logger.warning(note)
        async with AsyncExitStack() as running:
            for worker in _workers(client, clients, settings):
                await running.enter_async_context(worker)
            logger.info("worker is ready", extra={"task_queue": settings.temporal.task_queue})
            ready()
            await stop.wait()
            logger.info("worker is stopping")
    finally:
        await clients.toolbox.close()
        await clients.store.close()


def _workers(client: Client, clients: Clients, settings: Settings) -> list[Worker]:
    queue = settings.temporal.task_queue
    limited = vendor_workers(
        client,
        ToolActivities(clients.toolbox).run_tool,
        task_queue=queue,
        vendors=clients.configuration.vendors,
        settings=settings.worker,
        deployment=deployment_of(settings.worker),
    )
    return [build_worker(client, methods_of(clients), queue, settings.worker), *limited]
