"""Proofs of who sent a webhook: an empty secret proves nothing, whoever holds it."""

from __future__ import annotations

import base64

import pytest

from integrations.webhooks import carries, is_standard

BASIC = "Basic " + base64.b64encode(b"anybody:").decode()


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "bearer  ", BASIC, "Basic", "Basic Og=="])
@pytest.mark.parametrize("secrets", [(), ("",), ("", "right")])
def test_nothing_is_no_secret(secrets: tuple[str, ...], authorization: str | None) -> None:
    assert not carries(secrets, authorization)


@pytest.mark.parametrize(
    "authorization", ["Bearer right", "bearer right ", "Basic " + base64.b64encode(b"u:right").decode()]
)
def test_the_secret_is_taken_as_a_token_or_as_a_password(authorization: str) -> None:
    assert carries(("other", "right"), authorization)
    assert not carries(("other", "righ", "rightt"), authorization)


@pytest.mark.parametrize("secret", ["", "whsec_", "not base64!"])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    headers = {"webhook-id": "m", "webhook-timestamp": "1700000000", "webhook-signature": "v1,AAAA"}
    assert not is_standard((secret,), body=b"{}", headers=headers)
