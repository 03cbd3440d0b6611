"""The demo's playbooks: what is ordered, and what people do about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from domain.cases.parts import ParkedStep
from domain.cases.terms import UnparkAction
from domain.ids import playbook_workflow_id
from domain.model import JsonValue
from domain.playbook.edits import with_values
from domain.playbook.messages import PlaybookInput, PlaybookResult
from domain.playbook.state import PlaybookState
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import SHIPPED_CONFIG
from starters.cases import Cases
from starters.dead_letters import letter_of, release
from starters.demo.acts import Act, Turn
from starters.playbooks import Playbooks


@dataclass(frozen=True)
class Release(Act[PlaybookState]):
    """Somebody sends a parked call on its way again, with other values where it needs them."""

    may_repeat = True

    person: str
    reason: str
    tool: str
    values: tuple[tuple[str, JsonValue], ...] = ()

    def since(self, state: PlaybookState) -> datetime | None:
        """Since the call was parked."""
        parked = self._parked(state)
        return parked.parked_at if parked is not None else None

    async def perform(self, turn: Turn[PlaybookState]) -> None:
        """Release it."""
        parked = self._parked(turn.state)
        if parked is None:
            return
        workflow_id = playbook_workflow_id(turn.tenant, *turn.case.split(":", 1))
        await release(
            turn.cases,
            letter_of(workflow_id, turn.state, parked),
            UnparkAction.RETRY,
            person_id=self.person,
            reason=self.reason,
            arguments=with_values(parked.arguments or {}, self.values) if self.values else None,
        )

    @property
    def words(self) -> str:
        """What is done."""
        edited = f" with another {', '.join(path for path, _ in self.values)}" if self.values else ""
        return f"{self.person} sends {self.tool} on its way again{edited}: {self.reason}"

    def _parked(self, state: PlaybookState) -> ParkedStep | None:
        return next((step for step in state.parked.values() if step.tool == self.tool and step.action is None), None)


@dataclass(frozen=True)
class SettleByHand(Act[PlaybookState]):
    """Somebody looked after what could not be taken back, and says that it is dealt with."""

    person: str
    reason: str

    def since(self, state: PlaybookState) -> datetime | None:
        """Since the run waits for it."""
        parked = state.parked.get("undo")
        return parked.parked_at if parked is not None and parked.action is None else None

    async def perform(self, turn: Turn[PlaybookState]) -> None:
        """Say so."""
        workflow_id = playbook_workflow_id(turn.tenant, *turn.case.split(":", 1))
        letter = letter_of(workflow_id, turn.state, turn.state.parked["undo"])
        await release(turn.cases, letter, UnparkAction.SKIP, person_id=self.person, reason=self.reason)

    @property
    def words(self) -> str:
        """What is done."""
        return f"{self.person} settles by hand what could not be taken back: {self.reason}"


@dataclass
class RunRole:
    """One run of a playbook in the demo."""

    order: PlaybookInput
    script: Sequence[Act[PlaybookState]] = ()
    state: PlaybookState | None = None
    """As last seen."""
    result: PlaybookResult | None = None
    """Once it has ended."""
    acted: int = 0
    problem: str = ""
    parked: dict[str, str] = field(default_factory=dict)
    """What was parked on the way, by step, with its problem."""
    released: list[str] = field(default_factory=list)
    """What people said about it."""

    @property
    def name(self) -> str:
        """What it is called everywhere."""
        return f"{self.order.name}:{self.order.key}"

    @property
    def workflow_id(self) -> str:
        """In Temporal's web UI."""
        return playbook_workflow_id(self.order.tenant, self.order.name, self.order.key)

    async def look(self, cases: Cases, tenant: str) -> PlaybookState:
        """See how it stands."""
        state = self.state = await cases.run(tenant, self.name)
        self.parked.update({step: parked.problem for step, parked in state.parked.items()})
        return state

    async def conclude(self, cases: Cases, tenant: str, task_queue: str) -> None:
        """Take its result, once it has ended."""
        playbooks = Playbooks(cases.client, task_queue=task_queue, tenants=Tenants((SHIPPED_CONFIG,)))
        self.result = await playbooks.result(tenant, self.name)

    def acting(self, act: Act[PlaybookState]) -> None:
        """Remember what a person did."""
        self.released.append(act.words)


def demo_runs(tenant: str) -> list[RunRole]:
    """What the demo runs beside its tickets."""

    def run(name: str, key: str, given: dict[str, JsonValue], *script: Act[PlaybookState]) -> RunRole:
        return RunRole(PlaybookInput(tenant=tenant, name=name, key=key, input=given), script)

    customer: dict[str, JsonValue] = {"id": "CUST-4711", "name": "Noa Berg", "email": "noa.berg@example.com"}
    return [
        run(
            "order-fulfilment",
            "ORDER-1001",
            {
                "order": "ORDER-1001",
                "customer": customer,
                "payment_method": "pm_card_visa",
                "currency": "EUR",
                # Four tents come from two warehouses; the lamp is gone.
                "items": [
                    {"sku": "TENT-2P", "quantity": 4, "unit_amount": 12_900},
                    {"sku": "LAMP-LED", "quantity": 1, "unit_amount": 3_900},
                ],
                "shipping_amount": 1_500,
                "ship_to": {
                    "name": "Noa Berg",
                    "line1": "Hauptstr. 1",
                    "city": "Berlin",
                    "postal_code": "10115",
                    "country": "DE",
                },
                "on_shortage": "ship_available",
            },
        ),
        run(
            "payment",
            "INVOICE-2002",
            {
                "reference": "INVOICE-2002",
                "customer": {"id": "CUST-4712", "email": "jo.lind@example.com"},
                "amount": 240,
                "currency": "EUR",
                # The bank of this card never comes to a decision.
                "payment_method": "pm_card_chargeDeclinedProcessingError",
            },
            Release(
                "p-greta",
                "The customer gave us another card.",
                "payments.authorise",
                (("payment_method", "pm_card_visa"),),
            ),
            SettleByHand("p-greta", "The bank says that it holds nothing on the first card."),
        ),
        run(
            "canary-deployment",
            "checkout-2.1-bad",
            {
                "service": "checkout",
                # Its errors show once it has a quarter of the traffic.
                "version": "2.1-bad",
                "stages": [{"percent": percent, "soak_minutes": 10} for percent in (5, 25, 50)],
                "final_soak_minutes": 10,
                "checks_per_stage": 1,
                "report_to": "channel:#engineering-support",
            },
        ),
    ]
