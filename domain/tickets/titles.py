"""A title for what came without one: the first sentence that says something."""

from __future__ import annotations

import re

LONGEST = 120
_FEWEST_WORDS = 3
_SENTENCE_ENDS = re.compile(r"(?<=[.!?])\s+|[\r\n]+")
_GREETING = re.compile(
    r"\A(?:hi|hello|hey|dear|good (?:morning|afternoon|evening)|hallo|guten tag|bonjour|hola)\b"
    r"[^,!.:;\n]{0,40}[,!.:;]\s*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w{2,}")


def title_of(description: str) -> str | None:
    """A title made of a description.

    Args:
        description: as a person wrote it.

    Returns:
        Its first sentence of three words or more, without a greeting and at most 120 letters long; None where there
        is none, for a title that says nothing helps nobody.
    """
    for part in _SENTENCE_ENDS.split(description.strip()):
        sentence = " ".join(_GREETING.sub("", part.strip()).split())
        if len(_WORD.findall(sentence)) >= _FEWEST_WORDS:
            return _shortened(sentence)
    return None


def _shortened(sentence: str) -> str:
    if len(sentence) <= LONGEST:
        return sentence.rstrip(".")
    cut = sentence[: LONGEST - 1]
    return (cut.rpartition(" ")[0] or cut).rstrip(" ,;:-") + "…"
