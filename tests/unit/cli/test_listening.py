"""Listening where one cannot is one sentence that says what to change."""

from __future__ import annotations

import pytest

from domain.errors import ConfigurationProblem
from starters.service.http.listening import listen

ADVICE = "choose another with --http"


@pytest.mark.parametrize("host", ["999.1.1.1", "no such host"])
def test_an_address_that_is_none_is_named(host: str) -> None:
    with pytest.raises(ConfigurationProblem, match="no address"):
        listen(host, 0, advice=ADVICE)


def test_a_port_that_somebody_has_is_named() -> None:
    with (
        listen("127.0.0.1", 0, advice=ADVICE) as somebodys,
        pytest.raises(ConfigurationProblem, match=f"port {somebodys.getsockname()[1]} .*{ADVICE}"),
    ):
        listen("127.0.0.1", somebodys.getsockname()[1], advice=ADVICE)
