"""Addresses with names in braces, filled in safely. Source: RFC 6570, level 1 (simple string expansion)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from domain.model import JsonValue

_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")


def expand(template: str, values: Mapping[str, JsonValue]) -> str:
    """Fill in `{name}`s. A value is escaped whole, so that it cannot leave its place in the address.

    Args:
        template: the address.
        values: by name; a name without a value becomes nothing, as the RFC says.
    """

    def fill_in(found: re.Match[str]) -> str:
        value = values.get(found.group(1))
        if value is None:
            return ""
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        # A segment of dots alone would climb up a path even when escaped whole.
        return "%2E" * len(text) if text in (".", "..") else quote(text, safe="")

    return _NAME.sub(fill_in, template)
