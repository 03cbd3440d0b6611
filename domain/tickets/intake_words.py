"""The spellings that intake understands: names of fields, tiers, priorities and channels. Data, without code."""

from __future__ import annotations

from domain.tickets.ticket import Channel, CustomerTier, Priority

NAMES: dict[str, tuple[str, ...]] = {
    "ticket_id": ("ticketid", "id", "ticketnumber", "caseid", "casenumber"),
    "subject": ("subject", "title", "summary"),
    "body": ("description", "message", "content", "body", "text", "details"),
    "email": ("customeremail", "email", "emailaddress", "from", "fromemail", "requesteremail", "replyto"),
    "name": ("customername", "name", "fullname", "requestername", "contactname"),
    "customer_id": ("customerid", "accountid", "clientid", "userid", "requesterid"),
    "tier": ("customertier", "tier", "customertype", "segment"),
    "account_value": ("accountvalue", "annualvalue", "arr", "contractvalue"),
    "previous_tickets": ("previousticketcount", "previoustickets", "ticketcount"),
    "support_history": ("supporthistory",),
    "escalation_history": ("escalationhistory",),
    "time_zone": ("timezone", "customertimezone"),
    "channel": ("channel", "source", "via"),
    "priority": ("priority", "statedpriority", "urgency"),
    "external_id": ("externalid", "zendeskid", "externalticketid"),
    "slack_thread_id": ("slackthreadid", "slackthreadts", "threadts"),
    "received_at": ("receivedat", "createdat", "created", "timestamp"),
    "tags": ("tags", "labels"),
}
"""Field of ours -> how others call it, without case, underscores and dashes. The first one present counts."""
TIERS: dict[str, CustomerTier] = {
    "free": CustomerTier.FREE, "trial": CustomerTier.FREE, "unknown": CustomerTier.FREE,
    "standard": CustomerTier.PAID, "paid": CustomerTier.PAID, "basic": CustomerTier.PAID, "pro": CustomerTier.PAID,
    "premium": CustomerTier.PAID, "business": CustomerTier.PAID,
    "enterprise": CustomerTier.ENTERPRISE, "vip": CustomerTier.VIP, "atrisk": CustomerTier.AT_RISK,
}  # fmt: skip
PRIORITIES: dict[str, Priority] = {
    **{priority.value: priority for priority in Priority},
    "normal": Priority.MEDIUM, "p1": Priority.CRITICAL, "p2": Priority.HIGH, "p3": Priority.MEDIUM, "p4": Priority.LOW,
}  # fmt: skip
CHANNELS: dict[str, Channel] = {
    **{channel.value: channel for channel in Channel},
    "mail": Channel.EMAIL, "form": Channel.WEB, "webform": Channel.WEB, "portal": Channel.WEB, "call": Channel.PHONE,
    "voice": Channel.PHONE, "livechat": Channel.CHAT, "slack": Channel.CHAT, "twitter": Channel.SOCIAL,
    "facebook": Channel.SOCIAL,
}  # fmt: skip
