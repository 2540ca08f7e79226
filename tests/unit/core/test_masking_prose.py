"""Passwords and codes in sentences: what is told as one is masked, what is said about one stays."""

from __future__ import annotations

import pytest

from app.core.masking import Mask


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("The new guest password is Sommer2026 and works until Friday.", "Sommer2026"),
        ("Password for the router: admin", "admin"),
        ("Please set my pin to 4711", "4711"),
        ("I logged in with hunter2 as the password.", "hunter2"),
        ("my pw is sunshine", "sunshine"),
        ("passcode 829144 expires in 5 minutes", "829144"),
        ("Das Kennwort lautet Herbst und gilt ab morgen.", "Herbst"),
        ("Le mot de passe est soleil123, merci de le changer.", "soleil123"),
        ("Mi contraseña es gatoazul", "gatoazul"),
        ("wifi: GuestNet / pass: blue-horse-7", "blue-horse-7"),
        ("Enter the password Welcome1! and press OK", "Welcome1!"),
        ("O código é 5521", "5521"),
        ("la password è Estate24", "Estate24"),
        ("Hasło to kotek77", "kotek77"),
        ("パスワードは abc123 です", "abc123"),
    ],
)
def test_what_is_told_as_a_password_is_masked_and_nothing_else(text: str, secret: str) -> None:
    assert Mask().text(text) == text.replace(secret, "[password-1]")


def test_each_of_two_passwords_is_masked() -> None:
    text = "my password doesnt work anymore i tried Summer22 and Summer23"
    assert Mask().text(text).endswith("i tried [password-1] and [password-2]")


@pytest.mark.parametrize(
    "text",
    [
        "Her password was changed yesterday and is now working.",
        "The password is wrong, please reset it.",
        "What is my password?",
        "Password policy: 12 characters, one digit",
        "the wifi password is on the back of the router",
        "error 1326: user name or password is incorrect",
        "After the password reset Outlook 2019 asks again",
        "The BIOS password on LT-4421 is blank",
    ],
)
def test_what_is_said_about_a_password_stays(text: str) -> None:
    assert Mask().text(text) == text
