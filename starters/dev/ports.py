"""Where the parts of `surehand dev` listen: as last time, else at the usual ports, else wherever there is room."""

from __future__ import annotations

from pathlib import Path

from domain.errors import NotReachable
from runtime.temporal.dev_server import USUAL_PORT, USUAL_UI_PORT, EmbeddedServer, free_port, is_free
from starters.dev.others import is_gone
from starters.dev.state import DevState

TRIES = 3
"""Somebody else may take a port between our look at it and our listening; then another one is tried."""


def choose(*wanted: int | None) -> int:
    """The first of these ports that is free at this moment, or any free one.

    Args:
        wanted: best first; None is passed over.
    """
    return next((port for port in wanted if port is not None and is_free(port)), None) or free_port()


def was_taken(*ports: int) -> bool:
    """Whether somebody listens at one of them: then it is worth another try elsewhere."""
    return not all(map(is_free, ports))


async def started_server(
    namespace: str, data_dir: Path, log_file: Path, *, before: DevState | None, usual: bool
) -> EmbeddedServer:
    """Temporal with its data in a folder.

    Args:
        namespace: of the cases.
        data_dir: keeps the server's file.
        log_file: gets its log.
        before: where it listened last time.
        usual: take its usual ports otherwise, when they are free.

    Raises:
        NotReachable: it did not come up; the sentence names its log.
    """
    if before is not None:
        await is_gone(before)
    for left in reversed(range(TRIES)):
        port = choose(before.temporal_port if before else None, USUAL_PORT if usual else None)
        ui_port = choose(before.ui_port if before else None, USUAL_UI_PORT if usual else None)
        file = data_dir / "temporal.db"
        server = EmbeddedServer(database_file=file, namespace=namespace, port=port, ui_port=ui_port, log_file=log_file)
        try:
            return await server.start()
        except NotReachable:
            if not left or not was_taken(port, ui_port):
                raise
        except BaseException:
            await server.kill()
            raise
    raise AssertionError("the last try returns or raises")
