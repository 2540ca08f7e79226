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
        ("the agent wants an app with a default password of lighthouse", "lighthouse"),
        ("The router is reached with a password of Pelican", "Pelican"),
        ("Birnenlager bitte? Nein: K!ste-Hof als Passwort setzen", "K!ste-Hof"),
        ("use Kingfisher for the password, capital K", "Kingfisher"),
        ("With password Lisbon I can open it, with mine I can't.", "Lisbon"),
        ("what's the sudo password?\nplum-orchard-7", "plum-orchard-7"),
        ("hola, cual es la clave del wifi? - naranja44", "naranja44"),
        ("пароль от почты zimorodok8", "zimorodok8"),
        ("ПАРОЛЬ KAZAN77", "KAZAN77"),
        ("The Wi-Fi network is Depot and the key is lake-side-road", "lake-side-road"),
        ("La chiave della rete è limone-verde-3", "limone-verde-3"),
        ("netsh wlan set hostednetwork ssid=Lab key=lab4417x", "lab4417x"),
        ("the vpn secret is OakForest12", "OakForest12"),
        ("와이파이 비번 tea4417", "tea4417"),
        ("vaihdoin salasanaksi Kesä#27", "Kesä#27"),
        ("vault export password: copper lantern rainy orchard", "copper lantern rainy orchard"),
        ("PIN for port 5: 4711", "4711"),
        ("Opened TCP 443 for the portal, password 4711443", "4711443"),
        ("The switch port's password is 8443", "8443"),
        ("Log in as jdoe with Harbour-2019 now", "Harbour-2019"),
        ("The password of the group is called Sommer22", "Sommer22"),
        ("Das Kennwort der Gruppe heißt Sommer22", "Sommer22"),
    ],
)
def test_what_is_told_as_a_password_is_masked_and_nothing_else(text: str, secret: str) -> None:
    assert Mask().text(text) == text.replace(secret, "[password-1]")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('The default username and password are "admin" and "lanternfish"', "lanternfish"),
        ("default user/pass are root and tulips", "tulips"),
        ("Benutzername und Passwort lauten admin und fischbrot.", "fischbrot"),
        ("Usuario y contraseña son admin y pescado", "pescado"),
        ("the credentials are admin and heron22", "heron22"),
        ("Demo credentials when running locally are\n\nadmin\nheron22", "heron22"),
        ("Die Zugangsdaten der Kamera sind noch ab Werk: admin / fischbrot", "fischbrot"),
        ("On se connecte avec le login « admin » et le mot de passe « lanterne ».", "lanterne"),
        ("平台账号密码，默认admin/Huayu@2024 不正确", "Huayu@2024"),
    ],
)
def test_of_a_user_and_a_password_told_together_the_password_is_masked(text: str, secret: str) -> None:
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
        "Username and password are case sensitive and must not be blank",
        "Username and password are stored and synced in the vault",
        "The password is 1case sensitive.",
        "The password is clean, we ran the breach check.",
        "passwords are 8-128 characters long",
        "비밀번호는 8~16자여야 합니다",
        "Lösenordet är uppdaterat.",
        "a password of sufficient length",
        "the default password of the vendor",
        "password: [edited]",
        "the method is 'normal password'",
        "there is no place for 'network key'",
        "What is my password?\nThanks",
        "netsh wlan show profile name=Acme key=clear",
        'the app is called "Pass2Go!" and it needs .NET 8',
        "DOI 10.1000/182",
        "my password was changed so I had to re-authenticate",
        "The router blocked IPsec pass-through, so UDP 500 and 4500 never arrived.",
        "Enable VPN pass through on the router, then UDP 1701, 500 and 4500 get out",
        "The password portal listens on TCP 8443 and 9443",
        "Für die Passwort-Synchronisierung ist UDP 1812 und 1645 offen",
        "password sync uses TCP/8443",
        "the pass-thru device is 4500",
        "Client logs ERR 1326 for a bad password.",
        "Event ID 4625 for bad passwords since Monday",
        "Fehler 1326 für ein falsches Kennwort",
        "SMTP 53522 for the password",
        "Old password was stored. Remove each entry that begins with MicrosoftOffice16 in Credential Manager.",
        "Sign in with the profile Drivers-2026.",
        "Log in, then open the group Sales-2024.",
        "Log in to srv-fs01, the share is called Archive-2019.",
        "Anmelden am Server, die Freigabe heißt Archiv-2019.",
        "Se connecter avec le profil Ventes-2026.",
        "Inicie sesión con el perfil Ventas-2026.",
        "Accedere con il profilo Vendite-2026.",
        "Inloggen met het profiel Verkoop-2026.",
        "Kennwort vergessen: alle Einträge löschen, der Eintrag beginnt mit MicrosoftOffice16",
    ],
)
def test_what_is_said_about_a_password_stays(text: str) -> None:
    assert Mask().text(text) == text
