"""Encryption of payloads: what goes in comes out, and nothing else does."""

import asyncio
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel
from temporalio.api.common.v1 import Payload

from domain.errors import ConfigurationProblem
from runtime.settings.environment import CodecSettings
from runtime.temporal.codec import ENCODING, KEY_ID, EncryptionCodec
from runtime.temporal.connection import data_converter

OLD, NEW = b"o" * 32, b"n" * 32


class Note(BaseModel):
    text: str


def seal(codec: EncryptionCodec, payload: Payload) -> Payload:
    return asyncio.run(codec.encode([payload]))[0]


def open_(codec: EncryptionCodec, payload: Payload) -> Payload:
    return asyncio.run(codec.decode([payload]))[0]


@given(data=st.binary(max_size=300), metadata=st.dictionaries(st.text(max_size=10), st.binary(max_size=20), max_size=3))
def test_every_payload_comes_back_as_it_was(data, metadata):
    codec = EncryptionCodec({"a": OLD}, "a")
    payload = Payload(data=data, metadata=metadata)
    assert open_(codec, seal(codec, payload)) == payload or metadata.get("encoding") == ENCODING.encode()


def test_nothing_of_the_payload_is_readable_and_equal_payloads_look_different():
    codec = EncryptionCodec({"a": OLD}, "a")
    payload = Payload(metadata={"encoding": b"json/plain", "hint": b"sentinel-hint"}, data=b"sentinel-data")

    sealed = seal(codec, payload)

    assert b"sentinel" not in sealed.SerializeToString()
    assert dict(sealed.metadata) == {"encoding": ENCODING.encode(), KEY_ID: b"a"}
    assert sealed.data != seal(codec, payload).data


def test_the_active_key_encrypts_and_every_known_key_decrypts():
    before = EncryptionCodec({"old": OLD}, "old")
    after = EncryptionCodec({"new": NEW, "old": OLD}, "new")
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b"1")

    assert open_(after, seal(before, payload)) == payload
    assert seal(after, payload).metadata[KEY_ID] == b"new"


def test_what_was_never_encrypted_passes_through():
    codec = EncryptionCodec({"a": OLD}, "a")
    payload = Payload(metadata={"encoding": b"binary/of-another-world"}, data=b"x")
    assert open_(codec, payload) is payload


def test_a_key_that_is_gone_is_explained():
    sealed = seal(EncryptionCodec({"old": OLD}, "old"), Payload(data=b"x"))
    with pytest.raises(ConfigurationProblem, match="SUREHAND_CODEC__KEYS does not have: add it again"):
        open_(EncryptionCodec({"new": NEW}, "new"), sealed)


@pytest.mark.parametrize("spoil", [0, 13, -1])
def test_a_changed_byte_is_noticed(spoil):
    codec = EncryptionCodec({"a": OLD}, "a")
    sealed = seal(codec, Payload(data=b"transfer 10"))
    data = bytearray(sealed.data)
    data[spoil] ^= 1
    with pytest.raises(ConfigurationProblem, match="does not open"):
        open_(codec, Payload(metadata=dict(sealed.metadata), data=bytes(data)))


def test_a_payload_moved_under_another_keys_id_or_cut_short_is_noticed():
    codec = EncryptionCodec({"a": OLD, "b": OLD}, "a")
    sealed = seal(codec, Payload(data=b"x"))
    for metadata, data in (({**sealed.metadata, KEY_ID: b"b"}, sealed.data), (dict(sealed.metadata), sealed.data[:5])):
        with pytest.raises(ConfigurationProblem, match="does not open"):
            open_(codec, Payload(metadata=metadata, data=data))


def test_without_any_key_an_encrypted_payload_is_explained():
    async def read() -> None:
        sealed = await data_converter(CodecSettings(keys=_keys(OLD))).encode([Note(text="x")])
        await data_converter().decode(sealed, [Note])

    with pytest.raises(ConfigurationProblem, match="no key is configured"):
        asyncio.run(read())


def test_values_and_failures_make_the_round_trip_through_the_data_converter():
    async def read() -> tuple[list[Note], bytes]:
        converter = data_converter(CodecSettings(keys=_keys(OLD)))
        failed = await _failure(converter)
        return await converter.decode(await converter.encode([Note(text="hello")]), [Note]), failed

    notes, failed = asyncio.run(read())
    assert notes == [Note(text="hello")]
    assert b"sentinel" not in failed


async def _failure(converter):
    from temporalio.api.failure.v1 import Failure

    failure = Failure()
    try:
        raise ValueError("sentinel")
    except ValueError as error:
        await converter.encode_failure(error, failure)
    return failure.SerializeToString()


def _keys(key: bytes):
    import base64

    return f"a:{base64.b64encode(key).decode()}"


def test_an_active_key_outside_the_ring_is_refused():
    with pytest.raises(ConfigurationProblem):
        EncryptionCodec({"a": OLD}, "b")


def test_the_plain_converter_writes_what_the_sdks_pydantic_converter_writes():
    from temporalio.contrib.pydantic import pydantic_data_converter

    async def both() -> tuple[list[Payload], list[Payload]]:
        values = [Note(text="x"), None, b"bytes", 3]
        return await data_converter().encode(values), await pydantic_data_converter.encode(values)

    ours, theirs = asyncio.run(both())
    assert ours == theirs
    assert dataclasses.is_dataclass(data_converter())
