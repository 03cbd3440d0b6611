"""Evidence for tests: pieces of text behind references, and the tools that read them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from domain.errors import InvalidInput
from integrations.tools.builtin.evidence import EvidenceTools
from integrations.tools.python import PythonTools
from tests.tool_world import call_of, run, toolbox


class Shelf:
    """Keeps evidence in a folder and reads it through the tool box, as a playbook would."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.box = toolbox(PythonTools(EvidenceTools(self)))  # type: ignore[arg-type]  # `put` is not needed here

    async def path(self, tenant: str, reference: str) -> Path:
        path = self._folder / reference.removeprefix("sha256:")
        if not path.exists():
            raise InvalidInput("There is no such evidence: upload it.")
        return path

    def put(self, content: str | bytes, name: str, service: str | None = None) -> dict[str, Any]:
        raw = content.encode() if isinstance(content, str) else content
        digest = hashlib.sha256(raw).hexdigest()
        (self._folder / digest).write_bytes(raw)
        return {"reference": f"sha256:{digest}", "name": name, "service": service}

    async def ask(self, tool: str, *pieces: dict[str, Any], **more: Any) -> Any:
        result = await run(self.box, await call_of(self.box, tool, {"evidence": list(pieces), **more}))
        assert result.refusal is None, result.refusal
        return result.output
