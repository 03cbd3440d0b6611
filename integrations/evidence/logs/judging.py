"""Findings from what was counted: all of them, the strongest first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from domain.troubleshooting.evidence import Finding
from integrations.evidence.logs.book import Book, Series
from integrations.evidence.logs.conduct import of_service, slower
from integrations.evidence.logs.counted import Counted
from integrations.evidence.logs.heads import Level
from integrations.evidence.logs.sentences import moment
from integrations.evidence.logs.troubles import trouble_of, undated

_WEAKEST = 0.1
_MOST_JUDGED = 2_500
"""Series of one analysis that are looked at, the largest first."""
_MOST_CELLS = 30_000
"""Stretches of time between the first line and the last: with more, the stamps are not to be trusted."""
_FAR = timedelta(hours=6)


def findings_of(
    book: Book, files: Sequence[str], *, around: datetime | None = None, known: Collection[str] = ()
) -> list[Finding]:
    """Judge a book.

    Args:
        book: what was counted.
        files: the names of the files, by number.
        around: when the incident was, where somebody said so.
        known: names of services that did not come out of a message.

    Returns:
        The strongest first.
    """
    counted = Counted(book, files, known=known)
    if counted.whole is None or counted.whole.length > _MOST_CELLS:
        return sorted(undated(counted), key=lambda finding: -finding.strength)
    found = [finding for service in counted.by_service for finding in of_service(counted, service)]
    found += [finding for series in _troubled(book) if (finding := trouble_of(counted, series)) is not None]
    found += slower(counted)
    found += undated(counted)
    near = [_weighed(finding, around) for finding in found if finding.strength >= _WEAKEST]
    return sorted(near, key=lambda finding: (-finding.strength, finding.at or moment(0), finding.text))


def _troubled(book: Book) -> list[Series]:
    trouble = [series for series in book.series.values() if series.level >= Level.WARNING and series.counts]
    return sorted(trouble, key=lambda series: -series.total)[:_MOST_JUDGED]


def _weighed(finding: Finding, around: datetime | None) -> Finding:
    """What began far from the incident says less of it."""
    if around is None or finding.at is None or abs(finding.at - around) <= _FAR:
        return finding
    return finding.model_copy(update={"strength": round(finding.strength / 2, 3)})
