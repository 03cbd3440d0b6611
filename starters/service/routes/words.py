"""What is said to a case: messages, claims, resolutions, judgements, words on parked steps."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request

from domain.cases.messages import Accepted as Taken
from domain.cases.messages import ClaimInput, FeedbackInput, MessageInput, ReassignInput, ResolveInput, UnparkInput
from domain.cases.terms import UnparkAction
from domain.ids import kind_of
from domain.troubleshooting.messages import CloseIncidentInput
from starters.dead_letters import find_letter
from starters.service.access.guarded import GuardedRoute
from starters.service.access.principals import person_of
from starters.service.access.roles import V1
from starters.service.contract.declared import of_body
from starters.service.contract.idempotency import key_of
from starters.service.contract.naming import case_named, person_named
from starters.service.contract.requests import ClaimIn, FeedbackIn, MessageIn, ReassignIn, ResolveIn, UnparkIn
from starters.service.contract.views import Accepted, UnparkView
from starters.service.http.errors import invalid, unfitting
from starters.service.services import Asking, Using

router = APIRouter(route_class=GuardedRoute, tags=["cases"])
_CASE = f"{V1}/cases/{{case_id}}"


def _view(taken: Taken) -> Accepted:
    return Accepted(text=taken.text, status=taken.status.value)


def _served(workflow_id: str) -> None:
    """Refuse what is said to a run of a playbook and only cases take.

    Raises:
        Problem: 409.
    """
    if kind_of(workflow_id) == "playbook":
        raise unfitting("That is a run of a playbook, and this is for tickets and incidents.")


@router.post(f"{_CASE}/messages", responses=of_body(404))
async def add_message(case_id: str, body: MessageIn, request: Request, services: Using, principal: Asking) -> Accepted:
    """Add a message of the customer, or of the agent that the key stands for."""
    workflow_id = case_named(principal, case_id)
    if kind_of(workflow_id) != "escalation":
        raise unfitting("Only tickets take messages: ask an incident a question at /queries.")
    author = person_of(principal) if body.author == "me" else "customer"
    named = body.message_id or _made_of(key_of(request), principal.principal_id, author, body.text)
    said = MessageInput(message_id=named, text=body.text, author=author)
    return _view(await services.cases.message(principal.tenant, workflow_id, said))


def _made_of(key: str | None, *said: str) -> str:
    """An id of a message that was given none: of the request's key, else of its words, so that a repeat counts once."""
    parts = (key,) if key is not None else said
    return "http/" + hashlib.sha256("\x00".join((said[0], *parts)).encode()).hexdigest()[:32]


@router.post(f"{_CASE}/claim", responses=of_body(404))
async def claim(case_id: str, body: ClaimIn, services: Using, principal: Asking) -> Accepted:
    """Take a case for the person that the key stands for."""
    workflow_id = case_named(principal, case_id)
    _served(workflow_id)
    word = ClaimInput(person_id=person_of(principal), take_over=body.take_over)
    return _view(await services.cases.claim(principal.tenant, workflow_id, word))


@router.post(f"{_CASE}/reassign", responses=of_body(404))
async def reassign(case_id: str, body: ReassignIn, services: Using, principal: Asking) -> Accepted:
    """Give a case to a named person of the directory, whoever has it now."""
    workflow_id, by = case_named(principal, case_id), person_of(principal)
    _served(workflow_id)
    # A case that is not there is none, whoever is named.
    await services.cases.is_running(principal.tenant, workflow_id)
    to = person_named(services.configuration, principal.tenant, body.to)
    word = ReassignInput(person_id=by, to=to, note=body.note)
    return _view(await services.cases.reassign(principal.tenant, workflow_id, word))


@router.post(f"{_CASE}/resolve", responses=of_body(404))
async def resolve(case_id: str, body: ResolveIn, services: Using, principal: Asking) -> Accepted:
    """Say that a case is solved."""
    workflow_id, person = case_named(principal, case_id), person_of(principal)
    _served(workflow_id)
    if kind_of(workflow_id) == "troubleshooting":
        word = CloseIncidentInput(person_id=person, resolution=body.resolution, cause=body.cause)
        return _view(await services.incidents.close(principal.tenant, workflow_id, word))
    said = ResolveInput(person_id=person, resolution=body.resolution, tell_customer=body.tell_customer)
    return _view(await services.cases.resolve(principal.tenant, workflow_id, said))


@router.post(f"{_CASE}/feedback", responses=of_body(404))
async def feedback(case_id: str, body: FeedbackIn, services: Using, principal: Asking) -> Accepted:
    """Record how a ticket's case was judged."""
    workflow_id = case_named(principal, case_id)
    if kind_of(workflow_id) != "escalation":
        raise unfitting("Only tickets are judged by their customers.")
    judged = FeedbackInput(
        rating=body.rating, comment=body.comment, escalation_was_right=body.escalation_was_right, author="customer"
    )
    return _view(await services.cases.feedback(principal.tenant, workflow_id, judged))


@router.post(f"{_CASE}/unpark", responses=of_body(404))
async def unpark(case_id: str, body: UnparkIn, services: Using, principal: Asking) -> UnparkView:
    """Say how a parked step goes on."""
    workflow_id, person = case_named(principal, case_id), person_of(principal)
    _, parked = await find_letter(services.cases, principal.tenant, workflow_id, body.step)
    if body.arguments is not None and body.action != "retry":
        raise invalid("Only a retry takes other arguments.")
    word = UnparkInput(
        step=body.step,
        action=UnparkAction(body.action),
        person_id=person,
        arguments=body.arguments,
        reason=body.reason,
        parked_at=parked.parked_at,
    )
    receipt = await services.cases.unpark(principal.tenant, workflow_id, word)
    refusal = receipt.refusal
    return UnparkView(
        text=receipt.text,
        status=receipt.status.value,
        taken=refusal is None,
        refusal=refusal.sentence if refusal is not None else None,
    )
