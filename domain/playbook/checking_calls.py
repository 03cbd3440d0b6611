"""Checks what a playbook calls: kinds of calls, addresses, credentials, arguments, and how effects are taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from domain.expressions import is_expression
from domain.model import JsonValue
from domain.playbook.faults import Fault, advice, quoted, warning
from domain.playbook.functions import FUNCTIONS, METHODS, REFUSED_CALLS, SAFE_METHODS, SPECIFIED, is_tool_call
from domain.playbook.outline import Spot, listing, mapping, under
from domain.tools.tool import Safety, ToolBrief, ToolName

_TOOL_NAME: TypeAdapter[str] = TypeAdapter(ToolName)
_WEB = re.compile(r"https?://[^\s/]", re.IGNORECASE)
_EARLY: dict[str, tuple[tuple[str, ...], ...]] = {
    "http": (("method",),),
    "openapi": (("operationId",), ("document", "endpoint"), ("document", "endpoint", "uri")),
    "mcp": (("parameters",), ("parameters", "name"), ("transport", "http", "endpoint")),
    "use": (("capability",),),
}
_SCHEMES = ("basic", "bearer", "digest", "oauth2", "oidc")
_SECRET_PARTS = ("password", "token", "secret", "assertion")


def call_faults(
    root: dict[str, JsonValue], found: list[Spot], tools: Mapping[str, ToolBrief] | None
) -> Iterator[Fault]:
    """Faults of every call.

    Args:
        root: the document.
        found: its tasks.
        tools: of the tenant by name; None when they are not known here.
    """
    use = mapping(root.get("use"))
    for spot in found:
        name = spot.task.get("call")
        if isinstance(name, str):
            yield from _kind_faults(spot, name, use, tools)
            yield from _argument_faults(spot, name)
            yield from _address_faults(spot, name)
            yield from _early_faults(spot, name)
        yield from _undo_faults(spot, use, tools)
    yield from _authentication_faults(root, use)


def _kind_faults(
    spot: Spot, name: str, use: dict[str, JsonValue], tools: Mapping[str, ToolBrief] | None
) -> Iterator[Fault]:
    here = under(spot.pointer, "call")
    if name in REFUSED_CALLS:
        yield Fault(pointer=here, sentence=f"`call: {name}` does not run here: call a tool, or use http or openapi.")
        return
    if not is_tool_call(spot.task, use.get("functions")):
        return
    known = [*SPECIFIED[:3], *FUNCTIONS, *mapping(use.get("functions")), *(tools or {})]
    try:
        _TOOL_NAME.validate_python(name)
    except ValidationError:
        sentence = f"{quoted(name)} is no name of a tool, which looks like payments.capture: correct it."
        yield Fault(pointer=here, sentence=sentence)
        return
    if tools is not None and name not in tools:
        otherwise = "see `surehand tool list`."
        yield Fault(pointer=here, sentence=f"There is no tool {quoted(name)}: {advice(name, known, otherwise)}")


def _argument_faults(spot: Spot, name: str) -> Iterator[Fault]:
    function = FUNCTIONS.get(name)
    if function is None:
        return
    given = spot.task.get("with")
    here = under(spot.pointer, "with" if "with" in spot.task else "call")
    if given is not None and not isinstance(given, dict):
        return
    for missing in function.required:
        if missing not in mapping(given):
            yield Fault(pointer=here, sentence=f"`call: {name}` needs {quoted(missing)}: add it.", on_key=True)
    for extra in mapping(given):
        if extra not in function.arguments:
            otherwise = f"it takes {', '.join(function.arguments)}."
            sentence = f"`call: {name}` takes no {quoted(extra)}: {advice(extra, function.arguments, otherwise)}"
            yield Fault(pointer=under(here, extra), sentence=sentence, on_key=True)


def _address_faults(spot: Spot, name: str) -> Iterator[Fault]:
    given, here = mapping(spot.task.get("with")), under(spot.pointer, "with")
    if name == "http":
        yield from _web_address(given.get("endpoint"), under(here, "endpoint"))
    elif name == "openapi":
        document = mapping(given.get("document"))
        yield from _web_address(document.get("endpoint"), under(here, "document", "endpoint"))
    elif name == "mcp":
        transport = mapping(given.get("transport"))
        if "stdio" in transport:
            sentence = "A playbook starts no program: configure the MCP server, and call its tool by name."
            yield Fault(pointer=under(here, "transport", "stdio"), sentence=sentence, on_key=True)
        address = mapping(transport.get("http")).get("endpoint")
        yield from _web_address(address, under(here, "transport", "http", "endpoint"))


def _early_faults(spot: Spot, name: str) -> Iterator[Fault]:
    """What must be written out, because it decides before the run which tool is meant and what it may do."""
    for steps in _EARLY.get(name, ()):
        value: JsonValue = spot.task.get("with")
        for step in steps:
            value = mapping(value).get(step)
        if isinstance(value, str) and is_expression(value):
            sentence = "This says which tool is called, which must be known before the run: write it out."
            yield Fault(pointer=under(spot.pointer, "with", *steps), sentence=sentence)
    given = mapping(spot.task.get("with"))
    method, here = given.get("method"), under(spot.pointer, "with", "method")
    if name == "mcp" and isinstance(method, str) and method != "tools/call":
        yield Fault(pointer=here, sentence=f"{quoted(method)} is not done here: use tools/call.")
    if name == "mcp" and method == "tools/call" and "name" not in mapping(given.get("parameters")):
        here = under(spot.pointer, "with", "parameters")
        yield Fault(pointer=here, sentence="`tools/call` needs the name of a tool: add it.", on_key=True)
    if name == "http" and isinstance(method, str) and not is_expression(method) and method.upper() not in METHODS:
        yield Fault(pointer=here, sentence=f"{quoted(method)} is no HTTP method: use {', '.join(METHODS).lower()}.")


def _web_address(endpoint: JsonValue, pointer: str) -> Iterator[Fault]:
    if isinstance(endpoint, dict):
        endpoint, pointer = endpoint.get("uri"), under(pointer, "uri")
    if isinstance(endpoint, str) and not is_expression(endpoint) and not _WEB.match(endpoint):
        yield Fault(pointer=pointer, sentence=f"{quoted(endpoint)} is no web address: begin it with https://.")


def _undo_faults(spot: Spot, use: dict[str, JsonValue], tools: Mapping[str, ToolBrief] | None) -> Iterator[Fault]:
    metadata = mapping(spot.task.get("metadata"))
    if "undo" in metadata:
        undo, here = metadata["undo"], under(spot.pointer, "metadata", "undo")
        if spot.is_undo:
            yield Fault(pointer=here, sentence="What takes something back is not taken back: remove it.", on_key=True)
        elif undo != "none" and not isinstance(undo, dict):
            yield Fault(pointer=here, sentence="An undo is a task, or the word none: correct it.")
        return
    if not spot.is_undo and _changes_something(spot.task, use, tools):
        sentence = "Nothing takes this back when a later task fails: add `metadata.undo`, a task or the word none."
        yield warning(under(spot.pointer, "call"), sentence)


def _changes_something(
    task: dict[str, JsonValue], use: dict[str, JsonValue], tools: Mapping[str, ToolBrief] | None
) -> bool:
    """Whether a call has an effect that nothing would take back."""
    if task.get("call") == "http":
        method = mapping(task.get("with")).get("method")
        return isinstance(method, str) and not is_expression(method) and method.upper() not in SAFE_METHODS
    tool = (tools or {}).get(str(task.get("call"))) if is_tool_call(task, use.get("functions")) else None
    return tool is not None and tool.safety is not Safety.SAFE and tool.undo is None


def _authentication_faults(root: dict[str, JsonValue], use: dict[str, JsonValue]) -> Iterator[Fault]:
    policies = mapping(use.get("authentications"))
    secrets = [name for name in listing(use.get("secrets")) if isinstance(name, str)]
    for name, policy in policies.items():
        yield from _policy_faults(under("/use/authentications", name), mapping(policy), secrets)
    for pointer, policy in _authentications(root, ""):
        wanted = policy.get("use")
        if isinstance(wanted, str) and wanted not in policies:
            otherwise = "define it under use.authentications."
            sentence = f"There is no {quoted(wanted)} under use.authentications: {advice(wanted, policies, otherwise)}"
            yield Fault(pointer=under(pointer, "use"), sentence=sentence)
        yield from _policy_faults(pointer, policy, secrets)


def _authentications(value: JsonValue, pointer: str) -> Iterator[tuple[str, dict[str, JsonValue]]]:
    """Every `authentication` there is, wherever an endpoint stands."""
    for name, part in mapping(value).items():
        here = under(pointer, name)
        if name == "authentication" and isinstance(part, dict) and any(key in part for key in (*_SCHEMES, "use")):
            yield here, part
        else:
            yield from _authentications(part, here)
    for index, part in enumerate(listing(value)):
        yield from _authentications(part, under(pointer, index))


def _policy_faults(pointer: str, policy: dict[str, JsonValue], secrets: list[str]) -> Iterator[Fault]:
    for scheme in _SCHEMES:
        settings = mapping(policy.get(scheme))
        here = under(pointer, scheme)
        secret = settings.get("use")
        if isinstance(secret, str) and secret not in secrets:
            sentence = f"The secret {quoted(secret)} is not listed under use.secrets: add it there."
            yield Fault(pointer=under(here, "use"), sentence=sentence)
        parts = [(under(here, name), value) for name, value in settings.items()]
        parts += [(under(here, "client", name), value) for name, value in mapping(settings.get("client")).items()]
        for place, value in parts:
            name = place.rpartition("/")[2]
            if name in _SECRET_PARTS and isinstance(value, str) and not is_expression(value):
                sentence = "A secret stands here for all to read: name one with `use` and list it under use.secrets."
                yield warning(place, sentence)
