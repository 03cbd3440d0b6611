"""The phrases of answers, which are data: one table per language, filled in one pass."""

from __future__ import annotations

import re

from pydantic import model_validator

from domain.errors import ConfigurationProblem
from domain.model import Value

FALLBACK_LANGUAGE = "en"
_SLOT = re.compile(r"\{([a-z_]+)\}")


class LanguagePhrases(Value):
    """What an answer is put together from, in one language. `{slots}` are filled by `fill`."""

    greeting: dict[str, str]
    """By style: `formal` and `casual`; each with `{name}` in `formal_named` and `casual_named`."""
    empathy: dict[str, str]
    """By mood: `calm`, `concerned`, `upset`, `repeated`."""
    topic: dict[str, str]
    """By category: what the message is about, as in `your question about billing`."""
    steps_intro: str
    steps_intro_again: str
    steps: dict[str, tuple[str, ...]]
    """By topic: what the customer can do."""
    ask_intro: str
    questions: dict[str, tuple[str, ...]]
    """By topic: what we need to know; `default` serves the rest."""
    billing: dict[str, str]
    """By kind of billing action: what happens next. Money that needs approval is never promised."""
    billing_amount: str
    billing_done: str
    articles_intro: str
    feature_request: str
    compliment: str
    product: str
    general: str
    security: str
    still_broken: str
    escalation: str
    escalation_management: str
    escalation_scheduled: str
    expected_time: dict[str, str]
    """By urgency: when somebody of the team writes."""
    reply_hint: str
    follow_up: str
    closing: str
    closing_formal: str


class Phrases(Value):
    """Every language of `config/phrases.yaml`."""

    languages: dict[str, LanguagePhrases]
    internal_words: tuple[str, ...]
    """Words of ours that no customer should read."""
    promises: tuple[str, ...]
    """Phrases that promise an outcome nobody can."""
    money_promises: tuple[str, ...]
    """Phrases that say money was paid back: only after a billing action took effect."""
    empathetic_words: tuple[str, ...]
    """Beginnings of words that show that we noticed how the customer feels."""

    @model_validator(mode="after")
    def _has_fallback(self) -> Phrases:
        if FALLBACK_LANGUAGE not in self.languages:
            raise ConfigurationProblem("phrases.yaml has no language 'en': add it, other languages fall back to it.")
        return self

    def of(self, language: str) -> LanguagePhrases:
        """The phrases of a language, or the English ones."""
        return self.languages.get(language) or self.languages[FALLBACK_LANGUAGE]


def fill(template: str, **values: str) -> str:
    """Fill slots in one pass, so that braces inside a value are text and never a slot.

    Raises:
        ConfigurationProblem: when the template names a slot that nobody fills.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in values:
            raise ConfigurationProblem(
                f"A phrase in phrases.yaml has the slot {{{name}}}, which is not filled: remove it."
            )
        return values[name]

    return _SLOT.sub(value_of, template)


def spoken(phrase: str) -> str:
    """A phrase of the tables as somebody would say it: of words that count alike, the first."""
    return " ".join(word.split("|")[0].rstrip("*").replace("_", " ") for word in phrase.split())
