"""Answers by rules: the specialist of the category writes, in the customer's language and tone.

Only what is true when the answer leaves is said: money that needs approval is named as put up for approval.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from domain.knowledge.articles import Article, ArticleHit
from domain.policies.case_policy import CasePolicy, Formality
from domain.rules.billing import billing_action
from domain.rules.phrases import LanguagePhrases, Phrases, fill
from domain.rules.reading import Reader, Reading
from domain.tickets.ticket import Ticket
from domain.triage.analysis import Analysis, CommunicationStyle, KnowledgeLevel
from domain.triage.classification import Category, Classification, EscalationSignal, IssueType
from domain.triage.conversation import BillingAction, Reply
from domain.triage.decision import Decision, DecisionKind, HandlingStrategy, Urgency

_MOST_ARTICLES = 3
_NEARLY = 0.7
"""Share of the best article's score that another needs to be named beside it."""
_MOST_EXCERPT = 400
_STEP_TOPICS = (
    "password_reset", "login", "data_export", "security", "integration", "performance", "sync", "error",
)  # fmt: skip
"""Topics in the order in which they are tried, most specific first."""
_TOPICS_OF = {
    Category.ACCOUNT: ("password_reset", "login", "data_export"),
    Category.SECURITY: ("security",),
    Category.INTEGRATION: ("integration",),
    Category.PRODUCT: ("data_export",),
}
_STEP_CATEGORIES = frozenset(
    {Category.TECHNICAL, Category.INTEGRATION, Category.BUG_REPORT, Category.ACCOUNT, Category.SECURITY}
)


@dataclass(frozen=True)
class Letter:
    """Everything an answer is made from."""

    ticket: Ticket
    classification: Classification
    analysis: Analysis
    decision: Decision
    articles: list[Article | ArticleHit]
    policy: CasePolicy
    strategy: HandlingStrategy
    conversation: list[str]
    rejection_reason: str
    billing_done: tuple[str, ...]
    reading: Reading
    latest: Reading
    """The customer's last message; the ticket itself when they wrote no other."""
    phrases: LanguagePhrases

    @property
    def is_formal(self) -> bool:
        """Whether to write formally: as the house says, else to formal, aggressive and emotional customers alike."""
        house = self.policy.reply.formality
        if house is not Formality.AS_CUSTOMER:
            return house is Formality.FORMAL
        return self.strategy.style is not CommunicationStyle.CASUAL

    @property
    def did_not_help(self) -> bool:
        """Whether the customer said that an earlier answer did not help."""
        return bool(self.conversation) and self.latest.has("conversation.still_broken")

    def say(self, template: str, **values: str) -> str:
        """Fill a phrase with what every answer knows."""
        return fill(template, product=self.policy.reply.product_name, case=self.policy.reply.terms.case, **values)


class ReplyWriter:
    """Writes answers from the phrases."""

    def __init__(self, phrases: Phrases, reader: Reader) -> None:
        """Share the engine's phrases and reader."""
        self._phrases = phrases
        self._reader = reader

    def write(  # noqa: PLR0917 - as the engine's method, which documents them
        self,
        ticket: Ticket,
        classification: Classification,
        analysis: Analysis,
        decision: Decision,
        articles: list[Article | ArticleHit],
        policy: CasePolicy,
        strategy: HandlingStrategy,
        *,
        conversation: list[str],
        rejection_reason: str,
        billing_done: tuple[str, ...],
    ) -> Reply:
        """One answer to the customer."""
        reading = self._reader.read(ticket.subject, ticket.body)
        letter = Letter(
            ticket=ticket,
            classification=classification,
            analysis=analysis,
            decision=decision,
            articles=articles,
            policy=policy,
            strategy=strategy,
            conversation=conversation,
            rejection_reason=rejection_reason,
            billing_done=billing_done,
            reading=reading,
            latest=self._reader.read("", conversation[-1]) if conversation else reading,
            phrases=self._phrases.of(analysis.language),
        )
        return _escalation(letter) if decision.escalates else _solution(letter)


def _escalation(letter: Letter) -> Reply:
    """Acknowledge, name the team and the time. Promises nothing else."""
    kind, phrases = letter.decision.kind, letter.phrases
    template = {
        DecisionKind.MANAGEMENT: phrases.escalation_management,
        DecisionKind.SCHEDULED: phrases.escalation_scheduled,
    }.get(kind, phrases.escalation)
    expected = phrases.expected_time.get(letter.decision.urgency.value, phrases.expected_time[Urgency.STANDARD.value])
    body = [letter.say(template, team=letter.policy.team(letter.decision.team).label, expected=expected)]
    topic = _topic(letter)
    steps = phrases.steps.get("security", ()) if topic == "security" and _is_own_account(letter) else ()
    body += _list(letter, phrases.steps_intro, steps)
    body += [letter.say(phrases.security)] if letter.classification.category is Category.SECURITY else []
    body += _done(letter)
    text = _assemble(letter, body)
    return Reply(
        text=text,
        kind="escalation",
        tone=_tone(letter),
        next_actions=(f"hand over to {letter.decision.team}",),
        resolution_steps=steps,
        follow_up_promised=False,
    )


def _solution(letter: Letter) -> Reply:
    """The specialist's answer."""
    category, issue = letter.classification.category, letter.classification.issue_type
    # A person turned the last draft down: rules cannot argue, so they ask the customer instead of repeating it.
    steps = () if letter.rejection_reason else _steps(letter)
    action = billing_action(letter.ticket, letter.reading, letter.latest) if category is Category.BILLING else None
    if letter.billing_done:
        action = None
    articles = [] if letter.rejection_reason else letter.articles[:_MOST_ARTICLES]
    body = _opening(letter, category, issue)
    body += _billing(letter, action)
    intro = letter.phrases.steps_intro_again if letter.did_not_help else letter.phrases.steps_intro
    body += _list(letter, intro, steps)
    body += _articles(letter, articles)
    asks = _asks(letter, steps, action, articles)
    body += _list(letter, letter.phrases.ask_intro, asks)
    body += [letter.phrases.follow_up] if steps else []
    return Reply(
        text=_assemble(letter, body),
        kind="clarification" if asks and not steps else "solution",
        tone=_tone(letter),
        next_actions=_next_actions(category, steps, action, asks),
        follow_up_promised=bool(steps),
        billing_action=action,
        resolution_steps=steps,
        articles=tuple(article.article_id for article in articles),
    )


def _opening(letter: Letter, category: Category, issue: IssueType) -> list[str]:
    phrases = letter.phrases
    if letter.did_not_help:
        return [phrases.still_broken]
    if issue is IssueType.COMPLIMENT:
        return [phrases.compliment]
    if category is Category.FEATURE_REQUEST:
        return [letter.say(phrases.feature_request)]
    if category is Category.PRODUCT:
        return [letter.say(phrases.product)] if letter.articles else []
    if category is Category.SECURITY:
        return [phrases.security]
    return [phrases.general] if category is Category.GENERAL_INQUIRY and not letter.articles else []


def _billing(letter: Letter, action: BillingAction | None) -> list[str]:
    said = _done(letter)
    if action is not None:
        said.append(letter.say(letter.phrases.billing[action.kind.value]))
        if action.amount is not None:
            amount = f"{action.amount:.2f} {action.currency}"
            said[-1] += " " + letter.say(letter.phrases.billing_amount, amount=amount)
    return said


def _done(letter: Letter) -> list[str]:
    if not letter.billing_done:
        return []
    return [letter.say(letter.phrases.billing_done, done="; ".join(letter.billing_done))]


def _topic(letter: Letter) -> str | None:
    """What the steps are about: the latest message first, then the ticket."""
    category = letter.classification.category
    allowed = _TOPICS_OF.get(category, _STEP_TOPICS)
    for reading in (letter.latest, letter.reading):
        for topic in allowed:
            if reading.has(f"topics.{topic}"):
                return topic
    return allowed[0] if category in (Category.INTEGRATION, Category.SECURITY) else None


def _is_own_account(letter: Letter) -> bool:
    return letter.reading.has("urgency.incident")


def _steps(letter: Letter) -> tuple[str, ...]:
    category = letter.classification.category
    topic = _topic(letter)
    helps = category in _STEP_CATEGORIES or (category is Category.PRODUCT and topic == "data_export")
    if not helps or letter.classification.issue_type is IssueType.COMPLIMENT:
        return ()
    if letter.did_not_help:
        topic = "default" if topic in (None, "default") or not letter.phrases.steps.get("error") else _other(topic)
    steps = letter.phrases.steps.get(topic or "default", letter.phrases.steps["default"])
    if letter.analysis.knowledge_level is KnowledgeLevel.EXPERT and topic in ("error", "default", "sync"):
        # Somebody who reads stack traces has restarted the application before writing.
        return steps[:1] + steps[2:]
    return steps


def _other(topic: str) -> str:
    return "login" if topic == "password_reset" else "default"


def _list(letter: Letter, intro: str, lines: tuple[str, ...]) -> list[str]:
    if not lines:
        return []
    numbered = "\n".join(f"{number}. {letter.say(line)}" for number, line in enumerate(lines, start=1))
    return [f"{letter.say(intro)}\n{numbered}"]


def _articles(letter: Letter, articles: list[Article | ArticleHit]) -> list[str]:
    if not articles:
        return []
    fitting = _fitting(articles)
    lines = [f"- {article.title}" + (f": {article.url}" if article.url else "") for article in fitting]
    if letter.classification.category is Category.PRODUCT:
        lines[0] += f"\n  {_gist(fitting[0])}"
    return [letter.phrases.articles_intro + "\n" + "\n".join(lines)]


def _fitting(articles: list[Article | ArticleHit]) -> list[Article | ArticleHit]:
    """The best article, and those that fit nearly as well: a far weaker hit is about something else."""
    best = articles[0]
    if not isinstance(best, ArticleHit):
        return articles
    return [hit for hit in articles if isinstance(hit, ArticleHit) and hit.score >= best.score * _NEARLY]


def _gist(article: Article | ArticleHit) -> str:
    """The beginning of an article as plain sentences: no Markdown marks, and never cut in the middle of one."""
    text = article.excerpt if isinstance(article, ArticleHit) else article.body
    plain = " ".join(re.sub(r"\*\*|`|^#+\s*|^>\s*", "", text, flags=re.MULTILINE).split())
    if len(plain) <= _MOST_EXCERPT:
        return plain
    whole = plain[: plain.rfind(". ", 0, _MOST_EXCERPT) + 1]
    without_heading = re.sub(r"(?<=\.) \w+( \w+)?\.$", "", whole)
    return without_heading or plain[:_MOST_EXCERPT].rsplit(" ", 1)[0] + " ..."


def _asks(
    letter: Letter, steps: tuple[str, ...], action: BillingAction | None, articles: list[Article | ArticleHit]
) -> tuple[str, ...]:
    """Questions, where the answer would otherwise leave the customer with nothing to do."""
    category = letter.classification.category
    questions = letter.phrases.questions
    if letter.classification.issue_type is IssueType.COMPLIMENT or category is Category.FEATURE_REQUEST:
        return ()
    if category is Category.BUG_REPORT:
        return questions.get("bug_report", questions["default"])
    if letter.did_not_help and category in _STEP_CATEGORIES:
        return questions.get("integration" if category is Category.INTEGRATION else "error", questions["default"])
    if category is Category.BILLING:
        unclear = (
            action is not None and action.amount is None and action.kind.value in ("refund", "dispute_investigation")
        )
        return questions.get("billing", questions["default"]) if unclear else ()
    if steps or articles:
        return ()
    return questions.get(category.value, questions["default"])


def _next_actions(
    category: Category, steps: tuple[str, ...], action: BillingAction | None, asks: tuple[str, ...]
) -> tuple[str, ...]:
    actions = []
    if category is Category.FEATURE_REQUEST:
        actions.append("pass the idea on to the product team")
    if action is not None:
        actions.append(f"billing: {action.kind.label}")
    if asks:
        actions.append("wait for the customer's answers")
    if steps:
        actions.append("follow up to see whether it works")
    return tuple(actions)


def _tone(letter: Letter) -> str:
    if letter.analysis.frustration > 40:
        return "empathetic"
    return "technical" if letter.strategy.style is CommunicationStyle.TECHNICAL else "professional"


def _mood(letter: Letter) -> str:
    repeated = EscalationSignal.REPEATED_CONTACT in letter.classification.signals
    if letter.analysis.frustration > 60:
        return "repeated" if repeated else "upset"
    trouble = letter.classification.issue_type in (IssueType.PROBLEM, IssueType.COMPLAINT)
    upset = EscalationSignal.FRUSTRATED_LANGUAGE in letter.classification.signals
    return "concerned" if trouble or upset or letter.analysis.frustration > 30 else "calm"


def _assemble(letter: Letter, body: list[str]) -> str:
    phrases = letter.phrases
    manner = "formal" if letter.is_formal else "casual"
    first_name = (letter.ticket.customer.name or "").strip()
    greeting = fill(phrases.greeting[f"{manner}_named"], name=first_name) if first_name else phrases.greeting[manner]
    topic = letter.say(phrases.topic.get(letter.classification.category.value, phrases.topic["general_inquiry"]))
    empathy = letter.say(phrases.empathy[_mood(letter)], topic=topic)
    closing = phrases.closing_formal if letter.is_formal else phrases.closing
    parts = [
        greeting,
        empathy,
        *body,
        letter.say(phrases.reply_hint),
        fill(closing, signature=letter.policy.reply.signature),
    ]
    return "\n\n".join(part for part in parts if part)
