"""What routes declare about their answers, so that the served OpenAPI says all that can come."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header

from starters.service.http.errors import ErrorBody

_WORDS = {
    400: "The request broke off or cannot be read.",
    401: "Nobody is known by the key or token.",
    403: "The key or token may not do this.",
    404: "There is no such thing, or it is another tenant's.",
    408: "The body did not come in time.",
    409: "It cannot be done as things stand, or the first request with this key is being carried out.",
    410: "It was there and is kept no longer.",
    413: "The body is too large.",
    415: "The body is of a type that is not taken, or is compressed.",
    422: "Something in the request cannot be used.",
    429: "The key or token asked too often; `Retry-After` says when it may again.",
    500: "A fault of the service itself.",
    503: "Temporal, a worker or the store does not answer now; ask again.",
}

Responses = dict[int | str, dict[str, Any]]


def refusals(*statuses: int) -> Responses:
    """Answers that are no success, beside those that every guarded route can give."""
    every = sorted({401, 403, 422, 429, 500, 503, *statuses})
    return {status: {"model": ErrorBody, "description": _WORDS[status]} for status in every}


def of_body(*statuses: int) -> Responses:
    """The same for a route that takes a body."""
    return refusals(400, 408, 409, 413, 415, *statuses)


LOCATION = {"Location": {"schema": {"type": "string"}, "description": "Where it is."}}
RETRY_AFTER = {"Retry-After": {"schema": {"type": "integer"}, "description": "Ask again after this many seconds."}}
Prefer = Annotated[
    str, Header(max_length=200, description="`respond-async` for 202 at once, `wait=SECONDS` to wait no longer.")
]


def is_wanted_later(prefer: str) -> bool:
    """Whether a client wants to be answered before the work is done (RFC 7240)."""
    return "respond-async" in prefer.lower()
