"""A user's name and a password that one sentence or label asks for together, in the languages of tickets."""

from __future__ import annotations

import pytest

from app.core.masking import find_secrets


def found(text: str) -> list[str]:
    return [text[each.start : each.end] for each in find_secrets(text)]


@pytest.mark.parametrize(
    ("text", "password"),
    [
        ('The default username and password are "admin" and "haxrat7".', "haxrat7"),
        ("Benutzername und Passwort lauten admin und sitecom.", "sitecom"),
        ("De standaard gebruikersnaam en wachtwoord zijn admin en sitecom.", "sitecom"),
        ("Användarnamn och lösenord är admin och sitecom.", "sitecom"),
        ("Brugernavn og adgangskode er admin og sitecom.", "sitecom"),
        ("Nazwa użytkownika i hasło to admin i sitecom.", "sitecom"),
        ("Nombre de usuario y la contraseña son admin y sitecom.", "sitecom"),
        ("Usuario y contraseña por defecto: cusadmin / highspeed", "highspeed"),
        ("Nom d'utilisateur et le mot de passe par défaut : admin / sitecom", "sitecom"),
        ("Felhasználónév és jelszó: admin és sitecom", "sitecom"),
    ],
)
def test_of_a_pair_the_password_is_masked_and_not_the_user(text: str, password: str) -> None:
    assert found(text) == [password]


@pytest.mark.parametrize(
    "text",
    [
        "The username and password are case sensitive.",
        "Username and password are both required.",
        'User name and password are both "wrong".',
        "Gebruikersnaam en wachtwoord zijn verplicht en hoofdlettergevoelig.",
        "Android and password managers are not supported.",
        "Usuario y contraseña: campos obligatorios / opcionales",
        "Username and password: local / domain",
        "Användarnamn och lösenord är fel och måste bytas.",
        "Enter your user name and password and click OK.",
    ],
)
def test_what_only_speaks_of_both_stays(text: str) -> None:
    assert found(text) == []
