"""`subscriptions.yaml`: whom we tell, how, and a fault with file and line for what could never work."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, load_settings

GOOD = """
subscriptions:
  portal: {tenant: default, url: "https://portal.test/hook", secrets: [hook], events: [opened, closed]}
  theirs: {tenant: acme-us, url: "https://theirs.test/", secrets: [one, two], subject: true}
delivery: {retry_first: 1 s, disable_after: 2 h}
"""


def configured(folder: Path, text: str) -> Configuration:
    (folder / "subscriptions.yaml").write_text(text, "utf-8")
    return Configuration((SHIPPED_CONFIG, folder))


def test_nobody_is_told_unless_somebody_is_named() -> None:
    shipped = Configuration((SHIPPED_CONFIG,))
    assert shipped.subscriptions == ()
    assert not shipped.policy_for("default").tells_others
    assert shipped.delivery_rules.disable_after == timedelta(days=3)


def test_an_endpoint_belongs_to_its_tenant_whose_cases_are_then_told_of(tmp_path: Path) -> None:
    found = configured(tmp_path, GOOD)
    assert found.subscription("acme-us", "portal") is None
    portal = found.subscription("default", "portal")
    assert portal is not None
    assert portal.events == ("opened", "closed")
    assert (found.delivery_rules.retry_first, found.delivery_rules.disable_after) == (
        timedelta(seconds=1), timedelta(hours=2),
    )  # fmt: skip
    assert found.policy_for("default").tells_others
    theirs = configured(tmp_path, GOOD.replace("tenant: default", "tenant: acme-us"))
    assert not theirs.policy_for("default").tells_others


@pytest.mark.parametrize(
    ("was", "becomes", "line", "says"),
    [
        ("tenant: default", "tenant: nobody", 3, "no configured tenant"),
        ("[opened, closed]", "[opened, exploded]", 3, "no events 'exploded'"),
        ("secrets: [hook]", "secrets: []", 3, "secrets"),
        ("secrets: [hook], ", "", 3, "secrets is missing"),
        ("events:", "event:", 3, "event is not known here"),
        ("portal:", "Por tal:", 3, "is no name"),
        ("1 s", "1", 5, "not a duration"),
        ("1 s", "0 s", 5, "longer than nothing"),
        ("retry_first", "retries", 5, "not known here"),
        ("delivery:", "sending:", 5, "no place here"),
    ],
)
def test_what_could_never_work_is_refused_with_its_line(
    tmp_path: Path, was: str, becomes: str, line: int, says: str
) -> None:
    assert was in GOOD
    with pytest.raises(ConfigurationProblem) as refused:
        configured(tmp_path, GOOD.replace(was, becomes, 1))
    assert says in str(refused.value)
    assert f"subscriptions.yaml:{line}:" in str(refused.value)


def test_a_policy_file_cannot_say_that_somebody_is_told(tmp_path: Path) -> None:
    (tmp_path / "tenants.yaml").write_text("tenants: {default: {tells_others: true}}", "utf-8")
    assert not Configuration((SHIPPED_CONFIG, tmp_path)).policy_for("default").tells_others


def test_internal_hosts_are_hosts_with_ports() -> None:
    given = load_settings(
        environ={"SUREHAND_WEBHOOKS__INTERNAL_HOSTS": "Hooks.internal:8443, 10.0.0.7:80,[fd00::1]:80"}
    )
    assert given.webhooks.places == ("hooks.internal:8443", "10.0.0.7:80", "[fd00::1]:80")
    for wrong in ("hooks.internal", "http://hooks.internal:80"):
        with pytest.raises(ConfigurationProblem):
            load_settings(environ={"SUREHAND_WEBHOOKS__INTERNAL_HOSTS": wrong})
