"""Hooks of schemathesis: each request has a key of its own, because one that was used before is rightly refused."""

from __future__ import annotations

import re
import uuid
from typing import Any

import schemathesis

_KEY = re.compile(r"[!-~]{1,255}\Z")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    given = (case.headers or {}).get("Idempotency-Key")
    if isinstance(given, str) and _KEY.match(given):
        case.headers["Idempotency-Key"] = uuid.uuid4().hex
