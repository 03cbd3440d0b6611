"""Regular expressions in linear time: a Thompson simulation whose every step is charged to the budget.

Python's `re` goes back and tries again, so a short pattern can run for hours and nothing can stop it. Here all ways
through the pattern are followed side by side, one character at a time. What needs going back (backreferences, looking
ahead or behind, atomic groups) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from domain.expressions.budget import Meter
from domain.expressions.errors import Raised
from domain.expressions.pattern_parser import parse_pattern
from domain.expressions.pattern_syntax import Alternatives, Assertion, Characters, Group, Part, Repeat, Sequence

LARGEST = 3000
"""Instructions of one pattern, counted repetitions written out."""

CHARACTER, SPLIT, JUMP, SAVE, ASSERT, MATCH = range(6)
_FLAGS = frozenset("gimnpslx")
Saves = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """One match: for each group, the whole first, where it starts and ends; -1 where it took no part."""

    spans: tuple[tuple[int, int], ...]


class Pattern:
    """A pattern as a program."""

    __slots__ = ("_anchored", "_longest", "_program", "_skips_empty", "everywhere", "names", "size")

    def __init__(self, text: str, flags: str) -> None:
        """Compile it.

        Raises:
            Raised: it is no pattern, or it asks for what is refused.
        """
        unknown = set(flags) - _FLAGS
        if unknown:
            raise Raised("the flags are not a valid modifier string")
        tree, names = parse_pattern(text, flags)
        self.names: tuple[str | None, ...] = names
        self.everywhere = "g" in flags
        self._longest = "l" in flags
        self._skips_empty = "n" in flags
        program = _Program()
        program.emit(Group(tree, 0))
        program.add((MATCH, None, 0))
        self._program = program.instructions
        self.size = len(self._program)
        first = tree.parts[0] if isinstance(tree, Sequence) and tree.parts else tree
        self._anchored = isinstance(first, Assertion) and first.name == "start"

    def matches(self, meter: Meter, text: str, *, everywhere: bool) -> list[Found]:
        """The first match, or every one that does not overlap the one before."""
        found: list[Found] = []
        start = 0
        while start <= len(text):
            saves = self._search(meter, text, start)
            if saves is None:
                break
            end = saves[1]
            if end > saves[0] or not self._skips_empty:
                found.append(Found(tuple(zip(saves[::2], saves[1::2], strict=True))))
            if not everywhere:
                break
            start = end if end > saves[0] else end + 1
        meter.grow(4 * len(found) * (len(self.names) + 1))
        return found

    def _search(self, meter: Meter, text: str, start: int) -> Saves | None:
        program = self._program
        nothing: Saves = (-1,) * (2 * len(self.names) + 2)
        best: Saves | None = None
        threads: list[tuple[int, Saves]] = []
        seen: set[int] = set()
        for place in range(start, len(text) + 1):
            if best is None and (place == 0 or not self._anchored):
                self._follow(meter, threads, seen, 0, nothing, text, place)
            if not threads:
                if best is not None or self._anchored:
                    break
                seen = set()
                continue
            meter.step(len(threads))
            following: list[tuple[int, Saves]] = []
            seen = set()
            character = text[place] if place < len(text) else ""
            for at, saves in threads:
                kind, argument, _ = program[at]
                if kind == MATCH:
                    if best is None or not self._longest or (saves[0], -saves[1]) < (best[0], -best[1]):
                        best = saves
                    if not self._longest:
                        break
                elif character and argument(character):  # type: ignore[operator]
                    self._follow(meter, following, seen, at + 1, saves, text, place + 1)
            threads = following
        return best

    def _follow(  # noqa: PLR0917 - the state of the simulation, passed on for speed
        self,
        meter: Meter,
        threads: list[tuple[int, Saves]],
        seen: set[int],
        start: int,
        saves: Saves,
        text: str,
        place: int,
    ) -> None:
        """Add what can be reached without a character, the preferred way first."""
        program = self._program
        stack = [(start, saves)]
        steps = 0
        while stack:
            at, saves = stack.pop()
            if at in seen:
                continue
            seen.add(at)
            steps += 1
            kind, argument, other = program[at]
            if kind == JUMP:
                stack.append((other, saves))
            elif kind == SPLIT:
                stack.append((other, saves))
                stack.append((argument, saves))  # type: ignore[arg-type]
            elif kind == SAVE:
                stack.append((at + 1, (*saves[:other], place, *saves[other + 1 :])))
                steps += len(saves) // 8
            elif kind == ASSERT:
                if argument(text, place):  # type: ignore[operator]
                    stack.append((at + 1, saves))
            else:
                threads.append((at, saves))
        meter.step(steps)


class _Program:
    """Writes instructions: kind, what it tests or where it goes first, and where it goes second."""

    def __init__(self) -> None:
        self.instructions: list[tuple[int, object, int]] = []

    def add(self, instruction: tuple[int, object, int]) -> int:
        """Append one; its place."""
        if len(self.instructions) >= LARGEST:
            raise Raised("the regular expression is too large; lower its repetition counts")
        self.instructions.append(instruction)
        return len(self.instructions) - 1

    def emit(self, part: Part) -> None:
        """Write a part of the pattern."""
        if isinstance(part, Characters):
            self.add((CHARACTER, part.test, 0))
        elif isinstance(part, Assertion):
            self.add((ASSERT, ASSERTIONS[part.name], 0))
        elif isinstance(part, Sequence):
            for inner in part.parts:
                self.emit(inner)
        elif isinstance(part, Group):
            self._group(part)
        elif isinstance(part, Alternatives):
            self._alternatives(part)
        else:
            self._repeat(part)

    def _group(self, part: Group) -> None:
        if part.number is None:
            self.emit(part.body)
            return
        self.add((SAVE, None, 2 * part.number))
        self.emit(part.body)
        self.add((SAVE, None, 2 * part.number + 1))

    def _alternatives(self, part: Alternatives) -> None:
        ends = []
        for inner in part.parts[:-1]:
            fork = self.add((SPLIT, None, 0))
            self.emit(inner)
            ends.append(self.add((JUMP, None, 0)))
            self.instructions[fork] = (SPLIT, fork + 1, len(self.instructions))
        self.emit(part.parts[-1])
        for end in ends:
            self.instructions[end] = (JUMP, None, len(self.instructions))

    def _repeat(self, part: Repeat) -> None:
        for _ in range(part.least):
            self.emit(part.body)
        if part.most is None:
            fork = self._fork()
            self.emit(part.body)
            self.add((JUMP, None, fork))
            self._close(fork, part.greedy)
            return
        forks = []
        for _ in range(part.most - part.least):
            forks.append(self._fork())
            self.emit(part.body)
        for fork in forks:
            self._close(fork, part.greedy)

    def _fork(self) -> int:
        return self.add((SPLIT, None, 0))

    def _close(self, fork: int, greedy: bool) -> None:
        within, after = fork + 1, len(self.instructions)
        self.instructions[fork] = (SPLIT, within, after) if greedy else (SPLIT, after, within)


def _is_word(text: str, place: int) -> bool:
    return 0 <= place < len(text) and (text[place].isalnum() or text[place] == "_")


ASSERTIONS = {
    "start": lambda _text, place: place == 0,
    "line_start": lambda text, place: place == 0 or text[place - 1] == "\n",
    "end": lambda text, place: place == len(text),
    "last_end": lambda text, place: place == len(text) or (place == len(text) - 1 and text[place] == "\n"),
    "line_end": lambda text, place: place == len(text) or text[place] == "\n",
    "boundary": lambda text, place: _is_word(text, place - 1) is not _is_word(text, place),
    "within": lambda text, place: _is_word(text, place - 1) is _is_word(text, place),
}
"""What is looked at without taking a character; `start` is the one that `_anchored` knows."""


@lru_cache(maxsize=256)
def compile_pattern(text: str, flags: str) -> Pattern:
    """A pattern, remembered.

    Raises:
        Raised: it is no pattern, or it asks for what is refused.
    """
    return Pattern(text, flags)
