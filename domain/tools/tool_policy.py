"""What a tenant's configuration says of tools: which may be used at all, and how each is held tighter. Pure values.

Configuration may make a tool stricter and never laxer. The one thing it may waive is the question of a tool that
`requires_confirmation`, and only by saying so for it by name (`pre_approved`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from domain.errors import ConfigurationProblem
from domain.model import Value
from domain.tools.tool import Safety, ToolName, ToolSpec, ToolUndo

LARGEST_RESULT_BYTES = 1_000_000
"""Half of what Temporal takes in one payload."""


def matches(pattern: str, name: str) -> bool:
    """Whether a name fits a pattern, whose only wildcard is `*` at its end."""
    return name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern


class ProviderSettings(Value):
    """A provider that a tenant may use, by being listed."""

    only: tuple[str, ...] = ()
    """Names of tools, `*` at the end as the only wildcard; all when empty."""
    excluded: tuple[str, ...] = ()

    def offers(self, name: str) -> bool:
        """Whether the tool is among those that may be used."""
        wanted = not self.only or any(matches(pattern, name) for pattern in self.only)
        return wanted and not any(matches(pattern, name) for pattern in self.excluded)


class ToolSettings(Value):
    """What is said of one tool, or of all whose names fit a pattern. What is left out stays as the provider has it."""

    enabled: bool = True
    title: str | None = None
    safety: Safety | None = None
    """As strict as the tool's own level, or stricter."""
    pre_approved: bool | None = None
    capabilities: tuple[str, ...] | None = None
    timeout: timedelta | None = Field(None, gt=timedelta(0), le=timedelta(days=1))
    give_up_after: timedelta | None = Field(None, gt=timedelta(0))
    result_limit_bytes: int | None = Field(None, ge=200, le=LARGEST_RESULT_BYTES)
    undo: ToolUndo | None = None
    ladder: str | None = None
    amount: str | None = None
    currency: str | None = None
    customer: str | None = None


class VendorSettings(Value):
    """How this installation treats one vendor, for all tenants: they share its patience."""

    calls_per_second: float | None = Field(None, gt=0, le=10_000)
    """The vendor's calls get a task queue of their own, which hands out so many a second over all workers."""
    opens_after: int = Field(5, ge=1, le=1_000)
    """Failures in a row after which nobody calls it for a while."""
    stays_open: timedelta = Field(timedelta(seconds=30), gt=timedelta(0), le=timedelta(hours=1))
    """That while. Then one call tries."""
    spread: timedelta = Field(timedelta(seconds=5), ge=timedelta(0), le=timedelta(hours=1))
    """Waiting calls come back spread over this long, so that they do not all come at once."""


class ToolPolicy(Value):
    """A tenant's part of `tools.yaml`."""

    providers: dict[str, ProviderSettings] = Field(default_factory=dict)
    """By the provider's kind (`python`, `openapi`, `mcp`, `web`) or the name of one document or server."""
    tools: dict[str, ToolSettings] = Field(default_factory=dict)
    """By name, or by a pattern with `*` at its end."""
    capabilities: dict[str, tuple[ToolName, ...]] = Field(default_factory=dict)
    """Capability -> the tools that have it, in the order in which they are to be tried."""

    def allows(self, spec: ToolSpec, provider: str) -> bool:
        """Whether the tenant may use a tool. No provider is allowed unless it is listed.

        Args:
            spec: the tool.
            provider: name of the provider that offers it.
        """
        listed = [self.providers[name] for name in {provider, spec.provider, spec.source} if name in self.providers]
        if not listed or not all(settings.offers(spec.name) for settings in listed):
            return False
        return all(settings.enabled for _, settings in self._said_of(spec.name))

    def applied_to(self, spec: ToolSpec) -> ToolSpec:
        """The tool as the tenant has it.

        Raises:
            ConfigurationProblem: what is said of it by name would make it laxer.
        """
        changes: dict[str, Any] = {}
        for pattern, settings in self._said_of(spec.name):
            said = {name: getattr(settings, name) for name in settings.model_fields_set - {"enabled", "safety"}}
            changes |= {name: value for name, value in said.items() if value is not None}
            changes["safety"] = _stricter(changes.get("safety", spec.safety), pattern, settings, spec)
        safety = changes.get("safety", spec.safety)
        if changes.get("pre_approved") and safety is not Safety.CONFIRM:
            if spec.name in self.tools and self.tools[spec.name].pre_approved and safety is Safety.DANGEROUS:
                raise ConfigurationProblem(
                    f"tools.yaml: {spec.name} is dangerous, so a person approves each call: remove pre_approved."
                )
            changes["pre_approved"] = False
        chosen_for = [name for name, tools in self.capabilities.items() if spec.name in tools]
        if chosen_for:
            changes["capabilities"] = tuple(
                dict.fromkeys((*changes.get("capabilities", spec.capabilities), *chosen_for))
            )
        return spec.model_copy(update=changes)

    def rank(self, capability: str, name: str) -> int:
        """Where a tool stands among the alternatives for a capability; those not listed come last."""
        order = self.capabilities.get(capability, ())
        return order.index(name) if name in order else len(order)

    def _said_of(self, name: str) -> list[tuple[str, ToolSettings]]:
        """Widest pattern first, the exact name last, so that the nearest word counts."""
        fitting = [pattern for pattern in self.tools if matches(pattern, name)]
        return [(pattern, self.tools[pattern]) for pattern in sorted(fitting, key=lambda each: (each == name, each))]


def _stricter(level: Safety, pattern: str, settings: ToolSettings, spec: ToolSpec) -> Safety:
    wanted = settings.safety
    if wanted is None or wanted.rank >= level.rank:
        return wanted or level
    if pattern == spec.name:
        raise ConfigurationProblem(
            f"tools.yaml: {spec.name} is {level.value} and cannot be made {wanted.value}: remove its safety, "
            "or set pre_approved where it requires confirmation."
        )
    return level  # a pattern says "at least"
