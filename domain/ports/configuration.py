"""The ports of what a tenant configured."""

from __future__ import annotations

from typing import Protocol

from domain.identity.people import Person
from domain.policies.case_policy import CasePolicy
from domain.policies.guardrails import Guardrails
from domain.tools.tool_policy import ToolPolicy
from domain.troubleshooting.checks import Check


class PolicySource(Protocol):
    """Configuration as policies."""

    def policy_for(self, tenant: str) -> CasePolicy:
        """The tenant's policy as of now.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        ...


class Directory(Protocol):
    """The people directory as of now, not as of the case's start."""

    def person(self, tenant: str, name: str) -> Person | None:
        """The person with that id, address or other alias."""
        ...

    def holders(self, tenant: str, roles: tuple[str, ...], people: tuple[str, ...]) -> list[Person]:
        """Every active person who holds one of the roles or is named, in a stable order."""
        ...


class ToolPolicySource(Protocol):
    """Which tools a tenant may use, and how each is held tighter."""

    def tools_for(self, tenant: str) -> ToolPolicy:
        """The tenant's part of `tools.yaml`.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        ...


class GuardrailSource(Protocol):
    """Where a tenant's rules come from."""

    def guardrails_for(self, tenant: str) -> Guardrails:
        """The tenant's rules and limits."""
        ...


class CheckSource(Protocol):
    """Where a tenant's checks come from."""

    def checks_for(self, tenant: str) -> tuple[Check, ...]:
        """What its engineers look at by hand when something fails."""
        ...
