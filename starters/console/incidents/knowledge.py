"""What is known of failures: searched, looked at, and reviewed by people before anybody else finds it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from starlette.responses import RedirectResponse, Response

from domain.identity.people import Person
from domain.identity.principals import Role
from domain.troubleshooting.knowledge import KnowledgeAnswer, Lesson, LessonStatus
from starters.console.cases.fields import Fields, person
from starters.console.web.markdown import page_of
from starters.console.web.pages import Ask, address
from starters.knowledge import KnowledgeDesk
from starters.service.http.errors import Problem

_HITS = 10


class _Review(Fields):
    lesson: str = Field(min_length=1, max_length=200)
    status: Literal["reviewed", "retired"]


async def page(ask: Ask) -> Response:
    """Lessons, those that wait for a review first, and what fits the words that were asked for."""
    asked = ask.request.query_params
    text, status = asked.get("text", "").strip()[:2_000], asked.get("status", "")
    wanted = status if status in set(LessonStatus) else ""
    desk = KnowledgeDesk(ask.services.knowledge, ask.tenant)
    lessons = sorted(await desk.lessons(wanted or None), key=lambda one: one.status is not LessonStatus.DRAFT)
    answer: KnowledgeAnswer | None = await desk.search(text, _HITS) if text else None
    return ask.page(
        "knowledge",
        text=text,
        wanted=wanted,
        statuses=[one.value for one in LessonStatus],
        lessons=lessons,
        answer=answer,
        signatures=desk.signatures(),
    )


async def one(ask: Ask) -> Response:
    """One lesson or signature, whole."""
    found = await ask.services.knowledge.find(ask.tenant, ask.request.path_params["name"])
    if found is None:
        raise Problem(404, "NOT_FOUND", "There is no such lesson or signature.")
    lesson = found if isinstance(found, Lesson) else None
    visitor = ask.visitor.principal
    return ask.page(
        "lesson",
        found=found,
        lesson=lesson,
        body=page_of(lesson.body) if lesson is not None else "",
        may_review=lesson is not None and visitor.person_id is not None and visitor.may(Role.AGENT),
    )


async def review(ask: Ask) -> Response:
    """Let others find a lesson, or let nobody find it any more."""
    form = _Review.model_validate(ask.form)
    who: Person | None = ask.services.configuration.person(ask.tenant, person(ask))
    if who is None:
        raise Problem(403, "NO_PERSON", "You are no longer in the directory: ask an admin.")
    desk = KnowledgeDesk(ask.services.knowledge, ask.tenant)
    kept = await desk.review(form.lesson, LessonStatus(form.status), who)
    return RedirectResponse(address("knowledge", kept.lesson_id, done=form.status), 303)
