"""What a person does with any case in the browser: the same words to it as on the command line, as who is signed in."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from domain.cases.approval import ApprovalDecision
from domain.cases.messages import (
    ClaimInput,
    EscalateNowInput,
    FeedbackInput,
    MessageInput,
    ReassignInput,
    ResolveInput,
    UnparkInput,
)
from domain.cases.terms import UnparkAction
from domain.errors import InvalidInput, Refused
from starters.answers import CLOSED
from starters.console.cases.fields import CaseFields, Reason, back, data_of, person, workflow
from starters.console.web.pages import ROOT, Ask
from starters.service.contract.naming import person_named


class _Decision(CaseFields):
    request: str = Field(max_length=300)
    digest: str = Field(max_length=64)
    decision: Literal["approve", "reject"]
    reason: str = Field("", max_length=2_000)


class _Claim(CaseFields):
    take_over: Literal["", "yes"] = ""


class _Given(CaseFields):
    to: str = Field(min_length=1, max_length=200)
    note: str = Field(min_length=1, max_length=2_000)


class _Resolution(CaseFields):
    resolution: str = Field(min_length=1, max_length=20_000)
    tell_customer: Literal["", "yes"] = ""


class _Words(CaseFields):
    text: str = Field(min_length=1, max_length=16_000)
    once: uuid.UUID
    """Made with the page, so that a form that is sent twice says it once."""


class _Unpark(CaseFields):
    step: str = Field(max_length=500)
    action: UnparkAction
    parked_at: datetime
    reason: str = Field("", max_length=2_000)
    arguments: str = Field("", max_length=60_000)


class _Judgement(CaseFields):
    rating: Literal["", "1", "2", "3", "4", "5"] = ""
    right: Literal["", "yes", "no"] = ""
    comment: str = Field("", max_length=5_000)


async def decide(ask: Ask) -> Response:
    """Approve or reject, for the arguments that the page showed. Whether the person may is the case's to say."""
    form = _Decision.model_validate(ask.form)
    word = ApprovalDecision(
        request_id=form.request,
        person_id=person(ask),
        approve=form.decision == "approve",
        digest=form.digest,
        reason=form.reason,
    )
    await ask.services.cases.decide(ask.tenant, workflow(ask, form), word)
    return RedirectResponse(f"{ROOT}/?done={'approved' if word.approve else 'rejected'}", 303)


async def claim(ask: Ask) -> Response:
    """Take a case."""
    form = _Claim.model_validate(ask.form)
    word = ClaimInput(person_id=person(ask), take_over=bool(form.take_over))
    await ask.services.cases.claim(ask.tenant, workflow(ask, form), word)
    return back(form, "claimed")


async def reassign(ask: Ask) -> Response:
    """Give a case to a named person."""
    form, by = _Given.model_validate(ask.form), person(ask)
    to = person_named(ask.services.configuration, ask.tenant, form.to)
    await ask.services.cases.reassign(
        ask.tenant, workflow(ask, form), ReassignInput(person_id=by, to=to, note=form.note)
    )
    return back(form, "given")


async def resolve(ask: Ask) -> Response:
    """Say that a ticket is solved."""
    form = _Resolution.model_validate(ask.form)
    word = ResolveInput(person_id=person(ask), resolution=form.resolution, tell_customer=bool(form.tell_customer))
    await ask.services.cases.resolve(ask.tenant, workflow(ask, form), word)
    return back(form, "resolved")


async def message(ask: Ask) -> Response:
    """Write to a ticket's customer."""
    return await _say(ask, person(ask), "message")


async def heard(ask: Ask) -> Response:
    """Add what the customer said elsewhere, such as on the telephone."""
    person(ask)
    return await _say(ask, "customer", "heard")


async def _say(ask: Ask, author: str, done: str) -> Response:
    form = _Words.model_validate(ask.form)
    word = MessageInput(message_id=f"console-{form.once}", text=form.text, author=author)
    await ask.services.cases.message(ask.tenant, workflow(ask, form), word)
    return back(form, done)


async def escalate(ask: Ask) -> Response:
    """Hand a ticket to people now, whatever was decided before."""
    form = Reason.model_validate(ask.form)
    order, case = EscalateNowInput(person_id=person(ask), reason=form.reason), workflow(ask, form)
    if not await ask.services.cases.is_running(ask.tenant, case):
        raise Refused(CLOSED)
    await ask.services.cases.escalate_now(ask.tenant, case, order)
    return back(form, "escalated")


async def feedback(ask: Ask) -> Response:
    """Say how a ticket went; later decisions learn from it."""
    form, author = _Judgement.model_validate(ask.form), person(ask)
    if not (form.rating or form.right or form.comment):
        raise InvalidInput("Nothing was said: give a rating, a comment, or whether the decision was right.")
    word = FeedbackInput(
        rating=int(form.rating) if form.rating else None,
        comment=form.comment,
        escalation_was_right=form.right == "yes" if form.right else None,
        author=author,
    )
    await ask.services.cases.feedback(ask.tenant, workflow(ask, form), word)
    return back(form, "judged")


async def unpark(ask: Ask) -> Response:
    """Say how a parked step goes on; a retry may carry other arguments, which are judged anew."""
    form = _Unpark.model_validate(ask.form)
    arguments = data_of(form.arguments, "The arguments")
    if arguments is not None and not isinstance(arguments, dict):
        raise InvalidInput("Arguments are a map of names to values: write one in braces.")
    word = UnparkInput(
        step=form.step,
        action=form.action,
        person_id=person(ask),
        reason=form.reason,
        parked_at=form.parked_at,
        arguments=arguments,
    )
    receipt = await ask.services.cases.unpark(ask.tenant, workflow(ask, form), word)
    if receipt.refusal is not None:
        raise Refused(receipt.text)
    return back(form, "unparked")


async def cancel(ask: Ask) -> Response:
    """Ask a case to take back what it did and end."""
    form = CaseFields.model_validate(ask.form)
    person(ask)
    await ask.services.cases.cancel(ask.tenant, workflow(ask, form))
    return back(form, "cancelled")
