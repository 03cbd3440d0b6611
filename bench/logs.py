"""`python -m bench.logs [LINES]`: seconds and peak memory of one analysis of a made log file, in its own process."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from integrations.evidence.logs.analysing import LogFile, LogQuestion
from integrations.evidence.logs.apart import LogProcesses

_BEGIN = datetime(2026, 3, 4, 8, tzinfo=UTC)
_HOURS = 6
_SERVICES = ("gateway", "checkout", "inventory", "payments", "search")
_WORK = (
    "GET /api/orders/{number} 200 took {ms}ms trace={trace}",
    "order {number} accepted for user u{number} in {ms}ms",
    "cache hit key=session:{trace} ttl={ms}s",
    "published event id={trace} topic=orders partition={digit} offset={number}",
    "reserved {digit} items of sku-{number} at warehouse {digit}",
)


def write_log(path: Path, lines: int, seed: int = 7) -> None:
    """A file of about 100 bytes per line; from the fourth hour on, payments time out for checkout."""
    pick = random.Random(seed)
    step = timedelta(hours=_HOURS) / lines
    with path.open("w") as file:
        for number in range(lines):
            at = _BEGIN + step * number
            service = pick.choice(_SERVICES)
            message = pick.choice(_WORK).format(
                number=pick.randrange(10**6),
                ms=pick.randrange(5, 400),
                trace=f"{pick.getrandbits(64):016x}",
                digit=pick.randrange(10),
            )
            level = "INFO"
            if number > lines * 0.6 and service == "checkout" and pick.random() < 0.1:
                level, message = "ERROR", f"calling payments timed out after 3000ms trace={pick.getrandbits(64):016x}"
            elif pick.random() < 0.01:
                level, message = "WARN", f"retrying job {pick.randrange(10**6)} attempt {pick.randrange(5)}"
            file.write(f"{at:%Y-%m-%dT%H:%M:%S}.{pick.randrange(1000):03d}Z {level} [{service}] {message}\n")


async def _measured(path: Path, megabytes: int) -> dict[str, object]:
    began = time.monotonic()
    beats: list[float] = []
    question = LogQuestion(files=(LogFile(path=path, name="all.log"),))
    found = await LogProcesses().analyse(question, beat=lambda: beats.append(time.monotonic()))
    taken = time.monotonic() - began
    gaps = [later - earlier for earlier, later in itertools.pairwise(beats)]
    return {
        "lines": found.details["lines"],
        "megabytes": megabytes,
        "seconds": round(taken, 1),
        "peak_resident_megabytes": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3),
        "beats": len(beats),
        "longest_wait_for_a_beat_seconds": round(max(gaps, default=0.0), 2),
        "findings": len(found.findings),
        "first": found.findings[0].text if found.findings else "",
    }


def main() -> None:
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "all.log")
        write_log(path, lines)
        print(json.dumps(asyncio.run(_measured(path, round(path.stat().st_size / 1e6))), indent=2))


if __name__ == "__main__":
    main()
