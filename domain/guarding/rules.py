"""One rule: what it may ask about, whether it holds, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from domain.expressions import Budget, Expression, compile_expression
from domain.guarding.signals import SIGNALS
from domain.model import JsonValue
from domain.policies.guardrails import GuardrailRule, RuleAction, RuleHit

SUBJECT = ("point", "tool", "arguments", "text", "amount", "customer", "signals", "facts", "totals")
"""What an expression may ask about. See `judging.py` for what each holds."""
TOOL_FIELDS = ("name", "title", "vendor", "category", "capabilities", "safety")
SANITISED = ("secrets", "personal", "links")
"""Words of `sanitise` that are no path of the arguments."""
CLAIMED = "claimed"
"""Under `facts`: what a language model said. It may make a rule hold and can never keep one from holding."""

_BUDGET = Budget(steps=20_000, size=2_000_000)
"""A fifth of what an expression of a playbook may take: many rules are looked at for one call."""
_FIELD_OF = re.compile(r"\.(tool|signals)\s*\.\s*(\w+)")
_FIRST = re.compile(r"(?<![\w.\])}\"?])\.(?:\[\s*\")?([A-Za-z_]\w*)")


class RuleFault(ValueError):
    """A rule that cannot be used. Its text is one sentence that says what to do."""


@lru_cache(maxsize=2_000)
def compiled(expression: str) -> Expression:
    """The compiled expression; `${ }` around it is taken off."""
    plain = expression.strip()
    if plain.startswith("${") and plain.endswith("}"):
        plain = plain[2:-1].strip()
    return compile_expression(plain)


def evaluate(expression: str, value: JsonValue) -> JsonValue:
    """The expression's value. Raises whatever the language raises, and when the budget of a rule is used up."""
    return compiled(expression).evaluate(value, budget=_BUDGET)


def holds(rule: GuardrailRule, subject: Mapping[str, JsonValue]) -> RuleHit | None:
    """The hit when the rule holds.

    A rule that faults or runs out of its budget counts as held, with at least `require_approval`: nobody knows what it
    would have said. With claims of a model among the facts, the rule is looked at with and without them, and holds when
    it holds either way.
    """
    facts = subject.get("facts")
    subjects = [dict(subject)]
    if isinstance(facts, Mapping) and CLAIMED in facts:
        subjects.append({**subject, "facts": {name: fact for name, fact in facts.items() if name != CLAIMED}})
    try:
        values = [evaluate(rule.when, one) for one in subjects]
    except Exception:  # whatever it was, the rule has given no answer
        return RuleHit(
            rule=rule.name,
            action=stronger(rule.action, RuleAction.REQUIRE_APPROVAL),
            severity=rule.severity,
            category=rule.category,
            reason=f"The rule {rule.name} could not be evaluated, so it counts as held: {rule.reason}",
        )
    if all(value is None or value is False for value in values):
        return None
    return RuleHit(
        rule=rule.name, action=rule.action, severity=rule.severity, category=rule.category, reason=rule.reason
    )


def stronger(one: RuleAction, other: RuleAction) -> RuleAction:
    """The stronger of two actions."""
    return one if one.rank >= other.rank else other


def check_rule(rule: GuardrailRule) -> None:
    """Refuse a rule that could never do what its author meant.

    Raises:
        RuleFault: its expression is not in the language or asks about something that a subject does not have, or
            `sanitise` names nothing that can be left out.
    """
    try:
        compiled(rule.when)
    except Exception as fault:
        raise RuleFault(f"its `when` cannot be read ({_one_line(str(fault))}): correct the expression.") from None
    _check_names(rule.when)
    for word in rule.sanitise:
        if word not in SANITISED and not word.startswith("arguments."):
            raise RuleFault(
                f"{word!r} cannot be sanitised: write {', '.join(SANITISED)}, or a path such as arguments.note."
            )


def _check_names(expression: str) -> None:
    plain = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    known = {"tool": TOOL_FIELDS, "signals": tuple(sorted(SIGNALS))}
    for part, name in _FIELD_OF.findall(plain):
        if name not in known[part]:
            raise RuleFault(f"{name!r} is nothing that .{part} has: write one of {', '.join(known[part])}.")
    # Behind a pipe, `.` is something else, so only what stands before the first one can be checked.
    for name in _FIRST.findall(re.split(r"\|", plain)[0]):
        if name not in SUBJECT:
            raise RuleFault(f"{name!r} is nothing that a rule can ask about: write one of {', '.join(SUBJECT)}.")


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().rstrip(".")[:200]
