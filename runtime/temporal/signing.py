"""Keys that sign what people say to cases, keys that are trusted, and the client interceptor that signs.

Ed25519: starters hold the private key, workers hold public ones. A signature travels in Temporal's headers, so messages
stay as they are, and every way in that connects through `runtime.temporal.connection` signs without knowing of it.
"""

from __future__ import annotations

import base64
import binascii
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Interceptor,
    OutboundInterceptor,
    SignalWorkflowInput,
    StartWorkflowUpdateInput,
    WorkflowUpdateHandle,
)

from domain.identity.signing import (
    SIGNAL_HOLDS,
    SIGNED_SIGNALS,
    SKEW,
    UPDATE_HOLDS,
    Signature,
    Word,
    WordKind,
    digest_of,
    statement,
)
from runtime.settings.signing import KEY_BYTES, SigningSettings, TrustedKey

HEADER = "surehand_signature"
"""Its name among Temporal's headers."""
_MOST_BYTES = 2_000
_NONCE_BYTES = 16


def now() -> datetime:
    """The time by the clock of this machine."""
    return datetime.now(UTC)


class SigningKey:
    """A private key, with the id that workers know its public half by.

    Args:
        key_id: its name.
        seed: 32 bytes.
        clock: tells the time.
    """

    def __init__(self, key_id: str, seed: bytes, clock: Callable[[], datetime] = now) -> None:
        self.key_id = key_id
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._clock = clock

    @property
    def public(self) -> bytes:
        """The half that workers are given; 32 bytes."""
        return self._private.public_key().public_bytes_raw()

    def sign(self, word: Word) -> Signature:
        """Sign a word; each time anew, with a nonce and a time of its own."""
        issued_at = self._clock()
        draft = Signature(
            key_id=self.key_id,
            nonce=secrets.token_urlsafe(_NONCE_BYTES),
            issued_at=issued_at,
            expires_at=issued_at + (UPDATE_HOLDS if word.kind is WordKind.UPDATE else SIGNAL_HOLDS),
        )
        value = base64.b64encode(self._private.sign(statement(word, draft))).decode("ascii")
        return draft.model_copy(update={"value": value})


class TrustedKeys:
    """The public keys that this process trusts. Several, so that they can change one after the other.

    Args:
        keys: by their ids.
        clock: tells the time.
    """

    def __init__(self, keys: Mapping[str, TrustedKey], clock: Callable[[], datetime] = now) -> None:
        self._keys = {
            key_id: (Ed25519PublicKey.from_public_bytes(key.public), key.until) for key_id, key in keys.items()
        }
        self._clock = clock

    def refusal(self, word: Word, signature: Signature) -> str | None:
        """Why a signature does not hold; None when it does. Whether it was used before is the case's to know."""
        known, today = self._keys.get(signature.key_id), self._clock()
        if known is None:
            return "it was signed with a key that the worker does not trust"
        public, until = known
        if until is not None and today.date() > until:
            return "it was signed with a key that has run out"
        if not signature.is_of_its_time or signature.issued_at > today + SKEW:
            return "its time is wrong: set the clock of the machine that sent it"
        if signature.expires_at < today - SKEW:
            return "it came too late: say it again"
        try:
            public.verify(base64.b64decode(signature.value, validate=True), statement(word, signature))
        except (InvalidSignature, binascii.Error, ValueError):
            return "it was signed for something else"
        return None


def make_key(key_id: str) -> tuple[str, str]:
    """A new key: what its holder is given, and what workers are given, each as the settings take it."""
    seed = secrets.token_bytes(KEY_BYTES)
    public = SigningKey(key_id, seed).public
    return _written(key_id, seed), _written(key_id, public)


def key_of(settings: SigningSettings) -> SigningKey | None:
    """The key that this process signs with; None where it signs nothing."""
    known = settings.signing_key()
    return SigningKey(*known) if known is not None else None


def trusted_of(settings: SigningSettings) -> TrustedKeys | None:
    """The keys that workers trust; None where they take unsigned words."""
    known = settings.trusted_keys()
    return TrustedKeys(known) if known else None


def signature_in(headers: Mapping[str, Payload]) -> Signature | None:
    """The signature that came with a word; None when there is none that can be read."""
    payload = headers.get(HEADER)
    if payload is None or len(payload.data) > _MOST_BYTES:
        return None
    try:
        return Signature.model_validate_json(payload.data)
    except ValidationError:
        return None


def with_signature(headers: Mapping[str, Payload], signature: Signature) -> Mapping[str, Payload]:
    """The headers with the signature."""
    data = signature.model_dump_json().encode()
    return {**headers, HEADER: Payload(metadata={"encoding": b"json/plain"}, data=data)}


def _written(key_id: str, half: bytes) -> str:
    return f"{key_id}:{base64.b64encode(half).decode('ascii')}"


class Signs(Interceptor):
    """Signs every update, and every signal that is a person's word.

    Args:
        key: of this process.
        namespace: that its client speaks to.
    """

    def __init__(self, key: SigningKey, namespace: str) -> None:
        self.key = key
        self.namespace = namespace

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002 - the SDK's name
        """Stand in front of the client's calls."""
        return _Signer(next, self)


class _Signer(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, root: Signs) -> None:  # noqa: A002
        super().__init__(next)
        self._root = root

    async def start_workflow_update(self, input: StartWorkflowUpdateInput) -> WorkflowUpdateHandle[Any]:  # noqa: A002
        # The signature is about the id, so the id is chosen here where the SDK would choose it later.
        input.update_id = input.update_id or str(uuid.uuid4())
        word = self._word(input.id, WordKind.UPDATE, input.update, input.args, input.update_id)
        input.headers = with_signature(input.headers, self._root.key.sign(word))
        return await super().start_workflow_update(input)

    async def signal_workflow(self, input: SignalWorkflowInput) -> None:  # noqa: A002
        if input.signal in SIGNED_SIGNALS:
            word = self._word(input.id, WordKind.SIGNAL, input.signal, input.args)
            input.headers = with_signature(input.headers, self._root.key.sign(word))
        await super().signal_workflow(input)

    def _word(self, workflow_id: str, kind: WordKind, name: str, args: Sequence[object], word_id: str = "") -> Word:
        return Word(
            namespace=self._root.namespace,
            workflow_id=workflow_id,
            kind=kind,
            name=name,
            word_id=word_id,
            content=digest_of(args),
        )
