"""Asking a language model from an activity: within the attempt's time, and with a word on who answered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from pydantic import BaseModel
from temporalio import activity

from domain.ids import effect_key
from domain.model import JsonValue
from domain.policies.case_policy import ModelBudget
from domain.ports.models import Answer, LanguageModel, ModelUnavailable, Question
from domain.triage.classification import Origin

AnswerT = TypeVar("AnswerT", bound=BaseModel)

_LONGEST_QUESTION = timedelta(seconds=110)
_ROOM = timedelta(seconds=5)
"""For whatever answers instead, in the same attempt."""


class ModelAsker:
    """Asks the model for one purpose and says who answered."""

    def __init__(self, model: LanguageModel) -> None:
        """`model` is the chain; it may be one that is not configured."""
        self._model = model

    async def ask(
        self,
        prompt: str,
        step: str,
        answer_type: type[AnswerT],
        context: dict[str, JsonValue],
        *,
        tenant: str,
        budget: ModelBudget,
        known_names: tuple[str, ...] = (),
    ) -> tuple[AnswerT | None, Origin]:
        """Ask once.

        Returns:
            The checked answer, or None with a degraded origin that says why the rules must answer.
        """
        if not self._model.configured:
            return None, Origin(provider="rules", degraded=True, note="No language model is configured.")
        workflow_id = activity.info().workflow_id or ""
        question = Question(
            prompt=prompt,
            context=context,
            tenant=tenant,
            workflow_id=workflow_id,
            budget=budget,
            key=effect_key(workflow_id, f"{step}/attempt-{activity.info().attempt}"),
            known_names=known_names,
            time_allowed=time_left(),
        )
        try:
            answer: Answer[AnswerT] = await self._model.ask(question, answer_type)
        except ModelUnavailable as unavailable:
            return None, Origin(provider="rules", degraded=True, note=unavailable.reason)
        return answer.value, answer.origin


def time_left() -> timedelta:
    """How long a question of this attempt may take, so that the attempt can still end well without an answer."""
    info = activity.info()
    if info.start_to_close_timeout is None:
        return _LONGEST_QUESTION
    left = info.start_to_close_timeout - (datetime.now(UTC) - info.started_time) - _ROOM
    return max(timedelta(seconds=1), min(_LONGEST_QUESTION, left))
