"""Logs: one line per record whatever stands in it, and no secret in any form."""

import io
import json
import logging

import pytest

from runtime.settings.environment import LogSettings
from runtime.telemetry.logs import HIDDEN, configure_logging

SECRET = "xoxb-sentinel-secret"


@pytest.fixture
def logs():
    """Configure logging into a string and put everything back afterwards."""
    root = logging.getLogger()
    level, installed = root.level, []

    def start(form: str) -> io.StringIO:
        stream = io.StringIO()
        installed.append(configure_logging(LogSettings(level="INFO", form=form), secrets=[SECRET, "ab"], stream=stream))
        return stream

    yield start
    for handler in installed:
        root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize("form", ["json", "plain"])
def test_a_newline_in_a_message_forges_no_second_line(logs, form):
    stream = logs(form)
    logging.getLogger("x").info("subject: %s", "hi\n12:00:00 error   all is lost\r\x1b[31m\u2028")

    text = stream.getvalue()
    assert len(text.splitlines()) == 1
    assert "\x1b" not in text


@pytest.mark.parametrize("form", ["json", "plain"])
def test_a_secret_appears_nowhere_not_even_in_a_traceback_or_a_field(logs, form):
    stream = logs(form)
    try:
        raise ValueError(f"refused token {SECRET}")
    except ValueError:
        logging.getLogger("x").exception(
            "with %s", SECRET, extra={"url": f"https://u:{SECRET}@h", "more": {"k": [SECRET]}}
        )

    assert SECRET not in stream.getvalue()
    assert HIDDEN in stream.getvalue()


def test_a_secret_too_short_to_search_for_leaves_words_alone(logs):
    stream = logs("plain")
    logging.getLogger("x").info("about cabs")
    assert "about cabs" in stream.getvalue()


def test_json_carries_the_fields_given_as_extra(logs):
    stream = logs("json")
    logging.getLogger("surehand.case").warning("parked", extra={"workflow_id": "escalation:t:1", "step": 3})

    entry = json.loads(stream.getvalue())
    assert (entry["level"], entry["logger"], entry["message"]) == ("WARNING", "surehand.case", "parked")
    assert (entry["workflow_id"], entry["step"]) == ("escalation:t:1", 3)
    assert entry["at"].endswith("+00:00")


def test_auto_writes_json_where_nobody_watches(logs):
    stream = logs("auto")
    logging.getLogger("x").info("hello")
    assert json.loads(stream.getvalue())["message"] == "hello"


def test_setting_up_twice_logs_once(logs):
    logs("plain")
    second = logs("plain")
    logging.getLogger("x").info("once")
    assert second.getvalue().count("once") == 1
    assert sum(type(h).__name__ == "_SurehandHandler" for h in logging.getLogger().handlers) == 1
