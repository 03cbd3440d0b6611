"""What forms about cases have in common: the case, who sends it, and where the browser goes after."""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from domain.model import JsonValue
from starters.console.web.pages import Ask, case_address
from starters.service.access.principals import person_of
from starters.service.contract.naming import case_named
from starters.service.http import bodies
from starters.service.http.errors import invalid


class Fields(BaseModel):
    """Fields of a form; one that it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class CaseFields(Fields):
    """Of a form about a case."""

    case: str = Field(min_length=1, max_length=300)


class Reason(CaseFields):
    """With a reason, of which the case keeps record."""

    reason: str = Field(min_length=1, max_length=2_000)


def person(ask: Ask) -> str:
    """The person who acts; the form cannot say another.

    Raises:
        Problem: whoever is signed in stands for nobody of the directory.
    """
    return person_of(ask.visitor.principal)


def workflow(ask: Ask, form: CaseFields) -> str:
    """The workflow of the form's case. Another tenant's is none."""
    return case_named(ask.visitor.principal, form.case)


def back(form: CaseFields, done: str) -> Response:
    """To the page of the case, which then says what was done."""
    return RedirectResponse(case_address(form.case, done=done), 303)


def data_of(text: str, what: str) -> JsonValue:
    """What somebody typed as JSON; None for nothing.

    Args:
        text: of the field.
        what: the field, for the sentence that refuses it.

    Raises:
        Problem: it is no JSON that can be kept.
    """
    if not text.strip():
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(f"{what} is no JSON: correct it; texts stand in double quotes.") from None
    return bodies.parse(text.encode("utf-8", "surrogatepass"))
