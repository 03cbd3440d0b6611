"""Encryption of what Temporal stores: AES-256-GCM per payload, with the key's id beside it so that keys can change.

Any known key decrypts; the active one encrypts. What the codec does not cover, because Temporal needs it in the clear:
workflow ids, type and task-queue names, and search attributes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter
from temporalio.converter import CompositePayloadConverter, EncodingPayloadConverter, PayloadCodec

from domain.errors import ConfigurationProblem

ENCODING = "binary/encrypted"
KEY_ID = "encryption-key-id"
_NONCE_BYTES = 12


class EncryptionCodec(PayloadCodec):
    """Encrypts every payload with the active key; leaves alone, on the way back, what it did not encrypt.

    Args:
        keys: key id -> 32 bytes.
        active: id of the key that encrypts.
    """

    def __init__(self, keys: Mapping[str, bytes], active: str) -> None:
        if active not in keys:
            raise ConfigurationProblem("The active encryption key is not among the keys: set SUREHAND_CODEC__ACTIVE.")
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._active = active

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt each payload, its metadata included."""
        return [self._encrypt(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt each payload that is encrypted; pass the others through.

        Raises:
            ConfigurationProblem: the key is not known, or does not open the payload.
        """
        return [self._decrypt(payload) for payload in payloads]

    def _encrypt(self, payload: Payload) -> Payload:
        # A random nonce per payload is safe up to about 2^32 payloads with one key: rotate keys yearly.
        nonce = os.urandom(_NONCE_BYTES)
        key_id = self._active.encode()
        sealed = self._ciphers[self._active].encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={"encoding": ENCODING.encode(), KEY_ID: key_id}, data=nonce + sealed)

    def _decrypt(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING.encode():
            return payload
        key_id = payload.metadata.get(KEY_ID, b"")
        cipher = self._ciphers.get(key_id.decode("ascii", "replace"))
        if cipher is None:
            raise ConfigurationProblem(
                "A payload is encrypted with a key that SUREHAND_CODEC__KEYS does not have: "
                "add it again and keep every key until the last case that used it has left Temporal."
            )
        try:
            opened = cipher.decrypt(payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], key_id)
        except (InvalidTag, ValueError):
            raise ConfigurationProblem(
                "An encrypted payload does not open: it was changed on the way, or SUREHAND_CODEC__KEYS has another "
                "key under the same id; restore the key that encrypted it."
            ) from None
        plain = Payload()
        plain.ParseFromString(opened)
        return plain


class _LockedPayloads(EncodingPayloadConverter):
    """Says what to do when an encrypted payload arrives and no key is configured at all."""

    @property
    def encoding(self) -> str:
        return ENCODING

    def to_payload(self, value: Any) -> Payload | None:
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> NoReturn:
        raise ConfigurationProblem(
            "A payload is encrypted and no key is configured: set SUREHAND_CODEC__KEYS to the keys it was written with."
        )


class SurehandPayloadConverter(CompositePayloadConverter):
    """Pydantic models as JSON, and a sentence instead of a riddle for a payload that nobody decrypted."""

    def __init__(self) -> None:
        super().__init__(*PydanticPayloadConverter().converters.values(), _LockedPayloads())
