"""The tool box's part of `tools.yaml`: which providers a tenant may use, how tools are held tighter, vendors' patience.

The sections `openapi`, `web`, `mcp`, `databases` and `commands` of the same file say where tools come from; they are
read by who uses them.
"""

from __future__ import annotations

import re
from typing import Any

from domain.tools.tool_policy import ProviderSettings, ToolPolicy, ToolSettings, VendorSettings
from runtime.configuration.yaml_layers import Document, with_durations

TOOLS_FILE = "tools.yaml"
_FOR_TENANTS = ("providers", "tools", "capabilities")
_FOR_ALL = ("vendors", "openapi", "web", "mcp", "databases", "commands")
_DURATIONS = ("timeout", "give_up_after", "stays_open", "spread")
_VENDOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")


def check_sections(document: Document, *, tenant: bool) -> None:
    """Refuse sections that are not known, and a tenant's that are for all.

    Raises:
        ConfigurationProblem: with file and line.
    """
    known = _FOR_TENANTS if tenant else (*_FOR_TENANTS, *_FOR_ALL)
    for name in document.data:
        if name not in known:
            advice = "set it for all tenants in tools.yaml" if name in _FOR_ALL else f"use one of {', '.join(known)}"
            raise document.fault((name,), f"{name!r} has no place here: {advice}.")


def read_tool_policy(document: Document) -> ToolPolicy:
    """A tenant's tools, from `tools.yaml` with the tenant's overrides over it."""
    providers = _each(document, "providers")
    tools = _each(document, "tools")
    return ToolPolicy(
        providers={name: document.read(ProviderSettings, data, "providers", name) for name, data in providers.items()},
        tools={name: document.read(ToolSettings, data, "tools", name) for name, data in tools.items()},
        capabilities=document.read(ToolPolicy, {"capabilities": document.below("capabilities").data}).capabilities,
    )


def read_vendors(document: Document) -> dict[str, VendorSettings]:
    """Vendor -> how it is treated, for all tenants."""
    vendors = {}
    for name, data in _each(document, "vendors").items():
        if not _VENDOR.match(name):
            raise document.fault(("vendors", name), f"{name!r} cannot name a vendor: use letters, digits and dashes.")
        vendors[name] = document.read(VendorSettings, data, "vendors", name)
    return vendors


def _each(document: Document, section: str) -> dict[str, dict[str, Any]]:
    entries = {}
    for name in document.below(section).data:
        data = dict(document.below(section, name).data)
        for key in _DURATIONS:
            if key in data:
                data[key] = with_durations(document, data[key], section, name, key)
        entries[name] = data
    return entries
