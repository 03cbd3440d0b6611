"""What is wrong with a playbook, at one place of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice

from domain.model import Term, Value

_COMPARED = 60
_LONGEST = 60


class Weight(Term):
    """Whether a playbook with the fault runs."""

    ERROR = "error"
    WARNING = "warning"


class Fault(Value):
    """One fault."""

    pointer: str
    """JSON pointer of the value it is about."""
    sentence: str
    """What is wrong and what to do, for a person."""
    weight: Weight = Weight.ERROR
    offset: int | None = None
    """Within a text: the character it is about, from 0."""
    on_key: bool = False
    """The fault is about the value's key, such as a misspelt one."""


def warning(pointer: str, sentence: str) -> Fault:
    """A fault with which a playbook still runs."""
    return Fault(pointer=pointer, sentence=sentence, weight=Weight.WARNING)


def quoted(text: object, most: int = 60) -> str:
    """A word of the document in a sentence: in quotes, on one line, not too long."""
    shown = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= most else shown[: most - 3] + "..."
    return json.dumps(shown, ensure_ascii=False)


def advice(word: str, known: Iterable[str], otherwise: str) -> str:
    """`did you mean "x"?` where a known word is near, else another advice."""
    # Comparing words is slow, and a document may have thousands of them.
    few = [name for name in islice(known, _COMPARED) if len(name) <= _LONGEST] if len(word) <= _LONGEST else []
    near = get_close_matches(word, few, n=1)
    return f"did you mean {quoted(near[0])}?" if near else otherwise
