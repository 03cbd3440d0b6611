"""Errors that say nothing but that something failed: whoever waits for a sick service writes them just as well."""

from __future__ import annotations

import re

_LOOKED_AT = 600
_WORD = re.compile(r"[A-Za-z][A-Za-z_]*+")
_EMPTY = frozenset(
    """
    a an and at by during for from has have in is it no of on or the this to was were while with
    request requests req response responses reply result status code http https status_code
    failed failing failure failures fail fails error errors errored err unsuccessful aborted
    internal server service servlet dispatcherservlet handler handlers handle handling handled controller middleware
    context view endpoint route path url uri method call operation action job task worker step
    returned returning return returns raised threw thrown throwing caught uncaught unhandled unexpected unknown
    exception exceptions problem occurred happened encountered
    processing process processed serving served completed complete finished ended executing running
    get post put patch delete head options id request_id requestid trace_id span_id
    level msg message severity attempt duration_ms duration elapsed ms
    """.split()  # noqa: SIM905  # a list of words
)


def is_bare(message: str) -> bool:
    """Whether a message has no word of its own: `request failed status=500`, `Internal Server Error: /orders`.

    Args:
        message: without stamp and level; paths, numbers and ids in it are passed over.
    """
    words = [piece for piece in message[:_LOOKED_AT].split() if "/" not in piece and not any(map(str.isdigit, piece))]
    return all(word.lower() in _EMPTY for piece in words for word in _WORD.findall(piece))
