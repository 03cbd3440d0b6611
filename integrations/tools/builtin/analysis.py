"""Analyses by rules: the same answer for the same text, offline, with the reasons for it."""

from __future__ import annotations

from datetime import date, datetime

from pydantic import Field

from domain.analysis import content, documents, emails, market_data, tasks
from domain.errors import InvalidInput
from domain.model import JsonValue, Value
from domain.rules import RulesEngine
from domain.tools.tool import Safety, ToolCategory
from integrations.tools.provider import CallContext
from integrations.tools.python import tool

_VENDOR = "surehand"
_MOST_CHARACTERS = 400_000


class Document(Value):
    """What to summarise."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    sentences: int = Field(5, ge=1, le=20)
    criteria: tuple[str, ...] = Field((), max_length=50, description="what it must cover")


class Content(Value):
    """What to review, and by which rules."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    rules: content.ContentRules = content.ContentRules()


class Email(Value):
    """What came in."""

    subject: str = Field("", max_length=2_000)
    body: str = Field(max_length=_MOST_CHARACTERS)
    sender: str = Field("", max_length=320)
    headers: dict[str, str] = Field(default_factory=dict, max_length=200)


class MarketData(Value):
    """What to validate, and by which limits."""

    records: list[JsonValue] = Field(max_length=market_data.MOST_RECORDS)
    rules: market_data.MarketRules = market_data.MarketRules()
    as_of: datetime | None = Field(None, description="with a time zone; age is judged by it")


class TaskText(Value):
    """Where to look for tasks."""

    text: str = Field(max_length=_MOST_CHARACTERS)
    written_on: date | None = Field(None, description="the day that `tomorrow` counts from")


class AnalysisTools:
    """Tools on the rules in `domain/analysis`."""

    def __init__(self, engine: RulesEngine) -> None:
        """`engine` is triage's, for e-mails."""
        self._engine = engine

    @tool(
        name="analysis.summarise_document",
        title="Summarise a document",
        vendor=_VENDOR,
        category=ToolCategory.ANALYSIS,
        capabilities=("document.summarise", "document.review"),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def summarise_document(self, arguments: Document, context: CallContext) -> documents.DocumentSummary:
        """Its weightiest sentences word for word, its terms, dates and sums, and what of the criteria it covers."""
        return documents.summarise(arguments.text, sentences=arguments.sentences, criteria=arguments.criteria)

    @tool(
        name="analysis.review_content",
        title="Review content for publication",
        vendor=_VENDOR,
        category=ToolCategory.VALIDATION,
        capabilities=("content.review",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def review_content(self, arguments: Content, context: CallContext) -> content.ContentReview:
        """Structure, language, claims and safety: 0 to 10 points, approved from 8, with each fault named."""
        return content.review(arguments.text, arguments.rules)

    @tool(
        name="analysis.classify_email",
        title="Classify an e-mail",
        vendor=_VENDOR,
        category=ToolCategory.ANALYSIS,
        capabilities=("email.classify",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def classify_email(self, arguments: Email, context: CallContext) -> emails.EmailReading:
        """What it is about, how soon and how it is to be answered; a machine's mail never is."""
        return emails.classify(
            self._engine, arguments.subject, arguments.body, sender=arguments.sender, headers=arguments.headers
        )

    @tool(
        name="analysis.validate_market_data",
        title="Validate market data",
        vendor=_VENDOR,
        category=ToolCategory.VALIDATION,
        capabilities=("market_data.validate",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def validate_market_data(self, arguments: MarketData, context: CallContext) -> market_data.MarketReport:
        """Schema, range, time and continuity of a batch: what is set aside and why, and whether it may go on."""
        if arguments.as_of is not None and arguments.as_of.tzinfo is None:
            raise InvalidInput("analysis.validate_market_data: as_of has a time zone: add it.")
        return market_data.validate(arguments.records, arguments.rules, as_of=arguments.as_of)

    @tool(
        name="analysis.extract_tasks",
        title="Find tasks in a text",
        vendor=_VENDOR,
        category=ToolCategory.ANALYSIS,
        capabilities=("task.extract",),
        safety=Safety.SAFE,
        idempotent=True,
    )
    async def extract_tasks(self, arguments: TaskText, context: CallContext) -> tasks.TaskList:
        """Who is to do what by when, and which tasks nobody has."""
        return tasks.extract(arguments.text, written_on=arguments.written_on)
