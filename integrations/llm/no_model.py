"""What stands in where no language model is configured. Apart from the chain, whose library takes a second to load."""

from __future__ import annotations

from domain.ports.models import Answer, AnswerT, ModelUnavailable, Question


class NoModel:
    """A language model that is not configured: the rules do the work."""

    @property
    def configured(self) -> bool:
        """Never."""
        return False

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        """Raise `ModelUnavailable`."""
        raise ModelUnavailable("No language model is configured.")

    async def close(self) -> None:
        """Nothing to close."""
