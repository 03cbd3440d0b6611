"""Passwords: which are refused, what a hash says of itself, and that nothing but the password fits it."""

from __future__ import annotations

import pytest

from domain.errors import InvalidInput
from domain.identity.passwords import check_new_password, normalised
from integrations import password_hash
from integrations.password_hash import COST, Cost, fits, hashed, is_outdated, nobodys

CHEAP = Cost(log_n=4, r=8, p=1)
GOOD = "correct horse battery staple"


def test_the_cost_is_one_that_owasp_names() -> None:
    known = {(17, 8, 1), (16, 8, 2), (15, 8, 3), (14, 8, 5), (13, 8, 10)}
    assert (COST.log_n, COST.r, COST.p) in known
    assert fits(GOOD, made := hashed(GOOD, COST))
    assert made.startswith("$scrypt$ln=15,r=8,p=3$")
    assert GOOD not in made


def test_only_the_password_itself_fits_and_each_hash_has_its_own_salt() -> None:
    first, second = hashed(GOOD, CHEAP), hashed(GOOD, CHEAP)
    assert first != second
    assert fits(GOOD, first)
    assert fits(GOOD, second)
    for wrong in ("", GOOD + " ", GOOD[:-1], GOOD.upper(), "\udc80", first):
        assert not fits(wrong, first)
    assert not fits("", nobodys())


def test_a_hash_that_cannot_be_read_or_would_cost_too_much_fits_nothing() -> None:
    good = hashed(GOOD, CHEAP)
    salt, made = good.split("$")[3:]
    for broken in (
        "", "x", GOOD, good[:-1], good + "x", good.replace("scrypt", "plain"), good.replace("ln=4", "ln=0"),
        f"$scrypt$ln=30,r=8,p=1${salt}${made}", f"$scrypt$ln=4,r=0,p=1${salt}${made}", f"$scrypt$ln=4,r=8,p=1$!${made}",
    ):  # fmt: skip
        assert not fits(GOOD, broken), broken


def test_parameters_may_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_hash, "COST", CHEAP)
    made = hashed(GOOD)
    assert not is_outdated(made)
    monkeypatch.setattr(password_hash, "COST", Cost(log_n=5, r=8, p=1))
    assert is_outdated(made)
    assert fits(GOOD, made)
    assert is_outdated("something else")
    assert nobodys().startswith("$scrypt$ln=5,")


@pytest.mark.parametrize(
    "password",
    ["", "short", "x" * 11, "x" * 500, "aaaaaaaaaaaaaaaa", "abababababababab", "with a \x00 in it",
     "two\nlines of text", "Lena.Brandt@Example.com", " lena.brandt@example.com ", "half a \udc80 character"],
)  # fmt: skip
def test_a_password_that_would_soon_be_guessed_is_refused_in_one_sentence(password: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_new_password(password, ("p-lena", "Lena Brandt", "lena.brandt@example.com"))
    assert str(refused.value).count(".") == 1
    assert not password.strip() or password.strip() not in str(refused.value)


@pytest.mark.parametrize("password", [GOOD, "пароль из слов", "pässwörter mit umlaut", "a b c d e f g"])
def test_any_characters_will_do(password: str) -> None:
    check_new_password(password, ("p-lena",))


def test_the_same_characters_are_the_same_however_a_keyboard_writes_them() -> None:
    assert normalised("pa\u0308sswort") == normalised("p\u00e4sswort")
    assert fits(normalised("pa\u0308sswort"), hashed(normalised("p\u00e4sswort"), CHEAP))
