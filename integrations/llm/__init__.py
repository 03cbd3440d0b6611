"""Language models: a chain of OpenAI-compatible endpoints behind the port `domain.ports.LanguageModel`."""

from integrations.llm.chain import ModelChain, NoModel
from integrations.llm.prompts import PromptLibrary
from integrations.llm.provider import Provider

__all__ = ["ModelChain", "NoModel", "PromptLibrary", "Provider"]
