"""Guardrails, judged in workflow code: pure functions of the rules, the call or text, and what the workflow knows.

Text from tickets, events and tool outputs is data: no sentence in it can change a verdict. A verdict is the strongest
of the rules that hold, the limits, the risk and the safety floor; nothing in it can make another part weaker. So a
rule with the action `allow` says that its author thought of the case, and never lowers the floor.
"""

from domain.guarding.judging import judge_call, judge_text
from domain.guarding.limits import action_of, case_counts, claims_for
from domain.guarding.rules import RuleFault, check_rule

__all__ = ["RuleFault", "action_of", "case_counts", "check_rule", "claims_for", "judge_call", "judge_text"]
