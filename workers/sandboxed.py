"""The sandbox of workflow code, without the SDK's questions that nothing here wants an answer to.

For every payload the SDK enters the sandbox to ask for whom the payload is, so that converters and codecs which want to
know can be told. Ours are the same for everybody, and each question costs a third of a millisecond: a fifth of what a
worker computes.
"""

from __future__ import annotations

from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner
from temporalio.workflow import Info


class Sandbox(SandboxedWorkflowRunner):
    """As the SDK's. Only for converters and codecs that take no context (`WithSerializationContext`)."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make one for a run."""
        return self.wrap(super().create_instance(det))

    def wrap(self, inside: WorkflowInstance) -> SandboxedRun:
        """What stands around a run."""
        return SandboxedRun(inside)


class SandboxedRun(WorkflowInstance):
    """One run in its sandbox."""

    def __init__(self, inside: WorkflowInstance) -> None:
        self._inside = inside

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Let the run take what came."""
        return self._inside.activate(act)

    def get_serialization_context(self, command_info: Any) -> None:
        """Nobody asks for whom a payload is."""

    def get_external_store_context(self, command_info: Any) -> StorageDriverStoreContext:
        """Nobody asks for whom a payload is."""
        return StorageDriverStoreContext(target=None)

    def get_info(self) -> Info:
        """What the run is."""
        return self._inside.get_info()

    def get_thread_id(self) -> int | None:
        """Where it runs."""
        return self._inside.get_thread_id()


__all__ = ["Sandbox", "SandboxedRun"]
