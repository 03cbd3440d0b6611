"""Every answer that is no success: one shape, one place where our errors become HTTP's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from domain.errors import (
    ConfigurationProblem,
    InvalidInput,
    Refused,
    SurehandError,
    UnknownCase,
    VendorRefused,
)
from starters.service.http import correlation

NO_CASE = "There is no such case."
_RETRY_AFTER_SECONDS = "5"
_MOST_NAMED = 5


class ErrorBody(BaseModel):
    """What went wrong."""

    model_config = ConfigDict(extra="forbid")

    detail: str = Field(description="One sentence that says what to do.")
    error_type: str = Field(description="The kind of error, for programs.", pattern=r"^[A-Z_]+$")
    correlation_id: str
    timestamp: datetime


class Problem(Exception):
    """An answer that is no success.

    Args:
        status: HTTP's.
        error_type: for programs.
        detail: one sentence for a person; repeats nothing of the request.
        headers: beside it.
    """

    def __init__(self, status: int, error_type: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.error_type = error_type
        self.detail = detail
        self.headers = dict(headers or {})


def unknown_case() -> Problem:
    """There is none, or it is another tenant's: the two look the same."""
    return Problem(404, "NOT_FOUND", NO_CASE)


def invalid(detail: str) -> Problem:
    """Something of the request cannot be used."""
    return Problem(422, "VALIDATION_ERROR", detail)


def unfitting(detail: str) -> Problem:
    """The case is of a kind that does not take this."""
    return Problem(409, "WRONG_KIND", detail)


def internal() -> Problem:
    """A fault of our own; what it was stands in the log alone."""
    return Problem(500, "INTERNAL", "Surehand stumbled over a fault of its own: see its log.")


def answer_to(problem: Problem) -> Response:
    """The answer that a problem is."""
    body = ErrorBody(
        detail=printable(problem.detail),
        error_type=problem.error_type,
        correlation_id=correlation.current.get(),
        timestamp=datetime.now(UTC),
    )
    return Response(body.model_dump_json(), problem.status, problem.headers, "application/json")


def printable(text: str) -> str:
    """A text as any client can read it: what is no character of Unicode is replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def problem_of(error: Exception) -> Problem | None:
    """An error that somebody raised on purpose as an answer; None for a fault of our own."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        return invalid(_named(error))
    if isinstance(error, SurehandError):
        return _of_ours(error)
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        # As the SDK says that the first call of a lazy client found nobody.
        return _later("Temporal does not answer: try again in a moment.")
    return None


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """What the framework answers by itself: no such path, no such method."""
    words = {404: "There is nothing at this path.", 405: "This path does not take this method."}
    phrase = HTTPStatus(status).phrase
    return Problem(status, phrase.upper().replace(" ", "_"), words.get(status, f"{phrase}."), headers)


def _of_ours(error: SurehandError) -> Problem:
    if isinstance(error, UnknownCase):
        return unknown_case()
    if isinstance(error, InvalidInput | VendorRefused):
        return invalid(str(error))
    if isinstance(error, Refused):
        return Problem(409, "CONFLICT", str(error))
    if isinstance(error, ConfigurationProblem):
        return Problem(503, "MISCONFIGURED", "The service is not configured for this: see its log.")
    # What is left does not answer now: Temporal, a worker, the store, the evidence folder.
    return _later(str(error))


def _later(detail: str) -> Problem:
    return Problem(503, "UNAVAILABLE", detail, {"Retry-After": _RETRY_AFTER_SECONDS})


def _named(error: RequestValidationError) -> str:
    """Which fields cannot be used and why, without their values."""
    faults = error.errors()
    if any("priority" in fault["loc"] for fault in faults):
        return "Invalid priority value: use low, medium, high or critical."
    named = []
    for fault in faults[:_MOST_NAMED]:
        place = ".".join(str(part)[:100] for part in fault["loc"][1:]) or str(fault["loc"][0])
        if str(fault["type"]).startswith("union_tag"):
            named.append(_without_kind(place, fault.get("ctx", {})))
            continue
        named.append(f"{place}: {_reason(str(fault['type']), str(fault['msg']))}")
    more = f" ({len(faults) - _MOST_NAMED} more)" if len(faults) > _MOST_NAMED else ""
    return f"The request cannot be used: {'; '.join(named)}{more}."


def _without_kind(place: str, context: Mapping[str, str]) -> str:
    """A body that does not say which of several it is; what it says instead is not repeated."""
    field = context.get("discriminator", "kind").strip("'")
    choices = context.get("expected_tags", "").replace("'", "")
    return f"{place}.{field}: " + (f"use one of {choices}" if choices else "it is needed")


def _reason(kind: str, message: str) -> str:
    words = {"extra_forbidden": "there is no such field", "missing": "it is needed", "json_invalid": "it is no JSON"}
    # Pydantic's own words quote limits and choices, and for these kinds no input.
    quotes = kind in ("value_error", "assertion_error")
    return words.get(kind) or (message.removeprefix("Value error, ") if quotes else message[:1].lower() + message[1:])


async def answered(inner: Callable[[Request], Awaitable[Response]], request: Request) -> Response:
    """What a route's function answers; a refusal is an answer like any other, so that it can be given again."""
    try:
        return await inner(request)
    except (Problem, SurehandError, RequestValidationError, RuntimeError) as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return answer_to(problem)
