"""Stripe's PaymentIntents: authorise, capture, cancel, search; customers; declines by the documented test cards.

An authorisation lasts seven days of the sandbox's clock; then the PaymentIntent is `canceled` (`automatic`) and a
capture is refused. `PATCH /api/objects/stripe/authorisation/pi_...` with `{"expires_at": 0}` lets one expire now.
"""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.stripe_cards import DECLINES, payment_method_in
from sandbox.stripe_requests import Act, Refused, amount_in, check, metadata_in, once, page_of
from sandbox.stripe_search import found
from sandbox.world import Entry, World, case_in, case_of

_EXPAND = "expand[]"
AUTHORISED_FOR_SECONDS = 7 * 24 * 3600
_CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_CANCELLABLE = ("requires_payment_method", "requires_capture", "requires_confirmation", "requires_action", "processing")


class StripePayments:
    """The part of an account that takes payments."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Its part of the API."""
        intents, world = "/v1/payment_intents", self._world
        return [
            Route("/v1/customers", self._list_customers, methods=["GET"]),
            Route("/v1/customers", once(world, self._create_customer), methods=["POST"]),
            Route("/v1/customers/search", self._search_customers),
            Route(intents, self._list, methods=["GET"]),
            Route(intents, once(world, self._expanding(self._create)), methods=["POST"]),
            Route(f"{intents}/search", self._search),
            Route(f"{intents}/{{intent}}", self._show),
            Route(f"{intents}/{{intent}}/confirm", once(world, self._expanding(self._confirm)), methods=["POST"]),
            Route(f"{intents}/{{intent}}/capture", once(world, self._expanding(self._capture)), methods=["POST"]),
            Route(f"{intents}/{{intent}}/cancel", once(world, self._expanding(self._cancel)), methods=["POST"]),
        ]

    def captured_charge(self, intent_id: str) -> str:
        """The charge that a refund of a PaymentIntent goes to."""
        intent = self._intent(intent_id)
        if intent["status"] != "succeeded":
            raise Refused(
                400, "payment_intent_unexpected_state",
                "This PaymentIntent does not have a successful charge to refund.", payment_intent=intent,
            )  # fmt: skip
        return str(intent["latest_charge"])

    def case_of(self, intent_id: str) -> str | None:
        """The case that a PaymentIntent's metadata names."""
        return _case(self._intent(intent_id))

    # Customers

    async def _create_customer(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        identity = f"cus_sandbox{self._world.next_number('stripe', 'customer'):06}"
        made: dict[str, Any] = {
            "id": identity, "object": "customer",
            "email": form.get("email"), "name": form.get("name"), "phone": form.get("phone"),
            "description": form.get("description"), "metadata": metadata_in(form), "balance": 0,
            "created": self._now(), "livemode": False,
        }  # fmt: skip
        self._world.keep("stripe", "customer", made["id"], made)
        facts = {"Customer": identity, "Name": form.get("name") or "-"}
        self._record(request, "customer_created", made, facts, subject=None, standing=None)
        return made

    async def _list_customers(self, request: Request) -> Response:
        check(request)
        email = request.query_params.get("email")
        rows = [row for row in self._world.all("stripe", "customer") if email in (None, row["email"])]
        return JSONResponse(page_of("/v1/customers", rows[::-1]))

    async def _search_customers(self, request: Request) -> Response:
        check(request)
        return found(request, self._world.all("stripe", "customer"))

    # Reading

    async def _show(self, request: Request) -> Response:
        check(request)
        return JSONResponse(
            self._expand(self._intent(request.path_params["intent"]), request.query_params.get(_EXPAND))
        )

    async def _list(self, request: Request) -> Response:
        check(request)
        customer = request.query_params.get("customer")
        rows = [row for row in self._all() if customer in (None, row["customer"])]
        return JSONResponse(page_of("/v1/payment_intents", rows[::-1]))

    async def _search(self, request: Request) -> Response:
        check(request)
        return found(request, self._all())

    def _all(self) -> list[dict[str, Any]]:
        return [self._intent(row["id"]) for row in self._world.all("stripe", "payment_intent")]

    def _intent(self, identity: str) -> dict[str, Any]:
        """A PaymentIntent as it is by now: Stripe cancels an authorisation that nobody captured in time."""
        intent = self._world.find("stripe", "payment_intent", identity)
        if intent is None:
            raise Refused(404, "resource_missing", f"No such payment_intent: '{identity}'", param="intent")
        hold = self._world.find("stripe", "authorisation", identity)
        if intent["status"] == "requires_capture" and hold is not None and self._now() >= hold["expires_at"]:
            self._void(intent, "automatic")
            facts = {"Customer": intent["customer"] or "-", "Amount": _money(intent["amount"], intent)}
            self._tell("payment_expired", f"{identity}/expired", intent, facts, standing=False)
        return intent

    def _expanding(self, act: Act) -> Act:
        async def acted(request: Request, form: dict[str, str]) -> dict[str, Any]:
            return self._expand(await act(request, form), form.get(_EXPAND))

        return acted

    def _expand(self, intent: dict[str, Any], wanted: str | None) -> dict[str, Any]:
        """With the charge in place of its id, when that is asked for (docs.stripe.com/api/expanding_objects)."""
        charge = self._world.find("stripe", "charge", intent["latest_charge"] or "")
        if wanted != "latest_charge" or charge is None:
            return intent
        hold = self._world.find("stripe", "authorisation", intent["id"])
        card = {"capture_before": hold["expires_at"]} if hold is not None else {}
        return intent | {"latest_charge": charge | {"payment_method_details": {"type": "card", "card": card}}}

    # Writing

    async def _create(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        if "amount" not in form:
            raise Refused(400, "parameter_missing", "Missing required param: amount.", param="amount")
        if not re.fullmatch(r"[A-Za-z]{3}", form.get("currency", "")):
            raise Refused(400, "parameter_missing", "Missing required param: currency.", param="currency")
        method = form.get("capture_method", "automatic")
        if method not in _CAPTURE_METHODS:
            raise Refused(400, "parameter_invalid_string_empty", "Invalid capture_method", param="capture_method")
        if form.get("customer", "").startswith("unknown"):
            raise Refused(400, "resource_missing", "No such customer", param="customer")
        identity = f"pi_sandbox{self._world.next_number('stripe', 'payment_intent'):06}"
        intent = {
            "id": identity, "object": "payment_intent", "amount": amount_in(form), "amount_capturable": 0,
            "amount_received": 0, "currency": form["currency"].lower(), "capture_method": method,
            "confirmation_method": form.get("confirmation_method", "automatic"), "customer": form.get("customer"),
            "description": form.get("description"), "latest_charge": None, "last_payment_error": None,
            "payment_method": payment_method_in(form), "payment_method_types": ["card"], "canceled_at": None,
            "cancellation_reason": None, "next_action": None, "livemode": False, "created": self._now(),
            "client_secret": f"{identity}_secret_sandbox", "metadata": metadata_in(form),
            "status": "requires_confirmation" if payment_method_in(form) else "requires_payment_method",
        }  # fmt: skip
        self._keep(intent)
        return self._charge(request, intent, form) if form.get("confirm") == "true" else intent

    async def _confirm(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        intent = self._intent(request.path_params["intent"])
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise _unexpected(intent, "confirmed", _CANCELLABLE[:1])
        intent["payment_method"] = payment_method_in(form) or intent["payment_method"]
        return self._charge(request, intent, form)

    def _charge(self, request: Request, intent: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
        """Ask the card's bank."""
        if not intent["payment_method"]:
            raise Refused(
                400, "parameter_missing",
                "You cannot confirm this PaymentIntent because it's missing a payment method.", payment_intent=intent,
            )  # fmt: skip
        card = intent["payment_method"].removeprefix("pm_card_").removeprefix("visa_")
        if card.startswith("authenticationRequired") and form.get("off_session") == "true":
            raise self._decline(intent, "authentication_required", "authentication_required", "Authentication needed.")
        if card.startswith("authenticationRequired"):
            intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk"}}
            return self._keep(intent)
        if card in DECLINES:
            raise self._decline(intent, *DECLINES[card])
        held = intent["capture_method"] == "manual"
        charge = self._make_charge(intent, captured=not held)
        intent |= {
            "status": "requires_capture" if held else "succeeded", "latest_charge": charge["id"],
            "amount_capturable": intent["amount"] if held else 0, "amount_received": 0 if held else intent["amount"],
            "last_payment_error": None, "next_action": None,
        }  # fmt: skip
        if held:
            until = self._now() + AUTHORISED_FOR_SECONDS
            self._world.keep("stripe", "authorisation", intent["id"], {"id": intent["id"], "expires_at": until})
        self._keep(intent)
        self._done(request, "payment_authorised" if held else "payment_captured", intent, intent["amount"])
        return intent

    def _make_charge(self, intent: dict[str, Any], *, captured: bool) -> dict[str, Any]:
        identity = f"ch_sandbox{self._world.next_number('stripe', 'charge'):06}"
        charge = {
            "id": identity, "object": "charge", "amount": intent["amount"],
            "amount_captured": intent["amount"] if captured else 0, "amount_refunded": 0,
            "currency": intent["currency"], "customer": intent["customer"], "captured": captured, "paid": True,
            "disputed": False, "refunded": False, "status": "succeeded", "created": self._now(), "livemode": False,
            "payment_intent": intent["id"], "payment_method": intent["payment_method"],
            "metadata": intent["metadata"],
        }  # fmt: skip
        return self._world.keep("stripe", "charge", identity, charge)

    def _decline(self, intent: dict[str, Any], code: str, decline_code: str | None, message: str) -> Refused:
        error = {"type": "card_error", "code": code, "message": message}
        error |= {"decline_code": decline_code} if decline_code else {}
        # A decline leaves a charge too, which failed.
        charge = self._make_charge(intent, captured=False)
        charge |= {"status": "failed", "paid": False, "failure_code": code, "failure_message": message}
        self._world.keep("stripe", "charge", charge["id"], charge)
        error["charge"] = charge["id"]
        intent |= {
            "status": "requires_payment_method", "payment_method": None, "last_payment_error": error,
            "latest_charge": charge["id"],
        }  # fmt: skip
        self._keep(intent)
        more = {"decline_code": decline_code} if decline_code else {}
        return Refused(402, code, message, "card_error", payment_intent=intent, **more)

    async def _capture(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        intent = self._intent(request.path_params["intent"])
        if intent["status"] != "requires_capture":
            raise _unexpected(intent, "captured", ("requires_capture",))
        wanted = {"amount": form["amount_to_capture"]} if "amount_to_capture" in form else {}
        amount = amount_in(wanted, default=intent["amount_capturable"])
        if amount > intent["amount_capturable"]:
            raise Refused(
                400, "amount_too_large",
                "The provided capture amount is greater than the amount this PaymentIntent can capture.",
                param="amount_to_capture",
            )  # fmt: skip
        intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
        charge = self._world.find("stripe", "charge", intent["latest_charge"]) or {}
        # What was authorised and not captured goes back to the customer, and Stripe shows it as refunded.
        left = charge["amount"] - amount
        charge |= {"captured": True, "amount_captured": amount, "amount_refunded": left}
        self._world.keep("stripe", "charge", charge["id"], charge)
        self._keep(intent)
        self._done(request, "payment_captured", intent, amount)
        return intent

    async def _cancel(self, request: Request, form: dict[str, str]) -> dict[str, Any]:
        intent = self._intent(request.path_params["intent"])
        if intent["status"] not in _CANCELLABLE:
            raise _unexpected(intent, "canceled", _CANCELLABLE)
        reason = form.get("cancellation_reason")
        if reason not in (None, *_REASONS):
            raise Refused(400, "parameter_unknown", "Invalid cancellation_reason", param="cancellation_reason")
        self._void(intent, reason)
        self._done(request, "payment_cancelled", intent, intent["amount"], standing=False)
        return intent

    def _void(self, intent: dict[str, Any], reason: str | None) -> None:
        charge = self._world.find("stripe", "charge", intent["latest_charge"] or "")
        if charge is not None and charge["paid"]:
            charge |= {"amount_refunded": charge["amount"], "refunded": True}
            self._world.keep("stripe", "charge", charge["id"], charge)
        intent |= {
            "status": "canceled", "canceled_at": self._now(), "cancellation_reason": reason, "amount_capturable": 0,
        }  # fmt: skip
        self._keep(intent)

    # Keeping and telling

    def _keep(self, intent: dict[str, Any]) -> dict[str, Any]:
        return self._world.keep("stripe", "payment_intent", intent["id"], intent)

    def _now(self) -> int:
        return int(self._world.now().timestamp())

    def _done(self, request: Request, kind: str, intent: dict[str, Any], amount: int, *, standing: bool = True) -> None:
        facts = {"Customer": intent["customer"] or "-", "Amount": _money(amount, intent), "Status": intent["status"]}
        self._record(request, kind, intent, facts, subject=f"payment_intent/{intent['id']}", standing=standing)

    def _record(
        self, request: Request, kind: str, made: dict[str, Any], facts: dict[str, str], *,
        subject: str | None, standing: bool | None,
    ) -> None:  # fmt: skip
        key = request.headers.get("idempotency-key") or f"{made['id']}/{kind}"
        self._tell(kind, key, made, facts, subject=subject, standing=standing)

    def _tell(
        self, kind: str, key: str, made: dict[str, Any], facts: dict[str, str], *,
        subject: str | None = None, standing: bool | None,
    ) -> None:  # fmt: skip
        title = f"{kind.replace('_', ' ').capitalize()}: {made['id']}"
        self._world.record(
            Entry(
                vendor="stripe",
                kind=kind,
                key=key,
                case=case_in(key) or _case(made),
                subject=subject or f"{made['object']}/{made['id']}" if standing is not None else None,
                standing=standing,
                body={"title": title, "facts": facts, "object": made},
            )
        )


def _case(made: dict[str, Any]) -> str | None:
    metadata = made["metadata"]
    marked = case_in(str(metadata.get("surehand_key", "")))
    return marked or next(
        (case_of(metadata[name]) for name in ("reference", "order", "order_id") if name in metadata), None
    )


def _unexpected(intent: dict[str, Any], done: str, allowed: tuple[str, ...]) -> Refused:
    message = (
        f"This PaymentIntent could not be {done} because it has a status of {intent['status']}. Only a PaymentIntent "
        f"with one of the following statuses may be {done}: {', '.join(allowed)}."
    )
    return Refused(400, "payment_intent_unexpected_state", message, payment_intent=intent)


def _money(amount: int, made: dict[str, Any]) -> str:
    return f"{amount / 100:.2f} {made['currency'].upper()}"
