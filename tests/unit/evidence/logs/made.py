"""Log files made for a test."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.troubleshooting.evidence import Finding, Findings, Sign
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse

BEGIN = datetime(2026, 3, 4, 8, 0, tzinfo=UTC)
WORK = "GET /api/orders/{number} 200 took {ms}ms trace={trace}"
Line = tuple[datetime, str, str, str]
"""When, level, service, message."""


def at(minutes: float) -> datetime:
    return BEGIN + timedelta(minutes=minutes)


def work(service: str = "checkout", *, minutes: int = 60, per_minute: int = 6, seed: int = 1) -> list[Line]:
    """What a service writes when all is well, with an error now and then that means nothing."""
    pick = random.Random(seed)
    lines = []
    for minute in range(minutes):
        for _ in range(per_minute):
            message = WORK.format(
                number=pick.randrange(10**6), ms=pick.randrange(20, 60), trace=f"{pick.getrandbits(64):x}"
            )
            lines.append((at(minute + pick.random()), "INFO", service, message))
        if pick.random() < 0.15:
            lines.append((at(minute + pick.random()), "ERROR", service, f"order {pick.randrange(999)} is not valid"))
    return lines


def repeated(
    message: str, start: int, end: int, *, per_minute: int = 3, level: str = "ERROR", service: str = "checkout"
):
    return [
        (at(minute + turn / per_minute + 0.01), level, service, message)
        for minute in range(start, end)
        for turn in range(per_minute)
    ]


def text_of(lines: Iterable[Line]) -> str:
    ordered = sorted(lines, key=lambda line: line[0])
    return "".join(
        f"{when:%Y-%m-%dT%H:%M:%S}.123Z {level} [{who}] {message}\n" for when, level, who, message in ordered
    )


def look(
    folder: Path, content: str | bytes, *, name: str = "all.log", services: tuple[str, ...] = (), **more
) -> Findings:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    file = LogFile(path=path, name=name, service=more.pop("service", None))
    return analyse(LogQuestion(files=(file,), services=services, **more))


def first(findings: Findings, sign: Sign) -> Finding:
    return next(finding for finding in findings.findings if finding.sign is sign)
