"""Whether Slack sent a request: its signature on the raw body, not older or newer than five minutes.

Source: docs.slack.dev, "Verifying requests from Slack".
"""

from __future__ import annotations

from pydantic import SecretStr
from slack_sdk.signature import Clock, SignatureVerifier

SIGNATURE_HEADER = "X-Slack-Signature"
TIME_HEADER = "X-Slack-Request-Timestamp"


def is_from_slack(
    secret: SecretStr, *, body: bytes, timestamp: str | None, signature: str | None, clock: Clock | None = None
) -> bool:
    """Whether a request carries a signature that only Slack and we can make.

    Args:
        secret: the app's signing secret.
        body: as it came, before anything reads it.
        timestamp: of the header `X-Slack-Request-Timestamp`, in seconds since 1970.
        signature: of the header `X-Slack-Signature`.
        clock: says the time; this machine's when not given.
    """
    try:
        verifier = SignatureVerifier(secret.get_secret_value(), clock or Clock())
        return verifier.is_valid(body=body, timestamp=timestamp, signature=signature)
    except (ValueError, TypeError, OverflowError):
        # The library raises for a time that is no number, a signature beyond ASCII, and a body that is no UTF-8.
        return False
