"""What Stripe's interface asks of every request: a test key, a form, and idempotency."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.forms import urlencoded
from sandbox.world import World

Act = Callable[[Request, dict[str, str]], Awaitable[dict[str, Any]]]


class Refused(Exception):
    """A refusal: status, type and code, and what Stripe adds such as `decline_code`."""

    def __init__(
        self, status: int, code: str, message: str, kind: str = "invalid_request_error", **details: Any
    ) -> None:
        super().__init__(code)
        self.status = status
        doc_url = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
        self.body = {"error": {"type": kind, "code": code, "message": message, "doc_url": doc_url, **details}}


def error_body(status: int, code: str) -> dict[str, Any]:
    """Stripe's words for a refusal."""
    kind = "rate_limit_error" if status == 429 else "api_error"
    word = "rate_limit" if status == 429 and code == "ratelimited" else code
    return {"error": {"type": kind, "code": word, "message": f"Sandbox answer {status}"}}


def once(world: World, act: Act) -> Callable[[Request], Awaitable[Response]]:
    """Stripe's idempotency: the same key gives the same answer, and another request under it is refused.

    A declined card is an answer like any other: the same key gives it again, whatever the card could pay by now.
    """

    async def endpoint(request: Request) -> Response:
        check(request)
        form = await urlencoded(request)
        key = request.headers.get("idempotency-key")
        asked = {"path": request.url.path, "form": form}
        known = world.find("stripe", "idempotency", key) if key and not again(request) else None
        if known is not None:
            if known["request"] != asked:
                raise Refused(
                    400, "idempotency_key_in_use", "Keys can only be used with the same parameters.",
                    "idempotency_error",
                )  # fmt: skip
            return JSONResponse(known["answer"], known.get("status", 200), headers={"Idempotent-Replayed": "true"})
        status = 200
        try:
            answer = await act(request, form)
        except Refused as refused:
            if refused.status != 402:
                raise
            status, answer = 402, refused.body
        if key:
            world.keep("stripe", "idempotency", key, {"request": asked, "answer": answer, "status": status})
        return JSONResponse(answer, status)

    return endpoint


def check(request: Request) -> None:
    """Refuse what carries no test key."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.startswith(("sk_test_", "rk_test_")):
        raise Refused(401, "api_key_invalid", "Invalid API key provided.")


async def refuse(request: Request, refused: Exception) -> Response:
    """The answer to a refusal."""
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for it
    return JSONResponse(refused.body, refused.status)


def again(request: Request) -> bool:
    """Whether a fault of kind `duplicate` lets it happen once more."""
    return bool(request.scope["state"].get("again"))


def customer_of(request: Request) -> str:
    """The customer in the path."""
    return str(request.path_params["customer"])


def amount_in(form: dict[str, str], default: int = 0, *, negative: bool = False) -> int:
    """The amount in minor units."""
    try:
        amount = int(form.get("amount", default))
    except ValueError:
        raise Refused(400, "parameter_invalid_integer", "Invalid integer: amount") from None
    if amount == 0 or (amount < 0 and not negative):
        raise Refused(400, "parameter_invalid_integer", "This value must be greater than or equal to 1.")
    return amount


def metadata_in(form: dict[str, str]) -> dict[str, str]:
    """The metadata of a form."""
    metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
    if any(len(name) > 40 or len(value) > 500 for name, value in metadata.items()):
        raise Refused(400, "metadata_too_long", "Metadata values can have up to 500 characters.")
    return metadata


def page_of(url: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A list as Stripe gives it."""
    return {"object": "list", "url": url, "has_more": False, "data": rows[:100]}
