"""Forms: made from a schema and read back, with files that are taken one by one; reports shown as text."""

from __future__ import annotations

import gzip
import re
import uuid
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from domain.errors import InvalidInput
from domain.troubleshooting.knowledge import Lesson
from domain.troubleshooting.telling.escaping import literal
from starters.console.playbooks.inputs import data_from, inputs_of, values_of
from starters.console.sign_in.visitors import csrf_of
from starters.console.web.markdown import page_of
from starters.service.http.errors import Problem
from tests.console.browser import Browser, Suspicion, is_safe
from tests.console.conftest import EVIL
from tests.service.service_world import ServiceWorld
from tests.service.test_contract import until

Browsers = Callable[..., Browser]
SCHEMA: dict[str, Any] = {
    "format": "json",
    "document": {
        "type": "object",
        "required": ["order", "customer"],
        "properties": {
            "order": {"type": "string", "maxLength": 60},
            "customer": {
                "type": "object", "required": ["id"],
                "properties": {"id": {"type": "string"}, "vip": {"type": "boolean"}},
            },
            "amount": {"type": "number"},
            "count": {"type": "integer"},
            "items": {"type": "array"},
            "service": {"enum": ["standard", "express"]},
            "note": {"type": "string", "maxLength": 2000},
        },
    },
}  # fmt: skip


def test_a_form_asks_for_what_the_schema_names_and_gives_back_the_data() -> None:
    inputs = inputs_of(SCHEMA)
    assert {one.name: (one.kind, one.required) for one in inputs} == {
        "in.order": ("text", True), "in.customer.id": ("text", True), "in.customer.vip": ("boolean", False),
        "in.amount": ("number", False), "in.count": ("integer", False), "in.items": ("json", False),
        "in.service": ("choice", False), "in.note": ("long", False),
    }  # fmt: skip
    data = {"order": "A-1", "customer": {"id": "7", "vip": False}, "amount": 2.5, "count": 3, "items": [{"sku": "a"}],
            "service": "express"}  # fmt: skip
    assert data_from(inputs, values_of(inputs, data)) == data
    assert data_from(inputs, {"in.order": "0012", "in.amount": "4"}) == {"order": "0012", "amount": 4}
    assert data_from(inputs, {}) == {}
    for name, text in (("in.count", "2.5"), ("in.amount", "much")):
        with pytest.raises(InvalidInput, match="is no number"):
            data_from(inputs, {name: text})
    for text in ("{", "[" * 5000, '{"a": 1, "a": 2}', "NaN"):
        with pytest.raises(Problem):
            data_from(inputs, {"in.items": text})


@pytest.mark.parametrize("schema", [None, {}, {"document": {}}, {"document": {"type": "object"}}, {"document": True},
                                    {"document": {"properties": {"a.b": {}}}},
                                    {"document": {"properties": {f"p{n}": {} for n in range(99)}}}])  # fmt: skip
def test_a_schema_that_says_little_or_too_much_is_asked_as_json(schema: Any) -> None:
    assert inputs_of(schema) == ()
    assert data_from((), {"input": '{"a": [1]}'}) == {"a": [1]}
    assert data_from((), {}) is None


def test_a_report_is_shown_with_its_marks_and_hostile_words_stay_words() -> None:
    shown = str(page_of(f"# A\n\n- **b** and `c` \\_d\\_ {EVIL}\n- e\n\n```mermaid\nx <b>\n```\n\\*f\\*"))
    assert "<h1>A</h1>" in shown
    assert "<strong>b</strong> and <code>c</code> _d_ " in shown
    assert shown.count("<li>") == 2
    assert "<pre>x &lt;b&gt;</pre>" in shown
    assert "<p>*f*</p>" in shown
    assert Suspicion(shown).faults == []
    assert "<b>" not in str(page_of("\\<b\\> \uf03cscript\uf03e"))
    assert "&lt;b&gt;" in str(page_of("\\<b\\>"))
    awkward = "a < b > c & d &lt; \\$1 ^x^ ~y~ #z"
    assert unescape(re.sub(r"</?p>", "", str(page_of(literal(awkward))))) == awkward


def send(browser: Browser, path: str, fields: dict[str, str], files: list[tuple[str, bytes]]) -> Any:
    given = {"csrf": csrf_of(browser.http.cookies["surehand_console"]), **fields}
    parts = [("file", (name, content, "text/plain")) for name, content in files]
    return browser.http.post(
        f"/console/do/{path}", data=given, files=parts or {"file": ("", b"")}, headers={"Origin": browser.world.url}
    )


def test_an_incident_is_opened_once_with_all_its_files(world: ServiceWorld, browsers: Browsers) -> None:
    browser = browsers("person")
    files = [("a.log", b"one\n" * 50_000), ("", b""), (EVIL[:80], b"two\n"), ("c.log.gz", gzip.compress(b"three\n"))]
    fields = {"once": str(uuid.uuid4()), "title": f"Slow {EVIL}"[:200], "tickets": "T-1, T-2"}
    first, again = (send(browser, "open-incident", fields, files) for _ in range(2))
    assert first.status_code == 303, first.text
    assert first.headers["location"] == again.headers["location"]
    address = first.headers["location"]
    until(lambda: browser.http.get(address).text.count('href="/console/cases/T-') == 2)
    page = browser.http.get(address)
    words = is_safe(page)
    assert "a.log" in words
    assert "200,000 bytes" in words
    assert "c.log.gz" in words
    assert page.text.count("/console/evidence/") == 3


@pytest.mark.parametrize(("files", "status"), [
    ([("a.bin", b"\x00\x01\x02")], 415), ([("big.log", b"x" * 3_000_001)], 413), ([("empty.log", b"")], 422),
    ([(f"{n}.log", b"x") for n in range(30)], 422), ([("bomb.gz", gzip.compress(b"0" * 60_000_000))], 413),
])  # fmt: skip
def test_files_that_cannot_be_evidence_are_refused_with_a_page(
    world: ServiceWorld, browsers: Browsers, files: list[tuple[str, bytes]], status: int
) -> None:
    answer = send(browsers("person"), "open-incident", {"once": str(uuid.uuid4()), "title": "x"}, files)
    assert answer.status_code == status
    is_safe(answer)


def test_a_form_with_files_is_read_only_as_a_browser_sends_it(world: ServiceWorld, browsers: Browsers) -> None:
    browser = browsers("person")
    token = csrf_of(browser.http.cookies["surehand_console"])

    def raw(body: bytes, kind: str = "multipart/form-data; boundary=x") -> int:
        headers = {"Origin": world.url, "Content-Type": kind}
        return browser.http.post("/console/do/evidence", content=body, headers=headers).status_code

    def part(name: str, value: str) -> bytes:
        return f"--x\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n".encode()

    csrf, file = part('name="csrf"', token), part('name="file"; filename="a.log"', "x")
    assert raw(csrf + part('name="case"', "incident:none") + file + b"--x--\r\n") == 404
    assert raw(file + csrf + b"--x--\r\n") == 422
    assert raw(file + b"--x--\r\n") == 403
    assert raw(csrf + part('name="csrf"', token) + file + b"--x--\r\n") == 422
    assert raw(csrf + part('name="person_id"', "p-omar") + part('name="case"', "c") + file + b"--x--\r\n") == 422
    for body in (b"", b"garbage", csrf, csrf + b"--x"):
        assert raw(body) in (403, 422), body
    for kind in ("multipart/form-data", "multipart/form-data; boundary=", "application/json", "text/plain"):
        assert raw(csrf, kind) == 415, kind


def test_a_ticket_is_opened_once_and_what_is_wrong_is_said_beside_what_was_typed(
    world: ServiceWorld, browsers: Browsers
) -> None:
    browser = browsers("person")
    fields = {"once": str(uuid.uuid4()), "subject": f"Help {EVIL}"[:200], "email": "a@example.com", "tier": "vip"}
    first, again = (browser.do("open-ticket", **fields) for _ in range(2))
    assert first.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    until(lambda: "Help" in is_safe(browser.http.get(first.headers["location"])))
    wrongs = (
        ({"email": "nobody"}, "look at email"),
        ({"subject": " "}, "insufficient context for a title"),
        ({"tier": "emperor"}, "look at tier"),
        ({"priority": "now"}, "look at priority"),
    )
    for wrong, words in wrongs:
        answer = browser.do("open-ticket", **{**fields, "name": "Typed before", **wrong})
        assert answer.status_code == 422, wrong
        assert words in is_safe(answer)
        assert 'role="alert"' in answer.text
        assert "Typed before" in answer.text
    assert browser.do("open-ticket", **fields, tenant="acme-us").status_code == 422


def test_a_lesson_is_reviewed_by_a_person_and_only_by_its_tenant(world: ServiceWorld, browsers: Browsers) -> None:
    lesson = Lesson(lesson_id="INC-EVIL", title=f"L {EVIL}"[:300], body=EVIL, words=("some words",))
    world.do(world.services.knowledge.learn("default", lesson))
    browser, stranger = browsers("person"), browsers("other")
    assert "1 lesson waits for a review" in is_safe(browser.get("/"))
    assert "lesson waits" not in stranger.get("/").text
    assert stranger.get("/knowledge/INC-EVIL").status_code == 404
    assert stranger.do("review", lesson="INC-EVIL", status="reviewed").status_code == 422
    assert browsers("agent").do("review", lesson="INC-EVIL", status="reviewed").status_code == 403
    assert browser.do("review", lesson="INC-EVIL", status="draft").status_code == 422
    assert EVIL.replace("\u202e", "\\u202e")[:90] in is_safe(browser.get("/knowledge/INC-EVIL"))
    done = browser.do("review", lesson="INC-EVIL", status="reviewed")
    assert done.headers["location"] == "/console/knowledge/INC-EVIL?done=reviewed"
    assert "reviewed by Lena Brandt" in is_safe(browser.get("/knowledge/INC-EVIL"))
    assert browser.do("review", lesson="INC-EVIL", status="reviewed").status_code == 422
