"""Money that a case moves: each refund and each credit is a playbook, with its own history, limits and undo."""

from __future__ import annotations

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from domain.cases.approval import ApprovalQuestion
    from domain.cases.escalation import EscalationState
    from domain.cases.timeline import TimelineKind
    from domain.model import JsonValue
    from domain.playbook.messages import PlaybookResult
    from domain.triage.conversation import BillingAction, BillingActionKind

from workflows.cases.case import Case
from workflows.cases.child_playbooks import run_playbook
from workflows.cases.saga import Saga

_TOOLS = {
    BillingActionKind.REFUND: "payments.refund_customer",
    BillingActionKind.CREDIT: "payments.credit_customer",
}


class Money:
    """Moves money for one case."""

    def __init__(self, case: Case[EscalationState]) -> None:
        """Work on a case."""
        self._case = case

    async def move(self, step: str, action: BillingAction, customer: str, saga: Saga) -> None:
        """Make a refund or a credit that people approved. A step that fails for good is parked.

        Args:
            step: its key within the case.
            action: what was approved.
            customer: the vendor's id of the customer.
            saga: takes it back when the case gives up what belongs to it.
        """
        kind = action.kind
        # The arguments as the playbook's expressions will spell them: 49.0 is 49 there, and the approval is for those.
        amount = float(action.amount or 0)
        arguments: dict[str, JsonValue] = {
            "customer": customer,
            "amount": int(amount) if amount.is_integer() else amount,
            "currency": action.currency,
        }
        approved = ApprovalQuestion(action=_TOOLS[kind], summary="", arguments=arguments).digest

        async def once() -> PlaybookResult:
            return await self._run(kind.value, self._case.state.begin(step), arguments, (approved,))

        result = await self._case.must(step, f"Make the {kind.label}", once)
        if result is None:
            return
        # Registered after it: a playbook that does not come to its end takes back itself what it did.
        saga.on_undo(f"the {kind.label}", lambda: self._take_back(kind, f"{step}/undo", customer, result.output))
        self._case.state.billing_done.append(action)
        self._case.note(TimelineKind.EFFECT, f"{kind.label.capitalize()} made, as approved")

    async def _take_back(self, kind: BillingActionKind, step: str, customer: str, output: JsonValue) -> None:
        if kind is BillingActionKind.REFUND:
            await self._run("cancel-refund", step, {"refund": output["refund"]}, ())
        else:
            await self._run("reverse-credit", step, {"customer": customer, "transaction": output["transaction"]}, ())

    async def _run(
        self, name: str, step: str, given: dict[str, JsonValue], approved: tuple[str, ...]
    ) -> PlaybookResult:
        """Run a playbook for this case, and wait for its end.

        Raises:
            ApplicationError: it did not come to its end; what it had done is undone.
        """
        state, customer = self._case.state, given.get("customer")
        result = await run_playbook(state, name, step, given, approved=approved, customer_id=customer)
        if result.status != "completed":
            problem = result.error.title if result.error is not None else "it was cancelled"
            raise ApplicationError(f"The playbook {name} did not succeed: {problem}", non_retryable=True)
        return result
