"""What `config/tools.yaml` says of MCP servers, under `mcp:`."""

from __future__ import annotations

import re
from typing import Self
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, RootModel, field_validator, model_validator

from domain.model import Value
from domain.tools.tool import RESULT_LIMIT_BYTES, Safety, ToolUndo, is_reserved

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}\Z")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class McpServer(Value):
    """One MCP server: a process of ours (`command`), or a server elsewhere (`url`).

    What the server says of its own tools may make them stricter and never laxer: only `safety` here calls one safe.
    """

    command: tuple[str, ...] = ()
    """Program and arguments; no shell looks at them."""
    cwd: str | None = None
    """Folder that the program starts in."""
    env: dict[str, str] = Field(default_factory=dict)
    """Variables of the program, by the name of the secret that each holds."""
    variables: dict[str, str] = Field(default_factory=dict)
    """Variables that are no secret, such as HOME. The program sees these, `env` and a short PATH, and nothing else."""
    url: str | None = None
    """Endpoint of a streamable HTTP server."""
    secret: str | None = None
    """Name of the secret that is sent as bearer token."""
    include: tuple[str, ...] = ()
    """The server's names of the tools to offer, `*` at the end as the only wildcard; all when empty."""
    exclude: tuple[str, ...] = ()
    """The server's names of tools never to offer."""
    safety: dict[str, Safety] = Field(default_factory=dict)
    """Safety level by the server's name of a tool; `requires_confirmation` for those not named."""
    capabilities: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What a tool can be chosen for, by the server's name of it."""
    idempotent: tuple[str, ...] = ()
    """Tools of which a repeat has no second effect. MCP has no idempotency keys: for others the ledger stands in."""
    undo: dict[str, ToolUndo] = Field(default_factory=dict)
    """How a tool's effect is taken back, by the server's name of it."""
    timeout_seconds: float = Field(default=20, gt=0, le=1_800)
    """One call."""
    start_timeout_seconds: float = Field(default=20, gt=0, le=300)
    """Starting or reaching the server and reading its tools."""
    message_limit_bytes: int = Field(default=1_000_000, ge=1_000, le=50_000_000)
    """The most that one message of the server may have; it is cut off while it is read."""
    result_limit_bytes: int = Field(default=RESULT_LIMIT_BYTES, ge=100)
    """What of a result enters history."""

    @field_validator("url")
    @classmethod
    def _is_an_endpoint(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment:
            raise ValueError("an MCP server's url is an http or https address: correct it")
        if parts.username or parts.password or parts.query:
            raise ValueError("an MCP server's url holds no credentials or query: name a secret instead")
        return url

    @field_validator("command")
    @classmethod
    def _can_be_started(cls, command: tuple[str, ...]) -> tuple[str, ...]:
        if any("\0" in word for word in command) or (command and not command[0].strip()):
            raise ValueError("an MCP server's command names a program: correct it")
        return command

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise ValueError("an MCP server has either a command or a url: give one of the two")
        if self.url is not None and (self.env or self.variables or self.cwd):
            raise ValueError("env, variables and cwd are for an MCP server with a command: remove them")
        if self.command and self.secret is not None:
            raise ValueError("a secret goes to an MCP server with a command through env: move it there")
        wrong = [name for name in (*self.env, *self.variables) if not _VARIABLE.match(name)]
        if wrong or set(self.env) & set(self.variables):
            raise ValueError("names in env and variables are plain and different: correct them")
        return self

    def offers(self, tool: str) -> bool:
        """Whether a tool is to be offered, by the server's name of it."""
        return (not self.include or _named(tool, self.include)) and not _named(tool, self.exclude)


class McpServers(RootModel[dict[str, McpServer]]):
    """All of them, by name."""

    model_config = ConfigDict(frozen=True)
    root: dict[str, McpServer] = Field(default_factory=dict)

    @field_validator("root")
    @classmethod
    def _names_fit(cls, servers: dict[str, McpServer]) -> dict[str, McpServer]:
        for name in servers:
            if not _NAME.match(name) or is_reserved(name):
                raise ValueError(f"{name!r} cannot name an MCP server: use letters, digits, dashes and underscores")
        return servers


def _named(tool: str, patterns: tuple[str, ...]) -> bool:
    return any(tool.startswith(p[:-1]) if p.endswith("*") else tool == p for p in patterns)
