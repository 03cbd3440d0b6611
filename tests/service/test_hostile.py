"""What nobody should send: each is refused in the known shape, and never with a 500."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from starters.service.access.roles import ACCESS
from starters.service.http import bodies
from starters.service.http.errors import Problem
from starters.service.http.unpacking import Checked
from tests.service.raw import Client, head
from tests.service.service_world import ServiceWorld
from tests.service.test_access import BODIES
from tests.service.test_contract import incident, is_refusal

TAKE_JSON = sorted(path for method, path in ACCESS if method == "POST" and path != "/api/v1/data/upload")
NAMES = {"case_id": "T-none", "name": "order-fulfilment"}
JSON_TYPE = {"Content-Type": "application/json"}
ERROR = b"2026-11-20T14:02:00Z checkout ERROR no\n" * 20
FILE_PART = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nx'


def text_of(path: str) -> str:
    return json.dumps(BODIES[path])


def with_field(path: str, raw: str) -> bytes:
    """A good body with one more field, written as it is given."""
    return (text_of(path)[:-1] + ("," if BODIES[path] else "") + raw + "}").encode("utf-8", "surrogatepass")


HOSTILE: dict[str, tuple[Any, int]] = {
    "not a number": (lambda path: with_field(path, '"x":NaN'), 422),
    "infinity": (lambda path: with_field(path, '"x":-Infinity'), 422),
    "beyond any float": (lambda path: with_field(path, '"x":1e999'), 422),
    "beyond 64 bits": (lambda path: with_field(path, f'"x":{10**30}'), 422),
    "ten thousand digits": (lambda path: with_field(path, '"x":' + "9" * 10_000), 422),
    "half a character": (lambda path: with_field(path, '"x":"\\ud800"'), 422),
    "half a character as a name": (lambda path: with_field(path, '"\\udfff":1'), 422),
    "half a character as bytes": (lambda path: with_field(path, '"x":"\ud800"'), 422),
    "a NUL": (lambda path: with_field(path, '"x":"a\\u0000b"'), 422),
    "deeper than Python goes": (lambda path: with_field(path, '"x":' + "[" * 100_000 + "]" * 100_000), 422),
    "deep": (lambda path: with_field(path, '"x":' + '{"a":' * 60 + "1" + "}" * 60), 422),
    "a field that is not known": (lambda path: with_field(path, '"tenant_id":"acme-us"'), 422),
    "a name twice": (lambda path: with_field(path, '"x":1,"x":2'), 422),
    "a list": (lambda path: b"[]", 422),
    "a text": (lambda path: b'"x"', 422),
    "null": (lambda path: b"null", 422),
    "nothing": (lambda path: b"", 422),
    "half of it": (lambda path: text_of(path).encode()[:-1], 422),
    "no text at all": (lambda path: random.Random(7).randbytes(2_000), 422),
    "another encoding": (lambda path: text_of(path).encode("utf-16"), 422),
    "two of them": (lambda path: text_of(path).encode() * 2, 422),
}


@pytest.mark.parametrize("path", TAKE_JSON)
def test_no_body_breaks_a_route(world: ServiceWorld, path: str) -> None:
    url = path.format(**NAMES)
    with world.client(**JSON_TYPE) as http:
        for name, (make, status) in HOSTILE.items():
            if path.endswith("/events") and name == "a field that is not known":
                continue  # extension attributes stand there
            answer = http.post(url, content=make(path))
            assert answer.status_code == status, f"{name}: {answer.text}"
            is_refusal(answer, status)
            assert "\ud800" not in answer.text
        for kind in (
            "text/plain",
            "application/xml",
            "multipart/form-data; boundary=x",
            "application/json; charset=latin1",
        ):
            is_refusal(http.post(url, content=text_of(path), headers={"Content-Type": kind}), 415)
        packed = {"Content-Encoding": "gzip"}
        is_refusal(http.post(url, content=gzip.compress(text_of(path).encode()), headers=packed), 415)
        for coding in ("br", "deflate", "gzip, identity", "x"):
            is_refusal(http.post(url, content=b"{}", headers={"Content-Encoding": coding}), 415)


def test_a_body_is_read_as_deep_as_it_may_be_and_no_deeper() -> None:
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    assert bodies.parse(nested(bodies.DEEPEST)) is not None
    with pytest.raises(Problem, match="nested deeper"):
        bodies.parse(nested(bodies.DEEPEST + 2))


async def test_fifty_megabytes_are_refused_and_not_kept(world: ServiceWorld) -> None:
    known = [("Authorization", f"Bearer {world.keys['person']}"), ("Content-Type", "application/json")]
    size = 50_000_000
    piece = b"[" * 1_000_000

    async def pieces(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield piece

    async with Client(world.url) as client:
        begin = head("POST", "/api/v1/cases", [*known, ("Content-Length", str(size))])
        declared = await client.say(begin, *[piece] * 50)
        assert declared.status == 413
        assert json.loads(declared.body)["error_type"] == "PAYLOAD_TOO_LARGE"
    async with Client(world.url) as client:
        begin = head("POST", "/api/v1/cases", [*known, ("Transfer-Encoding", "chunked")])
        chunked = await client.stream(begin, pieces(50))
        assert chunked.status == 413
    async with Client(world.url) as client:
        # Whoever never stops is cut off.
        begin = head("POST", "/api/v1/cases", [*known, ("Transfer-Encoding", "chunked")])
        try:
            endless = await asyncio.wait_for(client.stream(begin, pieces(1_000)), 60)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        else:
            assert endless.status == 413


async def test_a_body_that_stalls_or_breaks_off_is_let_go(world: ServiceWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.pieces_of, "__defaults__", (0.3,))
    known = [("Authorization", f"Bearer {world.keys['person']}"), ("Content-Type", "application/json")]
    async with Client(world.url) as client:
        stalled = await client.say(head("POST", "/api/v1/cases", [*known, ("Content-Length", "100")]), b'{"kind"')
        assert stalled.status == 408
    async with Client(world.url) as client:
        await client.send(head("POST", "/api/v1/cases", [*known, ("Content-Length", "100")]), b'{"kind"')
    async with Client(world.url) as client:
        assert (await client.say(head("GET", "/health/live", []))).status == 200


@pytest.mark.parametrize(
    "path",
    ["/api/v1/cases/%00", "/api/v1/cases/%ff%fe", "/api/v1/cases/%ED%A0%80", "/api/v1/cases/" + "x" * 5_000,
     "/api/v1/cases/..%2f..%2fetc", "/api/v1/cases/escalation:acme-us:T", "/api/v1/cases/a%0d%0aSet-Cookie:x",
     "/api/v1/cases/%E2%80%AE", "/api/v1/cases/:", "/api/v1/cases/::", "/api/v1/cases/incident:", "/api/v1/cases/%20",
     "/api/v1/playbooks/..%2f..%2fREADME", "/api/v1/playbooks/%00", "/api/v1/sessions/%00"],
)  # fmt: skip
def test_no_path_breaks_a_route(http: httpx.Client, path: str) -> None:
    answer = http.get(path)
    assert answer.status_code in (404, 422), answer.text
    is_refusal(answer, answer.status_code)
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("query", ["limit=%00", "limit=%ff", "status=%00", "limit=" + "9" * 400, "%00=1", "a" * 9_000])
def test_no_parameter_breaks_a_list(http: httpx.Client, query: str) -> None:
    is_refusal(http.get(f"/api/v1/cases?{query}"), 422)


async def test_no_header_breaks_a_route(world: ServiceWorld) -> None:
    many = [(f"X-{number}", "v") for number in range(3_000)]
    for headers in ([("X-Correlation-ID", "é\xff")], [("Idempotency-Key", "\xff")], [("Content-Length", "-1")], many):
        async with Client(world.url) as client:
            known = [("Authorization", f"Bearer {world.keys['person']}"), *headers]
            answer = await client.say(head("GET", "/api/v1/cases?limit=1", known))
            assert answer.status in (200, 400, 422, 431)


# Uploads


def upload(
    http: httpx.Client, content: bytes, name: str = "x.log", kind: str = "text/plain", **data: str
) -> httpx.Response:
    return http.post("/api/v1/data/upload", files={"file": (name, content, kind)}, data=data)


def test_an_upload_of_a_good_file_is_kept_once(http: httpx.Client) -> None:
    first = upload(http, ERROR, service="checkout")
    assert first.status_code == 201, first.text
    assert first.json()["service"] == "checkout"
    assert upload(http, ERROR).json()["reference"] == first.json()["reference"]
    packed = upload(http, gzip.compress(ERROR), "x.log.gz", "application/gzip")
    assert packed.status_code == 201, packed.text
    assert packed.json()["kind"] == "logs"


def test_an_upload_can_be_given_to_an_incident_at_once(world: ServiceWorld, http: httpx.Client) -> None:
    opened = http.post("/api/v1/cases", json=incident()).json()["case_id"]
    given = upload(http, b"2026-11-20T14:02:00Z checkout ERROR yes\n" * 20, case_id=opened)
    assert given.status_code == 201, given.text
    assert given.json()["case_id"] == opened
    with world.client("other") as stranger:
        is_refusal(upload(stranger, b"x\n", case_id=opened), 404)
    is_refusal(upload(http, b"x\n", case_id="T-none"), 404)


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(1_000_000)
    return b"".join(packer.compress(piece) for _ in range(size // len(piece))) + packer.flush()


def test_files_that_are_not_taken_are_refused(http: httpx.Client) -> None:
    line = b"2026-11-20 ERROR x\n"
    is_refusal(upload(http, b""), 422)
    is_refusal(upload(http, line * 200_000), 413)
    is_refusal(upload(http, bomb(200_000_000), "x.gz", "application/gzip"), 413)
    is_refusal(upload(http, gzip.compress(bomb(300_000_000))[:-30], "x.gz", "application/gzip"), 422)
    is_refusal(upload(http, gzip.compress(line * 99)[:-6], "x.gz", "application/gzip"), 422)
    is_refusal(upload(http, b"\x1f\x8b" + line * 9, "x.gz", "application/gzip"), 422)
    is_refusal(upload(http, b"\x7fELF\x00\x00\x00" * 9, "x.bin", "application/octet-stream"), 415)
    is_refusal(upload(http, line, "x.exe", "application/x-msdownload"), 415)
    is_refusal(upload(http, b"<svg/>", "x.svg", "image/svg+xml"), 415)
    is_refusal(http.post("/api/v1/data/upload", json={"file": "x"}), 415)
    is_refusal(upload(http, line, tenant="acme-us"), 422)
    is_refusal(upload(http, line, service="x" * 5_000), 422)
    is_refusal(http.post("/api/v1/data/upload", data={"service": "x"}, files={"other": ("x", line)}), 422)
    packed = {"Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=x"}
    is_refusal(http.post("/api/v1/data/upload", content=gzip.compress(line), headers=packed), 415)


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        ("multipart/form-data; boundary=" + "x" * 200, b"x"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"nonsense"),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", FILE_PART),
        ("multipart/form-data; boundary=b", FILE_PART + b"\r\n" + FILE_PART + b"\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X: " + b"y" * 20_000 + b"\r\n\r\nx\r\n--b--\r\n"),
        ("multipart/form-data; boundary=b", FILE_PART.replace(b'"file"', b"\xff\xfe") + b"\r\n--b--\r\n"),
    ],
)  # fmt: skip
def test_no_form_breaks_the_upload(http: httpx.Client, kind: str, content: bytes) -> None:
    answer = http.post("/api/v1/data/upload", content=content, headers={"Content-Type": kind})
    assert answer.status_code in (415, 422), answer.text
    is_refusal(answer, answer.status_code)


async def test_a_file_is_refused_at_the_byte_where_it_grows_too_large_whatever_was_declared() -> None:
    given: list[int] = []

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(9):
            given.append(number)
            yield b"x" * 40

    with pytest.raises(Problem) as refused:
        async for _ in Checked(pieces(), 100):
            pass
    assert (refused.value.status, given) == (413, [0, 1, 2])


def test_a_file_name_is_never_a_path(world: ServiceWorld, http: httpx.Client) -> None:
    for name in ("../../etc/passwd", "C:\\x", "a\r\nb", "\u202egpj.exe", "x" * 5_000, "é\u0000"):
        kept = upload(http, b"2026-11-20 ERROR x\n" * 3, name)
        assert kept.status_code in (201, 422), kept.text
        if kept.status_code == 201:
            assert len(kept.json()["name"]) <= 200
    assert not (world.folder.parent / "etc").exists()


def test_what_a_customer_writes_is_data_in_answers(http: httpx.Client) -> None:
    words = "<script>alert(1)</script> {{7*7}} ${jndi:ldap://x} \u202e"
    opened = http.post("/api/v1/cases", json=incident(title=words))
    assert opened.status_code == 201
    shown = http.get(opened.headers["location"])
    assert shown.headers["content-type"] == "application/json"
    assert shown.json()["title"] == words
    time.sleep(0)
