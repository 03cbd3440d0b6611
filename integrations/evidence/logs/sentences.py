"""Findings in words: short, with numbers, without personal data and secrets."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.text.redaction import Redactor
from integrations.evidence.logs.book import Series
from integrations.evidence.logs.heads import Level

_REDACTOR = Redactor()
_LONGEST = 500
_SHOWN = 160
"""Characters of an example."""


def redacted(text: str) -> str:
    """Without personal data and secrets, on one line."""
    return _REDACTOR.redact(" ".join(text.split())).text


def fit(text: str) -> str:
    """No longer than a finding's text may be."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


def example(series: Series) -> str:
    """The first line of a template, without personal data, in quotation marks."""
    # Redacted before it is cut: half a secret is not recognised as one.
    text = redacted(series.example)
    return f'"{text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."}"'


def who(series: Series) -> str:
    """What is told of, and of whom."""
    what = "An error" if series.level >= Level.ERROR else "A warning"
    return f"{what} of {series.service}" if series.service else what


def times(ratio: float) -> str:
    """A ratio in words."""
    return f"{ratio:.1f} times" if ratio < 10 else f"{ratio:.0f} times"


def rates(numbers: dict[str, float]) -> str:
    """How often, before and after."""
    before = f"{numbers['before']:.2g} per minute before" if numbers["before"] else "none before"
    return f"{numbers['count']:.0f} lines, {before}, {numbers['after']:.3g} per minute after"


def percent(share: float) -> str:
    """A share in words."""
    return f"{share * 100:.1f} %"


def clock(seconds: int) -> str:
    """The time of day."""
    return moment(seconds).strftime("%H:%M:%S")


def moment(seconds: int) -> datetime:
    """The moment of seconds since the epoch."""
    return datetime.fromtimestamp(seconds, UTC)
