"""A tool box for tests: a provider that does what a test says, a tenant's policy, and gates that open quickly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from domain.ports.effects import EffectLedger
from domain.tools.tool import Safety, ToolCall, ToolSpec
from domain.tools.tool_policy import ProviderSettings, ToolPolicy, VendorSettings
from integrations.tools.circuit import Gates, VendorGate
from integrations.tools.provider import CallContext, ProviderAnswer
from integrations.tools.toolbox import Tools
from tests.vendor_world import MemoryLedger


def spec(name: str = "stock.reserve", **changes: Any) -> ToolSpec:
    fields: dict[str, Any] = {
        "vendor": "warehouse",
        "provider": "openapi",
        "source": "warehouse",
        "target": "https://warehouse.example/v1",
        "safety": Safety.SAFE,
        "idempotent": True,
    }
    return ToolSpec(**{"name": name, **fields, **changes})


class Shelf:
    """A provider. `answer` is an output, an exception, or a function of call and context that gives either."""

    def __init__(self, *specs: ToolSpec, answer: Any = None, name: str = "warehouse") -> None:
        self._name = name
        self.tools = list(specs)
        self.answer = answer
        self.made: list[ToolCall] = []
        self.contexts: list[CallContext] = []

    @property
    def name(self) -> str:
        return self._name

    async def specs(self) -> Sequence[ToolSpec]:
        return self.tools

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        self.made.append(call)
        self.contexts.append(context)
        answer = self.answer
        if callable(answer) and not isinstance(answer, BaseException):
            answer = answer(call, context)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, ProviderAnswer) else ProviderAnswer(output=answer)


class Policies:
    """One policy for every tenant."""

    def __init__(self, policy: ToolPolicy) -> None:
        self.policy = policy

    def tools_for(self, tenant: str) -> ToolPolicy:
        return self.policy


def toolbox(
    *providers: Any,
    policy: ToolPolicy | None = None,
    ledger: EffectLedger | None = None,
    vendors: dict[str, VendorSettings] | None = None,
    uniform: Callable[[float, float], float] = lambda low, high: low,
) -> Tools:
    listed = {name: ProviderSettings() for provider in providers for name in [provider.name]}
    settings = vendors or {}

    def gate(vendor: str, treated: VendorSettings) -> VendorGate:
        return VendorGate(vendor, treated, uniform=uniform)

    return Tools(
        providers,
        Policies(policy or ToolPolicy(providers=listed)),
        ledger or MemoryLedger(),
        vendors=settings,
        task_queue="surehand",
        gates=Gates(settings, gate=gate),
    )


async def call_of(
    box: Tools, name: str, arguments: dict[str, Any] | None = None, key: str = "playbook:t:1/a"
) -> ToolCall:
    """A call bound to the tool as it is now."""
    found = await box.find("default", name)
    digest = found.digest if found is not None else ""
    return ToolCall(tool=name, arguments=arguments or {}, key=key, tenant="default", digest=digest)


async def run(box: Tools, call: ToolCall, attempt: int = 1) -> Any:
    return await box.run(call, attempt=attempt, beat=lambda: None)


def patience(**changes: Any) -> VendorSettings:
    """Settings of a vendor, in seconds."""
    return VendorSettings(
        **{
            name: timedelta(seconds=value) if name in ("stays_open", "spread") else value
            for name, value in changes.items()
        }
    )
