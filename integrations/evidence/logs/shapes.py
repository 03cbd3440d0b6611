"""What a shape of line means: whose it is, how bad, what it says, and with which others it is counted.

This is found out once per shape. A file in which hardly two lines are alike has as many shapes as lines; then lines are
told apart by their first words, and in the end by service, level and meaning only, which is looked up for some of them
and taken for the next few as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.troubleshooting.evidence import Sign
from integrations.evidence.logs import stacks
from integrations.evidence.logs.blame import blamed_by, mentioned_in
from integrations.evidence.logs.book import MANY, Book, Place, Series
from integrations.evidence.logs.heads import Level, head_of, logfmt_message
from integrations.evidence.logs.lifecycle import event_of
from integrations.evidence.logs.lines import Entry
from integrations.evidence.logs.masking import coarse_shape_of, shape_of
from integrations.evidence.logs.meaning import sign_of
from integrations.evidence.logs.names import Names
from integrations.evidence.logs.took import took

_MOST_SHAPES = 20_000
"""Of one file, told apart by every word."""
_MOST_COARSE = 5_000
"""And as many more by their first words."""
_MOST_ALTOGETHER = 60_000
"""Of all files of one analysis."""
_LOOKED_UP = 20_000
"""Lines of one file that are looked up although they are like no other; of those beyond, one in `_EACH`."""
_EACH = 8
_BEGINNING = 400


@dataclass(slots=True)
class Known:
    """What a shape means."""

    series: Series
    timed: bool
    eventful: bool
    service: str | None
    level: Level


class Shapes:
    """The shapes of one file's lines."""

    def __init__(self, book: Book, names: Names, *, service: str | None, sure: bool) -> None:
        """Count into `book`.

        Args:
            book: of the whole analysis.
            names: of known services.
            service: whose lines these are, unless they say otherwise.
            sure: `service` is certain, so that a name in a line must be a known one to count.
        """
        self._book, self._names, self._service, self._sure = book, names, service, sure
        self.known: dict[object, Known] = {}
        """By shape alone for lines of text with a stamp; with service and level in front for others."""
        self._strange = 0
        self._lately: dict[str | None, Known] = {}

    @property
    def are_many(self) -> bool:
        """Further ones are told apart by their first words."""
        return len(self.known) >= _MOST_SHAPES or self._book.shapes >= _MOST_ALTOGETHER

    @property
    def _are_too_many(self) -> bool:
        return len(self.known) >= _MOST_SHAPES + _MOST_COARSE or self._book.shapes >= _MOST_ALTOGETHER + _MOST_COARSE

    def stamped(self, rest: str, shape: str, place: Place, *, klog: str, tagged: bool) -> Known:
        """A line of text of which only what follows its stamp is left, and whose shape is not known.

        Args:
            rest: what follows.
            shape: of that.
            place: where it stands.
            klog: the letter before a klog stamp.
            tagged: it is syslog: host and tag come first.
        """
        if self.are_many:
            return self._coarse(None, rest, place, klog=klog, tagged=tagged)
        return self._keep(shape, self._described(rest.lstrip(" :-"), place, klog=klog, tagged=tagged))

    def plain(self, rest: str, place: Place, service: str | None, *, klog: str = "", tagged: bool = False) -> Known:
        """A line of text whose stamp, if any, was read, and in front of which a name may have stood."""
        key = (service, klog + shape_of(rest))
        found = self.known.get(key)
        if found is None and self.are_many:
            return self._coarse(service, rest, place, klog=klog, tagged=tagged)
        return found or self._keep(key, self._described(rest, place, service=service, klog=klog, tagged=tagged))

    def structured(self, entry: Entry, place: Place) -> Known:
        """A line whose fields are read: JSON, or an access log's."""
        service, level, message = entry.service, entry.level, entry.message
        key = (service, level, coarse_shape_of(message) if self.are_many else shape_of(message))
        found = self.known.get(key)
        if found is None and self._are_too_many:
            return self._one_of_many(message, service, place, level)
        if found is None:
            timed = entry.milliseconds is not None
            found = self._keep(
                key, self.said(service, level, message, message, place, status=entry.status, timed=timed)
            )
        return found

    def said(
        self,
        service: str | None,
        level: Level,
        message: str,
        text: str,
        place: Place,
        *,
        status: int | None = None,
        timed: bool = False,
    ) -> Known:
        """What a message means of which whose it is and how bad is known; it is not remembered.

        Args:
            service: who wrote it.
            level: how bad it is.
            message: what it says.
            text: all of the line that may tell of an event or a duration.
            place: where it stands.
            status: an HTTP status that it ends in.
            timed: it says how long something took, in a field of its own.
        """
        trouble = level >= Level.WARNING
        lasted = timed or took(text) is not None
        sign = sign_of(message, status=status) if trouble else None
        about = blamed_by(message, self._names, own=service, mentioned=trouble) if trouble or lasted else None
        series = self._book.series_of(
            service, shape_of(message), level, sign, about, example=message[:600], place=place
        )
        eventful = not trouble and event_of(text, service) is not None
        return Known(series, lasted, eventful, service, level)

    def raised(self, known: Known, text: str, below: list[str], place: Place) -> Series | None:
        """The series of the exception that the lines below an entry tell of; None when they tell of none."""
        stack = stacks.stack_of([text, *below])
        if stack is None:
            return None
        words = f"{stack.kind}: {stack.message}"
        level = max(known.level, Level.WARNING if known.level is Level.WARNING else Level.ERROR)
        key = ("stack", known.service, level, stack.fingerprint, shape_of(stack.message))
        found = self.known.get(key)
        if found is None and self._are_too_many:
            return None
        if found is None:
            found = self._keep(key, self._of_stack(known, stack, words, level, place))
        return found.series

    def _of_stack(self, known: Known, stack: stacks.Stack, words: str, level: Level, place: Place) -> Known:
        before, own = known.series.example, known.service
        sign: Sign | None = sign_of(words) or sign_of(before)
        about = blamed_by(words, self._names, own=own) or blamed_by(before, self._names, own=own)
        shape = f"{stack.fingerprint} : {shape_of(stack.message)}"
        example = f"{before[:200]} - {words[:300]} ({stack.fingerprint[:200]})"
        series = self._book.series_of(own, shape, level, sign, about, example=example, place=place, whole=True)
        return Known(series, False, False, own, level)

    def _described(
        self, rest: str, place: Place, *, service: str | None = None, klog: str = "", tagged: bool = False
    ) -> Known:
        head = head_of(rest, self._names, may_name=not self._sure and service is None, klog=klog, tagged=tagged)
        said = head.service or service or self._service
        return self.said(said, head.level, logfmt_message(head.message), rest, place)

    def _coarse(self, service: str | None, rest: str, place: Place, *, klog: str = "", tagged: bool = False) -> Known:
        key = ("coarse", service, klog + coarse_shape_of(rest))
        found = self.known.get(key)
        if found is None and self._are_too_many:
            return self._one_of_many(rest, service, place)
        return found or self._keep(key, self._described(rest, place, service=service, klog=klog, tagged=tagged))

    def _one_of_many(self, rest: str, service: str | None, place: Place, level: Level | None = None) -> Known:
        """Hardly two lines of this file are alike: they are told apart by service, level and meaning only."""
        self._strange += 1
        lately = self._lately.get(service)
        if lately is not None and self._strange > _LOOKED_UP and self._strange % _EACH:
            return lately
        said = service
        if level is None:
            head = head_of(rest[:200], self._names, may_name=not self._sure and service is None)
            said, level = head.service or service or self._service, head.level
        beginning = rest[:_BEGINNING]
        trouble = level >= Level.WARNING
        sign = sign_of(beginning) if trouble else None
        about = mentioned_in(beginning, self._names, own=said) if trouble else None
        key = ("many", said, level, sign, about)
        known = self.known.get(key)
        if known is None:
            series = self._book.series_of(said, MANY, level, sign, about, example=rest[:600], place=place, whole=True)
            known = self.known[key] = Known(series, False, False, said, level)
        self._lately[service] = known
        return known

    def _keep(self, key: object, known: Known) -> Known:
        self.known[key] = known
        self._book.shapes += 1
        return known
