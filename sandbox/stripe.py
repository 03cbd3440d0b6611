"""Stripe as far as refunds and credits use it. Every customer exists, except ids that begin with `unknown`.

A customer is born with one succeeded charge of 1,000.00 in each of three currencies. Refunds stay `pending` and can be
cancelled; those of customers whose id contains `settled` are `succeeded` at once and cannot.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.forms import urlencoded
from sandbox.world import Entry, World, case_in

CURRENCIES = ("usd", "eur", "gbp")
CHARGED = 100_000


class Refused(Exception):
    """A refusal: status, type and code."""

    def __init__(self, status: int, code: str, message: str, kind: str = "invalid_request_error") -> None:
        super().__init__(code)
        self.status = status
        self.body = {"error": {"type": kind, "code": code, "message": message}}


def error_body(status: int, code: str) -> dict[str, Any]:
    """Stripe's words for a refusal."""
    kind = "rate_limit_error" if status == 429 else "api_error"
    return {"error": {"type": kind, "code": code, "message": f"Sandbox answer {status}"}}


class StripeSimulator:
    """One account."""

    def __init__(self, world: World) -> None:
        self._world = world

    def app(self) -> Starlette:
        """The account's API."""
        balance = "/v1/customers/{customer}/balance_transactions"
        return Starlette(
            routes=[
                Route("/v1/customers/{customer}", self._customer),
                Route("/v1/charges", self._charges),
                Route("/v1/refunds", self._once(self._refund), methods=["POST"]),
                Route("/v1/refunds/{refund}", self._show_refund),
                Route("/v1/refunds/{refund}/cancel", self._once(self._cancel), methods=["POST"]),
                Route(balance, self._transactions, methods=["GET"]),
                Route(balance, self._once(self._credit), methods=["POST"]),
                Route(f"{balance}/{{transaction}}", self._transaction),
            ],
            exception_handlers={Refused: _refuse},
        )

    def _once(
        self, act: Callable[[Request, dict[str, str]], Awaitable[dict[str, Any]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Stripe's idempotency: the same key gives the same answer, and another request under it is refused."""

        async def endpoint(request: Request) -> Response:
            _check(request)
            form = await urlencoded(request)
            key = request.headers.get("idempotency-key")
            asked = {"path": request.url.path, "form": form}
            known = self._world.find("stripe", "idempotency", key) if key and not _again(request) else None
            if known is not None:
                if known["request"] != asked:
                    raise Refused(
                        400, "idempotency_key_in_use", "Keys can only be used with the same parameters.",
                        "idempotency_error",
                    )  # fmt: skip
                return JSONResponse(known["answer"], headers={"Idempotent-Replayed": "true"})
            answer = await act(request, form)
            if key:
                self._world.keep("stripe", "idempotency", key, {"request": asked, "answer": answer})
            return JSONResponse(answer)

        return endpoint

    # Reading

    async def _customer(self, request: Request) -> Response:
        _check(request)
        self._charges_of(request.path_params["customer"])
        return JSONResponse({"id": request.path_params["customer"], "object": "customer", "livemode": False})

    async def _charges(self, request: Request) -> Response:
        _check(request)
        charges = self._charges_of(request.query_params.get("customer", ""))
        with_refunds = "data.refunds" in request.query_params.getlist("expand[]")
        rows = [charge | ({"refunds": self._refunds_of(charge["id"])} if with_refunds else {}) for charge in charges]
        return JSONResponse(_page("/v1/charges", rows))

    async def _show_refund(self, request: Request) -> Response:
        _check(request)
        return JSONResponse(self._known("refund", request.path_params["refund"]))

    async def _transactions(self, request: Request) -> Response:
        _check(request)
        rows = [row for row in self._world.all("stripe", "transaction") if row["customer"] == _customer_of(request)]
        return JSONResponse(_page(request.url.path, rows[::-1]))

    async def _transaction(self, request: Request) -> Response:
        _check(request)
        return JSONResponse(self._known("transaction", request.path_params["transaction"]))

    def _charges_of(self, customer: str) -> list[dict[str, Any]]:
        if not customer or customer.startswith("unknown"):
            raise Refused(404, "resource_missing", "No such customer")
        known = [charge for charge in self._world.all("stripe", "charge") if charge["customer"] == customer]
        if not known:
            known = [self._charge(customer, currency) for currency in CURRENCIES]
        return known[::-1]

    def _charge(self, customer: str, currency: str) -> dict[str, Any]:
        identity = f"ch_sandbox{self._world.next_number('stripe', 'charge'):06}"
        charge = {
            "id": identity, "object": "charge", "amount": CHARGED, "amount_captured": CHARGED, "amount_refunded": 0,
            "currency": currency, "customer": customer, "captured": True, "paid": True, "disputed": False,
            "refunded": False, "status": "succeeded", "created": int(time.time()), "livemode": False, "metadata": {},
        }  # fmt: skip
        return self._world.keep("stripe", "charge", identity, charge)

    def _refunds_of(self, charge: str) -> dict[str, Any]:
        rows = [refund for refund in self._world.all("stripe", "refund") if refund["charge"] == charge]
        return _page(f"/v1/charges/{charge}/refunds", rows[::-1])

    def _known(self, kind: str, identity: str) -> dict[str, Any]:
        found = self._world.find("stripe", kind, identity)
        if found is None:
            raise Refused(404, "resource_missing", f"No such {kind}")
        return found

    # Writing

    async def _refund(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        if "charge" not in form:
            raise Refused(400, "parameter_missing", "One of the following params should be provided: charge.")
        charge = self._known("charge", form["charge"])
        amount = _amount(form, default=charge["amount"] - charge["amount_refunded"])
        if amount > charge["amount"] - charge["amount_refunded"]:
            raise Refused(400, "charge_already_refunded", "Refund amount is greater than unrefunded amount on charge.")
        status = "succeeded" if "settled" in charge["customer"] else "pending"
        refund = {
            "id": f"re_sandbox{self._world.next_number('stripe', 'refund'):06}", "object": "refund", "amount": amount,
            "charge": charge["id"], "currency": charge["currency"], "created": int(time.time()), "status": status,
            "metadata": _metadata(form), "reason": form.get("reason"),
        }  # fmt: skip
        self._world.keep("stripe", "refund", refund["id"], refund)
        self._take(charge, amount)
        self._record("refund", request, refund, charge["customer"])
        return refund

    async def _cancel(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        refund = self._known("refund", request.path_params["refund"])
        if refund["status"] not in ("pending", "requires_action"):
            raise Refused(400, "refund_not_cancelable", f"A refund that is {refund['status']} cannot be canceled.")
        refund["status"] = "canceled"
        self._world.keep("stripe", "refund", refund["id"], refund)
        charge = self._known("charge", refund["charge"])
        self._take(charge, -refund["amount"])
        self._record("refund_cancelled", request, refund, charge["customer"])
        return refund

    def _take(self, charge: dict[str, Any], amount: int) -> None:
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self._world.keep("stripe", "charge", charge["id"], charge)

    async def _credit(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        customer = _customer_of(request)
        self._charges_of(customer)
        if form.get("currency", "") not in CURRENCIES:
            raise Refused(400, "parameter_missing", "Missing required param: currency.")
        amount = _amount(form, negative=True)
        past = [row["amount"] for row in self._world.all("stripe", "transaction") if row["customer"] == customer]
        transaction = {
            "id": f"cbtxn_sandbox{self._world.next_number('stripe', 'transaction'):06}",
            "object": "customer_balance_transaction", "amount": amount, "currency": form["currency"],
            "customer": customer, "created": int(time.time()), "ending_balance": sum(past) + amount,
            "livemode": False, "metadata": _metadata(form), "type": "adjustment",
        }  # fmt: skip
        self._world.keep("stripe", "transaction", transaction["id"], transaction)
        self._record("credit" if amount < 0 else "credit_reversed", request, transaction, customer)
        return transaction

    def _record(self, kind: str, request: Request, made: dict[str, Any], customer: str) -> None:
        key = request.headers.get("idempotency-key") or made["id"]
        case = case_in(str(made["metadata"].get("surehand_key", "")))
        body = {"customer": customer, "object": made}
        self._world.record(Entry(vendor="stripe", kind=kind, key=key, case=case, body=body))


def _check(request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or not key.startswith(("sk_test_", "rk_test_")):
        raise Refused(401, "api_key_invalid", "Invalid API key provided.")


async def _refuse(request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for it
    return JSONResponse(refused.body, refused.status)


def _again(request: Request) -> bool:
    return bool(request.scope["state"].get("again"))


def _customer_of(request: Request) -> str:
    return str(request.path_params["customer"])


def _amount(form: dict[str, str], default: int = 0, *, negative: bool = False) -> int:
    try:
        amount = int(form.get("amount", default))
    except ValueError:
        raise Refused(400, "parameter_invalid_integer", "Invalid integer: amount") from None
    if amount == 0 or (amount < 0 and not negative):
        raise Refused(400, "parameter_invalid_integer", "This value must be greater than or equal to 1.")
    return amount


def _metadata(form: dict[str, str]) -> dict[str, str]:
    metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
    if any(len(name) > 40 or len(value) > 500 for name, value in metadata.items()):
        raise Refused(400, "metadata_too_long", "Metadata values can have up to 500 characters.")
    return metadata


def _page(url: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "url": url, "has_more": False, "data": rows[:100]}
