"""A client that is held to a vendor's OpenAPI document: it checks what it sends and what comes back."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import yaml
from jsonschema import Draft202012Validator

DOCUMENTS = Path(__file__).parent.parent / "config" / "openapi"


class Described:
    """Calls operations by their id."""

    def __init__(self, name: str, url: str, token: str | None = None) -> None:
        self.document: dict[str, Any] = yaml.safe_load((DOCUMENTS / f"{name}.yaml").read_text("utf-8"))
        self.exercised: set[str] = set()
        headers = {"Authorization": f"Bearer {token or f'{name}-sandbox'}"}
        self._client = httpx.AsyncClient(base_url=url, headers=headers, trust_env=False)
        self.last_headers = httpx.Headers()

    async def __aenter__(self) -> Described:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    def operations(self) -> dict[str, tuple[str, str, dict[str, Any]]]:
        """Operation id -> method, path, operation."""
        return {
            operation["operationId"]: (method, path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        }

    async def call(
        self,
        operation_id: str,
        body: Any = None,
        *,
        key: str | None = None,
        refused: int | None = None,
        wait_seconds: float = 5,
        **given: Any,
    ) -> Any:
        """Call one; gives the answer, or with `refused`, the status of a refusal that must come, its code."""
        method, path, operation = self.operations()[operation_id]
        query: dict[str, Any] = {}
        parameters = [self._resolved(parameter) for parameter in operation.get("parameters", [])]
        for parameter in parameters:
            name = parameter["name"]
            if parameter.get("required"):
                assert name in given, f"{operation_id} requires {name}"
            if name in given and parameter["in"] == "path":
                path = path.replace(f"{{{name}}}", str(given.pop(name)))
            elif name in given:
                self.check(parameter["schema"], given[name])
                query[name] = given.pop(name)
        assert not given, f"{operation_id} has no {given}"
        if body is not None and refused in (None, 409):
            self.check(operation["requestBody"]["content"]["application/json"]["schema"], body)
        headers = {"Idempotency-Key": key} if key else {}
        reply = await self._client.request(method, path, params=query, json=body, headers=headers, timeout=wait_seconds)
        self.last_headers = reply.headers
        success = next(int(code) for code in operation["responses"] if code.startswith("2"))
        assert reply.status_code == (refused or success), reply.text
        responses = operation["responses"]
        described = self._resolved(responses.get(str(reply.status_code)) or responses["default"])
        ((media, content),) = described["content"].items()
        assert reply.headers["content-type"].split(";")[0] == media
        answer = reply.json() if media == "application/json" else reply.text
        self.check(content["schema"], answer)
        if refused is None:
            self.exercised.add(operation_id)
        return answer if refused is None else answer["error"]["code"]

    def check(self, schema: dict[str, Any], value: Any) -> None:
        """Hold a value to a schema of the document."""
        validator = Draft202012Validator({"components": self.document["components"], **schema})
        errors = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(value)]
        assert not errors, errors

    def _resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        found: Any = self.document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        return dict(found)
