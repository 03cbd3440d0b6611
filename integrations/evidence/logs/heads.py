"""What stands between a line's stamp and its message: level, service, thread, logger. In any order, with any brackets.

This is slow and is done once per shape of line, never per line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum

from integrations.evidence.logs.names import Names


class Level(IntEnum):
    """How bad a line is."""

    UNKNOWN = 0
    INFO = 1
    """And below."""
    WARNING = 2
    ERROR = 3
    FATAL = 4


_LEVELS = {
    **dict.fromkeys(("trace", "debug", "info", "information", "notice", "verbose", "fine", "dbg", "inf"), Level.INFO),
    **dict.fromkeys(("dbug", "trce"), Level.INFO),  # as .NET writes them, with "fail" and "crit"
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARNING),
    **dict.fromkeys(("error", "err", "severe", "eror", "failure", "fail"), Level.ERROR),
    **dict.fromkeys(("fatal", "critical", "crit", "panic", "alert", "emerg", "emergency", "dpanic"), Level.FATAL),
}
_KLOG = {"I": Level.INFO, "W": Level.WARNING, "E": Level.ERROR, "F": Level.FATAL}
KLOG_LETTERS = frozenset(_KLOG)
_BAD_WORDS = re.compile(
    r"\b(?:errors?|failed|failure|fatal|exception|panic|refused|timed out|timeout|unreachable|unavailable|denied"
    r"|traceback"
    r"|segfault|out of memory|oom-?kill\w{0,3}|no space left|cannot|could not|unable to)\b",
    re.IGNORECASE,
)
_PIECE = re.compile(r"\s*(?:\[([^\[\]]{0,120})\]|\(([^()]{0,60})\)|(\S{1,200}))")
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*\Z")
_TAG = re.compile(r"([A-Za-z][\w./-]{0,80})(?:\[\d{1,9}\])?:?\Z")
_SEPARATORS = frozenset(("-", "|", "---", "--", ":", "\u2014", "::", "F", "P"))
_KEY_VALUE = re.compile(r'(?<![\w.])([A-Za-z_@][\w.@-]{0,40})=(?:"((?:[^"\\]|\\.){0,2000})"|([^\s",;\]]{1,300}))')
_LOGFMT_LEVEL = frozenset(("level", "lvl", "severity", "loglevel"))
_LOGFMT_SERVICE = frozenset(("service", "svc", "service_name", "service.name", "container", "app", "component"))
_LOGFMT_MESSAGE = frozenset(("msg", "message"))
_NO_NAMES = frozenset(
    [
        "main",
        "worker",
        "thread",
        "default",
        "root",
        "http",
        "https",
        "pool",
        "request",
        "error",
        "failed",
        "warning",
        "exception",
        "stdout",
        "stderr",
        "null",
        "nil",
        "none",
        "true",
        "false",
        "context",
        "health",
        "got",
        "the",
        "a",
        "an",
        "no",
        "not",
        "for",
        "in",
        "on",
        "at",
        "to",
        "received",
        "sent",
        "started",
        "starting",
        "stopped",
        "stopping",
        "processing",
        "calling",
        "connecting",
        "retrying",
        "retry",
        "connection",
        "could",
        "cannot",
        "unable",
        "user",
        "order",
        "payment",
        "job",
        "task",
        "query",
        "handler",
        "server",
        "client",
        "cause",
        "caused",
        "reason",
        "panic",
        "timeout",
    ]
)
_MOST_PIECES = 9


@dataclass(frozen=True)
class Head:
    """What a line says of itself."""

    level: Level
    service: str | None
    """From the line; None when it does not say."""
    message: str


def klog_letter(line: str) -> str:
    """The letter of klog's `E0726 07:53:02`, and nothing of `Feb  3 07:53:02`, which also begins with one of them."""
    return line[0] if line[:1] in _KLOG and line[1:5].isdigit() else ""


def level_of(word: object) -> Level:
    """The level that a word or a number (bunyan and pino: 30 info, 40 warning, 50 error, 60 fatal) stands for."""
    if isinstance(word, int) and not isinstance(word, bool):
        return Level.FATAL if word >= 60 else Level.ERROR if word >= 50 else Level.WARNING if word >= 40 else Level.INFO
    return _LEVELS.get(str(word).strip().lower(), Level.UNKNOWN)


def level_by_words(message: str) -> Level:
    """The level of a line that names none."""
    return Level.ERROR if _BAD_WORDS.search(message[:600]) else Level.INFO


def head_of(rest: str, names: Names, *, may_name: bool, klog: str = "", tagged: bool = False) -> Head:
    """Read what follows the stamp.

    Args:
        rest: the line after its stamp.
        names: of known services.
        may_name: whether a name that is not known may be the service's: not when the file is one service's own.
        klog: the letter before a klog stamp.
        tagged: it is syslog: host and tag come first.
    """
    level, service = _KLOG.get(klog, Level.UNKNOWN), None
    if tagged:
        service, rest = _syslog(rest, names)
    pairs = _KEY_VALUE.findall(rest[:3_000]) if "=" in rest else []
    for key, quoted, plain in pairs:
        word, value = key.lower(), quoted or plain
        if word in _LOGFMT_LEVEL and level is Level.UNKNOWN:
            level = level_of(value)
        elif word in _LOGFMT_SERVICE:
            service = names.named(value) or service
    walked = _walk(rest, names, level, may_name=may_name and service is None)
    return Head(walked.level, service or walked.service, walked.message)


def _syslog(rest: str, names: Names) -> tuple[str | None, str]:
    """`host tag[pid]: message` of RFC 3164, or `host app process message-id [data] message` of RFC 5424."""
    words = rest.split(maxsplit=2)
    if len(words) < 3:
        return None, rest
    tag = _TAG.match(words[1])
    name = names.named(tag.group(1)) if tag is not None else None
    return (name or names.find(words[0])), words[2]


def _walk(rest: str, names: Names, level: Level, *, may_name: bool) -> Head:
    """Piece by piece, until something stands there that can only be the message."""
    place, service = 0, None
    for _ in range(_MOST_PIECES):
        match = _PIECE.match(rest, place)
        if match is None:
            break
        bracketed, _, word = match.groups()
        bare = (word or "").rstrip(":,|")
        found = level_of(bracketed if word is None else bare.strip("[]<>"))
        if found is not Level.UNKNOWN and (level is Level.UNKNOWN or word is None or bare.isupper()):
            level = level if level is not Level.UNKNOWN else found
        elif word is None:
            service = service or _bracketed(bracketed or "", names, may_name=may_name)
        elif word not in _SEPARATORS and not bare.isdigit():
            name = _heading(
                rest, match.end(), word, bare, names, known_level=level is not Level.UNKNOWN, may_name=may_name
            )
            if name is None:
                break
            service = service or (name if names.find(name) is not None or (may_name and _plausible(name)) else None)
            service = service and names.named(service)
        place = match.end()
    message = rest[place:].strip(" \t-:|")
    message = message or rest.strip()
    if level is Level.UNKNOWN:
        level = level_by_words(message)
    return Head(level, service, message)


def _bracketed(content: str, names: Names, *, may_name: bool) -> str | None:
    """`[checkout]`, or `[checkout,4bf92f,00f067]` as Spring writes it; a thread's name is no service."""
    first = content.split(",", 1)[0].strip()
    known = names.find(first)
    if known is not None:
        return known
    return names.named(first) if may_name and _plausible(first) else None


def _heading(
    rest: str, end: int, word: str, bare: str, names: Names, *, known_level: bool, may_name: bool
) -> str | None:
    """The word, when it belongs to the head: a known name at its place, or followed by a level, a dash or a colon.

    In one service's own file, `payments: refused` after the level is about payments and not by it.
    """
    following = _PIECE.match(rest, end)
    after = next((part for part in following.groups() if part), "") if following is not None else ""
    closes = word.endswith((":", "|")) or after in _SEPARATORS
    tag = _TAG.match(bare)
    plain = tag.group(1) if tag is not None else bare
    if names.find(plain) is not None and (not known_level or (closes and may_name)):
        return plain
    if not known_level and level_of(after.rstrip(":,|").strip("[]<>")) is not Level.UNKNOWN:
        return plain
    if closes and (_NAME.match(plain) or _dotted(plain)) and plain not in _NO_NAMES:
        return plain
    return None


def _dotted(word: str) -> bool:
    """A logger such as `com.acme.Orders`, which is passed over."""
    return "." in word and all(part.isidentifier() for part in word.split("."))


def _plausible(name: str) -> bool:
    return bool(_NAME.match(name)) and len(name) > 2 and name not in _NO_NAMES and level_of(name) is Level.UNKNOWN


def logfmt_message(message: str) -> str:
    """The message of a line of `key=value` pairs, with what may tell more behind it."""
    if "=" not in message:
        return message
    said, more = "", []
    for key, quoted, plain in _KEY_VALUE.findall(message[:3_000]):
        if key.lower() in _LOGFMT_MESSAGE:
            said = quoted or plain
        elif key.lower() not in _LOGFMT_LEVEL | _LOGFMT_SERVICE and key.lower() not in ("time", "ts", "timestamp", "t"):
            more.append(f"{key}={quoted or plain}")
    return " ".join([said, *more]) if said else message
