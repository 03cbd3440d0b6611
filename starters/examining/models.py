"""Language models and embeddings: whether they know our key and the model; one token is bought only if asked."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from pydantic import SecretStr

from domain.errors import VendorError, VendorRefused
from domain.model import JsonValue
from integrations.http import Reply, VendorHttp, status_error
from runtime.doctor.checks import Check, Verdict, ok, warning
from runtime.settings.environment import EmbeddingSettings, ModelEndpoint, Settings

ONE_TOKEN_SECONDS = 30.0
_VENDOR = "the endpoint"
_NAMES_A_PROBLEM_WITH_LENGTH = 400


def model_checks(settings: Settings, *, buys: bool = False) -> list[Check]:
    """One for each endpoint that is configured.

    Args:
        settings: of the installation.
        buys: whether one token may be asked of each model, which costs a little.
    """
    named = {"Model primary": settings.model.primary, "Model secondary": settings.model.secondary}
    found = [
        Check(
            name,
            functools.partial(_model, name.rpartition(" ")[2].upper(), endpoint, buys=buys),
            at_least_seconds=ONE_TOKEN_SECONDS if buys else 0.0,
        )
        for name, endpoint in named.items()
        if endpoint is not None
    ]
    embeddings = settings.embeddings
    if embeddings is not None:
        found.append(Check("Embeddings", functools.partial(_embeddings, embeddings)))
    return found


async def _model(which: str, endpoint: ModelEndpoint, *, buys: bool) -> Verdict:
    group = f"SUREHAND_MODEL__{which}__"
    if buys:
        await _one_token(_http(endpoint.base_url, endpoint.api_key, group, ONE_TOKEN_SECONDS), endpoint.model)
        return ok(f"{endpoint.model} answers.")
    return _judged(await _listed(endpoint.base_url, endpoint.api_key, group), endpoint.model, group)


async def _embeddings(settings: EmbeddingSettings) -> Verdict:
    group = "SUREHAND_EMBEDDINGS__"
    return _judged(await _listed(settings.base_url, settings.api_key, group), settings.model, group)


def _judged(listed: Sequence[str] | None, model: str, group: str) -> Verdict:
    if listed is None:
        return ok("It answers, and lists no models; `surehand doctor --ask-models` buys one token to be sure.")
    if model not in listed:
        return warning(f"It takes our key, and {model} is not among its {len(listed)} models: correct {group}MODEL.")
    return ok(f"It takes our key, and has {model}.")


async def _listed(base_url: str, key: SecretStr | None, group: str) -> list[str] | None:
    """The names of its models; None where it has no such list."""
    try:
        body = await _http(base_url, key, group, 20.0).get("models")
    except VendorRefused as refused:
        if refused.status in (404, 405):
            return None
        raise
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None
    return [str(row["id"]) for row in rows if isinstance(row, dict) and "id" in row]


async def _one_token(http: VendorHttp, model: str) -> None:
    """Ask for the shortest answer. Newer models know the limit by another name."""
    asked: dict[str, JsonValue] = {"model": model, "messages": [{"role": "user", "content": "Say yes."}]}
    try:
        await http.send("POST", "chat/completions", body={**asked, "max_tokens": 1})
    except VendorRefused as refused:
        if refused.status != _NAMES_A_PROBLEM_WITH_LENGTH:
            raise
        # Models that think first need room for it.
        await http.send("POST", "chat/completions", body={**asked, "max_completion_tokens": 256})


def _http(base_url: str, key: SecretStr | None, group: str, timeout_seconds: float) -> VendorHttp:
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key is not None else {}

    def translate(reply: Reply, write: bool) -> VendorError:
        advice = {
            401: f"It refuses our key: renew {group}API_KEY.",
            403: f"It does not allow this to our key: renew {group}API_KEY.",
            404: f"It does not know the address or the model: correct {group}BASE_URL or {group}MODEL.",
        }
        return status_error(_VENDOR, reply, write=False, advice=advice)

    return VendorHttp(_VENDOR, base_url, timeout_seconds=timeout_seconds, translate=translate, headers=headers)
