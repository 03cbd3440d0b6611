"""What a form sends: small, plain, from a page of ours and from nowhere else."""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl

from starlette.requests import Request

from starters.console.sign_in.visitors import csrf_of
from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid

FORM = "application/x-www-form-urlencoded"
TOKEN = "csrf"  # noqa: S105 - the field's name
_LIMIT_BYTES = 200_000
_MOST_FIELDS = 80


async def read_form(request: Request, secret: str | None) -> dict[str, str]:
    """The fields of a form, once it is certain that our own page sent it.

    Args:
        request: a POST.
        secret: of the cookie that the form belongs to.

    Raises:
        Problem: 403 from elsewhere, 413, 415, 422.
    """
    refuse_elsewhere(request)
    await bodies.refuse_packed(request)
    if bodies.media_type_of(request) != FORM:
        raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "A form is sent as a browser sends it: use the page.")
    read = bytearray()
    async for piece in bodies.pieces_of(request):
        read += piece
        if len(read) > _LIMIT_BYTES:
            raise Problem(413, "PAYLOAD_TOO_LARGE", "That is more text than can be taken: shorten it.")
    fields = _fields(bytes(read))
    check_token(fields, secret)
    return fields


def check_token(fields: dict[str, str], secret: str | None) -> None:
    """Take the word out that a page of ours put into its form.

    Raises:
        Problem: it is not there, or belongs to another session.
    """
    given = fields.pop(TOKEN, "")
    if secret is None or not hmac.compare_digest(given.encode("utf-8", "replace"), csrf_of(secret).encode()):
        raise _stale()


def _fields(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS, separator="&"
        )
    except ValueError:
        raise invalid("The form cannot be read: send it from the page.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise invalid("The form names a field twice: send it from the page.")
    for text in (*fields, *fields.values()):
        bodies.check_text(text)
    return {name: value.replace("\r\n", "\n") for name, value in fields.items()}


def refuse_elsewhere(request: Request) -> None:
    """Every browser says with a POST where it comes from; whoever does not say is no page of ours.

    Raises:
        Problem: another site sent it.
    """
    host, site = request.headers.get("host", ""), request.headers.get("sec-fetch-site", "same-origin")
    ours = [f"{scheme}://{host}" for scheme in ("http", "https") if host]
    if request.headers.getlist("origin") not in [[one] for one in ours] or site != "same-origin":
        raise Problem(403, "FORBIDDEN", "That came from another site and was not done: use the page itself.")


def _stale() -> Problem:
    return Problem(403, "FORBIDDEN", "This page is out of date and nothing was done: go back, load it anew, try again.")
