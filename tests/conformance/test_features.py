"""The specification's own conformance features, each scenario run as a playbook on a real interpreter and real HTTP.

The features call two public addresses; the sandbox serves what is behind them. See `features/NOTICE` for their source.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from gherkin.parser import Parser
from starlette.applications import Starlette
from temporalio.testing import WorkflowEnvironment

from domain.playbook.messages import PlaybookResult
from domain.tools.tool_policy import ProviderSettings, ToolPolicy
from integrations.playbooks.library import FolderLibrary
from integrations.tools.openapi.assembly import http_providers
from integrations.tools.openapi.by_address import TextsInMemory
from integrations.tools.openapi.configuration import OpenApiSources, WebConfiguration
from integrations.tools.toolbox import Tools
from runtime.configuration.policies import Configuration
from sandbox import httpbin, petstore
from sandbox.doors import Door, web
from tests.tool_world import Policies
from tests.vendor_world import MemoryLedger
from tests.workflows.conftest import configuration, environment
from tests.workflows.playbook_world import PlaybookWorld
from workflows.playbook import PlaybookWorkflow

FEATURES = Path(__file__).parent / "features"


@dataclass(frozen=True)
class Scenario:
    """One scenario of a feature."""

    name: str
    steps: tuple[tuple[str, Any], ...]
    """Text and document of each step."""


@dataclass
class Told:
    """What the steps of one scenario have said so far."""

    definition: dict[str, Any] = field(default_factory=dict)
    input: Any = None
    result: PlaybookResult | None = None
    order: list[str] = field(default_factory=list)

    @property
    def output(self) -> Any:
        assert self.result is not None
        return self.result.output


def scenarios() -> list[Scenario]:
    found = []
    for file in sorted(FEATURES.glob("*.feature")):
        feature = Parser().parse(file.read_text("utf-8"))["feature"]
        for child in feature["children"]:
            steps = tuple(
                (step["text"], step["docString"]["content"].removeprefix("yaml\n") if "docString" in step else None)
                for step in child["scenario"]["steps"]
            )
            found.append(Scenario(f"{file.stem}: {child['scenario']['name']}", steps))
    return found


@dataclass(frozen=True)
class Outside:
    """Where the outside addresses are served."""

    petstore: str
    httpbin: str

    def instead(self, text: str) -> str:
        """A document with its public addresses replaced."""
        return text.replace("https://petstore.swagger.io", self.petstore).replace("https://httpbin.org", self.httpbin)


class OnLoopback:
    """The pet store with a description that says where it really is."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self.address = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not scope["path"].endswith("swagger.json"):
            await self._app(scope, receive, send)
            return
        document = json.loads((Path(petstore.__file__).parent / "pages" / "petstore-swagger.json").read_text("utf-8"))
        body = json.dumps({**document, "host": self.address, "schemes": ["http"]}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    shop = OnLoopback(petstore.app())
    doors = [Door(web(shop)), Door(web(httpbin.app()))]
    for door in doors:
        await door.open()
    shop.address = f"127.0.0.1:{doors[0].port}"
    yield Outside(*(f"http://127.0.0.1:{door.port}" for door in doors))
    for door in doors:
        await door.close()


@pytest.fixture
def world(environment: WorkflowEnvironment, configuration: Configuration, outside: Outside) -> PlaybookWorld:
    world = PlaybookWorld(environment, configuration)
    hosts = tuple(address.removeprefix("http://") for address in (outside.petstore, outside.httpbin))
    ports = tuple(int(host.rsplit(":", 1)[1]) for host in hosts)
    providers = http_providers(
        OpenApiSources({}),
        WebConfiguration(internal_hosts=hosts, ports=ports),
        secrets={},
        folders=(),
        texts=TextsInMemory(),
    )
    listed = {provider.name: ProviderSettings() for provider in providers}
    world.tools = Tools(providers, Policies(ToolPolicy(providers=listed)), MemoryLedger())  # type: ignore[assignment]
    world.library = FolderLibrary()  # type: ignore[assignment]
    return world


STEPS: list[tuple[re.Pattern[str], Callable[..., Any]]] = []


def step(pattern: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(act: Callable[..., Any]) -> Callable[..., Any]:
        STEPS.append((re.compile(pattern + r"\Z"), act))
        return act

    return register


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
async def test_scenario_of_the_specification_passes(scenario: Scenario, world: PlaybookWorld, outside: Outside) -> None:
    told = Told()
    for text, document in scenario.steps:
        read = yaml.safe_load(outside.instead(document)) if document is not None else None
        acts = [(act, found.groups()) for pattern, act in STEPS if (found := pattern.match(text)) is not None]
        assert len(acts) == 1, f"no one meaning for the step {text!r}"
        act, words = acts[0]
        outcome = act(
            told, *words, *([read] if document is not None else []), **({"world": world} if act is execute else {})
        )
        if asyncio.iscoroutine(outcome):
            await outcome


def test_every_feature_of_the_specification_is_there() -> None:
    assert len(scenarios()) == 21
    assert {file.stem for file in FEATURES.glob("*.feature")} == {
        "branch", "call", "data-flow", "do", "emit", "flow", "for", "raise", "set", "switch", "try",
    }  # fmt: skip


@step("a workflow with definition:")
def define(told: Told, document: Any) -> None:
    told.definition = document


@step("given the workflow input is:")
def give(told: Told, document: Any) -> None:
    told.input = document


@step("the workflow is executed")
async def execute(told: Told, *, world: PlaybookWorld) -> None:
    async with world.worker():
        run = await world.start(told.definition, told.input)
        told.result = await asyncio.wait_for(run.result(), 20)
        state = await run.query(PlaybookWorkflow.query_state)
        told.order = [reference.rsplit("/", 1)[1] for reference in state.recent]


@step("the workflow should complete")
def completes(told: Told) -> None:
    assert told.result is not None
    assert told.result.status == "completed", told.result.error


@step("the workflow should complete with output:")
def completes_with(told: Told, expected: Any) -> None:
    completes(told)
    assert told.output == expected


@step("the workflow should fault")
def faults(told: Told) -> None:
    assert told.result is not None
    assert told.result.status == "faulted"


@step("the workflow should fault with error:")
def faults_with(told: Told, expected: dict[str, Any]) -> None:
    faults(told)
    assert told.result is not None
    assert told.result.error is not None
    error = told.result.error.as_json()
    assert {name: error.get(name) for name in expected} == expected


@step("the workflow output should have properties (.+)")
def has_properties(told: Told, names: str) -> None:
    for path in re.findall(r"'([^']+)'", names):
        assert _at(told.output, path) is not None, path


@step("the workflow output should have a '([^']+)' property with value:")
def has_value(told: Told, path: str, expected: Any) -> None:
    assert _at(told.output, path) == expected


@step(r"the workflow output should have a '([^']+)' property containing (\d+) items")
def has_items(told: Told, path: str, count: str) -> None:
    assert len(_at(told.output, path)) == int(count)


@step(r"(\S+) should run (first|last)")
def runs_at_end(told: Told, task: str, place: str) -> None:
    assert told.order[0 if place == "first" else -1] == task


@step(r"(\S+) should run after (\S+)")
def runs_after(told: Told, task: str, other: str) -> None:
    assert told.order.index(task) > told.order.index(other)


def _at(value: Any, path: str) -> Any:
    for name in path.split("."):
        assert isinstance(value, dict), f"nothing at {path}"
        assert name in value, f"nothing at {path}"
        value = value[name]
    return value


__all__ = ["configuration", "environment"]
