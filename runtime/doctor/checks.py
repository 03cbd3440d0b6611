"""What `surehand doctor` asks: is everything here that a case needs? Each answer is one sentence that says what to do.

The platform's own checks live in `runtime.doctor.platform_checks`; the command line adds those of the vendors, because
this floor does not know their clients.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from domain.errors import SurehandError
from domain.model import Term, Value

TIMEOUT_SECONDS = 5.0

_log = logging.getLogger(__name__)


class CheckStatus(Term):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    """It works, and somebody should look at it."""
    MISSING = "missing"
    """Cases cannot run, or one of their legs cannot."""


class Verdict(Value):
    """What a check found."""

    status: CheckStatus
    sentence: str


class CheckResult(Value):
    """What a check found, under its name."""

    name: str
    status: CheckStatus
    sentence: str


@dataclass(frozen=True)
class Check:
    """One check: a name for people, and what to run."""

    name: str
    run: Callable[[], Awaitable[Verdict]]
    at_least_seconds: float = 0.0
    """What it takes on a busy machine, where that is longer than checks usually get."""


def ok(sentence: str) -> Verdict:
    """All is well."""
    return Verdict(status=CheckStatus.OK, sentence=sentence)


def warning(sentence: str) -> Verdict:
    """It works, and somebody should look at it; the sentence says what to do."""
    return Verdict(status=CheckStatus.WARNING, sentence=sentence)


def missing(sentence: str) -> Verdict:
    """Something is missing; the sentence says what to do."""
    return Verdict(status=CheckStatus.MISSING, sentence=sentence)


async def run_all(checks: Sequence[Check], *, timeout_seconds: float = TIMEOUT_SECONDS) -> list[CheckResult]:
    """Run checks side by side, each with its own time-out, and return the results in the order of the checks.

    A check may raise: one of our errors becomes its sentence, anything else a sentence that points to the log.
    """
    verdicts = await asyncio.gather(*(_judge(check, timeout_seconds) for check in checks))
    return [
        CheckResult(name=check.name, status=verdict.status, sentence=verdict.sentence)
        for check, verdict in zip(checks, verdicts, strict=True)
    ]


async def _judge(check: Check, timeout_seconds: float) -> Verdict:
    try:
        return await asyncio.wait_for(check.run(), max(timeout_seconds, check.at_least_seconds))
    except TimeoutError:
        return missing(f"No answer within {timeout_seconds:g} seconds: check its address and the network between.")
    except SurehandError as error:
        return missing(str(error))
    except Exception as error:  # a doctor must finish the round whatever one patient does
        _log.exception("The check %s failed.", check.name)
        return missing(f"It could not be checked ({type(error).__name__}): see the log.")
