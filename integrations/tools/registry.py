"""Which tools there are, and which of them a tenant has. Specifications are kept and read again now and then."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from domain.errors import ConfigurationProblem, VendorUnavailable
from domain.ports.configuration import ToolPolicySource
from domain.tools.tool import ToolSpec, is_reserved
from domain.tools.tool_policy import ToolPolicy, VendorSettings
from integrations.tools.provider import FindsTools, ToolProvider

FRESH_SECONDS = 60.0
"""A provider's tools are read again after this long; a change at the vendor shows within it."""
_AGAIN_SECONDS = 5.0
_READ_SECONDS = 15.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """A tool as a tenant has it, and who makes its calls."""

    spec: ToolSpec
    provider: ToolProvider


class _Shelf:
    """One provider's tools as last read. A provider that fails keeps what it had, and holds nobody else up."""

    def __init__(self, provider: ToolProvider) -> None:
        self.provider = provider
        self.specs: Sequence[ToolSpec] | None = None
        self.readings = 0
        self.problem: ConfigurationProblem | None = None
        self._due = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def refresh(self, *, now: bool = False) -> None:
        """Read again when it is time to. Only the first reading is waited for, or one that is asked for `now`."""
        if not now and time.monotonic() < self._due:
            return
        first = self._reading is None
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read())
        if first or now or self._due == 0:
            await asyncio.shield(self._reading)

    async def close(self) -> None:
        """End a reading that is under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                self.specs = tuple(await self.provider.specs())
            self.problem = None
            self.readings += 1
            self._due = time.monotonic() + FRESH_SECONDS
        except Exception as error:  # one provider's trouble, whatever it is, must not take the tools of the others
            self._due = time.monotonic() + _AGAIN_SECONDS
            self.problem = error if isinstance(error, ConfigurationProblem) else None
            logger.warning(
                "tools could not be read", extra={"provider": self.provider.name, "error": type(error).__name__}
            )


class ToolRegistry:
    """Every provider's tools, as each tenant has them."""

    def __init__(
        self,
        providers: Sequence[ToolProvider],
        policies: ToolPolicySource,
        *,
        vendors: Mapping[str, VendorSettings],
        queue_of: Callable[[str], str],
    ) -> None:
        """`queue_of` names the task queue of a vendor that is called so many times a second."""
        self.providers = tuple(providers)
        self._shelves = [_Shelf(provider) for provider in providers]
        self._policies = policies
        self._vendors = vendors
        self._queue_of = queue_of
        self._faults: set[str] = set()
        self._known: dict[str, tuple[ToolPolicy, tuple[int, ...], dict[str, Entry]]] = {}

    async def refresh(self) -> None:
        """Read every provider now."""
        await asyncio.gather(*(shelf.refresh(now=True) for shelf in self._shelves))

    async def close(self) -> None:
        """End what is being read."""
        await asyncio.gather(*(shelf.close() for shelf in self._shelves))

    async def entries(self, tenant: str) -> dict[str, Entry]:
        """Name -> tool of the tenant. Of two tools with one name, the provider named first has it."""
        await asyncio.gather(*(shelf.refresh() for shelf in self._shelves))
        policy, readings = self._policies.tools_for(tenant), tuple(shelf.readings for shelf in self._shelves)
        known = self._known.get(tenant)
        if known is None or known[0] is not policy or known[1] != readings:
            # Digests of hundreds of schemas take longer than a call: they are made once per reading.
            known = (policy, readings, self._entries(tenant))
            self._known[tenant] = known
        return known[2]

    def _entries(self, tenant: str) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        for shelf in self._shelves:
            for spec in shelf.specs or ():
                if spec.name in found or is_reserved(spec.name):
                    self._note(f"{spec.name} of {shelf.provider.name} is left out: its name is taken")
                    continue
                entry = self.entry(tenant, spec, shelf.provider)
                if entry is not None:
                    found[spec.name] = entry
        return found

    async def entry_of(self, tenant: str, name: str) -> Entry | None:
        """One tool; None when the tenant has none of that name.

        Raises:
            VendorUnavailable: a provider that may have it could not be read yet.
        """
        found = (await self.entries(tenant)).get(name)
        if found is not None:
            return found
        for shelf in self._shelves:
            if isinstance(shelf.provider, FindsTools):
                spec = await shelf.provider.find(name)
                if spec is not None:
                    return self.entry(tenant, spec, shelf.provider)
        listed = self._policies.tools_for(tenant).providers
        unread = [shelf.provider.name for shelf in self._shelves if shelf.specs is None]
        if unread and listed:
            raise VendorUnavailable(unread[0], "unread", f"The tools of {unread[0]} could not be read yet.")
        return None

    def entry(self, tenant: str, spec: ToolSpec, provider: ToolProvider) -> Entry | None:
        """A provider's tool as the tenant has it; None when the tenant may not use it."""
        policy = self._policies.tools_for(tenant)
        if not policy.allows(spec, provider.name):
            return None
        try:
            tightened = policy.applied_to(spec)
        except ConfigurationProblem as problem:
            # Start-up refuses this (`verify`); a tool that became stricter since then is not offered more laxly.
            self._note(str(problem))
            return None
        limited = self._vendors.get(spec.vendor, VendorSettings()).calls_per_second is not None
        complete = tightened.model_copy(update={"queue": self._queue_of(spec.vendor) if limited else None})
        return Entry(complete.model_copy(update={"digest": complete.computed_digest()}), provider)

    def rank(self, tenant: str, capability: str, name: str) -> int:
        """Where a tool stands among the tenant's alternatives for a capability."""
        return self._policies.tools_for(tenant).rank(capability, name)

    async def verify(self, tenants: Sequence[str]) -> list[str]:
        """Read every provider and look at every tenant's tools.

        Returns:
            What works and should be looked at, as sentences.

        Raises:
            ConfigurationProblem: configuration would make a tool laxer, or a provider cannot be used as configured.
        """
        await self.refresh()
        for shelf in self._shelves:
            if shelf.problem is not None:
                raise shelf.problem
        notes = [
            f"The tools of {shelf.provider.name} could not be read: see that it runs."
            for shelf in self._shelves
            if shelf.specs is None
        ]
        for tenant in tenants:
            policy = self._policies.tools_for(tenant)
            for shelf in self._shelves:
                for spec in shelf.specs or ():
                    if policy.allows(spec, shelf.provider.name):
                        policy.applied_to(spec)
            entries = await self.entries(tenant)
            notes += [
                f"{name} of tenant {tenant} is undone by {entry.spec.undo.tool}, which the tenant does not have: "
                "enable it."
                for name, entry in entries.items()
                if entry.spec.undo is not None and entry.spec.undo.tool not in entries
            ]
        return notes

    def _note(self, fault: str) -> None:
        if fault not in self._faults:
            self._faults.add(fault)
            logger.error("a tool is not offered: %s", fault)
