"""Takes out of a text what no log, trace or error may hold: configured secrets, and what looks personal or secret."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from domain.text.redaction import Redactor as PersonalData

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 6
"""Shorter secrets are not searched for: hiding every `a` of a log would hide the log."""
_KINDS = frozenset({"SECRET", "IBAN", "CARD", "EMAIL", "SSN", "PHONE"})
"""Not addresses of machines: those in our sentences are of servers, and who reads them needs them."""
_MOST_CHARACTERS = 8_000
"""Of one text. A traceback's end says what happened; looking through more would hold up the process."""
_SHORT = 300
_PERSONAL = PersonalData()


class Redactor:
    """Replaces secrets and personal data in texts.

    Args:
        secrets: values that must never appear, also where JSON or a URL escaped them.
        personal: also replace what looks like an e-mail address, a card, an account or a key of any kind.
    """

    def __init__(self, secrets: Iterable[str], *, personal: bool = False) -> None:
        long_enough = sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(secret) for secret in long_enough)) if long_enough else None
        self._personal = personal

    def __call__(self, text: str) -> str:
        """The text without any of it."""
        plain = self._pattern.sub(HIDDEN, text) if self._pattern else text
        if not self._personal:
            return plain
        if len(plain) > _MOST_CHARACTERS:
            plain = f"[...] {plain[-_MOST_CHARACTERS:]}"
        return _seen_before(plain) if len(plain) <= _SHORT else _without_personal_data(plain)

    def of_value(self, value: Any) -> Any:
        """The same for every text inside a value."""
        if isinstance(value, dict):
            return {self(str(key)): self.of_value(part) for key, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.of_value(part) for part in value]
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            shown = self(str(value))  # a card's number may come as a number
            return value if shown == str(value) else shown
        return self(str(value))


def _without_personal_data(text: str) -> str:
    return _PERSONAL.redact(text, kinds=_KINDS).text


# Most lines say what many lines said before.
_seen_before = lru_cache(maxsize=4_096)(_without_personal_data)
