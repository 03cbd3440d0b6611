"""What is tried after an endpoint refused how it was asked."""

from __future__ import annotations

import pytest

from integrations.llm.dialect import Dialect, Form

FULL = Dialect()


@pytest.mark.parametrize(
    ("status", "complaint", "easier"),
    [
        (400, "Invalid value for response_format", FULL.model_copy(update={"form": Form.OBJECT_WITH_SCHEMA})),
        (422, "anything", FULL.model_copy(update={"form": Form.OBJECT_WITH_SCHEMA})),
        (500, "('body', 'response_format', 'type')", FULL.model_copy(update={"form": Form.OBJECT_WITH_SCHEMA})),
        (
            400,
            "Use 'max_completion_tokens' instead",
            FULL.model_copy(update={"token_limit_name": "max_completion_tokens"}),
        ),
        (400, "'temperature' does not support 0", FULL.model_copy(update={"with_temperature": False})),
        (500, "System role not supported", FULL.model_copy(update={"with_system_role": False})),
        (500, "out of memory", None),
        (400, "maximum context length is 4096, code context_length_exceeded", None),
        (400, "blocked by our content management policy (content_filter)", None),
        (401, "response_format", None),
        (429, "response_format", None),
    ],
)
def test_only_what_was_refused_is_left_out(status, complaint, easier):
    assert FULL.after_refusal(status, complaint) == easier


def test_the_last_dialect_has_none_after_it():
    assert Dialect(form=Form.TEXT).after_refusal(400, "no") is None


def test_every_chain_of_refusals_ends():
    for complaint in ("response_format", "temperature", "max_completion_tokens", "system role", "?"):
        dialect: Dialect | None = FULL
        for _ in range(12):
            dialect = dialect and dialect.after_refusal(400, complaint)
        assert dialect is None
