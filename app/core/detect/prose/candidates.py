"""The candidates near each word for a password: where they begin and end, and what is seen of each.

A candidate is a token with a digit, a sign or a capital inside, or what stands where a value is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

from app.core.detect.cues import NO_COPULA, Cue, cues
from app.core.detect.finding import QUOTES, Finding, Secret
from app.core.detect.hints import WORDS
from app.core.detect.password_values import NO_PASSWORD, QUOTED, is_strong
from app.core.detect.password_words import AND, ASKS_FOR_BOTH, OF_MAKERS
from app.core.detect.prose.told import (
    ANSWERED,
    FOR,
    GIVEN,
    NEAR,
    OF,
    PHRASE_FOR,
    TELLING,
    Told,
    is_typed_for,
    told_after,
    told_before,
    words_after,
    words_before,
)
from app.core.detect.prose.traits import Traits, see_around, see_how_told, see_together, traits_of
from app.core.detect.prose.words import ATTRIBUTES, fold, is_ordinary, is_product, of_language, word_lists
from app.core.detect.prose.worth import FINISHES, GROUPED, HEDGE, HOW_WRITTEN, ends, is_worth, may_be_secret
from app.core.detect.scan import Scan

_ENDS = re.compile(r"(?<![Ee]xt)(?<![Nn]r)(?<![Tt]el)(?<!\b[Nn]o)[.!?…](?=\s)|[。！？]|\n")
_REACH: Final = 100
_REACH_BACK: Final = 70
_LONGEST_TOKEN: Final = 1_000
_CJK: Final = "\u3001-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uff0f\uff1a-\uff20"
_TOKEN = re.compile(rf"[^\s{_CJK}]+")
_OPENING: Final = QUOTES + "([{<*"
_CLOSING: Final = QUOTES + ")]}>*.,;:…"
_QUOTED_AT = re.compile(QUOTED)
_NOT_PLAIN = re.compile(
    r"[0-9!#$%&*+=@^~._A-ZÀ-ÞА-Я](?:(?<=[0-9])|(?<=[!#$%&*+=@^~])(?=\w)|(?<=\w[._])(?=\w)"
    r"|(?<=[a-zß-ÿа-я][A-ZÀ-ÞА-Я]))"
)
"""A digit, a sign, or a capital inside: all that a plain word does not have."""
_OF_A_KEYPAD = re.compile(r"\*\d{3,8}#")
_CLOSES_A_NAME = re.compile(r"\\?[\"'][:=]")
_MARKUP = re.compile(r"</?(?:b|i|u|em|strong|code|kbd|tt|pre|span|mark)>")
_CUT = re.compile(r"\\n|</|['\"](?=[,}\])>;])|,(?=[^\W\d_]{3,}(?:\s|$))|&(?:quot|nbsp|lt|gt);")
_PHRASE = re.compile(r"[^\W\d_]{2,}(?:[ -][^\W\d_]+){1,6}(?: \d{1,4})?")
_HEDGE = re.compile(rf"\s(?:{HEDGE}|{HOW_WRITTEN})(?![^\W_])")
_OF_NSSWITCH: Final = ("files ", "compat ")
_ANY_CHARACTER = re.compile(r"[^\W_]")
_BETWEEN_LISTED: Final = " ,;\r\n*•-"
_JOINS: Final = frozenset("-_,./\\")
_FENCE: Final = "```"
_JOINS_ON: Final = frozenset("-_")
_USER_BEFORE = re.compile(rf"[{QUOTES}]?,? (?:{'|'.join(AND)}) (?:(?:the|das|het|la|el|le|il|a|with) )?$")
"""Between a user's name and the word for the password: "login scan2 and the "."""
_COLONS: Final = frozenset(":=：＝")
_MANAGE: Final = frozenset({"manager", "default", "password", "pass"})
_WORD = re.compile(r"\S+")
_MAY_TELL = re.compile(rf"[:=：＝→⇒>–—(<*]|(?<!\w)[{QUOTES}]|[^\x00-\x7f]")
_SIGNS: Final = frozenset(":=：＝→⇒>–—-")
_OPENS_ONE: Final = frozenset(QUOTES + "([*<是为為成はを는은를을")
_BLANK = re.compile(r"\s")
_ANSWER = re.compile(
    rf"[{QUOTES})]?(?:\s*\n[>\s]*(?:\[[\d:. ]+\]\s*)?(?:[-–—]\s?|[^\W\d_][\w. ]{{0,24}}[:>]\s)?|\s+[-–—=]>?\s?"
    rf"|\s[^\W\d_]+:\s|\s+)(?:(?:{'|'.join(WORDS['yes'])})[,.!、,，]?\s?)?"
    r"(?:(?:it['’]?s|it is|c['’]est|es ist|ist|es|è|é|to|это|het is|je|är|er|on)\s)?"
    rf"[{QUOTES}*]*(?P<value>[^\s{QUOTES}{_CJK}]{{4,40}})",
    re.IGNORECASE,
)
"""The answer to a question: after a new line, a name, a dash, "yes", "it's"."""
_ASKS_WHAT = re.compile(
    r"(?<![^\W_])(?:what(?:['’]?s| is| was)|wh?at is|wie (?:lautet|ist|war)|was ist|quel(?:le)? (?:est|était)"
    r"|c[uú][aá]l es|qual (?:è|é|era)|jakie|jaké (?:je|máte)|какой|vad är|hvad er|hva er|mikä on|nedir)(?![^\W_])"
)
"""After which a word alone answers too."""
_ASKED: Final = frozenset("?？い")
"""The end of a question, or of a request in Japanese."""
_GOES_ON = re.compile(r"(?:[:=：]|\s(?:is|are|was|below|following|lautet|ist|unten|est|es|è|é|to|je))\s*$")
_LONGEST_QUOTED: Final = 48
_SLASH = re.compile(rf"[{QUOTES}]?\s?[/|]\s?\S")
_SLASH_OR_AND = re.compile(rf"[{QUOTES}]?(?:\s?[/|:,]\s?|\s(?:{'|'.join(AND)})\s)\S")
_TYPED_BEFORE: Final = 3
_IS_A_REMARK = re.compile(r"\)\s*[:=]")
_OF_ANOTHER = re.compile(
    r"(?:^|\s)--?(?!p|k|[aw]\s)(?:(?-i:[hHSUuDdrs])|(?:host|user|server|database|computer|repo|uri|identity|name|member"
    r"|target|sam|vhd)\w*)[ =]$"
    r"|[,{]\s?[\"'](?![\w-]*(?:pass|pwd|pw|psk|secret|key|code|pin|puk|otp|tan|value))\w[\w.-]*[\"']\s?:\s?[\"']?$"
    r"|\([\w.-]*(?<!pass)(?<!password)\s?[:=]\s?[\"']$"
    r"|(?:^|\s)peer\s$",
    re.IGNORECASE,
)
"""What an option or a key of JSON names that is none for a password: `psql -h x`, `"ssid": "x"`."""
_ID = re.compile(
    r"[A-Z]{2,}(?:[-_][A-Z]{1,4})*[-_]?\d+|[A-Z]\d{2,3}|[a-z]+(?:-[a-z]+)*-[a-z]{0,3}(?:0\d{1,3}|\d{3,4})#?|[a-z]\d{2,}(?:[a-z]\d+){2,}|\d[A-Z]{2,3}|[a-z]{2,5}-\d{2}|(?:pppo?e?|eth|wg|tun|tap|vlan|br|bond|wlan|lo|en[ops])\d+|(?i:printer|form|server|room|build|version|page|step|host|node|site|laptop|desk|kiosk)[-_]\d+"
)


class Candidate(NamedTuple):
    finding: Finding
    traits: Traits


def candidates(scan: Scan) -> Iterator[Candidate]:
    """Each candidate near each cue; one of several words comes before its first word."""
    found = cues(scan)
    for at, cue in enumerate(found):
        stop = found[at + 1].start if at + 1 < len(found) else len(scan.text)
        after = found[at - 1].end if at else 0
        yield from _after(scan, cue, stop)
        yield from _before(scan, cue, after)


def _after(scan: Scan, cue: Cue, stop: int) -> Iterator[Candidate]:
    limit = _to_the_end_of_a_token(scan.text, cue.end + _REACH, stop)
    odd = _odd_tokens(scan.text, cue.end, limit)
    sentence = _sentence_end(scan, cue.end, limit)
    answer = _answer(scan.text, sentence, limit)
    told_tokens = _told_tokens(scan, cue, sentence)
    may_be_word = answer and _ASKS_WHAT.search(scan.lower, max(cue.start - NEAR, 0), sentence)
    told_tokens += [each for each in answer if may_be_word or not scan.text[slice(*each)].strip(_CLOSING).isalpha()]
    at, is_later, last = cue.end, False, (0, "")
    for token in sorted({*odd, *told_tokens}) if told_tokens else odd:
        is_plain = token not in odd
        is_told = is_later and is_plain  # "set the password to x and asked to change it"
        is_fence = scan.text.startswith(_FENCE, token[0])
        if token[0] < at or is_told or is_fence or (token[0] == cue.end and scan.text[cue.end] in _JOINS_ON):
            continue
        start, end, is_quoted = _span(scan, cue, token)
        is_beyond = start > sentence
        value = scan.text[start:end]
        phrase = None if is_quoted or is_beyond else _phrase(scan, start, limit)
        if not value or (
            is_ordinary(value) and not phrase
            if (is_plain or value.isalpha()) and not is_quoted
            else not may_be_secret(value, is_code=cue.is_code)
        ):
            continue
        at = max(end, token[1])
        if is_plain and not is_quoted and phrase is None and not FINISHES.match(scan.text, end):
            continue
        told = told_after(scan, cue, start, end)
        if start in (each[0] for each in answer) and FINISHES.match(scan.text, end):
            told, is_beyond = ANSWERED, False
        form = _ANY_CHARACTER.sub("x", value)
        is_listed = form == last[1] and not scan.text[last[0] : start].strip(_BETWEEN_LISTED)
        if is_listed:
            is_beyond = False
            told = Told("other", 0, (), has_clause=False)
        if phrase and told.link in GIVEN:
            yield from _weighed(scan, cue, phrase, told, is_quoted=False, is_beyond=False)
        if (told.link in TELLING or is_quoted or not is_plain) and not (
            is_plain and not is_quoted and is_ordinary(value)
        ):
            for each in _weighed(scan, cue, (start, end), told, is_quoted=is_quoted, is_beyond=is_beyond):
                each.traits.listed = float(is_listed)
                each.traits.later = float(is_later and told.link != "other" and not each.traits.listed)
                yield each
                last = (end, form)
            is_later = is_later or told.link in GIVEN


def _to_the_end_of_a_token(text: str, at: int, stop: int) -> int:
    """*at*, or where the token ends that *at* would cut; at most *stop*."""
    token = _TOKEN.match(text, at - 1, min(at + _LONGEST_TOKEN, stop)) if at < stop else None
    return token.end() if token else min(at, stop)


def _answer(text: str, asked: int, limit: int) -> list[tuple[int, int]]:
    """Where the first word is of the answer to the question that ends at *asked*."""
    match = _ANSWER.match(text, asked, limit) if text[asked - 1 : asked] in _ASKED else None
    if match is None or ("\n" not in match[0] and NO_PASSWORD.fullmatch(match["value"].lower())):
        return []
    return [match.span("value")]


def _odd_tokens(text: str, at: int, limit: int) -> list[tuple[int, int]]:
    """Where the tokens are that are no plain words."""
    found = []
    while odd := _NOT_PLAIN.search(text, at, limit):
        blank = max(text.rfind(" ", at, odd.start()), text.rfind("\n", at, odd.start()), at - 1)
        token = next(each for each in _TOKEN.finditer(text, blank + 1, limit) if each.end() > odd.start())
        is_cut = token.end() == limit < len(text) and text[limit - 1] in _JOINS and text[limit].isalnum()
        if not is_cut:  # wpa2-psk,wpa3-psk
            found.append(token.span())
        at = token.end()
    return found


def _told_tokens(scan: Scan, cue: Cue, sentence: int) -> list[tuple[int, int]]:
    """Where the words of the sentence are that may be told: beside the cue, after a sign or "is", or in quotes."""
    words = scan.lower[cue.end : sentence].split()
    tells, soft = _tells(cue.language), word_lists().soft
    if tells.isdisjoint(words) and not _MAY_TELL.search(scan.lower, cue.end, sentence):
        return _places(scan.text, cue.end, sentence, [0]) if words and _may_stand_beside(scan, cue, words[0]) else []
    numbers, is_telling = [], True
    is_for = cue.language in NO_COPULA and bool(words) and fold(words[0]) in word_lists().prepositions
    for number, word in enumerate(words):
        is_joined = not number and word[0] in _COLONS and (word[1:2].isalpha() or word[1:2] in QUOTES)
        is_open = word[0] in _OPENS_ONE or is_joined or (number and words[number - 1][-1] in _COLONS)
        if is_telling and (is_open or (not is_ordinary(word) if number else _may_stand_beside(scan, cue, word))):
            numbers.append(number)
        is_telling = word[-1] in _SIGNS or word in tells or (is_telling and fold(word) in soft)
        is_telling = is_telling or (number < PHRASE_FOR and is_for)
    return _places(scan.text, cue.end, sentence, numbers)


def _places(text: str, start: int, end: int, numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Where the words with *numbers* begin and end, of those between *start* and *end*."""
    if not numbers:
        return []
    words = [each.span() for each in _WORD.finditer(text, start, end)]
    return [token.span() for number in numbers if (token := _TOKEN.search(text, *words[number]))]


def _may_stand_beside(scan: Scan, cue: Cue, word: str) -> bool:
    """Whether *word* may be a password right after the cue: where the language has no "is", or after "with", "has"."""
    core = word.rstrip(".,;:!?)")
    if word[0] not in _OPENS_ONE and cue.language not in NO_COPULA and (core not in OF_MAKERS or core in _MANAGE):
        left = scan.lower[max(cue.start - NEAR, 0) : cue.start].split()
        if word_lists().typed.isdisjoint(left[-_TYPED_BEFORE:]):
            return False
    return core not in _MANAGE and not is_ordinary(word)


@cache
def _tells(language: str) -> frozenset[str]:
    known = word_lists()
    of = known.like if language else known.like | {OF}
    return of_language(known.verb, language) | of_language(known.to, language) | of


def _before(scan: Scan, cue: Cue, after: int) -> Iterator[Candidate]:
    if scan.text.startswith("=", cue.end):
        return  # "code=exited" tells what follows it
    at = max(cue.start - _REACH_BACK, after)
    if after < at:  # not in the middle of a word
        at = blank.end() if (blank := _BLANK.search(scan.text, at - 1, cue.start)) else cue.start
    odd = _odd_tokens(scan.text, at, cue.start)
    near = max(cue.start - NEAR, at)
    words = scan.lower[near : cue.start].split()
    plain = []
    if not word_lists().as_cue.isdisjoint(words):
        may_be_used = not FOR.isdisjoint(words)
        plain = _places(
            scan.text,
            near,
            cue.start,
            [
                number
                for number, word in enumerate(words)
                if word[0] in _OPENS_ONE
                or _is_before_as(words, number)
                or (may_be_used and is_typed_for(words[number - 1 : number], words[number + 1 : number + 2]))
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
            or (_USER_BEFORE.fullmatch(scan.lower, end, cue.start) and not is_strong(value))
            or (is_ordinary(value) if is_plain and not is_quoted else not may_be_secret(value, is_code=cue.is_code))
        ):
            continue
        at = max(end, token[1])
        told = told_before(scan, cue, (start, end), is_plain=is_plain and not is_quoted)
        if told.link or is_quoted or not is_plain:
            yield from _weighed(scan, cue, (start, end), told, is_quoted=is_quoted, is_beyond=start < sentence)


def _is_before_as(words: Sequence[str], number: int) -> bool:
    """Whether "as" follows, and the word is not one of "as soon as"."""
    like = word_lists().like
    return not like.isdisjoint(words[number + 1 : number + 2]) and like.isdisjoint(words[max(number - 1, 0) : number])


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


def _opened(text: str, cue: Cue, token: tuple[int, int]) -> int:
    """Where *token* begins, without the end of the name that the cue is of: `"password":"x"`."""
    closed = _CLOSES_A_NAME.match(text, *token) if token[0] == cue.end else None
    return closed.end() if closed else token[0]


def _span(scan: Scan, cue: Cue, token: tuple[int, int]) -> tuple[int, int, bool]:
    """Where the candidate that begins with *token* begins and ends, and whether it stands in quotes."""
    text = scan.text
    start, end = _opened(text, cue, token), token[1]
    while start < end and text[start] in "([{*=:：" and not _OF_A_KEYPAD.match(text, start, end):
        start += 1
    if markup := _MARKUP.match(text, start, end):
        start = markup.end()
    if start < end and text[start] in QUOTES and (quoted := _QUOTED_AT.match(text, start)):
        inner = quoted[0][1:-1]
        left = start + 1 + len(inner) - len(inner.lstrip())
        if len(inner) <= _LONGEST_QUOTED:
            return left, left + len(inner.strip()), True
    if cue.is_code and (grouped := GROUPED.match(text, start)):
        return start, grouped.end(), False
    while start < end and text[start] in _OPENING and not _OF_A_KEYPAD.match(text, start, end):
        start += 1
    if cut := _CUT.search(text, start + 1, end):
        end = cut.start()
    is_marked = text[start - 1 : start] == "*"
    while end > start and text[end - 1] in _CLOSING and (is_marked or text[end - 1] != "*"):
        if text[end - 1] in ")]}>" and {")": "(", "]": "[", "}": "{", ">": "<"}[text[end - 1]] in text[start : end - 1]:
            break
        end -= 1
    return start, end, False


def _phrase(scan: Scan, start: int, limit: int) -> tuple[int, int] | None:
    """The words from *start* to the end of the clause, if they are two to seven."""
    match = _PHRASE.match(scan.text, start, limit)
    if match and (hedge := _HEDGE.search(scan.lower, start, match.end())):
        match = _PHRASE.match(scan.text, start, hedge.start())
    if match is None or match[0].startswith(_OF_NSSWITCH):
        return None
    if " " not in match[0] or not ends(scan, match.end(), match[0]):
        return None
    return match.span()


def _weighed(
    scan: Scan, cue: Cue, span: tuple[int, int], told: Told, *, is_quoted: bool, is_beyond: bool
) -> Iterator[Candidate]:
    start, end = span
    value = scan.text[start:end]
    is_before = end <= cue.start
    left = words_before(scan, start if is_before else cue.start)
    known = word_lists()
    is_typed = not known.typed.isdisjoint(left[-_TYPED_BEFORE:]) or (
        is_before
        and told.link == "as_cue"
        and not known.sets.isdisjoint((*left[-_TYPED_BEFORE:], *words_after(scan, cue.end)))
    )
    is_markup = scan.text[cue.end : cue.end + 1] in {'"', "'"}  # type="password" name="x"
    if is_quoted and (is_markup or not ATTRIBUTES.isdisjoint(words_after(scan, end)[:2])):  # password "Admins" policy
        is_typed = False
    if not is_worth(scan, cue, span, told, is_typed=is_typed, is_quoted=is_quoted, is_beyond=is_beyond):
        return
    if not may_be_secret(value, is_code=cue.is_code):
        return
    traits = traits_of(value, cue)
    traits.bracket = float(scan.text[start - 1 : start] in {"(", "["})
    is_code = cue.is_code and not cue.is_weak
    tells = TELLING if is_code or cue.language in NO_COPULA else GIVEN
    is_named = traits.host and told.distance and told.link == "other"  # jdoe, mlee3 and tbrown2
    if told.link not in tells and not is_quoted:
        is_beside = not (is_before or told.distance)
        if traits.foreign or is_named or _ID.fullmatch(value) or is_product(value, is_beside=is_beside):
            return
    if _OF_ANOTHER.search(scan.text, max(start - NEAR, 0), start):
        return
    if traits.bracket and _IS_A_REMARK.match(scan.text, end):
        return
    pairs = _SLASH_OR_AND if ASKS_FOR_BOTH.search(scan.lower, max(cue.start - 24, 0), cue.start) else _SLASH
    if (is_slash := bool(pairs.match(scan.text, end))) and pairs is _SLASH_OR_AND:
        return  # the user's name
    traits.slash = float(is_slash)
    traits.typed, traits.before, traits.beyond = float(is_typed), float(is_before), float(is_beyond)
    traits.quoted = float(is_quoted)
    traits.cue_weak = float(cue.is_weak)
    see_how_told(traits, cue, told)
    see_around(traits, scan, (start, end), told, left)
    see_together(traits, cue)
    yield Candidate(Finding(start, end, Secret.PASSWORD), traits)
