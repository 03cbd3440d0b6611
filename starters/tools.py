"""Tools by hand: what there is, what a call would do, and the call itself, behind the same checks as in a playbook."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from domain.cases.records import EffectEntry
from domain.errors import InvalidInput, Refused
from domain.guarding import judge_call
from domain.ids import check_tenant
from domain.model import JsonValue, Value
from domain.policies.guardrails import RuleAction
from domain.tools.tool import Safety, ToolCall, ToolResult, ToolSpec
from integrations.tools.toolbox import Tools
from runtime.configuration.policies import Configuration
from runtime.settings.environment import Settings
from workers.clients import open_clients, toolbox_to_look_at

_CONFIRMED_BY_HAND = ("surehand:floor", "surehand:risk")
"""What the guardrails want confirmed because of the tool itself: the person at the terminal does that. What a rule or a
limit of the tenant wants approved takes the approver whom it names, so it is not for here."""
_LARGEST_FILE = 1_000_000


class PlannedCall(Value):
    """A call that has passed every check and was not made."""

    spec: ToolSpec
    call: ToolCall

    @property
    def needs_yes(self) -> bool:
        """Whether a person must say yes first."""
        return self.spec.safety is not Safety.SAFE


class ToolDesk:
    """A tenant's tools for one person at a terminal."""

    def __init__(self, toolbox: Tools, configuration: Configuration, tenant: str) -> None:
        self._toolbox = toolbox
        self._configuration = configuration
        self.tenant = tenant
        self.notes: Sequence[str] = ()
        """What works and should be looked at, such as a server whose tools could not be read."""

    async def specs(self) -> Sequence[ToolSpec]:
        """All tools of the tenant."""
        return await self._toolbox.specs(self.tenant)

    async def spec(self, name: str) -> ToolSpec:
        """One tool.

        Raises:
            InvalidInput: the tenant has none of that name.
        """
        found = await self._toolbox.find(self.tenant, name)
        if found is None:
            near = get_close_matches(name, [spec.name for spec in await self.specs()], n=1)
            advice = f"did you mean {near[0]}?" if near else "see `surehand tool list`, or enable it in tools.yaml."
            raise InvalidInput(f"Tenant {self.tenant} has no tool {name!r}: {advice}")
        return found

    async def plan(self, name: str, arguments: dict[str, JsonValue], key: str | None) -> PlannedCall:
        """Check a call without making it.

        Raises:
            Refused: configuration or guardrails do not allow it from here, or its arguments do not fit.
        """
        spec = await self.spec(name)
        verdict = judge_call(self._configuration.guardrails_for(self.tenant), spec.brief(), arguments, {"totals": {}})
        reasons = [
            hit.reason
            for hit in verdict.hits
            if hit.action is RuleAction.DENY
            or (hit.action is RuleAction.REQUIRE_APPROVAL and hit.rule not in _CONFIRMED_BY_HAND)
        ]
        if reasons:
            raise Refused(f"The guardrails do not allow this by hand: {reasons[0]} Run it in a playbook, which asks.")
        if verdict.limits:
            names = ", ".join(verdict.limits)
            raise Refused(f"This counts towards a limit ({names}): run it in a playbook, which keeps count.")
        call = ToolCall(
            tool=name,
            arguments=verdict.value if isinstance(verdict.value, dict) else arguments,
            key=key or f"tool:{self.tenant}:{secrets.token_hex(12)}",
            tenant=self.tenant,
            digest=spec.digest,
        )
        refusal = await self._toolbox.check(call)
        if refusal is not None:
            raise Refused(refusal.sentence)
        return PlannedCall(spec=spec, call=call)

    async def run(self, planned: PlannedCall, *, yes: bool) -> ToolResult:
        """Make a planned call.

        Raises:
            Refused: it is not safe and nobody said yes, or it was refused after all.
            VendorError: from the vendor. The same key repeats the call without a second effect.
        """
        if planned.needs_yes and not yes:
            raise Refused(f"{planned.spec.name} changes something: say --yes when that is what you want.")
        result = await self._toolbox.run(planned.call, attempt=1, beat=lambda: None)
        if result.refusal is not None:
            raise Refused(result.refusal.sentence)
        return result


class _NothingIsCalled:
    """The effect ledger of a desk that only shows: it has none."""

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        raise Refused("Tools are only looked at here.")

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        """Never reached."""

    async def release(self, key: str) -> None:
        """Never reached."""


@asynccontextmanager
async def open_desk(settings: Settings, tenant: str | None, *, to_call: bool = False) -> AsyncIterator[ToolDesk]:
    """Open every configured provider, and the store where something is to be called.

    Raises:
        ConfigurationProblem: a setting or file cannot be used, or there is no such tenant.
        NotReachable: the store does not answer.
    """
    name = check_tenant(tenant or settings.tenant)
    async with AsyncExitStack() as closing:
        if to_call:
            clients = await open_clients(settings)
            closing.push_async_callback(clients.store.close)
            toolbox, configuration = clients.toolbox, clients.configuration
        else:
            configuration = Configuration.from_settings(settings)
            toolbox = toolbox_to_look_at(settings, configuration, _NothingIsCalled())
        closing.push_async_callback(toolbox.close)
        configuration.policy_for(name)
        desk = ToolDesk(toolbox, configuration, name)
        desk.notes = await toolbox.verify((name,))
        yield desk


def read_arguments(spec: ToolSpec, given: str | None, assignments: Sequence[str]) -> dict[str, JsonValue]:
    """Arguments from JSON or a file of it, and `name=value` pairs over them.

    A value is read as JSON where it is JSON and the schema does not ask for text; dots in a name go into objects.

    Raises:
        InvalidInput: something cannot be read.
    """
    arguments = _from_json(given) if given is not None else {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        steps = name.split(".")
        if not equals or not all(steps):
            raise InvalidInput("An argument is given as name=value: correct --set.")
        place: dict[str, Any] = arguments
        for step in steps[:-1]:
            place = place.setdefault(step, {})
            if not isinstance(place, dict):
                raise InvalidInput(f"{name} goes into something that is no object: correct --set.")
        place[steps[-1]] = text if _is_text(spec.input_schema, steps) else _value(text)
    return arguments


def _from_json(given: str) -> dict[str, Any]:
    text = given
    if not given.lstrip().startswith("{"):
        path = Path(given)
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise InvalidInput("That file of arguments is too large: shorten it.")
            text = path.read_text("utf-8")
        except (OSError, ValueError):
            raise InvalidInput("--arguments is no JSON object and no file that can be read: correct it.") from None
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        read = None
    if not isinstance(read, dict):
        raise InvalidInput('The arguments are not a JSON object: write them as {"name": value}.')
    return read


def _is_text(schema: JsonValue, steps: Sequence[str]) -> bool:
    for step in steps:
        properties = schema.get("properties") if isinstance(schema, dict) else None
        schema = properties.get(step) if isinstance(properties, dict) else None
    return isinstance(schema, dict) and schema.get("type") == "string"


def _value(text: str) -> JsonValue:
    try:
        return json.loads(text)
    except ValueError:
        return text
