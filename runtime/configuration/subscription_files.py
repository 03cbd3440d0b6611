"""Endpoints from `subscriptions.yaml` that are told of changes of cases, and how they are told."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from domain.webhooks.events import DeliveryRules, EventKind, Subscription, unknown_kinds
from runtime.configuration.yaml_layers import Document, with_durations

SUBSCRIPTIONS_FILE = "subscriptions.yaml"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}\Z")
_MOST = 200


def read_subscriptions(document: Document, tenants: Collection[str]) -> tuple[Subscription, ...]:
    """The endpoints, by name.

    Args:
        document: the layers of `subscriptions.yaml`.
        tenants: that are configured.

    Raises:
        ConfigurationProblem: one cannot be used; the sentence names file and line.
    """
    for key in document.data:
        if key not in ("subscriptions", "delivery"):
            raise document.fault((key,), f"{key!r} has no place here: write `subscriptions` or `delivery`.")
    names = sorted(document.below("subscriptions").data)
    if len(names) > _MOST:
        raise document.fault(("subscriptions",), f"there are more than {_MOST} endpoints: leave some out.")
    return tuple(_subscription(document, name, tenants) for name in names)


def read_delivery(document: Document) -> DeliveryRules:
    """How endpoints are told.

    Raises:
        ConfigurationProblem: a duration is none, or none above zero.
    """
    given: dict[str, Any] = with_durations(document, document.below("delivery").data, "delivery")
    for name, duration in given.items():
        if not duration:
            raise document.fault(
                ("delivery", name), f"{name} must be longer than nothing: write a duration above zero."
            )
    return document.read(DeliveryRules, given, "delivery")


def _subscription(document: Document, name: str, tenants: Collection[str]) -> Subscription:
    path = ("subscriptions", name)
    if not _NAME.match(name):
        raise document.fault(path, f"{name[:80]!r} is no name: write small letters, digits, dashes and underscores.")
    one = document.read(Subscription, {**document.below(*path).data, "name": name}, *path)
    if one.tenant not in tenants:
        raise document.fault((*path, "tenant"), f"{one.tenant!r} is no configured tenant: add it to tenants.yaml.")
    unknown = unknown_kinds(one.events)
    if unknown:
        known = ", ".join(EventKind)
        raise document.fault((*path, "events"), f"there are no events {unknown[0]!r}: use some of {known}, or *.")
    return one
