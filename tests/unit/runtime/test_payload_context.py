"""The sandbox answers the SDK's questions about a payload's context with nothing: no converter of ours may want one."""

from __future__ import annotations

import base64

import pytest
from temporalio.converter import ActivitySerializationContext, SerializationContext, WorkflowSerializationContext

from runtime.settings.environment import load_settings
from runtime.temporal.connection import data_converter

KEY = base64.b64encode(bytes(range(32))).decode()
CONTEXTS = [
    WorkflowSerializationContext(namespace="n", workflow_id="w"),
    ActivitySerializationContext(
        namespace="n", workflow_id="w", workflow_type="t", activity_type="a", activity_id="1", activity_task_queue="q",
        is_local=False,
    ),
]  # fmt: skip


@pytest.mark.parametrize("context", CONTEXTS, ids=lambda context: type(context).__name__)
@pytest.mark.parametrize("codec", [{}, {"SUREHAND_CODEC__KEYS": f"a:{KEY}"}], ids=["plain", "encrypted"])
def test_what_makes_payloads_is_the_same_for_everybody(codec: dict[str, str], context: SerializationContext) -> None:
    keys = load_settings(environ=codec).codec
    assert (keys is not None) == bool(codec)
    converter = data_converter(keys)
    assert converter.with_context(context) is converter
