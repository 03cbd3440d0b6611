"""Card payments in two steps: authorise, capture, void, refund, find."""

from __future__ import annotations

from pydantic import Field

from domain.model import Value
from domain.money.payments import Payment, RefundMade
from domain.tools.tool import Safety, ToolUndo
from integrations.stripe.payments import StripePayments
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_VENDOR = "stripe"
_IS_A_PAYMENT = ("payment",)


class Authorisation(Value):
    """What to hold on whose card."""

    customer: str = Field(min_length=1, max_length=255, description="the vendor's id of the customer")
    amount: float = Field(gt=0, description="in the currency's main unit")
    currency: str = Field(pattern=r"^[A-Za-z]{3}$", description="ISO 4217")
    payment_method: str = Field(min_length=1, max_length=255, description="the vendor's id of the card")
    reference: str = Field("", max_length=200, description="what we call it, such as an order's number")


class Capture(Value):
    """What to take of what was authorised."""

    payment: str = Field(min_length=1, max_length=255)
    amount: float | None = Field(None, gt=0, description="less than what was authorised; all of it when left out")


class Voiding(Value):
    """Which authorisation to give up."""

    payment: str | None = Field(None, min_length=1, max_length=255)
    customer: str | None = Field(None, description="with made_by, when the payment's id is not known")
    made_by: str | None = Field(None, description="the key of the call that made it")


class Voided(Value):
    """What became of it."""

    payment: Payment | None
    """None when there was none to give up."""


class PaymentRefund(Value):
    """What to give back."""

    payment: str = Field(min_length=1, max_length=255)
    amount: float | None = Field(None, gt=0, description="all that is left when left out")
    if_captured: bool = Field(False, description="as an undo: nothing to do when it was not captured")


class PaymentSearch(Value):
    """Which payment to look up."""

    payment: str | None = Field(None, min_length=1, max_length=255)
    customer: str | None = Field(None, description="with reference, when the payment's id is not known")
    reference: str | None = None


class Found(Value):
    """What was found."""

    payment: Payment | None


class PaymentTools:
    """Tools on `StripePayments`."""

    def __init__(self, payments: StripePayments) -> None:
        """Act on one account."""
        self._payments = payments

    @tool(
        name="payments.authorise",
        title="Authorise a payment",
        vendor=_VENDOR,
        capabilities=(*_IS_A_PAYMENT, "payment.authorise"),
        safety=Safety.CONFIRM,
        idempotent=True,
        undo=ToolUndo(
            tool="payments.void",
            arguments={
                "payment": "${ $output.payment }",
                "customer": "${ $arguments.customer }",
                "made_by": "${ $key }",
            },
        ),
        amount=".amount",
        currency=".currency",
        customer=".customer",
    )
    async def authorise(self, arguments: Authorisation, context: CallContext) -> Payment:
        """Hold an amount on a customer's card, to be captured within days or given up.

        A decline is an error whose status is 402 and whose data has a class: transient, permanent or fraud.
        """
        return await self._payments.authorise(
            arguments.customer,
            arguments.amount,
            arguments.currency,
            arguments.payment_method,
            reference=arguments.reference,
            key=context.key,
        )

    @tool(
        name="payments.capture",
        title="Capture a payment",
        vendor=_VENDOR,
        capabilities=(*_IS_A_PAYMENT, "payment.capture"),
        safety=Safety.CONFIRM,
        idempotent=True,
        undo=ToolUndo(tool="payments.refund", arguments={"payment": "${ $arguments.payment }", "if_captured": True}),
    )
    async def capture(self, arguments: Capture, context: CallContext) -> Payment:
        """Take an authorised amount or a part of it. An authorisation that has expired is `authorisation_expired`."""
        return await self._payments.capture(arguments.payment, arguments.amount, key=context.key)

    @tool(
        name="payments.void",
        title="Give up an authorisation",
        vendor=_VENDOR,
        capabilities=(*_IS_A_PAYMENT, "payment.void"),
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def void(self, arguments: Voiding, context: CallContext) -> Voided:
        """Let go of what was authorised. Given up already, or never made, is fine."""
        payment = await self._payments.void(
            arguments.payment, customer=arguments.customer, made_by=arguments.made_by, key=context.key
        )
        return Voided(payment=payment)

    @tool(
        name="payments.refund",
        title="Refund a payment",
        vendor=_VENDOR,
        capabilities=(*_IS_A_PAYMENT, "payment.refund"),
        safety=Safety.DANGEROUS,
        idempotent=True,
        undo=ToolUndo(tool="payments.cancel_refund", arguments={"refund": "${ $output.refund }"}),
        amount=".amount",
        ladder="refund",
    )
    async def refund(self, arguments: PaymentRefund, context: CallContext) -> RefundMade:
        """Give back a captured payment or a part of it."""
        return await self._payments.refund(
            arguments.payment, arguments.amount, if_captured=arguments.if_captured, key=context.key
        )

    @tool(
        name="payments.find",
        title="Look up a payment",
        vendor=_VENDOR,
        capabilities=(*_IS_A_PAYMENT, "payment.find"),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def find(self, arguments: PaymentSearch, context: CallContext) -> Found:
        """Where a payment stands, by its id or by customer and reference."""
        payment = await self._payments.find(
            arguments.payment, customer=arguments.customer, reference=arguments.reference
        )
        return Found(payment=payment)
