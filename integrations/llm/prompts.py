"""Prompts as files: each has a `system` block with our words and a `user` block with data that is no instruction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.errors import ConfigurationProblem
from domain.model import JsonValue, Value

SHIPPED_PROMPTS = Path(__file__).resolve().parents[2] / "templates" / "prompts"
PROMPT_LIMIT = 40_000
"""Characters of a filled prompt, about ten thousand tokens. Long texts in the data are shortened to fit."""
LONGEST_TEXT = 12_000
SHORTEST_TEXT = 200


class Prompt(Value):
    """A filled prompt."""

    name: str
    system: str
    user: str


class PromptLibrary:
    """The prompt files of one or more folders; a later folder's file replaces an earlier one's."""

    def __init__(self, folders: Sequence[Path] = (SHIPPED_PROMPTS,), *, character_limit: int = PROMPT_LIMIT) -> None:
        """`character_limit` caps a filled prompt, in characters."""
        self._character_limit = character_limit
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader([str(folder) for folder in reversed(folders)]),
            undefined=StrictUndefined,
            autoescape=False,  # a prompt is plain text; data enters it as JSON through `as_json`
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters["as_json"] = as_json

    def fill(self, name: str, context: dict[str, JsonValue], *, instructions: str = "") -> Prompt:
        """Fill a prompt.

        Args:
            name: the file's name without `.j2`.
            context: data, already redacted. The template sees each key, and all of it as `data`.
            instructions: of the tenant's own, already redacted. The template sees them as `instructions`.

        Raises:
            ConfigurationProblem: when the file is missing, faulty, or too long even with its data shortened.
        """
        template = self._template(name)
        longest = LONGEST_TEXT
        while longest >= SHORTEST_TEXT:
            prompt = self._filled(name, template, shortened(context, longest), instructions)
            if len(prompt.system) + len(prompt.user) <= self._character_limit:
                return prompt
            longest //= 2
        raise ConfigurationProblem(
            f"Prompt {name}.j2 is longer than its limit however short its data: shorten the file."
        )

    def _template(self, name: str) -> Template:
        try:
            return self._environment.get_template(f"{name}.j2")
        except TemplateNotFound:
            raise ConfigurationProblem(f"There is no prompt {name}.j2: add the file to templates/prompts.") from None
        except TemplateError as error:
            raise ConfigurationProblem(
                f"Prompt {name}.j2 cannot be read ({type(error).__name__}): correct it."
            ) from None

    def _filled(self, name: str, template: Template, context: dict[str, JsonValue], instructions: str) -> Prompt:
        missing = {"system", "user"} - set(template.blocks)
        if missing:
            raise ConfigurationProblem(f"Prompt {name}.j2 has no block named {sorted(missing)[0]}: add it.")
        values = template.new_context({**context, "data": context, "instructions": instructions})
        try:
            parts = {block: "".join(template.blocks[block](values)).strip() for block in ("system", "user")}
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            # The error's own text can quote data, so only its kind is told.
            raise ConfigurationProblem(
                f"Prompt {name}.j2 cannot be filled ({type(error).__name__}): use only values that its step gives."
            ) from None
        return Prompt(name=name, **parts)


def as_json(value: JsonValue) -> str:
    """Data as JSON that no text in it can break out of: quotes are escaped by JSON, angle brackets by us."""
    text = json.dumps(value, ensure_ascii=False, indent=1, default=str)
    safe = text.replace("<", "\\u003c").replace(">", "\\u003e")
    return safe.encode("utf-8", "replace").decode()


def shortened(value: JsonValue, longest: int) -> JsonValue:
    """Cut the middle out of every text longer than `longest` characters. The end of a message often holds its point."""
    if isinstance(value, dict):
        return {key: shortened(part, longest) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [shortened(part, longest) for part in value]
    if not isinstance(value, str) or len(value) <= longest:
        return value
    head, tail = longest * 2 // 3, longest // 3
    return f"{value[:head]} [... {len(value) - head - tail} characters left out ...] {value[-tail:]}"
