"""One id for everything that one request brought about: it goes from the service to workflows, and on to activities.

It travels in Temporal's headers, which are neither encrypted nor shown to workflow code, and stands in the memo of a
workflow that a request started. It is not personal and not secret: made here, or checked.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowHandle,
    WorkflowUpdateHandle,
)
from temporalio.converter import DataConverter

KEY = "correlation_id"
"""Its name in headers, memos and logs."""
_FITS = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")
_CONVERTER = DataConverter.default.payload_converter

current: ContextVar[str] = ContextVar(KEY, default="")
"""Of the request that is being answered, or of the activity that is being made."""


def take(given: str | None) -> str:
    """The id that somebody gave, where it may stand in logs and headers; else a new one."""
    return given if given is not None and _FITS.match(given) else str(uuid.uuid4())


def with_id(headers: Mapping[str, Payload], correlation_id: str) -> Mapping[str, Payload]:
    """The headers with the id; as they are when there is none."""
    return {**headers, KEY: _CONVERTER.to_payload(correlation_id)} if correlation_id else headers


def id_in(headers: Mapping[str, Payload]) -> str:
    """The id that the headers carry; empty where they carry none that may stand in logs."""
    payload = headers.get(KEY)
    if payload is None:
        return ""
    try:
        found = _CONVERTER.from_payload(payload, str)
    except (ValueError, RuntimeError, TypeError):
        return ""
    return found if isinstance(found, str) and _FITS.match(found) else ""


class CarriesCorrelation(Interceptor):
    """Gives the id to every workflow that is started, and to every word that is said to one."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK's name
        """Stand in front of the client's calls."""
        return _Carrier(next)


class _Carrier(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        if correlation_id := current.get():
            input.memo = {**(input.memo or {}), KEY: correlation_id}
            input.headers = with_id(input.headers, correlation_id)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        input.headers = with_id(input.headers, current.get())
        await super().signal_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002
        input.headers = with_id(input.headers, current.get())
        return await super().start_workflow_update(input)
