"""What is seen of a candidate for a password: its form, how it is told, and what stands around it.

weights.toml has a weight for each trait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.core.detect.cues import NO_COPULA, Cue
from app.core.detect.finding import QUOTES
from app.core.detect.password_values import NO_PASSWORD, WORDS_AND_NUMBER
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.prose.told import GIVEN, Told
from app.core.detect.prose.words import (
    ATTRIBUTES,
    THINGS,
    fold,
    of_language,
    word_lists,
)
from app.core.detect.prose.worth import FEWEST_DIGITS, MOST_DIGITS, SIGNED, YEAR, ends
from app.core.detect.scan import Scan

_NEXT_WORD = re.compile(rf"[{QUOTES})\]*]*\s+([^\W\d_]+)")
_SIGN_INSIDE = re.compile(r"[a-zß-ÿа-я][!#$%^*~][^\W\d_]|[^\W\d_][!#$%^*~][a-zß-ÿа-я]")
_INNER_CASE = re.compile(r"[a-zß-ÿа-я][A-ZÀ-ÞА-Я]")
_TITLED = re.compile(r"[A-ZÀ-ÞА-Я][^\W\d_]{2,}[._!-]?\d{1,8}[!?]*")
_CAPITAL = re.compile(r"[A-ZÀ-ÞА-Я][a-zß-ÿа-яё]+[!?]*")
_LETTERS_ONLY = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_ENDING = re.compile(
    r"(?:ed|ing|able|ible|ory|ly|ado|ada|ido|ida|ato|ata|ito|ita|uto|uta|atta|etta|ee|iert|bar|lich|owane|one"
    r"|ione|ana|ano|ena|eno|ene|ны[йх]?"
    r"|ная|ное|ен|ена|ено|ан|ано|mis|mus|misti|ildi|ad|at|ats|et|tu|ty|ttu|tty|va|ott|ett)$"
)
_DASHES: Final = frozenset("-‐‑–—._'’,;:/")
_LAST_WORD = re.compile(rf"([^\W\d_]+)[\s{QUOTES}(:=]+(?:(?:is|ist|est|es|to|è|é)\s)?$")
_LETTER_AND_CODE = re.compile(r"[A-Z]-\d{6}")
_HOST = re.compile(r"[a-z-]+\d{1,2}")
_FAR: Final = 8


@dataclass(slots=True)
class Traits:
    """What is seen of a candidate. Each value is 0 to 1."""

    # How it is told.
    sign: float = 0
    """A colon, an equals sign or an arrow stands before it."""
    dash: float = 0
    """A dash stands before it."""
    verb: float = 0
    """"is" stands before it."""
    into: float = 0
    """"to" stands before it, and the sentence says that a password was set."""
    towards: float = 0
    """"to" stands before it, and nothing says so."""
    beside: float = 0
    """It stands beside the cue, after it."""
    like: float = 0
    """"like", "such as" stands before it."""
    other: float = 0
    """"or", "and" stands before it."""
    as_cue: float = 0
    """It stands before the cue, with "as", "is" or a bracket between."""
    as_next: float = 0
    """"as" and the cue follow it."""
    typed: float = 0
    """"with", "typed" stands before it or before the cue."""
    before: float = 0
    """It stands before the cue."""
    distance: float = 0
    """Words between it and the cue: an eighth for each."""
    beyond: float = 0
    """It stands in the sentence before or after."""
    quoted: float = 0
    """It stands in quotes."""
    bracket: float = 0
    """A bracket opens before it."""
    cue_weak: float = 0
    """The cue is of codes of any kind."""
    # What it looks like.
    mixed: float = 0
    """Letters and digits."""
    signed: float = 0
    """A sign that prose does not have, between others or after a digit."""
    sign_inside: float = 0
    """Such a sign between letters."""
    inner_case: float = 0
    """A capital after a small letter."""
    capital: float = 0
    """A capital at the beginning, and small letters."""
    titled: float = 0
    """A capitalised word and digits."""
    upper: float = 0
    """Capitals and digits."""
    joined: float = 0
    """Hyphens, dots or underscores inside."""
    digits: float = 0
    """4 to 8 digits."""
    year: float = 0
    """1900 to 2099."""
    number: float = 0
    """Other digits."""
    code_digits: float = 0
    """4 to 8 digits, of a code."""
    weak_digits: float = 0
    """4 to 8 digits, of a code of any kind."""
    maker: float = 0
    """A password that makers put on their devices."""
    word: float = 0
    """Letters alone."""
    phrase: float = 0
    """Several words."""
    known: float = 0
    """The share of its words that are ordinary, or technical."""
    ending: float = 0
    """It ends as participles and adverbs do."""
    short: float = 0
    """1 by its length."""
    foreign: float = 0
    """It has the form of something else: a version, a machine, a file."""
    # What is around.
    told_word: float = 0
    """An unknown word after a sign or "is", at the end of its clause."""
    told_digits: float = 0
    """Digits after a sign, "is" or "to", or beside the cue."""
    without: float = 0
    """"no", "without" stands before the cue."""
    listed: float = 0
    """It follows another one of the same form."""
    host: float = 0
    """Small letters and one or two digits."""
    later: float = 0
    """Another one was told before it, after the same cue."""
    bare_word: float = 0
    """A word where nothing tells that it is a value."""
    ends: float = 0
    """It ends its clause."""
    goes_on: float = 0
    """An ordinary word follows."""
    asked: float = 0
    """The sentence asks, or says what is forgotten."""
    verb_between: float = 0
    """Another "is" stands between the cue and it."""
    of_thing: float = 0
    """The word before it names a thing: a user, a server, a version."""
    after_preposition: float = 0
    """The word before it is a preposition."""
    user: float = 0
    """A word for a user stands before it."""
    slash: float = 0
    """A slash follows, as after a user's name."""
    clause: float = 0
    """A comma, a colon or the like stands between, beside the one that tells it."""
    attribute: float = 0
    """The cue is of something about a password: a hint, a policy."""
    after_number: float = 0
    """A number stands right before it."""
    quoted_told: float = 0
    """In quotes, after a sign, "is" or "to", or before "as"."""
    typed_before: float = 0
    """"typed", "with" stands before it, and it before the cue."""


def see_how_told(traits: Traits, cue: Cue, told: Told) -> None:
    if told.link:
        setattr(traits, told.link, 1.0)
    distance = min(told.distance, _FAR) / _FAR
    traits.distance = 0.0 if told.link in GIVEN else distance
    traits.clause = float(told.has_clause)
    if traits.before:
        traits.as_next = float(bool(told.between) and told.between[0] in word_lists().like)
    else:
        traits.verb_between = float(not of_language(word_lists().verb, cue.language).isdisjoint(told.between))
        traits.attribute = float(bool(told.between and told.between[0] in ATTRIBUTES))


def see_around(traits: Traits, scan: Scan, span: tuple[int, int], told: Told, left: Sequence[str]) -> None:
    start, end = span
    known = word_lists()
    traits.ends = float(ends(scan, end, scan.text[start:end]))
    following = _NEXT_WORD.match(scan.text, end)
    traits.goes_on = float(bool(following and fold(following[1]) in known.plain))
    is_asked = not known.asks.isdisjoint((*left[-4:], *map(fold, told.between)))
    traits.asked = float(is_asked or "?" in scan.text[end : end + 2])
    traits.without = float(not traits.before and not word_lists().without.isdisjoint(left[-1:]))
    traits.after_number = float(scan.text[max(start - 2, 0) : start - 1].isdecimal() and scan.text[start - 1] == " ")
    last = _LAST_WORD.search(scan.text, max(start - 24, 0), start)
    preceding = fold(last[1]) if last else ""
    if not traits.before or not traits.as_cue:
        is_of_cue = traits.verb or traits.into or (traits.sign and not told.distance)
        traits.of_thing = float(preceding in THINGS and not is_of_cue)
        traits.user = float(preceding in word_lists().users and not is_of_cue)
        traits.after_preposition = float(preceding in word_lists().prepositions and told.link not in GIVEN)


def see_together(traits: Traits, cue: Cue) -> None:
    """What several traits say together."""
    is_told = traits.sign or traits.verb or traits.into
    is_words = bool(traits.word or traits.phrase)
    is_used = traits.quoted and traits.beside and traits.typed  # unlock it with the password "x"
    if traits.quoted and (is_told or traits.as_cue or is_used):
        traits.quoted_told, traits.known, traits.phrase = 1.0, 0.0, 0.0
    if is_used:
        traits.ends = 1.0
    traits.typed_before = float(bool(traits.typed and traits.before))
    is_given = is_told or (
        traits.beside and (traits.typed or traits.bracket or traits.maker or cue.language in NO_COPULA)
    )
    is_given = is_given or (traits.typed_before and traits.as_cue)
    if is_words and is_given and traits.ends:
        traits.told_word = max(0.0, 1 - 2 * traits.known)
    traits.told_digits = float(bool(traits.digits and (is_told or traits.beside)))
    traits.bare_word = float(is_words and not is_given and not traits.quoted)


def traits_of(value: str, cue: Cue) -> Traits:
    traits = Traits()
    core = value.rstrip("!?")
    has_letter, has_digit = any(map(str.isalpha, core)), any(map(str.isdigit, core))
    traits.mixed = float(has_letter and has_digit)
    traits.signed = float(bool(SIGNED.search(value)))
    traits.sign_inside = float(bool(_SIGN_INSIDE.search(value)))
    traits.inner_case = float(bool(_INNER_CASE.search(core)))
    traits.capital = float(bool(_CAPITAL.fullmatch(core)))
    traits.titled = float(bool(_TITLED.fullmatch(core)))
    traits.upper = float(core.isupper() and has_digit)
    traits.maker = float(core.lower() in OF_MAKERS)
    traits.host = float(bool(_HOST.fullmatch(core)))
    traits.joined = float(not traits.sign_inside and any(each in _DASHES for each in core))
    plain = core[2 * bool(_LETTER_AND_CODE.fullmatch(core)) :].replace(" ", "").replace("-", "").lstrip("*").rstrip("#")
    if plain.isdecimal():
        traits.digits = float(FEWEST_DIGITS <= len(plain) <= MOST_DIGITS)
        traits.number = 1 - traits.digits
        traits.year = float(bool(YEAR.fullmatch(plain)))
        traits.code_digits = float(bool(traits.digits and cue.is_code and not cue.is_weak))
        traits.weak_digits = float(bool(traits.digits and cue.is_code and cue.is_weak))
    words = core.replace("-", " ").split()
    if all(_LETTERS_ONLY.fullmatch(each) for each in words):
        traits.joined = 0.0
        traits.word = float(len(words) == 1)
        traits.phrase = float(len(words) > 1)
        known = word_lists().plain
        traits.known = 0 if traits.maker else sum(fold(each) in known for each in words) / len(words)
        traits.ending = float(len(words) == 1 and bool(_ENDING.search(fold(core))))
    traits.short = 1 / max(len(core), 1)
    traits.foreign = float(
        bool(NO_PASSWORD.fullmatch(core.lower()))
        and not plain.isdecimal()
        and not (traits.word or traits.phrase or WORDS_AND_NUMBER.fullmatch(value))
    )
    return traits
