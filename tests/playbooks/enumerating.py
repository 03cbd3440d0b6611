"""The steps of a shipped playbook that change something outside, read from its definition.

Tests go over all of them, so that a step which is added later is failed, undone, cancelled and killed like the others
without anybody remembering to.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cache

from domain.model import JsonValue
from domain.playbook.definition import Playbook, Task, parse_playbook, walk
from domain.tools.tool import Safety, ToolBrief, ToolCategory
from integrations.playbooks.library import FolderLibrary
from runtime.settings.environment import SHIPPED_CONFIG, load_settings
from starters.dev.world import variables
from starters.playbook_tools import known_tools

PLAYBOOKS = SHIPPED_CONFIG.parent / "playbooks"
_LIBRARY = FolderLibrary(PLAYBOOKS)
_NAMES = ("smtp", "slack", "zendesk", "hubspot", "stripe", "metrics")
_DESCRIBED = tuple(path.stem for path in sorted((SHIPPED_CONFIG / "openapi").glob("*.yaml")))
_ROUND = re.compile(r"[#~!][^/]*")


@dataclass(frozen=True)
class EffectfulStep:
    """A call of a tool that changes something."""

    reference: str
    """Path in the definition: `/do/1/fulfil/try/2/reserve`."""
    tool: str
    vendor: str
    can_be_undone: bool
    """Whether the author or the tool says how it is taken back."""
    needs_no_undo: bool
    """The author said so (`undo: none`), or it is a message."""

    def __str__(self) -> str:
        return f"{self.reference.rsplit('/', 1)[-1]}-{self.tool}"


def definition_of(name: str) -> dict[str, JsonValue]:
    """A shipped playbook's document, as the product reads it."""
    return _LIBRARY.find("default", name)


def playbook_names() -> list[str]:
    """Of all that are shipped."""
    return sorted(path.stem for path in PLAYBOOKS.glob("*.yaml"))


@cache
def shipped_tools() -> dict[str, ToolBrief]:
    """Every tool of the shipped configuration, as `surehand dev` has them. Calls nothing."""
    ports = dict.fromkeys((*_NAMES, *_DESCRIBED), 9)
    settings = load_settings(environ={}, defaults=variables(ports, load_settings(environ={})))
    return dict(asyncio.run(known_tools(settings, "default")).by_name)


def effectful_steps(name: str) -> list[EffectfulStep]:
    """The calls of a shipped playbook that change something, in the definition's order; those of undos are none."""
    playbook = parse_playbook(definition_of(name))
    tools = shipped_tools()
    found = [
        _step(reference, task, tools[task.call])
        for reference, task in _calls(playbook)
        if task.call in tools and tools[task.call].safety is not Safety.SAFE
    ]
    assert found or not _calls(playbook), f"{name} calls nothing that changes anything"
    return found


def reference_of(key: str, workflow_id: str) -> str:
    """Which task of the definition a call's key is for: the key without rounds, attempts and visits."""
    return "/" + _ROUND.sub("", key.removeprefix(f"{workflow_id}/"))


def _calls(playbook: Playbook) -> list[tuple[str, Task]]:
    return [(reference, task) for reference, _, task in walk(playbook.do) if task.call is not None]


def _step(reference: str, task: Task, tool: ToolBrief) -> EffectfulStep:
    message = tool.category is ToolCategory.COMMUNICATION
    return EffectfulStep(
        reference=reference,
        tool=tool.name,
        vendor=tool.vendor,
        can_be_undone=not task.needs_no_undo and (task.undo is not None or tool.undo is not None),
        needs_no_undo=task.needs_no_undo or (message and task.undo is None and tool.undo is None),
    )


__all__ = [
    "PLAYBOOKS",
    "EffectfulStep",
    "definition_of",
    "effectful_steps",
    "playbook_names",
    "reference_of",
    "shipped_tools",
]
