"""Stripe's search language, as far as clauses joined by AND go."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox.stripe_requests import Refused

_CLAUSE = re.compile(
    r"\s*(?:metadata\[['\"](?P<name>[^'\"]+)['\"]\]|(?P<field>\w+))\s*:\s*['\"](?P<value>[^'\"]*)['\"]\s*\Z"
)


def found(request: Request, rows: list[dict[str, Any]]) -> Response:
    """The page of objects that the query of a request finds, newest first."""
    query = request.query_params.get("query", "")
    clauses = [_CLAUSE.match(clause) for clause in re.split(r"\sAND\s", query)]
    if None in clauses:
        raise Refused(
            400, "parameter_invalid_string_empty", "We were unable to parse your search query.", param="query"
        )
    hits = [row for row in rows if all(_meets(row, clause) for clause in clauses if clause is not None)]
    return JSONResponse({
        "object": "search_result", "url": request.url.path, "has_more": False, "next_page": None,
        "data": hits[::-1][:100],
    })  # fmt: skip


def _meets(row: dict[str, Any], clause: re.Match[str]) -> bool:
    if clause["name"] is not None:
        return bool(row["metadata"].get(clause["name"]) == clause["value"])
    return str(row.get(clause["field"])) == clause["value"]
