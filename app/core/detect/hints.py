"""Passwords where no word for one stands near: what can hardly be anything else, beside words about signing in.

"Log in as jdoe, Kestrel_09", "I tried Winter2025!", "habe Igel.24 eingegeben", "the cabinet opens with C2291X". The
words are in hints.toml, by language. A word and a number alone count only where the text speaks of signing in.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import HAS_ALL_SIGNS, LOOKS_LIKE_ONE, WORDS_AND_NUMBER, of_word
from app.core.detect.prose.words import fold, is_ordinary, word_lists
from app.core.detect.scan import Scan

WORDS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(sorted({word for line in lines.values() for word in line.split("|")}))
    for name, lines in tomllib.loads(resources.files(__package__).joinpath("hints.toml").read_text("utf-8")).items()
}
_JOINTS: Final = frozenset(WORDS["joint"])
ANCHORS: Final = {f"hint {name}": WORDS[name] for name in ("sign_in", "typed", "opens")}


def _any(name: str) -> str:
    return "|".join(map(re.escape, WORDS[name]))


@cache
def _after_a_user() -> re.Pattern[str]:
    """Compiled, as the other long ones, when a text first needs it."""
    return re.compile(rf"[\s(:]{_AROUND}(?P<user>{_USER}){_AROUND}(?:\s?[,/|:]\s?|,?\s(?:{_any('joint')})\s){_AROUND}$")


@cache
def _about() -> re.Pattern[str]:
    return re.compile(_any("about"))


@cache
def _lock() -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{_any('lock')})")


_USER = r"(?=[\w.@-]*[^\W\d_])[\w.@-]{2,40}"
_AROUND = rf"[{QUOTES}*]{{0,2}}"
_WITH_A_DIGIT = re.compile(r"(?<!\S)[^\s\d]{0,40}[0-9]\S{0,60}")
_ODD: Final = rf"(?=[^\s{QUOTES}]*[\d!#$%^*~@])(?P<value>[^\s{QUOTES}]{{5,40}})"
_NEXT_ONE = re.compile(rf"(?:[\s:,]+[^\W\d_]{{1,8}}){{0,2}}?[\s:]+[{QUOTES}*(]{{0,2}}{_ODD}")
_ONE_BEFORE = re.compile(rf"(?<!\S)[{QUOTES}*(]{{0,2}}(?P<value>[^\s{QUOTES}]{{4,40}})[{QUOTES}*)]{{0,2}}\s$")
_ONE_USED = re.compile(
    rf"(?<!\S)(?P<verb>[^\W\d_]{{1,16}})\s{_AROUND}(?P<value>[^\s{QUOTES}]{{5,40}}){_AROUND}(?:\s[^\W\d_]{{1,8}}){{0,2}}\s$"
)
_SIGNS_IN_WITH = re.compile(rf"(?P<joint>(?:\s+[^\W\d_]{{1,10}}){{0,3}}?)\s+{_AROUND}{_ODD}")
_AND_ANOTHER = re.compile(rf"\s(?P<joint>[^\W\d_]{{1,4}})\s{_AROUND}{_ODD}")
_WITH_BEFORE = re.compile(rf"(?<!\S){_AROUND}(?P<value>[^\s{QUOTES}]{{5,40}}){_AROUND}\s(?P<joint>[^\W\d_]{{2,6}})\s$")
_CODE = re.compile(
    r"(?:\d{3,4}-\d{2,4}|[A-Z]{0,2}\d{3,6}[A-Z#*]{0,2}|[A-Z]\d{2,5}[A-Z]|[A-Z]?\d{1,2}(?:-[A-Z]?\d{1,2}){2,3})(?![^\W_])"
)
_ASKED_FOR = re.compile(r"(?<![^\W_])(?:code|pin|kod|kód|codice|código|código|kode|koodi|код|пин)(?![^\W\d_]{3})")
_NUMBER = re.compile(r"\d{4,8}#?(?<!\D(?:19|20)\d\d)")
_WORD_AND_DIGIT = re.compile(r"[A-ZÀ-ÞА-Я][^\W\d_]{4,}\d[!?]?")
_SMALL_WORD = re.compile(r"[^\W\d_A-Z]{6,}\d{1,4}[!?]?")
_LEET_WORD = re.compile(
    r"(?=.{7,40}$)(?=.*[A-Z])(?:[A-Za-z]*[a-z]?\d[a-z]{2,}[A-Za-z0-9]*(?:-\w+)*|\d[A-Z][a-z]+\d?[A-Z]\w+)"
)
_FORMS: Final = (HAS_ALL_SIGNS, LOOKS_LIKE_ONE, WORDS_AND_NUMBER, _WORD_AND_DIGIT, _SMALL_WORD, _LEET_WORD)
_ALL_CAPITALS = re.compile(r"[A-Z]{2,}[_-]\d")
_KEYS_PRESSED = re.compile(r"(?:ctrl|control|strg|alt|shift|cmd|command|option|win|windows)\+", re.IGNORECASE)
_USUAL: Final = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday"
    " thursday friday saturday sunday password pass welcome hello"
    " januar februar marz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag".split()
)
"""Ordinary words that people make passwords of."""
_LEADING_WORD = re.compile(r"[^\W\d_]+")
_REACH: Final = 64
_AROUND_IT: Final = 120


def passwords_by_hint(scan: Scan) -> Iterator[Finding]:
    for at, word in scan.hits("hint sign_in"):
        end = at + len(word.rstrip(" (:"))
        if scan.lower[max(at - 1, 0) : at].isalpha():
            continue
        if scan.has_digit(end, end + _REACH):
            yield from _beside_a_user(scan, end)
            yield from _used(_SIGNS_IN_WITH.match(scan.text, end), word)
        if scan.has_digit(at - _REACH, at):
            yield from _before_signing_in(scan, at)
    for at, word in scan.hits("hint typed"):
        end = at + len(word)
        if scan.has_digit(at - _REACH, end + _REACH) and not scan.lower[max(at - 1, 0) : at].isalpha():
            yield from _typed(scan, at, end)
    for at, word in scan.hits("hint opens"):
        if scan.has_digit(at + len(word), at + len(word) + _REACH):
            yield from _opens(scan, at, at + len(word))


def _before_signing_in(scan: Scan, end: int) -> Iterator[Finding]:
    start = max(end - _REACH, 0)
    if match := _ONE_BEFORE.search(scan.text, start, end):
        yield from _of_user(scan, match, max(match.start() - _REACH, 0))  # mit jdoe / x anmelden
    if _JOINTS.intersection(scan.lower[start:end].split()[-1:]):
        yield from _used(_WITH_BEFORE.search(scan.text, start, end))  # x ile giriş
    match = _ONE_USED.search(scan.text, start, end)
    if match and fold(match["verb"]) in word_lists().typed and (found := _by_form(match, "value")):
        yield found  # use x to log on


def _used(match: re.Match[str] | None, word: str = "") -> Iterator[Finding]:
    """The value of *match*, if a word for "with" stands before it, at the end of *word* or after it."""
    if match and (joint := (word + match["joint"]).split()) and joint[-1].lower() in _JOINTS:
        found = _by_form(match, "value")
        another = _AND_ANOTHER.match(match.string, found.end) if found else None
        is_user = another and another["joint"] in _JOINTS
        if found and not is_user and not _ALL_CAPITALS.match(match.string, found.start):
            yield found


def _beside_a_user(scan: Scan, end: int) -> Iterator[Finding]:
    for match in _WITH_A_DIGIT.finditer(scan.text, end, min(end + _REACH, _line_end(scan, end))):
        yield from _of_user(scan, match, end)


def _of_user(scan: Scan, match: re.Match[str], after: int) -> Iterator[Finding]:
    """The word of *match*, if a user's name stands before it, which begins at *after* or later."""
    found = _by_form(match, match.lastgroup or 0, is_beside_user=True)
    user = _after_a_user().search(scan.lower, after, found.start) if found else None
    if found and user and not is_ordinary(user["user"]):
        yield found


def _typed(scan: Scan, start: int, end: int) -> Iterator[Finding]:
    if match := _NEXT_ONE.match(scan.text, end):
        found = _by_form(match, "value")
        if found and _is_about_signing_in(scan, found):
            yield found
    if match := _ONE_BEFORE.search(scan.text, max(start - _REACH, 0), start):
        found = _by_form(match, "value")
        if found and _is_about_signing_in(scan, found):
            yield found
        elif _NUMBER.fullmatch(match["value"]) and _ASKED_FOR.search(scan.lower, max(start - _REACH, 0), start):
            yield Finding(*match.span("value"), Secret.PASSWORD)


def _opens(scan: Scan, start: int, end: int) -> Iterator[Finding]:
    if match := _NEXT_ONE.match(scan.text, end):
        if found := _by_form(match, "value"):
            yield found
        elif (code := _CODE.match(match["value"])) and _lock().search(scan.lower, max(start - _REACH, 0), start):
            yield Finding(match.start("value"), match.start("value") + code.end(), Secret.PASSWORD)


def _by_form(match: re.Match[str], group: int | str, *, is_beside_user: bool = False) -> Finding | None:
    """The password that the word is, if it has one of `_FORMS` and is no product; beside a user also Rossi.Mario8."""
    sure = {WORDS_AND_NUMBER} if is_beside_user else set()
    tried = (of_word(match, form, group=group, is_sure=form in sure) for form in _FORMS)
    found = next((each for each in tried if each), None)
    if found is None:
        return None
    if _KEYS_PRESSED.match(match.string, found.start):
        return None
    has_sign = HAS_ALL_SIGNS.fullmatch(match.string, found.start, found.end)
    words = {fold(word) for word in _LEADING_WORD.findall(match.string, found.start, found.end)} - _USUAL
    known = word_lists()
    is_thing = not has_sign and words and words <= known.plain  # Laptop12, Meeting-Room-2
    return None if is_thing or not known.technical.isdisjoint(words) else found


def _is_about_signing_in(scan: Scan, found: Finding) -> bool:
    if any(form.fullmatch(scan.text, found.start, found.end) for form in (HAS_ALL_SIGNS, _LEET_WORD)):
        return True
    return bool(_about().search(scan.lower, max(found.start - _AROUND_IT, 0), found.end + _AROUND_IT))


def _line_end(scan: Scan, at: int) -> int:
    end = scan.text.find("\n", at)
    return end if end >= 0 else len(scan.text)
