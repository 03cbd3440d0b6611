"""The verdict on one call or one text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.guarding.limits import Measured, limit_hits, measured, nearest_limit
from domain.guarding.rules import CLAIMED, holds, stronger
from domain.guarding.sanitising import sanitised
from domain.guarding.signals import call_signals, joined_text, text_signals
from domain.model import JsonValue
from domain.policies.guardrails import (
    GuardPoint,
    GuardrailRule,
    Guardrails,
    RuleAction,
    RuleCategory,
    RuleHit,
    Severity,
    Verdict,
)
from domain.tools.tool import Safety, ToolBrief, ToolCategory

_SAFETY_RISK = {Safety.SAFE: 0, Safety.CONFIRM: 25, Safety.DANGEROUS: 40}
_CATEGORY_RISK = {ToolCategory.EXECUTION: 10, ToolCategory.COMMUNICATION: 5}
_IRREVERSIBLE_RISK = 10
_AMOUNT_RISK = 15
_SEVERITY_RISK = {Severity.LOW: 3, Severity.MEDIUM: 8, Severity.HIGH: 15, Severity.CRITICAL: 30}
_MORE_HITS_RISK = 4


def judge_call(
    guardrails: Guardrails, tool: ToolBrief, arguments: Mapping[str, JsonValue], facts: Mapping[str, JsonValue]
) -> Verdict:
    """Judge a call before it is made.

    A rule's expression sees `point`, `tool` (name, title, vendor, category, capabilities, safety), `arguments`,
    `amount` and `customer` (what the tool's own expressions read from the arguments; null when there is none),
    `signals` (what was recognised in the arguments, see `signals.py`), `facts` and `totals`; `text` is null.

    The safety floor: a dangerous tool always needs an approval, one that requires confirmation needs it unless the
    tenant pre-approved it, a safe one never. Floor, limits and risk follow from tool, arguments and totals alone.

    Risk, 0 to 100, is the sum of: safety (safe 0, requires confirmation 25, dangerous 40); for a tool that is not safe
    its category (execution 10, communication 5), 10 when nothing undoes it, and up to 15 for the amount as a part of
    the smallest limit on it (15 when nobody can tell the amount, 8 when no limit holds it); the worst rule that holds
    (low 3, medium 8, high 15, critical 30) and 1 for each further one up to 4. The floor's own hit adds nothing.

    Args:
        guardrails: the tenant's.
        tool: what is called.
        arguments: as they will be sent.
        facts: what the workflow knows. `totals`: what the case used up, by limit. `customer_id`: whom the case is
            about. `undoing`: True while effects are taken back; then no limit counts. `claimed`: what a model said; it
            can make a rule hold and never keep one from holding.

    Returns:
        The verdict; its value is the arguments, sanitised where a rule asked for it.
    """
    found = measured(tool, arguments, facts, guardrails.currencies)
    totals = facts.get("totals") or {}
    subject: dict[str, JsonValue] = {
        "point": GuardPoint.TOOL_CALL.value,
        "tool": _tool_subject(tool),
        "arguments": dict(arguments),
        "text": None,
        "amount": found.amount,
        "customer": found.customer,
        "signals": call_signals(arguments, tool, guardrails.target_hosts),
        "facts": {name: fact for name, fact in facts.items() if name != "totals"},
        "totals": totals,
    }
    rules, hits = _held(guardrails, GuardPoint.TOOL_CALL, subject)
    # Taking back what was done must not fail because a limit on doing is reached.
    over, store = ((), ()) if facts.get("undoing") is True else limit_hits(guardrails, tool, found, totals)
    hits = [*hits, *over, *_unreadable(subject["signals"])]
    risk = _risk(guardrails, tool, found, hits)
    hits = [*hits, *_floor(tool, found), *_risk_hits(guardrails, risk)]
    value, changed = sanitised(dict(arguments), rules, guardrails.link_hosts)
    return Verdict(action=_strongest(hits), hits=tuple(hits), risk=risk, value=value, sanitised=changed, limits=store)


def judge_text(guardrails: Guardrails, point: GuardPoint, value: JsonValue, facts: Mapping[str, JsonValue]) -> Verdict:
    """Judge words: what a model is about to read, or what is about to reach a person.

    A rule's expression sees `point`, `text` (all texts of a JSON value, joined by line ends), `signals`, `facts` and
    `totals`; `tool`, `arguments`, `amount` and `customer` are null.

    Args:
        guardrails: the tenant's.
        point: `model_input` or `output`.
        value: a text or a JSON value with texts.
        facts: what the workflow knows. `to`: whom the words go to, as `call: notify` has it. `audience`: `internal`
            when only our own people read them; read from `to` when it is missing. `own`: addresses and numbers that
            belong to the reader; the address in `to` is one of them.

    Returns:
        The verdict; its value is the text or the JSON, sanitised where a rule asked for it. Risk comes from the rules
        that hold only. What is replaced stays replaced: the model chain does its own, reversible, redaction of personal
        data, so `personal` is for words that reach a person.
    """
    audience, own = _reader(facts)
    subject: dict[str, JsonValue] = {
        "point": point.value,
        "tool": None,
        "arguments": None,
        "text": joined_text(value),
        "amount": None,
        "customer": None,
        "signals": text_signals(value, own, guardrails.link_hosts),
        "facts": {**{name: fact for name, fact in facts.items() if name != "totals"}, "audience": audience},
        "totals": facts.get("totals") or {},
    }
    rules, hits = _held(guardrails, point, subject)
    hits = [*hits, *_unreadable(subject["signals"])]
    changed_value, changed = sanitised(value, rules, guardrails.link_hosts)
    return Verdict(
        action=_strongest(hits), hits=tuple(hits), risk=_hits_risk(hits), value=changed_value, sanitised=changed
    )


def _reader(facts: Mapping[str, JsonValue]) -> tuple[JsonValue, list[JsonValue]]:
    """Who reads the words, and what is theirs. Whom nobody names may be anybody."""
    kind, _, name = str(facts.get("to") or "").partition(":")
    own = facts.get("own")
    belongs = list(own) if isinstance(own, list | tuple) else []
    if kind == "customer":
        belongs.append(name)
    internal = kind in ("team", "person", "channel")
    return facts.get("audience") or ("internal" if internal else "customer"), belongs


def _tool_subject(tool: ToolBrief) -> dict[str, JsonValue]:
    return {
        "name": tool.name,
        "title": tool.title,
        "vendor": tool.vendor,
        "category": tool.category.value,
        "capabilities": list(tool.capabilities),
        "safety": tool.safety.value,
    }


def _held(
    guardrails: Guardrails, point: GuardPoint, subject: Mapping[str, JsonValue]
) -> tuple[list[GuardrailRule], list[RuleHit]]:
    """The rules that sanitise, and the hits of all that hold."""
    sanitising, hits = [], []
    for rule in guardrails.rules:
        hit = holds(rule, subject) if point in rule.at else None
        if hit is not None:
            hits.append(hit)
            if rule.action is RuleAction.SANITISE:
                sanitising.append(rule)
    return sanitising, hits


def _floor(tool: ToolBrief, found: Measured) -> list[RuleHit]:
    sentence = None
    if tool.safety is Safety.DANGEROUS:
        sentence = "This tool is dangerous: a person approves each call."
    elif tool.safety is Safety.CONFIRM and not tool.pre_approved:
        sentence = "This tool changes something: a person confirms the call."
    elif tool.safety is not Safety.SAFE and found.amount_unknown:
        sentence = "Nobody can tell what amount this call moves: a person confirms it."
    return [_own_hit("floor", RuleAction.REQUIRE_APPROVAL, sentence)] if sentence else []


def _risk_hits(guardrails: Guardrails, risk: int) -> list[RuleHit]:
    if risk >= guardrails.deny_from_risk:
        return [_own_hit("risk", RuleAction.DENY, f"Its risk of {risk} of 100 is more than anybody may approve.")]
    if risk >= guardrails.approval_from_risk:
        return [_own_hit("risk", RuleAction.REQUIRE_APPROVAL, f"Its risk of {risk} of 100 needs an approval.")]
    return []


def _unreadable(signals: JsonValue) -> list[RuleHit]:
    """What is too large to be looked at goes nowhere unasked."""
    if not signals.get("oversized"):
        return []
    sentence = "It is too large to be looked through: a person decides."
    return [_own_hit("oversized", RuleAction.REQUIRE_APPROVAL, sentence)]


def _own_hit(name: str, action: RuleAction, sentence: str) -> RuleHit:
    return RuleHit(
        rule=f"surehand:{name}",
        action=action,
        severity=Severity.MEDIUM,
        category=RuleCategory.OPERATIONAL_SAFETY,
        reason=sentence,
    )


def _risk(guardrails: Guardrails, tool: ToolBrief, found: Measured, hits: Sequence[RuleHit]) -> int:
    risk = _SAFETY_RISK[tool.safety] + _hits_risk(hits)
    if tool.safety is not Safety.SAFE:
        risk += _CATEGORY_RISK.get(tool.category, 0)
        risk += _IRREVERSIBLE_RISK if tool.undo is None else 0
        risk += _amount_risk(found, nearest_limit(guardrails, tool))
    return min(risk, 100)


def _amount_risk(found: Measured, ceiling: float | None) -> int:
    if found.amount_unknown:
        return _AMOUNT_RISK
    if not found.amount:
        return 0
    if ceiling is None:
        return _AMOUNT_RISK // 2 + 1
    return _AMOUNT_RISK if found.amount >= ceiling else int(_AMOUNT_RISK * found.amount / ceiling)


def _hits_risk(hits: Sequence[RuleHit]) -> int:
    weights = [_SEVERITY_RISK[hit.severity] for hit in hits]
    return max(weights, default=0) + min(max(len(weights) - 1, 0), _MORE_HITS_RISK)


def _strongest(hits: Sequence[RuleHit]) -> RuleAction:
    action = RuleAction.ALLOW
    for hit in hits:
        action = stronger(action, hit.action)
    return action


__all__ = ["CLAIMED", "judge_call", "judge_text"]
