"""Passwords where no word for one stands beside them: by their form, and by what is said around them.

What has a form that hardly anything else has (Ricoh$can55, Sofa-Lamp-6, Gr4nite.Peak) is one where its line speaks of
signing in, or where a verb of using, typing or setting stands before it; a word and a number only where something tells
that it is one: such a verb beside it, a user's name before it, a line of its own. hints.toml has the words by language.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_pairs import NAMES_A_PRODUCT
from app.core.detect.password_values import HAS_ALL_SIGNS, LOOKS_LIKE_ONE, NO_PASSWORD, WORDS_AND_NUMBER, may_be
from app.core.detect.password_words import LABEL, labels
from app.core.detect.prose.names import begins_so, follows_thing
from app.core.detect.prose.words import ATTRIBUTES, THINGS, fold, is_ordinary, parts_of, word_lists
from app.core.detect.scan import Scan

BY_LANGUAGE: Final[dict[str, dict[str, list[str]]]] = {
    name: {language: line.split("|") for language, line in lines.items()}
    for name, lines in tomllib.loads(resources.files(__package__).joinpath("hints.toml").read_text("utf-8")).items()
}
WORDS: Final[dict[str, tuple[str, ...]]] = {
    name: tuple(sorted({word for words in lines.values() for word in words})) for name, lines in BY_LANGUAGE.items()
}
_JOINTS: Final = frozenset(WORDS["joint"])
_HINTS: Final = ("sign_in", "typed", "opens")
ANCHORS: Final = {f"hint {name}": WORDS[name] for name in _HINTS}


_LETTER: Final = r"[^\W\d_]"


def _any(name: str) -> str:
    return "|".join(map(re.escape, WORDS[name]))


@cache
def _after_a_user() -> re.Pattern[str]:
    """Compiled, as the other long ones, when a text first needs it."""
    joint = _any("joint")
    return re.compile(
        rf"(?:^|[\s(:{QUOTES}]){_AROUND}(?P<user>{_USER}){_AROUND}"
        rf"(?:\s?[/|:]\s?|,\s?(?:(?:{joint})\s)?|(?P<joint>\s(?:{joint})\s(?:{_LETTER}{{1,8}}\s)?|\s[/|]\s)){_AROUND}$"
    )


@cache
def _sign_in() -> re.Pattern[str]:
    return re.compile(_any("sign_in"))


@cache
def _lock() -> re.Pattern[str]:
    return re.compile(rf"(?<![^\W_])(?:{_any('lock')})")


_AROUND: Final = rf"[{QUOTES}*(]{{0,2}}"
_USER: Final = rf"(?=[\w.@-]*{_LETTER})[\w.@-]{{2,40}}"
_DIGITS_IN_A_WORD = re.compile(
    rb"0(?:(?<=[a-z?]0)|(?<=[A-Z]0)(?=[a-z]|[^\w-]|$)|(?<=[A-Za-z?][-._!#$%&*+^~]0))"
    rb"0{0,7}(?![A-Z](?![a-z])|[0@=_/\\:]|[a-z]0|[.][a-z0])"
)
_JOINED_BY_SIGN = re.compile(rf"[A-ZÀ-ÞА-Я]{_LETTER}{{2,20}}[!#$%^*~][A-ZÀ-ÞА-Я]{_LETTER}{{2,20}}(?![\w*#])")
_ON = re.compile(rf"[^\s{QUOTES}()<>\[\]{{}},;:=|/\\\ufffd、。，：；]{{0,41}}")
_MOST_DOTS: Final = 2
_SHORTEST: Final = 6
_LONGEST: Final = 40
_SIGNED: Final = (
    # Ricoh$can55, Berezka#9, Stone+Bridge5
    rf"(?!.*\d{{9}})(?=.*\d)(?=(?:.*{_LETTER}){{3}})(?![A-Z]+#|[a-z]+#\d$)[^\W_][\w.-]*[!#$%&*^~+][\w!#$%&*^~+.-]*"
)
_WORDS: Final = (
    # demo-Night1, Lato_nad_morzem4
    rf"(?=.*[a-zß-ÿа-яё])(?=.*\d)(?=(?:.*[._-])?[A-ZÀ-ÞА-Я])(?:{_LETTER}{{3,}}[._-]){{1,4}}[^\W_]{{0,12}}[!?*]?"
)
_LEET: Final = (
    # Gr4nite.Peak, Xk29-plover, Sunrise-4-Amy
    r"(?=.*[A-Z])(?=.*[a-z]{2})(?=.*(?:[A-Za-z]\d[a-z]|^\d[A-Z]?[a-z]|[._-]\d+[._-][A-Z]))(?!.*(?:\d(?:st|nd|rd|th)$|[a-z][A-Z]|[A-Z]{2}[a-z]))"
    r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+){0,3}"
)
_WEAK: Final = rf"[A-ZÀ-ÞА-Я]{_LETTER}{{3,20}}\d{{1,8}}[!?]?|[^\W\d_A-Z]{{5,}}\d{{1,4}}[!?]?"
_TWO_WORDS: Final = rf"[A-ZÀ-ÞА-Я]{_LETTER}{{2,20}}\d{{1,4}}[A-ZÀ-ÞА-Я][a-zß-ÿа-яё]{{2,20}}[!?]?"
"""Falke7Turm"""
_FORM = re.compile(
    rf"(?=.*{_LETTER}{{3}}|.*{_LETTER}\d{_LETTER})(?:(?P<sure>{_SIGNED}|{_WORDS}|{_LEET})"
    rf"|{_WEAK}|(?P<two>{_TWO_WORDS})|{LOOKS_LIKE_ONE.pattern}|{WORDS_AND_NUMBER.pattern})"
)
"""Those of a password alone, and those that other things have too."""
_NO_SECRET = re.compile(
    r".*\.(?:pdf|docx?|xlsx?|pptx?|csv|txt|zip|png|jpe?g|msg|eml|log|exe|msi|dll|part|dat|deb|rpm|default.*)|.*auth\d?"
    r"|(?:ctrl|control|strg|alt|shift|cmd|command|option|win|windows)[+-].*"
    r"|(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)[._-]\d{1,2}|form[._-].*|imap4rev1|(?-i:.*[A-Z]{3,}v\d)|.*\d{9}.*|.*@\w?|\w+!\$?[A-Z]{1,3}\$?\d{1,7}",
    re.IGNORECASE,
)
_USUAL: Final = frozenset(
    "january february march april may june july august september october november december monday tuesday wednesday"
    " thursday friday saturday sunday password pass welcome hello"
    " januar februar marz mai juni juli oktober dezember montag dienstag mittwoch donnerstag freitag".split()
)
"""Ordinary words that people make passwords of."""
_JOINED_WORDS = re.compile(rf"{_LETTER}+(?:[._-]{_LETTER}*)+\d{{1,4}}")
_PART = re.compile(rf"{_LETTER}+")
_OWN_LINE = re.compile(rf"\n[>\s]*(?:\[[\d:., ]+\]\s*)?(?:[-–•*]\s|{_LETTER}[\w. ]{{0,24}}[:>]\s)?{_AROUND}$")
_A_PASSWORD_NEXT = re.compile(rf"\s?/\s|[,;|]?\s{{1,4}}(?:{LABEL.pattern})")
_ENDS_A_LINE = re.compile(rf"{_AROUND}[.]?\s*(?:\n|$)")
_CODE_NEXT = re.compile(
    rf"[\s:,]+{_AROUND}"
    r"(?P<value>\d{3,4}-\d{2,4}|[A-Z]{0,2}\d{3,6}[A-Z#*]{0,2}|[A-Z]\d{2,5}[A-Z]|[A-Z]?\d{1,2}(?:-[A-Z]?\d{1,2}){2,3})(?![^\W_])"
)
_JOINED_BEFORE = re.compile(r"[\\=@]$|\S[/:]$")
_JOINED_AFTER = re.compile(r"[\\=@]|[/:]\S")
_NUMBER_NEXT = re.compile(
    rf"(?:\s{_LETTER}{{1,8}})?\s{_AROUND}(?P<value>(?!(?:19|20)\d\d\b)\d{{4,8}}#?)(?![\w%°]|[.,:/-]\d)"
)
_NUMBER_BEFORE = re.compile(rf"(?<!\S){_AROUND}(?P<value>\d{{4,8}}#?(?<!\D(?:19|20)\d\d))[{QUOTES}*)]{{0,2}}\s$")
_ASKED_FOR = re.compile(r"(?<![^\W_])(?:code|pin|kod|kód|codice|código|código|kode|koodi|код|пин)(?![^\W\d_]{3})")
_ENDS_IN_HASH = re.compile(r"(?<![\w#.:/-])(?P<value>\d{3,8}#)(?:\W|$)")
_LONGEST_CODE: Final = 10
_REACH: Final = 100
_BEFORE_A_CODE: Final = 64
_USER_BEFORE: Final = 64
_FEW_WORDS: Final = 2
_VERB_BEFORE: Final = 4
_WITHS: Final = frozenset("with mit avec con com met".split())
_NAMED_BEFORE: Final = 40
_LONGEST_BETWEEN: Final = 10
_NEXT_WORDS: Final = 24
_SHORT_VERB: Final = 3


class _Hint(NamedTuple):
    start: int
    end: int
    name: str


def passwords_by_hint(scan: Scan) -> Iterator[Finding]:
    words = [*_words_with_a_sign(scan)] if "sign" in scan.groups else []
    if scan.has_digit(0, len(scan.text)):
        yield from _codes(scan)
        words = sorted((*words, *_words_with_a_digit(scan)))
    hints = sorted(_hints(scan)) if words else []
    for at, word in enumerate(words):
        is_one_of_two = any(_differ_by_number(word, other, scan) for other in words[max(at - 1, 0) : at + 2])
        if not is_one_of_two and _is_another(word, words[at + 1 : at + 2], scan):
            continue
        before = [fold(each) for each in _PART.findall(scan.text, max(word.start - _NAMED_BEFORE, 0), word.start)]
        if follows_thing(before) or begins_so(before):
            continue
        if _is_told(word, scan, hints, is_one_of_two=is_one_of_two):
            yield Finding(word.start, word.end, Secret.PASSWORD)


def _hints(scan: Scan) -> Iterator[_Hint]:
    for name in _HINTS:
        for at, word in scan.hits(f"hint {name}"):
            if not (at and scan.lower[at - 1].isalpha()):
                yield _Hint(at, at + len(word.rstrip(" (:")), name)
    for at, label in labels(scan):
        if label:
            yield _Hint(at, label.end(), "label")


class _Word(NamedTuple):
    start: int
    end: int
    is_sure: bool


def _words_with_a_digit(scan: Scan) -> Iterator[_Word]:
    """Those that may be a password by their form."""
    text, last = scan.text, 0
    for match in _DIGITS_IN_A_WORD.finditer(scan.digits):
        at = match.start()
        if at < last:
            continue
        start, last = at - _length(text[max(at - _LONGEST, 0) : at][::-1]), at + _length(text[at : at + _LONGEST])
        end = start + len(text[start:last].rstrip(".?…-"))
        if _SHORTEST <= end - start <= _LONGEST and _is_free(text, start, last):
            is_sure = _is_sure(text[start:end])
            if is_sure is not None:
                yield _Word(start, end, is_sure)


def _words_with_a_sign(scan: Scan) -> Iterator[_Word]:
    """Gooseberry!Fool: two words, a sign between them, and no digit."""
    for at, _ in scan.hits("sign"):
        if scan.text[at + 1 : at + 2].isupper() and scan.text[max(at - 1, 0) : at].islower():
            start = at - _length(scan.text[max(at - _LONGEST, 0) : at][::-1])
            match = _JOINED_BY_SIGN.match(scan.text, start)
            if match and match.end() > at and _is_free(scan.text, start, match.end()):
                yield _Word(start, match.end(), is_sure=True)


def _length(text: str) -> int:
    match = _ON.match(text)
    return match.end() if match else 0


def _is_free(text: str, start: int, end: int) -> bool:
    """Whether neither a path nor an address nor a setting goes on before or after."""
    return not (_JOINED_BEFORE.search(text, max(start - 2, 0), start) or _JOINED_AFTER.match(text, end))


def _is_sure(word: str) -> bool | None:
    """Whether hardly anything but a password has the form of *word*; None if it has none of their forms."""
    form = _FORM.fullmatch(word) if word.count(".") <= _MOST_DOTS else None
    if form is None or _NO_SECRET.fullmatch(word) or not may_be(word):
        return None
    is_sure = form.lastgroup == "sure"
    if not is_sure and NO_PASSWORD.fullmatch(word.lower()):
        return None
    parts = {fold(each) for each in _PART.findall(word)} if form["two"] else parts_of(word)
    parts, known = parts - _USUAL, word_lists()
    is_thing = parts and not parts - THINGS - ATTRIBUTES - known.plain and not HAS_ALL_SIGNS.fullmatch(word)
    return None if is_thing or not known.technical.isdisjoint(parts) else is_sure  # Laptop12, Meeting-Room-2


def _differ_by_number(one: _Word, other: _Word, scan: Scan) -> bool:
    """Whether two words are the same but for number or case, a word between: "neither Harbour66 nor harbour67"."""
    first, second = sorted((one, other))
    between = scan.text[first.end : second.start]
    words = (scan.lower[each.start : each.end].rstrip("0123456789!?") for each in (first, second))
    return first != second and len(between) <= _LONGEST_BETWEEN and len(set(words)) == 1 and not {",", "/"} & {*between}


def _is_another(word: _Word, following: Sequence[_Word], scan: Scan) -> bool:
    """Whether *word* is a product's name or a user's, whose password follows: "mit aushilfe3 und Regal.33"."""
    is_product = NAMES_A_PRODUCT.search(scan.lower, max(word.start - _LONGEST, 0), word.start)
    if is_product or _A_PASSWORD_NEXT.match(scan.lower, word.end):
        return True
    return not word.is_sure and any(scan.lower[word.end : each.start].strip() in _JOINTS for each in following)


def _is_told(word: _Word, scan: Scan, hints: Sequence[_Hint], *, is_one_of_two: bool) -> bool:
    line = max(scan.text.rfind("\n", max(word.start - _REACH, 0), word.start) + 1, word.start - _REACH, 0)
    stop = scan.text.find("\n", word.end, word.end + _REACH)
    stop = word.end + _REACH if stop < 0 else stop
    near = hints[bisect_left(hints, (line,)) : bisect_left(hints, (stop,))]
    before = [fold(each) for each in _PART.findall(scan.text, line, word.start)]
    is_after_verb = any(map(_is_a_verb, before[-_VERB_BEFORE:])) or not _WITHS.isdisjoint(before[-2:])
    is_after_verb = is_after_verb or _is_set_to(word, scan, before)
    is_place = not is_after_verb and _names_a_place(word, scan, before[-1] if before else "")
    if word.is_sure and (near or is_after_verb or is_place):
        return not is_place
    if not hints:
        return False
    if not near and _OWN_LINE.search(scan.text, max(line - 2, 0), word.start):
        return bool(_ENDS_A_LINE.match(scan.text, word.end))
    user = _after_a_user().search(scan.lower, max(line - 1, word.start - _USER_BEFORE, 0), word.start)
    if user and (
        is_ordinary(user["user"])
        or any(each.start < user.end("user") for each in near if each.end > user.start("user"))
    ):
        user = None
    if word.is_sure:
        return bool(user and user["joint"])
    is_signing_in = any(each.name != "label" for each in near)
    if not before or before[-1] in word_lists().users:
        return bool(user and is_signing_in and not before)
    return bool(user and is_signing_in) or _is_told_by_a_word(word, scan, near, before, is_one_of_two=is_one_of_two)


def _names_a_place(word: _Word, scan: Scan, last: str) -> bool:
    """Whether words with a number name what somebody signs in to, after the word *last*: "log in to Lobby-Kiosk3"."""
    known = word_lists()
    places = (THINGS, known.prepositions, known.users, known.technical, *known.to.values())
    return bool(_JOINED_WORDS.fullmatch(scan.text, word.start, word.end)) and (
        last not in _JOINTS
        and ":" not in scan.text[word.start - 2 : word.start]
        and any(last in each for each in places)
    )


def _is_told_by_a_word(
    word: _Word, scan: Scan, near: Sequence[_Hint], before: Sequence[str], *, is_one_of_two: bool
) -> bool:
    """Whether something tells the word, which has a form of other things too."""
    known = word_lists()
    if before[-1] in THINGS or before[-1] in known.prepositions:
        return False
    is_after_verb = _is_a_verb(before[-1]) or (before[-1] in known.soft and any(map(_is_a_verb, before[-2:-1])))
    is_choice = is_one_of_two and (near or not known.asks.isdisjoint(before))
    return is_after_verb or bool(is_choice) or any(_tells(each, word, scan) for each in near)


def _is_a_verb(word: str) -> bool:
    """Whether *word* says that something is typed, used or set, and is no "with"."""
    known = word_lists()
    return len(word) > _SHORT_VERB and word not in _JOINTS and (word in known.typed or word in known.sets)


def _is_set_to(word: _Word, scan: Scan, before: Sequence[str]) -> bool:
    """Whether a verb of setting goes with "to", as in "bitte auf Kr0kus!9 setzen", and *word* has the signs of one."""
    known = word_lists()
    if not (before and any(before[-1] in words for words in known.to.values())):
        return False
    value = scan.text[word.start : word.end]
    after = [fold(each) for each in _PART.findall(scan.text, word.end, word.end + _NEXT_WORDS)]
    is_set = not known.sets.isdisjoint((*before, *after[:_FEW_WORDS]))
    return is_set and "#" not in value and HAS_ALL_SIGNS.fullmatch(value) is not None  # not "Kunde#4711"


def _tells(hint: _Hint, word: _Word, scan: Scan) -> bool:
    """Whether *hint* alone tells the word, which has a form of other things too."""
    is_before = hint.end <= word.start
    gap = scan.lower[hint.end : word.start] if is_before else scan.lower[word.end : hint.start]
    between = _PART.findall(gap)
    if hint.name == "label":
        return is_before and len(between) > _FEW_WORDS and fold(between[-1]) in word_lists().soft
    if is_before and hint.name == "sign_in" and between and fold(between[-1]) in word_lists().like:
        return False  # "logged in as Trainee22" names the user
    if is_before and hint.name == "sign_in":
        words = (*scan.lower[hint.start : hint.end].split()[-1:], *between)
        return not _JOINTS.isdisjoint((*words[-1:], *(each for each in words[-2:-1] if len(each) > 1)))
    return len(between) <= _FEW_WORDS and ":" not in gap[1:]


def _codes(scan: Scan) -> Iterator[Finding]:
    """The code of what has a lock, and a number typed where one was asked for: "the cabinet opens with C2291X"."""
    for at, word in scan.hits("hint opens"):
        match = _CODE_NEXT.match(scan.text, at + len(word)) if scan.has_digit(at, at + _BEFORE_A_CODE) else None
        if match and _lock().search(scan.lower, max(at - _BEFORE_A_CODE, 0), at):
            yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, sign in scan.hits("sign"):
        is_hash = sign == "#" and scan.has_digit(at - 1, at)
        match = _ENDS_IN_HASH.search(scan.text, max(at - _LONGEST_CODE, 0), at + 2) if is_hash else None
        if match and _lock().search(scan.lower, max(at - _BEFORE_A_CODE, 0), at):
            yield Finding(*match.span("value"), Secret.PASSWORD)
    for at, word in scan.hits("hint typed"):
        start, end = max(at - _BEFORE_A_CODE, 0), at + len(word)
        number = _NUMBER_NEXT.match(scan.text, end) if scan.has_digit(end, end + _LONGEST_CODE) else None
        if number and any(form.search(scan.lower, start, end) for form in (_ASKED_FOR, _lock(), _sign_in())):
            yield Finding(*number.span("value"), Secret.PASSWORD)
        number = _NUMBER_BEFORE.search(scan.text, start, at) if scan.has_digit(start, at) else None
        if number and _ASKED_FOR.search(scan.lower, start, at):
            yield Finding(*number.span("value"), Secret.PASSWORD)
