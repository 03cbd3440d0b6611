"""How a line is laid out: plain text, JSON lines, logfmt, syslog and the stores' own formats."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring_ascii as quoted

from sandbox.incidents.pen import offset
from sandbox.incidents.system import Part

Layout = Callable[[float, str, str, str], str]
"""Time in seconds since the epoch, level, logger and message become a line."""

_LONG = {"access": "INFO", "log": "INFO", "notice": "NOTICE", "warn": "WARN", "alert": "ALERT"}
_PYTHON = {"warn": "WARNING", "fatal": "CRITICAL"}
_PINO = {"debug": 20, "info": 30, "warn": 40, "error": 50, "fatal": 60}
_SYSLOG = {"debug": 15, "info": 14, "warn": 12, "error": 11, "fatal": 10}
_POSTGRES = {"warn": "WARNING", "log": "LOG", "error": "ERROR", "fatal": "FATAL"}
_REDIS = {"debug": ".", "info": "*", "warn": "#", "error": "#"}


class Stamp:
    """Writes times; the minute is worked out once."""

    def __init__(self, pattern: str, zone_minutes: int, after: str = "", point: str = ".") -> None:
        self._pattern = pattern
        self._zone = timedelta(minutes=zone_minutes)
        self._after = after
        self._point = point
        self._minute = -1
        self._before = ""

    def __call__(self, moment: float) -> str:
        """A time as text.

        Args:
            moment: seconds since the epoch.
        """
        minute, second = divmod(moment, 60)
        if minute != self._minute:
            self._minute = int(minute)
            self._before = (datetime.fromtimestamp(minute * 60, UTC) + self._zone).strftime(self._pattern)
        if not self._point:
            return f"{self._before}{int(second):02d}{self._after}"
        thousandth = int(second * 1000)
        return f"{self._before}{thousandth // 1000:02d}{self._point}{thousandth % 1000:03d}{self._after}"


def _upper(level: str) -> str:
    return _LONG.get(level) or level.upper()


def _python(level: str) -> str:
    return _PYTHON.get(level) or level.upper()


def _boot(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0)
    return lambda at, level, logger, text: (
        f"{stamp(at)} {_upper(level):>5} 1 --- [nio-8080-exec-{1 + int(rng.random() * 9)}] {logger[-40:]:<40} : {text}"
    )


def _boot_offset(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", part.zone_minutes, offset(part.zone_minutes))
    return lambda at, level, logger, text: (
        f"{stamp(at)} {_upper(level):>5} 1 --- [{part.name}] [nio-8080-exec-{1 + int(rng.random() * 9)}] {logger[-40:]:<40} : {text}"  # noqa: E501
    )


def _logback_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", part.zone_minutes, offset(part.zone_minutes))
    return lambda at, level, logger, text: (
        f'{{"@timestamp":"{stamp(at)}","level":"{_upper(level)}","logger_name":"{logger}",'
        f'"thread_name":"http-{int(rng.random() * 9)}","message":{quoted(text)}}}'
    )


def _logstash_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")

    def line(at: float, level: str, logger: str, text: str) -> str:
        first, _, stack = text.partition("\n")
        more = f',"stack_trace":{quoted(stack)}' if stack else ""
        return (
            f'{{"@timestamp":"{stamp(at)}","@version":"1","message":{quoted(first)},"logger_name":"{logger}",'
            f'"level":"{_upper(level)}","app":"{part.name}"{more}}}'
        )

    return line


def _plain_python(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0, point=",")
    return lambda at, level, logger, text: f"{stamp(at)} {_python(level)} [{logger}] {text}"


def _gunicorn(part: Part, rng: random.Random) -> Layout:
    zone = offset(part.zone_minutes, colon=False)
    stamp = Stamp("%Y-%m-%d %H:%M:", part.zone_minutes, f" {zone}", point="")
    return lambda at, level, logger, text: f"[{stamp(at)}] [{7 + int(rng.random() * 4)}] [{_python(level)}] {text}"


def _structlog_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")
    names = {"warn": "warning"}
    return lambda at, level, logger, text: (
        f'{{"event": {quoted(text)}, "logger": "{logger}", "level": "{names.get(level, level)}", "timestamp": "{stamp(at)}"}}'  # noqa: E501
    )


def _python_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0, point=",")

    def line(at: float, level: str, logger: str, text: str) -> str:
        first, _, stack = text.partition("\n")
        more = f', "exc_info": {quoted(stack)}' if stack else ""
        return f'{{"asctime": "{stamp(at)}", "levelname": "{_python(level)}", "name": "{logger}", "message": {quoted(first)}{more}}}'  # noqa: E501

    return line


def _logfmt(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", part.zone_minutes, offset(part.zone_minutes) if part.zone_minutes else "Z")
    return lambda at, level, logger, text: f"time={stamp(at)} level={level} caller={logger} msg={quoted(text)}"


def _zap_json(part: Part, rng: random.Random) -> Layout:
    return lambda at, level, logger, text: (
        f'{{"level":"{level}","ts":{at:.6f},"caller":"{logger}:{10 + int(rng.random() * 5)}","msg":{quoted(text)}}}'
    )


def _slog_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")
    return lambda at, level, logger, text: (
        f'{{"time":"{stamp(at)}","level":"{_upper(level)}","msg":{quoted(text)},"service":"{part.name}"}}'
    )


def _klog(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%m%d %H:%M:", 0, "000")
    letters = {"debug": "I", "info": "I", "warn": "W", "error": "E", "fatal": "F"}
    return lambda at, level, logger, text: (
        f"{letters.get(level, 'I')}{stamp(at)}       1 {logger.rpartition('/')[2]}:{40 + int(rng.random() * 6)}] {text}"
    )


def _pino_json(part: Part, rng: random.Random) -> Layout:
    return lambda at, level, logger, text: (
        f'{{"level":{_PINO.get(level, 30)},"time":{int(at * 1000)},"pid":1,"hostname":"{part.name}-0","name":"{logger}","msg":{quoted(text)}}}'  # noqa: E501
    )


def _winston(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")
    return lambda at, level, logger, text: f"{stamp(at)} [{logger}] {level}: {text}"


def _winston_json(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", 0, "Z")
    return lambda at, level, logger, text: (
        f'{{"level":"{level}","message":{quoted(text)},"label":"{logger}","timestamp":"{stamp(at)}"}}'
    )


def _syslog(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%dT%H:%M:", part.zone_minutes, offset(part.zone_minutes))
    host = f"ip-10-0-{rng.randint(1, 9)}-{rng.randint(1, 99)}"

    def line(at: float, level: str, logger: str, text: str) -> str:
        flat = text.replace("\n", "#012") if "\n" in text else text
        return f"<{_SYSLOG.get(level, 14)}>1 {stamp(at)} {host} {part.name} 1 - - {level.upper()} {flat}"

    return line


def _nginx(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y/%m/%d %H:%M:", 0, point="")
    return lambda at, level, logger, text: (
        text if level == "access" else f"{stamp(at)} [{level}] 31#31: *{int(rng.random() * 99999)} {text}"
    )


def _envoy(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0)
    return lambda at, level, logger, text: text if level == "access" else f"[{stamp(at)}][1]{text}"


def _postgres(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0, " UTC")
    return lambda at, level, logger, text: (
        f"{stamp(at)} [{100 + int(rng.random() * 800)}] app@main {_POSTGRES.get(level, 'LOG')}:  {text}"
    )


def _redis(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%d %b %Y %H:%M:", 0)
    return lambda at, level, logger, text: f"1:M {stamp(at)} {_REDIS.get(level, '*')} {text}"


def _kafka(part: Part, rng: random.Random) -> Layout:
    stamp = Stamp("%Y-%m-%d %H:%M:", 0, point=",")
    return lambda at, level, logger, text: f"[{stamp(at)}] {_upper(level)} {text} ({logger})"


LAYOUTS: dict[str, Callable[[Part, random.Random], Layout]] = {
    "boot": _boot, "boot_offset": _boot_offset, "logback_json": _logback_json, "logstash_json": _logstash_json,
    "python": _plain_python, "gunicorn": _gunicorn, "structlog_json": _structlog_json, "python_json": _python_json,
    "logfmt": _logfmt, "zap_json": _zap_json, "slog_json": _slog_json, "klog": _klog, "pino_json": _pino_json,
    "winston": _winston, "winston_json": _winston_json, "syslog": _syslog, "nginx": _nginx, "envoy": _envoy,
    "postgres": _postgres, "redis": _redis, "kafka": _kafka,
}  # fmt: skip
