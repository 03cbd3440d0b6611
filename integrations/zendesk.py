"""Zendesk: what a handoff changes on a ticket, and how it is put back.

Zendesk takes an idempotency key for new tickets only. For updates each change carries its key in the audit's custom
metadata, which agents do not see; a change is looked up there before it is made. Changes to fields carry the stamp of
the ticket they were decided on, so that an agent's edit in between is read again and never overwritten.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic import SecretStr

from domain.errors import NotFoundAtVendor, VendorError, VendorRefused, VendorUnavailable
from domain.mail import TicketEscalation, TicketReceipt
from domain.model import JsonValue
from integrations.http import RETRYABLE, Reply, VendorHttp, expect, status_error
from integrations.idempotency import key_hash, metadata_key

VENDOR = "zendesk"
MARK = "surehand_key"
_BEFORE = "surehand_status_before"
COMMENT_LIMIT = 60_000
"""Characters of a comment; Zendesk takes 65,535 and counts some twice."""
AUDIT_PAGES = 60
"""Pages of 100 audits that are looked through for a mark; Zendesk itself ends a ticket's life before 6,000 changes."""
PRIORITIES = {"critical": "urgent", "urgent": "urgent", "high": "high", "medium": "normal", "low": "low"}
_RANK = {"low": 0, "normal": 1, "high": 2, "urgent": 3}
_RETRYABLE = RETRYABLE | {409, 412}
"""Beside the usual ones: 409 and 412 when somebody changed the ticket meanwhile; the next attempt reads it anew."""
_ADVICE = {
    401: "Zendesk refused our credentials: renew SUREHAND_ZENDESK__API_TOKEN.",
    403: "Zendesk does not allow this to our agent: give the agent access to the ticket.",
    422: "Zendesk refused the change: look at the ticket's required fields and whether it is closed.",
}


def translate(reply: Reply, write: bool) -> VendorError:
    """What a status means at Zendesk (developer.zendesk.com, response format)."""
    body = reply.body if isinstance(reply.body, dict) else {}
    error = body.get("error")
    code = str(error.get("title") if isinstance(error, dict) else error or "")[:60]
    if reply.status in (409, 412):
        return VendorUnavailable(VENDOR, code or "conflict", "Somebody changed the ticket meanwhile: read it again.")
    return status_error(VENDOR, reply, write=write, code=code, retryable=_RETRYABLE, advice=_ADVICE)


class ZendeskTickets:
    """`domain.ports.channels.TicketSystem` on Zendesk Support.

    A ticket's external id is Zendesk's own number where the ticket came from Zendesk. For other tickets it stands in
    Zendesk's field `external_id`, and their first handoff creates a ticket there.
    """

    def __init__(self, *, base_url: str, email: str, token: SecretStr, timeout_seconds: float = 20) -> None:
        """`email` is the agent's the API token belongs to; `timeout_seconds` is for one whole call."""
        self._http = VendorHttp(
            VENDOR,
            base_url,
            timeout_seconds=timeout_seconds,
            translate=translate,
            auth=(f"{email}/token", token.get_secret_value()),
        )

    async def look(self) -> str:
        """The role of the agent that we are; nothing is changed. Raises `VendorError`."""
        user = expect(VENDOR, await self._http.get("/api/v2/users/me.json"), "user")
        role = expect(VENDOR, user, "role")
        if expect(VENDOR, user, "id") is None:
            # Zendesk's words for a stranger.
            raise VendorRefused(VENDOR, "anonymous", _ADVICE[401])
        return str(role)

    async def escalate(self, change: TicketEscalation) -> TicketReceipt:
        """Set priority, group and tags and add an internal note, once per key.

        A priority is only ever raised. Zendesk has nothing above `urgent`.

        Raises:
            NotFoundAtVendor: Zendesk had the ticket under its own number and has it no more.
            VendorRefused: the ticket is closed for good, or the group does not exist.
            VendorUnavailable: among others, when an agent changed the ticket at the same moment.
        """
        ticket = await self._find(change.external_id)
        if ticket is None:
            if change.external_id.isascii() and change.external_id.isdigit():
                raise NotFoundAtVendor(VENDOR, "not_found", "The ticket is gone from Zendesk.")
            return await self._create(change)
        made = await self._made(ticket, change.key)
        if made is not None:
            return _receipt_of(ticket, made)
        if ticket.get("status") == "closed":
            raise VendorRefused(VENDOR, "closed", "Zendesk's ticket is closed for good: open a follow-up ticket there.")
        return await self._update(ticket, change)

    async def _update(self, ticket: dict[str, Any], change: TicketEscalation) -> TicketReceipt:
        tags = {str(tag) for tag in ticket.get("tags") or ()}
        wanted = PRIORITIES.get(change.priority, "normal")
        raised = _RANK.get(str(ticket.get("priority")), -1) < _RANK[wanted]
        group = await self._group(change.group)
        moved = group is not None and group != ticket.get("group_id")
        receipt = TicketReceipt(
            external_id=str(ticket["id"]),
            previous_status=_text(ticket.get("status")),
            previous_priority=_text(ticket.get("priority")),
            previous_group=_text(ticket.get("group_id")),
            added_tags=tuple(tag for tag in dict.fromkeys(change.tags) if tag not in tags),
            set_priority=wanted if raised else None,
            set_group=str(group) if moved else None,
        )
        fields: dict[str, JsonValue] = {"tags": [*sorted(tags), *receipt.added_tags]}
        if raised:
            fields["priority"] = wanted
        if moved:
            fields["group_id"] = group
        receipt_data = receipt.model_dump(mode="json", exclude={"repeated"})
        await self._put(ticket, fields, change.key, note=change.note, more={"surehand_receipt": receipt_data})
        return receipt

    async def _create(self, change: TicketEscalation) -> TicketReceipt:
        group = await self._group(change.group)
        fields: dict[str, JsonValue] = {
            "subject": f"Escalation of {change.external_id}",
            "external_id": change.external_id,
            "comment": {"body": _comment(change.note), "public": False},
            "priority": PRIORITIES.get(change.priority, "normal"),
            "tags": list(dict.fromkeys(change.tags)),
            "metadata": {MARK: metadata_key(change.key)},
        }
        if group is not None:
            fields["group_id"] = group
        headers = {"Idempotency-Key": key_hash(change.key)}
        reply = await self._http.send("POST", "/api/v2/tickets", body={"ticket": fields}, headers=headers)
        number = str(expect(VENDOR, reply, "ticket", "id", write=True))
        return TicketReceipt(external_id=number, added_tags=change.tags, created=True)

    async def revert(self, receipt: TicketReceipt, *, key: str, note: str) -> None:
        """Put back what `escalate` changed and note why.

        What an agent has changed since stays as the agent left it. A ticket that the handoff created is solved. A
        ticket that is gone, or closed for good, is fine.
        """
        ticket = await self._find(receipt.external_id)
        if ticket is None or ticket.get("status") == "closed" or await self._made(ticket, key) is not None:
            return
        fields: dict[str, JsonValue] = {}
        if receipt.added_tags:
            fields["tags"] = [tag for tag in ticket.get("tags") or () if tag not in receipt.added_tags]
        # What was empty before stays set: Zendesk's contract has no way to empty a priority or a group.
        if receipt.previous_priority and ticket.get("priority") == receipt.set_priority:
            fields["priority"] = receipt.previous_priority
        if receipt.previous_group and _text(ticket.get("group_id")) == receipt.set_group:
            fields["group_id"] = int(receipt.previous_group)
        if receipt.created:
            fields["status"] = "solved"
        await self._put(ticket, fields, key, note=note)

    async def add_note(self, external_id: str, *, key: str, note: str, public: bool = False) -> None:
        """Add a comment once per key.

        Raises:
            NotFoundAtVendor: the ticket is gone.
        """
        ticket = await self._existing(external_id)
        if await self._made(ticket, key) is None:
            await self._put(ticket, {}, key, note=note, public=public)

    async def set_status(self, external_id: str, status: str, *, key: str) -> str | None:
        """Set the status; a ticket that has it is left alone. Returns what it was before the change with this key.

        Raises:
            NotFoundAtVendor: the ticket is gone.
        """
        ticket = await self._existing(external_id)
        now = _text(ticket.get("status"))
        made = await self._made(ticket, key)
        if made is not None:
            return _text(made.get(_BEFORE))
        if now != status:
            await self._put(ticket, {"status": status}, key, more={_BEFORE: now})
        return now

    async def status_of(self, external_id: str) -> str | None:
        """The ticket's status in Zendesk's words; None when the ticket is gone."""
        ticket = await self._find(external_id)
        return _text(ticket.get("status")) if ticket is not None else None

    # Reading

    async def _existing(self, external_id: str) -> dict[str, Any]:
        ticket = await self._find(external_id)
        if ticket is None:
            raise NotFoundAtVendor(VENDOR, "not_found", "The ticket is gone from Zendesk.")
        return ticket

    async def _find(self, external_id: str) -> dict[str, Any] | None:
        if external_id.isascii() and external_id.isdigit():
            try:
                found = await self._http.get(f"/api/v2/tickets/{external_id}")
            except NotFoundAtVendor:
                return None
            return _ticket(expect(VENDOR, found, "ticket"))
        rows = expect(VENDOR, await self._http.get("/api/v2/tickets", external_id=external_id), "tickets")
        # Checked here too: a page that ignores the filter must not hand over a stranger's ticket.
        own = [row for row in rows if isinstance(row, dict) and row.get("external_id") == external_id]
        return _ticket(own[0]) if own else None

    async def _group(self, name: str | None) -> int | None:
        if name is None:
            return None
        if name.isascii() and name.isdigit():
            return int(name)
        async for group in self._pages("/api/v2/groups", "groups"):
            if str(group.get("name", "")).casefold() == name.casefold():
                return int(group["id"])
        raise VendorRefused(VENDOR, "no_such_group", "Zendesk has no group of that name: correct zendesk_group.")

    async def _made(self, ticket: dict[str, Any], key: str) -> dict[str, Any] | None:
        """The custom metadata of the change that carries this key, if there is one."""
        mark = metadata_key(key)
        async for audit in self._pages(f"/api/v2/tickets/{ticket['id']}/audits", "audits"):
            metadata = audit.get("metadata")
            custom = metadata.get("custom") if isinstance(metadata, dict) else None
            if isinstance(custom, dict) and custom.get(MARK) == mark:
                return custom
        return None

    async def _pages(self, path: str, name: str) -> Any:
        params: dict[str, str | int] = {"page[size]": 100}
        for _ in range(AUDIT_PAGES):
            page = await self._http.get(path, **params)
            for row in expect(VENDOR, page, name):
                yield row
            meta = page.get("meta")
            if not isinstance(meta, dict) or not meta.get("has_more") or not meta.get("after_cursor"):
                return
            params["page[after]"] = str(meta["after_cursor"])

    # Writing

    async def _put(
        self,
        ticket: dict[str, Any],
        fields: dict[str, JsonValue],
        key: str,
        *,
        note: str | None = None,
        public: bool = False,
        more: dict[str, JsonValue] | None = None,
    ) -> None:
        update = {**fields, "metadata": {MARK: metadata_key(key), **(more or {})}}
        if note is not None:
            update["comment"] = {"body": _comment(note), "public": public}
        if fields:
            update |= {"safe_update": True, "updated_stamp": ticket.get("updated_at")}
        path = f"/api/v2/tickets/{quote(str(ticket['id']), safe='')}"
        expect(VENDOR, await self._http.send("PUT", path, body={"ticket": update}), "ticket", write=True)


def _receipt_of(ticket: dict[str, Any], made: dict[str, Any]) -> TicketReceipt:
    kept = made.get("surehand_receipt")
    if not isinstance(kept, dict):
        return TicketReceipt(external_id=str(ticket["id"]), created=True, repeated=True)
    return TicketReceipt.model_validate({**kept, "external_id": str(ticket["id"]), "repeated": True})


def _ticket(row: Any) -> dict[str, Any]:
    expect(VENDOR, row, "id")
    found: dict[str, Any] = row
    return found


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _comment(note: str) -> str:
    if len(note) <= COMMENT_LIMIT:
        return note or "-"
    return f"{note[:COMMENT_LIMIT]}\n[shortened]"
