"""A text cut into headings, paragraphs and sentences, as the analyses read it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.text.normalise import normalise_text

READ_CHARACTERS = 200_000
"""Characters that are read of a text; an answer says when there were more."""
_SHORTENED = re.compile(
    r"\b(?:e\.g|i\.e|etc|vs|no|nr|mr|mrs|ms|dr|prof|inc|ltd|co|approx|fig|sec|art|z\.b|bzw|ca|st)\.$", re.IGNORECASE
)
_END = re.compile(r"(?<=[.!?])[\"')\]]?\s+(?=[\"'(\[]?[A-ZÀ-ÞÄÖÜ0-9])")
_HEADING = re.compile(
    r"^(?:#{1,6}\s+(?P<marked>\S.{0,118})|(?P<numbered>\d{1,2}(?:\.\d{1,2}){0,3}\s+[A-ZÀ-Þ][^.!?]{2,78}))$"
)
"""Marked as in Markdown, or numbered without a dot behind the number: with one it is a step of a list."""
_BULLET = re.compile(r"^\s*(?:[-*\u2022]|\d{1,2}[.)])\s+")
WORD = re.compile(r"[^\W\d_](?:[\w'\u2019-]*[^\W_])?")


@dataclass(frozen=True)
class ReadText:
    """What the analyses know of a text."""

    text: str
    headings: tuple[str, ...]
    sentences: tuple[str, ...]
    words: tuple[str, ...]
    """In lower case, numbers left out."""
    cut: bool
    """The text was longer than what was read."""


def read(text: str) -> ReadText:
    """Read a text from outside: normalised, bounded, cut into its parts."""
    cut = len(text) > READ_CHARACTERS
    whole = normalise_text(text[:READ_CHARACTERS])
    headings: list[str] = []
    sentences: list[str] = []
    for paragraph in _paragraphs(whole):
        heading = _HEADING.match(paragraph)
        if heading:
            headings.append((heading["marked"] or heading["numbered"]).strip())
        else:
            sentences += _sentences(_BULLET.sub("", paragraph))
    words = tuple(word.group().lower() for word in WORD.finditer(whole))
    return ReadText(whole, tuple(headings), tuple(sentences), words, cut)


def _paragraphs(text: str) -> list[str]:
    """Blocks of lines that belong together; a heading and each line of a list stand for themselves."""
    blocks: list[str] = []
    current: list[str] = []
    for line in [*text.split("\n"), ""]:
        alone = not line.strip() or _HEADING.match(line.strip()) or _BULLET.match(line)
        if alone and current:
            blocks.append(" ".join(current))
            current = []
        if line.strip():
            if _HEADING.match(line.strip()):
                blocks.append(line.strip())
            else:
                current.append(line.strip() if not _BULLET.match(line) else line)
    return blocks


def _sentences(paragraph: str) -> list[str]:
    found: list[str] = []
    for part in _END.split(paragraph):
        sentence = part.strip()
        if found and _SHORTENED.search(found[-1]):
            found[-1] = f"{found[-1]} {sentence}"
        elif sentence:
            found.append(sentence)
    return found
