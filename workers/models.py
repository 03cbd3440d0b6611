"""The chain of configured language models. A module of its own, so that a worker without a model does not load it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from domain.ports.models import Meter
from domain.text.redaction import Redactor
from integrations.llm.chain import ModelChain
from integrations.llm.prompts import PromptLibrary
from integrations.llm.provider import Provider
from runtime.settings.environment import ModelEndpoint


def model_chain(endpoints: Mapping[str, ModelEndpoint], meter: Meter, prompts: Path) -> ModelChain:
    """Build it.

    Args:
        endpoints: by name, in the order in which they are asked.
        meter: counts calls and what they cost.
        prompts: folder of the prompt files.
    """
    return ModelChain(
        [_provider(name, endpoint) for name, endpoint in endpoints.items()],
        meter=meter,
        prompts=PromptLibrary((prompts,)),
        redactor=Redactor(),
        clock=lambda: datetime.now(UTC),
    )


def _provider(name: str, endpoint: ModelEndpoint) -> Provider:
    return Provider(
        name=name,
        base_url=endpoint.base_url,
        model=endpoint.model,
        api_key=endpoint.api_key,
        price_in=endpoint.price_in,
        price_out=endpoint.price_out,
        timeout_seconds=endpoint.timeout_seconds,
    )
