"""A text as the rules see it: prose without code and logs, folded words, ends of sentences."""

from __future__ import annotations

import re
import unicodedata

SENTENCE_END = "."
"""Stands between the words of two sentences."""

_LONGEST_WORD = 40
_COMBINING = re.compile("[\u0300-\u036f]")
_ADDRESSES = re.compile(r"https?://\S{1,2000}|[^\s@]{1,64}@[^\s@]{1,253}")
_WORDS = re.compile(
    r"(?P<word>[^\W_]+(?:'(?:t|s|re|ve|ll|m|d)(?![^\W_]))?)|(?P<end>[.!?;]+(?=[\s\"')\]]|$)|\n[ \t]*\n|[¿¡])"
)
_FENCE = re.compile(r"```[^`]*```")
_LOG_LINE = re.compile(
    r"\s*(?:"
    r"\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d"  # a time stamp
    r"|\[?\d\d:\d\d:\d\d"
    r"|\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\]?[\s:]+\S{0,80}[.\[\(=/_]\w"
    r"|at [\w.$<>]{3,200}\(|File \"[^\"]{1,300}\", line \d"
    r"|Traceback \(most recent|Caused by: |\.\.\. \d+ more|HTTP/\d"
    r"|[{}\[\]][{}\[\],;\s]*$|[{\[]\s*\"|\"[\w.-]{1,80}\"\s*:|<[^>]{1,200}>\s*$|>\s|\$\s+[a-z]{2,12}\s-"
    r"|import [\w.]+[;\s]*$|from [\w.]+ import |def \w+\(|curl -|SELECT .{1,200} FROM"
    r"|--{2,}|={3,}"
    r")"
)


def fold(text: str) -> str:
    """Lower case, without accents, with plain apostrophes and without those of contractions (`isn't` -> `isnt`)."""
    plain = text.replace("\u2019", "'").replace("\u2018", "'").casefold()
    if not plain.isascii():
        plain = _COMBINING.sub("", unicodedata.normalize("NFKD", plain))
    return plain


def words_of(text: str) -> list[str]:
    """The folded words of a text, with SENTENCE_END between sentences. Addresses and links are left out."""
    found: list[str] = []
    for match in _WORDS.finditer(_ADDRESSES.sub(" ", fold(text))):
        word = match.group("word")
        if word is None:
            if found and found[-1] != SENTENCE_END:
                found.append(SENTENCE_END)
        elif len(word) <= _LONGEST_WORD:
            found.append(word.replace("'", ""))
    return found


def prose_of(text: str) -> str:
    """What the customer wrote in their own words: no code blocks, log lines, stack traces and quoted mail.

    A text that is nothing else is returned whole, because then it is all there is to judge.
    """
    without_blocks = _FENCE.sub(" ", text)
    lines = [line for line in without_blocks.split("\n") if not _LOG_LINE.match(line)]
    prose = "\n".join(lines).strip()
    return prose if re.search(r"[^\W\d_]{2}", prose) else text
