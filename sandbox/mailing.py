"""A mailing list: contacts, their events, carts, messages with tracked links, and one-click unsubscribing (RFC 8058).

Any contact exists as subscribed, except ids that begin with `unknown`; any cart holds a tent, except those that begin
with `unknown`, and `empty` ones.
"""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox import fields
from sandbox.fields import Refused
from sandbox.rest import Call, JsonVendor, Way

EVENTS = ("purchase", "unsubscribe", "resubscribe", "open", "click", "cart_updated", "signed_up", "bounced")
_PIXEL = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_REFERENCE = fields.text(longest=200)


class MailingSimulator(JsonVendor):
    """One merchant's list."""

    name = "mailing"

    def ways(self) -> list[Way]:
        one = "/v1/contacts/{id}"
        return [
            Way("GET", one, lambda call: self._contact(call.path("id"))),
            Way("PUT", one, self._save),
            Way("GET", f"{one}/events", self._events),
            Way("POST", f"{one}/events", self._report, 201),
            Way("GET", "/v1/carts/{id}", self._cart),
            Way("GET", "/v1/messages", self._messages),
            Way("POST", "/v1/messages", self._send, 201),
            Way("GET", "/v1/messages/{id}", lambda call: self.find("message", call.path("id"))),
            Way("GET", "/t/o/{token}.gif", self._opened, open=True),
            Way("GET", "/t/c/{token}", self._clicked, open=True),
            Way("GET", "/t/u/{token}", self._ask_unsubscribe, open=True),
            Way("POST", "/t/u/{token}", self._unsubscribed, open=True),
        ]

    # Contacts and events

    def _contact(self, identity: str) -> dict[str, Any]:
        if identity.startswith("unknown"):
            raise Refused(404, "not_found", "There is no such contact.")
        born = {
            "id": identity,
            "email": f"{identity}@example.com",
            "name": identity.replace("-", " ").title(),
            "subscribed": True,
            "tags": [],
        }
        return born | (self.world.find(self.name, "contact", identity) or {})

    def _save(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            email=fields.text(None, pattern=r"[^\s@<>,;]+@[^\s@<>,;]+"),
            name=fields.text(None),
            tags=fields.rows(fields.text(longest=60), least=0, most=50, default=None),
        )
        contact = self._contact(call.path("id"))
        contact |= {name: value for name, value in asked.items() if value is not None}
        self.keep("contact", contact)
        facts = {"Tags": ", ".join(contact["tags"]) or "-"}
        self.record(call, "contact_saved", f"contact/{contact['id']}", f"Contact {contact['id']}", facts)
        return contact

    def _events(self, call: Call) -> dict[str, Any]:
        found = self.all("event", contact_id=self._contact(call.path("id"))["id"], type=call.query("type"))
        return {"items": [event for event in found if event["at"] >= call.query("since")]}

    def _report(self, call: Call) -> dict[str, Any]:
        asked = call.take(type=fields.one_of(*EVENTS), data=fields.anything(default={}))
        contact = self._contact(call.path("id"))
        return self._happened(call, contact["id"], asked["type"], asked["data"])

    def _happened(self, call: Call, contact_id: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        event = {
            "id": self.next_id("event", "evt"), "contact_id": contact_id, "type": kind, "at": self.stamp(),
            "data": data,
        }  # fmt: skip
        self.keep("event", event)
        if kind in ("unsubscribe", "resubscribe"):
            contact = self._contact(contact_id)
            contact["subscribed"] = kind == "resubscribe"
            self.keep("contact", contact)
        facts = {"Contact": contact_id, **data}
        self.record(call, f"contact_{kind}", f"event/{event['id']}", f"{contact_id}: {kind}", facts)
        return event

    def _cart(self, call: Call) -> dict[str, Any]:
        identity = call.path("id")
        if identity.startswith("unknown"):
            raise Refused(404, "not_found", "There is no such cart.")
        item = {"sku": "TENT-2P", "title": "Tent for two", "quantity": 1, "unit_amount": 24_900}
        empty = identity.startswith("empty")
        born = {
            "id": identity,
            "contact_id": identity.removeprefix("cart-"),
            "items": [] if empty else [item],
            "total": 0 if empty else 24_900,
            "currency": "EUR",
            "checked_out": False,
            "updated_at": self.stamp(),
        }
        return born | (self.world.find(self.name, "cart", identity) or {})

    # Messages and what is done with them

    def _messages(self, call: Call) -> dict[str, Any]:
        wanted = {name: call.query(name) for name in ("reference", "contact_id", "campaign")}
        return {"items": self.all("message", **wanted)}

    def _send(self, call: Call) -> dict[str, Any]:
        asked = call.take(
            reference=_REFERENCE,
            contact_id=fields.text(longest=100),
            campaign=fields.text(longest=100),
            subject=fields.text(longest=300),
            text=fields.text(longest=20_000),
            link=fields.text(None, longest=2_000),
        )
        if asked["link"] is not None and urlsplit(asked["link"]).scheme not in ("http", "https"):
            raise fields.invalid("link", "is a web address.")
        contact = self._contact(asked["contact_id"])
        if not contact["subscribed"]:
            raise Refused(409, "unsubscribed", "The contact does not want mail any more.")
        identity = self.next_id("message", "msg")
        token = sha256(f"{identity}/{asked['reference']}".encode()).hexdigest()[:24]
        made = {
            "id": identity,
            **asked,
            "status": "sent",
            "opens": 0,
            "clicks": 0,
            "open_path": f"/t/o/{token}.gif",
            "click_path": f"/t/c/{token}" if asked["link"] else None,
            "unsubscribe_path": f"/t/u/{token}",
            "sent_at": self.stamp(),
        }
        self.keep("message", made)
        self.keep("token", {"id": token, "message_id": identity})
        facts = {"To": contact["id"], "Campaign": asked["campaign"], "Text": asked["text"]}
        self.record(call, "campaign_mail", f"message/{identity}", asked["subject"], facts, reference=asked["reference"])
        return made

    def _of_token(self, call: Call) -> dict[str, Any]:
        return self.find("message", self.find("token", call.path("token"))["message_id"])

    def _opened(self, call: Call) -> Response:
        message = self._of_token(call)
        self._count(call, message, "open")
        return Response(_PIXEL, media_type="image/gif", headers={"Cache-Control": "no-store"})

    def _clicked(self, call: Call) -> Response:
        message = self._of_token(call)
        if message["link"] is None:
            raise Refused(404, "not_found", "There is no such link.")
        self._count(call, message, "click")
        return RedirectResponse(message["link"], 302)

    def _count(self, call: Call, message: dict[str, Any], kind: str) -> None:
        message[f"{kind}s"] += 1
        self.keep("message", message)
        self._happened(call, message["contact_id"], kind, {"message_id": message["id"]})

    def _ask_unsubscribe(self, call: Call) -> Response:
        """Looking at the link changes nothing: mail scanners look at every link."""
        self._of_token(call)
        return HTMLResponse('<form method="post"><button>Unsubscribe</button></form>')

    def _unsubscribed(self, call: Call) -> Response:
        message = self._of_token(call)
        if self._contact(message["contact_id"])["subscribed"]:
            self._happened(call, message["contact_id"], "unsubscribe", {"message_id": message["id"]})
        return HTMLResponse("<p>You will get no more mail from this list.</p>")
