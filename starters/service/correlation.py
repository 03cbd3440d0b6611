"""One id for everything that one request brought about: in the answer, in our logs, and in the workflow's memo."""

from __future__ import annotations

import logging
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

HEADER = "X-Correlation-ID"
MEMO = "correlation_id"
_FITS = re.compile(r"[A-Za-z0-9._-]{1,128}\Z")

current: ContextVar[str] = ContextVar("correlation_id", default="")
"""Of the request that is being answered."""


def take(given: str | None) -> str:
    """The id that a client gave, where it may stand in logs and headers; else a new one."""
    return given if given is not None and _FITS.match(given) else str(uuid.uuid4())


class InLogs(logging.Filter):
    """Adds the id to every line that is logged while a request is answered."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add it; drops nothing."""
        if correlation_id := current.get():
            record.correlation_id = correlation_id
        return True


class CarriesCorrelation(Interceptor):
    """Gives the id to every workflow that is started, and to every word that is said to one."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK's name
        """Stand in front of the client's calls."""
        return _Carrier(next)


class _Carrier(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:  # noqa: A002
        if correlation_id := current.get():
            input.memo = {**(input.memo or {}), MEMO: correlation_id}
            input.headers = _with(input.headers, correlation_id)
        return await super().start_workflow(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        if correlation_id := current.get():
            input.headers = _with(input.headers, correlation_id)
        await super().signal_workflow(input)

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002
        if correlation_id := current.get():
            input.headers = _with(input.headers, correlation_id)
        return await super().start_workflow_update(input)


def _with(headers: Mapping[str, Payload], correlation_id: str) -> Mapping[str, Payload]:
    # Not personal and not secret: made here, or checked.
    return {**headers, MEMO: DataConverter.default.payload_converter.to_payload(correlation_id)}
