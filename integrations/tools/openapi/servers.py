"""Which server a document's operation is at."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from domain.errors import ConfigurationProblem

_VARIABLE = re.compile(r"\{([^{}]+)\}")


def server_of(
    servers: Sequence[Mapping[str, Any]], chosen: Mapping[str, str], document_address: str | None, *, whose: str
) -> str:
    """The address of the first server, with its variables filled in.

    Args:
        servers: as the document lists them.
        chosen: values of variables, from the configuration.
        document_address: that a relative address is relative to.
        whose: name of the document in `tools.yaml`.

    Raises:
        ConfigurationProblem: the document names no server that can be used.
    """
    server = servers[0] if servers else {"url": "/"}
    declared = server.get("variables")
    variables: Mapping[str, Any] = declared if isinstance(declared, dict) else {}

    def fill(match: re.Match[str]) -> str:
        name = match.group(1)
        about = variables.get(name)
        value = chosen.get(name) or (about.get("default") if isinstance(about, dict) else None)
        if not isinstance(value, str | int) or not re.fullmatch(r"[A-Za-z0-9._~-]+", str(value)):
            raise ConfigurationProblem(f"{whose}: the server needs {name[:60]}: set it in `server_variables`.")
        return str(value)

    address = _VARIABLE.sub(fill, str(server.get("url") or "/")).strip()
    try:
        url = httpx.URL(document_address).join(address) if document_address else httpx.URL(address)
    except (httpx.InvalidURL, ValueError):
        url = httpx.URL("/")
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationProblem(f"{whose}: the document names no server that can be called: set `server`.")
    return str(url.copy_with(query=None, fragment=None)).rstrip("/")
