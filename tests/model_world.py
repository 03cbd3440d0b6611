"""Model endpoints for tests: the simulator behind a real server on a free loopback port, a meter in memory."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import uvicorn

from domain.cases.records import MeterRecord, Spending
from domain.errors import VendorUnavailable
from domain.policies.case_policy import ModelBudget
from domain.ports.models import Question
from domain.text.redaction import Redactor
from integrations.llm.chain import ModelChain
from integrations.llm.prompts import PromptLibrary
from integrations.llm.provider import Provider
from sandbox import openai as simulator


class ModelServer:
    """The simulator on its own thread, so that a hanging request hangs nothing else."""

    def __init__(self) -> None:
        config = uvicorn.Config(
            simulator.app(), host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=0, lifespan="off"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)

    def __enter__(self) -> ModelServer:
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                raise RuntimeError("The simulator did not start.")
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)

    def control(self, **wanted: Any) -> None:
        httpx.post(f"{self.url}/_control", json=wanted, trust_env=False).raise_for_status()

    def reset(self) -> None:
        httpx.post(f"{self.url}/_reset", trust_env=False).raise_for_status()

    @property
    def requests(self) -> list[dict[str, Any]]:
        received: list[dict[str, Any]] = httpx.get(f"{self.url}/_requests", trust_env=False).json()
        return received

    def wait_for_a_request(self) -> None:
        while not self.requests:
            time.sleep(0.02)

    @property
    def received_text(self) -> str:
        return httpx.get(f"{self.url}/_requests", trust_env=False).text

    def forms(self) -> list[str]:
        """The response format of each request, in order."""
        formats = [request["body"].get("response_format") or {"type": "text"} for request in self.requests]
        return [form["type"] + ("+schema" if "schema" in form else "") for form in formats]


@dataclass
class FakeMeter:
    """`domain.ports.models.Meter` in memory."""

    records: list[MeterRecord] = field(default_factory=list)
    broken: bool = False

    async def record(self, call: MeterRecord) -> None:
        self._check()
        if call.key not in {record.key for record in self.records}:
            self.records.append(call)

    async def spending(self, tenant: str, workflow_id: str, day: datetime) -> Spending:
        self._check()
        of_tenant = [record for record in self.records if record.tenant == tenant]
        of_case = [record for record in of_tenant if record.workflow_id == workflow_id]
        return Spending(
            case_cost=sum(record.cost for record in of_case),
            case_calls=len(of_case),
            day_cost=sum(record.cost for record in of_tenant if record.at.date() == day.date()),
        )

    def _check(self) -> None:
        if self.broken:
            raise VendorUnavailable("store", "locked", "The store is locked: try again.")


class Clock:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_time(self, **units: float) -> None:
        self.now += timedelta(**units)


TICKET = {
    "subject": "Password reset",
    "body": "Hi, I forgot my password. Could you help me reset it?",
    "channel": "email",
    "customer_tier": "paid",
    "account_value": 500.0,
    "previous_tickets": 2,
    "earlier_contacts": 0,
    "earlier_escalations": 0,
}


def question(prompt: str = "classify", **changes: Any) -> Question:
    wanted: dict[str, Any] = {
        "prompt": prompt,
        "context": {"ticket": TICKET},
        "tenant": "default",
        "workflow_id": "escalation:default:T-1",
        "budget": ModelBudget(),
        "key": "escalation:default:T-1/classify/attempt-1",
        **changes,
    }
    return Question(**wanted)


def provider(server: ModelServer, name: str = "primary", **changes: Any) -> Provider:
    wanted: dict[str, Any] = {"price_in": 2.0, "price_out": 10.0, "timeout_seconds": 5.0, **changes}
    return Provider(name, base_url=f"{server.url}/v1", model=f"{name}-model", **wanted)


_open: list[ModelChain] = []


def chain(*providers: Provider, meter: Any = None, redactor: Any = None, clock: Any = None) -> ModelChain:
    """A chain that `close_chains` closes after the test."""
    made = ModelChain(providers, meter or FakeMeter(), PromptLibrary(), redactor or Redactor(), clock=clock or Clock())
    _open.append(made)
    return made


async def close_chains() -> None:
    while _open:
        await _open.pop().close()
