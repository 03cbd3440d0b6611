"""Cases and people as somebody names them, within the tenant of whoever asks."""

from __future__ import annotations

from domain.errors import InvalidInput
from domain.identity.principals import Principal
from domain.ids import workflow_id_for
from runtime.configuration.policies import Configuration
from starters.service.http.errors import Problem, unknown_case


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


def person_named(configuration: Configuration, tenant: str, name: str) -> str:
    """The id of somebody of the directory by id, e-mail address or alias, so that no address gets into a history.

    Raises:
        Problem: 404; nobody is called that, or they have left.
    """
    person = configuration.person(tenant, name)
    if person is None or not person.active:
        raise Problem(
            404, "NOT_FOUND", "Nobody of the people directory is called that: give a person id or an e-mail address."
        )
    return person.person_id
