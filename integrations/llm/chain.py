"""The model chain: primary, then secondary. The third link, the rules, is the caller's.

One question is redacted and put into its prompt once. Each provider gets one try and one repair turn; what fails
passes on to the next. Nothing waits here: an endpoint that wants a pause is left alone and the next one is asked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationProblem
from domain.ports.models import Answer, Meter, ModelUnavailable, Question
from domain.text.redaction import Redactor
from domain.triage.classification import Origin
from integrations.llm.answer_schema import AnswerSchema, answer_schema
from integrations.llm.budget import Spender
from integrations.llm.dialect import Dialect
from integrations.llm.failures import Failing, ProviderFailure
from integrations.llm.prompts import Prompt, PromptLibrary
from integrations.llm.provider import CHARACTERS_PER_TOKEN, Charged, Completion, DialectRefused, Provider, Turn
from integrations.llm.reading import UnusableAnswer, read_answer

log = logging.getLogger(__name__)

AnswerT = TypeVar("AnswerT", bound=BaseModel)

SHORTEST_CALL_SECONDS = 0.5
"""With less time left than this, no call is begun."""
_REPEATED_ANSWER_LIMIT = 4_000
_CUT_OFF = "It was cut off before its end: keep every text short."


@dataclass
class _Asking(Generic[AnswerT]):
    """One question under way: what is sent, and what it took so far."""

    question: Question
    answer_type: type[AnswerT]
    prompt: Prompt
    schema: AnswerSchema
    mapping: dict[str, str]
    ends_at: float
    """On the event loop's clock."""
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def seconds_left(self) -> float:
        return self.ends_at - asyncio.get_running_loop().time()


class ModelChain:
    """`domain.ports.models.LanguageModel` on one or more endpoints. One chain serves a whole process."""

    def __init__(
        self,
        providers: Sequence[Provider],
        meter: Meter,
        prompts: PromptLibrary,
        redactor: Redactor,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`providers` are asked in their order; `clock` tells the time, with a time zone."""
        self._providers = tuple(providers)
        self._spender = Spender(meter, clock)
        self._prompts = prompts
        self._redactor = redactor
        self._clock = clock

    @property
    def configured(self) -> bool:
        """Whether there is any endpoint."""
        return bool(self._providers)

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        """Ask the providers in order for an answer that fits the type.

        Raises:
            ModelUnavailable: when the budget is spent, time is up, or no provider gave a usable answer.
        """
        if not self._providers:
            raise ModelUnavailable("No language model is configured.")
        ends_at = asyncio.get_running_loop().time() + question.time_allowed.total_seconds()
        try:
            # Redaction of a long conversation takes a while: other cases go on meanwhile.
            asking = await asyncio.to_thread(self._prepare, question, answer_type, ends_at)
        except ConfigurationProblem as problem:
            log.error("No model is asked. %s", problem)
            raise ModelUnavailable(str(problem)) from None
        spent: ModelUnavailable | None = None
        for provider in self._providers:
            try:
                value = await self._try(provider, asking)
            except ModelUnavailable as limit:
                # A later provider may be one's own and cost nothing.
                spent = spent or limit
                asking.notes.append(f"{provider.name} may not be asked, as a limit is reached")
                continue
            if value is not None:
                return Answer(value=value, origin=self._origin(provider, asking))
        raise spent or ModelUnavailable(f"No language model answered: {'; '.join(asking.notes)}.")

    async def close(self) -> None:
        """Close all connections."""
        for provider in self._providers:
            await provider.close()

    def _prepare(self, question: Question, answer_type: type[AnswerT], ends_at: float) -> _Asking[AnswerT]:
        said = {"data": question.context, "instructions": question.instructions}
        redacted = self._redactor.redact_json(said, known_names=question.known_names)
        return _Asking(
            question=question,
            answer_type=answer_type,
            prompt=self._prompts.fill(
                question.prompt, redacted.value["data"], instructions=redacted.value["instructions"]
            ),
            schema=answer_schema(answer_type),
            mapping=redacted.mapping,
            ends_at=ends_at,
        )

    async def _try(self, provider: Provider, asking: _Asking[AnswerT]) -> AnswerT | None:
        """Ask one provider; None, with a note, when it is resting or gave nothing usable."""
        if asking.seconds_left < SHORTEST_CALL_SECONDS:
            asking.notes.append(f"no time was left for {provider.name}")
            return None
        if not provider.rest.enter(self._clock()):
            asking.notes.append(f"{provider.name} is left alone for a while, as it {provider.rest.reason}")
            return None
        try:
            value = await self._converse(provider, asking)
        except ProviderFailure as failure:
            self._note_failure(provider, failure)
            asking.notes.append(f"{provider.name} {failure.reason}")
            return None
        finally:
            provider.rest.left()
        return value

    def _note_failure(self, provider: Provider, failure: ProviderFailure) -> None:
        if not provider.rest.failed(failure, self._clock()):
            return
        if failure.failing is Failing.MISCONFIGURED:
            log.error("Model endpoint %s %s: correct its settings.", provider.name, failure.reason)
        else:
            log.warning("Model endpoint %s %s and is left alone for a while.", provider.name, failure.reason)

    async def _converse(self, provider: Provider, asking: _Asking[AnswerT]) -> AnswerT:
        """One try and one repair turn."""
        completion = await self._call(provider, asking, None)
        provider.rest.succeeded()
        try:
            return self._read(completion, asking)
        except UnusableAnswer as unusable:
            turn = Turn(answer=completion.text[:_REPEATED_ANSWER_LIMIT], complaint=unusable.complaint)
        repaired = await self._call(provider, asking, turn)
        try:
            value = self._read(repaired, asking)
        except UnusableAnswer:
            raise ProviderFailure(Failing.NO_ANSWER, "gave no usable answer, also when asked to repair it") from None
        asking.notes.append(f"{provider.name} repaired its first answer")
        return value

    def _read(self, completion: Completion, asking: _Asking[AnswerT]) -> AnswerT:
        if completion.cut_off:
            raise UnusableAnswer(_CUT_OFF)
        value, said = read_answer(completion.text, asking.answer_type)
        restored = self._redactor.restore_json(said, asking.mapping)
        try:
            return asking.answer_type.model_validate(restored) if restored != said else value
        except ValidationError:
            # The tokens fit and what they stand for does not: only a shorter text can help.
            raise UnusableAnswer("A text was too long: keep every text short.") from None

    async def _call(self, provider: Provider, asking: _Asking[AnswerT], repairs: Turn | None) -> Completion:
        """Call until the endpoint takes the dialect, and remember the one it took."""
        dialect = provider.dialect
        while True:
            try:
                completion = await self._call_once(provider, asking, dialect, repairs)
            except DialectRefused as refused:
                dialect = refused.easier
            else:
                provider.dialect = dialect
                return completion

    async def _call_once(
        self, provider: Provider, asking: _Asking[AnswerT], dialect: Dialect, repairs: Turn | None
    ) -> Completion:
        """One real call: within the budget and the time, and counted however it ends."""
        await self._spender.check(asking.question, provider)
        seconds = min(provider.timeout_seconds, asking.seconds_left)
        if seconds < SHORTEST_CALL_SECONDS:
            raise ProviderFailure(Failing.NO_ANSWER, "ran out of time")
        # What a call costs that never tells: the endpoint has read the prompt.
        tokens = ((len(asking.prompt.system) + len(asking.prompt.user)) // CHARACTERS_PER_TOKEN, 0)
        try:
            completion = await provider.complete(
                asking.prompt, asking.schema, dialect, repairs, seconds=seconds, clock=self._clock
            )
            tokens = (completion.input_tokens, completion.output_tokens)
        except Charged as failure:
            tokens = (failure.input_tokens, failure.output_tokens)
            raise
        except ProviderFailure as failure:
            tokens = tokens if failure.sent else (0, 0)
            raise
        except DialectRefused:
            tokens = (0, 0)
            raise
        finally:
            await self._count(provider, asking, *tokens)
        return completion

    async def _count(self, provider: Provider, asking: _Asking[AnswerT], input_tokens: int, output_tokens: int) -> None:
        asking.input_tokens += input_tokens
        asking.output_tokens += output_tokens
        asking.cost += await self._spender.count(asking.question, provider, input_tokens, output_tokens)

    def _origin(self, provider: Provider, asking: _Asking[AnswerT]) -> Origin:
        return Origin(
            provider=provider.name,
            model=provider.model,
            degraded=provider is not self._providers[0],
            note=f"{'; '.join(asking.notes)}." if asking.notes else "",
            input_tokens=asking.input_tokens,
            output_tokens=asking.output_tokens,
            cost=asking.cost,
        )
