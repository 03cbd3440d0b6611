"""Registers the search attributes of `domain.search_attributes` with a Temporal server. Safe to repeat."""

from __future__ import annotations

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from domain.search_attributes import DATETIMES, INTEGERS, KEYWORDS

ATTRIBUTES: tuple[tuple[str, str], ...] = (
    *((name, "Keyword") for name in KEYWORDS),
    *((name, "Int") for name in INTEGERS),
    *((name, "Datetime") for name in DATETIMES),
)
"""(name, type as Temporal's command line writes it)."""

_TYPES = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Int": IndexedValueType.INDEXED_VALUE_TYPE_INT,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


async def missing(client: Client) -> list[str]:
    """Names that the client's namespace does not know yet."""
    answer = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace), retry=True
    )
    return [name for name, _ in ATTRIBUTES if name not in answer.custom_attributes]


async def register(client: Client) -> list[str]:
    """Register what is missing; returns the names that were new."""
    names = await _missing_or_all(client)
    if not names:
        return []
    kinds = dict(ATTRIBUTES)
    request = AddSearchAttributesRequest(
        namespace=client.namespace, search_attributes={name: _TYPES[kinds[name]] for name in names}
    )
    try:
        await client.operator_service.add_search_attributes(request, retry=True)
    except RPCError as error:
        # Two processes may set up the same cluster at once; the loser finds everything done.
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
        return []
    return names


async def _missing_or_all(client: Client) -> list[str]:
    try:
        return await missing(client)
    except RPCError as error:
        # The time-skipping test server can add attributes and cannot list them.
        if error.status is not RPCStatusCode.UNIMPLEMENTED:
            raise
        return [name for name, _ in ATTRIBUTES]
