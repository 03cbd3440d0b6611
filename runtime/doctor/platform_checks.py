"""The checks of the platform itself: Python, settings, configuration, Temporal, workers, keys, clock."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.configuration.policies import Configuration
from runtime.doctor.checks import TIMEOUT_SECONDS, Check, CheckResult, Verdict, missing, ok, run_all, warning
from runtime.doctor.signature_check import judged
from runtime.settings.environment import Settings
from runtime.temporal import search_attributes
from runtime.temporal.cluster_setup import retention_of
from runtime.temporal.connection import connect, data_converter
from runtime.temporal.sharing_probe import sharing_of
from runtime.temporal.signing import key_of

OLDEST_PYTHON = (3, 11)
SHORTEST_RETENTION = timedelta(days=4)
"""A case speaks for 72 hours after its resolution; a closed one should still be there to look at the day after."""
_SHARING_SECONDS = 15.0
_POLLED_WITHIN = timedelta(minutes=2)
_SKEW_TO_WARN = timedelta(seconds=30)
_SKEW_TO_REFUSE = timedelta(minutes=5)
"""Slack and webhook signatures are refused beyond five minutes."""


async def run_checks(
    settings: Settings,
    *,
    probes: Sequence[Check] = (),
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> list[CheckResult]:
    """Check everything, side by side.

    Args:
        settings: as loaded; that they load at all is the first check.
        probes: checks of the store, vendors and models, which the command line makes from their clients.
        timeout_seconds: for each check.

    Returns:
        The platform's results, then the probes', in order.
    """
    platform = PlatformChecks(settings)
    return await run_all([*platform.checks(), *probes], timeout_seconds=timeout_seconds)


class PlatformChecks:
    """The platform's checks over one set of settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def _is_here(self) -> bool:
        return self._settings.temporal.address.split(":")[0] in ("127.0.0.1", "localhost")

    def checks(self) -> list[Check]:
        """All of them, in the order a person would ask."""
        return [
            Check("Python", self.python),
            Check("Settings", self.settings),
            Check("Configuration", self.configuration),
            Check("Temporal", self.temporal),
            Check("Search attributes", self.search_attributes),
            Check("Workers", self.workers),
            Check("Sharing", self.sharing, at_least_seconds=_SHARING_SECONDS + 1),
            Check("Encryption", self.encryption),
            Check("Signatures", self.signatures),
            Check("Clock", self.clock),
        ]

    async def python(self) -> Verdict:
        """Is this Python new enough?"""
        version = ".".join(map(str, sys.version_info[:3]))
        if sys.version_info < OLDEST_PYTHON:
            return missing(f"Python {version} is too old: install 3.11 or newer.")
        return ok(f"Python {version}.")

    async def settings(self) -> Verdict:
        """Which legs are switched off?"""
        legs = {
            "mail (SUREHAND_SMTP__HOST)": self._settings.smtp,
            "Slack (SUREHAND_SLACK__BOT_TOKEN)": self._settings.slack,
            "Zendesk (SUREHAND_ZENDESK__BASE_URL)": self._settings.zendesk,
            "HubSpot (SUREHAND_HUBSPOT__ACCESS_TOKEN)": self._settings.hubspot,
            "Stripe (SUREHAND_STRIPE__API_KEY)": self._settings.stripe,
            "language models (SUREHAND_MODEL__PRIMARY__BASE_URL)": self._settings.model.primary,
        }
        off = [name for name, group in legs.items() if group is None]
        if self._settings.smtp is None and self._settings.slack is None:
            return warning("Neither mail nor Slack is set, so no person hears of a case: set SUREHAND_SMTP__HOST.")
        return ok(f"Switched off: {', '.join(off)}." if off else "Every leg is switched on.")

    async def configuration(self) -> Verdict:
        """Do the files make a policy for every tenant?"""
        configuration = await asyncio.to_thread(Configuration.from_settings, self._settings)
        if configuration.warnings:
            return warning(configuration.warnings[0])
        return ok(f"Tenants: {', '.join(configuration.tenants)}.")

    async def temporal(self) -> Verdict:
        """Does Temporal answer, and does the namespace exist?"""
        client = await self._client()
        retention = await retention_of(client)
        if retention is None:
            return missing(f"Temporal has no namespace {client.namespace}: run `surehand setup`.")
        if retention < SHORTEST_RETENTION:
            return warning(f"Namespace {client.namespace} forgets closed cases after {retention}: keep them four days.")
        return ok(f"Namespace {client.namespace} at {self._settings.temporal.address}.")

    async def search_attributes(self) -> Verdict:
        """Does the namespace know our search attributes?"""
        absent = await search_attributes.missing(await self._client())
        if absent:
            return missing(f"Not registered: {', '.join(absent)}; run `surehand setup`.")
        return ok(f"All {len(search_attributes.ATTRIBUTES)} are registered.")

    async def workers(self) -> Verdict:
        """Does anybody poll our task queue, for workflows and for activities?"""
        client, queue = await self._client(), self._settings.temporal.task_queue
        kinds = {
            "workflows": TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            "activities": TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        }
        for word, kind in kinds.items():
            if not await _pollers(client, queue, kind):
                return warning(f"No worker asks task queue {queue} for {word}: start one with `surehand worker`.")
        return ok(f"Task queue {queue} is served.")

    async def sharing(self) -> Verdict:
        """Does what is pressing go first, and do tenants take turns, when workers are busy?"""
        client = await self._client()
        try:
            found = await asyncio.wait_for(sharing_of(client), _SHARING_SECONDS)
        except (RPCError, TimeoutError):
            return warning("It could not be seen whether tenants take turns: run this again when the server is idle.")
        absent = [
            f"{setting} ({why})"
            for setting, why, holds in (
                ("matching.useNewMatcher", "what is pressing goes first", found.priorities),
                ("matching.enableFairness", "tenants take turns", found.tenants),
            )
            if not holds
        ]
        if absent:
            return warning(f"Temporal does without {' and '.join(absent)}: set it in its dynamic configuration.")
        return ok("What is pressing goes first, and tenants take turns.")

    async def encryption(self) -> Verdict:
        """Does a payload come back through the codec?"""
        codec = self._settings.codec
        if codec is None:
            if self._is_here:
                return ok("Off, and Temporal is on this machine.")
            return warning("Temporal can read every case: set SUREHAND_CODEC__KEYS (docs/encryption.md).")
        converter = data_converter(codec)
        sealed = await converter.encode(["round trip"])
        back = await converter.decode(sealed, [str])
        if back != ["round trip"] or b"round trip" in sealed[0].SerializeToString():
            return missing("A payload did not survive encryption: check SUREHAND_CODEC__KEYS.")
        return ok(f"Key {codec.active_id} encrypts; {len(codec.key_ring)} can decrypt.")

    async def signatures(self) -> Verdict:
        """Do workers believe what this process says in people's names, and for how long?"""
        signing = self._settings.signing
        if signing.says_something:
            return judged(key_of(signing), signing.trusted_keys(), datetime.now(UTC).date())
        if self._is_here:
            return ok("Off, and Temporal is on this machine.")
        return warning("Whoever reaches Temporal can decide in people's names: have words signed (docs/security.md).")

    async def clock(self) -> Verdict:
        """Does our clock agree with a vendor's?"""
        address = self._somebody_with_a_clock()
        if address is None:
            return ok("Nobody outside is configured to compare it with.")
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            try:
                answer = await client.head(address)
            except httpx.HTTPError:
                return warning(f"It could not be compared: {address} does not answer.")
        if "date" not in answer.headers:
            return ok(f"{address} does not tell its time.")
        skew = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["date"]))
        if skew > _SKEW_TO_REFUSE:
            return missing(f"It is off by {skew.total_seconds():.0f} s and signatures will be refused: set up NTP.")
        if skew > _SKEW_TO_WARN:
            return warning(f"It is off by {skew.total_seconds():.0f} s: set up NTP.")
        return ok("It agrees with the outside.")

    async def _client(self) -> Client:
        return await connect(self._settings, timeout_seconds=TIMEOUT_SECONDS - 1)

    def _somebody_with_a_clock(self) -> str | None:
        """A configured vendor whose answers carry the time; a simulator on this machine has our own clock."""
        groups = (
            self._settings.slack,
            self._settings.zendesk,
            self._settings.hubspot,
            self._settings.stripe,
            self._settings.model.primary,
        )
        addresses = [group.base_url for group in groups if group is not None]
        return next((address for address in addresses if address.startswith("https://")), None)


async def _pollers(client: Client, queue: str, kind: TaskQueueType.ValueType) -> bool:
    request = DescribeTaskQueueRequest(
        namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind
    )
    answer = await client.workflow_service.describe_task_queue(request)
    now = datetime.now(UTC)
    seen = [poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers]
    return any(now - last < _POLLED_WITHIN for last in seen)
