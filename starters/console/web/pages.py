"""Pages: filled templates with the headers that every one has. All text in them is data and is escaped."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from starters.cli.words import ago, due, harmless, label, left, one_line, span
from starters.console.sign_in.visitors import Visitor
from starters.service.http.errors import printable
from starters.service.services import Services

if TYPE_CHECKING:
    from starters.console.incidents.uploads import Upload

FOLDER = Path(__file__).resolve().parents[3] / "templates" / "console"
ROOT = "/console"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    # With `no-referrer` a browser would hide from us which site a form comes from.
    "Referrer-Policy": "same-origin",
}
DONE = {
    "approved": "Your approval is recorded.",
    "rejected": "Your rejection is recorded, with its reason.",
    "claimed": "The case is yours.",
    "given": "It is given to that person, who is told.",
    "resolved": "It is recorded as solved.",
    "message": "The message is in the case.",
    "question": "The question is asked; the answer appears here.",
    "unparked": "The parked step goes on as you said.",
    "cancelled": "The case was asked to take back what it did, and to end.",
    "aborted": "The run stops, and what it did is undone.",
    "closed": "The incident is closed.",
    "webhook-test": "A test event is on its way.",
    "webhook-enable": "It is told again.",
    "webhook-disable": "It is told nothing more; what it is not told waits.",
    "webhook-replay": "The event is sent again.",
    "out": "You are signed out.",
    "heard": "The customer's words are in the case.",
    "escalated": "The case is told to go to people; this page shows when it has.",
    "judged": "Your judgement is recorded; later decisions learn from it.",
    "evidence": "The evidence is there, and the incident is looked at anew.",
    "linked": "The ticket is linked.",
    "unlinked": "The ticket is no longer linked.",
    "joined": "The ticket belongs to that incident.",
    "incident": "The incident is open, and the ticket belongs to it.",
    "opened": "It is open, and work on it has begun.",
    "started": "The run is started.",
    "event": "The event is on its way to the run.",
    "reviewed": "Everybody of the tenant finds the lesson from now on.",
    "retired": "Nobody finds the lesson any more.",
}
"""What a page says at its top after something was done; never a text from the address."""


@dataclass(frozen=True)
class Ask:
    """A request, by whoever is signed in."""

    request: Request
    services: Services
    visitor: Visitor
    form: dict[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    """The files of a form that has some."""

    @property
    def tenant(self) -> str:
        """Whose cases they see."""
        return self.visitor.principal.tenant

    def page(self, name: str, /, *, status: int = 200, live: str = "", **values: Any) -> Response:
        """A page for them.

        Args:
            name: of the template, without its ending.
            status: HTTP's.
            live: what the page is told of when it changes: `inbox`, `cases` or `case/NAME`; empty for none.
            values: for the template.
        """
        done = DONE.get(self.request.query_params.get("done", ""), "")
        return rendered(name, status=status, visitor=self.visitor, live=live, done=done, who=self.who, **values)

    def who(self, name: str) -> str:
        """Who a person id stands for, so that nobody has to know `p-lena`."""
        person = self.services.configuration.person(self.tenant, name) if name else None
        return f"{person.name} ({name})" if person is not None else name


def rendered(name: str, /, *, status: int = 200, **values: Any) -> Response:
    """A filled template."""
    known = {"visitor": None, "live": "", "done": "", "who": str, **values}
    text = _environment().get_template(f"{name}.html").render(known)
    return HTMLResponse(printable(text), status, HEADERS)


def address(*parts: str, **parameters: object) -> str:
    """An address within the console; every part is quoted."""
    path = "/".join([ROOT, *(quote(part, safe=":") for part in parts)])
    given = {name: value for name, value in parameters.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def case_address(case: str, **parameters: object) -> str:
    """The page of a case."""
    return address("cases", case, **parameters)


def shown(value: Any) -> str:
    """A value of a call's arguments, in full."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def clock(moment: datetime) -> str:
    """A moment with its zone; a script that runs shows it in the reader's own."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def through(value: Any, function: Callable[[Any], Any]) -> Any:
    """A filter that a page brings itself, for `map`."""
    return function(value)


def _safe(value: Any) -> Any:
    """What stands in a page: nothing that turns the direction of writing or hides, as on a terminal."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return harmless(value.replace("\r\n", "\n"))
    return value


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    made.filters |= {
        "ago": ago,
        "clock": clock,
        "due": due,
        "left": left,
        "span": span,
        "label": label,
        "short": one_line,
        "through": through,
        "shown": shown,
    }
    made.globals |= {"address": address, "case_address": case_address, "root": ROOT}
    return made
