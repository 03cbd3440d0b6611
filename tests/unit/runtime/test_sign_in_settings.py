"""Settings of signing in: secrets travel by TLS, people come back to us, and what is set decides the ways in."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from runtime.configuration.people_directory import PeopleDirectory
from runtime.settings.environment import load_settings

OIDC = {
    "ISSUER": "https://login.example.com/",
    "CLIENT_ID": "surehand",
    "CLIENT_SECRET": "a secret of the provider",
    "REDIRECT_URI": "https://surehand.example.com/console/sign-in/back",
}


def loaded(**changes: str | None):
    fields = {**OIDC, **changes}
    given = {f"SUREHAND_SERVICE__OIDC__{name}": text for name, text in fields.items() if text is not None}
    return load_settings(environ=given).service


def test_the_issuer_is_kept_letter_by_letter_and_the_secret_is_shown_nowhere() -> None:
    service = loaded()
    assert service.oidc is not None
    assert service.oidc.issuer == "https://login.example.com/"
    assert OIDC["CLIENT_SECRET"] not in repr(service)


@pytest.mark.parametrize(
    "changes",
    [
        {"ISSUER": "http://login.example.com"}, {"ISSUER": "login.example.com"}, {"ISSUER": None},
        {"CLIENT_SECRET": None}, {"CLIENT_SECRET": "short"}, {"CLIENT_ID": None}, {"REDIRECT_URI": None},
        {"REDIRECT_URI": "http://surehand.example.com/console/sign-in/back"},
        {"REDIRECT_URI": "https://surehand.example.com/console"},
        {"REDIRECT_URI": "https://surehand.example.com/console/sign-in/back?x=1"},
        {"SCOPES": "profile email"}, {"SCOPES": "openidx"},
    ],
    ids=str,
)  # fmt: skip
def test_what_would_send_secrets_or_people_elsewhere_stops_the_start(changes: dict[str, str | None]) -> None:
    with pytest.raises(ConfigurationProblem) as refused:
        loaded(**changes)
    assert "SUREHAND_SERVICE__OIDC__" in str(refused.value)
    assert not any(text and len(text) < 20 and text in str(refused.value) for text in changes.values())


def test_on_this_machine_there_is_no_tls() -> None:
    here = loaded(ISSUER="http://127.0.0.1:9000", REDIRECT_URI="http://localhost:8700/console/sign-in/back")
    assert here.oidc is not None


def test_passwords_are_for_where_there_is_no_provider_unless_somebody_says_otherwise() -> None:
    assert load_settings(environ={}).service.takes_passwords
    assert not loaded().takes_passwords
    assert not load_settings(environ={"SUREHAND_SERVICE__PASSWORDS": "false"}).service.takes_passwords
    both = {f"SUREHAND_SERVICE__OIDC__{name}": text for name, text in OIDC.items()}
    assert load_settings(environ={**both, "SUREHAND_SERVICE__PASSWORDS": "true"}).service.takes_passwords


def directory(folder: Path, text: str) -> PeopleDirectory:
    (folder / "people.yaml").write_text(text)
    return PeopleDirectory([folder])


def test_a_subject_is_found_letter_by_letter_in_its_tenants_and_no_address_or_alias_is_one(tmp_path: Path) -> None:
    people = directory(
        tmp_path,
        "people:\n"
        "  p-a: {name: A, email: a@example.com, oidc_subject: Subject-1, aliases: [other]}\n"
        "  p-b: {name: B, email: b@example.com, oidc_subject: a@example.com, tenants: [acme-us]}\n",
    )
    found = people.by_subject("default", "Subject-1")
    assert found is not None
    assert found.person_id == "p-a"
    for tenant, subject in (
        ("default", "subject-1"), ("default", " Subject-1"), ("acme-us", "Subject-1"), ("default", "a@example.com"),
        ("default", "other"), ("default", "p-a"), ("default", ""),
    ):  # fmt: skip
        assert people.by_subject(tenant, subject) is None, subject
    named = people.person("default", "a@example.com")
    assert named is not None
    assert named.person_id == "p-a"
    assert people.person("default", "Subject-1") is None


def test_two_people_cannot_have_one_subject(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationProblem, match="p-b and p-a share an oidc_subject"):
        directory(
            tmp_path,
            "people:\n"
            "  p-a: {name: A, email: a@example.com, oidc_subject: one}\n"
            "  p-b: {name: B, email: b@example.com, oidc_subject: one}\n",
        )
