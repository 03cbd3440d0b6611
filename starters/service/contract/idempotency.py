"""Requests that may be repeated: with one `Idempotency-Key`, the work is done once and its answer given every time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from domain.cases.deliveries import Delivery
from domain.identity.principals import Answered, Principal
from integrations.store.access.requests import RequestKey, SqlRepeatableRequests
from starters.service.http.errors import Problem, invalid

HEADER = "Idempotency-Key"
PATTERN = r"^[!-~]{1,255}$"
REPLAYED = "Idempotent-Replayed"
LEASE = timedelta(seconds=60)
"""Longer than any request takes: whoever waits for Temporal gives up before."""
_FORM = re.compile(r"[!-~]{1,255}\Z")
_KEPT_HEADERS = ("content-type", "location", "retry-after", "deprecation")
_KEPT_FROM = 200
_KEPT_BELOW = 500


def key_of(request: Request) -> str | None:
    """The key of a request; None when it has none.

    Raises:
        Problem: it cannot be used.
    """
    given = request.headers.getlist(HEADER)
    if not given:
        return None
    if len(given) > 1 or not _FORM.match(given[0]):
        raise invalid(f"{HEADER} has 1 to 255 visible ASCII characters: correct it.")
    return given[0]


async def once(
    kept: SqlRepeatableRequests,
    principal: Principal,
    request: Request,
    body: bytes,
    work: Callable[[], Awaitable[Response]],
) -> Response:
    """Do the work, or give the answer that it had.

    Args:
        kept: what was answered before.
        principal: who asks; others' keys are others'.
        request: with the key.
        body: of it.
        work: what the request asks for; its answer is a success or a refusal.

    Raises:
        Problem: 409 while the first request is being carried out, 422 where the key belongs to another request.
    """
    given = key_of(request)
    if given is None:
        return await work()
    key = RequestKey(principal.tenant, principal.principal_id, given)
    claimed = await kept.claim(key, _digest(request, body), LEASE)
    if claimed.is_other:
        raise Problem(
            422, "IDEMPOTENCY_KEY_REUSED", f"This {HEADER} was used for another request: give this one its own."
        )
    if claimed.answered is not None:
        return _again(claimed.answered)
    if claimed.mark is None:
        raise Problem(
            409,
            "REQUEST_IN_FLIGHT",
            "The first request with this key is being carried out: ask again in a moment.",
            {"Retry-After": "1"},
        )
    return await _first(kept, key, claimed.mark, work)


class Promise(Response):
    """An acknowledgement of work that is written down together with it, and done later.

    Args:
        body: of the answer, as JSON.
        headers: beside it.
        delivery: what is to be done.
    """

    def __init__(self, body: str, headers: dict[str, str], delivery: Delivery) -> None:
        super().__init__(body, 202, headers, "application/json")
        self.delivery = delivery


async def promised(
    kept: SqlRepeatableRequests, principal: Principal, request: Request, body: bytes, promise: Promise
) -> bool:
    """Write down the work and its answer at once; False where the key is taken, by this request or another."""
    given = key_of(request)
    key = RequestKey(principal.tenant, principal.principal_id, given) if given is not None else None
    return await kept.promise(key, _digest(request, body), _kept(promise), promise.delivery)


async def _first(
    kept: SqlRepeatableRequests, key: RequestKey, mark: str, work: Callable[[], Awaitable[Response]]
) -> Response:
    try:
        response = await work()
    except BaseException:
        await kept.release(key, mark)
        raise
    if _KEPT_FROM <= response.status_code < _KEPT_BELOW:
        if not await kept.record(key, mark, _kept(response)):
            raise Problem(503, "UNAVAILABLE", "This took too long: ask again with the same key.", {"Retry-After": "1"})
    else:
        # Nothing was decided: the next one with this key tries anew.
        await kept.release(key, mark)
    return response


def _kept(response: Response) -> Answered:
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    return Answered(status=response.status_code, headers=headers, body=bytes(response.body))


def _again(answered: Answered) -> Response:
    headers = {name: str(value) for name, value in answered.headers.items()}
    return Response(answered.body, answered.status, {**headers, REPLAYED: "true"})


def _digest(request: Request, body: bytes) -> str:
    whole = hashlib.sha256()
    for part in (request.method, request.url.path, request.url.query):
        whole.update(part.encode("utf-8", "surrogatepass") + b"\x00")
    whole.update(body)
    return whole.hexdigest()


async def forget_old(kept: SqlRepeatableRequests, hours: int) -> None:
    """Forget answers that nobody asks for again."""
    await kept.forget_before(datetime.now(UTC) - timedelta(hours=hours))
