"""The ports of language models and of what they cost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from domain.cases.records import MeterRecord, Spending
from domain.model import JsonValue, Value
from domain.policies.case_policy import ModelBudget
from domain.triage.classification import Origin

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Question(Value):
    """One question to a language model: a prompt file and what it is filled with."""

    prompt: str
    """Name of the prompt in `templates/prompts/`, such as `classify`."""
    context: dict[str, JsonValue]
    """Values for the prompt. Text from outside stands in here as data and is redacted before it is sent."""
    tenant: str
    workflow_id: str
    budget: ModelBudget
    key: str
    """Idempotency key of the call, for metering."""
    instructions: str = ""
    """For a prompt that carries out what somebody of the tenant wrote: their words. Redacted too, never shortened."""
    known_names: tuple[str, ...] = ()
    """Names of people that the ticket itself gives (the customer's), so that redaction finds them without a model."""
    time_allowed: timedelta = timedelta(seconds=110)
    """For all calls of the question together; shorter than the time-out of the activity that asks."""


class Answer(BaseModel, Generic[AnswerT]):
    """A model's answer, checked against its type, with personal data put back."""

    value: AnswerT
    origin: Origin


class ModelUnavailable(Exception):
    """No model answered: none is configured, the budget is spent, or every one failed. The rules take over."""

    def __init__(self, reason: str) -> None:
        """`reason` is one sentence for the case's record."""
        super().__init__(reason)
        self.reason = reason


class LanguageModel(Protocol):
    """The model chain: primary, then secondary. The caller holds the third link, the rules."""

    @property
    def configured(self) -> bool:
        """Whether any model is configured."""
        ...

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        """Ask and return a checked answer.

        Raises:
            ModelUnavailable: when no provider gave a usable answer.
        """
        ...


class Meter(Protocol):
    """Counts model calls and what they cost."""

    async def record(self, call: MeterRecord) -> None:
        """Count a call once per key."""
        ...

    async def spending(self, tenant: str, workflow_id: str, day: datetime) -> Spending:
        """What the case spent so far, and the tenant on that day (UTC)."""
        ...
