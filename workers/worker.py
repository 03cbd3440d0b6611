"""One worker process: activities with their clients, workflows, and the Temporal worker that runs them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from importlib.metadata import version
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxRestrictions

from activities.boundary import Boundary
from activities.tools import ToolActivities
from runtime.settings.environment import Settings, WorkerSettings
from runtime.telemetry.logs import create_runtime
from runtime.telemetry.measures import Measures
from runtime.telemetry.tracing import start_tracing
from runtime.temporal.connection import connect
from runtime.temporal.signing import TrustedKeys, trusted_of
from workers.clients import Clients, open_clients
from workers.correlating import Correlates
from workers.evidence_keeping import removing_old_evidence
from workers.measuring import Measuring, count_vendor_calls
from workers.registered import methods_of
from workers.sandboxed import Sandbox
from workers.slots import tuner_of
from workers.timely import TimelySandbox
from workers.tools import vendor_workers
from workers.trusting import TakesSignedWords
from workers.webhook_waking import waking_senders
from workflows.escalation import EscalationWorkflow
from workflows.playbook import PlaybookWorkflow
from workflows.troubleshooting import TroubleshootingWorkflow
from workflows.webhooks import WebhookWorkflow

WORKFLOWS: Sequence[type] = (EscalationWorkflow, PlaybookWorkflow, TroubleshootingWorkflow, WebhookWorkflow)
DEPLOYMENT = "surehand"
_VALUES = ("domain", "activities", "annotated_types", "typing_extensions")
"""Imported once per process: values and activity modules, which hold no state of a workflow."""

logger = logging.getLogger(__name__)


def workflow_runner(*, strict: bool = False, live: bool = False) -> Sandbox:
    """The sandbox that workers and replay use.

    Args:
        live: for runs that go on, which take no event early; not for replay.
        strict: import the modules of `workflows` anew for every run, so that whatever is not deterministic in them is
            caught. Costs 65 ms a run, which is why tests do it and workers do not.
    """
    passed_through = _VALUES if strict else (*_VALUES, "workflows")
    sandbox = TimelySandbox if live else Sandbox
    return sandbox(restrictions=SandboxRestrictions.default.with_passthrough_modules(*passed_through))


def build_worker(
    client: Client,
    methods: list[Callable[..., Any]],
    task_queue: str,
    settings: WorkerSettings,
    watching: Sequence[Interceptor] = (),
    *,
    trusted: TrustedKeys | None = None,
) -> Worker:
    """The Temporal worker.

    Args:
        client: connected, with the product's data converter.
        methods: from `workers.registered`.
        task_queue: where it polls; the starters' queue.
        settings: how much it takes on.
        watching: interceptors that only look on.
        trusted: whose signatures people's words need; None takes unsigned words too.
    """
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=methods,
        interceptors=[Correlates(), TakesSignedWords(trusted), *watching, Boundary()],
        workflow_runner=workflow_runner(live=True),
        max_cached_workflows=settings.max_cached_workflows,
        tuner=tuner_of(
            settings.max_concurrent_workflow_tasks,
            settings.max_concurrent_activities,
            settings.max_young_activities,
        ),
        workflow_task_poller_behavior=PollerBehaviorAutoscaling(),
        activity_task_poller_behavior=PollerBehaviorAutoscaling(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=settings.sticky_timeout_seconds),
        graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
        deployment_config=deployment_of(settings),
    )


def deployment_of(settings: WorkerSettings) -> WorkerDeploymentConfig:
    """Which release this process's workers are of, versioned where the settings name a build.

    A release is always named, since the SDK would otherwise read all modules of the process to make up a name: a third
    of what the start of a worker costs.
    """
    is_versioned = settings.build_id is not None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=settings.build_id or version(DEPLOYMENT)),
        use_worker_versioning=is_versioned,
        # Cases live for days: they move to new code, which replays their histories (see docs/releasing.md).
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE if is_versioned else VersioningBehavior.UNSPECIFIED,
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
    tracing, runtime = start_tracing(settings, "surehand-worker"), create_runtime(settings)
    measures = Measures(runtime.metric_meter)
    clients, client = await asyncio.gather(
        open_clients(settings, measures),
        connect(settings, runtime=runtime, interceptors=tracing.interceptors if tracing else ()),
    )
    stop_counting = count_vendor_calls(measures)
    try:
        for note in await clients.toolbox.verify(clients.configuration.tenants):
            logger.warning(note)
        keep = timedelta(days=settings.evidence.keep_days)
        async with AsyncExitStack() as running:
            await running.enter_async_context(removing_old_evidence(clients.evidence, keep))
            for worker in _workers(client, clients, settings, Measuring(measures, clients.toolbox)):
                await running.enter_async_context(worker)
            await running.enter_async_context(_waking(client, clients, settings))
            logger.info("worker is ready", extra={"task_queue": settings.temporal.task_queue})
            ready()
            await stop.wait()
            logger.info("worker is stopping")
    finally:
        stop_counting()
        await clients.model.close()
        await clients.toolbox.close()
        await clients.store.close()
        if tracing is not None:
            await tracing.close()


def _workers(client: Client, clients: Clients, settings: Settings, measuring: Measuring) -> list[Worker]:
    queue = settings.temporal.task_queue
    limited = vendor_workers(
        client,
        ToolActivities(clients.toolbox).run_tool,
        task_queue=queue,
        vendors=clients.configuration.vendors,
        settings=settings.worker,
        deployment=deployment_of(settings.worker),
        watching=(measuring,),
    )
    trusted = trusted_of(settings.signing)
    return [build_worker(client, methods_of(clients), queue, settings.worker, (measuring,), trusted=trusted), *limited]


def _waking(client: Client, clients: Clients, settings: Settings) -> AbstractAsyncContextManager[None]:
    rules = clients.configuration.delivery_rules
    return waking_senders(client, clients.store.outbox, settings.temporal.task_queue, rules.keep)
