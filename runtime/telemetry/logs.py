"""Logs that can be searched and cannot be forged, without secrets; and the Temporal SDK's own logs and metrics."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TextIO

from temporalio import activity, workflow
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from runtime.settings.environment import LogSettings, Settings
from runtime.telemetry.hiding import HIDDEN, Redactor
from runtime.telemetry.log_fields import KNOWN, InContext
from runtime.telemetry.measures import BUCKETS

__all__ = ["HIDDEN", "JsonFormatter", "PlainFormatter", "configure_logging", "create_runtime", "keep_output_clean"]

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NOISY = (
    "httpx", "httpcore", "httpx2", "httpcore2", "aiosqlite", "asyncio", "slack_sdk", "openai", "sqlalchemy.engine",
    "mail.log", "uvicorn", "alembic.runtime.plugins", "mcp",
)  # fmt: skip
"""Some of them log addresses with what stands in their paths."""


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
                if name in KNOWN:
                    entry[name] = value
                else:
                    entry[self._redact(name)] = self._redact.of_value(value)
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
    redact = Redactor(secrets, personal=True)
    plain = settings.form == "plain" or (settings.form == "auto" and out.isatty())
    handler = _SurehandHandler(out)
    handler.setFormatter(PlainFormatter(redact) if plain else JsonFormatter(redact))
    handler.addFilter(InContext())
    # What the SDK knows of a line's case stands in its fields, not at the end of its words.
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False
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

    Make one per process and give it to `runtime.temporal.connection.connect`.

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
            attach_service_name=False,
            metrics=_prometheus(address) if address else None,
        )
    )


def _prometheus(address: str) -> PrometheusConfig:
    return PrometheusConfig(
        bind_address=address, durations_as_seconds=True, unit_suffix=True, histogram_bucket_overrides=BUCKETS
    )


def keep_output_clean(settings: Settings) -> None:
    """Give this process's Temporal clients a runtime that logs to our log: the SDK's own writes to standard output.

    For programs whose standard output is their result. What the SDK says below an error is left out.
    """
    logging.getLogger("temporal.core").setLevel(logging.ERROR)
    Runtime.set_default(create_runtime(settings, metrics=False), error_if_already_set=False)
