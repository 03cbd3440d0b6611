"""Carries the correlation id through workflows to activities, and has every line of the log say where it belongs.

It schedules nothing and changes no command, only headers, which replay does not compare: recorded histories replay as
they are. Lines of workflows go through `workflow.logger`, which is silent while a history is replayed.
"""

from __future__ import annotations

from typing import Any, NoReturn

from opentelemetry import trace
from opentelemetry.trace import format_trace_id
from temporalio import activity, workflow
from temporalio.exceptions import FailureError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ContinueAsNewInput,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    SignalChildWorkflowInput,
    SignalExternalWorkflowInput,
    StartActivityInput,
    StartChildWorkflowInput,
    StartLocalActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from domain.ids import tenant_in
from runtime.telemetry import log_fields
from runtime.telemetry.correlation import KEY, current, id_in, with_id

KEY_OF_SPANS = "surehand.correlation_id"


class Correlates(Interceptor):
    """Worker interceptor; outside all others of ours, so that their lines say where they belong too."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap the activity chain; the parameter's name is the library's."""
        return _Activity(next)

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        """What wraps each workflow."""
        return _Workflow


class _Activity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        info = activity.info()
        # Not taken back: each activity has a task of its own, and the SDK's line about its failure comes after this.
        current.set(id_in(input.headers))
        case_id = info.workflow_id or ""
        log_fields.bind(
            tenant=tenant_in(case_id) or "",
            case_id=case_id,
            run_id=info.workflow_run_id or "",
            activity=info.activity_type,
            attempt=info.attempt,
        )
        span = trace.get_current_span()
        if span.is_recording():
            span.set_attributes(
                {"surehand.case_id": case_id, "surehand.tenant": tenant_in(case_id) or "", KEY_OF_SPANS: current.get()}
            )
            log_fields.bind(trace_id=format_trace_id(span.get_span_context().trace_id))
        return await super().execute_activity(input)


class _Workflow(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002
        info = workflow.info()
        _say("a run goes on" if info.continued_run_id else "a case begins")
        try:
            result = await super().execute_workflow(input)
        except FailureError as error:
            # Its words may hold somebody's data; the history has them, encrypted where there are keys.
            _say("a case failed", error=type(error).__name__)
            raise
        _say("a case ended")
        return result

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        _say("a word came", id_in(input.headers), word=input.signal)
        await super().handle_signal(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        _say("a word came", id_in(input.headers), word=input.update)
        return await super().handle_update_handler(input)


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        input.headers = with_id(input.headers, _own())
        return super().start_activity(input)

    def start_local_activity(self, input: StartLocalActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002
        input.headers = with_id(input.headers, _own())
        return super().start_local_activity(input)

    async def start_child_workflow(self, input: StartChildWorkflowInput) -> workflow.ChildWorkflowHandle[Any, Any]:  # noqa: A002
        input.headers = with_id(input.headers, _own())
        return await super().start_child_workflow(input)

    async def signal_child_workflow(self, input: SignalChildWorkflowInput) -> None:  # noqa: A002
        input.headers = with_id(input.headers, _own())
        await super().signal_child_workflow(input)

    async def signal_external_workflow(self, input: SignalExternalWorkflowInput) -> None:  # noqa: A002
        input.headers = with_id(input.headers, _own())
        await super().signal_external_workflow(input)

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002
        _say("a run rests and goes on anew")
        input.headers = with_id(input.headers, _own())
        super().continue_as_new(input)


def _own() -> str:
    """The id of whoever started this workflow: with its start, else in its memo."""
    return id_in(workflow.info().headers) or str(workflow.memo_value(KEY, "") or "")


def _say(words: str, correlation_id: str = "", **fields: str) -> None:
    tenant = tenant_in(workflow.info().workflow_id) or ""
    workflow.logger.info(words, extra={KEY: correlation_id or _own(), "tenant": tenant, **fields})
