"""One OpenAI-compatible endpoint, asked through the `openai` library, one real call at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

import openai
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from opentelemetry.trace import Span
from pydantic import SecretStr

from domain.model import Value
from integrations.llm.answer_schema import AnswerSchema
from integrations.llm.dialect import Dialect
from integrations.llm.failures import Failing, ProviderFailure, from_openai
from integrations.llm.prompts import Prompt
from integrations.llm.rest import Rest
from integrations.llm.transport import http_client
from integrations.vendor_calls import vendor_call

ANSWER_TOKEN_LIMIT = 2_000
"""Tokens an answer may have; the longest reply takes about half."""
CHARACTERS_PER_TOKEN = 4
"""For calls whose usage the endpoint does not tell."""
_MOST_TOKENS = 10_000_000
_COMPLAINT_LIMIT = 8_000


class EndpointSettings(Protocol):
    """What a `Provider` is made of; `runtime.settings.environment.ModelEndpoint` fits."""

    base_url: str
    model: str
    api_key: SecretStr | None
    price_in: float
    price_out: float
    timeout_seconds: float


class Turn(Value):
    """An answer that could not be used, and what is wrong with it."""

    answer: str
    complaint: str


class Completion(Value):
    """What one real call gave."""

    text: str
    cut_off: bool
    input_tokens: int
    output_tokens: int


class DialectRefused(Exception):
    """The endpoint does not take the dialect it was asked in; `easier` may do."""

    def __init__(self, easier: Dialect) -> None:
        """Keep what to try next."""
        super().__init__(f"The endpoint may take {easier.form}.")
        self.easier = easier


class Provider:
    """A named endpoint with its prices, its health and the dialect it takes."""

    def __init__(
        self,
        name: str,
        *,
        base_url: str,
        model: str,
        api_key: SecretStr | None = None,
        price_in: float = 0.0,
        price_out: float = 0.0,
        timeout_seconds: float = 25.0,
    ) -> None:
        """Build the client; nothing is sent yet.

        Args:
            name: `primary` or `secondary`, as cases and logs show it.
            base_url: address of the API, such as `https://api.openai.com/v1`.
            model: name of the model there.
            api_key: key, when the endpoint asks for one.
            price_in: price of a million tokens in, in the tenant's currency.
            price_out: price of a million tokens out.
            timeout_seconds: longest time of one call.
        """
        self.name = name
        self.model = model
        self.rest = Rest()
        self.dialect = Dialect()
        self.price_in = price_in
        self.price_out = price_out
        self.timeout_seconds = timeout_seconds
        self._base_url = base_url
        self._client = AsyncOpenAI(
            base_url=base_url,
            api_key=api_key.get_secret_value() if api_key else "no-key",
            max_retries=0,
            timeout=timeout_seconds,
            http_client=http_client(timeout_seconds),
        )
        # The library fills these from the environment; only our settings count.
        self._client.organization = self._client.project = None

    @classmethod
    def from_settings(cls, name: str, settings: EndpointSettings) -> Provider:
        """Build it from one endpoint of the settings."""
        return cls(
            name,
            base_url=str(settings.base_url),
            model=settings.model,
            api_key=settings.api_key,
            price_in=settings.price_in,
            price_out=settings.price_out,
            timeout_seconds=settings.timeout_seconds,
        )

    @property
    def costs(self) -> bool:
        """Whether calls cost money. A model of one's own has no price and so no cost limit."""
        return self.price_in > 0 or self.price_out > 0

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """What a call cost, in the tenant's currency."""
        return (input_tokens * self.price_in + output_tokens * self.price_out) / 1_000_000

    async def complete(
        self,
        prompt: Prompt,
        schema: AnswerSchema,
        dialect: Dialect,
        repairs: Turn | None,
        *,
        seconds: float,
        clock: Callable[[], datetime],
    ) -> Completion:
        """Make one real call.

        Args:
            prompt: the filled prompt.
            schema: JSON schemas of the answer.
            dialect: how to ask.
            repairs: the answer to be repaired, in a second turn.
            seconds: time left for it.
            clock: tells the time, for a Retry-After that is a date.

        Raises:
            DialectRefused: when the endpoint may answer to an easier dialect.
            ProviderFailure: for everything else that is not an answer.
        """
        messages = dialect.messages(prompt, schema)
        if repairs is not None:
            messages += _repair_turn(repairs)
        create: Any = self._client.chat.completions.create
        parameters = dialect.parameters(prompt.name, schema, ANSWER_TOKEN_LIMIT)
        # `schema` beside `json_object` is not in the library's types, and so goes through the body as it is.
        form = parameters.pop("response_format", None)
        body = {"response_format": form} if form else None
        try:
            async with asyncio.timeout(seconds):
                with self._call():
                    reply = await create(model=self.model, messages=messages, extra_body=body, **parameters)
        except (openai.OpenAIError, TimeoutError, ValueError, TypeError, LookupError, RecursionError) as error:
            easier = _easier(dialect, error)
            raise (DialectRefused(easier) if easier else from_openai(error, clock())) from None
        return _completion(reply, sum(len(message["content"]) for message in messages))

    def _call(self) -> AbstractContextManager[Span]:
        told = {"gen_ai__operation__name": "chat", "gen_ai__request__model": self.model}
        return vendor_call(f"model_{self.name}", f"chat {self.model}", self._base_url, **told)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def _repair_turn(turn: Turn) -> list[dict[str, str]]:
    ask = f"Your answer cannot be used: {turn.complaint} Answer again with one corrected JSON object and nothing else."
    return [{"role": "assistant", "content": turn.answer or "(empty)"}, {"role": "user", "content": ask}]


def _easier(dialect: Dialect, error: Exception) -> Dialect | None:
    if not isinstance(error, openai.APIStatusError):
        return None
    try:
        complaint = json.dumps(error.body)[:_COMPLAINT_LIMIT]
    except (TypeError, ValueError, RecursionError):
        return None
    return dialect.after_refusal(error.status_code, complaint)


def _completion(reply: object, characters_sent: int) -> Completion:
    """Check every part: the library builds its objects without validating what the endpoint sent."""
    choice = _first(getattr(reply, "choices", None)) if isinstance(reply, ChatCompletion) else None
    message = getattr(choice, "message", None)
    content = getattr(message, "content", None)
    usage = getattr(reply, "usage", None)
    failure = _no_answer(reply, choice, message, content)
    characters_received = len(content) if isinstance(content, str) else 0
    input_tokens = _tokens(getattr(usage, "prompt_tokens", None), characters_sent)
    output_tokens = _tokens(getattr(usage, "completion_tokens", None), characters_received)
    if failure is not None:
        raise Charged(failure, input_tokens, output_tokens)
    return Completion(
        text=str(content),
        cut_off=getattr(choice, "finish_reason", None) == "length",
        input_tokens=input_tokens,
        output_tokens=output_tokens,
    )


class Charged(ProviderFailure):
    """A failure that the endpoint counted tokens for."""

    def __init__(self, reason: str, input_tokens: int, output_tokens: int) -> None:
        """Keep the tokens."""
        super().__init__(Failing.NO_ANSWER, reason)
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens


def _no_answer(reply: object, choice: object, message: object, content: object) -> str | None:
    if not isinstance(reply, ChatCompletion):
        return "sent something that is not an answer"
    if choice is None:
        return "sent no answer"
    if getattr(message, "refusal", None):
        return "refused to answer"
    if getattr(choice, "finish_reason", None) == "content_filter":
        return "filtered its answer out"
    if not isinstance(content, str) or not content.strip():
        return "sent an empty answer"
    return None


def _first(choices: object) -> object:
    return choices[0] if isinstance(choices, list) and choices else None


def _tokens(counted: object, characters: int) -> int:
    if isinstance(counted, int) and not isinstance(counted, bool) and 0 <= counted <= _MOST_TOKENS:
        return counted
    return characters // CHARACTERS_PER_TOKEN
