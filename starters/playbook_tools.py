"""The tools, guardrails and ladders of a tenant, for commands that look at playbooks and call nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.cases.records import EffectEntry
from domain.errors import SurehandError
from domain.model import JsonValue
from domain.playbook.definition import Playbook, Task, walk_everything
from domain.playbook.outline import mapping
from domain.policies.case_policy import Ladder
from domain.policies.guardrails import Guardrails
from domain.tools.tool import ToolBrief
from integrations.tools.toolbox import Tools
from runtime.configuration.policies import Configuration
from runtime.settings.environment import Settings
from workers.clients import toolbox_to_look_at


@dataclass(frozen=True)
class KnownTools:
    """What is known of a tenant without a server."""

    by_name: Mapping[str, ToolBrief]
    guardrails: Guardrails
    ladders: Mapping[str, Ladder]
    by_call: Mapping[str, tuple[ToolBrief, ...]] = field(default_factory=dict)
    """As a run keeps them: by name, `capability:NAME`, or path of a task."""


class _NoLedger:
    """Stands where the tool box keeps effects; looking at tools has none."""

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        raise NotImplementedError("nothing is called here")

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        raise NotImplementedError("nothing is called here")

    async def release(self, key: str) -> None:
        raise NotImplementedError("nothing is called here")


async def known_tools(
    settings: Settings, tenant: str, playbook: Playbook | None = None, *, configuration: Configuration | None = None
) -> KnownTools:
    """What the configuration says of a tenant's tools. Calls none of them.

    Args:
        settings: of this command.
        tenant: whose.
        playbook: whose calls of OpenAPI operations and MCP tools are looked up, too.
        configuration: of the installation, where it was read before.

    Raises:
        ConfigurationProblem: the configuration cannot be used.
    """
    configuration = configuration or Configuration.from_settings(settings)
    toolbox = toolbox_to_look_at(settings, configuration, _NoLedger())
    try:
        specs = await toolbox.specs(tenant)
        by_call: dict[str, tuple[ToolBrief, ...]] = {spec.name: (spec.brief(),) for spec in specs}
        for capability in {name for spec in specs for name in spec.capabilities}:
            chosen = await toolbox.choose(tenant, capability)
            by_call[f"capability:{capability}"] = tuple(spec.brief() for spec in chosen)
        if playbook is not None:
            by_call |= await _operations(toolbox, tenant, playbook)
    finally:
        await toolbox.close()
    return KnownTools(
        by_name={spec.name: spec.brief() for spec in specs},
        guardrails=configuration.guardrails_for(tenant),
        ladders=configuration.policy_for(tenant).ladders,
        by_call=by_call,
    )


async def _operations(toolbox: Tools, tenant: str, playbook: Playbook) -> dict[str, tuple[ToolBrief, ...]]:
    found: dict[str, tuple[ToolBrief, ...]] = {}
    for path, task in walk_everything(playbook):
        try:
            spec = await _operation(toolbox, tenant, task)
        except SurehandError:
            continue  # the dry run says that there is no tool
        if spec is not None:
            found[path] = (spec,)
    return found


async def _operation(toolbox: Tools, tenant: str, task: Task) -> ToolBrief | None:
    given = task.with_
    if task.call == "openapi":
        address = _address(mapping(given.get("document")).get("endpoint"))
        return (await toolbox.find_operation(tenant, address, str(given.get("operationId")))).brief()
    if task.call == "mcp":
        address = _address(mapping(mapping(given.get("transport")).get("http")).get("endpoint"))
        spec = await toolbox.find_mcp_tool(tenant, address, str(mapping(given.get("parameters")).get("name")))
        return spec.brief() if spec is not None else None
    return None


def _address(endpoint: JsonValue) -> str:
    return str(endpoint.get("uri") if isinstance(endpoint, dict) else endpoint)
