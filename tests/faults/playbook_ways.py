"""Ways through the shipped playbooks that together reach the steps that change something, and small ones of our own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pydantic import SecretStr

from domain.model import JsonValue
from integrations.stripe.billing import StripeBilling
from integrations.stripe.payments import StripePayments
from sandbox.server import Sandbox
from tests.playbooks.enumerating import definition_of

ORDER, PAYMENT = "order-fulfilment", "payment"
DOCUMENTS, GOODS = "com.surehand.documents.received", "com.surehand.return.received"
SANDBOX_KEY = SecretStr("sk_test_sandbox")
ONLY_AFTER_DAYS = {
    (ORDER, "letGo"): "the card is held anew after a wait of six days",
    (ORDER, "holdAgain"): "the same",
    (ORDER, "rest"): "the goods come in while the order waits for days",
    (ORDER, "holdOnceMore"): "an authorisation that runs out between two steps",
    (ORDER, "captureOnceMore"): "the same",
}
"""Steps that no way here reaches, since time does not skip on a real server; `tests/playbooks` has them."""


@dataclass
class Prepared:
    """What is there before a run: each run has its own, so that runs do not meet."""

    sandbox: Sandbox
    billing: StripeBilling
    number: int = 0
    """Of the run."""

    async def service(self) -> str:
        """A service of the cluster, as well as `checkout` is."""
        name, world = f"svc-{self.number}", self.sandbox.world
        like = world.find("deployments", "service", "checkout") or {}
        history = world.find("deployments", "history", "checkout") or {}
        world.keep("deployments", "service", name, {**like, "name": name})
        world.keep("deployments", "history", name, {**history, "id": name})
        first = {"version": 1, "values": {"a": 1}, "based_on": None, "created_at": "2026-01-01T00:00:00Z"}
        world.keep("deployments", "config", name, {"id": name, "versions": [first, {**first, "version": 2}]})
        return name

    async def sent_order(self) -> dict[str, JsonValue]:
        """An order of two pieces that was paid for and has been with the customer for long."""
        world, number = self.sandbox.world, self.number
        payments = StripePayments(base_url=self.sandbox.state()["stripe"]["url"], key=SANDBOX_KEY)
        held = await payments.authorise(self.customer, 80, "EUR", "pm_card_visa", key=f"test/{number}/hold")
        await payments.capture(held.payment, key=f"test/{number}/capture")
        long_ago: dict[str, JsonValue] = {"reference": f"O-{number}", "created_at": "2020-01-01T00:00:00+00:00"}
        pieces: list[JsonValue] = [{"sku": f"SKU-{number}", "warehouse": "berlin", "quantity": 2}]
        shipment, reservation, invoice = f"shp_{number}", f"res_{number}", f"inv_{number}"
        there: dict[str, JsonValue] = {"id": shipment, **long_ago, "status": "delivered"}
        world.keep("shipping", "shipment", shipment, there)
        left: dict[str, JsonValue] = {"status": "committed", "allocations": pieces, "missing": []}
        world.keep("inventory", "reservation", reservation, {"id": reservation, **long_ago, **left})
        buyer: dict[str, JsonValue] = {"customer": {"id": self.customer, "name": "Ann"}}
        total: dict[str, JsonValue] = {**buyer, "currency": "EUR", "total": 8_000, "paid": 8_000, "credited": 0}
        paid: dict[str, JsonValue] = {"id": invoice, "number": f"2020-{number}", **long_ago, **total, "status": "paid"}
        world.keep("accounting", "invoice", invoice, paid)
        return {"payment": held.payment, "shipment": shipment, "reservation": reservation, "invoice": invoice}

    @property
    def customer(self) -> str:
        return f"cus_{self.number}"

    @property
    def ticket(self) -> str:
        return str(5_000 + self.number)

    @property
    def weekday(self) -> str:
        day = date(2026, 1, 5) + timedelta(days=self.number + 2 * (self.number // 5))
        return day.isoformat()


@dataclass(frozen=True)
class Way:
    """One way through a playbook."""

    playbook: str
    given: Callable[[Prepared], Any]
    """The input of a run; may be a coroutine function."""
    approve: bool = True
    before_approval: Callable[[Prepared], None] | None = None
    """Something happens outside while people decide."""
    name: str = ""
    definition: dict[str, JsonValue] | None = None
    """In place of the library's."""
    hears: str = ""
    """The type of an event that comes once the run waits for one."""
    refused: tuple[tuple[str, str], ...] = ()
    """Calls that their vendor refuses for good: tool, and key without the run's id."""
    gives_up: bool = False
    """A person gives up the step that is parked."""
    aborts: bool = False
    """A person aborts the run once a step of it is parked."""

    def __str__(self) -> str:
        return self.name or self.playbook


async def _canary(own: Prepared) -> JsonValue:
    stages: list[JsonValue] = [{"percent": percent, "soak_minutes": 0} for percent in (5, 50)]
    calm = {"final_soak_minutes": 0, "checks_per_stage": 1}
    return {"service": await own.service(), "version": "v2", "stages": stages, **calm}


def _service(**more: JsonValue) -> Callable[[Prepared], Any]:
    async def given(own: Prepared) -> JsonValue:
        return {"service": await own.service(), "check_minutes": 0, "checks": 1, **more}

    return given


def _order(own: Prepared) -> JsonValue:
    """More than two warehouses have."""
    return {
        "order": f"O-{own.number}",
        "customer": {"id": own.customer, "email": "ann@example.com", "name": "Ann Lee"},
        "payment_method": "pm_card_visa",
        "currency": "EUR",
        "items": [{"sku": f"SKU-{own.number}", "quantity": 25, "unit_amount": 1_000}],
        "shipping_amount": 30_000,
        "ship_to": {"name": "Ann", "line1": "Main St 1", "city": "Berlin", "postal_code": "10115", "country": "DE"},
    }


def _payment(**more: JsonValue) -> Callable[[Prepared], JsonValue]:
    def given(own: Prepared) -> JsonValue:
        return {
            "reference": f"R-{own.number}",
            "customer": {"id": own.customer, "email": "ann@example.com"},
            "amount": 25,
            "currency": "EUR",
            "payment_method": "pm_card_visa",
            **more,
        }

    return given


def _hold_expires(own: Prepared) -> None:
    world = own.sandbox.world
    for intent in world.all("stripe", "payment_intent"):
        held = world.find("stripe", "authorisation", intent["id"])
        if intent["customer"] == own.customer and intent["status"] == "requires_capture" and held is not None:
            world.keep("stripe", "authorisation", held["id"], {**held, "expires_at": 0})


def _money(own: Prepared) -> JsonValue:
    return {"customer": own.customer, "amount": 12.5, "currency": "EUR"}


async def _refunded(own: Prepared) -> JsonValue:
    return {"refund": await own.billing.refund(own.customer, 12.5, "EUR", key=f"test/{own.number}")}


async def _credited(own: Prepared) -> JsonValue:
    transaction = await own.billing.credit(own.customer, 12.5, "EUR", key=f"test/{own.number}")
    return {"customer": own.customer, "transaction": transaction}


def _devices(own: Prepared) -> JsonValue:
    device, world = f"dev-of-{own.number}", own.sandbox.world
    world.keep("fleet", "device", device, {**(world.find("fleet", "device", "dev-001") or {}), "id": device})
    return {
        "firmware": "2.5.0",
        "reference": f"F-{own.number}",
        "devices": [device],
        "soak_minutes": 0,
    }


def _mail(own: Prepared) -> JsonValue:
    words = "How do I change the address on my invoices? I could not find it in the settings."
    return {"sender": "ann@example.com", "subject": "A question", "body": words, "ticket": own.ticket}


def _tasks(own: Prepared) -> JsonValue:
    text = "Action items:\n- Ann will send the contract to Acme by Friday.\n- Bob to update the price list by Monday."
    return {"text": text, "ticket": own.ticket, "written_on": "2026-11-20"}


def _market(own: Prepared) -> JsonValue:
    return {"batch": f"ACME-{own.weekday}"}


def _document(own: Prepared) -> JsonValue:
    return {"document": f"doc-{own.number}"}


def _draft(content: str) -> Callable[[Prepared], JsonValue]:
    def given(own: Prepared) -> JsonValue:
        identity = f"draft-{own.number}"
        draft = {"id": identity, "title": "Ten tents", "kind": "article", "content": content, "status": "draft"}
        rest = {"author": "writer@example.com", "version": 1, "updated_at": "2026-11-20T09:00:00Z"}
        own.sandbox.world.keep("documents", "document", identity, {**draft, **rest})
        return {"document": identity, "publish": True}

    return given


def _returned(**more: JsonValue) -> Callable[[Prepared], Any]:
    async def given(own: Prepared) -> JsonValue:
        piece: JsonValue = {"sku": f"SKU-{own.number}", "quantity": 1, "warehouse": "berlin", "unit_amount": 4_000}
        return {
            "order": f"O-{own.number}",
            "customer": {"id": own.customer, "email": "ann@example.com"},
            "currency": "EUR",
            "items": [piece],
            **await own.sent_order(),
            **more,
        }

    return given


def _newcomer(own: Prepared) -> JsonValue:
    return {"customer": {"id": own.customer, "email": "ann@example.com", "name": "Ann"}, "plan": "business"}


def _cart(own: Prepared) -> JsonValue:
    return {"cart": f"cart-{own.number}"}


def _sequence(own: Prepared) -> JsonValue:
    mails: list[JsonValue] = [{"day": 0, "subject": f"Mail {number}", "text": "Hello."} for number in (1, 2)]
    return {"campaign": "launch", "contact": f"contact-{own.number}", "mails": mails}


_GOOD_TEXT = (
    "# Ten tents compared\n\nWe took ten tents to the coast for a week. Each tent stood in wind and rain. "
    "We weighed them, and we timed how long one person needs to put each of them up.\n\n"
    "The light tents are good for long walks. The heavy tents keep you dry in a storm. "
    "Pick the tent that fits your trip, and air it well before you store it at home."
)


_SOONER = (
    (r'"wait": "PT\d+M"', '"wait": "PT1S"'),
    # The mails of a cart, in seconds since it was touched, and the days of a newcomer.
    (r'"after": \d+', '"after": 0'),
    (r"\* 86400\b", "* 0"),
)


def at_a_faster_pace(name: str) -> dict[str, JsonValue]:
    """A shipped playbook that waits for a second where it would wait for minutes, and not at all for days."""
    text = json.dumps(definition_of(name))
    for slow, fast in _SOONER:
        text = re.sub(slow, fast, text)
    faster: dict[str, JsonValue] = json.loads(text)
    return faster


WAYS: tuple[Way, ...] = (
    Way(ORDER, _order),
    Way(PAYMENT, _payment()),
    Way(PAYMENT, _payment(suspicious=True), approve=False, name="payment that is let go"),
    Way(
        PAYMENT,
        _payment(suspicious=True),
        before_approval=_hold_expires,
        name="payment whose hold runs out",
    ),
    Way("refund", _money),
    Way("credit", _money),
    Way("cancel-refund", _refunded),
    Way("reverse-credit", _credited),
    Way("canary-deployment", _canary, definition=at_a_faster_pace("canary-deployment")),
    Way("configuration-rollback", _service()),
    Way("credential-rotation", _service(grace_minutes=0)),
    Way("roll-back-deployment", _service(to_version="v0")),
    Way("scale-out", _service()),
    Way("service-restart", _service(drain_seconds=0)),
    Way("device-remediation", _devices),
    Way("document-review", _document),
    Way("content-review", _draft(_GOOD_TEXT)),
    Way("content-review", _draft("Buy it now!"), name="content that is rejected"),
    Way("email-processing", _mail),
    Way("market-data-validation", _market),
    Way("task-automation", _tasks),
    Way("cart-abandonment", _cart, definition=at_a_faster_pace("cart-abandonment")),
    Way("customer-onboarding", _newcomer, definition=at_a_faster_pace("customer-onboarding"), hears=DOCUMENTS),
    Way("email-sequence", _sequence),
    Way("order-return", _returned(), hears=GOODS),
    Way("order-return", _returned(settle="store_credit"), hears=GOODS, name="return for credit"),
)


def way(name: str) -> Way:
    """The way that bears a name."""
    return next(one for one in WAYS if str(one) == name)


_UNBOOKED = (("accounting.payInvoice", "do/3/bookPayment"),)
"""Everything of an order is done by then, and paid for."""
UNDONE: tuple[Way, ...] = (
    Way(
        ORDER,
        _order,
        refused=(("payments.capture", "do/1/fulfil/try#1/9/take/try#1/0/capture"),),
        name="order whose money is refused",
    ),
    Way(ORDER, _order, refused=_UNBOOKED, gives_up=True, name="order that is given up"),
    Way(ORDER, _order, refused=_UNBOOKED, aborts=True, name="order that is aborted"),
)
"""Ways that fail late, so that much is undone."""


def billing_at(sandbox: Sandbox) -> StripeBilling:
    """Our own client of the sandbox's payment provider, for what was there before a run."""
    return StripeBilling(base_url=sandbox.state()["stripe"]["url"], key=SANDBOX_KEY)
