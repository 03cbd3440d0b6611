"""Files uploaded for incidents: kept as they come, shown as text that does nothing, given back as they were."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from starlette.responses import FileResponse, Response

from domain.errors import InvalidInput
from domain.troubleshooting.evidence import EvidenceRef
from integrations.evidence.documents import Unreadable, read_text
from integrations.evidence.kinds import HEAD_BYTES, kind_of
from starters.console.web.pages import HEADERS, Ask
from starters.service.http.errors import Problem, unknown_case
from starters.service.http.unpacking import Checked

_SHOWN_BYTES = 400_000
_LONGEST_NAME = 200


async def kept(ask: Ask, service: str | None) -> tuple[EvidenceRef, ...]:
    """Keep the files of a form. What they hold is looked at, not believed.

    Args:
        ask: a request with files.
        service: whose logs these are, where the lines do not say.

    Raises:
        Problem: one is too large, or neither text nor gzip.
        InvalidInput: one is empty, or the tenant keeps too much.
    """
    upload, found = ask.upload, []
    while upload is not None and (given := await upload.next_file()) is not None:
        checked = Checked(upload.content(), ask.services.settings.evidence.file_limit_bytes)
        if not given:  # a field where no file was chosen
            async for _ in checked:
                pass
            continue
        name = _plain(given)
        reference, size = await ask.services.evidence.put(ask.tenant, name, aiter(checked))
        kind = kind_of(name, bytes(checked.head[:HEAD_BYTES]))
        found.append(EvidenceRef(reference=reference, name=name, kind=kind, size_bytes=size, service=service))
    return tuple(found)


async def page(ask: Ask) -> Response:
    """One file: as text, or as it is with `download`. Another tenant's is none."""
    asked = ask.request.query_params
    name = _plain(asked.get("name", ""))
    try:
        path = await ask.services.evidence.path(ask.tenant, ask.request.path_params["reference"])
    except InvalidInput:
        raise Problem(404, "NOT_FOUND", "There is no such evidence: it was removed, or never uploaded.") from None
    if "download" in asked:
        return _attached(FileResponse(path, 200, HEADERS, "application/octet-stream"), name)
    case = asked.get("case", "")
    if len(case) > 300:
        raise unknown_case()
    try:
        text, is_cut = await asyncio.to_thread(read_text, path, most_bytes=_SHOWN_BYTES)
    except Unreadable as problem:
        text, is_cut = str(problem), False
    size = (await asyncio.to_thread(path.stat)).st_size
    reference = ask.request.path_params["reference"]
    return ask.page("evidence", name=name, case=case, text=text, is_cut=is_cut, size=size, reference=reference)


def attached(text: str, name: str, kind: str) -> Response:
    """A text that the browser keeps as a file."""
    return _attached(Response(text.encode("utf-8", "replace"), 200, HEADERS, f"{kind}; charset=utf-8"), name)


def _attached(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    return response


def _plain(name: str) -> str:
    shown = "".join(letter for letter in name if letter.isprintable() and letter not in "/\\")[:_LONGEST_NAME].strip()
    return shown or "file"
