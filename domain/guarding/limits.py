"""Limits: what a call adds to which of them, what a case has used up, and what the store must still grant."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from domain.guarding.rules import evaluate, stronger
from domain.model import JsonValue
from domain.money.currencies import Currencies
from domain.policies.guardrails import Guardrails, Limit, LimitPer, RuleAction, RuleCategory, RuleHit, Severity
from domain.ports.effects import AllowanceClaim
from domain.text.normalise import normalise_line
from domain.tools.tool import Safety, ToolBrief

NO_LIMIT = 1e15
"""Stands for `at_most` once a person lifted the limit for one call, so that the call still counts."""
NOBODY = "(unknown)"
"""Whom a call counts for when neither tool nor case says: all such calls share one allowance."""


@dataclass(frozen=True)
class Measured:
    """What a call moves, as its tool's own expressions over its arguments give it."""

    amount: float | None = None
    amount_unknown: bool = False
    """The tool says how to read an amount, and these arguments give none that is a number of at least 0."""
    customer: str | None = None


def measured(
    tool: ToolBrief,
    arguments: Mapping[str, JsonValue],
    facts: Mapping[str, JsonValue],
    currencies: Currencies = Currencies(),  # noqa: B008 - frozen
) -> Measured:
    """Read amount and customer from the arguments; the case's `customer_id` stands in for a missing customer.

    The amount is in the tenant's own currency. One in a currency that nobody gave a rate for is unknown.
    """
    amount = _amount_in_own(tool, arguments, currencies)
    usable = isinstance(amount, int | float) and not isinstance(amount, bool) and 0 <= amount < NO_LIMIT
    customer = _value(tool.customer, arguments)
    if not isinstance(customer, str | int) or isinstance(customer, bool) or customer == "":
        customer = facts.get("customer_id")
    return Measured(
        amount=float(amount) if usable and not math.isnan(amount) else None,
        amount_unknown=tool.amount is not None and not usable,
        # Two spellings of one customer must not have two allowances.
        customer=normalise_line(str(customer)).casefold() if customer not in (None, "") else None,
    )


def limits_of(guardrails: Guardrails, tool: ToolBrief) -> tuple[Limit, ...]:
    """The limits that the tool's calls count towards. What changes nothing moves no money."""
    return tuple(
        limit
        for limit in guardrails.limits
        if any(_matches(pattern, tool.name) for pattern in limit.tools)
        and not (limit.measure == "amount" and tool.amount is None and tool.safety is Safety.SAFE)
    )


def limit_hits(
    guardrails: Guardrails, tool: ToolBrief, found: Measured, totals: JsonValue
) -> tuple[tuple[RuleHit, ...], tuple[str, ...]]:
    """Limits per case that the call would go over, and the names of those that the store must grant."""
    hits: list[RuleHit] = []
    store: list[str] = []
    for limit in limits_of(guardrails, tool):
        adds = _adds(limit, found)
        if adds is None:
            sentence = f"Nobody can tell what this call adds to the limit {limit.name}, so a person decides."
            hits.append(_hit(limit, stronger(RuleAction.REQUIRE_APPROVAL, limit.action), sentence))
        elif limit.per is not LimitPer.CASE:
            if adds > limit.at_most:
                hits.append(_hit(limit, limit.action, f"This call alone goes over the limit {limit.name}."))
            store.append(limit.name)
        elif _used(totals, limit.name) + adds > limit.at_most:
            hits.append(_hit(limit, limit.action, f"This case would go over its limit {limit.name}."))
    return tuple(hits), tuple(store)


def case_counts(
    guardrails: Guardrails, tool: ToolBrief, arguments: Mapping[str, JsonValue], facts: Mapping[str, JsonValue]
) -> dict[str, float]:
    """What a call that is made adds to the case's totals, by name of limit."""
    found = measured(tool, arguments, facts, guardrails.currencies)
    counted = {limit.name: _adds(limit, found) for limit in limits_of(guardrails, tool) if limit.per is LimitPer.CASE}
    return {name: adds for name, adds in counted.items() if adds is not None}


def claims_for(
    guardrails: Guardrails,
    tool: ToolBrief,
    arguments: Mapping[str, JsonValue],
    facts: Mapping[str, JsonValue],
    *,
    tenant: str,
    lifted: Collection[str] = (),
) -> tuple[AllowanceClaim, ...]:
    """What a call claims of the limits that add up over cases.

    Args:
        guardrails: the tenant's.
        tool: what is called.
        arguments: as they will be sent.
        facts: the same that the verdict saw.
        tenant: whose limits.
        lifted: limits that a person let this call go over. It counts towards them all the same.
    """
    found = measured(tool, arguments, facts, guardrails.currencies)
    claims = []
    for limit in limits_of(guardrails, tool):
        adds = _adds(limit, found)
        if limit.per is LimitPer.CASE or adds is None:
            continue
        claims.append(
            AllowanceClaim(
                limit=limit.name,
                per=limit.per,
                subject=tenant if limit.per is LimitPer.TENANT_DAY else found.customer or NOBODY,
                amount=adds,
                at_most=NO_LIMIT if limit.name in lifted else limit.at_most,
            )
        )
    return tuple(claims)


def action_of(guardrails: Guardrails, exceeded: Sequence[str]) -> RuleAction:
    """What going over these limits does: the strongest of them; `deny` for one that nobody knows."""
    known = {limit.name: limit.action for limit in guardrails.limits}
    action = RuleAction.ALLOW
    for name in exceeded:
        action = stronger(action, known.get(name, RuleAction.DENY))
    return action


def nearest_limit(guardrails: Guardrails, tool: ToolBrief) -> float | None:
    """The smallest ceiling on an amount that the tool counts towards."""
    ceilings = [limit.at_most for limit in limits_of(guardrails, tool) if limit.measure == "amount"]
    return min(ceilings, default=None)


def _adds(limit: Limit, found: Measured) -> float | None:
    return 1.0 if limit.measure == "calls" else found.amount


def _used(totals: JsonValue, name: str) -> float:
    used = totals.get(name, 0.0) if isinstance(totals, Mapping) else 0.0
    # The workflow keeps this number; one that is none says that something is wrong, so nothing is left.
    return float(used) if isinstance(used, int | float) and not isinstance(used, bool) else math.inf


def _hit(limit: Limit, action: RuleAction, sentence: str) -> RuleHit:
    return RuleHit(
        rule=f"limit:{limit.name}",
        action=action,
        severity=Severity.MEDIUM,
        category=RuleCategory.RESOURCE_LIMITS,
        reason=sentence,
    )


def _matches(pattern: str, name: str) -> bool:
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


def _amount_in_own(tool: ToolBrief, arguments: Mapping[str, JsonValue], currencies: Currencies) -> JsonValue:
    amount, code = _value(tool.amount, arguments), _value(tool.currency, arguments)
    if tool.currency is None or not isinstance(amount, int | float) or isinstance(amount, bool):
        return amount
    if not isinstance(code, str):
        return None if currencies.own else amount
    return currencies.in_own(amount, code)


def _value(expression: str | None, arguments: Mapping[str, JsonValue]) -> JsonValue:
    if expression is None:
        return None
    try:
        return evaluate(expression, dict(arguments))
    except Exception:  # an amount that cannot be read is unknown, and unknown is stricter than any
        return None
