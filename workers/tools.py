"""Assembles the tool box of a process: every provider that the configuration names, and the queues of slow vendors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import Interceptor, PollerBehaviorAutoscaling, Worker, WorkerDeploymentConfig

from activities.boundary import Boundary
from domain.ports.effects import EffectLedger
from domain.tools.tool_policy import VendorSettings
from integrations.tools.mcp.configuration import McpServers
from integrations.tools.openapi.assembly import http_providers
from integrations.tools.openapi.by_address import Texts, TextsInMemory
from integrations.tools.openapi.configuration import OpenApiSources, WebConfiguration
from integrations.tools.provider import ToolProvider
from integrations.tools.python import PythonTools
from integrations.tools.toolbox import Tools, vendor_queue
from runtime.configuration.policies import Configuration
from runtime.settings.environment import Settings, WorkerSettings
from workers.correlating import Correlates


def build_toolbox(
    settings: Settings,
    configuration: Configuration,
    ledger: EffectLedger,
    *,
    owners: Sequence[object] = (),
    texts: Texts | None = None,
) -> Tools:
    """The tool box over every configured provider; nothing is read or started before its first use.

    Args:
        settings: of this process.
        configuration: with `tools.yaml`.
        ledger: for tools that are not idempotent.
        owners: objects whose marked methods are tools, such as `builtin_tools` makes.
        texts: where addresses of OpenAPI documents are kept for all workers (the case store); this process's memory
            when None.

    Raises:
        ConfigurationProblem: a provider's configuration cannot be used, or a secret that it names is not set.
    """
    return Tools(
        _providers(settings, configuration, owners, texts or TextsInMemory()),
        configuration,
        ledger,
        vendors=configuration.vendors,
        task_queue=settings.temporal.task_queue,
    )


def _providers(
    settings: Settings, configuration: Configuration, owners: Sequence[object], texts: Texts
) -> Sequence[ToolProvider]:
    """In the order in which they have a say over a name: our own code first."""
    over_http = http_providers(
        configuration.section("tools", "openapi", OpenApiSources).placed(settings.servers),
        configuration.section("tools", "web", WebConfiguration),
        secrets=settings.secrets,
        folders=configuration.dirs,
        texts=texts,
    )
    return [PythonTools(*owners), *over_http, *_mcp_servers(settings, configuration)]


def _mcp_servers(settings: Settings, configuration: Configuration) -> Sequence[ToolProvider]:
    servers = configuration.section("tools", "mcp", McpServers)
    if not servers.root:
        return ()
    from integrations.tools.mcp.provider import mcp_providers  # noqa: PLC0415 - the SDK takes a second to load

    return mcp_providers(servers, secrets=settings.secrets)


def vendor_workers(
    client: Client,
    run_tool: Callable[..., Any],
    *,
    task_queue: str,
    vendors: Mapping[str, VendorSettings],
    settings: WorkerSettings,
    deployment: WorkerDeploymentConfig,
    watching: Sequence[Interceptor] = (),
) -> list[Worker]:
    """One worker for each vendor that is called only so many times a second, on the vendor's own queue.

    The server hands out that many activities a second over all workers of the queue, so the limit holds however many
    processes there are. Nothing may run eagerly, because eager activities do not pass the queue.
    """
    return [
        Worker(
            client,
            task_queue=vendor_queue(task_queue, name),
            activities=[run_tool],
            interceptors=[Correlates(), *watching, Boundary()],
            max_concurrent_activities=settings.max_concurrent_activities,
            max_task_queue_activities_per_second=vendor.calls_per_second,
            disable_eager_activity_execution=True,
            activity_task_poller_behavior=PollerBehaviorAutoscaling(),
            graceful_shutdown_timeout=timedelta(seconds=settings.graceful_shutdown_seconds),
            deployment_config=deployment,
        )
        for name, vendor in vendors.items()
        if vendor.calls_per_second is not None
    ]
