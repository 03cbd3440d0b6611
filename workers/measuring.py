"""Counts what a worker does: attempts of activities, calls of vendors and tools, and questions to models.

Activities run once for each attempt and are never replayed, so nothing here counts twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel
from temporalio import activity
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain import measures as metrics
from domain.cases.records import MeterRecord, Spending
from domain.errors import SurehandError
from domain.ids import tenant_in
from domain.ports.models import Answer, LanguageModel, Meter, ModelUnavailable, Question
from domain.tools.tool import ToolResult
from integrations.store.database.errors import VENDOR as STORE
from integrations.tools.toolbox import Tools
from integrations.vendor_calls import OK, listen
from runtime.telemetry.measures import Measures

AnswerT = TypeVar("AnswerT", bound=BaseModel)
_TOOL = "run_tool"
_CIRCUIT = {"closed": 0.0, "half-opened": 1.0, "opened": 2.0}
_MILLIONTHS = 1_000_000


class Measuring(Interceptor):
    """Worker interceptor around the boundary, so that it sees errors as Temporal does.

    Args:
        measures: counts.
        toolbox: says whose a tool is.
    """

    def __init__(self, measures: Measures, toolbox: Tools) -> None:
        self.measures = measures
        self.toolbox = toolbox

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap the activity chain; the parameter's name is the library's."""
        return _Activity(next, self)


class _Activity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, root: Measuring) -> None:  # noqa: A002
        super().__init__(next)
        self._root = root

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        began, outcome, result = time.perf_counter(), OK, None
        # A tool runs under its own name; there may be hundreds.
        name = _TOOL if input.fn.__name__ == _TOOL else activity.info().activity_type
        try:
            result = await super().execute_activity(input)
        except BaseException as error:
            outcome = _outcome_of(error)
            if isinstance(error, ApplicationError) and _vendor_in(error) == STORE:
                self._root.measures.count(metrics.STORE_FAILURES, outcome=outcome)
            raise
        finally:
            self._root.measures.count(metrics.ACTIVITIES, activity=name, outcome=outcome)
            if name == _TOOL:
                with contextlib.suppress(SurehandError):  # what a call gave is not lost because nobody could count it
                    await self._tool(time.perf_counter() - began, result, outcome)
        return result

    async def _tool(self, seconds: float, result: object, outcome: str) -> None:
        info, measures, toolbox = activity.info(), self._root.measures, self._root.toolbox
        spec = await toolbox.find(tenant_in(info.workflow_id or "") or "", info.activity_type)
        if spec is None:
            return
        if isinstance(result, ToolResult) and result.refusal is not None:
            outcome = result.refusal.kind.value
        measures.count(metrics.TOOL_CALLS, vendor=spec.vendor, outcome=outcome)
        measures.observe(metrics.TOOL_SECONDS, seconds, vendor=spec.vendor)
        state = await toolbox.circuit_of(spec.vendor)
        measures.show(metrics.CIRCUIT, _CIRCUIT.get(state, 0.0), vendor=spec.vendor)


def _outcome_of(error: BaseException) -> str:
    if isinstance(error, ApplicationError):
        return error.type or "ApplicationError"
    if isinstance(error, CancelledError | asyncio.CancelledError):
        return "cancelled"
    return type(error).__name__


def _vendor_in(error: ApplicationError) -> str | None:
    details = error.details[0] if error.details else None
    return details.get("vendor") if isinstance(details, dict) else None


def count_vendor_calls(measures: Measures) -> Callable[[], None]:
    """Count every call of a vendor from here on; what is returned ends that."""

    def heard(vendor: str, outcome: str, seconds: float) -> None:
        measures.count(metrics.VENDOR_CALLS, vendor=vendor, outcome=outcome)
        measures.observe(metrics.VENDOR_SECONDS, seconds, vendor=vendor)

    return listen(heard)


class MeasuredMeter:
    """`domain.ports.models.Meter` that counts real calls for Prometheus too."""

    def __init__(self, meter: Meter, measures: Measures) -> None:
        """`meter` is the one that budgets go by."""
        self._meter = meter
        self._measures = measures

    async def record(self, call: MeterRecord) -> None:
        """Count a call once per key."""
        await self._meter.record(call)
        whose = {"tenant": call.tenant, "provider": call.provider}
        self._measures.count(metrics.MODEL_CALLS, **whose)
        self._measures.count(metrics.MODEL_TOKENS, call.input_tokens, direction="in", **whose)
        self._measures.count(metrics.MODEL_TOKENS, call.output_tokens, direction="out", **whose)
        self._measures.count(metrics.MODEL_COST, round(call.cost * _MILLIONTHS), **whose)

    async def spending(self, tenant: str, workflow_id: str, day: datetime) -> Spending:
        """What was spent so far."""
        return await self._meter.spending(tenant, workflow_id, day)


class Connected(LanguageModel, Protocol):
    """A model with connections of its own."""

    async def close(self) -> None:
        """Close them."""
        ...


class MeasuredModel:
    """`domain.ports.models.LanguageModel` that counts which link of the chain answered, and after how long."""

    def __init__(self, model: Connected, measures: Measures) -> None:
        """`model` does the work."""
        self._model = model
        self._measures = measures

    @property
    def configured(self) -> bool:
        """Whether any model is configured."""
        return self._model.configured

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        """Ask and return a checked answer. Raises `ModelUnavailable`."""
        began, outcome = time.perf_counter(), "none"
        try:
            answer = await self._model.ask(question, answer_type)
            outcome = "fallback" if answer.origin.degraded else "first"
        except ModelUnavailable:
            if not self._model.configured:
                outcome = "not_configured"
            raise
        finally:
            self._measures.count(metrics.MODEL_ANSWERS, tenant=question.tenant, outcome=outcome)
            self._measures.observe(metrics.MODEL_SECONDS, time.perf_counter() - began, outcome=outcome)
        return answer

    async def close(self) -> None:
        """Close the connections to the models."""
        await self._model.close()
