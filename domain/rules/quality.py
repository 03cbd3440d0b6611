"""The quality review of an answer by rules, 0-10, and the one revision.

Below the policy's threshold (8 in the routing reference document) an answer is revised once, then a person takes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from domain.knowledge.articles import Article, ArticleHit
from domain.policies.case_policy import CasePolicy
from domain.rules.outgoing import echoes, foreign_links, has_image
from domain.rules.phrases import LanguagePhrases, Phrases, fill
from domain.rules.reading import Reader
from domain.rules.words import fold
from domain.tickets.ticket import Ticket
from domain.triage.classification import Classification, EscalationSignal, IssueType
from domain.triage.conversation import QualityReview, Reply

# Only the capitals: `todo` is a Spanish word.
_PLACEHOLDER = re.compile(
    r"\{\{?[\w. ]{1,40}\}?\}|\[(?:name|customer|insert|your|amount|date|todo|xxx)[^\]]{0,40}\]"
    r"|(?-i:\bTODO\b|\bXXX\b)|<[a-z_]{3,30}>|\[[A-Z]{2,10}_\d{1,5}\]",
    re.IGNORECASE,
)
_NO_SUBJECT_NEEDED = frozenset({"escalation", "acknowledgement", "clarification"})
_SHORTEST = 80
_LONGEST = 4_000
_NEXT_STEP = re.compile(r"(?m)^\s*(?:\d+[.)]|[-*])\s|\?|https?://")


@dataclass(frozen=True)
class Allowed:
    """What an answer may hold beside its own words."""

    sources: tuple[str, ...] = ()
    """Texts whose links and addresses may stand in it."""
    money_was_moved: bool = False
    """Whether it may say that money was paid back."""

    @classmethod
    def of(
        cls,
        ticket: Ticket,
        articles: Sequence[Article | ArticleHit],
        policy: CasePolicy | None,
        billing_done: Sequence[str],
    ) -> Allowed:
        """The articles' links, the policy's addresses and the customer's own address; never what the text brings."""
        sources = [ticket.customer.email or ""]
        for article in articles:
            text = article.body if isinstance(article, Article) else article.excerpt
            sources += [article.url or "", article.title, text]
        if policy is not None:
            sources += [policy.reply.signature, policy.escalation_mailbox]
            sources += [team.email for team in policy.teams.values() if team.email]
        return cls(sources=tuple(sources), money_was_moved=bool(billing_done))


_NOTHING_ELSE = Allowed()


@dataclass(frozen=True)
class _Check:
    points: float
    finding: str
    passed: bool


class Reviewer:
    """Reviews answers against the phrases and the ticket."""

    def __init__(self, phrases: Phrases, reader: Reader) -> None:
        """Share the engine's phrases and reader."""
        self._phrases = phrases
        self._reader = reader

    def review(
        self, reply: Reply, ticket: Ticket, classification: Classification, allowed: Allowed = _NOTHING_ELSE
    ) -> QualityReview:
        """Score an answer; every point lost has a finding that says what to change."""
        checks = (*self._checks(reply, ticket, classification, allowed), *_safety_checks(reply, ticket, allowed))
        failed = [check for check in checks if not check.passed]
        score = max(0.0, 10.0 - sum(check.points for check in failed))
        return QualityReview(score=round(score, 1), findings=tuple(check.finding for check in failed))

    def _checks(self, reply: Reply, ticket: Ticket, classification: Classification, allowed: Allowed) -> list[_Check]:
        text = fold(reply.text)
        upset = EscalationSignal.FRUSTRATED_LANGUAGE in classification.signals
        wants_steps = classification.issue_type not in (IssueType.COMPLIMENT,)
        internal = [word for word in self._phrases.internal_words if fold(word) in text]
        promised = [phrase for phrase in self._unmade_promises(allowed) if fold(phrase) in text]
        return [
            _Check(
                4,
                "It does not speak of what the customer wrote about: name it.",
                self._is_on_topic(reply, ticket, classification),
            ),
            _Check(
                2.5,
                "It leaves the customer with nothing to do or to expect: add steps, a question or the next action.",
                not wants_steps or _has_next_step(reply),
            ),
            _Check(
                2.5,
                "It does not notice how upset the customer is: begin with an apology.",
                not upset or any(fold(word) in text for word in self._phrases.empathetic_words),
            ),
            _Check(5, "It has an unfilled placeholder: fill or remove it.", not _PLACEHOLDER.search(reply.text)),
            _Check(4, "It uses our internal words: leave them out.", not internal),
            _Check(
                5, "It promises money or an outcome nobody has approved: say what is being looked at.", not promised
            ),
            _Check(3, "It is too short to help: say more.", len(reply.text) >= _SHORTEST),
            _Check(2.5, "It is too long to be read: shorten it.", len(reply.text) <= _LONGEST),
            _Check(2.5, "It shouts: write in lower case and with fewer exclamation marks.", not _shouts(reply.text)),
        ]

    def _unmade_promises(self, allowed: Allowed) -> tuple[str, ...]:
        return self._phrases.promises + (() if allowed.money_was_moved else self._phrases.money_promises)

    def _is_on_topic(self, reply: Reply, ticket: Ticket, classification: Classification) -> bool:
        """Whether an answer names the subject, or shares a topic or a content word with the ticket.

        An escalation, and one that only asks, need not.
        """
        if reply.kind in _NO_SUBJECT_NEEDED or reply.billing_action is not None or reply.articles:
            return True
        names = (language.topic.get(classification.category.value, "") for language in self._phrases.languages.values())
        if any(name and "{" not in name and fold(name) in fold(reply.text) for name in names):
            return True
        asked = self._reader.read(ticket.subject, ticket.body)
        said = self._reader.read("", reply.text)
        topics = [table for table in asked.hits if table.startswith(("topics.", "categories."))]
        if any(asked.has(table) and said.has(table) for table in topics):
            return True
        long_words = {word[:6] for word in asked.words if len(word) > 4}
        return not long_words or bool(long_words & {word[:6] for word in said.words if len(word) > 4})

    def revise(  # noqa: PLR0917 - as `review`, with its findings
        self,
        reply: Reply,
        review: QualityReview,
        ticket: Ticket,
        classification: Classification,
        signature: str,
        allowed: Allowed = _NOTHING_ELSE,
    ) -> Reply:
        """Mend what the findings name. What cannot be mended by rules stays, and a person takes the answer."""
        del review
        asked = self._reader.read(ticket.subject, ticket.body)
        phrases = self._phrases.of(asked.language)
        text = self._without_bad_sentences(reply.text, allowed)
        if EscalationSignal.FRUSTRATED_LANGUAGE in classification.signals and not any(
            fold(word) in fold(text) for word in self._phrases.empathetic_words
        ):
            text = f"{_empathy(phrases, classification)}\n\n{text}"
        if len(text) < _SHORTEST or not self._is_on_topic(
            reply.model_copy(update={"text": text}), ticket, classification
        ):
            text = f"{text}\n\n{_questions(phrases, classification)}\n\n{fill(phrases.closing, signature=signature)}"
        elif not _has_next_step(reply.model_copy(update={"text": text})):
            text = f"{text}\n\n{_questions(phrases, classification)}"
        return reply.model_copy(update={"text": _calmed(text).strip()[:_LONGEST]})

    def _without_bad_sentences(self, text: str, allowed: Allowed) -> str:
        bad = [fold(phrase) for phrase in (*self._phrases.internal_words, *self._unmade_promises(allowed))]
        kept = [
            " ".join(
                sentence
                for sentence in re.split(r"(?<=[.!?])[ \t]", line)
                if not _PLACEHOLDER.search(sentence)
                and not any(phrase in fold(sentence) for phrase in bad)
                and not has_image(sentence)
                and not foreign_links(sentence, allowed.sources)
            )
            for line in text.split("\n")
        ]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def _safety_checks(reply: Reply, ticket: Ticket, allowed: Allowed) -> list[_Check]:
    return [
        _Check(5, "It only repeats the customer's text: answer it.", not echoes(reply.text, ticket.text)),
        _Check(
            5,
            "It holds a link or an e-mail address that is neither in the articles nor ours: take it out.",
            not foreign_links(reply.text, allowed.sources),
        ),
        _Check(5, "It holds an image or something that loads by itself: take it out.", not has_image(reply.text)),
    ]


def _has_next_step(reply: Reply) -> bool:
    return bool(reply.resolution_steps or reply.next_actions or reply.articles or _NEXT_STEP.search(reply.text))


def _shouts(text: str) -> bool:
    return text.count("!") > 3 or len(re.findall(r"\b[A-ZÄÖÜÉÈÀ]{6,}\b", text)) > 3


def _calmed(text: str) -> str:
    return re.sub(r"!+", "!", text) if text.count("!") <= 3 else re.sub(r"!+", ".", text)


def _empathy(phrases: LanguagePhrases, classification: Classification) -> str:
    topic = phrases.topic.get(classification.category.value, phrases.topic["general_inquiry"])
    return fill(phrases.empathy["upset"], topic=fill(topic, product=phrases.topic["general_inquiry"]))


def _questions(phrases: LanguagePhrases, classification: Classification) -> str:
    asks = phrases.questions.get(classification.category.value, phrases.questions["default"])
    topic = phrases.topic.get(classification.category.value, phrases.topic["general_inquiry"])
    first = fill(phrases.empathy["calm"], topic=fill(topic, product=phrases.topic["general_inquiry"]))
    lines = "\n".join(f"{number}. {line}" for number, line in enumerate(asks, start=1))
    return f"{first}\n\n{phrases.ask_intro}\n{lines}"
