"""The CRM: a customer's profile."""

from __future__ import annotations

from pydantic import Field

from domain.model import Value
from domain.ports.customers import CustomerRecords
from domain.tools.tool import Safety
from integrations.tools.provider import CallContext
from integrations.tools.python import tool


class ProfileChange(Value):
    """What to write to whose profile."""

    customer: str = Field(min_length=1, max_length=255, description="the CRM's id of the customer")
    properties: dict[str, str] = Field(min_length=1, max_length=100, description="property -> text")


class ProfileChanged(Value):
    """Whether the CRM knows the customer."""

    known: bool


class CustomerRecordTools:
    """Tools on the port `CustomerRecords`."""

    def __init__(self, records: CustomerRecords) -> None:
        """Act on one CRM."""
        self._records = records

    @tool(
        name="crm.update_profile",
        title="Update a customer's profile",
        vendor="hubspot",
        capabilities=("crm.update",),
        safety=Safety.CONFIRM,
        idempotent=True,
        customer=".customer",
    )
    async def update_profile(self, arguments: ProfileChange, context: CallContext) -> ProfileChanged:
        """Write properties of a customer. What stood there before is not kept, so nothing undoes it by itself."""
        known = await self._records.update_profile(arguments.customer, arguments.properties, key=context.key)
        return ProfileChanged(known=known)
