"""A customer's words as search terms. What they wrote is data: only letters and digits ever reach a query."""

from __future__ import annotations

import re

TERM_LIMIT = 40
"""The first distinct words of a text that are searched for; a ticket says what it is about early."""

_WORD = re.compile(r"[^\W_]{2,40}")

_APOSTROPHE = re.compile("['\u2019]")

_STOP_WORDS = frozenset(
    """
    about after again all also am an and any anyone are as asap at be because been before being best but by can
    cannot cant come could dear did didnt do does doesnt doing done dont each either else even ever every for from
    get gets getting give go going good got had has have havent having he hello help her here hi him his how however
    hows if im in into is isnt it its ive just kind know let like ll look made make many may maybe me might more most
    much must my need needs never no nobody none nor not nothing now of off ok on once one only or our out over
    please possible really re regards same say says see seem seems sent she should since so some somebody someone
    something soon still such sure take team tell than thank thanks that thats the their them then there these they
    thing things think this those though time times to today told too tried try trying under until up us use used
    using very want wants was way we week well went were what when where which while who why will wish with within
    without won wont work working works would yes yesterday yet you your yours
    sometimes specifically between company customer customers issue issues problem problems product products service
    """.split()  # noqa: SIM905 - a list of two hundred quoted words would read worse
)


def search_terms(text: str) -> list[str]:
    """The words of a text worth searching for: distinct, lower case, in order, at most `TERM_LIMIT`.

    Args:
        text: anything at all; a megabyte is fine, because reading stops at the limit.
    """
    terms: dict[str, None] = {}
    for match in _WORD.finditer(_APOSTROPHE.sub("", text)):
        word = match.group().lower()
        if word not in _STOP_WORDS:
            terms[word] = None
            if len(terms) == TERM_LIMIT:
                break
    return list(terms)
