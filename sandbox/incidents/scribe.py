"""One part's log, minute by minute."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sandbox.incidents.effects import Course
from sandbox.incidents.faults import Fault
from sandbox.incidents.layouts import LAYOUTS
from sandbox.incidents.pen import Pen, Written
from sandbox.incidents.system import Part, System
from sandbox.incidents.voices import VOICES, Said

Entry = tuple[str, str, Written]
"""Level, logger and text."""

_CHATTER, _MISHAPS = 0.03, 0.003
_LEAST_A_MINUTE = 1.3
"""A broken part says so this often a minute at least, however little it has to do: probes and retries see to that."""


@dataclass(frozen=True)
class Kept:
    """What stays in the evidence."""

    hidden: frozenset[str] = frozenset()
    """Parts without a word of their own."""
    vague: frozenset[str] = frozenset()
    """Parts that say that requests failed, and not why."""
    calm: frozenset[str] = frozenset()
    """Parts that say nothing of it at all."""


@dataclass
class Scribe:
    """Writes for one part."""

    part: Part
    course: Course
    faults: tuple[Fault, ...]
    vague: bool
    calm: bool
    boots: frozenset[int]
    """Minutes in which it starts anew."""
    pen: Pen
    rng: random.Random
    entries: dict[object, list[Entry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._voice = VOICES[self.part.voice]
        self._layout = LAYOUTS[self.part.layout](self.part, self.rng)
        self._loggers = [self.pen.compile(logger)() for logger in self._voice.loggers]
        voice = self._voice
        for key, said in (("normal", voice.normal), ("chatter", voice.chatter), ("mishaps", voice.mishaps),
                          ("boot", voice.boot), ("vague", voice.vague)):  # fmt: skip
            self.entries[key] = self._compiled(said)
        for number, fault in enumerate(self.faults):
            scenarios = voice.faults.get(fault.kind, ())
            if scenarios:
                self.entries["own", number] = self._compiled(scenarios[fault.scenario % len(scenarios)])

    def learn_calls(self, system: System) -> None:
        """Learn how to speak of those it calls."""
        for callee, mode in self.course.failed_calls:
            peer = system.part(callee)
            said = self._voice.calls.get(mode, ())
            if peer.kind in ("database", "cache", "queue"):
                said = self._voice.store_calls.get(mode) or said
            # Whatever a service is built with, it words one failure in one or two ways.
            chosen = said[:2] if self.rng.random() < 0.7 else said
            self.entries["call", callee, mode] = self._compiled(chosen, peer)

    def _compiled(self, said: Sequence[Said], peer: Part | None = None) -> list[Entry]:
        return [(level, self.rng.choice(self._loggers), self.pen.compile(template, peer)) for level, template in said]

    def means(self, minute: int, scale: float) -> Iterator[tuple[object, float]]:
        """How many lines of what it writes in a minute, on average.

        Args:
            minute: from the beginning.
            scale: lines for one unit of weight and load.
        """
        course = self.course
        usual = self.part.weight * course.load[minute] * scale
        yield "normal", usual
        if self.calm or not (course.failing[minute] or course.own[minute] or course.slower[minute]):
            return
        if not self.vague:
            for number, fault in enumerate(self.faults):
                if ("own", number) in self.entries and (share := fault.at(minute)):
                    yield ("own", number), max(usual * share, _LEAST_A_MINUTE * share)
            for (callee, mode), shares in course.failed_calls.items():
                if shares[minute] > 0.004:
                    yield ("call", callee, mode), max(usual, _LEAST_A_MINUTE) * shares[minute]
        if self.entries["vague"] and course.failing[minute] > 0.004:
            yield "vague", max(usual * 0.3, _LEAST_A_MINUTE) * course.failing[minute]

    def minute(self, minute: int, begins: datetime, scale: float) -> list[tuple[float, str]]:
        """What it writes in a minute, with the time of each line."""
        rng, pen, entries = self.rng, self.pen, self.entries
        start = begins.timestamp() + minute * 60
        pen.failing = 0.0 if self.calm else self.course.failing[minute]
        pen.slower = 0.0 if self.calm else self.course.slower[minute]
        picked: list[tuple[float, Entry]] = []
        chance = rng.random
        for key, mean in self.means(minute, scale):
            choice = entries[key]
            for _ in range(int(mean + chance())):
                among = choice
                if key == "normal":
                    kind = chance()
                    among = entries["mishaps"] if kind < _MISHAPS else entries["chatter"] if kind < _CHATTER else choice
                # The first of a list is said most often.
                position = chance() * chance() if key != "call" else chance()
                picked.append((chance() * 60, among[int(position * len(among))]))
        if minute in self.boots:
            first = chance() * 40
            picked += [(first + 2.5 * number, entry) for number, entry in enumerate(entries["boot"])]
        picked.sort(key=lambda one: one[0])
        shift = sum(fault.skew_seconds for fault in self.faults if fault.kind == "clock_skew" and minute >= fault.onset)
        return [(start + second, self._line(start + second + shift, entry)) for second, entry in picked]

    def _line(self, moment: float, entry: Entry) -> str:
        level, logger, written = entry
        self.pen.now = moment
        return self._layout(moment, level, logger, written())
