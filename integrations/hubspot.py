"""HubSpot: writes what a case learned about a customer to the contact's properties."""

from __future__ import annotations

from urllib.parse import quote

from pydantic import SecretStr

from domain.errors import NotFoundAtVendor, VendorError
from integrations.http import RETRYABLE, Reply, VendorHttp, expect, status_error

VENDOR = "hubspot"
_RETRYABLE = RETRYABLE | {423, 477}
"""Beside the usual ones: 423 while the record is locked and 477 while the account is moved to another data centre."""
_ADVICE = {
    400: "HubSpot refused the properties: create those that Surehand writes, see docs/integrations.md.",
    401: "HubSpot refused our token: renew SUREHAND_HUBSPOT__ACCESS_TOKEN.",
    403: "HubSpot's token lacks the scope crm.objects.contacts.write: add it to the private app.",
}


def translate(reply: Reply, write: bool) -> VendorError:
    """What a status means at HubSpot (developers.hubspot.com, error handling)."""
    body = reply.body if isinstance(reply.body, dict) else {}
    code = str(body.get("category") or "")[:60]
    return status_error(VENDOR, reply, write=write, code=code, retryable=_RETRYABLE, advice=_ADVICE)


class HubSpotRecords:
    """`domain.ports.customers.CustomerRecords` on HubSpot's contacts. A PATCH repeats without harm and needs no key."""

    def __init__(self, *, base_url: str, token: SecretStr, timeout_seconds: float = 20) -> None:
        """`token` is a private app's; `timeout_seconds` is for one whole call."""
        self._http = VendorHttp(
            VENDOR,
            base_url,
            timeout_seconds=timeout_seconds,
            translate=translate,
            headers={"Authorization": f"Bearer {token.get_secret_value()}"},
        )

    async def look(self) -> None:
        """Ask whose account it is, which every token may; nothing is changed. Raises `VendorError`."""
        expect(VENDOR, await self._http.get("/account-info/v3/details"), "portalId")

    async def update_profile(self, customer_id: str, properties: dict[str, str], *, key: str) -> bool:
        """Write properties to the contact. Returns False when HubSpot has no such contact."""
        path = f"/crm/v3/objects/contacts/{quote(customer_id, safe='')}"
        try:
            reply = await self._http.send("PATCH", path, body={"properties": properties})
        except NotFoundAtVendor:
            return False
        expect(VENDOR, reply, "id", write=True)
        return True
