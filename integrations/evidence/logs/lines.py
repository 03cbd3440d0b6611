"""One line that says what it is by itself: a JSON object, or an entry of a web server's access log."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from domain.model import JsonValue
from integrations.evidence.logs.heads import Level, level_of
from integrations.evidence.logs.names import Names
from integrations.evidence.logs.stamps import moment_of

_TIMES = ("timestamp", "@timestamp", "time", "ts", "datetime", "date", "eventTime", "asctime", "t", "timeMillis")
_LEVELS = ("level", "severity", "lvl", "log.level", "levelname", "loglevel", "severity_text", "severityText", "@level")
_MESSAGES = ("message", "msg", "log", "event", "@message", "text", "body", "short_message", "MESSAGE")
_SERVICES = (
    "service",
    "service.name",
    "service_name",
    "serviceName",
    "app",
    "application",
    "container_name",
    "container",
    "dd.service",
    "appname",
    "app_name",
    "app.name",
    "SYSLOG_IDENTIFIER",
    "component",
    "pod",
    "pod_name",
)
_WEAK_SERVICES = ("logger", "logger_name", "name", "module")
_ERRORS = (
    "error",
    "exception",
    "err",
    "exc_info",
    "error.message",
    "cause",
    "reason",
    "error_message",
    "exception.message",
)
_STACKS = (
    "stack",
    "stack_trace",
    "stacktrace",
    "stackTrace",
    "error.stack",
    "traceback",
    "exc_info",
    "exception.stacktrace",
)
_BLAMED = (
    "upstream",
    "target",
    "dependency",
    "peer",
    "peer.service",
    "peer_service",
    "remote",
    "backend",
    "callee",
    "downstream",
    "host",
    "endpoint",
    "db",
    "database",
    "url",
    "addr",
    "address",
    "status",
    "code",
    "version",
)
_LASTED = {
    **dict.fromkeys(
        ("duration_ms", "latency_ms", "elapsed_ms", "took_ms", "durationMs", "latencyMs", "elapsedMs"), 1.0
    ),
    **dict.fromkeys(
        ("response_time_ms", "responseTime", "response_time", "took", "elapsed", "latency", "duration"), 1.0
    ),
    **dict.fromkeys(("duration_s", "duration_seconds", "request_time", "elapsed_seconds", "latency_seconds"), 1e3),
    **dict.fromkeys(("duration_us", "latency_us"), 1e-3),
    **dict.fromkeys(("duration_ns", "latency_ns"), 1e-6),
}
_UNIT = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)\s?(ns|us|\u00b5s|ms|s|sec|seconds|m)?\Z")
_UNITS = {"ns": 1e-6, "us": 1e-3, "\u00b5s": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3, "seconds": 1e3, "m": 6e4}
_DEEPEST = 4
_MOST_STACK_CHARACTERS = 16_000


_INNER = ("attributes", "fields", "data", "context")
"""Under these, some writers keep what others keep at the top."""


@dataclass(frozen=True, slots=True)
class _Keys:
    """Which of all names for a thing an object uses, in the order in which they have a say."""

    times: tuple[str, ...]
    levels: tuple[str, ...]
    messages: tuple[str, ...]
    services: tuple[str, ...]
    weak_services: tuple[str, ...]
    errors: tuple[str, ...]
    stacks: tuple[str, ...]
    blamed: tuple[str, ...]
    lasted: tuple[str, ...]


@lru_cache(maxsize=2_000)
def _keys_of(present: tuple[str, ...]) -> _Keys:
    """Lines of one program mostly have the same fields: which of them matter is found out once."""

    def among(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(name for name in names if name in present)

    return _Keys(
        times=among(_TIMES),
        levels=among(_LEVELS),
        messages=among(_MESSAGES),
        services=among(_SERVICES),
        weak_services=among(_WEAK_SERVICES),
        errors=among(_ERRORS),
        stacks=among(_STACKS),
        blamed=among(_BLAMED),
        lasted=among(_LASTED),
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line says."""

    seconds: int | None
    level: Level
    service: str | None
    message: str
    milliseconds: float | None = None
    """How long something took."""
    stack: tuple[str, ...] = ()
    weak_service: str | None = None
    """A logger's name: the service's only when nothing better is known."""
    status: int | None = None


def json_entry(line: str, names: Names) -> Entry | None:
    """Read a JSON line; None when it is no JSON object."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return entry_of(value, names) if isinstance(value, dict) else None


def entry_of(fields: dict[str, Any], names: Names) -> Entry:
    """Read the fields of a structured line, whatever their names."""
    for key in _INNER:
        attributes = fields.get(key)
        if isinstance(attributes, dict):
            fields = {**attributes, **fields}
    keys = _keys_of(tuple(fields))
    message = _first_text(fields, keys.messages)
    said = _first(fields, keys.levels)
    if said is None and isinstance(fields.get("log"), dict):
        said = fields["log"].get("level")
    message, _, below = message.partition("\n")
    seconds = next((moment for key in keys.times if (moment := moment_of(fields.get(key))) is not None), None)
    error, stack = _error(fields, keys) if keys.errors or keys.stacks else ("", ())
    stack = stack or tuple(below[:_MOST_STACK_CHARACTERS].split("\n") if below else ())
    more = [f"error={error}"] if error and error not in message else []
    more += [f"{key}={fields[key]}" for key in keys.blamed if isinstance(fields[key], (str, int))]
    status = fields.get("status", fields.get("status_code", fields.get("statusCode")))
    weak = _first_text(fields, keys.weak_services)
    return Entry(
        seconds=seconds,
        level=level_of(said) if said is not None else Level.UNKNOWN,
        service=_service(fields, keys, names),
        message=" ".join([message, *more]).strip(),
        milliseconds=_lasted(fields, keys),
        stack=stack,
        weak_service=names.named(weak) if weak and "." not in weak else None,
        status=status if isinstance(status, int) and not isinstance(status, bool) else None,
    )


def _first(fields: dict[str, Any], keys: tuple[str, ...]) -> JsonValue:
    for key in keys:
        value = fields.get(key)
        if value is None or value == "":
            continue
        if isinstance(value, dict):
            value = value.get("name") or value.get("message")
        if isinstance(value, (str, int, float)):
            return value
    return None


def _first_text(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    value = _first(fields, keys)
    return "" if value is None else str(value).strip()


def _service(fields: dict[str, Any], keys: _Keys, names: Names) -> str | None:
    said = _first_text(fields, keys.services)
    if said:
        return names.named(said)
    for parent in ("resource", "kubernetes", "labels"):
        inner = fields.get(parent)
        if not isinstance(inner, dict):
            continue
        labels = inner.get("labels") or inner.get("attributes") or {}
        app = isinstance(labels, dict) and (labels.get("app") or labels.get("app.kubernetes.io/name"))
        said = app or _first_text(inner, ("service.name", "container_name", "app", "pod_name", "service", "container"))
        if isinstance(said, str) and said:
            return names.named(said)
    return None


def _error(fields: dict[str, Any], keys: _Keys) -> tuple[str, tuple[str, ...]]:
    """What was raised, and the lines of its trace."""
    text, trace = "", ""
    for key in keys.errors:
        value = fields.get(key)
        if isinstance(value, dict):
            kind = value.get("type") or value.get("class") or value.get("name") or value.get("kind") or ""
            said = value.get("message") or value.get("msg") or ""
            text = text or f"{kind}: {said}".strip(": ")
            trace = trace or str(value.get("stack") or value.get("stacktrace") or value.get("stack_trace") or "")
        elif isinstance(value, str) and value:
            text = text or value.split("\n", 1)[0]
            trace = trace or (value if "\n" in value else "")
    trace = trace or next((fields[key] for key in keys.stacks if isinstance(fields[key], str) and fields[key]), "")
    return text[:2_000], tuple(trace[:_MOST_STACK_CHARACTERS].split("\n")) if trace else ()


def _lasted(fields: dict[str, Any], keys: _Keys) -> float | None:
    for key in keys.lasted:
        value, scale = fields[key], _LASTED[key]
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value) * scale
        if isinstance(value, str):
            match = _UNIT.match(value)
            if match is not None:
                return float(match.group(1)) * _UNITS.get(match.group(2) or "", scale)
    return None


_ACCESS = re.compile(
    r'(?:(\S{1,100}) )?\S{1,100} \S{1,60} [^\[\]"]{1,80} ?\[([^\]]{20,30})\]'
    r' "([A-Z]{3,10}) ([^"\s]{1,2000})[^"]{0,40}" (\d{3}) (?:\d{1,15}|-)'
)
_ACCESS_TIME = re.compile(
    r'(?:(?:request_time|rt|urt|upstream_response_time)[=:]"?|\s)(\d{1,6}\.\d{1,6})"?(ms|s)?(?=[\s,|]|\Z)'
)
_UPSTREAM = re.compile(r'\b(?:upstream|upstream_addr|ua|uaddr|backend)[=:]"?([A-Za-z][\w.:-]{1,80})')
_QUERY = re.compile(r"\?.*", re.DOTALL)


def access_entry(line: str, stamp: int, names: Names) -> Entry | None:
    """Read an access log's line (common and combined form, with or without times); None when it is none.

    Args:
        line: the whole line.
        stamp: its time, which the caller reads.
        names: of known services.
    """
    match = _ACCESS.match(line)
    if match is None:
        return None
    host, _, method, path, status = match.groups()
    code = int(status)
    level = Level.ERROR if code >= 500 else Level.WARNING if code == 429 else Level.INFO
    took = _ACCESS_TIME.search(line, match.end())
    upstream = _UPSTREAM.search(line, match.end())
    blamed = f" upstream={upstream.group(1)}" if upstream is not None else ""
    plain = _QUERY.sub("", path)
    return Entry(
        seconds=stamp,
        level=level,
        service=names.find(host.split(":", 1)[0]) if host else None,
        message=f"{method} {plain} -> HTTP {status}{blamed}",
        milliseconds=float(took.group(1)) * (1.0 if took.group(2) == "ms" else 1e3) if took is not None else None,
        status=code,
    )
