"""The post-mortem of an incident: to read, to print, and as Markdown to keep."""

from __future__ import annotations

from starlette.responses import Response

from domain.ids import kind_of
from domain.troubleshooting.telling.report import markdown
from starters.console.drawings.graph import drawn
from starters.console.incidents.evidence import attached
from starters.console.incidents.parts import marks_of
from starters.console.web.markdown import page_of
from starters.console.web.pages import Ask
from starters.service.contract.naming import case_named
from starters.service.http.errors import unknown_case


async def page(ask: Ask) -> Response:
    """The page; with `download` the file."""
    workflow_id = case_named(ask.visitor.principal, ask.request.path_params["name"])
    if kind_of(workflow_id) != "troubleshooting":
        raise unknown_case()
    state = await ask.services.incidents.state(ask.tenant, workflow_id)
    text = markdown(state)
    if "download" in ask.request.query_params:
        return attached(text, f"post-mortem-{state.case_number.removeprefix('incident:')}.md", "text/markdown")
    return ask.page("post_mortem", case=state.case_number, report=page_of(text, drawn(state.topology, marks_of(state))))
