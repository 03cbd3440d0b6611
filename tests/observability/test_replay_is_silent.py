"""A history that is replayed is told of once: the first time, by whoever worked on it then."""

from __future__ import annotations

import logging

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from temporalio.worker import Replayer

from runtime.telemetry.tracing import temporal_interceptor
from runtime.temporal.connection import data_converter
from tests.replay.test_replay import RUNS, history_of
from workers.correlating import Correlates
from workers.worker import WORKFLOWS, workflow_runner


def one_of_each() -> list[str]:
    """A recorded way for each kind of workflow, and one that went on as new."""
    kinds = {name.split("-")[0]: name for name in RUNS}
    continued = next(name for name, runs in RUNS.items() if len(runs) > 1)
    return sorted({*list(kinds.values())[:6], continued})


@pytest.mark.parametrize("name", one_of_each())
async def test_replay_makes_no_span_no_line_and_no_count(name: str, caplog: pytest.LogCaptureFixture) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    caplog.set_level(logging.INFO, "temporalio.workflow")
    for _, file in sorted(RUNS[name].items()):
        await Replayer(
            workflows=WORKFLOWS,
            data_converter=data_converter(),
            workflow_runner=workflow_runner(),
            interceptors=[temporal_interceptor(provider), Correlates()],
        ).replay_workflow(history_of(file))
    assert exporter.get_finished_spans() == ()
    assert [record.getMessage() for record in caplog.records if record.name == "temporalio.workflow"] == []
