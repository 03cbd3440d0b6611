"""Access tokens that the sandbox's mail servers believe: given by its identity provider, ended or withdrawn later."""

from __future__ import annotations

import re
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - opens nothing but the sandbox
"""A person's, who signed in once."""
_WORDS = {
    "XOAUTH2": re.compile(rb"user=([^\x01]+)\x01auth=Bearer ([!-~]+)\x01\x01\Z"),
    "OAUTHBEARER": re.compile(rb"n,a=([^\x01,]+),\x01host=[^\x01]+\x01port=\d+\x01auth=Bearer ([!-~]+)\x01\x01\Z"),
}


@dataclass
class MailTokens:
    """What was given out."""

    lives_seconds: float = 3_600.0
    good: dict[str, float] = field(default_factory=dict)
    """Token -> when it ends, by the clock that only grows."""
    refresh_tokens: set[str] = field(default_factory=lambda: {REFRESH_TOKEN})
    asked: list[str] = field(default_factory=list)
    """Grants of the tokens that were given, in order."""

    def give(self, form: dict[str, str]) -> dict[str, Any] | None:
        """The answer to a client that was recognised; None when its refresh token is not known."""
        grant = form["grant_type"]
        if grant == "refresh_token" and form.get("refresh_token") not in self.refresh_tokens:
            return None
        token = secrets.token_urlsafe(24)
        self.good[token] = time.monotonic() + self.lives_seconds
        self.asked.append(grant)
        given = {"access_token": token, "token_type": "Bearer", "expires_in": round(self.lives_seconds)}
        if grant == "refresh_token":
            renewed = secrets.token_urlsafe(24)
            self.refresh_tokens.add(renewed)
            given["refresh_token"] = renewed
        return given

    def withdraw(self) -> None:
        """Every access token ends now."""
        self.good.clear()

    def lets_in(self, mechanism: str, words: bytes) -> bool:
        """Whether what a client said first lets it in, to the letter of the mechanism."""
        read = _WORDS[mechanism].match(words)
        return read is not None and self.good.get(read[2].decode(), 0.0) > time.monotonic()
