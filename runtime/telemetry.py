"""Logs that can be searched and cannot be forged, without secrets; and the Temporal SDK's own logs and metrics."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from runtime.settings import LogSettings, Settings

HIDDEN = "[hidden]"
_SHORTEST_SECRET = 6
"""Shorter secrets are not searched for: hiding every `a` of a log would hide the log."""
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOISY = ("httpx", "httpcore", "aiosqlite", "asyncio", "slack_sdk", "openai", "sqlalchemy.engine", "mail.log")


class Redactor:
    """Replaces every configured secret in a text, also where JSON or a URL escaped it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        long_enough = sorted({s for s in secrets if len(s) >= _SHORTEST_SECRET}, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(secret) for secret in long_enough)) if long_enough else None

    def __call__(self, text: str) -> str:
        """The text without any secret."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text


class JsonFormatter(logging.Formatter):
    """One JSON object per line, with the fields given as `extra`."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line: JSON escapes newlines and control characters."""
        entry: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        for name, value in vars(record).items():
            if name not in _STANDARD and not name.startswith("_"):
                entry[name] = _redacted(value, self._redact)
        if record.exc_info:
            entry["error"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=True, default=str)


class PlainFormatter(logging.Formatter):
    """A line for a person at a terminal; a traceback follows on its own, indented lines."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Time, level and message, with newlines and control characters escaped."""
        at = datetime.fromtimestamp(record.created, UTC).astimezone().strftime("%H:%M:%S")
        message = _CONTROL.sub(_escaped, self._redact(record.getMessage()))
        line = f"{at} {record.levelname.lower():7} {message}"
        if record.exc_info:
            trace = self._redact(self.formatException(record.exc_info))
            line += "\n" + "\n".join("    " + _CONTROL.sub(_escaped, part) for part in trace.splitlines())
        return line


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")


def _redacted(value: Any, redact: Redactor) -> Any:
    if isinstance(value, dict):
        return {redact(str(key)): _redacted(part, redact) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(part, redact) for part in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact(str(value))


def configure_logging(
    settings: LogSettings, *, secrets: Iterable[str] = (), stream: TextIO | None = None
) -> logging.Handler:
    """Set up the root logger of the process; repeating it replaces what it set up before.

    Args:
        settings: level and form.
        secrets: values that must never appear, from `Settings.secret_values()`.
        stream: where lines go; standard error when not given.

    Returns:
        The handler, so that a test can take it away again.
    """
    out = stream or sys.stderr
    redact = Redactor(secrets)
    plain = settings.form == "plain" or (settings.form == "auto" and out.isatty())
    handler = _SurehandHandler(out)
    handler.setFormatter(PlainFormatter(redact) if plain else JsonFormatter(redact))
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _SurehandHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(settings.level)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


class _SurehandHandler(logging.StreamHandler[TextIO]):
    """Marks the handler as ours."""


def create_runtime(settings: Settings, *, metrics: bool = True) -> Runtime:
    """The Temporal SDK's runtime: its core's warnings in our log, and metrics for Prometheus when an address is set.

    Make one per process and give it to `runtime.temporal.connect`.

    Args:
        settings: name the address for metrics.
        metrics: False for a program that is no worker and must not take the worker's address.
    """
    address = settings.worker.metrics_address if metrics else None
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(logger=logging.getLogger("temporal.core")),
            ),
            metrics=PrometheusConfig(bind_address=address, durations_as_seconds=True) if address else None,
        )
    )


def keep_output_clean(settings: Settings) -> None:
    """Give this process's Temporal clients a runtime that logs to our log: the SDK's own writes to standard output.

    For programs whose standard output is their result. What the SDK says below an error is left out.
    """
    logging.getLogger("temporal.core").setLevel(logging.ERROR)
    Runtime.set_default(create_runtime(settings, metrics=False), error_if_already_set=False)
