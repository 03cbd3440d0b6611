"""Cases as paths name them, within the tenant of whoever asks."""

from __future__ import annotations

from domain.errors import InvalidInput
from domain.identity.principals import Principal
from domain.ids import workflow_id_for
from starters.service.http.errors import unknown_case


def case_named(principal: Principal, name: str) -> str:
    """The workflow id of a case by its name.

    Raises:
        Problem: 404; another tenant's cannot be told from one that is not there.
    """
    if not name.strip() or len(name) > 300:
        raise unknown_case()
    try:
        return workflow_id_for(principal.tenant, name)
    except InvalidInput:
        raise unknown_case() from None
