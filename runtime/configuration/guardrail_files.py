"""Guardrails from `guardrails.yaml`: every expression is compiled and every name known before anything starts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from domain.guarding import RuleFault, check_rule
from domain.policies.guardrails import GuardPoint, GuardrailRule, Guardrails, Limit, RuleAction
from runtime.configuration.yaml_layers import Document

GUARDRAILS_FILE = "guardrails.yaml"
_KEYS = {"approval_from_risk", "deny_from_risk", "link_hosts", "target_hosts", "rules", "limits"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,59}\Z")
_TOOLS = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,119}\*?\Z|\*\Z")
_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9.:\[\]-]{1,253}\Z")
_GOING_OVER = (RuleAction.REQUIRE_APPROVAL, RuleAction.DENY)


def read_guardrails(document: Document, *, opened: Sequence[str] = ()) -> Guardrails:
    """A tenant's rules and limits, in the order of the file.

    Args:
        document: the layers of `guardrails.yaml`.
        opened: internal hosts that `tools.yaml` lets tools reach; arguments may name them too.

    Raises:
        ConfigurationProblem: one cannot be used; the sentence names file and line.
    """
    for key in document.data:
        if key not in _KEYS:
            raise document.fault((key,), f"{key!r} is not known here: correct its name or remove it.")
    fields: dict[str, Any] = {key: value for key, value in document.data.items() if key not in ("rules", "limits")}
    guardrails = document.read(
        Guardrails,
        {
            **fields,
            "rules": tuple(_rule(document, name) for name in document.below("rules").data),
            "limits": tuple(_limit(document, name) for name in document.below("limits").data),
        },
    )
    if not 0 < guardrails.approval_from_risk <= guardrails.deny_from_risk <= 100:
        raise document.fault(
            ("approval_from_risk",), "approval_from_risk must not be above deny_from_risk, and both lie in 1 to 100."
        )
    for key in ("link_hosts", "target_hosts"):
        for number, host in enumerate(getattr(guardrails, key)):
            if not _HOST.match(host):
                raise document.fault((key, number), f"{host!r} is no host: write one such as help.example.com.")
    return guardrails.model_copy(update={"target_hosts": (*guardrails.target_hosts, *map(str, opened))})


def _rule(document: Document, name: str) -> GuardrailRule:
    path = ("rules", name)
    _check_name(document, path)
    rule = document.read(GuardrailRule, {**document.below(*path).data, "name": name}, *path)
    if not rule.at or len(set(rule.at)) < len(rule.at):
        points = ", ".join(point.value for point in GuardPoint)
        raise document.fault((*path, "at"), f"rule {name} is looked at nowhere or twice: write some of {points}.")
    try:
        check_rule(rule)
    except RuleFault as fault:
        raise document.fault((*path, "when"), f"rule {name}: {fault}") from None
    return rule


def _limit(document: Document, name: str) -> Limit:
    path = ("limits", name)
    _check_name(document, path)
    limit = document.read(Limit, {**document.below(*path).data, "name": name}, *path)
    for number, pattern in enumerate(limit.tools or ("",)):
        if not _TOOLS.match(pattern):
            raise document.fault(
                (*path, "tools", number),
                f"limit {name}: {pattern!r} names no tool: write one such as payments.refund, or payments.*.",
            )
    if limit.measure not in ("calls", "amount"):
        raise document.fault((*path, "measure"), f"limit {name} measures {limit.measure!r}: write calls or amount.")
    if limit.action not in _GOING_OVER:
        words = " or ".join(action.value for action in _GOING_OVER)
        raise document.fault((*path, "action"), f"limit {name} cannot {limit.action.value}: write {words}.")
    return limit


def _check_name(document: Document, path: tuple[str, str]) -> None:
    if not _NAME.match(path[1]):
        raise document.fault(path, f"{path[1]!r} is no name: use small letters, digits and underscores.")
