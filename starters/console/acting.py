"""What a person does in the browser: the same words to a case as on the command line, as whoever is signed in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import RedirectResponse, Response

from domain.approval import ApprovalDecision
from domain.case import ClaimInput, MessageInput, ResolveInput, UnparkAction, UnparkInput
from domain.errors import Refused
from domain.troubleshooting.messages import CloseIncidentInput, QueryInput
from starters.console.pages import ROOT, Ask, case_address
from starters.service.naming import case_named
from starters.service.principals import person_of


class _Form(BaseModel):
    """Fields of a form; one that it does not have is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    case: str = Field(min_length=1, max_length=300)


class _Decision(_Form):
    request: str = Field(max_length=300)
    digest: str = Field(max_length=64)
    decision: Literal["approve", "reject"]
    reason: str = Field("", max_length=2_000)


class _Claim(_Form):
    take_over: Literal["", "yes"] = ""


class _Resolution(_Form):
    resolution: str = Field(min_length=1, max_length=20_000)
    tell_customer: Literal["", "yes"] = ""


class _Words(_Form):
    text: str = Field(min_length=1, max_length=16_000)
    once: uuid.UUID
    """Made with the page, so that a form that is sent twice says it once."""


class _Unpark(_Form):
    step: str = Field(max_length=500)
    action: UnparkAction
    parked_at: datetime
    reason: str = Field("", max_length=2_000)


class _Reason(_Form):
    reason: str = Field(min_length=1, max_length=2_000)


async def decide(ask: Ask) -> Response:
    """Approve or reject, for the arguments that the page showed. Whether the person may is the case's to say."""
    form = _Decision.model_validate(ask.form)
    word = ApprovalDecision(
        request_id=form.request,
        person_id=_person(ask),
        approve=form.decision == "approve",
        digest=form.digest,
        reason=form.reason,
    )
    await ask.services.cases.decide(ask.tenant, _workflow(ask, form), word)
    return RedirectResponse(f"{ROOT}/?done={'approved' if word.approve else 'rejected'}", 303)


async def claim(ask: Ask) -> Response:
    """Take a case."""
    form = _Claim.model_validate(ask.form)
    word = ClaimInput(person_id=_person(ask), take_over=bool(form.take_over))
    await ask.services.cases.claim(ask.tenant, _workflow(ask, form), word)
    return _back(form, "claimed")


async def resolve(ask: Ask) -> Response:
    """Say that a ticket is solved."""
    form = _Resolution.model_validate(ask.form)
    word = ResolveInput(person_id=_person(ask), resolution=form.resolution, tell_customer=bool(form.tell_customer))
    await ask.services.cases.resolve(ask.tenant, _workflow(ask, form), word)
    return _back(form, "resolved")


async def message(ask: Ask) -> Response:
    """Write to a ticket's customer."""
    form = _Words.model_validate(ask.form)
    word = MessageInput(message_id=f"console-{form.once}", text=form.text, author=_person(ask))
    await ask.services.cases.message(ask.tenant, _workflow(ask, form), word)
    return _back(form, "message")


async def ask(ask: Ask) -> Response:
    """Ask an incident something."""
    form = _Words.model_validate(ask.form)
    word = QueryInput(message_id=f"console-{form.once}", author=_person(ask), text=form.text)
    await ask.services.incidents.ask(ask.tenant, _workflow(ask, form), word)
    return _back(form, "question")


async def close(ask: Ask) -> Response:
    """Say that an incident is over."""
    form = _Reason.model_validate(ask.form)
    word = CloseIncidentInput(person_id=_person(ask), resolution=form.reason)
    await ask.services.incidents.close(ask.tenant, _workflow(ask, form), word)
    return _back(form, "closed")


async def unpark(ask: Ask) -> Response:
    """Say how a parked step goes on."""
    form = _Unpark.model_validate(ask.form)
    word = UnparkInput(
        step=form.step, action=form.action, person_id=_person(ask), reason=form.reason, parked_at=form.parked_at
    )
    receipt = await ask.services.cases.unpark(ask.tenant, _workflow(ask, form), word)
    if receipt.refusal is not None:
        raise Refused(receipt.text)
    return _back(form, "unparked")


async def cancel(ask: Ask) -> Response:
    """Ask a case to take back what it did and end."""
    form = _Form.model_validate(ask.form)
    _person(ask)
    await ask.services.cases.cancel(ask.tenant, _workflow(ask, form))
    return _back(form, "cancelled")


async def abort(ask: Ask) -> Response:
    """Stop a run; what it did is undone."""
    form = _Reason.model_validate(ask.form)
    await ask.services.playbooks.abort(ask.tenant, _workflow(ask, form), person_id=_person(ask), reason=form.reason)
    return _back(form, "aborted")


def _person(ask: Ask) -> str:
    return person_of(ask.visitor.principal)


def _workflow(ask: Ask, form: _Form) -> str:
    return case_named(ask.visitor.principal, form.case)


def _back(form: _Form, done: str) -> Response:
    return RedirectResponse(case_address(form.case, done=done), 303)
