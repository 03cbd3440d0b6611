"""Language models: a chain of OpenAI-compatible endpoints behind the port `domain.ports.models.LanguageModel`."""
