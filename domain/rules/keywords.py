"""The keyword tables, which are data.

A phrase is a row of words. `stem*` matches any word that begins so, `a|b` either word, and `...` skips up to four
words of the same sentence; `a_b` is two words inside a choice. Phrases and texts are compared in lower case and
without accents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, Field, model_validator

from domain.errors import ConfigurationProblem
from domain.model import Value
from domain.triage.classification import Category
from domain.triage.conversation import BillingActionKind

Phrases = tuple[str, ...]


class WeightedPhrases(Value):
    """Phrases by how much they say about a category: 3, 2 or 1 points."""

    heavy: Phrases = ()
    normal: Phrases = ()
    light: Phrases = ()


class SignalTables(Value):
    """Signals of escalation."""

    legal: Phrases
    executive: Phrases
    churn: Phrases
    publicity: Phrases
    repeated: Phrases
    escalated_before: Phrases
    wants_human: Phrases


class UrgencyTables(Value):
    """Why it cannot wait, and what says that it can."""

    outage: Phrases
    wide: Phrases
    """How far it reaches: production, every user."""
    service_down: Phrases
    """Something is down, without a word on how far."""
    broken: Phrases
    """Something fails for this customer."""
    business: Phrases
    revenue: Phrases
    data_loss: Phrases
    """What the customer had with us is gone."""
    incident: Phrases
    """A security incident that is happening."""
    vulnerability: Phrases
    """A weakness that somebody reports."""
    pressing: Phrases
    deadline: Phrases
    can_wait: Phrases


class FeelingTables(Value):
    """What customers say when they are upset, or kind."""

    strong: Phrases
    mild: Phrases
    sarcasm: Phrases
    demands: Phrases
    time_lost: Phrases
    intensifiers: Phrases
    polite: Phrases
    praise: Phrases
    insults: Phrases


class IssueTables(Value):
    """What the customer wants of us."""

    question: Phrases
    problem: Phrases
    complaint: Phrases
    request: Phrases


class ComplexityTables(Value):
    """What makes a case easy or hard."""

    simple: Phrases
    technical_terms: Phrases
    unstable: Phrases
    expert_talk: Phrases
    many_systems: Phrases


class ConversationTables(Value):
    """What a later message does to the case."""

    pleasantries: Phrases
    """Words that a mere thank-you is made of."""
    thanks: Phrases
    solved: Phrases
    still_broken: Phrases
    urgent: Phrases
    """The word that our acknowledgement asks for when it cannot wait."""
    question: Phrases
    cancels: Phrases
    but: Phrases


class ContextTables(Value):
    """Sentences in which other words do not mean what they say."""

    hypothetical: Phrases
    """`What happens if ...`, `in case of ...`: nothing has happened."""
    wants_access: Phrases
    """`How can we see ...`: a wish to share things, and no leak."""
    past: Phrases
    """`Last year's outage`, `has been resolved`: it is over."""
    anew: Phrases
    """`Again`, `still`: what a sentence calls past is present after all."""
    not_legal: Phrases
    """A lawyer as a profession or friend; a legal department that wants a document."""
    not_executive: Phrases
    """An executive who is pleased, or is mentioned in passing."""
    manipulation: Phrases
    """Words aimed at an automatic assistant and not at us."""
    negators: Phrases


class StyleTables(Value):
    """How the customer writes."""

    formal: Phrases
    casual: Phrases


class KeywordTables(Value):
    """Every table of `config/keywords.yaml`."""

    categories: dict[Category, WeightedPhrases]
    signals: SignalTables
    urgency: UrgencyTables
    feelings: FeelingTables
    issues: IssueTables
    complexity: ComplexityTables
    conversation: ConversationTables
    context: ContextTables
    style: StyleTables
    billing: dict[BillingActionKind, Phrases]
    topics: dict[str, Phrases]
    """What an answer can be about -> what customers say; names the steps in `config/phrases.yaml`."""
    functions: dict[str, Phrases] = Field(default_factory=dict)
    """Parts of a system, as customers call them: by them a ticket is seen to be about an incident."""
    acronyms: Phrases
    """Words that are written in capitals without any shouting."""
    stop_words: dict[str, Phrases] = Field(min_length=1)
    """ISO 639-1 code of a language -> its most frequent short words."""

    @model_validator(mode="after")
    def _categories_are_complete(self) -> KeywordTables:
        missing = [category.value for category in Category if category not in self.categories]
        if missing:
            raise ConfigurationProblem(f"keywords.yaml has no phrases for category {missing[0]!r}: add some.")
        return self

    def flat(self) -> dict[str, Phrases]:
        """Every phrase table by its dotted name, such as `signals.legal`."""
        return dict(_flatten("", self))


def _flatten(prefix: str, value: object) -> Iterator[tuple[str, Phrases]]:
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _flatten(f"{prefix}{name}.", getattr(value, name))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flatten(f"{prefix}{name}.", inner)
    elif isinstance(value, tuple):
        yield prefix.rstrip("."), value
