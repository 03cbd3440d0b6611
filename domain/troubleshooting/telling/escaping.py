"""Text from logs, tickets and people, made literal in Markdown and Mermaid: no markup, no HTML, nothing to click."""

from __future__ import annotations

import re

from domain.text.normalise import normalise_line
from domain.troubleshooting.keeping import cut

LONGEST = 400
_MARKUP = re.compile(r"([\\`*_{}\[\]#|~$!^])")
_START = re.compile(r"^(?:([-+=>])|(\d{1,9})([.)]))")
_SCHEME = re.compile(r"(?<=[A-Za-z0-9+.-]):(?=//)|(?<=mailto):|(?<=javascript):|(?<=data):|(?<=tel):|(?<=xmpp):", re.I)
_WWW = re.compile(r"(?<!\w)(www)\.", re.I)
_DANGEROUS_IN_MERMAID = re.compile(r"[^A-Za-z0-9 _.,:/()%+=-]")


def literal(text: str, most: int = LONGEST) -> str:
    """One line that Markdown shows as it is, for a paragraph or the item of a list.

    Addresses are broken up (`https[:]//`, `[@]`), for many renderers make links of what no markup asks for.

    Args:
        text: from wherever.
        most: characters of the original that are kept.
    """
    line = cut(normalise_line(text), most).replace("\t", " ")
    line = _SCHEME.sub("[:]", line)
    line = _WWW.sub(r"\1[.]", line).replace("@", "[@]")
    line = _MARKUP.sub(r"\\\1", line)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line)


def mermaid_label(text: str, most: int = 40) -> str:
    """A quoted label that Mermaid shows literally: all that could be syntax becomes a character code."""
    line = cut(normalise_line(text), most)
    return '"' + _DANGEROUS_IN_MERMAID.sub(lambda found: f"#{ord(found.group())};", line) + '"'
