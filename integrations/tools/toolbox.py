"""The tool box: every call of a tool goes through here. Check, gate, ledger, provider, cap.

What a provider gives is not trusted: it is made clean, measured and cut. An output that does not fit the tool's own
output schema is noted in the log and passed on, because the effect has happened and refusing its answer undoes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from domain.errors import InvalidInput, OutcomeUnknown, VendorUnavailable
from domain.ports.configuration import ToolPolicySource
from domain.ports.effects import EffectLedger
from domain.tools.tool import RefusalKind, Safety, ToolCall, ToolRefusal, ToolResult, ToolSpec
from domain.tools.tool_policy import VendorSettings
from integrations.tools.arguments import fault_of_schema, fault_of_size
from integrations.tools.cap import DEEPEST, cap, clean, deeper_than
from integrations.tools.circuit import Admission, Gates
from integrations.tools.effects import once
from integrations.tools.provider import (
    CallContext,
    ChecksCalls,
    FindsEffects,
    FindsOperations,
    KeepsOpen,
    NamesVendor,
    NotAllowed,
    ProviderAnswer,
    ToolChanged,
    ToolProvider,
)
from integrations.tools.python import PROVIDER as PYTHON
from integrations.tools.registry import Entry, ToolRegistry

MCP = "mcp"
_ENVELOPE_LIMIT_BYTES = 16_000
"""For the headers of an answer, and for what is told of a request."""

logger = logging.getLogger(__name__)


class Tools:
    """`domain.ports.tools.ToolBox` over providers."""

    def __init__(
        self,
        providers: Sequence[ToolProvider],
        policies: ToolPolicySource,
        ledger: EffectLedger,
        *,
        vendors: Mapping[str, VendorSettings] | None = None,
        task_queue: str = "surehand",
        gates: Gates | None = None,
    ) -> None:
        """Keep the providers; nothing is read before the first use.

        Args:
            providers: in the order in which they have a say over a name.
            policies: which tools a tenant may use.
            ledger: for tools that are not idempotent.
            vendors: by name; those that are not named have the defaults.
            task_queue: of the workers; a rate-limited vendor's own begins with it (`vendor_queue`).
            gates: for tests.
        """
        vendors = vendors or {}
        self._registry = ToolRegistry(
            providers, policies, vendors=vendors, queue_of=lambda vendor: vendor_queue(task_queue, vendor)
        )
        self._ledger = ledger
        self._gates = gates or Gates(vendors)

    async def verify(self, tenants: Sequence[str]) -> list[str]:
        """Read every provider; see `ToolRegistry.verify`."""
        return await self._registry.verify(tenants)

    async def close(self) -> None:
        """End what the providers keep open, such as sessions and processes."""
        await self._registry.close()
        for provider in self._registry.providers:
            if isinstance(provider, KeepsOpen):
                await provider.close()

    async def specs(self, tenant: str) -> Sequence[ToolSpec]:
        """All tools that the tenant may use, by name."""
        entries = await self._registry.entries(tenant)
        return [entries[name].spec for name in sorted(entries)]

    async def find(self, tenant: str, name: str) -> ToolSpec | None:
        """One tool; None when the tenant has none of that name."""
        entry = await self._registry.entry_of(tenant, name)
        return entry.spec if entry is not None else None

    async def choose(self, tenant: str, capability: str) -> Sequence[ToolSpec]:
        """The tools with a capability, in the configured order; those without a place in it last, by name."""
        specs = [spec for spec in await self.specs(tenant) if capability in spec.capabilities]
        return sorted(specs, key=lambda spec: (self._registry.rank(tenant, capability, spec.name), spec.name))

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec:
        """The tool for one operation of an OpenAPI document.

        Raises:
            InvalidInput: no such document or operation, or the tenant may not use it.
            VendorError: the document could not be read.
        """
        for provider in self._registry.providers:
            if isinstance(provider, FindsOperations):
                spec = await provider.find_operation(tenant, document, operation_id)
                entry = self._registry.entry(tenant, spec, provider) if spec is not None else None
                if entry is not None:
                    return entry.spec
        raise InvalidInput("There is no such operation, or it may not be used: list its document in tools.yaml.")

    async def find_mcp_tool(self, tenant: str, address: str, name: str) -> ToolSpec | None:
        """The tool of a configured MCP server, by the server's address; None when no such server is configured."""
        targets = {f"{address} {name}", f"{address.rstrip('/')} {name}"}
        return next(
            (spec for spec in await self.specs(tenant) if spec.provider == MCP and spec.target in targets), None
        )

    async def check(self, call: ToolCall) -> ToolRefusal | None:
        """Whether a call could be made: tool, digest, size, arguments, and what its provider has to say."""
        checked = await self._checked(call)
        return checked if isinstance(checked, ToolRefusal) else None

    async def run(self, call: ToolCall, *, attempt: int, beat: Callable[[], None]) -> ToolResult:
        """Make a call, once per `call.key` as far as the vendor or the ledger allows.

        Raises:
            VendorError: as every client does. While the vendor's circuit is open or it told us to wait, the error says
                when to come back.
        """
        started = time.monotonic()
        checked = await self._checked(call)
        if isinstance(checked, ToolRefusal):
            return ToolResult(refusal=checked, attempt=attempt)
        context = CallContext(key=call.key, tenant=call.tenant, attempt=attempt, beat=beat)
        try:
            async with self._gates.of(_vendor_of(checked, call)).admitted() as admission:
                result = await self._made(checked, call, context, admission)
        except (InvalidInput, NotAllowed) as error:
            result = ToolResult(refusal=_refusal_of(error))
        return result.model_copy(update={"attempt": attempt, "duration_ms": round((time.monotonic() - started) * 1000)})

    async def circuit_of(self, vendor: str) -> str:
        """Where a vendor's circuit breaker stands: `closed`, `half-opened` or `opened`."""
        return await self._gates.of(vendor).state()

    async def _checked(self, call: ToolCall) -> Entry | ToolRefusal:
        entry = await self._registry.entry_of(call.tenant, call.tool)
        if entry is None:
            sentence = f"There is no tool {call.tool} for this tenant: enable it in tools.yaml or correct its name."
            return ToolRefusal(kind=RefusalKind.UNKNOWN_TOOL, sentence=sentence)
        spec = entry.spec
        unbound = not call.digest and spec.safety is not Safety.SAFE
        if unbound or (call.digest and call.digest != spec.digest):
            sentence = f"{call.tool} is not what the call was made for: look at it anew and ask again."
            return ToolRefusal(kind=RefusalKind.TOOL_CHANGED, sentence=sentence)
        fault = fault_of_size(call.arguments) or await asyncio.to_thread(
            fault_of_schema, call.arguments, spec.input_schema, call.tool, trusted=spec.provider == PYTHON
        )
        if fault is not None:
            return ToolRefusal(kind=RefusalKind.INVALID_ARGUMENTS, sentence=fault)
        try:
            if isinstance(entry.provider, ChecksCalls):
                await entry.provider.check(spec, call)
        except (InvalidInput, NotAllowed) as error:
            return _refusal_of(error)
        return entry

    async def _made(self, entry: Entry, call: ToolCall, context: CallContext, admission: Admission) -> ToolResult:
        spec, provider = entry.spec, entry.provider

        async def act() -> ToolResult:
            answer = await admission.watch(_within(spec, provider.call(spec, call, context)))
            return await _result_of(spec, answer)

        async def look(finder: FindsEffects) -> ToolResult | None:
            found = await admission.watch(_within(spec, finder.find_effect(spec, call, context)))
            return None if found is None else await _result_of(spec, found)

        if spec.idempotent or spec.safety is Safety.SAFE:
            return await act()
        finder = provider if isinstance(provider, FindsEffects) else None
        return await once(self._ledger, spec, call, act, (lambda: look(finder)) if finder is not None else None)


def vendor_queue(task_queue: str, vendor: str) -> str:
    """Name of the task queue of a rate-limited vendor."""
    return f"{task_queue}-{vendor}"


def _vendor_of(entry: Entry, call: ToolCall) -> str:
    """Whose gate a call goes through: one host that is down must not close the way to all others."""
    provider = entry.provider
    return provider.vendor_of(entry.spec, call) if isinstance(provider, NamesVendor) else entry.spec.vendor


async def _within(spec: ToolSpec, call: Awaitable[ProviderAnswer | None]) -> ProviderAnswer | None:
    """Await a call a little shorter than the activity's own time-out, so that the error is ours and says what it is."""
    seconds = spec.timeout.total_seconds()
    try:
        async with asyncio.timeout(seconds - min(1.0, seconds / 10)):
            return await call
    except TimeoutError:
        kind = VendorUnavailable if spec.safety is Safety.SAFE else OutcomeUnknown
        raise kind(spec.vendor, "timeout", f"{spec.vendor} did not answer {spec.name} in time.") from None


async def _result_of(spec: ToolSpec, answer: ProviderAnswer | None) -> ToolResult:
    answer = answer or ProviderAnswer()
    output = clean(answer.output)
    if spec.output_schema is not None:
        fault = await asyncio.to_thread(
            fault_of_schema, output, spec.output_schema, spec.name, trusted=spec.provider == PYTHON
        )
        if fault is not None:
            logger.warning("a tool's output does not fit its schema", extra={"tool": spec.name, "fault": fault})
    capped, size, cut = cap(output, spec.result_limit_bytes)
    headers, _, _ = cap(clean(answer.headers), _ENVELOPE_LIMIT_BYTES)
    request, _, _ = cap(clean(answer.request), _ENVELOPE_LIMIT_BYTES)
    return ToolResult(
        output=capped,
        truncated=cut or deeper_than(answer.output, DEEPEST),
        size_bytes=size,
        repeated=answer.repeated,
        status=answer.status,
        headers=headers,
        request=request,
    )


def _refusal_of(error: InvalidInput | NotAllowed) -> ToolRefusal:
    kind = RefusalKind.NOT_ALLOWED if isinstance(error, NotAllowed) else RefusalKind.INVALID_ARGUMENTS
    kind = RefusalKind.TOOL_CHANGED if isinstance(error, ToolChanged) else kind
    return ToolRefusal(kind=kind, sentence=str(error))
