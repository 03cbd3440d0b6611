"""`surehand demo`: from nothing to a table of closed cases."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from domain.errors import Refused
from domain.tickets.intake import read_tickets
from domain.tickets.ticket import Ticket
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import SHIPPED_CONFIG, Settings, load_settings
from runtime.temporal.connection import connect
from starters.cases import Cases
from starters.cli import report
from starters.demo import incident_table, table
from starters.demo.console import console_beside, new_link
from starters.demo.incidents import IncidentRole, demo_incidents
from starters.demo.runs import RunRole, demo_runs
from starters.demo.scenery import Scenery
from starters.demo.script import SCRIPT
from starters.demo.stage import Role, Stage
from starters.dev import state
from starters.dev.signals import first_of, stop_on_signals
from starters.dev.stack import Stack
from starters.incidents import Incidents, evidence_store
from starters.playbooks import Playbooks
from starters.submission import Submitter

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
POST_MORTEMS = "post-mortems"
"""Folder of what stays when the demo is over."""
_WITHIN = timedelta(seconds=150)
"""Far more than it takes on two cores of its own: a busy machine comes to the end too."""
_LOOK_EVERY_SECONDS = 0.5


async def run_demo(*, keep: bool, as_json: bool) -> int:
    """Start everything, play, print how it ended, stop.

    Args:
        keep: leave everything running until Ctrl-C.
        as_json: print the closing table as JSON, and nothing else on standard output.

    Returns:
        0 when every case came to its end.
    """
    folder = Path(tempfile.mkdtemp(prefix="surehand-demo-"))
    demo = Demo(folder, keep=keep, as_json=as_json)
    stop = asyncio.Event()
    try:
        with stop_on_signals(stop), state.only_one(folder):
            playing = asyncio.create_task(demo.run())
            await first_of(playing, stop)
            playing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await playing
    finally:
        if demo.code != report.FAILED:
            _tidy(folder)
    return report.INTERRUPTED if demo.code is None else demo.code


@dataclass(frozen=True)
class Cast:
    """Everything that lives its life on the stage."""

    roles: Sequence[Role]
    runs: Sequence[RunRole]
    incidents: Sequence[IncidentRole]

    @property
    def parts(self) -> list[Role | RunRole | IncidentRole]:
        """All of it."""
        return [*self.roles, *self.runs, *self.incidents]


class Demo:
    """One demo, in a folder of its own. Nothing that the user configured takes part, and nothing leaves this machine.

    Args:
        folder: for everything it writes.
        keep: leave everything running.
        as_json: print the closing table as JSON.
    """

    def __init__(self, folder: Path, *, keep: bool, as_json: bool) -> None:
        self._folder = folder
        self._keep = keep
        self._as_json = as_json
        self._above: Console | None = None
        """Where lines go while a live table is shown: above it."""
        self.code: int | None = None
        """Exit code, once every case has been played."""

    async def run(self) -> None:
        """The whole demo.

        Raises:
            NotReachable: something did not come up.
        """
        began = time.monotonic()
        report.note("Starting Temporal, the simulated vendors and a worker.")
        variables = {"SUREHAND_CONFIG_DIRS": str(SHIPPED_CONFIG / "demo"), "SUREHAND_DATA_DIR": str(self._folder)}
        settings = load_settings(environ={}, defaults=variables)
        try:
            async with self._stack(settings, variables) as stack:
                report.note(f"Ready after {time.monotonic() - began:.1f} s; {_links(stack)}")
                cast = await self._play(stack)
                self._conclude(cast, time.monotonic() - began, _ui(stack))
                if self._keep:
                    report.note(f"\nStill running until Ctrl-C: {_links(stack)}")
                    report.note(f"The web console, signed in once by this link: {await new_link(stack)}")
                    report.note(f"Look around with SUREHAND_DATA_DIR={self._folder} surehand case list")
                    report.complain(await stack.failed())
        except Exception:
            self.code = report.FAILED
            report.note(f"The logs are in {self._folder / 'logs'}.")
            raise

    def _stack(self, settings: Settings, variables: dict[str, str]) -> Stack:
        # On free ports, so that it is nobody's usual server by mistake.
        return Stack(settings, self._folder, variables=variables, isolated=True, usual_ports=False, tell=report.note)

    async def _play(self, stack: Stack) -> Cast:
        settings = stack.settings
        cases, queue = Cases(await connect(settings)), settings.temporal.task_queue
        tenants = Tenants(settings.configuration_dirs)
        submitter = Submitter(cases, task_queue=queue, tenants=tenants, open_store=_no_long_texts)
        playbooks = Playbooks(cases.client, task_queue=queue, tenants=tenants)
        incidents = Incidents(cases.client, task_queue=queue, tenants=tenants)
        scenery, store = _scenery(stack), evidence_store(settings)
        evidence = self._folder / "incidents"
        cast = Cast(
            roles=[Role(ticket, SCRIPT.get(ticket.ticket_id, ())) for ticket in sample_tickets()],
            runs=demo_runs(settings.tenant),
            incidents=demo_incidents(settings.tenant, evidence, scenery=scenery, incidents=incidents, store=store),
        )
        await scenery.build()
        await asyncio.gather(
            *(submitter.submit(settings.tenant, role.ticket) for role in cast.roles),
            *(playbooks.start(run.order) for run in cast.runs),
        )
        # After the tickets, for some of them are about an incident.
        await asyncio.gather(*(role.open(incidents, store) for role in cast.incidents))
        under_way = asyncio.Event()
        beside = console_beside(stack, self._say, under_way=under_way, keep=self._keep)
        async with self._shown(cast) as tell, beside:

            def told(line: str) -> None:
                under_way.set()
                tell(line)

            stage = Stage(cases, settings.tenant, task_queue=queue, tell=told)
            await stage.play(cast.parts, within=_WITHIN)
        return cast

    def _say(self, line: str) -> None:
        if self._above is None:
            report.note(line)
        else:
            # Not wrapped: a link that is broken leads nowhere.
            self._above.print(report.text(line), soft_wrap=True)

    @contextlib.asynccontextmanager
    async def _shown(self, cast: Cast) -> AsyncIterator[Callable[[str], None]]:
        """A live table at a terminal, lines elsewhere; both beside the result, on standard error."""
        out = report.console(err=True)
        if not out.is_terminal:
            yield report.note
            return
        latest: list[str] = []

        def picture() -> Group:
            tables = (
                table.live(cast.roles, out.width),
                table.live_runs(cast.runs, out.width),
                incident_table.live_incidents(cast.incidents, out.width),
            )
            return Group(
                *(part for shown in tables for part in (shown, Text())), *(report.text(line) for line in latest[-5:])
            )

        async def refresh() -> None:
            while True:
                await asyncio.sleep(_LOOK_EVERY_SECONDS)
                live.update(picture(), refresh=True)

        with Live(picture(), console=out, auto_refresh=False, transient=True) as live:
            self._above, refreshing = out, asyncio.create_task(refresh())
            yield latest.append
            self._above = None
            refreshing.cancel()

    def _conclude(self, cast: Cast, seconds: float, ui_url: str) -> None:
        folder = self._folder / POST_MORTEMS
        folder.mkdir(exist_ok=True)
        for incident in cast.incidents:
            incident.write_post_mortem(folder)
        rows, run_rows = table.closing_rows(cast.roles), table.closing_run_rows(cast.runs, ui_url)
        incident_rows = incident_table.closing_incident_rows(cast.incidents, ui_url)
        if self._as_json:
            report.put_json([*rows, *run_rows, *incident_rows])
        else:
            table.put_closing(rows)
            table.put_closing_runs(run_rows)
            incident_table.put_closing_incidents(incident_rows)
        unfinished = [part for part in cast.parts if part.result is None]
        for part in unfinished:
            report.complain(f"{part.name} did not come to its end: {part.problem}")
        if unfinished:
            report.note(f"The logs are in {self._folder / 'logs'}.")
        self.code = report.FAILED if unfinished else report.DONE
        word = "closed" if not unfinished else "played"
        more = "" if self._keep else " Look around inside with `surehand demo --keep`."
        parts = f"{len(cast.roles)} cases, {len(cast.runs)} playbooks and {len(cast.incidents)} incidents"
        report.note(f"\n{parts} {word} in {seconds:.0f} s, 72 hours of follow-up included.{more}")
        report.note(f"The post-mortems are in {folder}")


def sample_tickets() -> list[Ticket]:
    """The tickets that ship with the product."""
    found = [
        result.ticket
        for file in sorted(SAMPLES.glob("*.json"))
        for result in read_tickets(file.read_text("utf-8"))
        if result.ticket is not None
    ]
    order = list(SCRIPT)
    return sorted(found, key=lambda ticket: order.index(ticket.ticket_id) if ticket.ticket_id in order else len(order))


async def _no_long_texts() -> NoReturn:
    raise Refused("The samples are short: this one is too long to travel in a workflow.")


def _links(stack: Stack) -> str:
    if stack.state is None:
        return ""
    return f"web UI {stack.state.ui_url}, outbox {stack.state.outbox_url}"


def _ui(stack: Stack) -> str:
    return stack.state.ui_url if stack.state is not None and stack.state.ui_url else ""


def _scenery(stack: Stack) -> Scenery:
    settings = stack.settings
    key = settings.secrets["deployments_key"]
    return Scenery(
        cluster_url=settings.servers["deployments"],
        cluster_key=key.get_secret_value(),
        outbox_url=(stack.state.outbox_url if stack.state is not None else None) or "",
    )


def _tidy(folder: Path) -> None:
    """Remove everything that the demo wrote but what people were told to read."""
    for path in folder.iterdir():
        if path.name != POST_MORTEMS:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    if not any((folder / POST_MORTEMS).glob("*.md")):
        shutil.rmtree(folder, ignore_errors=True)
