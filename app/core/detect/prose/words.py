"""The words around a password in a sentence, by what they do there: "is", "to", "as", "not", and ordinary ones.

Those of words.toml are folded: small letters without accents.
"""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from app.core.detect.finding import QUOTES
from app.core.detect.password_words import OF_MAKERS

_OUTER: Final = QUOTES + ".,;:!?()[]*…"
_TO_ASCII: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss"})
THINGS: Final = frozenset(
    "user users username usr account accounts login version ver build room ticket server error errors event port"
    " kb id line release win windows"
    " office outlook exchange excel for of from on at by in under page step number no nr ext extension phone"
    " call case line code vlan"
    " benutzer konto raum fehler zimmer von vom bei utilisateur compte salle usuario cuenta utente conto"
    " gebruiker kamer uzytkownik"
    " konta uzivatel пользователь ошибка kullanici fur pour para per dla pro для von de di since issue bug case"
    " incident request order invoice until minimum least last".split()
)
PREPOSITIONS: Final = frozenset(
    "for of from on at by in under via since until per within through over about after before um bis ab seit bei"
    " von vom fur im am pour"
    " dans sur depuis par chez de desde en para por di da per dal nel do od dla przez przy v od pro u для от с в"
    " на".split()
)
LIKE: Final = frozenset("like wie comme como come jak jako как gibi som".split())
OTHERS: Final = frozenset("or and oder und ou et o y e i lub nebo a или и ve eller och og of en then".split())
WITHOUT: Final = frozenset(
    "no without ohne kein keine sans sin sem senza zonder bez без utan uden uten ilman nelkul fara sansa".split()
)
AS: Final = frozenset("as als comme como come jako kao olarak как som".split())
ATTRIBUTES: Final = frozenset(
    "pad terminal reader keypad machine entry hint policy history length hash method prompt field box manager"
    " age expiry expiration reset change attempts"
    " attempt prompts dialog window"
    " page screen rule rules richtlinie feld lange fenster politique champ longueur politica campo longitud"
    " lunghezza protected protection".split()
)
USERS: Final = frozenset(
    "user users username usr uid login account accounts benutzer benutzername konto anmeldename utilisateur"
    " identifiant usuario cuenta utente"
    " conto gebruiker gebruikersnaam uzytkownik uzytkownika uzivatel kullanici логин пользователь пользователя"
    " anvandare bruger bruker kayttaja"
    " felhasznalo utilizator id host server name domain".split()
)
NOT: Final = frozenset("not nie nicht pas no non ne не inte ikke ei nem nu niet não nao není".split())


class _Words(NamedTuple):
    """The words of words.toml, folded."""

    verb: Mapping[str, frozenset[str]]
    """By language, those of any language included."""
    to: Mapping[str, frozenset[str]]
    as_cue: frozenset[str]
    soft: frozenset[str]
    typed: frozenset[str]
    sets: frozenset[str]
    asks: frozenset[str]
    plain: frozenset[str]
    """Ordinary and technical words."""


def fold(word: str) -> str:
    """*word* in small letters, without accents."""
    word = word.strip(_OUTER)
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFKD", word.lower().translate(_TO_ASCII))
    return "".join(each for each in parts if not unicodedata.combining(each))


@cache
def word_lists() -> _Words:
    read = tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))
    verb, to = (
        {lang: frozenset(f"{of['any']} {own}".split()) for lang, own in of.items()} for of in (read["is"], read["to"])
    )
    lists = (read["lists"][name] for name in ("as", "soft", "with", "sets", "asks"))
    plain = " ".join([*read["plain"].values(), read["lists"]["soft"], read["lists"]["sets"]])
    return _Words(verb, to, *(frozenset(map(fold, each.split())) for each in (*lists, plain)))


def is_ordinary(value: str) -> bool:
    folded = fold(value)
    return not folded or (folded in word_lists().plain and folded not in OF_MAKERS)


def of_language(words: Mapping[str, frozenset[str]], language: str) -> frozenset[str]:
    return words[language if language in words else "any"]
