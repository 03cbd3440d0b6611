"""From text to words: what the parser reads."""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.expressions.errors import ExpressionSyntax

LONGEST_TEXT = 20_000
"""Characters of one expression."""
_DEEPEST_TEXT = 12
"""Texts within interpolations within texts."""

_WORD = re.compile(
    r"(?P<space>[ \t\r\n]+|\#[^\n]*)"
    r"|(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<field>\.[a-zA-Z_][a-zA-Z_0-9]*)"
    r"|(?P<variable>\$[ ]*(?:[a-zA-Z_][a-zA-Z_0-9]*::)*[a-zA-Z_][a-zA-Z_0-9]*)"
    r"|(?P<name>(?:[a-zA-Z_][a-zA-Z_0-9]*::)*[a-zA-Z_][a-zA-Z_0-9]*)"
    r"|(?P<format>@[a-zA-Z0-9_]+)"
    r"|(?P<symbol>\?//(?!=)|//=|\|=|\+=|-=|\*=|/=|%=|==|!=|<=|>=|//|\.\.|[.\[\]{}()|,:;=<>+\-*/%?])"
)
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_HEX = re.compile(r"[0-9a-fA-F]{4}")


@dataclass(frozen=True, slots=True)
class Word:
    """One word.

    Attributes:
        kind: `number`, `field`, `variable`, `name`, `format`, `symbol`, `text` or `end`.
        value: what it says; for a field or a variable without its `.` or `$`.
        at: offset in characters.
        parts: of a text: pieces, and the words within each interpolation.
    """

    kind: str
    value: str
    at: int
    parts: tuple[str | tuple[Word, ...], ...] = ()


def read_words(text: str) -> tuple[Word, ...]:
    """Cut a text into words, the last of which is `end`.

    Raises:
        ExpressionSyntax: a character, a text or its escape cannot be read, or the text is too long.
    """
    if len(text) > LONGEST_TEXT:
        raise ExpressionSyntax(f"An expression may have at most {LONGEST_TEXT} characters: shorten it.", LONGEST_TEXT)
    words, position = _words_until(text, 0, closing=False, depth=0)
    return (*words, Word("end", "", position))


def _words_until(text: str, position: int, *, closing: bool, depth: int) -> tuple[list[Word], int]:
    """Words up to the end, or up to the parenthesis that closes an interpolation."""
    words: list[Word] = []
    opened = 0
    while position < len(text):
        if text[position] == '"':
            word, position = _read_text(text, position, depth)
            words.append(word)
            continue
        found = _WORD.match(text, position)
        if found is None:
            raise ExpressionSyntax(f"The character at {position} has no meaning here: remove it.", position)
        kind, value = str(found.lastgroup), found.group()
        if closing and value == ")" and opened == 0:
            return words, position + 1
        opened += (value == "(") - (value == ")")
        if kind in ("field", "variable"):
            value = value[1:].strip()
        if kind != "space":
            words.append(Word(kind, value, position))
        position = found.end()
    if closing:
        raise ExpressionSyntax("A text has an interpolation that does not end: close it with a parenthesis.", position)
    return words, position


def _read_text(text: str, start: int, depth: int) -> tuple[Word, int]:
    if depth > _DEEPEST_TEXT:
        raise ExpressionSyntax("Texts are nested too deeply within each other: use variables.", start)
    parts: list[str | tuple[Word, ...]] = []
    piece: list[str] = []
    position = start + 1
    while position < len(text):
        character = text[position]
        if character == '"':
            parts.append("".join(piece))
            return Word("text", "", start, tuple(parts)), position + 1
        if character != "\\":
            piece.append(character)
            position += 1
        elif text.startswith("(", position + 1):
            words, end = _words_until(text, position + 2, closing=True, depth=depth + 1)
            parts.append("".join(piece))
            parts.append((*words, Word("end", "", end - 1)))
            piece, position = [], end
        else:
            escaped, position = _read_escape(text, position)
            piece.append(escaped)
    raise ExpressionSyntax("A text does not end: close it with a quotation mark.", start)


def _read_escape(text: str, position: int) -> tuple[str, int]:
    letter = text[position + 1 : position + 2]
    if letter in _ESCAPES:
        return _ESCAPES[letter], position + 2
    first = _HEX.match(text, position + 2) if letter == "u" else None
    if first is None:
        raise ExpressionSyntax('A backslash in a text is followed by one of "\\/bfnrt( or u and four digits.', position)
    code, end = int(first.group(), 16), first.end()
    if 0xD800 <= code < 0xDC00 and text.startswith("\\u", end):
        second = _HEX.match(text, end + 2)
        low = int(second.group(), 16) if second else 0
        if second and 0xDC00 <= low < 0xE000:
            return chr(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), second.end()
    return (chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"), end
