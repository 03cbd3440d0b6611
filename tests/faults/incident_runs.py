"""Incidents in an installation that breaks: real files as evidence, a service of the sandbox's cluster, and people."""

from __future__ import annotations

import asyncio
import json
import re
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from domain.cases.approval import ApprovalDecision, ApprovalState
from domain.ids import troubleshooting_workflow_id
from domain.troubleshooting.messages import CloseIncidentInput, IncidentInput, IncidentReport, IncidentResult
from domain.troubleshooting.state import IncidentState
from integrations.evidence.store import EvidenceFolder
from starters.demo.evidence import rebased
from starters.demo.incidents import SAMPLES
from starters.incidents import upload
from tests.faults.installation import SOON_SECONDS, STARTED, Installation
from workflows import search_attributes
from workflows.troubleshooting import TroubleshootingWorkflow

SAMPLE, SERVICE = "search-errors", re.compile(r"\bsearch")
"""Evidence of a bad deployment, v4 after v3, and the name in it of who has it."""
_LOOKS_EVERY = 0.6
"""Seconds: each look has a worker read the whole incident."""
_MANY = 300
"""A log of a service that is well is written so many times over, to keep its reader busy for some seconds."""


class IncidentRun:
    """One incident about a service of its own."""

    def __init__(self, name: str, handle: WorkflowHandle[TroubleshootingWorkflow, IncidentResult]) -> None:
        self.name = name
        self.handle = handle
        self.state: IncidentState | None = None

    def __str__(self) -> str:
        return self.name


class IncidentRuns:
    """The incidents of one installation."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._world = installation.sandbox.world
        self._store = EvidenceFolder(installation.folder / "evidence")
        self._now = datetime.now(UTC)

    # Before

    async def start(self, name: str, *, long: bool = False) -> IncidentRun:
        """Break a service of this name, and report it with evidence; `long` evidence takes seconds to read."""
        self._deploy(name)
        folder = await asyncio.to_thread(self._evidence, name, long=long)
        refs = [await upload(self._store, "default", path) for path in sorted(folder.iterdir())]
        report = IncidentReport(
            incident_id=f"{self._installation.task_queue}-{name}",
            title=f"{name} answers with errors",
            reported_by="p-ivan",
            evidence=tuple(refs),
        )
        handle = await self._installation.client.start_workflow(
            TroubleshootingWorkflow.run,
            IncidentInput(tenant="default", report=report),
            id=troubleshooting_workflow_id("default", report.incident_id),
            task_queue=self._installation.task_queue,
            search_attributes=search_attributes.at_incident_start("default"),
        )
        return IncidentRun(name, handle)

    def _deploy(self, name: str) -> None:
        """A service that runs v4, which is bad, and ran v3 before."""
        world = self._world
        like = world.find("deployments", "service", "checkout") or {}
        state = (world.find("deployments", "history", "checkout") or {"states": [{}]})["states"][-1]
        share = {"version": "v4", "track": "stable", "percent": 100}
        runs = {"stable_version": "v4", "previous_version": "v3", "canary_version": None}
        world.keep("deployments", "service", name, {**like, **runs, "name": name})
        world.keep("deployments", "history", name, {"id": name, "states": [{**state, "shares": [share]}]})
        self.trouble(name, "v4")

    def trouble(self, name: str, version: str) -> None:
        """A version of a service fails from now on."""
        trouble = {"id": f"{name}-{version}", "service": name, "version": version, "error_ratio": 0.27}
        self._world.keep("deployments", "trouble", trouble["id"], trouble)

    def _evidence(self, name: str, *, long: bool) -> Path:
        folder = rebased(SAMPLES / SAMPLE, self._installation.folder / "given" / name, self._now)
        for path in list(folder.iterdir()):
            text = SERVICE.sub(name, path.read_text("utf-8"))
            if long and path.name == "catalog.log":
                text = "".join(line * _MANY for line in text.splitlines(keepends=True))
            path.unlink()
            (folder / SERVICE.sub(name, path.name)).write_text(text, "utf-8")
        return folder

    # On the way

    async def until(self, run: IncidentRun, holds: Any) -> IncidentState:
        """Look at an incident until something holds, whoever is down meanwhile."""
        deadline = time.monotonic() + SOON_SECONDS
        while True:
            with suppress(RPCError):
                run.state = await run.handle.query(
                    TroubleshootingWorkflow.query_state, rpc_timeout=timedelta(seconds=3)
                )
                if holds(run.state):
                    return run.state
            words = [worker.words[-1500:] for worker in self._installation.workers]
            assert time.monotonic() < deadline, f"{run}: {_said(run)}; workers say: {words}"
            await asyncio.sleep(_LOOKS_EVERY)

    async def until_read_from(self, run: IncidentRun) -> None:
        """Until a worker is reading its logs."""
        async with asyncio.timeout(SOON_SECONDS):
            while True:
                pending = (await run.handle.describe()).raw_description.pending_activities
                if any(one.activity_type.name == "logs.analyse" and one.state == STARTED for one in pending):
                    return
                await asyncio.sleep(0.05)

    async def asked(self, run: IncidentRun) -> ApprovalState:
        """The open request, once somebody was asked."""
        state = await self.until(run, lambda s: any(one.rungs for one in s.pending_approvals))
        return next(one for one in state.pending_approvals if one.rungs)

    async def approve(self, run: IncidentRun) -> None:
        """Have the fix approved, as often as it takes to be heard."""
        await self._decide(run, await self.asked(run))

    async def _decide(self, run: IncidentRun, request: ApprovalState) -> None:
        word = ApprovalDecision(
            request_id=request.request_id,
            person_id=request.rungs[-1].approvers[0],
            approve=True,
            digest=request.digest,
        )
        await self._tell(run, TroubleshootingWorkflow.decide_approval, word, f"approve/{request.request_id}")

    async def watched(self, run: IncidentRun) -> None:
        """Until the outcome of its fix is watched."""
        await self.until(run, lambda s: s.monitoring is not None and s.monitoring.looks > 0)

    async def finish(self, run: IncidentRun) -> IncidentState:
        """Decide whatever is asked, and close by hand what people were handed."""
        while True:
            state = await self.until(
                run, lambda s: s.closed or any(one.rungs for one in s.pending_approvals) or _is_with_people(s)
            )
            if state.closed:
                return state
            if _is_with_people(state):
                word = CloseIncidentInput(person_id="p-ivan", resolution="It was fixed elsewhere.")
                await self._tell(run, TroubleshootingWorkflow.close, word, "close")
            else:
                await self._decide(run, next(one for one in state.pending_approvals if one.rungs))
            await asyncio.sleep(_LOOKS_EVERY)

    async def _tell(self, run: IncidentRun, update: Any, word: Any, update_id: str) -> None:
        deadline = time.monotonic() + SOON_SECONDS
        while time.monotonic() < deadline:
            with suppress(WorkflowUpdateFailedError):
                with suppress(RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):
                    await run.handle.execute_update(update, word, id=update_id, rpc_timeout=timedelta(seconds=5))
                    return
                await asyncio.sleep(0.1)
                continue
            return  # it was decided meanwhile
        raise AssertionError(f"{run} could not be told {update_id}: {_said(run)}")

    # Afterwards

    def effects(self, run: IncidentRun) -> list[str]:
        """What happened to the service, in order: `rolled_back v3`. An effect that came twice stands there twice."""
        return [
            f"{entry.kind} {'again' if entry.repeated else entry.body.get('facts', {}).get('Stable', '')}".strip()
            for entry in self._world.entries(vendor="deployments")
            if entry.subject == f"release/{run.name}"
        ]

    async def keys_of(self, state: IncidentState) -> list[str]:
        """Keys of the calls that roll something back, which its playbook asked for: a repeat has the key of the first.

        Rolling back to what runs already changes nothing, so a second call with another key would show nowhere else.
        """
        assert state.execution is not None
        history = await self._installation.client.get_workflow_handle(state.execution.run).fetch_history()
        asked = [event.activity_task_scheduled_event_attributes for event in history.events]
        return [
            str(json.loads(one.input.payloads[0].data)["key"])
            for one in asked
            if one.activity_type.name == "deployments.rollBack"
        ]

    def version_of(self, run: IncidentRun) -> str:
        """What runs in the end."""
        return str((self._world.find("deployments", "service", run.name) or {})["stable_version"])


def _is_with_people(state: IncidentState) -> bool:
    return state.people_have_it and not state.pending_approvals and not state.is_resolved and not state.parked


def _said(run: IncidentRun) -> list[str]:
    return [entry.text for entry in run.state.timeline] if run.state is not None else []
