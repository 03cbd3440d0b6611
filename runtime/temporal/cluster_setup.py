"""Prepares a Temporal namespace for Surehand: it exists, keeps histories long enough, knows our search attributes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest, UpdateNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.errors import NotReachable
from runtime.temporal.search_attributes import register

RETENTION = timedelta(days=30)
"""How long a new namespace keeps closed histories; the store holds cases for longer."""
_KNOWN_WITHIN_SECONDS = 30.0
"""The server's processes learn of a new namespace from a cache that is renewed every ten seconds."""


async def prepare(client: Client, *, retention: timedelta = RETENTION) -> list[str]:
    """Make what is missing; safe to repeat and to run twice at once.

    Args:
        client: from `runtime.temporal.connection.connect`; its namespace need not exist yet.
        retention: of a namespace made here; one that exists keeps its own.

    Returns:
        One sentence for everything that was made.

    Raises:
        NotReachable: the namespace is missing and we may not make it, as on Temporal Cloud.
    """
    done: list[str] = []
    if await retention_of(client) is None:
        await _make_namespace(client, retention)
        done.append(f"Made namespace {client.namespace} with {retention.days} days of retention.")
    names = await _register_when_known(client)
    if names:
        done.append(f"Registered search attributes {', '.join(names)}.")
    return done


async def retention_of(client: Client) -> timedelta | None:
    """How long the client's namespace keeps closed histories; none when there is no such namespace."""
    try:
        answer = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return timedelta(seconds=answer.config.workflow_execution_retention_ttl.seconds)


async def keep_for(client: Client, retention: timedelta = RETENTION) -> None:
    """Let a namespace keep closed histories for this long; for a server of our own, which has its own idea of it."""
    request = UpdateNamespaceRequest(namespace=client.namespace)
    request.config.workflow_execution_retention_ttl.FromTimedelta(retention)
    await client.workflow_service.update_namespace(request, retry=True)


async def _make_namespace(client: Client, retention: timedelta) -> None:
    request = RegisterNamespaceRequest(namespace=client.namespace)
    request.workflow_execution_retention_period.FromTimedelta(retention)
    try:
        await client.workflow_service.register_namespace(request, retry=True)
    except RPCError as error:
        if error.status is RPCStatusCode.ALREADY_EXISTS:
            return
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            raise NotReachable(
                f"Namespace {client.namespace} does not exist and we may not make it: make it in Temporal Cloud, "
                "or correct SUREHAND_TEMPORAL__NAMESPACE."
            ) from None
        raise


async def _register_when_known(client: Client) -> list[str]:
    deadline = asyncio.get_running_loop().time() + _KNOWN_WITHIN_SECONDS
    while True:
        try:
            return await register(client)
        except RPCError as error:
            too_late = asyncio.get_running_loop().time() > deadline
            if error.status is not RPCStatusCode.NOT_FOUND or too_late:
                raise
            await asyncio.sleep(0.5)
