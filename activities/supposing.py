"""Asks a language model what may have caused an incident that the rules could not settle."""

from __future__ import annotations

from temporalio import activity

from activities.asking import ModelAsker
from domain.model import Value
from domain.policies.case_policy import ModelBudget
from domain.ports.models import LanguageModel
from domain.troubleshooting.supposing import Material, SupposeAnswer, Supposed, counted


class SupposeInput(Value):
    """An incident as a model sees it."""

    tenant: str
    step: str
    """Unique within the incident; the question's idempotency key is made of it."""
    material: Material
    budget: ModelBudget


class SupposingActivities:
    """Receives the model chain."""

    def __init__(self, *, model: LanguageModel) -> None:
        """`model` may be one that is not configured."""
        self._asker = ModelAsker(model)

    @activity.defn
    async def suppose_causes(self, asked: SupposeInput) -> Supposed:
        """Ask once; primary, then secondary. Where none answers, the origin is degraded and nothing is supposed."""
        answer, origin = await self._asker.ask(
            "suppose", asked.step, SupposeAnswer, asked.material.context, tenant=asked.tenant, budget=asked.budget
        )
        return counted(answer, asked.material, origin) if answer is not None else Supposed(origin=origin)
