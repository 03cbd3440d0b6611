"""`surehand dev` with its HTTP service: a case opened and asked about, the service killed, keys by command."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.dev_process import Dev

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    running = Dev(tmp_path_factory.mktemp("dev"))
    try:
        yield running.start()
    finally:
        running.stop()


def client(dev: Dev, key: str | None = None) -> httpx.Client:
    text = key or (dev.folder / "service.key").read_text().strip()
    headers = {"Authorization": f"Bearer {text}"}
    return httpx.Client(base_url=dev.state.service_url or "", headers=headers, timeout=60, trust_env=False)


def test_a_case_is_opened_over_http_and_a_question_polled_to_its_result(dev: Dev) -> None:
    with client(dev) as http:
        opened = http.post("/api/v1/cases", json={"kind": "incident", "title": "Checkout answers with errors"})
        assert opened.status_code == 201, opened.text
        asked = http.post(
            f"{opened.headers['location']}/queries",
            json={"query": "Why does it fail?"},
            headers={"Prefer": "respond-async", "X-Correlation-ID": "dev-1"},
        )
        assert asked.status_code == 202, asked.text
        assert asked.headers["x-correlation-id"] == "dev-1"
        deadline = time.monotonic() + 60
        while (looked := http.get(asked.headers["location"])).status_code != 303:
            assert looked.status_code == 200, looked.text
            assert time.monotonic() < deadline
            time.sleep(0.2)
        answer = http.get(looked.headers["location"])
        assert answer.status_code == 200
        assert answer.json()["content"]
    shown = dev.json("case", "show", opened.json()["case_id"])
    assert shown["report"]["title"] == "Checkout answers with errors"
    log = (dev.folder / "logs" / "service.log").read_text()
    assert '"correlation_id": "dev-1"' in log
    assert (dev.folder / "service.key").read_text().strip() not in log


def test_the_local_key_is_its_owners_alone_and_the_link_is_printed(dev: Dev) -> None:
    assert stat.S_IMODE((dev.folder / "service.key").stat().st_mode) == 0o600
    assert dev.state.service_url is not None
    assert dev.state.service_url in dev.said()
    assert dev.state.service_url.startswith("http://127.0.0.1:")


def test_keys_are_made_listed_and_revoked_by_command(dev: Dev) -> None:
    made = dev.json("key", "make", "--name", "portal", "--role", "agent", "--as", "p-lena", "--days", "3")
    assert made["person_id"] == "p-lena"
    with client(dev, made["key"]) as http:
        assert http.get("/api/v1/cases").status_code == 200
        assert http.get("/metrics").status_code == 403
        listed = dev.json("key", "list")
        assert made["key_id"] in {key["key_id"] for key in listed}
        assert all("digest" not in key and "key" not in key for key in listed)
        assert dev.surehand("key", "revoke", made["key_id"]).returncode == 0
        assert http.get("/api/v1/cases").status_code == 401
    wrong = dev.surehand("key", "make", "--name", "x", "--role", "root")
    assert wrong.returncode == 2
    assert "no role 'root'" in wrong.stderr
    assert dev.surehand("key", "revoke", "0" * 16).returncode == 2


def test_a_killed_service_comes_back_at_its_address_and_knows_its_cases(dev: Dev) -> None:
    with client(dev) as http:
        opened = http.post("/api/v1/cases", json={"kind": "incident", "title": "Still there"}).json()["case_id"]
    (pid,) = [pid for pid in dev.children() if b"starters.dev.service" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            with client(dev) as http:
                shown = http.get(f"/api/v1/cases/{opened}")
            break
        except httpx.TransportError:
            assert time.monotonic() < deadline
            time.sleep(0.3)
    assert shown.status_code == 200
    assert shown.json()["title"] == "Still there"
