"""Text from outside, made safe to store, compare and show. Pure; changes nothing that a reader would miss."""

from __future__ import annotations

import re
import unicodedata

REPLACEMENT = "\ufffd"
"""Stands where a character could not be represented."""

_LINE_ENDS = re.compile("\r\n?|\u2028|\u2029|\x85|\x0b|\x0c")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\u206a-\u206f\ufeff\ufff9-\ufffb"
)
"""Zero-width characters and overrides of the writing direction, as a character class. Joiners are not among them."""
_INVISIBLE = re.compile(f"[{INVISIBLE}]|[\U000e0000-\U000e007f]")
_STRAY_JOINER = re.compile("(?<=[\x21-\x7e])[\u200c\u200d]+(?=[\x21-\x7e])")
"""A joiner between ASCII characters joins nothing; in Arabic, Indic scripts and emoji it has a meaning and stays."""
_MARKS = re.compile("([\u0300-\u036f]{4})[\u0300-\u036f]+")
"""Stacks of accents that overflow their line; four are more than any language writes."""
_BLANK_LINES = re.compile(r"\n{4,}")
_LINE_BREAKS = re.compile(r"\s*\n\s*")


def normalise_text(text: str) -> str:
    """A text in NFC with plain line ends, without control, zero-width and direction-override characters.

    Lone surrogates, which no UTF-8 can carry, become U+FFFD. Applying it twice changes nothing further.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROLS.sub("", text)
    text = _SURROGATES.sub(REPLACEMENT, text)
    text = _STRAY_JOINER.sub("", _INVISIBLE.sub("", text))
    text = _STRAY_JOINER.sub("", unicodedata.normalize("NFC", text))
    text = _MARKS.sub(r"\1", text)
    return _BLANK_LINES.sub("\n\n\n", text).strip()


def normalise_line(text: str) -> str:
    """A text on one line, for subjects, names and ids."""
    return _LINE_BREAKS.sub(" ", normalise_text(text))
