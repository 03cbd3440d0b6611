"""What may be spent on models, and what was: asked of the meter before each call, told to it after each."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from datetime import datetime

from domain.cases.records import MeterRecord
from domain.errors import SurehandError
from domain.ports.models import Meter, ModelUnavailable, Question
from integrations.llm.provider import Provider

log = logging.getLogger(__name__)


class Spender:
    """Guards a question's budget. Calls under way at the same moment are not seen: a limit may be passed by those."""

    def __init__(self, meter: Meter, clock: Callable[[], datetime]) -> None:
        """`clock` tells the time, with a time zone."""
        self._meter = meter
        self._clock = clock
        self._unrecorded: list[MeterRecord] = []

    async def check(self, question: Question, provider: Provider) -> None:
        """Let one call through.

        Raises:
            ModelUnavailable: when a limit is reached, or nobody can say whether it is.
        """
        try:
            await self._record_what_is_left()
            spent = await self._meter.spending(question.tenant, question.workflow_id, self._clock())
        except SurehandError:
            raise ModelUnavailable("What was spent on models cannot be read, so none is asked.") from None
        budget = question.budget
        if spent.case_calls >= budget.calls_per_case:
            raise ModelUnavailable(f"The case's {budget.calls_per_case} model calls are used up.")
        if provider.costs and spent.case_cost >= budget.per_case:
            raise ModelUnavailable(f"The case's model budget of {budget.per_case:.2f} is spent.")
        if provider.costs and spent.day_cost >= budget.per_day:
            raise ModelUnavailable(f"Today's model budget of {budget.per_day:.2f} is spent.")

    async def count(self, question: Question, provider: Provider, input_tokens: int, output_tokens: int) -> float:
        """Count one real call and return what it cost, in the tenant's currency.

        A call that cannot be recorded now keeps its answer; it is recorded before the next call, or there is none.
        """
        cost = provider.cost(input_tokens, output_tokens)
        record = MeterRecord(
            # A retried activity asks anew and is charged anew, so the question's key alone would hide real calls.
            key=f"{question.key}/{secrets.token_hex(6)}",
            tenant=question.tenant,
            workflow_id=question.workflow_id,
            provider=provider.name,
            model=provider.model,
            purpose=question.prompt,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost=cost,
            at=self._clock(),
        )
        self._unrecorded.append(record)
        try:
            await self._record_what_is_left()
        except SurehandError:
            log.warning("A model call could not be recorded; no further call is made until it is.")
        return cost

    async def _record_what_is_left(self) -> None:
        # Taken out before the wait, so that two questions at once do not record the same call twice.
        while self._unrecorded:
            record = self._unrecorded.pop()
            try:
                await self._meter.record(record)
            except BaseException:
                self._unrecorded.append(record)
                raise
