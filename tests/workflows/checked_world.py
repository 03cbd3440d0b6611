"""Trouble in a database that two causes explain equally well, and what engineers would look at to tell them apart."""

from __future__ import annotations

from typing import Any

from domain.model import JsonValue
from domain.tools.tool import Safety, ToolUndo
from domain.troubleshooting.checks import Check, fault_of
from domain.troubleshooting.evidence import Sign
from tests.workflows.incident_world import IncidentWorld, finding, looking
from tests.workflows.playbook_world import a_tool, playbook

POOL = finding("orders-db", Sign.POOL_EXHAUSTED, "Waits for a connection rose", strength=0.7)
LOCKS = finding("orders-db", Sign.DATA, "Lock wait timeout exceeded", strength=0.75)
BLAMED = (
    finding("checkout", Sign.TIMEOUT, "Time-outs of orders-db rose", about="orders-db", strength=0.7),
    finding("gateway", Sign.ERRORS, "Errors of checkout rose", about="checkout", strength=0.6),
)
UNCLEAR = (POOL, LOCKS, *BLAMED)
RESTART = playbook(
    "- again: {call: fleet.restart, with: {service: '${ .service }'}}",
    "service-restart",
    input={"schema": {"document": {"type": "object", "required": ["service"]}}},
)


def check(name: str, fault: str, sign: str, **more: Any) -> Check:
    """How many sessions are used, or locks waited for, in a database."""
    data: dict[str, Any] = {
        "name": name,
        "title": f"{name.capitalize()} of {{service}}",
        "tells": [fault],
        "services": ["*-db"],
        "capability": "database.query",
        "arguments": {
            "database": "orders",
            "sql": f"SELECT n FROM {name} WHERE service = :service",
            "parameters": {"service": "{service}"},
        },
        "reads": {"column": "n", "bad": ">= 20", "sign": sign},
        **more,
    }
    made = Check.model_validate(data)
    assert fault_of(made) is None
    return made


SESSIONS = check("sessions", "connection_pool", "pool_exhausted")
WAITING = check("locks", "data", "data")


def can_check(world: IncidentWorld) -> None:
    """Give the world a database, two checks of it, and a playbook that restarts."""
    world.tools.add(looking("database.query"))
    undo = ToolUndo(tool="fleet.restart", arguments={"service": "${ $arguments.service }"})
    world.tools.add(a_tool("fleet.restart", Safety.CONFIRM, undo=undo))
    world.library.definitions["service-restart"] = RESTART
    world.finds(UNCLEAR)
    world.checks = (SESSIONS, WAITING)


def rows(world: IncidentWorld, **numbers: float) -> None:
    """What the database says from now on, by the table that is asked."""

    async def answer(call: Any) -> JsonValue:
        table = next(name for name in numbers if f"FROM {name} " in call.arguments["sql"])
        return {"rows": [{"n": numbers[table]}], "count": 1}

    world.tools.on("database.query", answer)
