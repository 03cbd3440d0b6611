"""Tools from one OpenAPI document: a tool per operation, each call built, sent and read as the document says."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import httpx

from domain.errors import ConfigurationProblem, InvalidInput
from domain.tools.tool import Safety, ToolCall, ToolCategory, ToolSpec
from integrations.tools.addresses import AddressGuard
from integrations.tools.authentication import Credentials, Secrets
from integrations.tools.guarded_http import GuardedHttp, Outgoing, refusal
from integrations.tools.methods import is_idempotent, safety_of
from integrations.tools.openapi.answers import output_schema
from integrations.tools.openapi.configuration import OpenApiSource
from integrations.tools.openapi.documents import FromAddress, FromFile, Loaded, Origin
from integrations.tools.openapi.operations import Operation, Plan, find_operations, understand
from integrations.tools.openapi.reading import DOCUMENT_LIMIT, Unsupported
from integrations.tools.openapi.requests import build_request, idempotency_value
from integrations.tools.openapi.servers import server_of
from integrations.tools.provider import CallContext, NotAllowed, ProviderAnswer
from integrations.tools.responses import content_of

_REPLAYED = ("idempotent-replayed", "idempotency-replayed", "x-idempotent-replayed")
"""Headers with which vendors say that they gave an earlier answer again (Stripe, Adyen and others)."""
_SLACK = timedelta(seconds=5)
"""Between our own time-out for the exchange and the tool's, for a token and for reading."""

logger = logging.getLogger(__name__)


@dataclass
class _Read:
    """A document with what was understood of it so far."""

    loaded: Loaded
    operations: dict[str, Operation]
    """By tool name."""
    plans: dict[str, Plan] = field(default_factory=dict)
    unsupported: dict[str, str] = field(default_factory=dict)
    specs: Sequence[ToolSpec] | None = None
    refused: Loaded | None = None
    """A newer document that does not fit the configuration."""


class OpenApiProvider:
    """`ToolProvider` for one document."""

    def __init__(
        self,
        name: str,
        source: OpenApiSource,
        *,
        secrets: Secrets,
        guard: AddressGuard,
        folders: Sequence[Path] = (),
        listed_as: str | None = None,
    ) -> None:
        """Look up the secrets; nothing is read yet.

        Args:
            name: what its tools' names begin with, and what `tools.yaml` lists it under.
            source: its configuration.
            secrets: where secrets are, by name.
            guard: for addresses that stand in the document; a configured `server` and `document` count as listed.
            folders: layers of configuration that the document's file may be in, lowest first.
            listed_as: the provider's name in `tools.yaml` where it differs.

        Raises:
            ConfigurationProblem: a secret is not set.
        """
        self._name = name
        self._source = source
        self._listed_as = listed_as or name
        self._vendor = source.vendor or name
        self._http = GuardedHttp(
            guard.only(source.server) if source.server else guard,
            timeout_seconds=source.timeout_seconds,
            limit_bytes=source.response_limit_bytes,
        )
        self._credentials = Credentials(source.authentication, secrets, whose=self._vendor, http=self._http)
        self._origin = self._origin_of(guard, folders)
        self._read: _Read | None = None
        omitted = {*source.omit, *source.headers, source.idempotency_header or ""}
        key = source.authentication.api_key if source.authentication else None
        self._omit = frozenset(one.lower() for one in (*omitted, key.name if key else "") if one)

    def __repr__(self) -> str:
        return f"OpenApiProvider({self._name})"

    def _origin_of(self, guard: AddressGuard, folders: Sequence[Path]) -> Origin:
        document = self._source.document
        if not document.startswith(("https://", "http://")):
            return FromFile(document, folders)
        # What the operator wrote counts as listed; an address from a playbook is for the guard to judge.
        listed = guard if self._listed_as != self._name else guard.listing(document)
        bounds = GuardedHttp(listed, timeout_seconds=self._source.timeout_seconds, limit_bytes=DOCUMENT_LIMIT)
        return FromAddress(document, bounds, vendor=self._vendor)

    @property
    def name(self) -> str:
        """What `tools.yaml` lists it under."""
        return self._listed_as

    async def specs(self) -> Sequence[ToolSpec]:
        """A tool for each operation that is offered and that can be one.

        Raises:
            ConfigurationProblem: the document cannot be used, or the configuration does not fit it.
            VendorError: it could not be fetched.
        """
        try:
            read = await self._current()
        except (InvalidInput, NotAllowed) as error:
            raise ConfigurationProblem(f"{self._name}: {error}") from None
        if read.specs is None:
            read.specs = await asyncio.to_thread(self._all_specs, read)
            if read.unsupported:
                logger.warning(
                    "operations without a tool", extra={"provider": self._name, "count": len(read.unsupported)}
                )
        return read.specs

    async def unsupported(self) -> Mapping[str, str]:
        """Operations that are offered and cannot become tools, with the reason."""
        await self.specs()
        return dict((await self._current()).unsupported)

    async def find(self, name: str) -> ToolSpec | None:
        """One tool, without understanding the others."""
        if not name.startswith(f"{self._name}."):
            return None
        read = await self._current()
        operation = read.operations.get(name)
        if operation is None:
            return None
        try:
            return await asyncio.to_thread(self._spec, read, operation)
        except Unsupported:
            return None

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec | None:
        """The tool for an operation, when `document` is this document's name or address.

        Raises:
            InvalidInput: the document has no such operation, or it cannot become a tool.
        """
        if document not in (self._name, self._source.document):
            return None
        read = await self._current()
        found = [one for one in read.operations.values() if one.operation_id == operation_id]
        if len(found) != 1:
            raise InvalidInput("The document does not have exactly one operation of that id: correct `operationId`.")
        try:
            return await asyncio.to_thread(self._spec, read, found[0])
        except Unsupported as reason:
            raise InvalidInput(f"The operation cannot be called, because {reason}: use another one.") from None

    async def check(self, spec: ToolSpec, call: ToolCall) -> None:
        """Build the request without sending it.

        Raises:
            InvalidInput, NotAllowed: as `call` would.
        """
        await self._request(spec, call, key=call.key)

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """Send the request and read the answer; any status but 2xx raises, with the vendor's words as data."""
        request = await self._request(spec, call, key=context.key)
        incoming = await self._credentials.exchange(self._http, self._vendor, request, beat=context.beat)
        if not 200 <= incoming.status < 300:
            raise refusal(self._vendor, incoming)
        return ProviderAnswer(
            output=content_of(self._vendor, incoming),
            status=incoming.status,
            headers=incoming.shown_headers(),
            request=incoming.request.shown(),
            repeated=any(incoming.headers.get(name, "").lower() == "true" for name in _REPLAYED),
        )

    async def _request(self, spec: ToolSpec, call: ToolCall, *, key: str) -> Outgoing:
        read = await self._current()
        operation = read.operations.get(spec.name)
        if operation is None:
            raise NotAllowed("The document no longer has this operation: look at it anew.")
        try:
            plan = self._plan(read, operation)
        except Unsupported:
            raise NotAllowed("The document's operation can no longer be called: look at it anew.") from None
        headers = dict(self._source.headers)
        if self._source.idempotency_header and Safety.SAFE is not safety_of(operation.method):
            headers[self._source.idempotency_header] = idempotency_value(key)
        request = build_request(plan, self._server(read, plan), call.arguments, headers)
        self._http.guard.check(request.url)
        return request

    async def _current(self) -> _Read:
        loaded = await self._origin.load()
        read = self._read
        if read is not None and loaded in (read.loaded, read.refused):
            return read
        try:
            read = _Read(loaded, await asyncio.to_thread(self._offered, loaded))
        except ConfigurationProblem:
            if read is None:
                raise
            # Start-up refuses this; a document that changed since then must not take its tools, and all others, away.
            logger.warning("a document no longer fits its configuration", extra={"provider": self._name})
            read.refused = loaded
        self._read = read
        return read

    def _offered(self, loaded: Loaded) -> dict[str, Operation]:
        found = [one for one in find_operations(loaded.document) if self._source.offers(one.operation_id)]
        known = {one.operation_id for one in found}
        for section in ("safety", "capabilities", "undo"):
            for named in getattr(self._source, section):
                if named not in known:
                    raise ConfigurationProblem(
                        f"{self._name}: `{section}` names {named}, which is no offered operation: correct its name."
                    )
        return {f"{self._name}.{one.name}": one for one in found}

    def _all_specs(self, read: _Read) -> Sequence[ToolSpec]:
        specs = []
        for operation in read.operations.values():
            try:
                specs.append(self._spec(read, operation))
            except Unsupported as reason:
                read.unsupported[operation.operation_id] = str(reason)
        return specs

    def _plan(self, read: _Read, operation: Operation) -> Plan:
        plan = read.plans.get(operation.name)
        if plan is None:
            plan = read.plans[operation.name] = understand(read.loaded.document, operation, self._omit)
        return plan

    def _server(self, read: _Read, plan: Plan) -> str:
        return self._source.server or server_of(
            plan.servers, self._source.server_variables, read.loaded.address, whose=self._name
        )

    def _spec(self, read: _Read, operation: Operation) -> ToolSpec:
        plan, source = self._plan(read, operation), self._source
        own_id, method = operation.operation_id, operation.method
        return ToolSpec(
            name=f"{self._name}.{operation.name}",
            title=operation.title,
            vendor=self._vendor,
            category=ToolCategory.SEARCH if method == "get" else ToolCategory.EXECUTION,
            capabilities=source.capabilities.get(own_id, ()),
            safety=safety_of(method, source.safety.get(own_id)),
            idempotent=is_idempotent(method) or source.idempotency_header is not None,
            timeout=timedelta(seconds=source.timeout_seconds) + _SLACK,
            undo=source.undo.get(own_id),
            description=operation.description,
            provider="openapi",
            source=source.document if self._listed_as != self._name else self._name,
            target=f"{method.upper()} {httpx.URL(self._server(read, plan))}{operation.path}",
            input_schema=plan.input_schema,
            output_schema=output_schema(read.loaded.document, plan),
        )
