"""The boundary between Temporal and the activities: every activity beats, and every error is translated here.

One place for both keeps the activities thin, and no activity can forget either.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from domain.errors import (
    ConfigurationProblem,
    InvalidInput,
    SurehandError,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from domain.model import JsonValue

_DICE = random.SystemRandom()
"""Of its own: nobody else's seed repeats it."""


def translate(error: SurehandError) -> ApplicationError:
    """Turn one of our errors into what Temporal acts on: wait as told, retry, or never retry.

    Args:
        error: any `SurehandError`. Its text is safe to show: it carries nothing secret or personal.

    Returns:
        An `ApplicationError` whose type is the error's class name. A vendor's error carries one detail, with
        `vendor`, `code`, the HTTP `status` (None where there is none) and, where there is any, `data` that the vendor
        said: a playbook catches by them.
    """
    kind = type(error).__name__
    details = _details(error)
    if isinstance(error, VendorRefused | InvalidInput | ConfigurationProblem):
        return ApplicationError(str(error), *details, type=kind, non_retryable=True)
    if isinstance(error, VendorUnavailable):
        quiet = ApplicationErrorCategory.BENIGN if isinstance(error, VendorThrottled) else None
        return ApplicationError(
            str(error),
            *details,
            type=kind,
            next_retry_delay=error.retry_after,
            category=quiet or ApplicationErrorCategory.UNSPECIFIED,
        )
    return ApplicationError(str(error), *details, type=kind)


def _details(error: SurehandError) -> tuple[dict[str, JsonValue], ...]:
    if not isinstance(error, VendorError):
        return ()
    details: dict[str, JsonValue] = {"vendor": error.vendor, "code": error.code, "status": error.status}
    return ({**details, "data": error.data} if error.data is not None else details,)


class Boundary(Interceptor):
    """Worker interceptor that puts every activity inside the boundary."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        """Wrap the activity chain; the parameter's name is the library's."""
        return _BoundaryInbound(next)


class _BoundaryInbound(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        beating = asyncio.create_task(_beat())
        try:
            return await super().execute_activity(input)
        except SurehandError as error:
            translated = translate(error)
            if not translated.non_retryable and translated.next_retry_delay is None:
                translated = _with_delay(translated, _varied_delay(activity.info()))
            raise translated from None
        finally:
            beating.cancel()


def _varied_delay(info: activity.Info, uniform: Callable[[float, float], float] = _DICE.uniform) -> timedelta | None:
    """The delay of the activity's own retry policy, up to a quarter shorter or longer; None where it has no policy.

    Calls that failed together must not all come back together.
    """
    policy = info.retry_policy
    if policy is None:
        return None
    seconds = policy.initial_interval.total_seconds() * policy.backoff_coefficient ** min(info.attempt - 1, 60)
    longest = policy.maximum_interval or policy.initial_interval * 100
    return timedelta(seconds=min(seconds, longest.total_seconds()) * uniform(0.75, 1.25))


def _with_delay(error: ApplicationError, delay: timedelta | None) -> ApplicationError:
    return ApplicationError(
        error.message, *error.details, type=error.type, next_retry_delay=delay, category=error.category
    )


async def _beat() -> None:
    """Beat at half the time-out, so that a worker's death is noticed long before the attempt's own time-out."""
    limit = activity.info().heartbeat_timeout
    if not limit:
        return
    while True:
        await asyncio.sleep(limit.total_seconds() / 2)
        activity.heartbeat()
