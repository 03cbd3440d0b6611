"""What a signature on a word to a case is about. Pure: whoever signs and whoever checks make the same bytes here.

A starter that knows who speaks (the service, the console, Slack, the command line) signs what that person says to a
case, so that nobody who merely reaches Temporal can speak in a person's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, Field

from domain.model import JsonValue, Term, Value
from domain.tools.tool import canonical

SIGNED_SIGNALS = frozenset({"approval_decision", "escalate_now"})
"""Signals by which people speak. The others go from case to case, or bring what is nobody's word. Every update counts
as a person's word."""
UPDATE_HOLDS = timedelta(minutes=10)
"""How long the signature of an update holds: somebody waits for its answer."""
SIGNAL_HOLDS = timedelta(days=7)
"""How long that of a signal does: it waits at the case until a worker is there."""
SKEW = timedelta(minutes=2)
"""How far the clocks of two machines may be apart."""
_CONTEXT = "surehand-word-1"


class WordKind(Term):
    """By what a word came."""

    UPDATE = "update"
    SIGNAL = "signal"


class Word(Value):
    """What was said to a case, as far as its signature is about it."""

    namespace: str
    workflow_id: str
    kind: WordKind
    name: str
    """Of the update or the signal."""
    word_id: str = ""
    """Id of the update; Temporal takes each once in a run. Signals have none."""
    content: str
    """Digest of what it carries: the request, the decision, the reason, the person."""


class Signature(Value):
    """What travels with a word that is signed. Nothing in it is secret or personal."""

    key_id: str = Field(min_length=1, max_length=64)
    nonce: str = Field(min_length=16, max_length=64)
    """Each signature has its own; a case takes it once."""
    issued_at: datetime
    expires_at: datetime
    value: str = Field(default="", max_length=128)
    """Ed25519, in base64."""

    @property
    def is_of_its_time(self) -> bool:
        """Whether its times can be compared, and it holds no longer than any may."""
        known = self.issued_at.tzinfo is not None and self.expires_at.tzinfo is not None
        return known and timedelta(0) < self.expires_at - self.issued_at <= SIGNAL_HOLDS


def digest_of(arguments: Sequence[object]) -> str:
    """SHA-256 of what a word carries.

    Fields that have their default count as absent: a message may get new fields, and a word of an older starter must
    mean the same to a newer worker.
    """
    return hashlib.sha256(canonical([_plain(each) for each in arguments]).encode()).hexdigest()


def statement(word: Word, signature: Signature) -> bytes:
    """The bytes that are signed: the word, and all of the signature but its value."""
    about: dict[str, JsonValue] = {
        **word.model_dump(mode="json"),
        "key_id": signature.key_id,
        "nonce": signature.nonce,
        "issued_at": _exactly(signature.issued_at),
        "expires_at": _exactly(signature.expires_at),
    }
    return f"{_CONTEXT}\n{canonical(about)}".encode()


def _plain(value: object) -> JsonValue:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value


def _exactly(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="microseconds")
