"""Stripe: refunds, credits and (`sandbox/stripe_payments.py`) payments. Every customer exists, except `unknown` ones.

A customer is born with one succeeded charge of 1,000.00 in each of three currencies. Refunds stay `pending` and can be
cancelled; those of customers whose id contains `settled` are `succeeded` at once and cannot.
"""

from __future__ import annotations

import time
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.stripe_payments import StripePayments
from sandbox.stripe_requests import (
    Refused,
    amount_in,
    check,
    customer_of,
    error_body,
    metadata_in,
    once,
    page_of,
    refuse,
)
from sandbox.world import Entry, World, case_in

__all__ = ["StripeSimulator", "error_body"]

CURRENCIES = ("usd", "eur", "gbp")
CHARGED = 100_000


class StripeSimulator:
    """One account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._payments = StripePayments(world)

    def app(self) -> Starlette:
        """The account's API."""
        balance = "/v1/customers/{customer}/balance_transactions"
        world = self._world
        return Starlette(
            routes=[
                *self._payments.routes(),
                Route("/v1/customers/{customer}", self._customer),
                Route("/v1/charges", self._charges),
                Route("/v1/refunds", self._refunds, methods=["GET"]),
                Route("/v1/refunds", once(world, self._refund), methods=["POST"]),
                Route("/v1/refunds/{refund}", self._show_refund),
                Route("/v1/refunds/{refund}/cancel", once(world, self._cancel), methods=["POST"]),
                Route(balance, self._transactions, methods=["GET"]),
                Route(balance, once(world, self._credit), methods=["POST"]),
                Route(f"{balance}/{{transaction}}", self._transaction),
            ],
            exception_handlers={Refused: refuse},
        )

    # Reading

    async def _customer(self, request: Request) -> Response:
        check(request)
        self._charges_of(request.path_params["customer"])
        identity = request.path_params["customer"]
        born = {"id": identity, "object": "customer", "livemode": False}
        return JSONResponse(self._world.find("stripe", "customer", identity) or born)

    async def _charges(self, request: Request) -> Response:
        check(request)
        customer = request.query_params.get("customer")
        charges = self._world.all("stripe", "charge") if customer is None else self._charges_of(customer)
        with_refunds = "data.refunds" in request.query_params.getlist("expand[]")
        rows = [charge | ({"refunds": self._refunds_of(charge["id"])} if with_refunds else {}) for charge in charges]
        return JSONResponse(page_of("/v1/charges", rows))

    async def _refunds(self, request: Request) -> Response:
        check(request)
        asked = {
            name: request.query_params[name] for name in ("payment_intent", "charge") if name in request.query_params
        }
        rows = self._world.all("stripe", "refund")
        found = [row for row in rows if all(row[name] == value for name, value in asked.items())]
        return JSONResponse(page_of("/v1/refunds", found[::-1]))

    async def _show_refund(self, request: Request) -> Response:
        check(request)
        return JSONResponse(self._known("refund", request.path_params["refund"]))

    async def _transactions(self, request: Request) -> Response:
        check(request)
        rows = [row for row in self._world.all("stripe", "transaction") if row["customer"] == customer_of(request)]
        return JSONResponse(page_of(request.url.path, rows[::-1]))

    async def _transaction(self, request: Request) -> Response:
        check(request)
        return JSONResponse(self._known("transaction", request.path_params["transaction"]))

    def _charges_of(self, customer: str) -> list[dict[str, Any]]:
        if not customer or customer.startswith("unknown"):
            raise Refused(404, "resource_missing", "No such customer")
        known = [charge for charge in self._world.all("stripe", "charge") if charge["customer"] == customer]
        if all(charge.get("payment_intent") for charge in known):
            known += [self._charge(customer, currency) for currency in CURRENCIES]
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
        return page_of(f"/v1/charges/{charge}/refunds", rows[::-1])

    def _known(self, kind: str, identity: str) -> dict[str, Any]:
        found = self._world.find("stripe", kind, identity)
        if found is None:
            raise Refused(404, "resource_missing", f"No such {kind}")
        return found

    # Writing

    async def _refund(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        if "payment_intent" in form:
            form = form | {"charge": self._payments.captured_charge(form["payment_intent"])}
        if "charge" not in form:
            raise Refused(
                400, "parameter_missing", "One of the following params should be provided: payment_intent or charge."
            )
        charge = self._known("charge", form["charge"])
        amount = amount_in(form, default=charge["amount"] - charge["amount_refunded"])
        if amount > charge["amount"] - charge["amount_refunded"]:
            raise Refused(400, "charge_already_refunded", "Refund amount is greater than unrefunded amount on charge.")
        status = "succeeded" if "settled" in (charge["customer"] or "") else "pending"
        refund = {
            "id": f"re_sandbox{self._world.next_number('stripe', 'refund'):06}", "object": "refund", "amount": amount,
            "charge": charge["id"], "currency": charge["currency"], "created": int(time.time()), "status": status,
            "metadata": metadata_in(form), "reason": form.get("reason"),
            "payment_intent": charge.get("payment_intent"),
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
        customer = customer_of(request)
        self._charges_of(customer)
        if form.get("currency", "") not in CURRENCIES:
            raise Refused(400, "parameter_missing", "Missing required param: currency.")
        amount = amount_in(form, negative=True)
        past = [row["amount"] for row in self._world.all("stripe", "transaction") if row["customer"] == customer]
        transaction = {
            "id": f"cbtxn_sandbox{self._world.next_number('stripe', 'transaction'):06}",
            "object": "customer_balance_transaction", "amount": amount, "currency": form["currency"],
            "customer": customer, "created": int(time.time()), "ending_balance": sum(past) + amount,
            "livemode": False, "metadata": metadata_in(form), "type": "adjustment",
        }  # fmt: skip
        self._world.keep("stripe", "transaction", transaction["id"], transaction)
        self._record("credit" if amount < 0 else "credit_reversed", request, transaction, customer)
        return transaction

    def _record(self, kind: str, request: Request, made: dict[str, Any], customer: str | None) -> None:
        key = request.headers.get("idempotency-key") or made["id"]
        case = case_in(str(made["metadata"].get("surehand_key", ""))) or case_in(key)
        subject, standing = f"{made['object']}/{made['id']}", kind in ("refund", "credit")
        if made.get("payment_intent"):
            # A payment stands until all of it went back.
            subject = f"payment_intent/{made['payment_intent']}"
            standing = not self._known("charge", made["charge"])["refunded"]
            case = case or self._payments.case_of(made["payment_intent"])
        body = {"customer": customer or "-", "object": made}
        self._world.record(
            Entry(vendor="stripe", kind=kind, key=key, case=case, body=body, subject=subject, standing=standing)
        )
