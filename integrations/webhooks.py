"""Whether a webhook comes from whom it says: each sender's own scheme, on the raw body, with its time where it has one.

Sources: developer.zendesk.com "Verifying webhook authenticity"; developer.pagerduty.com "Verifying webhook signatures";
prometheus.io "http_config" (Alertmanager signs nothing and sends a bearer token or a password);
documentation.mailgun.com "Securing webhooks"; standardwebhooks.com, the specification.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook, WebhookVerificationError

WINDOW = timedelta(minutes=5)
"""How old, or how far ahead, a signed time may be."""


def is_from_zendesk(
    secrets: Sequence[str], *, body: bytes, stamp: str | None, signature: str | None, now: datetime
) -> bool:
    """`X-Zendesk-Webhook-Signature`: base64 of HMAC-SHA256 over the time and the body.

    Args:
        secrets: those in force.
        body: as it came.
        stamp: of `X-Zendesk-Webhook-Signature-Timestamp`, ISO 8601.
        signature: of `X-Zendesk-Webhook-Signature`.
        now: the time.
    """
    if stamp is None or signature is None or not _is_of_now(_iso(stamp), now):
        return False
    signed = stamp.encode() + body
    return _is_any(signature, (base64.b64encode(_mac(secret, signed)).decode() for secret in secrets))


def is_from_pagerduty(secrets: Sequence[str], *, body: bytes, signature: str | None) -> bool:
    """`X-PagerDuty-Signature`: a list of `v1=HEX`, one for each secret that is in force there. It has no time."""
    if signature is None:
        return False
    expected = [f"v1={_mac(secret, body).hex()}" for secret in secrets]
    given = [part.strip() for part in signature.split(",")[:10]]
    return any(_same(one, other) for one in given for other in expected)


def is_from_mailgun(
    secrets: Sequence[str], *, stamp: str | None, token: str | None, signature: str | None, now: datetime
) -> bool:
    """The form's `signature`: HMAC-SHA256 over its `timestamp` and `token`. It says nothing about the other fields."""
    if stamp is None or token is None or signature is None or not _is_of_now(_seconds(stamp), now):
        return False
    signed = f"{stamp}{token}".encode("utf-8", "surrogatepass")
    return _is_any(signature, (_mac(secret, signed).hex() for secret in secrets))


def carries(secrets: Sequence[str], authorization: str | None) -> bool:
    """A secret in `Authorization`, as a bearer token or as a password (HTTP Basic, any user)."""
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() == "basic":
        try:
            given = base64.b64decode(given.strip(), validate=True).decode("utf-8").partition(":")[2]
        except (binascii.Error, ValueError):
            return False
    elif scheme.lower() != "bearer":
        return False
    return _is_any(given.strip(), secrets)


def is_standard(secrets: Sequence[str], *, body: bytes, headers: Mapping[str, str]) -> bool:
    """`webhook-id`, `webhook-timestamp` and `webhook-signature` of the Standard Webhooks convention."""
    return any(_is_standard(secret, body, headers) for secret in secrets)


def _is_standard(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError, TypeError, OverflowError, OSError):
        # Beside its own error the library raises whatever reading a strange header raises.
        return False
    return True


def _mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass"))


def _is_any(given: str, expected: Iterable[str]) -> bool:
    return any(_same(given, one) for one in expected if one)


def _iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


def _seconds(text: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(text), UTC) if len(text) < 15 else None
    except (ValueError, OverflowError, OSError):
        return None


def _is_of_now(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and abs(now - moment) <= WINDOW
