"""Configuration files as policies: layers of YAML become one checked `CasePolicy` per tenant.

The shipped `config/` is the lowest layer, the user's folders lie over it, and a tenant's `overrides` lie on top.
Everything is checked at start-up; a fault names file and line. Only people are read again while the program runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from domain.errors import ConfigurationProblem, InvalidInput
from domain.identity.people import Person
from domain.ids import check_tenant
from domain.policies.case_policy import CasePolicy, Ladder, ModelBudget, ReplyPolicy, RiskPolicy
from domain.policies.guardrails import Guardrails
from domain.rules.keywords import KeywordTables
from domain.tools.tool_policy import ToolPolicy, VendorSettings
from domain.triage.classification import Category
from domain.troubleshooting.checks import Check
from domain.webhooks.events import Subscription
from runtime.configuration.check_files import CHECKS_FILE, read_checks
from runtime.configuration.guardrail_files import GUARDRAILS_FILE, read_guardrails
from runtime.configuration.people_directory import PEOPLE_FILE, PeopleDirectory
from runtime.configuration.policy_files import (
    read_calendars,
    read_incidents,
    read_ladders,
    read_sla,
    read_teams,
    read_timers,
)
from runtime.configuration.subscription_files import SUBSCRIPTIONS_FILE, read_delivery, read_subscriptions
from runtime.configuration.tenants import SHARE, TENANTS_FILE, Tenants
from runtime.configuration.tool_files import TOOLS_FILE, check_sections, read_tool_policy, read_vendors
from runtime.configuration.yaml_layers import Document, Keys, ModelT, read_layers
from runtime.settings.environment import Settings

KEYWORDS_FILE = "keywords.yaml"
_OVERRIDABLE = ("teams", "sla", "calendars", "risk", "approvals", "timers", "replies", "incidents")
_OVERLAID = (*_OVERRIDABLE, "tools", "guardrails", "checks")
"""Beside the policy's files, those whose parts a tenant may lay over and that are no part of a case's policy."""


class Configuration:
    """Implements the ports `PolicySource`, `ToolPolicySource`, `GuardrailSource`, `CheckSource` and `Directory`.

    Args:
        dirs: configuration folders, lowest first (`Settings.configuration_dirs`).
        dashboard_url: base address of links for tenants that set none themselves.

    Raises:
        ConfigurationProblem: anything in the files cannot be used.
    """

    def __init__(self, dirs: Sequence[Path], *, dashboard_url: str | None = None) -> None:
        self.dirs = tuple(dirs)
        self._dashboard_url = dashboard_url
        _refuse_unknown_files(self.dirs)
        self.people = PeopleDirectory(self.dirs)
        self.warnings: list[str] = []
        """What works and should be looked at, such as a team whose lead has left; `surehand doctor` shows it."""
        self.shares = Tenants(self.dirs)
        told = read_layers(self.dirs, SUBSCRIPTIONS_FILE)
        named = read_layers(self.dirs, TENANTS_FILE).below("tenants").data
        self.subscriptions = read_subscriptions(told, named)
        """Systems outside that are told of cases."""
        self.delivery_rules = read_delivery(told)
        """How they are told."""
        self._policies = self._read_policies()
        self._tools = self._read_tools()
        self._guardrails = self._read_guardrails()
        self._checks = self._read_checks()

    @classmethod
    def from_settings(cls, settings: Settings) -> Configuration:
        """The configuration that the settings name; also checks that the default tenant exists."""
        configuration = cls(settings.configuration_dirs, dashboard_url=settings.dashboard_url)
        configuration.policy_for(settings.tenant)
        return configuration

    @property
    def tenants(self) -> tuple[str, ...]:
        """Names of the configured tenants."""
        return tuple(self._policies)

    def policy_for(self, tenant: str) -> CasePolicy:
        """The tenant's policy.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        policy = self._policies.get(tenant)
        if policy is None:
            raise ConfigurationProblem("That tenant is not configured: add it to tenants.yaml or correct the name.")
        return policy

    def guardrails_for(self, tenant: str) -> Guardrails:
        """The tenant's rules and limits.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        self.policy_for(tenant)
        return self._guardrails[tenant]

    def checks_for(self, tenant: str) -> tuple[Check, ...]:
        """What the tenant's engineers look at by hand when something fails.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        self.policy_for(tenant)
        return self._checks[tenant]

    def tools_for(self, tenant: str) -> ToolPolicy:
        """Which tools the tenant may use, and how each is held tighter.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        self.policy_for(tenant)
        return self._tools[tenant]

    def subscription(self, tenant: str, name: str) -> Subscription | None:
        """One endpoint that is told of the tenant's cases; None when it has none of that name."""
        return next((one for one in self.subscriptions if (one.tenant, one.name) == (tenant, name)), None)

    @cached_property
    def vendors(self) -> dict[str, VendorSettings]:
        """How tools' vendors are treated, for all tenants."""
        return read_vendors(read_layers(self.dirs, TOOLS_FILE))

    def section(self, name: str, section: str, model: type[ModelT]) -> ModelT:
        """One section of another file, such as `mcp` of `tools`, as a model of who uses it; its defaults when absent.

        Raises:
            ConfigurationProblem: one sentence per fault, with file and line.
        """
        document = read_layers(self.dirs, f"{name}.yaml")
        return document.read(model, document.below(section).data, section)

    def person(self, tenant: str, name: str) -> Person | None:
        """The person with that id, address or other alias, as of now; one who left is returned as not active."""
        return self.people.person(tenant, name)

    def person_by_subject(self, tenant: str, subject: str) -> Person | None:
        """The person whom the identity provider calls so, as of now."""
        return self.people.by_subject(tenant, subject)

    def holders(self, tenant: str, roles: tuple[str, ...], people: tuple[str, ...]) -> list[Person]:
        """Every active person who holds one of the roles or is named, as of now, in a stable order."""
        return self.people.holders(tenant, roles, people)

    @cached_property
    def keywords(self) -> KeywordTables:
        """The rules engine's tables, from `keywords.yaml`."""
        document = read_layers(self.dirs, KEYWORDS_FILE)
        return document.read(KeywordTables, document.data)

    @cached_property
    def phrases(self) -> dict[str, Any]:
        """What the rules engine says, from `phrases.yaml`."""
        return self.raw("phrases")

    def raw(self, name: str) -> dict[str, Any]:
        """The layered content of another file, such as `phrases` for `phrases.yaml`; empty when there is none."""
        return read_layers(self.dirs, f"{name}.yaml").data

    def _read_policies(self) -> dict[str, CasePolicy]:
        tenants = read_layers(self.dirs, TENANTS_FILE)
        shared = {name: read_layers(self.dirs, f"{name}.yaml") for name in _OVERRIDABLE}
        policies: dict[str, CasePolicy] = {}
        for tenant in tenants.below("tenants").data:
            document = tenants.below("tenants", tenant)
            try:
                check_tenant(tenant)
            except InvalidInput as fault:
                raise document.fault((), str(fault)) from None
            policies[tenant] = self._read_policy(tenant, document, shared)
        if not policies:
            raise ConfigurationProblem("tenants.yaml names no tenant: add one, such as `default`.")
        return policies

    def _read_tools(self) -> dict[str, ToolPolicy]:
        shared = read_layers(self.dirs, TOOLS_FILE)
        check_sections(shared, tenant=False)
        read_vendors(shared)
        tenants = read_layers(self.dirs, TENANTS_FILE)
        policies = {}
        for tenant in self._policies:
            own = tenants.below("tenants", tenant, "overrides", "tools")
            check_sections(own, tenant=True)
            policies[tenant] = read_tool_policy(shared.under(own))
        return policies

    def _read_guardrails(self) -> dict[str, Guardrails]:
        shared = read_layers(self.dirs, GUARDRAILS_FILE)
        # A host that the operator opened to tools need not be listed twice.
        opened = read_layers(self.dirs, TOOLS_FILE).below("web").data.get("internal_hosts", ())
        tenants = read_layers(self.dirs, TENANTS_FILE)
        return {
            tenant: read_guardrails(
                shared.under(tenants.below("tenants", tenant, "overrides", "guardrails")), opened=opened
            ).model_copy(update={"currencies": policy.currencies})
            for tenant, policy in self._policies.items()
        }

    def _read_checks(self) -> dict[str, tuple[Check, ...]]:
        shared, tenants = read_layers(self.dirs, CHECKS_FILE), read_layers(self.dirs, TENANTS_FILE)
        return {
            tenant: read_checks(shared.under(tenants.below("tenants", tenant, "overrides", "checks")))
            for tenant in self._policies
        }

    def _read_policy(self, tenant: str, document: Document, shared: Mapping[str, Document]) -> CasePolicy:
        overrides = document.below("overrides")
        for name in overrides.data:
            if name not in _OVERLAID:
                raise document.fault(
                    ("overrides", name), f"{name!r} cannot be overridden: use one of {', '.join(_OVERLAID)}."
                )
        files = {name: shared[name].under(overrides.below(name)) for name in _OVERRIDABLE}
        fields: dict[str, Any] = {key: value for key, value in document.data.items() if key not in ("overrides", SHARE)}
        fields.setdefault("dashboard_url", self._dashboard_url)
        parts: dict[str, Any] = {
            "teams": read_teams(files["teams"]),
            "risk": files["risk"].read(RiskPolicy, files["risk"].below("risk").data, "risk"),
            "sla": read_sla(files["sla"]),
            "calendars": read_calendars(files["calendars"]),
            "ladders": read_ladders(files["approvals"]),
            "timers": read_timers(files["timers"]),
            "reply": files["replies"].read(ReplyPolicy, files["replies"].below("reply").data, "reply"),
            "incidents": read_incidents(files["incidents"]),
            "tells_others": any(one.tenant == tenant for one in self.subscriptions),
            "budget": files["replies"].read(ModelBudget, files["replies"].below("budget").data, "budget"),
        }
        policy = document.read(CasePolicy, {**fields, **parts, "tenant": tenant, "version": "unhashed"})
        self._check_people(policy, document, files)
        return policy.model_copy(update={"version": _version(policy)})

    def _check_people(self, policy: CasePolicy, document: Document, files: Mapping[str, Document]) -> None:
        for category in Category:
            if category not in policy.category_team:
                raise document.fault(("category_team",), f"category {category.value!r} has no team: add one.")
        for setting in ("catch_all_owner", "duty_lead"):
            self._check_active(policy.tenant, getattr(policy, setting), document, (setting,))
        for name, team in policy.teams.items():
            path = ("teams", name, "lead")
            if not self._check_person(policy.tenant, team.lead, files["teams"], path).active:
                # No reason to refuse: somebody leaves on any day, and a worker must still start on the next.
                place = files["teams"].place(path)
                self.warnings.append(f"{place}: {team.lead}, lead of {name}, is no longer active: name another lead.")
        for person in self.people.everybody(policy.tenant):
            for team_name in person.teams:
                if team_name not in policy.teams:
                    raise ConfigurationProblem(
                        f"{PEOPLE_FILE}: {person.person_id} is in team {team_name!r}, which teams.yaml does not have: "
                        "add the team or correct the name."
                    )
        for name, ladder in policy.ladders.items():
            self._check_ladder(policy.tenant, name, ladder, files["approvals"])

    def _check_person(self, tenant: str, name: str, document: Document, path: Keys) -> Person:
        person = self.people.person(tenant, name)
        if person is None or person.person_id != name:
            raise document.fault(path, f"{name!r} is not in people.yaml for tenant {tenant!r}: add the person there.")
        return person

    def _check_active(self, tenant: str, name: str, document: Document, path: Keys) -> None:
        if not self._check_person(tenant, name, document, path).active:
            raise document.fault(path, f"{path[-1]} names {name!r}, who is no longer active: name somebody else.")

    def _check_ladder(self, tenant: str, name: str, ladder: Ladder, document: Document) -> None:
        for number, rung in enumerate(ladder.rungs):
            path = ("ladders", name, "rungs", number)
            for named in rung.people:
                self._check_person(tenant, named, document, path)
            holders = self.people.holders(tenant, rung.roles, rung.people)
            if len(holders) < rung.quorum:
                raise document.fault(
                    path,
                    f"rung {rung.name!r} of ladder {name!r} needs {rung.quorum} of tenant {tenant!r} and finds "
                    f"{len(holders)} active: give more people one of its roles, or lower its quorum.",
                )


def _refuse_unknown_files(dirs: Sequence[Path]) -> None:
    """A misspelt file name in a user's folder would be ignored in silence; the lowest layer knows all names."""
    known = {path.name for path in dirs[0].glob("*.yaml")} if dirs else set()
    for folder in dirs[1:]:
        for path in sorted(folder.glob("*.y*ml")):
            if path.name not in known:
                near = get_close_matches(path.name, known, n=1)
                advice = f"did you mean {near[0]}?" if near else "remove it from the configuration folder."
                raise ConfigurationProblem(f"{path}: no configuration file has this name: {advice}")


def _version(policy: CasePolicy) -> str:
    content = policy.model_dump(mode="json", exclude={"version"})
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]
