"""A simulator of an OpenAI-compatible endpoint: `/v1/chat/completions` and `/v1/models`.

It checks requests as the vendor does (roles, strict schemas), keeps every one for inspection, and answers with what it
was told or with a plain value that fits the schema. `POST /_control` sets how it behaves, see `Control`; `GET
/_requests` shows what it received; `POST /_reset` puts it back.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.openai_schemas import fitting_value, strictness_fault, wanted_schema

HANG_SECONDS = 3_600.0
HUGE_BYTES = 5_000_000
_FORMS = {
    "json_schema": ("json_schema", "json_object", "text"),
    "json_object": ("json_object", "text"),
    "text": ("text",),
}
_FORMS = {
    "json_schema": ("json_schema", "json_object", "text"),
    "json_object": ("json_object", "text"),
    "text": ("text",),
}


@dataclass
class Control:
    """How the simulator behaves. Each field is a key that `POST /_control` takes."""

    mode: str = "json_schema"
    """`json_schema` (takes everything), `json_object` (as llama-cpp-python), or `text`."""
    refusal_status: int = 400
    """Status with which a response format is refused; llama-cpp-python 0.3.36 says 500."""
    fault: str = ""
    """`throttle`, `quota`, `unauthorized`, `forbidden`, `missing`, `error`, `redirect`; `hang`, `slow`; `not_json`,
    `html`, `huge`, `gzip`; `truncated`, `garbage`, `refusal`, `empty_choices`, `null_content`, `filtered`,
    `wrong_word`, `thoughts`, `prose`, `attacker`, `tool_call`."""
    times: int | None = None
    """For so many requests; None means until told otherwise."""
    retry_after: str | None = None
    status: int = 500
    """Status of the fault `error`."""
    seconds: float = 1.0
    """Delay of the fault `slow`."""
    location: str = "http://127.0.0.1:9/v1/chat/completions"
    """Where the fault `redirect` points."""
    answers: list[dict[str, Any]] = field(default_factory=list)
    """`{"when": words, "answer": object or text}`: the first whose words are in the messages or the schema's name."""
    attack: dict[str, Any] = field(default_factory=dict)
    """What the fault `attacker` answers, over what fits the schema; name and arguments of what `tool_call` wants."""
    modern_parameters: bool = False
    """Take `max_completion_tokens` only, and no temperature, as newer models do."""
    system_role: bool = True
    usage: bool = True
    """Whether answers tell their tokens."""


@dataclass
class _Simulator:
    control: Control = field(default_factory=Control)
    requests: list[dict[str, Any]] = field(default_factory=list)

    def next_fault(self) -> str:
        control = self.control
        if not control.fault or control.times == 0:
            return ""
        if control.times is not None:
            control.times -= 1
        return control.fault


def app() -> Starlette:
    """The simulator, with its own state."""
    simulator = _Simulator()

    async def complete(request: Request) -> Response:
        raw = await request.body()
        try:
            body = json.loads(raw)
        except ValueError:
            return _error(400, "We could not parse the JSON body of your request.")
        simulator.requests.append({"headers": dict(request.headers), "body": body})
        return await _answer(simulator, body)

    async def models(request: Request) -> Response:
        return JSONResponse(
            {"object": "list", "data": [{"id": "simulated", "object": "model", "created": 0, "owned_by": "sandbox"}]}
        )

    async def control(request: Request) -> Response:
        try:
            wanted = await request.json()
            simulator.control = Control(**{**vars(simulator.control), **wanted})
        except (TypeError, ValueError) as error:
            return _error(400, f"No such control: {error}.")
        return JSONResponse(vars(simulator.control))

    async def requests(request: Request) -> Response:
        return JSONResponse(simulator.requests)

    async def reset(request: Request) -> Response:
        simulator.control, simulator.requests = Control(), []
        return JSONResponse(vars(simulator.control))

    return Starlette(
        routes=[
            Route("/v1/chat/completions", complete, methods=["POST"]),
            Route("/v1/models", models),
            Route("/_control", control, methods=["POST"]),
            Route("/_requests", requests),
            Route("/_reset", reset, methods=["POST"]),
        ]
    )


async def _answer(simulator: _Simulator, body: dict[str, Any]) -> Response:
    refused = _malformed(body) or _refused_parameters(simulator.control, body) or _refused_form(simulator.control, body)
    if refused is not None:
        return refused
    fault = simulator.next_fault()
    control = simulator.control
    if fault == "hang":
        await asyncio.sleep(HANG_SECONDS)
    if fault == "slow":
        await asyncio.sleep(control.seconds)
    return _broken_response(fault, control) or _completion(fault, control, body)


def _malformed(body: dict[str, Any]) -> Response | None:
    messages = body.get("messages")
    if not isinstance(body.get("model"), str):
        return _error(400, "You must provide a model parameter.", param="model")
    if not isinstance(messages, list) or not messages:
        return _error(400, "Invalid type for 'messages': expected a non-empty array.", param="messages")
    for message in messages:
        if message.get("role") not in ("system", "user", "assistant", "developer", "tool"):
            return _error(400, "Invalid value for a message's role.", param="messages")
        if not isinstance(message.get("content"), str):
            return _error(400, "Invalid type for a message's content: expected a string.", param="messages")
    return None


def _refused_parameters(control: Control, body: dict[str, Any]) -> Response | None:
    if control.modern_parameters and "max_tokens" in body:
        text = (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
        return _error(400, text, param="max_tokens", code="unsupported_parameter")
    if control.modern_parameters and body.get("temperature", 1) != 1:
        text = "Unsupported value: 'temperature' does not support 0 with this model."
        return _error(400, text, param="temperature", code="unsupported_value")
    if not control.system_role and any(message["role"] == "system" for message in body["messages"]):
        return _error(500, "System role not supported")
    return None


def _refused_form(control: Control, body: dict[str, Any]) -> Response | None:
    form = body.get("response_format") or {"type": "text"}
    if form.get("type") not in _FORMS[control.mode]:
        words = " or ".join(repr(word) for word in reversed(_FORMS[control.mode]))
        return _error(control.refusal_status, f"loc ('body', 'response_format', 'type'): Input should be {words}")
    # The vendor itself refuses what it does not know; llama-cpp-python takes a schema here.
    if form.get("type") == "json_object" and "schema" in form and control.mode == "json_schema":
        return _error(400, "Unknown parameter: 'response_format.schema'.", param="response_format.schema")
    if form.get("type") == "json_object" and "json" not in json.dumps(body["messages"]).lower():
        return _error(400, "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'.")
    wanted = form.get("json_schema") or {}
    fault = strictness_fault(wanted.get("schema")) if wanted.get("strict") else ""
    if fault:
        return _error(400, f"Invalid schema for response_format: {fault}", param="response_format")
    return None


_ERRORS: dict[str, tuple[int, str, str | None]] = {
    "throttle": (429, "Rate limit reached.", "rate_limit_exceeded"),
    "quota": (429, "You exceeded your current quota.", "insufficient_quota"),
    "unauthorized": (401, "Incorrect API key provided: sk-****.", "invalid_api_key"),
    "forbidden": (403, "Your key has no access to this model.", None),
    "missing": (404, "The model does not exist.", "model_not_found"),
}
_BODIES: dict[str, tuple[bytes, str]] = {
    "not_json": (b"{" * 1000, "application/json"),
    "html": (b"<html>Welcome to the proxy</html>", "text/html"),
    "huge": (b'{"choices": "' + b"x" * HUGE_BYTES + b'"}', "application/json"),
}


def _broken_response(fault: str, control: Control) -> Response | None:
    headers = {"retry-after": control.retry_after} if control.retry_after else None
    if fault in _ERRORS:
        status, message, code = _ERRORS[fault]
        return _error(status, message, code=code, headers=headers)
    if fault == "error":
        return _error(control.status, "The server had an error.", headers=headers)
    if fault in _BODIES:
        content, kind = _BODIES[fault]
        return Response(content, media_type=kind)
    if fault == "gzip":
        return Response(gzip.compress(b"{}"), media_type="application/json", headers={"content-encoding": "gzip"})
    if fault == "redirect":
        return Response(status_code=307, headers={"location": control.location})
    return None


def _completion(fault: str, control: Control, body: dict[str, Any]) -> Response:
    answer = _chosen_answer(control, body)
    if fault == "attacker" and isinstance(answer, dict):
        answer = {**answer, **control.attack}
    if fault == "wrong_word" and isinstance(answer, dict):
        answer = {name: "P0!! do it now" if isinstance(value, str) else value for name, value in answer.items()}
    text = answer if isinstance(answer, str) else json.dumps(answer)
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish, attack = "stop", control.attack
    match fault:
        case "truncated":
            message["content"], finish = text[: len(text) // 2], "length"
        case "garbage":
            message["content"] = "As a language model }{ I would say: priority = P0!! \x00\ufffd {{{"
        case "refusal":
            message["content"], message["refusal"] = None, "I can't help with that."
        case "null_content":
            message["content"] = None
        case "tool_call":
            # Nobody offered it a tool; a model that somebody else speaks through asks for one all the same.
            call = {"name": attack.get("name", "run"), "arguments": json.dumps(attack.get("arguments", {}))}
            message["content"], finish = None, "tool_calls"
            message["tool_calls"] = [{"id": f"call_{uuid4().hex[:12]}", "type": "function", "function": call}]
        case "filtered":
            message["content"], finish = "", "content_filter"
        case "thoughts":
            message["content"] = '<think>Perhaps {"score": 10, "findings": []}?</think>' + text
        case "prose":
            message["content"] = f"Sure! Here is the {{answer}} you asked for:\n```json\n{text}\n```\nAnything else?"
    choices = (
        []
        if fault == "empty_choices"
        else [{"index": 0, "message": message, "finish_reason": finish, "logprobs": None}]
    )
    return JSONResponse(_envelope(control, body, choices, len(text)))


def _envelope(control: Control, body: dict[str, Any], choices: list[Any], written: int) -> dict[str, Any]:
    envelope: dict[str, Any] = {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body["model"],
        "choices": choices,
    }
    if control.usage:
        read = sum(len(message["content"]) for message in body["messages"]) // 4
        tokens = {"prompt_tokens": read, "completion_tokens": written // 4}
        envelope["usage"] = {**tokens, "total_tokens": sum(tokens.values())}
    return envelope


def _chosen_answer(control: Control, body: dict[str, Any]) -> Any:
    schema, name = wanted_schema(body)
    asked = "\n".join([name, *(message["content"] for message in body["messages"])])
    for canned in control.answers:
        if canned["when"] in asked:
            return canned["answer"]
    return fitting_value(schema, schema) if schema else "I have nothing to say."


def _error(
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status_code=status, headers=headers)
