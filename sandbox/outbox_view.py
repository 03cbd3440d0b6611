"""Shapes the journal for the page: cases, newest first, and in each what happened, in order, threads together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.world import Entry

VENDOR_NAMES = {
    "smtp": "E-mail", "slack": "Slack", "zendesk": "Zendesk", "hubspot": "HubSpot", "stripe": "Stripe",
    "inventory": "Inventory", "shipping": "Shipping", "accounting": "Accounting", "deployments": "Deployments",
    "fleet": "Devices", "market": "Market data", "documents": "Documents", "mailing": "Mailing list",
    "receiver": "Webhooks",
}  # fmt: skip
ALWAYS_SHOWN = ("smtp", "slack", "zendesk", "hubspot", "stripe")
"""Vendors that the page lists also while they have received nothing."""
_KINDS = {
    "mail": "E-mail", "message": "Message", "ticket_created": "Ticket created", "ticket_changed": "Ticket changed",
    "contact_changed": "Contact changed", "refund": "Refund", "refund_cancelled": "Refund cancelled",
    "credit": "Credit", "credit_reversed": "Credit reversed",
}  # fmt: skip


@dataclass
class Card:
    """One thing on the page."""

    entry: Entry
    vendor: str
    title: str
    changed: bool = False
    deleted: bool = False
    replies: list[Card] = field(default_factory=list)

    @property
    def message(self) -> dict[str, Any]:
        """A Slack message as it stands now."""
        found: dict[str, Any] = self.entry.body["message"]
        return found


@dataclass
class CaseCards:
    """What belongs to one case."""

    name: str | None
    cards: list[Card]
    last: str
    repeated: int


def cases_of(entries: list[Entry]) -> list[CaseCards]:
    """Group entries by case, the case with the newest entry first; what belongs to none comes last."""
    grouped: dict[str | None, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.case, []).append(entry)
    cases = [
        CaseCards(
            name=name,
            cards=_cards(own),
            last=own[-1].at,
            repeated=sum(entry.repeated for entry in own),
        )
        for name, own in grouped.items()
    ]
    return sorted(cases, key=lambda case: (case.name is not None, case.last), reverse=True)


def _cards(entries: list[Entry]) -> list[Card]:
    cards: list[Card] = []
    messages: dict[tuple[str, str], Card] = {}
    for entry in entries:
        if entry.vendor != "slack":
            cards.append(Card(entry, VENDOR_NAMES[entry.vendor], _kind(entry.kind)))
            continue
        _place_message(entry, cards, messages)
    return cards


def _place_message(entry: Entry, cards: list[Card], messages: dict[tuple[str, str], Card]) -> None:
    """A change shows in the message it changed; a reply stands under the message it answers."""
    message = entry.body["message"]
    where = (entry.body["channel"], message["ts"])
    known = messages.get(where)
    if known is not None:
        known.changed = known.changed or entry.kind == "message_changed"
        known.deleted = entry.kind == "message_deleted"
        if not known.deleted:
            known.entry.body["message"] = message
        return
    card = Card(entry, VENDOR_NAMES["slack"], _KINDS["message"], deleted=entry.kind == "message_deleted")
    messages[where] = card
    parent = messages.get((entry.body["channel"], message.get("thread_ts", "")))
    (parent.replies if parent is not None else cards).append(card)


def _kind(kind: str) -> str:
    return _KINDS.get(kind) or kind.replace("_", " ").capitalize()


def clock(at: str) -> str:
    """An instant as the page shows it."""
    return datetime.fromisoformat(at).strftime("%d %b, %H:%M:%S")
