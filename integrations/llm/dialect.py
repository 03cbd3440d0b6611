"""How one endpoint wants to be asked. Endpoints that call themselves OpenAI-compatible differ in what they refuse.

An endpoint is asked in the richest dialect first. What it refuses is left out of the next try, and the dialect that
worked is remembered, so each refusal costs one call in the life of a process.
"""

from __future__ import annotations

import json

from domain.model import JsonValue, Term, Value
from integrations.llm.answer_schema import AnswerSchema, is_closed
from integrations.llm.prompts import Prompt

_NOT_ABOUT_FORM = ("context_length", "context length", "context window", "content_filter", "content management policy")


class Form(Term):
    """How the shape of the answer is asked for, richest first."""

    JSON_SCHEMA = "json_schema"
    OBJECT_WITH_SCHEMA = "object_with_schema"
    """`json_object` with a `schema` beside it, as llama-cpp-python's server takes it."""
    JSON_OBJECT = "json_object"
    TEXT = "text"


class Dialect(Value):
    """What an endpoint takes."""

    form: Form = Form.JSON_SCHEMA
    token_limit_name: str = "max_tokens"  # noqa: S105 - the name of a parameter
    with_temperature: bool = True
    with_system_role: bool = True

    def messages(self, prompt: Prompt, schema: AnswerSchema) -> list[dict[str, str]]:
        """The prompt as messages. Where the form does not carry the schema, the prompt does."""
        system = prompt.system
        if self.form is not Form.JSON_SCHEMA:
            asked = "Answer with one JSON object and nothing else. It fits this JSON schema:"
            system = f"{system}\n\n{asked}\n{json.dumps(schema.bounded)}"
        if self.with_system_role:
            return [{"role": "system", "content": system}, {"role": "user", "content": prompt.user}]
        return [{"role": "user", "content": f"{system}\n\n{prompt.user}"}]

    def parameters(self, name: str, schema: AnswerSchema, token_limit: int) -> dict[str, JsonValue]:
        """What goes beside the messages."""
        parameters: dict[str, JsonValue] = {self.token_limit_name: token_limit}
        if self.with_temperature:
            parameters["temperature"] = 0
        if self.form is Form.JSON_SCHEMA:
            wanted = {"name": name, "strict": is_closed(schema.portable), "schema": schema.portable}
            parameters["response_format"] = {"type": "json_schema", "json_schema": wanted}
        elif self.form is Form.OBJECT_WITH_SCHEMA:
            parameters["response_format"] = {"type": "json_object", "schema": schema.bounded}
        elif self.form is Form.JSON_OBJECT:
            parameters["response_format"] = {"type": "json_object"}
        return parameters

    def after_refusal(self, status: int, complaint: str) -> Dialect | None:
        """The next dialect to try, or None when the refusal was about something else.

        Args:
            status: HTTP status of the refusal. llama-cpp-python 0.3.36 refuses `json_schema` with 500.
            complaint: the error's body as text.
        """
        said = complaint.casefold()
        if any(words in said for words in _NOT_ABOUT_FORM):
            return None
        about_form = "response_format" in said or "json_schema" in said
        if status not in (400, 422) and not (status >= 500 and (about_form or "system role" in said)):
            return None
        if "system role" in said and self.with_system_role:
            return self.model_copy(update={"with_system_role": False})
        if "max_completion_tokens" in said and self.token_limit_name == "max_tokens":  # noqa: S105 - a parameter
            return self.model_copy(update={"token_limit_name": "max_completion_tokens"})
        if "temperature" in said and not about_form and self.with_temperature:
            return self.model_copy(update={"with_temperature": False})
        forms = list(Form)
        further = forms[forms.index(self.form) + 1 :]
        return self.model_copy(update={"form": further[0]}) if further else None
