"""What must not leave with an answer: links and addresses nobody vouches for, images, and the customer's own text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from domain.rules.words import words_of

_LINK = re.compile(
    r"(?:https?|ftp)://[^\s<>\"')\]]{1,2000}|\bwww\.[^\s<>\"')\]]{1,500}|\b(?:javascript|data|vbscript):[^\s)]{1,200}"
    r"|(?<![@\w.])(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12}/[^\s<>\"')\]]{0,500}",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_IMAGE = re.compile(r"!\[|<\s{0,5}(?:img|svg|object|embed|iframe)\b|data:image", re.IGNORECASE)
_SAME_IN_A_ROW = 5
"""So many equal words in a row are a quotation."""
_LEAST_WORDS = 12
_MOSTLY = 0.5


def has_image(text: str) -> bool:
    """Whether it holds an image or another thing that loads by itself."""
    return bool(_IMAGE.search(text))


def foreign_links(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Links and e-mail addresses of an answer that none of the known texts holds."""
    links = {_bare(link) for source in known for link in _LINK.findall(source)}
    addresses = {address.casefold() for source in known for address in _ADDRESS.findall(source)}
    found = [link for link in _LINK.findall(text) if not _vouched(_bare(link), links)]
    found += [address for address in _ADDRESS.findall(text) if address.rstrip(".-").casefold() not in addresses]
    return tuple(dict.fromkeys(found))


def _bare(link: str) -> str:
    return link.rstrip(".,;:!?")


def _vouched(link: str, known: set[str]) -> bool:
    return any(link == one or (link.startswith(one) and (one[-1] == "/" or link[len(one)] in "/?#")) for one in known)


def echoes(text: str, original: str) -> bool:
    """Whether at least half of an answer is the customer's own text again."""
    said, asked = words_of(text), words_of(original)
    if len(said) < _LEAST_WORDS or len(asked) < _SAME_IN_A_ROW:
        return False
    rows = {tuple(asked[start : start + _SAME_IN_A_ROW]) for start in range(len(asked) - _SAME_IN_A_ROW + 1)}
    repeated: set[int] = set()
    for start in range(len(said) - _SAME_IN_A_ROW + 1):
        if tuple(said[start : start + _SAME_IN_A_ROW]) in rows:
            repeated.update(range(start, start + _SAME_IN_A_ROW))
    return len(repeated) >= _MOSTLY * len(said)
