"""What an error means: by the words that software of every kind uses for it."""

from __future__ import annotations

import re

from domain.troubleshooting.evidence import Sign
from integrations.evidence.logs.error_words import PATTERNS, WORDS

_LOOKED_AT = 1_500
_MISLEADING = re.compile(r"HTTPS?ConnectionPool\(|Possible EventEmitter memory leak")
"""How a Python client names whom it calls says nothing of a pool, nor does Node's remark of memory that is short."""


def sign_of(message: str, *, status: int | None = None) -> Sign | None:
    """What a line that tells of trouble means; None when its words say nothing in particular.

    Args:
        message: the line, or its exception and message.
        status: an HTTP status that the line ends in.
    """
    text = _MISLEADING.sub("(", message[:_LOOKED_AT])
    lower = text.lower()
    for sign, pattern in PATTERNS:
        for word in WORDS[sign]:
            if word in lower:
                if pattern.search(text):
                    return sign
                break
    return _BY_STATUS.get(status) if status is not None else None


_DEFECT = re.compile(
    r"\b(?:TypeError|AttributeError|NameError|UnboundLocalError|IndexError|ReferenceError|RangeError|NoMethodError"
    r"|ImportError|ModuleNotFoundError|NotImplementedError|AssertionError|StackOverflow\w{0,9}"
    r"|NullPointerException|NullReferenceException|ClassCastException|\w{0,6}IndexOutOfBounds\w{0,10}"
    r"|NoSuch(?:Method|Field)(?:Error|Exception)|NoClassDefFoundError|ClassNotFoundException|AbstractMethodError"
    r"|ConcurrentModificationException)\b"
    r"|nil pointer dereference|index out of range|is not a function|undefined method|cannot read propert"
    r"|slice bounds out of range|interface conversion:"
)


def is_defect(message: str) -> bool:
    """Whether a line names an error that only a program's own code makes, whatever those whom it calls do."""
    return _DEFECT.search(message[:_LOOKED_AT]) is not None


_BY_STATUS = {
    401: Sign.PERMISSION,
    403: Sign.PERMISSION,
    408: Sign.TIMEOUT,
    429: Sign.THROTTLED,
    502: Sign.UNREACHABLE,
    503: Sign.UNREACHABLE,
    504: Sign.TIMEOUT,
}
DEFINITE = frozenset(
    (
        Sign.CERTIFICATE,
        Sign.MEMORY,
        Sign.DISK,
        Sign.CRASH,
        Sign.CLOCK,
        Sign.DNS,
        Sign.POOL_EXHAUSTED,
        Sign.CONFIGURATION,
    )
)
"""What happens rarely without a reason: even a few lines count."""
