"""Webhooks: each sender's own signature, each delivery once, and what it says done through the usual doors."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from domain.errors import ConfigurationProblem
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG
from starters.service.hooks import mail, taking
from starters.service.hooks.endpoints import check
from starters.service.http.errors import Problem
from tests.service.slack_world import SECRETS, SlackWorld
from tests.service.test_contract import is_refusal, until

Headers = dict[str, str]
JSON = {"Content-Type": "application/json"}


def mac(secret: str, signed: bytes) -> bytes:
    return hmac.new(secret.encode(), signed, hashlib.sha256).digest()


def zendesk(body: bytes, *, secret: str | None = None, late: float = 0) -> Headers:
    stamp = (datetime.now(UTC) - timedelta(seconds=late)).strftime("%Y-%m-%dT%H:%M:%SZ")
    signature = base64.b64encode(mac(secret or SECRETS["zendesk"], stamp.encode() + body)).decode()
    return {**JSON, "X-Zendesk-Webhook-Signature-Timestamp": stamp, "X-Zendesk-Webhook-Signature": signature}


def alertmanager(body: bytes, *, secret: str | None = None, late: float = 0) -> Headers:
    return {**JSON, "Authorization": f"Bearer {secret or SECRETS['alertmanager']}"}


def pagerduty(body: bytes, *, secret: str | None = None, late: float = 0) -> Headers:
    other = mac("theirs and not ours", body).hex()
    return {**JSON, "X-PagerDuty-Signature": f"v1={other},v1={mac(secret or SECRETS['pagerduty'], body).hex()}"}


def events(body: bytes, *, secret: str | None = None, late: float = 0) -> Headers:
    moment, name = datetime.now(UTC) - timedelta(seconds=late), f"msg_{uuid.uuid4().hex}"
    key = base64.b64encode(secret.encode()).decode() if secret else SECRETS["events"]
    signature = Webhook(key).sign(name, moment, body.decode("utf-8", "replace"))
    named = {"webhook-id": name, "webhook-timestamp": str(int(moment.timestamp())), "webhook-signature": signature}
    return {"Content-Type": "application/cloudevents+json", **named}


def email(body: bytes, *, secret: str | None = None, late: float = 0) -> Headers:
    password = base64.b64encode(f"mail:{secret or SECRETS['email']}".encode()).decode()
    return {"Content-Type": "message/rfc822", "Authorization": f"Basic {password}"}


SIGN: dict[str, Callable[..., Headers]] = {
    "zendesk": zendesk, "alertmanager": alertmanager, "pagerduty": pagerduty, "events": events, "email": email,
}  # fmt: skip


def created(number: int, **more: Any) -> dict[str, Any]:
    detail = {"id": str(number), "subject": "Where is my invoice?", "description": "I cannot find it.",
              "requester_id": "77", "priority": "URGENT", "tags": ["web"], "is_public": True, **more}  # fmt: skip
    return {"account_id": 1, "id": f"created-{number}", "type": "zen:event-type:ticket.created", "detail": detail,
            "event": {"meta": {"sequence": 1}}, "subject": f"zen:ticket:{number}", "time": "2026-11-21T10:00:00Z",
            "zendesk_event_version": "2022-11-06"}  # fmt: skip


def commented(number: int, name: str, text: str, **more: Any) -> dict[str, Any]:
    comment = {"id": name, "body": text, "is_public": True, "author": {"id": "77", "is_staff": False}, **more}
    return {**created(number), "id": f"commented-{name}", "type": "zen:event-type:ticket.comment_added",
            "event": {"comment": comment}}  # fmt: skip


def group(status: str = "firing", key: str = '{}:{alertname="ErrorRate"}', end: str = "0001-01-01T00:00:00Z") -> Any:
    labels = {"alertname": "ErrorRate", "service": "checkout", "severity": "critical"}
    alert = {"status": status, "labels": labels, "annotations": {"summary": "Checkout answers with errors"},
             "startsAt": "2026-11-21T10:00:00Z", "endsAt": end, "fingerprint": "f1", "generatorURL": ""}  # fmt: skip
    return {"version": "4", "groupKey": key, "truncatedAlerts": 0, "status": status, "receiver": "surehand",
            "groupLabels": {"alertname": "ErrorRate"}, "commonLabels": labels,
            "commonAnnotations": alert["annotations"], "externalURL": "", "alerts": [alert]}  # fmt: skip


def paged(kind: str, name: str = "PGR0VU2") -> dict[str, Any]:
    data = {"id": name, "type": "incident", "title": "Database is full", "urgency": "high", "status": "triggered",
            "service": {"id": "PF9KMXH", "type": "service_reference", "summary": "orders"}}  # fmt: skip
    return {"event": {"id": f"{kind}-{name}", "event_type": f"incident.{kind}", "resource_type": "incident",
                      "occurred_at": "2026-11-21T10:00:00Z", "agent": None, "client": None, "data": data}}  # fmt: skip


def happened() -> dict[str, Any]:
    return {"specversion": "1.0", "id": "e-1", "source": "//shop", "type": "com.example.paid", "data": {"order": "O-1"}}


def letter(
    subject: str = "Printer", sender: str = "Ada <ada@example.org>", text: str = "It smokes.", **more: str
) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, "support@example.com", subject
    mail["Message-ID"] = f"<{uuid.uuid4().hex}@example.org>"
    for name, value in more.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


GOOD: dict[str, bytes] = {
    "zendesk": json.dumps(created(9000, external_id="T-ours")).encode(),
    "alertmanager": json.dumps(group("resolved", key="unheard of")).encode(),
    "pagerduty": json.dumps(paged("acknowledged", "P0")).encode(),
    "events": json.dumps(happened()).encode(),
    "email": letter(Auto_Submitted="auto-replied"),
}


def post(wire: httpx.Client, kind: str, data: Any, **more: Any) -> httpx.Response:
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return wire.post(f"/webhooks/{kind}", content=body, headers=SIGN[kind](body, **more))


def delivered(slack: SlackWorld) -> None:
    until(lambda: slack.do(slack.services.store.inbox.waiting()) == 0)


def incident(slack: SlackWorld, name: str, tenant: str = "default") -> Any:
    return slack.do(slack.services.incidents.state(tenant, f"incident:{name}"))


def case(slack: SlackWorld, name: str) -> Any:
    return slack.do(slack.services.cases.escalation("default", name))


@pytest.mark.parametrize("kind", sorted(SIGN))
def test_what_the_sender_did_not_sign_is_refused_and_a_repeat_is_known(wire: httpx.Client, kind: str) -> None:
    body, sign = GOOD[kind], SIGN[kind]
    good = sign(body)
    for headers in (
        {"Content-Type": good["Content-Type"]},
        sign(body, secret="another"),
        {name: value if name == "Content-Type" else "é".encode() for name, value in good.items()},
        {name: value if name == "Content-Type" else "v1=,x" for name, value in good.items()},
    ):
        is_refusal(wire.post(f"/webhooks/{kind}", content=body, headers=headers), 401, "UNAUTHENTICATED")
    if kind not in ("alertmanager", "email"):
        is_refusal(wire.post(f"/webhooks/{kind}", content=body + b" ", headers=good), 401)
    if kind in ("zendesk", "events"):
        is_refusal(wire.post(f"/webhooks/{kind}", content=body, headers=sign(body, late=310)), 401)
        is_refusal(wire.post(f"/webhooks/{kind}", content=body, headers=sign(body, late=-310)), 401)
    answers = [wire.post(f"/webhooks/{kind}", content=body, headers=good) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202] * 3, answers[0].text
    assert [answer.json()["status"] for answer in answers] == ["taken", "known", "known"]


@pytest.mark.parametrize("kind", sorted(set(SIGN) - {"email"}))
@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"\xff\xfe", b'{"a": NaN}', b'{"a":1,"a":2}', b"[" * 5_000,
     b'{"event": 5, "alerts": {}, "id": []}',
     b'{"version":"4","groupKey":"\\ud800","status":"firing","alerts":[{}]}', b'{"id":"\\u0000","type":"x"}'],
)  # fmt: skip
def test_a_signed_body_that_is_none_of_the_senders_is_refused_in_our_shape(
    wire: httpx.Client, kind: str, body: bytes
) -> None:
    answer = wire.post(f"/webhooks/{kind}", content=body, headers=SIGN[kind](body))
    assert answer.status_code in (401, 422), answer.text
    assert set(answer.json()) == {"detail", "error_type", "correlation_id", "timestamp"}


@pytest.mark.parametrize(
    "body",
    [b"", b"no mail", b"From: nobody\n\nx", b"Content-Type: multipart/mixed; boundary=x\nFrom: a@b.cc\n\n--x\n--x",
     b"From: a@example.org\nContent-Type: text/plain; charset=nonsense\n\n\xff",
     b"From: a@b.cc\nContent-Type: text/html\n\n" + b"<script<" * 120_000, b"From: " + b"a" * 9_000 + b"@b.cc\n\nx",
     b"From: =?utf-8?b?\xff?= <a@example.org>\nSubject: =?x?q?=00?=\n\n\x00", b"\x00" * 500,
     b"From: " + b"(" * 1_900 + b"a@b.cc\n\nx"],
)  # fmt: skip
def test_strange_e_mails_are_taken_or_refused_and_never_stumbled_over(wire: httpx.Client, body: bytes) -> None:
    assert wire.post("/webhooks/email", content=body, headers=email(body)).status_code in (202, 422)


MULTIPART = b"From: eve@example.net\nContent-Type: multipart/mixed; boundary=b0\n\n"


def nested(depth: int) -> bytes:
    parts = (b"--b%d\nContent-Type: multipart/x; boundary=b%d\n\n" % (n, n + 1) for n in range(depth))
    return MULTIPART + b"".join(parts)


@pytest.mark.parametrize(
    "raw",
    [nested(190) + b"x\n" * 299_000, nested(19) + b"x\n" * 3_000_000, MULTIPART + b"--b0\n\n" * 149_000,
     b"From: a@b.cc\n" + b"X: y\n" * 299_000,
     b"From: a@b.cc\nContent-Type: text/plain; " + b"a=b; " * 400_000 + b"\n\nx",
     MULTIPART + b"--b0\nContent-Type: text/plain; " + b'a="; ' * 400_000 + b"\n\nx"],
    ids=["nested", "lines", "parts", "headers", "parameters", "quotes"],
)  # fmt: skip
def test_no_e_mail_keeps_the_service_busy_for_long(raw: bytes) -> None:
    began = time.process_time()
    with contextlib.suppress(Problem):
        mail.of_mime(raw, None)
    assert time.process_time() - began < 2, "most of these once took from five seconds to minutes"


@pytest.mark.parametrize(
    "sent",
    [
        letter(Auto_Submitted="auto-replied"),
        letter(Precedence="bulk"),
        letter("Re: [Case T-1] Printer", sender="Surehand <SUPPORT@example.com>"),
    ],
    ids=["answered by a machine", "to a list", "by ourselves"],
)
def test_an_e_mail_that_nobody_wrote_asks_for_nothing(sent: bytes) -> None:
    assert mail.of_mime(letter(), "support@example.com").kind == "hook_ticket"
    assert mail.of_mime(sent, "support@example.com").kind is None


def test_endpoints_that_are_none_or_have_no_secret_take_nothing(wire: httpx.Client) -> None:
    for path in (
        "/webhooks/nobody",
        "/webhooks/zendesk/acme",
        "/webhooks/zendesk/..%2f",
        "/webhooks/alertmanager/nobody",
    ):
        is_refusal(wire.post(path, content=b"{}", headers=JSON), 404)
    body = GOOD["zendesk"]
    is_refusal(wire.post("/webhooks/zendesk/bare", content=body, headers=zendesk(body)), 503, "MISCONFIGURED")
    is_refusal(wire.post("/webhooks/zendesk", content=b"x" * 1_100_000, headers=JSON), 413)
    is_refusal(wire.post("/webhooks/zendesk", content=b"x", headers={"Content-Type": "text/xml"}), 415)


def test_either_of_two_secrets_is_good_while_one_replaces_the_other(wire: httpx.Client) -> None:
    assert post(wire, "pagerduty", paged("annotated", "P1"), secret="the old one").status_code == 202


def test_a_ticket_and_the_customers_comments_come_from_zendesk(slack: SlackWorld, wire: httpx.Client) -> None:
    for _ in range(3):
        assert post(wire, "zendesk", created(4711)).status_code == 202
    delivered(slack)
    assert case(slack, "4711").ticket.subject == "Where is my invoice?"
    post(wire, "zendesk", commented(4711, "c1", "Are you there?"))
    post(wire, "zendesk", commented(4711, "c1", "Are you there?"))
    post(wire, "zendesk", commented(4711, "c2", "A note among us.", is_public=False))
    post(wire, "zendesk", commented(4711, "c3", "We are.", author={"id": "5", "is_staff": True}))
    delivered(slack)
    told = case(slack, "4711").model_dump_json()
    assert told.count("zendesk/c1") >= 1
    assert "zendesk/c2" not in told
    assert "zendesk/c3" not in told


def test_a_group_of_alerts_is_one_incident_that_hears_when_they_are_over(slack: SlackWorld, wire: httpx.Client) -> None:
    key = f"group-{uuid.uuid4().hex}"
    name = "AM-" + hashlib.sha256(key.encode()).hexdigest()[:16]
    for _ in range(3):
        assert post(wire, "alertmanager", group(key=key)).status_code == 202
    delivered(slack)
    opened = incident(slack, name)
    assert opened.report.title == "Checkout answers with errors"
    assert opened.report.service == "checkout"
    assert len(opened.evidence) == 1
    post(wire, "alertmanager", group("resolved", key=key, end="2026-11-21T11:00:00Z"))
    delivered(slack)
    until(lambda: len(incident(slack, name).evidence) == 2)


def test_an_endpoint_of_another_tenant_opens_there_and_nowhere_else(slack: SlackWorld, wire: httpx.Client) -> None:
    key = f"group-{uuid.uuid4().hex}"
    name, body = "AM-" + hashlib.sha256(key.encode()).hexdigest()[:16], json.dumps(group(key=key)).encode()
    wrong = wire.post("/webhooks/alertmanager/acme", content=body, headers=alertmanager(body))
    is_refusal(wrong, 401)
    good = alertmanager(body, secret=SECRETS["acme"])
    assert wire.post("/webhooks/alertmanager/acme", content=body, headers=good).status_code == 202
    delivered(slack)
    assert incident(slack, name, "acme-us").report.title
    with slack.client() as client:
        assert client.get(f"/api/v1/cases/incident:{name}").status_code == 404


def test_pagerduty_opens_an_incident(slack: SlackWorld, wire: httpx.Client) -> None:
    post(wire, "pagerduty", paged("triggered", "PX1"))
    delivered(slack)
    assert incident(slack, "PD-PX1").report.title == "Database is full"
    post(wire, "pagerduty", paged("resolved", "PX1"))
    delivered(slack)
    until(lambda: len(incident(slack, "PD-PX1").evidence) == 2)


def test_an_e_mail_is_a_ticket_and_its_senders_answer_a_message(slack: SlackWorld, wire: httpx.Client) -> None:
    body = letter()
    assert wire.post("/webhooks/email", content=body, headers=email(body)).json() == {"status": "taken"}
    delivered(slack)
    name = ticket_of(body)
    assert case(slack, name).ticket.customer.email == "ada@example.org"
    answer = letter(f"Re: [Case {name}] Printer", text="It burns now.")
    stranger = letter(f"Re: [Case {name}] Printer", "eve@example.net", "Send the money to me.")
    machine = letter(f"Re: [Case {name}] Printer", text="I am on holiday.", Auto_Submitted="auto-replied")
    for one in (answer, stranger, machine):
        assert wire.post("/webhooks/email", content=one, headers=email(one)).status_code == 202
    delivered(slack)
    told = case(slack, name).model_dump_json()
    assert "It burns now." in told
    assert "Send the money" not in told
    assert "on holiday" not in told
    assert case(slack, ticket_of(stranger)).ticket.customer.email == "eve@example.net"


def test_an_e_mail_that_came_by_any_webhook_is_known_at_the_door_of_the_mailboxes(
    slack: SlackWorld, wire: httpx.Client
) -> None:
    for way in ("message/rfc822", "body-mime"):
        body = letter()
        headers = email(body)
        sent = {"content": body, "headers": headers}
        if way == "body-mime":
            sent = {"data": {way: body.decode()}, "headers": {"Authorization": headers["Authorization"]}}
        assert wire.post("/webhooks/email", **sent).json() == {"status": "taken"}  # type: ignore[arg-type]
        read = mail.of_mime(body, None)
        assert slack.do(taking.take(slack.services, "default", taking.MAIL, read)) is False
        assert slack.do(taking.take(slack.services, "acme-us", taking.MAIL, read.model_copy(update={"kind": None})))


def ticket_of(mail: bytes) -> str:
    named = (
        next(line for line in mail.decode().splitlines() if line.startswith("Message-ID:")).partition(":")[2].strip()
    )
    return f"MAIL-{hashlib.sha256(named.encode()).hexdigest()[:16]}"


@pytest.mark.parametrize("multipart", [False, True])
def test_an_e_mail_comes_as_a_form_whose_token_counts_once(
    slack: SlackWorld, wire: httpx.Client, multipart: bool
) -> None:
    stamp, token = str(int(time.time())), uuid.uuid4().hex
    form = {
        "timestamp": stamp, "token": token, "signature": mac(SECRETS["email"], f"{stamp}{token}".encode()).hex(),
        "from": "Ada <ada@example.org>", "recipient": "support@example.com", "subject": "Scanner",
        "body-plain": "It hums.", "Message-Id": f"<{token}@example.org>",
    }  # fmt: skip
    files = {"attachment-1": ("x.txt", b"x" * 2_000, "text/plain")} if multipart else None
    assert wire.post("/webhooks/email", data=form, files=files).json() == {"status": "taken"}
    again = wire.post(
        "/webhooks/email", data={**form, "body-plain": "Other words.", "Message-Id": "<other>"}, files=files
    )
    assert again.json() == {"status": "known"}
    is_refusal(wire.post("/webhooks/email", data={**form, "token": "x" + token}, files=files), 401)
    old = str(int(time.time()) - 400)
    late = {**form, "timestamp": old, "signature": mac(SECRETS["email"], f"{old}{token}".encode()).hex()}
    is_refusal(wire.post("/webhooks/email", data=late, files=files), 401)
    delivered(slack)
    name = "MAIL-" + hashlib.sha256(form["Message-Id"].encode()).hexdigest()[:16]
    assert case(slack, name).ticket.subject == "Scanner"


def test_an_event_reaches_the_runs_that_wait(slack: SlackWorld, wire: httpx.Client) -> None:
    body = json.dumps({**happened(), "id": "e-2"}).encode()
    headers = events(body)
    assert wire.post("/webhooks/events", content=body, headers=headers).json() == {"status": "taken"}
    assert wire.post("/webhooks/events", content=body, headers=headers).json() == {"status": "known"}
    delivered(slack)
    name = headers["webhook-id"]
    assert slack.do(slack.services.store.inbox.outcome("default", "events/events", name)) == "brought to 0"


def test_an_endpoint_of_a_tenant_that_is_none_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "webhooks.yaml").write_text("endpoints:\n  x: {kind: email, tenant: nobody, secrets: [s]}\n")
    with pytest.raises(ConfigurationProblem, match="endpoint x to nobody"):
        check(Configuration((SHIPPED_CONFIG, tmp_path)))
    (tmp_path / "webhooks.yaml").write_text("endpoints:\n  x: {kind: fax, tenant: default, secrets: [s]}\n")
    with pytest.raises(ConfigurationProblem):
        check(Configuration((SHIPPED_CONFIG, tmp_path)))
