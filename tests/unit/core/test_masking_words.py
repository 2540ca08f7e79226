"""Each list of words around a password has each language, and what it tells is masked in each."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from importlib import resources

import pytest

from app.core.masking import Mask

LANGUAGES = frozenset(
    "en de fr es it pt nl pl cs sk hu ro hr sl sr bg uk ru el tr sv da no fi et lt lv zh ja ko ar he".split()
)
_OF_NO_LANGUAGE = {"any", "others", "tech"}


def _lists() -> Iterator[tuple[str, dict[str, str]]]:
    for package, name in (("app.core.detect.prose", "words.toml"), ("app.core.detect", "hints.toml")):
        yield from tomllib.loads(resources.files(package).joinpath(name).read_text("utf-8")).items()


@pytest.mark.parametrize(("name", "words"), [*_lists()])
def test_each_list_of_words_has_each_language(name: str, words: dict[str, str]) -> None:
    assert LANGUAGES.symmetric_difference(words) <= _OF_NO_LANGUAGE, name


_IS_AND_TO = {
    "en": ("my password is {}, it fails", "I changed the password to {}", "I set {} as her password"),
    "de": ("mein Passwort ist {}, es geht nicht", "habe das Passwort auf {} geändert", "habe {} als Passwort gesetzt"),
    "fr": ("mon mot de passe est {}", "j'ai changé le mot de passe en {}", "j'ai mis {} comme mot de passe"),
    "es": ("mi contraseña es {}", "cambié la contraseña a {}", "puse {} como contraseña"),
    "it": ("la mia password è {}", "ho cambiato la password in {}", "ho messo {} come password"),
    "pt": ("minha senha é {}", "mudei a senha para {}", "coloquei {} como senha"),
    "nl": ("mijn wachtwoord is {}", "heb het wachtwoord naar {} gewijzigd", "heb {} als wachtwoord gezet"),
    "pl": ("moje hasło to {}", "zmieniłem hasło na {}", "ustawiłem {} jako hasło"),
    "cs": ("moje heslo je {}", "změnil jsem heslo na {}", "nastavil jsem {} jako heslo"),
    "sk": ("moje heslo je {}", "zmenil som heslo na {}", "nastavil som {} ako heslo"),
    "hu": ("a jelszavam {}, nem működik", "új jelszó: {}", "beírtam a {} jelszót"),
    "ro": ("parola mea este {}", "am schimbat parola în {}", "am pus {} ca parolă"),
    "hr": ("moja lozinka je {}", "promijenio sam lozinku u {}", "stavio sam {} kao lozinku"),
    "sl": ("moje geslo je {}", "spremenil sem geslo v {}", "nastavil sem {} kot geslo"),
    "sr": ("моја лозинка је {}", "променио сам лозинку у {}", "ставио сам {} као лозинку"),
    "bg": ("паролата ми е {}", "смених паролата на {}", "сложих {} като парола"),
    "uk": ("мій пароль {}, не працює", "змінив пароль на {}", "поставив {} як пароль"),
    "ru": ("мой пароль {}, не работает", "сменил пароль на {}", "поставил {} как пароль"),
    "el": ("ο κωδικός μου είναι {}", "άλλαξα τον κωδικό σε {}", "έβαλα {} ως κωδικό"),
    "tr": ("şifrem {}, çalışmıyor", "şifreyi {} olarak değiştirdim", "{} şifresini girdim"),
    "sv": ("mitt lösenord är {}", "jag ändrade lösenordet till {}", "jag satte {} som lösenord"),
    "da": ("min adgangskode er {}", "jeg ændrede koden til {}", "jeg satte {} som adgangskode"),
    "no": ("passordet mitt er {}", "jeg endret passordet til {}", "jeg satte {} som passord"),
    "fi": ("salasanani on {}, se ei toimi", "vaihdoin salasanaksi {}", "asetin {} salasanaksi"),
    "et": ("minu parool on {}", "uus parool: {}", "panin {} parooliks"),
    "lt": ("mano slaptažodis yra {}", "pakeičiau slaptažodį į {}", "nustačiau {} kaip slaptažodį"),
    "lv": ("mana parole ir {}, nestrādā", "nomainīju paroli uz {}", "iestatīju {} kā paroli"),
    "zh": ("我的密码是{}，不能用", "密码改成{}", "我把{}设为密码"),
    "ja": ("パスワードは{}です", "パスワードを{}に変更しました", "新しいパスワード：{}"),
    "ko": ("제 비밀번호는 {} 입니다", "비밀번호를 {}로 변경했습니다", "새 비밀번호: {}"),
    "ar": ("كلمة المرور هي {}", "غيرت كلمة المرور إلى {}", "كلمة المرور الجديدة: {}"),
    "he": ("הסיסמה שלי היא {}", "הסיסמה החדשה: {}", "הסיסמה: {}"),
}


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@pytest.mark.parametrize("value", ["Maple-47", "Teapot!3", "Winter2026"])
def test_each_language_tells_a_password_by_is_to_and_as(language: str, value: str) -> None:
    for text in _IS_AND_TO[language]:
        assert Mask().text(text.format(value)) == text.format("[password-1]")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("I tried Winter2025! and it says the account is locked", "Winter2025!"),
        ("habe Igel.2024 eingegeben und das Konto ist gesperrt", "Igel.2024"),
        ("elle se connecte avec dupont et Cerise-12 mais ça bloque", "Cerise-12"),
        ("Inloggen op de NAS: admin met Dijk-Water5", "Dijk-Water5"),
        ("logga in med anna.berg och Tallkotte8 så länge", "Tallkotte8"),
        ("захожу под логином sklad и Berezka#7", "Berezka#7"),
        ("loguję się jako jkowal, Kasztan.44", "Kasztan.44"),
        ("giriş için depo ve Kasim.2026 kullandım", "Kasim.2026"),
        ("the comms cabinet opens with C2291X", "C2291X"),
        ("Der Schrank öffnet mit 4417#", "4417#"),
        ("Der Kopierer fragt nach einem Code, da haben wir immer 7391 eingegeben", "7391"),
    ],
)
def test_a_password_beside_words_about_signing_in_is_masked(text: str, secret: str) -> None:
    assert Mask().text(text) == text.replace(secret, "[password-1]")


@pytest.mark.parametrize(
    "text",
    [
        "I tried Firefox128 and it crashed, login still fails",
        "I tried Laptop12 and Laptop13, both fail to log in",
        "she typed Invoice2025 in the search box",
        "log in with jdoe and Windows11 asks for a PIN",
        "logged in as jdoe and opened Report2024.xlsx",
        "einloggen mit jdoe und Outlook2021 hängt",
        "I used Meeting-Room-2 to log in",
        "account.css: .login { background-color: #27272a }",
        "log in, then press Control+Alt+2",
        "The file opens with Word2016",
        "The door opens with badge 4417",
        "log on as admin at srv-web01, then restart",
    ],
)
def test_what_is_no_password_beside_words_about_signing_in_stays(text: str) -> None:
    assert Mask().text(text) == text
