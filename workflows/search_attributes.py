"""The typed keys of the search attributes, and the values a case has for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributePair, SearchAttributeUpdate, TypedSearchAttributes

TENANT = SearchAttributeKey.for_keyword("SurehandTenant")
KIND = SearchAttributeKey.for_keyword("SurehandKind")
STATUS = SearchAttributeKey.for_keyword("SurehandStatus")
PHASE = SearchAttributeKey.for_keyword("SurehandPhase")
PRIORITY = SearchAttributeKey.for_keyword("SurehandPriority")
CATEGORY = SearchAttributeKey.for_keyword("SurehandCategory")
TEAM = SearchAttributeKey.for_keyword("SurehandTeam")
WAITING_FOR = SearchAttributeKey.for_keyword("SurehandWaitingFor")
RISK = SearchAttributeKey.for_int("SurehandRisk")
DUE_AT = SearchAttributeKey.for_datetime("SurehandDueAt")


def at_start(tenant: str, kind: str) -> TypedSearchAttributes:
    """The attributes a starter gives a new case, so that it can be found before its first task ran."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(TENANT, tenant),
            SearchAttributePair(KIND, kind),
            SearchAttributePair(STATUS, "triaging"),
            SearchAttributePair(PHASE, "intake"),
            SearchAttributePair(WAITING_FOR, "nobody"),
        ]
    )


def at_incident_start(tenant: str) -> TypedSearchAttributes:
    """The attributes of a new incident."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(TENANT, tenant),
            SearchAttributePair(KIND, "troubleshooting"),
            SearchAttributePair(STATUS, "triaging"),
            SearchAttributePair(PHASE, "intake_classification"),
            SearchAttributePair(WAITING_FOR, "nobody"),
        ]
    )


def at_sender_start(tenant: str) -> TypedSearchAttributes:
    """The attributes of what belongs to a tenant and is no case, such as a sender of webhooks."""
    return TypedSearchAttributes([SearchAttributePair(TENANT, tenant)])


def at_playbook_start(tenant: str, name: str) -> TypedSearchAttributes:
    """The attributes of a new playbook run; they say all that is to be said until it waits for somebody."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(TENANT, tenant),
            SearchAttributePair(KIND, "playbook"),
            SearchAttributePair(STATUS, "running"),
            SearchAttributePair(PHASE, "running"),
            SearchAttributePair(CATEGORY, name),
            SearchAttributePair(WAITING_FOR, "nobody"),
        ]
    )


def updates(
    *,
    status: str,
    phase: str,
    waiting_for: str,
    priority: str | None = None,
    category: str | None = None,
    team: str | None = None,
    risk: int | None = None,
    due_at: datetime | None = None,
) -> list[SearchAttributeUpdate[Any]]:
    """The updates that show a case's present state; what it does not have is left as it is or unset."""
    known: list[SearchAttributeUpdate[Any]] = [
        STATUS.value_set(status),
        PHASE.value_set(phase),
        WAITING_FOR.value_set(waiting_for),
    ]
    if priority is not None:
        known.append(PRIORITY.value_set(priority))
    if category is not None:
        known.append(CATEGORY.value_set(category))
    if team is not None:
        known.append(TEAM.value_set(team))
    if risk is not None:
        known.append(RISK.value_set(risk))
    known.append(DUE_AT.value_set(due_at) if due_at is not None else DUE_AT.value_unset())
    return known
