"""Builds the knowledge of failures from configuration, settings and store."""

from __future__ import annotations

from domain.troubleshooting.knowledge import Signature
from integrations.knowledge.embeddings import RestEmbeddings
from integrations.knowledge.incidents import FailureKnowledge
from integrations.store.knowledge.lessons import SqlLessons
from runtime.configuration.policies import Configuration
from runtime.configuration.signature_files import read_signatures
from runtime.settings.environment import Settings


def failure_knowledge(settings: Settings, configuration: Configuration, lessons: SqlLessons | None) -> FailureKnowledge:
    """Every level that is configured.

    Args:
        settings: for the embeddings.
        configuration: with `signatures.yaml`.
        lessons: of the store; None where none is open.

    Raises:
        ConfigurationProblem: a signature cannot be used.
    """
    signatures: tuple[Signature, ...] = read_signatures(configuration.dirs)
    group = settings.embeddings
    if group is None:
        return FailureKnowledge(signatures, lessons)
    embeddings = RestEmbeddings(
        base_url=group.base_url, model=group.model, api_key=group.api_key, timeout_seconds=group.timeout_seconds
    )
    return FailureKnowledge(signatures, lessons, embeddings, least_similarity=group.least_similarity)
