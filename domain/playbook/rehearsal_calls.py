"""What one call of a dry run would be: which tool, what stands in its way, and how it is taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from domain.guarding import judge_call
from domain.model import JsonValue
from domain.playbook.definition import Playbook, Task
from domain.playbook.describing import call_words
from domain.playbook.outline import mapping
from domain.playbook.plan import PlannedApproval, StepKind
from domain.playbook.unknowns import Unevaluable, Unknown, filled, has_unknown, shown, with_unknown_as
from domain.playbook.uri_template import expand
from domain.policies.case_policy import Ladder
from domain.policies.guardrails import Guardrails, RuleAction, RuleHit
from domain.tools.tool import ToolBrief, canonical

_STAND_INS: tuple[JsonValue, ...] = (None, "word", 1)
"""In place of an argument that nobody knows yet. What holds of all of them is not about the argument."""
_KINDS = {"approve": StepKind.APPROVAL, "notify": StepKind.MESSAGE, "ask_model": StepKind.MODEL}


@dataclass(frozen=True)
class Outlook:
    """What is known of a call before it is made."""

    kind: StepKind
    what: str
    arguments: JsonValue
    output: JsonValue
    brief: ToolBrief | None = None
    denied: tuple[str, ...] = ()
    approval: PlannedApproval | None = None
    undo: str = ""
    remark: str = ""

    def fields(self, title: str | None) -> dict[str, JsonValue]:
        """As a planned step has them."""
        return {
            "kind": self.kind,
            "what": f"{title}: {self.what}" if title else self.what,
            "tool": self.brief.name if self.brief is not None else "",
            "safety": self.brief.safety.value if self.brief is not None else "",
            "arguments": shown(self.arguments),
            "certain": not has_unknown(self.arguments),
            "denied": self.denied,
            "approval": self.approval,
            "remark": self.remark,
        }


class CallPlanner:
    """Looks up tools and judges calls.

    Args:
        playbook: what is rehearsed.
        tools: briefs by tool name, `capability:NAME` or path of a task; None when no tool is known here.
        guardrails: of the tenant.
        ladders: of the tenant, by name.
        facts: what guardrails see of the run.
    """

    def __init__(
        self,
        playbook: Playbook,
        tools: Mapping[str, tuple[ToolBrief, ...]] | None,
        guardrails: Guardrails,
        ladders: Mapping[str, Ladder],
        facts: Mapping[str, JsonValue],
    ) -> None:
        self._playbook = playbook
        self._tools = tools
        self._guardrails = guardrails
        self._ladders = ladders
        self._facts = {"playbook": playbook.document.name, **facts}
        self._missing: dict[str, list[str]] = {}

    @property
    def notes(self) -> list[str]:
        """What could not be looked at: one sentence for each tool that there is not, however often it is called."""
        return [_missing_note(words, paths) for words, paths in self._missing.items()]

    def plan(self, path: str, name: str, task: Task, arguments: JsonValue, data: JsonValue) -> Outlook:
        """What a call would be.

        Args:
            path: of the task, with the rounds of loops.
            name: of the task.
            task: the call.
            arguments: filled in as far as they are known.
            data: the task's input.
        """
        output = Unknown(f"output of {name}")
        kind = _KINDS.get(task.call or "", StepKind.CALL)
        if kind is not StepKind.CALL:
            return self._function(kind, name, task, arguments, output)
        sent = self.sent(task, arguments, data)
        briefs = self._briefs(path, task)
        remark = f"else {', '.join(other.name for other in briefs[1:])}" if len(briefs) > 1 else ""
        words = call_words(task)
        if not briefs:
            if self._tools is not None:
                self._missing.setdefault(words, []).append(path)
            return Outlook(kind, words, sent, output)
        brief = briefs[0]
        hits = self._hits(brief, sent)
        denied = tuple(hit.reason for hit in hits if hit.action is RuleAction.DENY)
        asking = tuple(hit.reason for hit in hits if hit.action is RuleAction.REQUIRE_APPROVAL)
        approval = self._approval(brief.ladder or brief.name, asking) if asking and not denied else None
        undo = self._tool_undo(brief, sent, output) if not task.needs_no_undo else ""
        return Outlook(kind, words, sent, output, brief, denied, approval, undo, remark)

    def _hits(self, brief: ToolBrief, sent: JsonValue) -> list[RuleHit]:
        """What the guardrails say for certain: whatever the unknown arguments turn out to be, or nothing is unknown."""
        facts = {**self._facts, "undoing": False, "totals": {}}
        first, *others = (
            judge_call(self._guardrails, brief, mapping(with_unknown_as(stand_in, sent)), facts).hits
            for stand_in in (_STAND_INS if has_unknown(sent) else (None,))
        )
        return [hit for hit in first if all(hit in hits for hits in others)]

    def _briefs(self, path: str, task: Task) -> tuple[ToolBrief, ...]:
        tools = self._tools or {}
        call = task.call or ""
        names = [_without_rounds(path)]
        if call == "http":
            names.append(f"http.{str(task.with_.get('method', '')).lower()}")
        elif call == "use":
            names = [f"capability:{task.with_.get('capability')}"]
        elif call not in ("openapi", "mcp"):
            names = [call]
        return next((tools[name] for name in names if tools.get(name)), ())

    @staticmethod
    def sent(task: Task, arguments: JsonValue, data: JsonValue) -> JsonValue:
        """The arguments as the tool would get them."""
        given = mapping(arguments)
        if task.call == "use":
            return given.get("arguments") or {}
        if task.call == "openapi":
            return given.get("parameters") or {}
        if task.call == "mcp":
            return mapping(given.get("parameters")).get("arguments") or {}
        if task.call != "http":
            return arguments
        endpoint = given.get("endpoint")
        address = endpoint.get("uri") if isinstance(endpoint, dict) else endpoint
        kept = {name: given[name] for name in ("headers", "query", "body", "output", "redirect") if name in given}
        return {"uri": _expanded(address, data), **kept}

    def _function(self, kind: StepKind, name: str, task: Task, arguments: JsonValue, output: Unknown) -> Outlook:
        given = mapping(arguments)
        approval = None
        if kind is StepKind.APPROVAL:
            # As the run does: the ladder that is named, else that of the action, which is the task's name by default.
            approval = self._approval(str(shown(given.get("ladder") or given.get("action") or name)), ())
        result: JsonValue = output
        if kind is StepKind.APPROVAL:
            parts = ("granted", "status", "decidedBy", "reason")
            result = {part: Unknown(f"{part} of {name}") for part in parts}
        return Outlook(kind, call_words(task), arguments, result, approval=approval)

    def _approval(self, wanted: str, reasons: tuple[str, ...]) -> PlannedApproval:
        known = wanted if wanted in self._ladders or not self._ladders else "default"
        ladder = self._ladders.get(known)
        rungs = tuple(rung.name for rung in ladder.rungs) if ladder is not None else ()
        return PlannedApproval(ladder=known, rungs=rungs, reasons=reasons)

    @staticmethod
    def _tool_undo(brief: ToolBrief, arguments: JsonValue, output: JsonValue) -> str:
        if brief.undo is None:
            return ""
        variables = {"arguments": arguments, "output": output, "key": Unknown("key")}
        try:
            values = shown(filled(brief.undo.arguments, output, variables))
        except Unevaluable:
            values = brief.undo.arguments
        return f"call {brief.undo.tool} {canonical(values)}"


def _missing_note(words: str, paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return f"{paths[0]}{more}: there is no tool for `{words}`: see `surehand tool list`."


def _expanded(address: JsonValue, data: JsonValue) -> JsonValue:
    if not isinstance(address, str):
        return address
    if isinstance(data, Unknown) or has_unknown(data):
        known = {name: value for name, value in mapping(data).items() if not has_unknown(value)}
        return address if not known else _expand_known(address, known)
    return expand(address, mapping(data))


def _expand_known(address: str, known: Mapping[str, JsonValue]) -> str:
    """Fill in what is known, and leave the rest to be seen."""
    for name, value in known.items():
        address = address.replace("{" + name + "}", expand("{" + name + "}", {name: value}))
    return address


def _without_rounds(path: str) -> str:
    """The path of a task within the definition: rounds of loops left out."""
    return "/".join(step.partition("#")[0] if step.startswith("do#") else step for step in path.split("/"))
