"""The providers that `tools.yaml` describes below `openapi:` and `web:`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from integrations.tools.addresses import Resolve, look_up
from integrations.tools.authentication import Secrets
from integrations.tools.openapi.by_address import DocumentsByAddress, Texts
from integrations.tools.openapi.configuration import OpenApiSources, WebConfiguration
from integrations.tools.openapi.provider import OpenApiProvider
from integrations.tools.provider import ToolProvider
from integrations.tools.web import WebProvider, web_guard


def http_providers(
    sources: OpenApiSources,
    web: WebConfiguration,
    *,
    secrets: Secrets,
    folders: Sequence[Path],
    texts: Texts,
    resolve: Resolve = look_up,
) -> list[ToolProvider]:
    """Every configured document, plain HTTP, and documents by address. Nothing is read before its first use.

    Args:
        sources: the section `openapi`.
        web: the section `web`.
        secrets: by name in lower case (`Settings.secrets`).
        folders: layers of configuration, lowest first.
        texts: where addresses of documents are kept (the case store).
        resolve: looks a host up.

    Raises:
        ConfigurationProblem: a secret that is named is not set; the sentence names its variable.
    """
    guard = web_guard(web, resolve)
    documents: list[ToolProvider] = [
        OpenApiProvider(name, source, secrets=secrets, guard=guard, folders=folders)
        for name, source in sources.root.items()
    ]
    return [*documents, WebProvider(web, secrets, resolve=resolve), DocumentsByAddress(web, guard=guard, texts=texts)]
