"""Stack traces: which lines belong to one, what was raised, and where. Java, Python, Go, Node and their kin."""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_LINES = 120
"""Of one trace; the rest is passed over."""
_TYPE = r"[A-Za-z_$][\w$]{0,80}(?:\.[A-Za-z_$][\w$]{0,80}){0,12}"
_RAISED = re.compile(
    rf"(?:Exception in thread \"[^\"]{{0,100}}\" |Caused by: |Uncaught |Unhandled exception[.:] )?"
    rf"({_TYPE}(?:Exception|Error|Timeout|Interrupt|Exit|Failure|Throwable|Warning))\b(?:: ?(.{{0,400}}))?"
)
_PANIC = re.compile(r"(panic|fatal error|runtime error|thread '[^']{0,60}' panicked)(?:: | at )(.{0,400})")
_STARTS = re.compile(
    r"Traceback \(most recent call last\)|Exception in thread |panic: |fatal error: |Uncaught |Unhandled exception"
    r"|thread '[^']{0,60}' panicked"
)
_JAVA_FRAME = re.compile(r"\s+at ([\w$.<>/@-]{1,200})\(([^)]{0,120})\)")
_NODE_FRAME = re.compile(
    r"\s+at (?:async )?(?:(\S{1,120}) (?:\[as \w{1,60}\] )?\()?([^\s()]{1,200}):\d{1,7}:\d{1,7}\)?"
)
_NET_FRAME = re.compile(r"\s+at ([\w.<>`]{1,200})\([^)]{0,200}\)(?: in .{0,200})?\Z")
_PYTHON_FRAME = re.compile(r'\s+File "([^"]{1,200})", line \d{1,7}, in (\S{1,100})')
_GO_FRAME = re.compile(r"([a-zA-Z_][\w./-]{0,120}\.[\w.()*]{1,100})\([^)]{0,200}\)\Z")
_FRAMES = 3


@dataclass(frozen=True)
class Stack:
    """What a trace says."""

    kind: str
    """The type that was raised: of the root cause, where one is named."""
    message: str
    frames: tuple[str, ...]
    """The functions nearest to where it was raised, the nearest first."""

    @property
    def fingerprint(self) -> str:
        """The same for the same fault, whatever the message says."""
        return f"{self.kind} at {' < '.join(self.frames)}" if self.frames else self.kind


def starts(line: str) -> bool:
    """Whether a line without a stamp begins a trace of its own."""
    return _STARTS.match(line) is not None or (not line[:1].isspace() and _RAISED.match(line) is not None)


def stack_of(lines: list[str]) -> Stack | None:
    """Read a trace; None when the lines are none.

    Args:
        lines: the line that has the stamp, without it, and those below.
    """
    raised: list[tuple[str, str]] = []
    frames: list[str] = []
    last_first = any(line.startswith("Traceback (most recent") for line in lines)
    for position, line in enumerate(lines[:MOST_LINES]):
        text = line[:1_000]
        frame = _frame_of(text)
        if frame is not None:
            frames.append(frame)
            continue
        match = _RAISED.search(text) if position == 0 else _RAISED.match(text.strip())
        panic = _PANIC.search(text)
        if match is not None:
            if text.strip().startswith("Caused by"):
                frames.clear()
            raised.append((match.group(1), match.group(2) or ""))
        elif panic is not None:
            raised.append((panic.group(1).split("'", 1)[0].strip() or "panic", panic.group(2)))
    if not raised or (not frames and len(raised) < 2 and len(lines) < 2):
        return None
    kind, message = raised[-1]
    nearest = frames[::-1] if last_first else frames
    return Stack(kind=kind, message=message, frames=tuple(nearest[:_FRAMES]))


def _frame_of(line: str) -> str | None:
    """The function of a frame, without the line's number, which moves with every release."""
    if not line[:1].isspace():
        match = _GO_FRAME.match(line)
        return match.group(1) if match is not None and not line.startswith(("panic", "goroutine")) else None
    for pattern in (_PYTHON_FRAME, _JAVA_FRAME, _NODE_FRAME, _NET_FRAME):
        match = pattern.match(line)
        if match is not None:
            return _named(pattern, match)
    return None


def _named(pattern: re.Pattern[str], match: re.Match[str]) -> str:
    if pattern is _PYTHON_FRAME:
        return f"{match.group(2)} ({_file(match.group(1))})"
    if pattern is _NODE_FRAME:
        return match.group(1) or _file(match.group(2))
    return match.group(1)


def _file(path: str) -> str:
    return path.replace("\\", "/").rsplit("/", 1)[-1]
