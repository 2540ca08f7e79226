"""Passwords and codes in sentences: what stands near a word for one is weighed, whatever the form of the sentence.

`cues` are the words for a password. Of each, the candidates of its sentence are read: any token with a digit, a sign
or a capital inside, and whatever stands where a value is told ("is", "=", quotes). `Traits` say what is seen of one.
Their weights (prose.toml) were fitted by `python -m eval.masking.fit`; docs/masking.md says how well they do on texts
that they were not fitted to.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib import resources
from itertools import chain
from typing import Final, NamedTuple

from app.core.detect.cues import NO_COPULA, Cue, cues
from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.password_values import LOOKS_LIKE_ONE, NO_PASSWORD, QUOTED, WORDS_AND_NUMBER, is_strong, may_be
from app.core.detect.password_words import OF_MAKERS
from app.core.detect.scan import Scan
from app.core.logistic import likelihood


@dataclass(slots=True)
class Traits:
    """What is seen of a candidate. Each value is 0 to 1."""

    # How it is told.
    sign: float = 0
    """A colon, an equals sign or an arrow stands before it."""
    dash: float = 0
    verb: float = 0
    """"is" stands before it."""
    into: float = 0
    """"to" stands before it, and the sentence says that a password was set."""
    towards: float = 0
    """"to" stands before it, and nothing says so."""
    beside: float = 0
    """It stands beside the cue, after it."""
    like: float = 0
    other: float = 0
    """"or", "and" stands before it."""
    as_cue: float = 0
    """It stands before the cue, with "as", "is" or a bracket between."""
    typed: float = 0
    """"with", "typed" stands before it or before the cue."""
    before: float = 0
    distance: float = 0
    """Words between it and the cue: an eighth for each."""
    told_distance: float = 0
    """The same where a sign, "is" or "to" tells it."""
    beyond: float = 0
    """It stands in the sentence before or after."""
    quoted: float = 0
    bracket: float = 0
    cue_code: float = 0
    cue_weak: float = 0
    # What it looks like.
    mixed: float = 0
    """Letters and digits."""
    signed: float = 0
    """A sign that prose does not have, between others or after a digit."""
    inner_case: float = 0
    """A capital after a small letter."""
    capital: float = 0
    """A capital at the beginning, and small letters."""
    titled: float = 0
    """A capitalised word and digits."""
    upper: float = 0
    joined: float = 0
    """Hyphens, dots or underscores inside."""
    digits: float = 0
    """4 to 8 digits."""
    year: float = 0
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
    user: float = 0
    """A word for a user stands before it."""
    slash: float = 0
    """A slash follows, as after a user's name."""
    clause: float = 0
    """A comma, a colon or the like stands between, beside the one that tells it."""
    attribute: float = 0
    """The cue is of something about a password: a hint, a policy."""
    after_number: float = 0
    quoted_told: float = 0
    """In quotes, after a sign, "is" or "to", or before "as"."""
    typed_before: float = 0
    """"typed", "with" stands before it, and it before the cue."""


_NAMES: Final = tuple(field.name for field in fields(Traits))
KEPT_FROM: Final = 0.5


class Candidate(NamedTuple):
    finding: Finding
    traits: Traits


class _Words(NamedTuple):
    """The words of prose_words.toml, folded."""

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


_OUTER: Final = QUOTES + ".,;:!?()[]*…"
_TO_ASCII: Final = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss"})


def fold(word: str) -> str:
    """*word* in small letters, without accents."""
    word = word.strip(_OUTER)
    if word.isascii():
        return word.lower()
    parts = unicodedata.normalize("NFKD", word.lower().translate(_TO_ASCII))
    return "".join(each for each in parts if not unicodedata.combining(each))


@cache
def _words() -> _Words:
    read = tomllib.loads(resources.files("app.core.detect").joinpath("prose_words.toml").read_text("utf-8"))
    verb, to = (
        {lang: frozenset(f"{of['any']} {own}".split()) for lang, own in of.items()} for of in (read["is"], read["to"])
    )
    lists = (read["lists"][name] for name in ("as", "soft", "with", "sets", "asks"))
    plain = " ".join([*read["plain"].values(), read["lists"]["soft"], read["lists"]["sets"]])
    return _Words(verb, to, *(frozenset(map(fold, each.split())) for each in (*lists, plain)))


@cache
def _weights() -> tuple[float, dict[str, float]]:
    read = tomllib.loads(resources.files("app.core.detect").joinpath("prose.toml").read_text("utf-8"))
    return read["bias"], read["weight"]


_ENDS = re.compile(r"[.!?…](?=\s)|[。！？]|\n")
_REACH: Final = 100
_REACH_BACK: Final = 70
_CJK: Final = "\u3001-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff0f\uff1a-\uff20"
_TOKEN = re.compile(rf"[^\s{_CJK}]+")
_OPENING: Final = QUOTES + "([{<*"
_CLOSING: Final = QUOTES + ")]}>*.,;:…"
_QUOTED_AT = re.compile(QUOTED)
_GROUPED = re.compile(
    r"(?:\d{3,4}[ -]\d{3,4}|\d\d \d\d \d\d(?: \d\d)?|[a-zA-Z]-\d{6}|\d{4,8}#|#\d{4,8}|\d\d-\d\d-\d\d)(?![\w-])"
)
_NOT_PLAIN = re.compile(
    r"[0-9!#$%&*+=@^~._A-ZÀ-ÞА-Я](?:(?<=[0-9])|(?<=[!#$%&*+=@^~])(?=\w)|(?<=\w[._])(?=\w)"
    r"|(?<=[a-zß-ÿа-я][A-ZÀ-ÞА-Я]))"
)
"""A digit, a sign, or a capital inside: all that a plain word does not have."""
_MARKUP = re.compile(r"</?(?:b|i|u|em|strong|code|kbd|tt|pre|span|mark)>")
_CUT = re.compile(r"\\n|</|['\"](?=[,}\])>;])|,(?=[^\W\d_]{3,}(?:\s|$))|&(?:quot|nbsp|lt|gt);")
_SIGN_BEFORE = re.compile(rf"(?:[:=：＝→⇒]|[-=]>|\s[–—-])[\s{QUOTES}(\[*]*$")
_BETWEEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+")
_FINISHES = re.compile(
    rf"\s+(?:btw|please|bitte|merci|thanks|lowercase|with|all|for|mit|für|avec|pour|tout|todo|con|para|per|tutto"
    rf"|tudo|com|gesetzt|geändert|zurückgesetzt)\s|[{QUOTES})\]}}*]*(?:$"
    rf"|\s*[\n.,;!?()–—，。；\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\s+olarak|\s+[-–—(/|]|\s+(?:gesetzt|geändert"
    rf"|zurückgesetzt)|\s+(?:and|or|but|und|oder|aber|et|ou|mais|y|o|pero|e|ma|mas|en|of|maar|i|a|ale|nebo|и|а"
    rf"|но|ve|ama"
    r"|och|men|og|ja|es|si|dar|και)\s)"
)
_NEXT_WORD = re.compile(rf"[{QUOTES})\]*]*\s+([^\W\d_]+)")
_SIGNED = re.compile(r"[^\W_][!#$%^*~+=&@?]+[^\W_]|\d[!#$%^*~+=&@]+$|[!#$%^*~&@]\w*[!#$%^*~&@]|^[!#$%^*~&]\w")
_INNER_CASE = re.compile(r"[a-zß-ÿа-я][A-ZÀ-ÞА-Я]")
_TITLED = re.compile(r"[A-ZÀ-ÞА-Я][^\W\d_]{2,}[._!-]?\d{1,8}[!?]*")
_CAPITAL = re.compile(r"[A-ZÀ-ÞА-Я][a-zß-ÿа-яё]+[!?]*")
_LETTERS_ONLY = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PHRASE = re.compile(r"[^\W\d_]{2,}(?:[ -][^\W\d_]+){1,6}")
_ENDING = re.compile(
    r"(?:ed|ing|able|ible|ory|ly|ado|ada|ido|ida|ato|ata|ito|ita|uto|uta|atta|etta|ee|iert|bar|lich|owane|one"
    r"|ione|ana|ano|ena|eno|ene|ны[йх]?"
    r"|ная|ное|ен|ена|ено|ан|ано|mis|mus|misti|ildi|ad|at|ats|et|tu|ty|ttu|tty|va|ott|ett)$"
)
_THINGS: Final = frozenset(
    "user users username usr account accounts login version ver build room ticket server error errors event port"
    " kb id line release win windows"
    " office outlook exchange excel for of from on at by in under page step number no nr ext extension phone"
    " call case line code vlan"
    " benutzer konto raum fehler zimmer von vom bei utilisateur compte salle usuario cuenta utente conto"
    " gebruiker kamer uzytkownik"
    " konta uzivatel пользователь ошибка kullanici fur pour para per dla pro для von de di since issue bug case"
    " incident request order invoice until minimum least last".split()
)
_PREPOSITIONS: Final = frozenset(
    "for of from on at by in under via since until per within through over about after before um bis ab seit bei"
    " von vom fur im am pour"
    " dans sur depuis par chez de desde en para por di da per dal nel do od dla przez przy v od pro u для от с в"
    " на".split()
)
_DASHES: Final = frozenset("-‐‑–—._'’,;:/")


def prose(scan: Scan) -> Iterator[Finding]:
    """Passwords and codes in sentences."""
    bias, weights = _weights()
    best: dict[int, tuple[float, Finding]] = {}
    for each in candidates(scan):
        likely = likelihood(each.traits, bias, weights)
        if likely >= KEPT_FROM and likely > best.get(each.finding.start, (0.0,))[0]:
            best[each.finding.start] = (likely, each.finding)
    return (found for _, found in best.values())


def candidates(scan: Scan) -> Iterator[Candidate]:
    """Each candidate near each cue; one of several words comes before its first word."""
    found = cues(scan)
    for at, cue in enumerate(found):
        stop = found[at + 1].start if at + 1 < len(found) else len(scan.text)
        after = found[at - 1].end if at else 0
        yield from _after(scan, cue, stop)
        yield from _before(scan, cue, after)


def _after(scan: Scan, cue: Cue, stop: int) -> Iterator[Candidate]:
    limit = min(cue.end + _REACH, stop)
    odd = _odd_tokens(scan.text, cue.end, limit)
    sentence = _sentence_end(scan, cue.end, limit)
    told_tokens = _told_tokens(scan, cue, sentence)
    at, is_later, last = cue.end, False, (0, "")
    for token in sorted({*odd, *told_tokens}) if told_tokens else odd:
        is_plain = token not in odd
        if token[0] < at:
            continue
        start, end, is_quoted = _span(scan, cue, token)
        is_beyond = start > sentence
        value = scan.text[start:end]
        phrase = None if is_quoted or is_beyond else _phrase(scan, start, limit)
        if not value or (
            _is_ordinary(value) and not phrase
            if is_plain and not is_quoted
            else not _may_be(value, is_code=cue.is_code)
        ):
            continue
        at = max(end, token[1])
        if is_plain and not is_quoted and phrase is None and not _FINISHES.match(scan.text, end):
            continue
        told = _told_after(scan, cue, start, end)
        form = _ANY_CHARACTER.sub("x", value)
        is_listed = form == last[1] and not scan.text[last[0] : start].strip(" ,;")
        if is_listed:
            told = _Told("other", 0, (), has_clause=False)
        if phrase and told.link in _GIVEN:
            yield from _weighed(scan, cue, phrase, told, is_quoted=False, is_beyond=False)
        if (told.link in _TELLING or is_quoted or not is_plain) and not (
            is_plain and not is_quoted and _is_ordinary(value)
        ):
            for each in _weighed(scan, cue, (start, end), told, is_quoted=is_quoted, is_beyond=is_beyond):
                each.traits.listed = float(is_listed)
                each.traits.later = float(is_later and told.link != "other" and not each.traits.listed)
                yield each
                last = (end, form)
            is_later = is_later or told.link in _GIVEN


_ANY_CHARACTER = re.compile(r"[^\W_]")


def _odd_tokens(text: str, at: int, limit: int) -> list[tuple[int, int]]:
    """Where the tokens are that are no plain words."""
    found = []
    while odd := _NOT_PLAIN.search(text, at, limit):
        blank = max(text.rfind(" ", at, odd.start()), text.rfind("\n", at, odd.start()), at - 1)
        token = next(each for each in _TOKEN.finditer(text, blank + 1, limit) if each.end() > odd.start())
        found.append(token.span())
        at = token.end()
    return found


def _told_tokens(scan: Scan, cue: Cue, sentence: int) -> list[tuple[int, int]]:
    """Where the words of the sentence are that may be told: beside the cue, after a sign or "is", or in quotes."""
    words = scan.lower[cue.end : sentence].split()
    tells, soft = _tells(cue.language), _words().soft
    if tells.isdisjoint(words) and not _MAY_TELL.search(scan.lower, cue.end, sentence):
        return _places(scan.text, cue.end, sentence, [0]) if words and _may_stand_beside(scan, cue, words[0]) else []
    numbers, is_telling = [], True
    for number, word in enumerate(words):
        is_open = word[0] in _OPENS_ONE or (number and words[number - 1][-1] in _COLONS)
        if is_telling and (is_open or (not _is_ordinary(word) if number else _may_stand_beside(scan, cue, word))):
            numbers.append(number)
        is_telling = word[-1] in _SIGNS or word in tells or (is_telling and fold(word) in soft)
    return _places(scan.text, cue.end, sentence, numbers)


def _places(text: str, start: int, end: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Where the words with *numbers* begin and end, of those between *start* and *end*."""
    if not numbers:
        return []
    words = [each.span() for each in _WORD.finditer(text, start, end)]
    return [token.span() for number in numbers if (token := _TOKEN.search(text, *words[number]))]


def _may_stand_beside(scan: Scan, cue: Cue, word: str) -> bool:
    """Whether *word* may be a password right after the cue: where the language has no "is", or after "with", "has"."""
    if word[0] not in _OPENS_ONE and cue.language not in NO_COPULA and (word not in OF_MAKERS or word in _MANAGE):
        left = scan.lower[max(cue.start - _NEAR, 0) : cue.start].split()
        if _words().typed.isdisjoint(left[-_TYPED_BEFORE:]):
            return False
    return word not in _MANAGE and not _is_ordinary(word)


_COLONS: Final = frozenset(":=：＝")
_MANAGE: Final = frozenset({"manager", "default", "password", "pass"})
_WORD = re.compile(r"\S+")
_MAY_TELL = re.compile(rf"[:=：＝→⇒>–—(<*]|(?<!\w)[{QUOTES}]|[^\x00-\x7f]")


def _is_ordinary(value: str) -> bool:
    folded = fold(value)
    return not folded or (folded in _words().plain and folded not in OF_MAKERS)


@cache
def _tells(language: str) -> frozenset[str]:
    known = _words()
    return _of(known.verb, language) | _of(known.to, language) | _LIKE


def _of(words: Mapping[str, frozenset[str]], language: str) -> frozenset[str]:
    return words[language if language in words else "any"]


_TELLING: Final = frozenset({"sign", "dash", "verb", "into", "beside", "like"})
_SIGNS: Final = frozenset(":=：＝→⇒>–—-")
_OPENS_ONE: Final = frozenset(QUOTES + "([*<")


def _before(scan: Scan, cue: Cue, after: int) -> Iterator[Candidate]:
    at = max(cue.start - _REACH_BACK, after)
    if after < at:  # not in the middle of a word
        at = blank.end() if (blank := _BLANK.search(scan.text, at - 1, cue.start)) else cue.start
    odd = _odd_tokens(scan.text, at, cue.start)
    near = max(cue.start - _NEAR, at)
    words = scan.lower[near : cue.start].split()
    plain = []
    if not _words().as_cue.isdisjoint(words):
        plain = _places(
            scan.text,
            near,
            cue.start,
            [
                number
                for number, word in enumerate(words)
                if word[0] in _OPENS_ONE or not _AS.isdisjoint(words[number + 1 : number + 2])
            ],
        )
    if not odd and not plain:
        return
    sentence = at
    for match in _ENDS.finditer(scan.text, at, cue.start):
        sentence = match.end()
    for token in sorted({*odd, *plain}) if plain else odd:
        if token[0] < at:
            continue
        is_plain = token not in odd
        start, end, is_quoted = _span(scan, cue, token)
        value = scan.text[start:end]
        if (
            not value
            or end > cue.start
            or (_is_ordinary(value) if is_plain and not is_quoted else not _may_be(value, is_code=cue.is_code))
        ):
            continue
        at = max(end, token[1])
        told = _told_before(scan, cue, end, is_plain=is_plain and not is_quoted)
        if told.link or is_quoted or not is_plain:
            yield from _weighed(scan, cue, (start, end), told, is_quoted=is_quoted, is_beyond=start < sentence)


_BLANK = re.compile(r"\s")
_NEAR: Final = 40


def _sentence_end(scan: Scan, start: int, limit: int) -> int:
    """Where the sentence ends that *start* is in. A line that ends with a colon or in "is" goes on in the next one."""
    at = start
    while match := _ENDS.search(scan.text, at, limit):
        if match[0] != "\n" or not _GOES_ON.search(scan.lower, start, match.start()):
            return match.end() - (match[0] == "\n")
        at = match.end()
        while at < limit and scan.text[at] in "\n \t>":
            at += 1
    return limit


_GOES_ON = re.compile(r"(?:[:=：]|\s(?:is|are|was|below|following|lautet|ist|unten|est|es|è|é|to|je))\s*$")


def _span(scan: Scan, cue: Cue, token: tuple[int, int]) -> tuple[int, int, bool]:
    """Where the candidate that begins with *token* begins and ends, and whether it stands in quotes."""
    start, end = token
    text = scan.text
    while start < end and text[start] in "([{*=:：":
        start += 1
    if markup := _MARKUP.match(text, start, end):
        start = markup.end()
    if start < end and text[start] in QUOTES and (quoted := _QUOTED_AT.match(text, start)):
        inner = quoted[0][1:-1]
        left = start + 1 + len(inner) - len(inner.lstrip())
        if len(inner) <= _LONGEST_QUOTED:
            return left, left + len(inner.strip()), True
    if cue.is_code and (grouped := _GROUPED.match(text, start)):
        return start, grouped.end(), False
    while start < end and text[start] in _OPENING:
        start += 1
    if cut := _CUT.search(text, start + 1, end):
        end = cut.start()
    while end > start and text[end - 1] in _CLOSING:
        if text[end - 1] in ")]}>" and {")": "(", "]": "[", "}": "{", ">": "<"}[text[end - 1]] in text[start : end - 1]:
            break
        end -= 1
    return start, end, False


_LONGEST_QUOTED: Final = 48


def _phrase(scan: Scan, start: int, limit: int) -> tuple[int, int] | None:
    """The words from *start* to the end of the clause, if they are two to seven."""
    match = _PHRASE.match(scan.text, start, limit)
    if match is None or " " not in match[0] or not _FINISHES.match(scan.text, match.end()):
        return None
    return match.span()


class _Told(NamedTuple):
    link: str
    distance: int
    between: Sequence[str]
    has_clause: bool
    """Another clause, or a sign, stands between the cue and it."""


def _told_after(scan: Scan, cue: Cue, start: int, end: int) -> _Told:
    known = _words()
    verbs, to = _of(known.verb, cue.language), _of(known.to, cue.language)
    gap = scan.lower[cue.end : start]
    between = _BETWEEN.findall(gap)
    rest = list(between)
    while rest and fold(rest[-1]) in known.soft and rest[-1] not in verbs:
        rest.pop()
    if sign := _SIGN_BEFORE.search(gap):
        link = "dash" if sign[0].strip(" " + _CLOSES_GAP) in {"-", "–", "—"} else "sign"
        while rest and rest[-1] in verbs:
            rest.pop()
    elif not rest:
        link = "verb" if between or gap.strip()[-1:] in _VERBS_OF_CJK else "beside"
    else:
        is_set = rest[-1] in to and _is_set(scan, cue, between, end)
        if link := "into" if is_set else _link(rest[-1], verbs, to):
            rest.pop()
    has_clause = bool(_CLAUSE.search(gap, 0, sign.start() if sign else len(gap.rstrip(_CLOSES_GAP))))
    return _Told(link, len(rest), rest, has_clause)


_VERBS_OF_CJK: Final = frozenset("是为為は는은")


def _link(word: str, verbs: frozenset[str], to: frozenset[str]) -> str:
    """What *word* is that stands before a candidate, or ""."""
    lists = (("verb", verbs), ("towards", to), ("like", _LIKE), ("other", _OTHERS))
    return next((link for link, words in lists if word in words), "")


def _left(scan: Scan, start: int) -> list[str]:
    """The words before *start*, folded."""
    return [fold(word) for word in _BETWEEN.findall(scan.text, max(start - _NEAR, 0), start)]


def _is_set(scan: Scan, cue: Cue, between: Sequence[str], end: int) -> bool:
    """Whether the sentence says that a password was set: before the cue, between it and *end*, or after."""
    right = _BETWEEN.findall(scan.text, end, end + _NEXT_WORDS)
    return not _words().sets.isdisjoint((*_left(scan, cue.start), *map(fold, chain(between, right))))


_CLAUSE = re.compile(r"[,;:(){}\[\]]|\s[–—-]\s")
_CLOSES_GAP: Final = QUOTES + "( \n*"
_NEXT_WORDS: Final = 24
_LIKE: Final = frozenset("like wie comme como come jak jako как gibi som".split())
_OTHERS: Final = frozenset("or and oder und ou et o y e i lub nebo a или и ve eller och og of en then".split())


def _told_before(scan: Scan, cue: Cue, end: int, *, is_plain: bool) -> _Told:
    gap = scan.text[end : cue.start]
    between = [fold(word) for word in _BETWEEN.findall(gap)]
    joint = _AS if is_plain else _words().as_cue
    is_as = 0 < len(between) <= _LONGEST_AS and not joint.isdisjoint(between[: 1 if is_plain else 3])
    is_bracket = not between and "(" in gap
    return _Told("as_cue" if is_as or is_bracket else "", len(between), between, bool(_CLAUSE.search(gap)))


_WITHOUT: Final = frozenset(
    "no without ohne kein keine sans sin sem senza zonder bez без utan uden uten ilman nelkul fara sansa".split()
)
_AS: Final = frozenset("as als comme como come jako kao olarak как som".split())
_LONGEST_AS: Final = 5


def _weighed(
    scan: Scan, cue: Cue, span: tuple[int, int], told: _Told, *, is_quoted: bool, is_beyond: bool
) -> Iterator[Candidate]:
    start, end = span
    value = scan.text[start:end]
    is_before = end <= cue.start
    left = _left(scan, start if is_before else cue.start)
    is_typed = not _words().typed.isdisjoint(left[-_TYPED_BEFORE:])
    if not _is_worth(scan, cue, span, told, is_typed=is_typed, is_quoted=is_quoted, is_beyond=is_beyond):
        return
    if not _may_be(value, is_code=cue.is_code):
        return
    traits = _form(value, cue)
    traits.bracket = float(scan.text[start - 1 : start] in {"(", "["})
    is_code = cue.is_code and not cue.is_weak
    if (
        (traits.foreign or _ID.fullmatch(value))
        and told.link not in (_TELLING if is_code else _GIVEN)
        and not is_quoted
    ):
        return
    if traits.bracket and _IS_A_REMARK.match(scan.text, end):
        return
    pairs = _SLASH_OR_AND if _OF_A_PAIR.search(scan.lower, max(cue.start - 24, 0), cue.start) else _SLASH
    if (is_slash := bool(pairs.match(scan.text, end))) and pairs is _SLASH_OR_AND:
        return  # the user's name
    traits.slash = float(is_slash)
    traits.typed, traits.before, traits.beyond = float(is_typed), float(is_before), float(is_beyond)
    traits.quoted = float(is_quoted)
    traits.cue_code, traits.cue_weak = float(cue.is_code), float(cue.is_weak)
    _see_how_told(traits, cue, told)
    _see_around(traits, scan, (start, end), told, left)
    _see_together(traits, cue)
    yield Candidate(Finding(start, end, Secret.PASSWORD), traits)


def _see_how_told(traits: Traits, cue: Cue, told: _Told) -> None:
    if told.link:
        setattr(traits, told.link, 1.0)
    distance = min(told.distance, _FAR) / _FAR
    traits.told_distance, traits.distance = (distance, 0.0) if told.link in _GIVEN else (0.0, distance)
    traits.clause = float(told.has_clause)
    if not traits.before:
        traits.verb_between = float(not _of(_words().verb, cue.language).isdisjoint(told.between))
        traits.attribute = float(bool(told.between and told.between[0] in _ATTRIBUTES))


def _see_around(traits: Traits, scan: Scan, span: tuple[int, int], told: _Told, left: Sequence[str]) -> None:
    start, end = span
    known = _words()
    traits.ends = float(bool(_FINISHES.match(scan.text, end)))
    following = _NEXT_WORD.match(scan.text, end)
    traits.goes_on = float(bool(following and fold(following[1]) in known.plain))
    is_asked = not known.asks.isdisjoint((*left[-4:], *map(fold, told.between)))
    traits.asked = float(is_asked or "?" in scan.text[end : end + 2])
    traits.without = float(not traits.before and not _WITHOUT.isdisjoint(left[-1:]))
    traits.after_number = float(scan.text[max(start - 2, 0) : start - 1].isdecimal() and scan.text[start - 1] == " ")
    last = _LAST_WORD.search(scan.text, max(start - 24, 0), start)
    preceding = fold(last[1]) if last else ""
    if not traits.before or not traits.as_cue:
        is_of_cue = traits.verb or traits.into or (traits.sign and not told.distance)
        traits.of_thing = float(preceding in _THINGS and not is_of_cue)
        traits.user = float(preceding in _USERS and not is_of_cue)
        traits.after_preposition = float(preceding in _PREPOSITIONS and told.link not in _GIVEN)


def _see_together(traits: Traits, cue: Cue) -> None:
    """What several traits say together."""
    is_told = traits.sign or traits.verb or traits.into
    if traits.quoted and (is_told or traits.as_cue):
        traits.quoted_told, traits.known, traits.phrase = 1.0, 0.0, 0.0
    traits.typed_before = float(bool(traits.typed and traits.before))
    is_given = is_told or (traits.beside and (traits.typed or traits.bracket or cue.language in NO_COPULA))
    is_words = bool(traits.word or traits.phrase)
    if is_words and is_given and traits.ends:
        traits.told_word = max(0.0, 1 - 2 * traits.known)
    traits.told_digits = float(bool(traits.digits and (is_told or traits.beside)))
    traits.bare_word = float(is_words and not is_given and not traits.quoted)


_LAST_WORD = re.compile(rf"([^\W\d_]+)[\s{QUOTES}(:=]+(?:(?:is|ist|est|es|to|è|é)\s)?$")
_SLASH = re.compile(rf"[{QUOTES}]?\s?[/|]\s?\S")
_SLASH_OR_AND = re.compile(rf"[{QUOTES}]?(?:\s?[/|:,]\s?|\s(?:and|und|et|y|e|i|a|и|ve)\s)\S")
_OF_A_PAIR = re.compile(
    r"(?:user(?:name)?s?|login|benutzer(?:name)?|usuario|utente|utilisateur|identifiant|usuário|użytkownik"
    r"|uživatel|kullanıcı|логин)"
    r"(?:\s?[/&]\s?|\s(?:and|und|et|y|e|i|a|и|ve)\s(?:the\s)?)$"
)
_ATTRIBUTES: Final = frozenset(
    "pad terminal reader keypad machine entry hint policy history length hash method prompt field box manager"
    " age expiry expiration reset change attempts"
    " attempt prompts dialog window"
    " page screen rule rules richtlinie feld lange fenster politique champ longueur politica campo longitud"
    " lunghezza protected protection".split()
)
_USERS: Final = frozenset(
    "user users username usr uid login account accounts benutzer benutzername konto anmeldename utilisateur"
    " identifiant usuario cuenta utente"
    " conto gebruiker gebruikersnaam uzytkownik uzytkownika uzivatel kullanici логин пользователь пользователя"
    " anvandare bruger bruker kayttaja"
    " felhasznalo utilizator id host server name domain".split()
)


_TYPED_BEFORE: Final = 3
_MOSTLY: Final = 0.75
_IS_A_REMARK = re.compile(r"\)\s*[:=]")
_ID = re.compile(
    r"[A-Z]{2,}[-_]?\d+|(?i:printer|form|server|room|build|version|page|step|host|node|site|laptop|desk|kiosk)[-_]\d+"
)
_GIVEN: Final = frozenset({"sign", "verb", "into"})
_NEAR_LINKS: Final = frozenset({*_GIVEN, "dash", "beside", "like", "as_cue"})
_SAYS_HOW = re.compile(r"[a-z]+(?:ed|ing|able|ible|ful|less|ical|ous|ly)\??")
_ENDS_IN_LY: Final = frozenset("butterfly family lily july italy emily dolly molly jelly".split())
_NOT: Final = frozenset("not nie nicht pas no non ne не inte ikke ei nem nu niet não nao není".split())
"""English words that say how something is."""


def _is_worth(
    scan: Scan, cue: Cue, span: tuple[int, int], told: _Told, *, is_typed: bool, is_quoted: bool, is_beyond: bool
) -> bool:
    """Whether a candidate is weighed at all; most are words and numbers that nothing makes a password."""
    value = scan.text[slice(*span)]
    is_given, is_near = told.link in _GIVEN, told.link in _NEAR_LINKS
    letters = value.replace(" ", "").replace("-", "").rstrip("!?")
    if letters.isalpha():
        if is_quoted:
            return not is_beyond and is_near and _may_be_in_quotes(value) and not (cue.is_code and told.link != "sign")
        return _is_word_worth(scan, cue, span, told, is_typed=is_typed)
    if letters.isdecimal():
        return not is_beyond and _is_number_worth(letters, cue, told)
    if is_beyond:
        has_form = LOOKS_LIKE_ONE.fullmatch(value) or (
            is_given and (_SIGNED.search(value) or WORDS_AND_NUMBER.fullmatch(value))
        )
        return bool(has_form)
    if told.has_clause and not (is_near or told.link == "other" or is_strong(value)):
        return False
    return not (cue.is_code and cue.is_weak) or (is_near and told.distance <= _LONGEST_AS)


def _may_be_in_quotes(value: str) -> bool:
    """Whether letters in quotes may be a password, and not what a window says."""
    words = value.split()
    return value.lower() in OF_MAKERS or sum(map(_is_ordinary, words)) < _MOSTLY * len(words)


def _is_word_worth(scan: Scan, cue: Cue, span: tuple[int, int], told: _Told, *, is_typed: bool) -> bool:
    start, end = span
    value = scan.text[start:end]
    if told.link == "as_cue":
        return not cue.is_code
    says_how = _SAYS_HOW.fullmatch(value.split()[-1]) and value.lower() not in _ENDS_IN_LY
    is_far = told.has_clause or told.distance > _LONGEST_AS or not _NOT.isdisjoint(told.between)
    is_far = is_far or not _words().asks.isdisjoint(map(fold, told.between))
    if is_far or (told.link != "sign" and (says_how or cue.is_code)):
        return False
    is_maker = value.rstrip("!?").lower() in OF_MAKERS
    is_beside = told.link == "beside" and (
        is_typed or is_maker or cue.language in NO_COPULA or scan.text[start - 1] == "("
    )
    is_told = told.link in _GIVEN or told.link == "dash" or is_beside
    return is_told and (is_maker or bool(_FINISHES.match(scan.text, end)))


def _is_number_worth(digits: str, cue: Cue, told: _Told) -> bool:
    is_given, is_near = told.link in _GIVEN, told.link in _NEAR_LINKS
    is_near = is_near or told.link == "other"
    first, last = (told.between[0], told.between[-1]) if told.between else ("", "")
    if not is_near and (told.has_clause or last in _THINGS or first in _ATTRIBUTES):
        return False
    most = _MOST_DIGITS if cue.is_code else _LONGEST_NUMBER
    if (
        len(digits) < _FEWEST_DIGITS
        or (len(digits) > most and not is_given)
        or (_YEAR.fullmatch(digits) and not is_near)
    ):
        return False
    if cue.is_code:
        is_any = cue.is_weak and not is_given and len(digits) != _LONG_NUMBER
        return not is_any
    return is_near or (len(digits) >= _LONG_NUMBER and told.distance <= _LONGEST_AS and first in _PREPOSITIONS)


_LONG_NUMBER: Final = 6
_LONGEST_NUMBER: Final = 10
_SHORTEST: Final = 3


def _may_be(value: str, *, is_code: bool) -> bool:
    core = value.rstrip("!?")
    if is_code and _GROUPED.fullmatch(value):
        return True
    return (
        len(core) >= _SHORTEST
        and not (core.isdecimal() and len(core) < _FEWEST_DIGITS)
        and may_be(value)
        and "://" not in value
        and not _ADDRESS.fullmatch(core)
        and not value.startswith(("\\", "/", "_", "--"))
    )


_ADDRESS = re.compile(
    r"\S*@[\w.*-]+\.\w{2,}|(?:[a-z][\w-]*\.)+(?-i:[a-z]{2,4})|www\..*|[a-z]+:\d[\d.]*|@\S*[:/].*"
    r"|[\w.-]+\.\w+:\d+|\S+/\S+/\S+"
    r"|v?\d+(?:\.\d+)+\w*|(?:v|ver|version)\.?\d[\d.]*(?:[a-z]\d+)?|\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    r"|\d{1,2}(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"|\d\d?[:h]\d\d(?::\d\d)?|\d+:\w|0[xX][0-9a-fA-F]+|#\d{6}|#(?=\d*[a-f])[0-9a-f]{3,8}|\d+(?:%|px|pt|em|esr"
    r"|bit|[kmg]b|(?:st|nd|rd|th)(?:-\w+)?)|[a-z]+\d+\.\d+\S*|[\w.]+@[a-z]"
    r"|[\w.]*=.+|.*;\w+=.*|\w+\\\S+|.*\w[<>]\w.*|\w+\([^)]*\)?|(?-i:[A-Z]-\d{3,4})|[^\W\d_]+(?:[?&/,;:]+[^\W\d_]+)+"
    r"|(?:sha|md)\d+:\S+|[oq0]?(?:auth|outh|a?uth|oath|ath)-?0?2?(?:\.0)?",
    re.IGNORECASE,
)
"""Addresses, paths, versions, dates, times, measures, settings, users of a domain, calls, and ways to sign in."""


def _form(value: str, cue: Cue) -> Traits:
    traits = Traits()
    core = value.rstrip("!?")
    has_letter, has_digit = any(map(str.isalpha, core)), any(map(str.isdigit, core))
    traits.mixed = float(has_letter and has_digit)
    traits.signed = float(bool(_SIGNED.search(value)))
    traits.inner_case = float(bool(_INNER_CASE.search(core)))
    traits.capital = float(bool(_CAPITAL.fullmatch(core)))
    traits.titled = float(bool(_TITLED.fullmatch(core)))
    traits.upper = float(core.isupper() and has_digit)
    traits.maker = float(core.lower() in OF_MAKERS)
    traits.host = float(bool(_HOST.fullmatch(core)))
    traits.joined = float(any(each in _DASHES for each in core))
    plain = core.replace(" ", "").replace("-", "").rstrip("#")
    if plain.isdecimal():
        traits.digits = float(_FEWEST_DIGITS <= len(plain) <= _MOST_DIGITS)
        traits.number = 1 - traits.digits
        traits.year = float(bool(_YEAR.fullmatch(plain)))
        traits.code_digits = float(bool(traits.digits and cue.is_code and not cue.is_weak))
        traits.weak_digits = float(bool(traits.digits and cue.is_code and cue.is_weak))
    words = core.replace("-", " ").split()
    if all(_LETTERS_ONLY.fullmatch(each) for each in words):
        traits.joined = 0.0
        traits.word = float(len(words) == 1)
        traits.phrase = float(len(words) > 1)
        known = _words().plain
        traits.known = 0 if traits.maker else sum(fold(each) in known for each in words) / len(words)
        traits.ending = float(len(words) == 1 and bool(_ENDING.search(fold(core))))
    traits.short = 1 / max(len(core), 1)
    traits.foreign = float(
        bool(NO_PASSWORD.fullmatch(core.lower()))
        and not plain.isdecimal()
        and not (traits.word or traits.phrase or WORDS_AND_NUMBER.fullmatch(value))
    )
    return traits


_HOST = re.compile(r"[a-z-]+\d{1,2}")
_YEAR = re.compile(r"(?:19|20)\d\d")
_FAR: Final = 8
_FEWEST_DIGITS: Final = 4
_MOST_DIGITS: Final = 8
