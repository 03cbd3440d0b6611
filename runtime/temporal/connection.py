"""The connection to Temporal: one data converter and one client factory for workers, starters and tests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from temporalio.client import Client, Interceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes
from temporalio.runtime import Runtime
from temporalio.service import RPCError, TLSConfig

from domain.errors import NotReachable
from runtime.settings.environment import CodecSettings, Settings, TemporalSettings
from runtime.temporal.asking import AsksAgain
from runtime.temporal.codec import EncryptionCodec, SurehandPayloadConverter
from runtime.temporal.signing import Signs, key_of

CONNECT_TIMEOUT_SECONDS = 10.0
_SETTLE_SECONDS = 0.2
"""After a failed connection the SDK's threads still clean up; a process that ended meanwhile would crash (measured with
temporalio 1.35: 18 of 25 ended with a segmentation fault or an abort, none after this pause)."""


def data_converter(codec: CodecSettings | None = None) -> DataConverter:
    """How values become payloads: Pydantic as JSON, encrypted when there are keys.

    With keys, failure messages and stack traces are encrypted too; without, they stay readable in the web UI. Replay
    needs the same converter that wrote the history.
    """
    plain = replace(pydantic_data_converter, payload_converter_class=SurehandPayloadConverter)
    if codec is None:
        return plain
    return replace(
        plain,
        payload_codec=EncryptionCodec(codec.key_ring, codec.active_id),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(
    settings: Settings,
    *,
    interceptors: Sequence[Interceptor] = (),
    runtime: Runtime | None = None,
    lazy: bool = False,
    timeout_seconds: float = CONNECT_TIMEOUT_SECONDS,
) -> Client:
    """Connect to Temporal as the settings say.

    Args:
        settings: `temporal` says where, `codec` whether payloads are encrypted.
        interceptors: client interceptors; one that is a worker interceptor too reaches the workers from here.
        runtime: the SDK's runtime, from `runtime.telemetry.logs.create_runtime`; the SDK's default when not given.
        lazy: do not connect before the first call.
        timeout_seconds: give up after this long.

    Raises:
        NotReachable: no Temporal answers, or it does not let us in.
    """
    temporal = settings.temporal
    try:
        async with asyncio.timeout(timeout_seconds):
            if not lazy:
                await _somebody_listens(temporal.address)
            return await Client.connect(
                temporal.address,
                namespace=temporal.namespace,
                api_key=temporal.api_key.get_secret_value() if temporal.api_key else None,
                tls=_tls(temporal),
                data_converter=data_converter(settings.codec),
                interceptors=[*interceptors, *_signing(settings), AsksAgain()],
                runtime=runtime,
                lazy=lazy,
            )
    except (OSError, RuntimeError, RPCError):  # a time-out is an OSError
        await asyncio.sleep(_SETTLE_SECONDS)
        raise NotReachable(
            f"Temporal does not answer at {temporal.address}: start it (`surehand dev` brings its own) "
            "or correct SUREHAND_TEMPORAL__ADDRESS and its TLS settings."
        ) from None


async def _somebody_listens(address: str) -> None:
    """Ask the operating system first: it answers at once, and the SDK is not left with a failed connection."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.close()


def _signing(settings: Settings) -> list[Interceptor]:
    """What signs people's words, where this process has a key."""
    key = key_of(settings.signing)
    return [Signs(key, settings.temporal.namespace)] if key is not None else []


def _tls(temporal: TemporalSettings) -> TLSConfig | bool:
    if not temporal.uses_tls:
        return False
    return TLSConfig(
        server_root_ca_cert=_read(temporal.tls_ca_file),
        client_cert=_read(temporal.tls_cert_file),
        client_private_key=_read(temporal.tls_key_file),
        domain=temporal.tls_server_name,
    )


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path is not None else None
