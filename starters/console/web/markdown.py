"""Markdown of our own reports as a page: headings, lists, quotes, code; nothing in it becomes a link or HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

from starters.cli.words import harmless

_HEADING = re.compile(r"(#{1,4}) (.+)")
_ITEM = re.compile(r"( *)(?:[-*]|\d+\.) (.+)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~$^=&-])")
_ENTITIES = (("&lt;", r"\<"), ("&gt;", r"\>"), ("&amp;", r"\&"))
_ASIDE = 0xF000
_WAITING = re.compile("[\uf021-\uf07e]")
_BOLD = re.compile(r"\*\*(.+?)\*\*")
_CODE = re.compile(r"`([^`]+)`")


def page_of(text: str, drawing: Markup | None = None) -> Markup:
    """A report as HTML.

    Args:
        text: Markdown, with the escapes that our reports write.
        drawing: stands in for a diagram in Mermaid's language, where there is one.
    """
    return Markup("\n").join(_blocks(_WAITING.sub("", harmless(text)).split("\n"), drawing))


def _blocks(lines: list[str], drawing: Markup | None) -> Iterator[Markup]:
    items: list[Markup] = []
    code: list[str] | None = None
    is_drawn = False
    for line in lines:
        if code is not None:
            if line.strip().startswith("```"):
                yield drawing if is_drawn and drawing else Markup("<pre>{}</pre>").format("\n".join(code))
                code = None
            else:
                code.append(line)
            continue
        item = _ITEM.fullmatch(line)
        if item is None and items:
            yield Markup("<ul>{}</ul>").format(Markup("").join(items))
            items = []
        if item is not None:
            items.append(Markup("<li>{}</li>").format(_words(item.group(2))))
        elif line.startswith("```"):
            code, is_drawn = [], line.startswith("```mermaid")
        elif (heading := _HEADING.fullmatch(line)) is not None:
            level = len(heading.group(1))
            yield Markup("<h{n}>{words}</h{n}>").format(n=level, words=_words(heading.group(2)))
        elif line.strip():
            yield Markup("<p>{}</p>").format(_words(line))
    if items:
        yield Markup("<ul>{}</ul>").format(Markup("").join(items))
    if code:
        yield Markup("<pre>{}</pre>").format("\n".join(code))


def _words(text: str) -> Markup:
    # An escaped letter waits as one that has no meaning here, until all marks are read.
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    waiting = _ESCAPED.sub(lambda found: chr(_ASIDE + ord(found.group(1))), text)
    marked = _CODE.sub(r"<code>\1</code>", _BOLD.sub(r"<strong>\1</strong>", str(escape(waiting))))
    back = _WAITING.sub(lambda found: str(escape(chr(ord(found.group()) - _ASIDE))), marked)
    return Markup(back)  # noqa: S704 - every letter of the text was escaped above
