"""Events to systems outside: CloudEvents 1.0 over HTTP in structured mode, to every configured address.

The event's own id and source tell a sink that it has one already (CloudEvents 1.0, "id"); the ledger keeps us from
sending again to a sink that took it.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from domain.cases.records import EffectStatus
from domain.errors import VendorError
from domain.model import JsonValue
from domain.playbook.messages import CloudEvent
from domain.ports.effects import EffectLedger
from integrations.http import Reply, VendorHttp, status_error
from integrations.idempotency import key_hash

VENDOR = "event sink"
MEDIA_TYPE = "application/cloudevents+json"


class HttpEventSinks:
    """`domain.ports.playbooks.EventPublisher` on HTTP."""

    def __init__(self, addresses: Sequence[str], ledger: EffectLedger, *, timeout_seconds: float = 10) -> None:
        """`addresses` are asked in their order; `timeout_seconds` is for one sink."""
        self._ledger = ledger
        self._sinks = {address: self._sink(address, timeout_seconds) for address in addresses}

    async def publish(self, event: CloudEvent, *, tenant: str, key: str) -> int:
        """Send to every sink that has not taken it under this key.

        Raises:
            VendorError: of the first sink that did not take it, after all were tried.
        """
        failure: VendorError | None = None
        for address, sink in self._sinks.items():
            try:
                await self._deliver(sink, _path(address), structured(event), tenant, f"{key}/sink-{key_hash(address)}")
            except VendorError as error:
                # One sink that is down keeps nobody else from knowing.
                failure = failure or error
        if failure is not None:
            raise failure
        return len(self._sinks)

    async def _deliver(self, sink: VendorHttp, path: str, event: dict[str, JsonValue], tenant: str, key: str) -> None:
        entry = await self._ledger.claim(key, tenant)
        if entry.status is EffectStatus.DONE:
            return
        await sink.send("POST", path, body=event, headers={"Content-Type": MEDIA_TYPE})
        await self._ledger.record(key, {"event": str(event["id"])})

    @staticmethod
    def _sink(address: str, timeout_seconds: float) -> VendorHttp:
        parts = urlsplit(address)
        return VendorHttp(
            VENDOR,
            f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",
            timeout_seconds=timeout_seconds,
            translate=_translate,
            auth=(parts.username, parts.password or "") if parts.username else None,
            reads_answers=False,
        )


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"


def structured(event: CloudEvent) -> dict[str, JsonValue]:
    """The event in the JSON format (CloudEvents 1.0, "JSON Event Format"): extensions stand beside the attributes."""
    attributes = event.model_dump(mode="json", exclude={"extensions", "data"}, exclude_none=True)
    told = {**event.extensions, **attributes}
    return {**told, "data": event.data} if event.data is not None else told


def _translate(reply: Reply, write: bool) -> VendorError:
    return status_error(VENDOR, reply, write=write)
