"""The words of troubleshooting: what is asked, how hard it is, where an incident stands, and which fallback answered.

`Complexity` is the one of triage: a ticket and an incident are hard in the same way.
"""

from __future__ import annotations

from domain.model import Term
from domain.triage.classification import Complexity

__all__ = [
    "AT_ONCE",
    "Complexity",
    "KnowledgeFallback",
    "ModelFallback",
    "QueryIntent",
    "TechnicalDomain",
    "ToolFallback",
    "TroublePhase",
]

AT_ONCE = frozenset({Complexity.SIMPLE, Complexity.MODERATE})
"""Queries of this complexity are answered at once; others become a job. Source: reference document 003, 2.1.1."""


class QueryIntent(Term):
    """What somebody wants to have. Source: reference document 003, section 2.2.1."""

    TROUBLESHOOTING = "troubleshooting"
    EXPLANATION = "explanation"
    STATUS_CHECK = "status_check"
    CONFIGURATION = "configuration"
    BEST_PRACTICES = "best_practices"
    ROOT_CAUSE_ANALYSIS = "root_cause_analysis"
    INCIDENT_RESPONSE = "incident_response"


class TechnicalDomain(Term):
    """Which part of a system it is about."""

    APPLICATION = "application"
    DATABASE = "database"
    NETWORK = "network"
    KUBERNETES = "kubernetes"
    STORAGE = "storage"
    MESSAGING = "messaging"
    SECURITY = "security"
    INFRASTRUCTURE = "infrastructure"
    EXTERNAL = "external"
    """A vendor or another system outside."""
    GENERAL = "general"
    """The words do not say."""


class TroublePhase(Term):
    """Where an incident stands. Source: reference document 003, section 3.2."""

    INTAKE_CLASSIFICATION = "intake_classification"
    CONTEXT_GATHERING = "context_gathering"
    DEFINE_BLAST_RADIUS = "define_blast_radius"
    ESTABLISH_TIMELINE = "establish_timeline"
    FORMULATE_HYPOTHESIS = "formulate_hypothesis"
    VALIDATE_HYPOTHESIS = "validate_hypothesis"
    PROPOSE_SOLUTION = "propose_solution"
    HUMAN_REVIEW = "human_review"
    EXECUTE_SOLUTION = "execute_solution"
    MONITOR_OUTCOME = "monitor_outcome"
    CASE_CLOSURE = "case_closure"
    ERROR_RECOVERY = "error_recovery"
    """A step failed; these last three can be entered from any other."""
    ESCALATION = "escalation"
    FALLBACK_RESPONSE = "fallback_response"


class ModelFallback(Term):
    """Who gave the words, best first."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    STRUCTURED_GUIDANCE = "structured_guidance"
    """Rules, over what is known of this incident."""
    STATIC_GUIDANCE = "static_guidance"
    """The same for every incident of the kind."""

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(ModelFallback).index(self)


class ToolFallback(Term):
    """Who did the work of a tool, best first."""

    BEST_MATCH = "best_match"
    ALTERNATIVE = "alternative"
    """Another tool with the same capability."""
    MANUAL_INSTRUCTIONS = "manual_instructions"
    """A person was told what to look at."""
    ESCALATION = "escalation"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(ToolFallback).index(self)


class KnowledgeFallback(Term):
    """Where knowledge came from, best first."""

    VECTOR = "vector"
    FULL_TEXT = "full_text"
    SIGNATURES = "signatures"
    """Patterns of known failures."""
    GENERAL = "general"

    @property
    def rank(self) -> int:
        """0 for the best."""
        return list(KnowledgeFallback).index(self)
