"""Files for incidents: streamed into the evidence store while they come, never held in memory."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from domain.ids import kind_of
from domain.troubleshooting.evidence import EvidenceRef
from domain.troubleshooting.messages import EvidenceInput
from integrations.evidence.kinds import HEAD_BYTES
from integrations.evidence.kinds import kind_of as evidence_kind_of
from starters.service.access.guarded import StreamingRoute
from starters.service.access.principals import reporter_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body
from starters.service.contract.naming import case_named
from starters.service.contract.views import EvidenceView
from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid, unknown_case
from starters.service.http.multipart import Form
from starters.service.http.unpacking import TYPES, Checked
from starters.service.services import Asking, Using

router = APIRouter(route_class=StreamingRoute, tags=["data"])
_FIELDS = frozenset({"service", "case_id", "name"})
_LONGEST = 200
_FORM = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": "Logs (gzip too), metrics as CSV, change records, a topology, traces, output of kubectl.",
        },
        "name": {"type": "string", "maxLength": _LONGEST, "description": "The part's file name when not given."},
        "service": {"type": "string", "maxLength": _LONGEST, "description": "Whose logs these are."},
        "case_id": {"type": "string", "maxLength": 300, "description": "Give it to this incident at once."},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": _FORM,
                "encoding": {"file": {"contentType": ", ".join(sorted(TYPES))}},
            }
        },
    }
}


@router.post(
    f"{V1}/data/upload", status_code=201, response_model=EvidenceView, responses=of_body(404), openapi_extra=_BODY
)
async def upload(request: Request, services: Using, principal: Asking) -> Response:
    """Upload one file. The same content twice is kept once, so a repeat is harmless without a key."""
    limit = services.settings.evidence.file_limit_bytes
    declared = bodies.int_or_none(request.headers.get("content-length"))
    if declared is not None and declared > limit + bodies.FORM_ROOM_BYTES:
        await bodies.pour_away(request)
        raise Problem(413, "PAYLOAD_TOO_LARGE", f"A file has at most {limit:,} bytes: upload the part around it.")
    form = await Form.of(request)
    try:
        await form.to_file()
        _check_type(form.file_type)
        checked = Checked(form.file(), limit)
        reference, size = await services.evidence.put(principal.tenant, form.file_name, aiter(checked))
    except Problem:
        await bodies.pour_away(request)
        raise
    fields = _fields(form)
    name = fields.get("name") or form.file_name
    ref = EvidenceRef(
        reference=reference,
        name=_shown(name),
        kind=evidence_kind_of(name, bytes(checked.head[:HEAD_BYTES])),
        size_bytes=size,
        service=fields.get("service") or None,
    )
    case = fields.get("case_id") or None
    if case is not None:
        workflow_id = case_named(principal, case)
        if kind_of(workflow_id) != "troubleshooting":
            raise unknown_case()
        more = EvidenceInput(evidence=(ref,), person_id=reporter_of(principal))
        await services.incidents.add_evidence(principal.tenant, workflow_id, more)
    view = EvidenceView(**ref.model_dump(), case_id=case)
    return Response(view.model_dump_json(), 201, None, "application/json")


def _check_type(declared: str) -> None:
    kind = declared.partition(";")[0].strip().lower()
    if kind and kind not in TYPES:
        raise Problem(
            415, "UNSUPPORTED_MEDIA_TYPE", f"A file of this type is not taken: use {', '.join(sorted(TYPES))}."
        )


def _fields(form: Form) -> dict[str, str]:
    if not set(form.fields) <= _FIELDS:
        raise invalid(f"The form has a field that is not known: it takes file, {', '.join(sorted(_FIELDS))}.")
    for name, value in form.fields.items():
        bodies.check_text(value)
        if len(value) > (300 if name == "case_id" else _LONGEST):
            raise invalid(f"The field {name} is too long: shorten it.")
    return form.fields


def _shown(name: str) -> str:
    plain = "".join(letter for letter in name if letter.isprintable())[:_LONGEST].strip()
    return plain or "file"
