"""The words around a password in a sentence, by what they do there: "is", "to", "as", "not", and ordinary ones.

words.toml has them by language. They are folded: small letters without accents.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from app.core.detect.finding import QUOTES
from app.core.detect.password_words import OF_MAKERS
from app.core.reading.normal import normalized

_OUTER: Final = QUOTES + ".,;:!?()[]*…-–—"
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
OTHERS: Final = frozenset("or and oder und ou et o y e i lub nebo a или и ve eller och og of en then".split())
ATTRIBUTES: Final = frozenset(
    "complexity komplexitat"
    " pad terminal reader keypad machine entry hint policy history length hash method prompt field box manager"
    " age expiry expiration reset change attempts"
    " attempt prompts dialog window"
    " page screen rule rules richtlinie feld lange fenster politique champ longueur politica campo longitud"
    " lunghezza protected protection".split()
)
NOT: Final = frozenset("not nincs nie nicht pas no non ne не inte ikke ei nem nu niet não nao není".split())


class _Words(NamedTuple):
    """The words of words.toml, folded; `verb` and `to` by language, those of any language included."""

    verb: Mapping[str, frozenset[str]]
    to: Mapping[str, frozenset[str]]
    like: frozenset[str]
    """"as", "like"."""
    as_cue: frozenset[str]
    """What may stand between a password and the word for one: "as", "is", "was"."""
    without: frozenset[str]
    prepositions: frozenset[str]
    users: frozenset[str]
    soft: frozenset[str]
    typed: frozenset[str]
    sets: frozenset[str]
    asks: frozenset[str]
    plain: frozenset[str]
    """Ordinary and technical words."""
    technical: frozenset[str]


def fold(word: str) -> str:
    """*word* in small letters, without accents."""
    word = word.strip(_OUTER)
    if word.isascii():
        return word.lower()
    parts = normalized("NFKD", word.lower().translate(_TO_ASCII))
    return "".join(each for each in parts if not unicodedata.combining(each))


@cache
def word_lists() -> _Words:
    read = tomllib.loads(resources.files(__package__).joinpath("words.toml").read_text("utf-8"))
    verb, to = (
        {lang: frozenset(f"{of['any']} {own}".split()) for lang, own in of.items()} for of in (read["is"], read["to"])
    )

    def folded(*names: str) -> frozenset[str]:
        return frozenset(fold(word) for name in names for line in read[name].values() for word in line.split())

    return _Words(
        verb=verb,
        to=to,
        like=folded("as"),
        as_cue=folded("as", "was"),
        without=folded("without"),
        prepositions=folded("preposition"),
        users=folded("user"),
        soft=folded("soft"),
        typed=folded("typed"),
        sets=folded("sets"),
        asks=folded("asks"),
        plain=folded("plain", "soft", "sets", "asks"),
        technical=frozenset(map(fold, read["plain"]["tech"].split())),
    )


def is_ordinary(value: str) -> bool:
    folded = fold(value)
    return not folded or (folded in word_lists().plain and folded not in OF_MAKERS)


_WITH_NUMBER = re.compile(r"[^\W\d_]{3,}[_-]?\d{1,4}")
_NAME_OF_THINGS = re.compile(r"[^\W_]+(?:[-_][^\W_]+)*")
_CHUNK = re.compile(r"[^\W_]+")
_SHORTEST_NAME: Final = 2


def parts_of(value: str) -> set[str]:
    """The words that *value* is made of, folded, without their numbers: "ThinkPad-T14"."""
    return {fold(each.strip("0123456789")) for each in _CHUNK.findall(value)} - {""}


def is_product(value: str, *, is_beside: bool) -> bool:
    """Whether *value* is a thing with its number: "iPhone12"; not beside a word for a password, "Port-Channel7" too."""
    if not (_WITH_NUMBER if is_beside else _NAME_OF_THINGS).fullmatch(value):
        return False
    names = {each for each in parts_of(value) if len(each) >= _SHORTEST_NAME and "pass" not in each}
    others = names - word_lists().technical
    return bool(names) and not (others if is_beside else others - THINGS)


def of_language(words: Mapping[str, frozenset[str]], language: str) -> frozenset[str]:
    return words[language if language in words else "any"]
