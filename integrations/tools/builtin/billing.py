"""Money back to a customer: refunds of their latest payment and credits to their balance, as escalations use them."""

from __future__ import annotations

from pydantic import Field

from domain.model import Value
from domain.ports.customers import Billing
from domain.tools.tool import Safety, ToolUndo
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_VENDOR = "stripe"


class Money(Value):
    """How much to whom."""

    customer: str = Field(min_length=1, max_length=255, description="the vendor's id of the customer")
    amount: float = Field(gt=0, description="in the currency's main unit")
    currency: str = Field(pattern=r"^[A-Za-z]{3}$", description="ISO 4217")


class CustomerRefund(Value):
    """A refund that was made."""

    refund: str


class CustomerCredit(Value):
    """A credit that was made."""

    transaction: str


class RefundToCancel(Value):
    """Which refund to cancel."""

    refund: str | None = Field(description="null when none was made, which is fine")


class CreditToReverse(Value):
    """Which credit to reverse."""

    customer: str = Field(min_length=1, max_length=255)
    transaction: str | None = Field(description="null when none was made, which is fine")


class TakenBack(Value):
    """Whether there was anything to take back."""

    taken_back: bool


class BillingTools:
    """Tools on the port `Billing`."""

    def __init__(self, billing: Billing) -> None:
        """Act on one account."""
        self._billing = billing

    @tool(
        name="payments.refund_customer",
        title="Refund a customer",
        vendor=_VENDOR,
        capabilities=("refund",),
        safety=Safety.DANGEROUS,
        idempotent=True,
        undo=ToolUndo(tool="payments.cancel_refund", arguments={"refund": "${ $output.refund }"}),
        amount=".amount",
        currency=".currency",
        customer=".customer",
        ladder="refund",
    )
    async def refund_customer(self, arguments: Money, context: CallContext) -> CustomerRefund:
        """Refund a part of the customer's latest payment that has so much left."""
        refund = await self._billing.refund(arguments.customer, arguments.amount, arguments.currency, key=context.key)
        return CustomerRefund(refund=refund)

    @tool(
        name="payments.cancel_refund",
        title="Cancel a refund",
        vendor=_VENDOR,
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def cancel_refund(self, arguments: RefundToCancel, context: CallContext) -> TakenBack:
        """Cancel a refund that has not gone out. Cancelled already, or never made, is fine."""
        if arguments.refund is not None:
            await self._billing.cancel_refund(arguments.refund, key=context.key)
        return TakenBack(taken_back=arguments.refund is not None)

    @tool(
        name="payments.credit_customer",
        title="Credit a customer",
        vendor=_VENDOR,
        capabilities=("credit",),
        safety=Safety.DANGEROUS,
        idempotent=True,
        undo=ToolUndo(
            tool="payments.reverse_credit",
            arguments={"customer": "${ $arguments.customer }", "transaction": "${ $output.transaction }"},
        ),
        amount=".amount",
        currency=".currency",
        customer=".customer",
        ladder="credit",
    )
    async def credit_customer(self, arguments: Money, context: CallContext) -> CustomerCredit:
        """Add to the customer's balance; their next invoice takes it off."""
        transaction = await self._billing.credit(
            arguments.customer, arguments.amount, arguments.currency, key=context.key
        )
        return CustomerCredit(transaction=transaction)

    @tool(
        name="payments.reverse_credit",
        title="Reverse a credit",
        vendor=_VENDOR,
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def reverse_credit(self, arguments: CreditToReverse, context: CallContext) -> TakenBack:
        """Take a credit off the balance again. One that was never made is fine."""
        if arguments.transaction is not None:
            await self._billing.reverse_credit(arguments.customer, arguments.transaction, key=context.key)
        return TakenBack(taken_back=arguments.transaction is not None)
