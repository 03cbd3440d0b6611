"""Operations of documents that a playbook names by their address (`call: openapi` with `document.endpoint`).

A tool's name holds a hash of the address. Which address that is stands in the store, so that a worker which never read
the playbook's document can make the call too.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from domain.errors import ConfigurationProblem, InvalidInput
from domain.tools.tool import ToolCall, ToolSpec
from integrations.tools.addresses import AddressGuard
from integrations.tools.openapi.configuration import OpenApiSource, WebConfiguration
from integrations.tools.openapi.provider import OpenApiProvider
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer

_KEPT = 32
"""Documents kept in memory; the one that was used longest ago goes first."""
_OWNER = "all-tenants"
_NAME = re.compile(r"(openapi-[0-9a-f]{16})\.")


class Texts(Protocol):
    """Keeps texts by reference; the case store does."""

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        """Keep a text under a reference."""
        ...

    async def load_text(self, reference: str, tenant: str) -> str | None:
        """The text under a reference."""
        ...


class TextsInMemory:
    """Texts of this process only, for commands that call nothing."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], str] = {}

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        """Keep a text under a reference."""
        self._texts.setdefault((tenant, reference), text)

    async def load_text(self, reference: str, tenant: str) -> str | None:
        """The text under a reference."""
        return self._texts.get((tenant, reference))


class DocumentsByAddress:
    """`ToolProvider` without a list: its tools are found by document and operation, and later by name."""

    def __init__(self, config: WebConfiguration, *, guard: AddressGuard, texts: Texts) -> None:
        """Keep the bounds.

        Args:
            config: of plain HTTP calls; documents by address obey it, and so do their servers.
            guard: made of it.
            texts: where addresses are kept.
        """
        self._config = config
        self._guard = guard
        self._texts = texts
        self._providers: OrderedDict[str, OpenApiProvider] = OrderedDict()

    @property
    def name(self) -> str:
        """`web`: whoever may call any listed host may call what a document at a listed host describes."""
        return "web"

    async def specs(self) -> Sequence[ToolSpec]:
        """None: they are found one by one."""
        return ()

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec | None:
        """The tool for one operation of the document at an address; None when it is no address.

        Raises:
            InvalidInput: the document has no such operation, or an address is off limits.
            VendorError: the document could not be read.
        """
        if not document.startswith(("https://", "http://")):
            return None
        name = _name_of(document)
        try:
            self._guard.check(document)
            spec = await self._provider(name, document).find_operation(tenant, document, operation_id)
        except (NotAllowed, ConfigurationProblem) as problem:
            raise InvalidInput(str(problem)) from None
        if spec is not None:
            await self._texts.save_text(name, _OWNER, document)
        return spec

    async def find(self, name: str) -> ToolSpec | None:
        """A tool that `find_operation` gave, here or in another process."""
        try:
            provider = await self._known(name)
            return None if provider is None else await provider.find(name)
        except (NotAllowed, ConfigurationProblem, InvalidInput):
            return None  # what was allowed when the playbook began is so no more

    async def check(self, spec: ToolSpec, call: ToolCall) -> None:
        """As `OpenApiProvider.check`."""
        await (await self._of(spec)).check(spec, call)

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """As `OpenApiProvider.call`."""
        return await (await self._of(spec)).call(spec, call, context)

    def vendor_of(self, spec: ToolSpec, call: ToolCall) -> str:
        """The document's hash stands for whoever is behind it."""
        return spec.vendor

    async def _of(self, spec: ToolSpec) -> OpenApiProvider:
        provider = await self._known(spec.name)
        if provider is None:
            raise NotAllowed("The document of this operation is not known any more: start the playbook anew.")
        return provider

    async def _known(self, name: str) -> OpenApiProvider | None:
        match = _NAME.match(name)
        if match is None:
            return None
        document = match.group(1)
        if document in self._providers:
            return self._provider(document, "")
        address = await self._texts.load_text(document, _OWNER)
        if address is None or _name_of(address) != document:
            return None
        self._guard.check(address)
        return self._provider(document, address)

    def _provider(self, name: str, address: str) -> OpenApiProvider:
        if name not in self._providers:
            source = OpenApiSource(
                document=address,
                timeout_seconds=self._config.timeout_seconds,
                response_limit_bytes=self._config.response_limit_bytes,
            )
            self._providers[name] = OpenApiProvider(name, source, secrets={}, guard=self._guard, listed_as=self.name)
        self._providers.move_to_end(name)
        while len(self._providers) > _KEPT:
            self._providers.popitem(last=False)
        return self._providers[name]


def _name_of(address: str) -> str:
    return "openapi-" + hashlib.sha256(address.encode("utf-8", "replace")).hexdigest()[:16]
