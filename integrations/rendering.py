"""Fills templates. Text from outside is data: it cannot become template code, break JSON, or speak to Slack.

A mail template has two blocks, `subject` and `text`. A Slack template is JSON in which every value is put in escaped,
for JSON and for Slack's markup, without the template's doing; `slack.blocks` then caps what Slack caps.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateError, TemplateNotFound
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from domain.errors import ConfigurationProblem
from domain.model import JsonValue
from domain.policies.case_policy import Terms
from integrations.slack.blocks import escape, fitted
from integrations.template_values import FILTERS, shaped

OUTPUT_LIMIT = 400_000
"""Characters of a filled template."""
_USUAL_TERMS = Terms().model_dump()
"""For what is about no tenant's case."""
_FILTERS = ("default", "length", "list", "map", "round", "join", "first", "last", "sort", "upper", "lower", "trim")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Templates may fill in, choose and repeat; nothing in them can grow without bound or reach an object's insides."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        raise SecurityError(f"A template may not use {operator}.")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        # Names of a dict are looked up as items; methods are left out, `str.ljust` and `format` above all.
        return (attr == "items" and isinstance(obj, dict)) or (attr == "last" and isinstance(obj, LoopContext))

    def is_safe_callable(self, obj: Any) -> bool:
        return getattr(obj, "__name__", "") == "items" and isinstance(getattr(obj, "__self__", None), dict)


class Templates:
    """`domain.ports.channels.Renderer` on a folder of Jinja2 files."""

    def __init__(self, directory: Path) -> None:
        """`directory` holds `mail/` and `slack/`."""
        self._plain = _environment(directory, shaped)
        self._markup = _environment(directory, lambda value: escape(shaped(value)))
        self._json = _environment(directory, lambda value: json.dumps(escape(shaped(value)))[1:-1])

    def text(self, template: str, **context: object) -> str:
        """Fill a text template.

        Raises:
            ConfigurationProblem: when the file is missing, faulty, or fills up to more than the limit.
        """
        found = self._find(self._environment_of(template), template)
        return self._fill(template, found, found.root_render_func, context).strip()

    def mail(self, template: str, **context: object) -> tuple[str, str]:
        """Fill a template's subject, as one line, and its text. Values for `slack/` are escaped for Slack.

        Raises:
            ConfigurationProblem: as in `text`, and when one of the blocks is missing.
        """
        found = self._find(self._environment_of(template), template)
        for block in ("subject", "text"):
            if block not in found.blocks:
                raise ConfigurationProblem(f"Template {template} has no block named {block}: add it.")
        subject = self._fill(template, found, found.blocks["subject"], context)
        text = self._fill(template, found, found.blocks["text"], context)
        return " ".join(subject.split()), text.strip() + "\n"

    def blocks(self, template: str, **context: object) -> tuple[dict[str, JsonValue], ...]:
        """Fill a Slack Block Kit template: a JSON array of blocks.

        Raises:
            ConfigurationProblem: as in `text`, and when what comes out is no array of blocks.
        """
        found = self._find(self._json, template)
        filled = self._fill(template, found, found.root_render_func, context)
        try:
            blocks = json.loads(filled)
        except ValueError:
            blocks = None
        if not isinstance(blocks, list) or not all(isinstance(block, dict) and "type" in block for block in blocks):
            raise ConfigurationProblem(f"Template {template} does not make a JSON array of blocks: correct it.")
        return fitted(blocks)

    def _environment_of(self, template: str) -> _Sandbox:
        return self._markup if template.startswith("slack/") else self._plain

    @staticmethod
    def _find(environment: _Sandbox, name: str) -> Template:
        try:
            return environment.get_template(name)
        except TemplateNotFound:
            raise ConfigurationProblem(f"There is no template {name}: add the file to templates.") from None
        except TemplateError as error:
            raise ConfigurationProblem(
                f"Template {name} cannot be read ({type(error).__name__}): correct it."
            ) from None

    @staticmethod
    def _fill(name: str, template: Template, render: Any, context: dict[str, object]) -> str:
        try:
            return _capped(name, render(template.new_context({"terms": _USUAL_TERMS, **context})))
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError) as error:
            # The error's own text can quote data. The name of a missing value is ours and helps.
            missing = re.match(r"'(\w{1,60})' is undefined", str(error))
            what = f"{missing[1]} is missing" if missing else type(error).__name__
            raise ConfigurationProblem(
                f"Template {name} cannot be filled ({what}): use only values that its step gives."
            ) from None


def _environment(directory: Path, finalize: Any) -> _Sandbox:
    environment = _Sandbox(
        loader=FileSystemLoader(str(directory)),
        undefined=StrictUndefined,
        autoescape=False,  # there is no HTML here; `finalize` escapes for what there is
        finalize=lambda value: value if isinstance(value, StrictUndefined) else finalize(value),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {name: environment.filters[name] for name in _FILTERS}
    environment.filters |= FILTERS
    environment.globals.clear()
    return environment


def _capped(name: str, parts: Iterable[str]) -> str:
    size, kept = 0, []
    for part in parts:
        size += len(part)
        if size > OUTPUT_LIMIT:
            raise ConfigurationProblem(f"Template {name} fills up to more than its limit: shorten it.")
        kept.append(part)
    return "".join(kept)
