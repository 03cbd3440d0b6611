"""Reads an answer out of what a model wrote: plain JSON, JSON in a fence or in prose, the first object that fits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from domain.model import JsonValue

AnswerT = TypeVar("AnswerT", bound=BaseModel)

TEXT_LIMIT = 100_000
"""Characters of a model's text that are looked at."""
CANDIDATE_LIMIT = 40
"""Opening braces that are tried, so that a text full of them costs no more than a moment."""
COMPLAINT_LIMIT = 8
"""Faults that a repair turn names."""


class UnusableAnswer(Exception):
    """The text holds no answer. `complaint` tells the model what to repair and quotes nothing of the text."""

    def __init__(self, complaint: str) -> None:
        """Keep the complaint."""
        super().__init__(complaint)
        self.complaint = complaint


def read_answer(text: str, answer_type: type[AnswerT]) -> tuple[AnswerT, JsonValue]:
    """Find the first complete JSON object that fits the type.

    Returns:
        The answer and the JSON it was read from.

    Raises:
        UnusableAnswer: when there is none.
    """
    complaint = "There was no complete JSON object."
    for number, candidate in enumerate(_objects(_without_thoughts(text[:TEXT_LIMIT]))):
        try:
            return answer_type.model_validate(candidate), candidate
        except ValidationError as error:
            if number == 0:
                complaint = _faults(error)
        except RecursionError:
            complaint = "The JSON object was nested too deeply."
    raise UnusableAnswer(complaint)


def _without_thoughts(text: str) -> str:
    """Drop what a reasoning model thought aloud: a draft in there is not its answer."""
    return text.rpartition("</think>")[2]


def _objects(text: str) -> Iterator[JsonValue]:
    decoder = json.JSONDecoder(parse_constant=_refuse_constant)
    position = 0
    for _ in range(CANDIDATE_LIMIT):
        position = text.find("{", position)
        if position < 0:
            return
        try:
            found, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError):
            position += 1
        else:
            yield found


def _refuse_constant(constant: str) -> JsonValue:
    raise ValueError(f"{constant} is not JSON")


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False, include_context=False)[:COMPLAINT_LIMIT]
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in faults) + "."
