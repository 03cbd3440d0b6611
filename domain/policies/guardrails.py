"""Guardrails: rules as data, judged in workflow code before a model reads, before a tool acts, before words leave.

Source of categories, actions and severities: reference document 003, section 2.2.4.
"""

from __future__ import annotations

from pydantic import Field

from domain.model import JsonValue, Term, Value
from domain.money.currencies import Currencies


class GuardPoint(Term):
    """Where a rule is looked at."""

    MODEL_INPUT = "model_input"
    TOOL_CALL = "tool_call"
    OUTPUT = "output"
    """Words on their way to a person: e-mail, chat, a model's answer that will be shown."""


class RuleCategory(Term):
    """What a rule protects."""

    DATA_PRIVACY = "data_privacy"
    SYSTEM_SAFETY = "system_safety"
    RESOURCE_LIMITS = "resource_limits"
    USER_PERMISSIONS = "user_permissions"
    COMPLIANCE = "compliance"
    OPERATIONAL_SAFETY = "operational_safety"


class RuleAction(Term):
    """What a rule asks for, weakest first; of several that hold, the strongest counts."""

    ALLOW = "allow"
    LOG = "log"
    SANITISE = "sanitise"
    ESCALATE = "escalate"
    """Goes on, and the duty lead is told."""
    REQUIRE_APPROVAL = "require_approval"
    DENY = "deny"

    @property
    def rank(self) -> int:
        """0 for allow up to 5 for deny."""
        return list(RuleAction).index(self)


class Severity(Term):
    """How bad it would be."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class GuardrailRule(Value):
    """One rule."""

    name: str
    at: tuple[GuardPoint, ...]
    category: RuleCategory
    when: str
    """jq expression over the subject (see `domain/guarding/rules.py`); anything but false and null holds."""
    action: RuleAction
    severity: Severity = Severity.MEDIUM
    reason: str
    """For a person, and for the one who is refused."""
    sanitise: tuple[str, ...] = ("secrets",)
    """For `sanitise`: `secrets`, `personal`, `links` (made unclickable unless their host is known), or a dotted path of
    the arguments to leave out, such as `arguments.note`."""


class LimitPer(Term):
    """Over what a limit adds up."""

    CASE = "case"
    CUSTOMER_DAY = "customer_day"
    TENANT_DAY = "tenant_day"


class Limit(Value):
    """A ceiling on what may add up."""

    name: str
    tools: tuple[str, ...]
    """Names with `*` at the end as the only wildcard."""
    measure: str = "calls"
    """`calls`, or `amount` where the tool says how its arguments give one."""
    per: LimitPer
    at_most: float = Field(ge=0)
    action: RuleAction = RuleAction.DENY
    """What going over it does: `require_approval` or `deny`."""


class Guardrails(Value):
    """A tenant's rules and limits; part of what a case keeps from its start."""

    rules: tuple[GuardrailRule, ...] = ()
    limits: tuple[Limit, ...] = ()
    link_hosts: tuple[str, ...] = ()
    """Hosts that links and addresses in outgoing words may name; `*.example.com` takes every name below it."""
    target_hosts: tuple[str, ...] = ()
    """Internal hosts (`name`, `address` or either with `:port`) that arguments of tools may name all the same."""
    currencies: Currencies = Currencies()
    """In which the limits on amounts are."""
    approval_from_risk: int = 60
    """A call with at least this risk (0 to 100) needs an approval, whatever its safety level."""
    deny_from_risk: int = 95


class RuleHit(Value):
    """A rule that held."""

    rule: str
    action: RuleAction
    severity: Severity
    category: RuleCategory
    reason: str


class Verdict(Value):
    """What the guardrails say of one subject."""

    action: RuleAction
    """The strongest that holds, safety floor and risk included; `allow` when nothing does."""
    hits: tuple[RuleHit, ...] = ()
    risk: int = 0
    """0 to 100."""
    value: JsonValue = None
    """The arguments or the text, sanitised where a rule asked for it."""
    sanitised: bool = False
    limits: tuple[str, ...] = ()
    """Names of the limits that this call counts towards and that the store must still grant."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """Sentences for a person."""
        return tuple(hit.reason for hit in self.hits)
