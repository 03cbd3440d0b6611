"""The call task: which tool, or which of the functions of this runtime, a `call` means, and with which arguments."""

from __future__ import annotations

from dataclasses import replace

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.playbook_functions import AskModelInput, NotifyInput, PlaybookFunctions
    from domain.cases.approval import ApprovalQuestion
    from domain.cases.timeline import TimelineKind
    from domain.guarding import judge_text
    from domain.ids import effect_key
    from domain.model import JsonValue
    from domain.playbook.errors import PlaybookFault, standard
    from domain.playbook.uri_template import expand
    from domain.policies.guardrails import GuardPoint, Guardrails, RuleAction
    from domain.tools.tool import ToolBrief, ToolResult

from workflows import options
from workflows.cases.approvals import Approvals
from workflows.playbooks.data import Running
from workflows.playbooks.interpreter import CONTINUE, Interpreter, Outcome
from workflows.playbooks.permission import Wanted
from workflows.playbooks.steps import Steps
from workflows.playbooks.tool_calls import ToolCalls


class Calls:
    """Carries out the call tasks of one run."""

    def __init__(self, interpreter: Interpreter, tools: ToolCalls, steps: Steps, approvals: Approvals) -> None:
        """Register with the interpreter."""
        self._interpreter = interpreter
        self._case = interpreter.case
        self._data = interpreter.data
        self._tools = tools
        self._steps = steps
        self._approvals = approvals
        self._named = {
            "http": self._http,
            "openapi": self._openapi,
            "mcp": self._mcp,
            "approve": self._approve,
            "notify": self._notify,
            "ask_model": self._ask_model,
            "use": self._use,
        }
        interpreter.kinds["call"] = self._call

    async def _call(self, running: Running) -> Outcome:
        name = running.task.call or ""
        function = self._interpreter.playbook.use.functions.get(name)
        if function is not None:
            # Tools that are found by address were looked up under the function's own path.
            scope = replace(running.below("call"), reference=f"/use/functions/{name}")
            return await self._interpreter.run_task(name, function, scope, self._arguments(running))
        named = self._named.get(name)
        output = await named(running) if named is not None else await self._tool(running, name)
        return output, CONTINUE

    def _arguments(self, running: Running) -> dict[str, JsonValue]:
        arguments = self._data.fill(running.task.with_, running.frame.input, running)
        return arguments if isinstance(arguments, dict) else {}

    # Tools

    async def _tool(self, running: Running, name: str) -> JsonValue:
        result = await self._tools.make(running, Wanted(self._brief(running, name), self._arguments(running)))
        return result.output

    def _briefs(self, running: Running, *names: str) -> tuple[ToolBrief, ...]:
        opened = self._case.state.opened
        for name in names:
            if opened is not None and opened.tools.get(name):
                return opened.tools[name]
        problem = f"There is no tool {names[-1]!r}: see `surehand tool list`."
        raise PlaybookFault(standard("configuration", problem, running.reference))

    def _brief(self, running: Running, *names: str) -> ToolBrief:
        return self._briefs(running, *names)[0]

    async def _use(self, running: Running) -> JsonValue:
        """The first tool with a capability that does it; the next one when a tool is out of order."""
        given = self._arguments(running)
        arguments = given.get("arguments") or {}
        briefs = self._briefs(running, f"capability:{given.get('capability')}")
        for brief in briefs[:-1]:
            try:
                return (await self._tools.make(running, Wanted(brief, arguments), parkable=False)).output
            except PlaybookFault as fault:
                if not fault.exhausted or not await self._steps.take_back(running.place):
                    raise
                running.frame.granted = False
                running.frame.asked_again += 1
                self._case.note(TimelineKind.STEP, f"{running.what}: {brief.name} is out of order, trying the next")
        return (await self._tools.make(running, Wanted(briefs[-1], arguments))).output

    async def _http(self, running: Running) -> JsonValue:
        given = self._arguments(running)
        endpoint = given.get("endpoint")
        parts = endpoint if isinstance(endpoint, dict) else {"uri": endpoint}
        method = str(given.get("method", "")).lower()
        arguments: dict[str, JsonValue] = {"uri": self._address(parts.get("uri"), running)}
        authentication = self._authentication(parts.get("authentication"), running)
        if authentication is not None:
            arguments["authentication"] = authentication
        arguments |= {
            name: given[name]
            for name in ("headers", "query", "body", "output", "redirect")
            if given.get(name) is not None
        }
        brief = self._brief(running, running.reference, f"http.{method}")
        result = await self._tools.make(running, Wanted(brief, arguments, whole=given.get("output") == "response"))
        return result.output

    def _address(self, uri: JsonValue, running: Running) -> str:
        """An address with its `{name}`s filled in from the task's input, escaped (RFC 6570, level 1)."""
        given = running.frame.input if isinstance(running.frame.input, dict) else {}
        return expand(str(uri), given)

    def _authentication(self, given: JsonValue, running: Running) -> JsonValue:
        """An authentication given in place, or by its name in `use.authentications`."""
        if isinstance(given, dict) and isinstance(given.get("use"), str):
            named = self._interpreter.playbook.use.authentications.get(given["use"])
            return self._data.fill(named, running.frame.input, running) if named is not None else given
        return given

    async def _openapi(self, running: Running) -> JsonValue:
        given = self._arguments(running)
        whole = given.get("output") == "response"
        parameters = given.get("parameters") or {}
        brief = self._brief(running, running.reference)
        result = await self._tools.make(running, Wanted(brief, parameters, whole=whole))
        return _whole(result) if whole else result.output

    async def _mcp(self, running: Running) -> JsonValue:
        parameters = self._arguments(running).get("parameters") or {}
        brief = self._brief(running, running.reference)
        return (await self._tools.make(running, Wanted(brief, parameters.get("arguments") or {}))).output

    # The functions of this runtime

    async def _approve(self, running: Running) -> JsonValue:
        """Ask people; their word is a result, and what follows from it is the playbook's."""
        given = self._arguments(running)
        question = ApprovalQuestion(
            action=str(given.get("action") or running.name),
            summary=str(given["summary"]),
            arguments=given.get("arguments") or {},
            amount=given.get("amount"),
            risk=int(given.get("risk") or 0),
            evidence=tuple(str(line) for line in given.get("evidence") or ()),
            requested_by=self._case.state.started_by,
        )
        request = await self._steps.approval(running, self._approvals, question, given.get("ladder"))
        return {
            "granted": request.granted,
            "status": request.status.value,
            "decidedBy": list(request.decided_by),
            "reason": request.reason,
        }

    async def _notify(self, running: Running) -> JsonValue:
        """Write to somebody. What leaves is looked at by the guardrails first."""
        given = self._arguments(running)
        verdict = judge_text(
            self._guardrails(),
            GuardPoint.OUTPUT,
            {"subject": given.get("subject") or "", "text": given.get("text") or ""},
            {"tenant": self._case.state.tenant, "playbook": self._case.state.name, "to": given.get("to")},
        )
        words = verdict.value if isinstance(verdict.value, dict) else {}
        if verdict.action is RuleAction.DENY:
            raise PlaybookFault(standard("authorization", " ".join(verdict.reasons), running.reference))
        if verdict.action is RuleAction.REQUIRE_APPROVAL and not running.scope.undoing:
            question = ApprovalQuestion(
                action="notify",
                summary=f"Send a message that the guardrails stopped ({running.what})",
                arguments={"to": given.get("to"), **words},
                risk=verdict.risk,
                evidence=verdict.reasons,
                requested_by=self._case.state.started_by,
            )
            request = await self._steps.approval(running, self._approvals, question, None)
            if not request.granted:
                problem = f"Not approved: {request.reason or 'nobody approved it'}"
                raise PlaybookFault(standard("authorization", problem, running.reference))
        message = NotifyInput(
            tenant=self._case.state.tenant,
            key=self._key(running),
            to=str(given["to"]),
            subject=str(words.get("subject") or ""),
            text=str(words.get("text") or ""),
            channel=given.get("channel"),
        )
        receipt = await self._steps.must(
            running,
            lambda: self._case.do(
                PlaybookFunctions.notify, message, running.what, options.vendor(self._case.policy.timers)
            ),
        )
        self._case.note(TimelineKind.MESSAGE, f"{running.what}: message sent")
        return receipt.model_dump(mode="json") if receipt is not None else None

    async def _ask_model(self, running: Running) -> JsonValue:
        """Ask the language model. Its answer is data like any other: checked, and never an approval."""
        given = self._arguments(running)
        verdict = judge_text(
            self._guardrails(),
            GuardPoint.MODEL_INPUT,
            given.get("input"),
            {"tenant": self._case.state.tenant, "playbook": self._case.state.name},
        )
        if any(hit.action is RuleAction.LOG for hit in verdict.hits):
            self._case.state.suspicious_text = True
        if verdict.action.rank >= RuleAction.REQUIRE_APPROVAL.rank:
            problem = " ".join(verdict.reasons) or "The guardrails keep this from the model."
            raise PlaybookFault(standard("authorization", problem, running.reference))
        question = AskModelInput(
            tenant=self._case.state.tenant,
            workflow_id=workflow.info().workflow_id,
            key=self._key(running),
            prompt=str(given["prompt"]),
            input=verdict.value,
            answer_schema=given.get("answer"),
            budget=self._case.policy.budget,
        )
        answer = await self._steps.must(
            running,
            lambda: self._case.do(
                PlaybookFunctions.ask_model, question, running.what, options.model(self._case.policy.timers)
            ),
        )
        if answer is not None and answer.unavailable is None:
            return answer.value
        if "fallback" in running.task.with_:
            return given.get("fallback")
        reason = answer.unavailable if answer is not None and answer.unavailable else "the step was skipped"
        raise PlaybookFault(standard("runtime", f"No model answered: {reason}", running.reference, status=503))

    def _guardrails(self) -> Guardrails:
        opened = self._case.state.opened
        return opened.guardrails if opened is not None else Guardrails()

    @staticmethod
    def _key(running: Running) -> str:
        return effect_key(workflow.info().workflow_id, running.place.lstrip("/"))


def _whole(result: ToolResult) -> JsonValue:
    """The response as the specification shapes it (dsl-reference.md, "HTTP Response")."""
    return {
        "request": result.request,
        "statusCode": result.status,
        "headers": result.headers,
        "content": result.output,
    }
