"""Opens a playbook run: everything that a run keeps from its start is looked up here, once."""

from __future__ import annotations

import hashlib
from datetime import datetime

from temporalio import activity

from domain.cases.records import CaseRecord
from domain.cases.terms import Channels
from domain.errors import InvalidInput
from domain.model import JsonValue, Value
from domain.playbook.definition import Playbook, Task, parse_playbook, walk_everything
from domain.playbook.state import OpenedPlaybook
from domain.policies.case_policy import CasePolicy
from domain.ports.cases import CaseStore
from domain.ports.configuration import GuardrailSource, PolicySource
from domain.ports.playbooks import PlaybookLibrary
from domain.ports.tools import ToolBox
from domain.tools.tool import ToolBrief, ToolSpec, canonical, is_reserved


class OpenPlaybookInput(Value):
    """What is known when a run starts."""

    tenant: str
    name: str
    version: str | None = None
    definition: dict[str, JsonValue] | None = None
    case_number: str
    customer_id: str | None = None
    opened_at: datetime


class OpenPlaybookResult(Value):
    """What the run needs to go on."""

    policy: CasePolicy
    channels: Channels
    opened: OpenedPlaybook


class PlaybookActivities:
    """Receives the library, the tool box, policies, guardrails and the store."""

    def __init__(
        self,
        *,
        library: PlaybookLibrary,
        toolbox: ToolBox,
        policies: PolicySource,
        guardrails: GuardrailSource,
        store: CaseStore,
        channels: Channels,
    ) -> None:
        """`channels` says which outside systems this installation has."""
        self._library = library
        self._toolbox = toolbox
        self._policies = policies
        self._guardrails = guardrails
        self._store = store
        self._channels = channels

    @activity.defn
    async def open_playbook(self, opening: OpenPlaybookInput) -> OpenPlaybookResult:
        """Find and check the definition, bind its calls to tools, and store the case.

        Raises:
            InvalidInput: there is no such playbook, it is faulty, or it calls a tool that the tenant does not have.
        """
        definition = self._definition(opening)
        playbook = parse_playbook(definition)
        tools = await self._bind(opening.tenant, playbook)
        await self._store.save_case(
            CaseRecord(
                workflow_id=activity.info().workflow_id or "",
                tenant=opening.tenant,
                kind="playbook",
                case_id=opening.case_number,
                ticket_id=opening.case_number,
                status="running",
                phase="running",
                subject=playbook.document.title or playbook.document.name,
                customer_ref=opening.customer_id,
                opened_at=opening.opened_at,
                updated_at=opening.opened_at,
            )
        )
        return OpenPlaybookResult(
            policy=self._policies.policy_for(opening.tenant),
            channels=self._channels,
            opened=OpenedPlaybook(
                definition=definition,
                version=playbook.document.version,
                digest=hashlib.sha256(canonical(definition).encode()).hexdigest(),
                tools=tools,
                guardrails=self._guardrails.guardrails_for(opening.tenant),
            ),
        )

    def _definition(self, opening: OpenPlaybookInput) -> dict[str, JsonValue]:
        if opening.definition is None:
            return self._library.find(opening.tenant, opening.name, opening.version)
        faults = self._library.check(opening.definition)
        if faults:
            more = f" ({len(faults) - 1} more: run `surehand playbook validate` on it)" if len(faults) > 1 else ""
            raise InvalidInput(f"The playbook is faulty: {faults[0]}{more}")
        return opening.definition

    async def _bind(self, tenant: str, playbook: Playbook) -> dict[str, tuple[ToolBrief, ...]]:
        tools: dict[str, tuple[ToolBrief, ...]] = {}
        for reference, task in _calls(playbook):
            if task.call in playbook.use.functions:
                continue
            name, specs = await self._bound(tenant, reference, task)
            if name:
                tools[name] = tuple(spec.brief() for spec in specs)
        for brief in [brief for several in tools.values() for brief in several]:
            if brief.undo is not None and brief.undo.tool not in tools:
                tools[brief.undo.tool] = (await self._tool(tenant, brief.undo.tool, brief.name),)
        return tools

    async def _bound(self, tenant: str, reference: str, task: Task) -> tuple[str, list[ToolSpec]]:
        """Under which name a call finds its tool, and the tools."""
        given, call = task.with_, task.call or ""
        if call == "http":
            name = f"http.{str(given.get('method', '')).lower()}"
            return name, [await self._spec(tenant, name, reference)]
        if call == "openapi":
            document = given.get("document") or {}
            endpoint = document.get("endpoint") if isinstance(document, dict) else None
            address = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
            return reference, [await self._toolbox.find_operation(tenant, str(address), str(given.get("operationId")))]
        if call == "mcp":
            return reference, [await self._mcp_tool(tenant, given, reference)]
        if call == "use":
            capability = str(given.get("capability"))
            specs = list(await self._toolbox.choose(tenant, capability))
            if not specs:
                raise InvalidInput(
                    f"{reference} wants the capability {capability!r}, which no tool has: configure one."
                )
            return f"capability:{capability}", specs
        if is_reserved(call):
            return "", []
        return call, [await self._spec(tenant, call, reference)]

    async def _mcp_tool(self, tenant: str, given: dict[str, JsonValue], reference: str) -> ToolSpec:
        parameters = given.get("parameters") or {}
        transport = given.get("transport") or {}
        http = transport.get("http") if isinstance(transport, dict) else None
        endpoint = http.get("endpoint") if isinstance(http, dict) else None
        address = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
        spec = await self._toolbox.find_mcp_tool(tenant, str(address), str(parameters.get("name")))
        if spec is None:
            raise InvalidInput(f"{reference} calls an MCP server that is not configured: add it to tools.yaml.")
        return spec

    async def _spec(self, tenant: str, name: str, wanted_by: str) -> ToolSpec:
        spec = await self._toolbox.find(tenant, name)
        if spec is None:
            raise InvalidInput(f"{wanted_by} calls {name!r}, which is no tool here: see `surehand tool list`.")
        return spec

    async def _tool(self, tenant: str, name: str, wanted_by: str) -> ToolBrief:
        return (await self._spec(tenant, name, wanted_by)).brief()


def _calls(playbook: Playbook) -> list[tuple[str, Task]]:
    return [(reference, task) for reference, task in walk_everything(playbook) if task.call is not None]
