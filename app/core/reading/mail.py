"""What of a mail its writer wrote, and what stands in it besides: quoted mails, signatures, disclaimers.

Invariant: no line is lost. Each stands in one of three parts, in its order; of a text with any words `own` or `quoted`
has some. A text that no mail program marked is `own` as a whole.

The rules look at lines, each a fixed number of times, and know the words of `mail_words.toml`. In doubt a line is its
writer's own: words that are searched needlessly harm less than words that are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick

from app.core.reading.language import has_function_word
from app.core.reading.markup import OUTLOOK_LINE, SIGNATURE_LINE
from app.core.toml import read_toml


class Mail(NamedTuple):
    """The three parts of a mail's text."""

    own: str
    """The writer's own words. Empty: the mail is nothing but a quotation."""
    quoted: str
    """What the writer answers or forwards, without the marks of quotation."""
    closing: str
    """Signatures, disclaimers, banners of mail gateways, and the header lines of quoted mails."""


# A header names sender and more within this many lines; long lists of recipients are folded.
_HEADER_LINES: Final = 7
_MIN_HEADERS: Final = 3
_ATTRIBUTION_LINES: Final = 3
# A line's beginning tells what it is.
_MAX_READ_CHARS: Final = 400
_MAX_DEVICE_LINE_CHARS: Final = 120
# What may follow a formula such as "Kind regards" or "Thanks": at most so many lines, each at most so long.
_AFTER_REGARDS: Final = (12, 100)
_AFTER_THANKS: Final = (4, 40)
_AFTER_DASHES: Final = (20, 200)

_QUOTE_MARK = re.compile(r"\s*+>[>\s]*+")
# What a technician types, no sentence of somebody's mail: "> netsh winsock reset", "> Settings > Accounts".
_COMMAND = re.compile(r"[!-~]++(?: [!-~]++){0,7}(?<![.!?,:;])")
_ITEM = re.compile(r"\w[^\s>!?]{0,30}+(?: [^\s>!?]{1,30}+){0,3}")
_BETWEEN_ITEMS: Final = " > "
_LEADS_OUT = re.compile(r"@|://|www\.|\\\\")
_HEADER = re.compile(r"[*_\s]*+(?P<key>[^\W\d_][^:：*\n]{0,24}?)[*_\s]*+[:：][*_\s]*+(?P<value>.*)")
_BETWEEN_DASHES = re.compile(r"\s*+[-_=—–*]{2,}+\s*+(?P<words>[^-_=—–*].{0,60}?)\s*+[-_=—–*]{2,}+\s*+:?")
_BEGINS_ATTRIBUTION = re.compile(
    r"[*\s]*+(?:on|am|le|el|il|op|em|den|d\.|på|dnia|dne|w dniu|a\(z\)|στις|\d{1,4}[年./-]|\d{1,2}\s)(?=\W|\d|$)"
)
_ADDRESS = re.compile(r"[\w.+-]@[\w-]")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b|\b20\d\d\b|\d年")
# In any language: "пн, 5 янв. 2026 г. в 09:12, Jane Doe <jane@acme.example>:"
_ENDS_WITH_SENDER = re.compile(r"<[^<>@\s]+@[^<>\s]+>\s*[:：]$")
_CLOCK = re.compile(r"\b\d{1,2}[:.]\d{2}\b")
_YEAR = re.compile(r"\b20\d\d\b")
# Notes writes `Jane Doe---05.01.2026 09:12:00---` before a mail's text, GroupWise `>>> Jane Doe 05.01.2026 09:12 >>>`.
_NOTES_OR_GROUPWISE = re.compile(
    r"\S.{1,80}---\d{1,4}[./-]\d{1,2}[./-]\d{1,4} \d{1,2}[:.]\d{2}[^-\n]{0,12}---|>>> ?\S.{1,120}?\d ?>>>$"
)
_EASTERN_DATE = re.compile(r"\d{4}年\s?\d{1,2}月\s?\d{1,2}日|\d{4}년\s?\d{1,2}월\s?\d{1,2}일")
_WORDS = re.compile(r"\w")
_END_OF_FORMULA: Final = " \t,.!;*–—-:"


@cache
def _lists() -> Mapping[str, frozenset[str]]:
    lists = read_toml(__package__, "mail_words.toml")
    return {name: frozenset(words) for name, words in {**lists, "header": lists["from"] + lists["header"]}.items()}


@cache
def _finder(name: str) -> AhoCorasick:
    return AhoCorasick(sorted(_lists()[name]))


def _found(name: str, text: str) -> tuple[str, ...]:
    """The words of the list that stand anywhere in *text*: mostly none, and then no line is looked through for them."""
    return tuple(_finder(name).find_matches_as_strings(text, overlapping=True))


def split_mail(text: str) -> Mail:
    """The parts of *text*, which is plain (`core.reading.text.plain_text`)."""
    own: list[str] = []
    quoted: list[str] = []
    closing: list[str] = []
    for is_quoted, lines in _runs(text.split("\n")):
        kept, rest = _without_closing([line for line in lines if not is_quoted or not _is_header(line, closing)])
        (quoted if is_quoted else own).extend(kept)
        closing.extend(rest)
    parts = Mail(*("\n".join(lines).strip() for lines in (own, quoted, closing)))
    if _WORDS.search(parts.own):
        return parts
    if _WORDS.search(parts.quoted):
        return Mail("", parts.quoted, f"{parts.own}\n{parts.closing}".strip())
    return Mail(text.strip(), "", "")


def own_words(text: str) -> str:
    """What the writer of *text* wrote; empty: it is nothing but a quotation, whose words may be anybody's.

    A technician writes commands and menu paths behind ">" too. They are the technician's where nothing else in the text
    is a sign of mail, all lines behind ">" are such, and each follows words that lead to it: a mail that is answered
    stands at the top, or behind an empty line.
    """
    lines = text.split("\n")
    marked = {at: line[mark.end() :].strip() for at, line in enumerate(lines) if (mark := _QUOTE_MARK.match(line))}
    are_typed = bool(marked) and all(_is_typed(line) and at and lines[at - 1].strip() for at, line in marked.items())
    if are_typed and not any(_is_sign_of_mail(lines, at) for at in range(len(lines))):
        text = "\n".join(marked.get(at, line) for at, line in enumerate(lines))
    return split_mail(text).own


def _is_typed(line: str) -> bool:
    if _LEADS_OUT.search(line):
        return False
    items = line.split(_BETWEEN_ITEMS)
    if len(items) > 1:
        return all(map(_ITEM.fullmatch, items))
    return _COMMAND.fullmatch(line) is not None and not has_function_word(line)


def _is_sign_of_mail(lines: Sequence[str], at: int) -> bool:
    return bool(_NOTES_OR_GROUPWISE.match(lines[at]) or _attribution(lines, at)) or _begins_quotation(lines, at)


def _runs(lines: Sequence[str]) -> Iterator[tuple[bool, list[str]]]:
    """*lines* in runs that are quoted or not; those of a quotation without its marks."""
    run: list[str] = []
    was_quoted = False
    for is_quoted, line in _marked(lines):
        if is_quoted != was_quoted:
            yield was_quoted, run
            run = []
        run.append(line)
        was_quoted = is_quoted
    yield was_quoted, run


def _marked(lines: Sequence[str]) -> Iterator[tuple[bool, str]]:
    """Each line, and whether it is quoted."""
    at = 0
    while at < len(lines):
        if _NOTES_OR_GROUPWISE.match(lines[at]):
            break
        if mark := _QUOTE_MARK.match(lines[at]):
            yield True, lines[at][mark.end() :]
            at += 1
        elif length := _attribution(lines, at):
            following = at + length
            yield True, " ".join(lines[at:following])
            at = following
            if at < len(lines) and not _QUOTE_MARK.match(lines[at]):
                break
        elif _begins_quotation(lines, at):
            break
        else:
            yield False, lines[at]
            at += 1
    for line in lines[at:]:
        mark = _QUOTE_MARK.match(line)
        yield True, line[mark.end() :] if mark else line


def _begins_quotation(lines: Sequence[str], at: int) -> bool:
    """Whether all that follows is a mail that is answered or forwarded."""
    line = lines[at][:_MAX_READ_CHARS].lower().strip()
    return line == OUTLOOK_LINE or _is_separator(line) or _is_header_block(lines, at)


def _is_separator(line: str) -> bool:
    between = _BETWEEN_DASHES.fullmatch(line)
    if between:
        return bool(_found("message", between["words"]))
    return line.rstrip(" :：") in _lists()["forwarded"]


def _is_header_block(lines: Sequence[str], at: int) -> bool:
    if _key(lines[at]) not in _lists()["from"]:
        return False
    keys = {_key(line) for line in lines[at : at + _HEADER_LINES]}
    return len(keys & _lists()["header"]) >= _MIN_HEADERS


def _key(line: str) -> str:
    """What stands before a line's colon."""
    found = _HEADER.match(line[:_MAX_READ_CHARS].lower())
    return found["key"].strip() if found else ""


def _attribution(lines: Sequence[str], at: int) -> int:
    """How many lines from *at* on say who wrote what follows; 0: none."""
    begins = _BEGINS_ATTRIBUTION.match(lines[at][:_MAX_READ_CHARS].lower()) is not None
    for length in range(1, _ATTRIBUTION_LINES + 1 if begins else 2):
        line = " ".join(lines[at : at + length])
        if len(line) > _MAX_READ_CHARS or at + length > len(lines):
            break
        line = line.lower().rstrip(" *")
        if not line.endswith((":", "：")):
            continue
        is_addressed = _ADDRESS.search(line) is not None
        is_followed = at + length < len(lines) and _QUOTE_MARK.match(lines[at + length]) is not None
        has_proof = is_addressed or is_followed or (begins and _TIME.search(line) is not None)
        says_so = (
            _found("wrote", line)
            or (is_addressed and _EASTERN_DATE.search(line))
            or (_ENDS_WITH_SENDER.search(line) and _CLOCK.search(line) and _YEAR.search(line))
        )
        return length if has_proof and says_so else 0
    return 0


def _is_header(line: str, closing: list[str]) -> bool:
    """Whether a quoted *line* says who wrote when, and goes to *closing*. A subject has words of its own: it stays."""
    low = line[:_MAX_READ_CHARS].lower().strip()
    is_one = (
        low == OUTLOOK_LINE
        or _is_separator(low)
        or _attribution([line], 0) > 0
        or (_key(line) in _lists()["header"] and not _is_subject(low))
    )
    if is_one:
        closing.append(line)
    return is_one


def _is_subject(line: str) -> bool:
    return _key(line) in _lists()["subject"]


def _without_closing(lines: list[str]) -> tuple[list[str], list[str]]:
    """*lines* of one writer, and of them what closes the mail."""
    kept: list[str] = []
    closing: list[str] = []
    text = "\n".join(lines).lower()
    disclaimers, banners, openings = (_found(name, text) for name in ("disclaimer", "banner", "sent_from"))
    for at, line in enumerate(lines):
        low = line[:_MAX_READ_CHARS].lower().strip()
        if _has_any(low, disclaimers):
            if kept:
                return kept, closing + lines[at:]
            closing.append(line)
        elif _is_program_line(low, banners, openings):
            closing.append(line)
        elif kept and _ends_mail(low, lines[at + 1 : at + 2 + _AFTER_DASHES[0]], disclaimers):
            return kept, closing + lines[at:]
        else:
            kept.append(line)
    return kept, closing


def _has_any(line: str, words: Iterable[str]) -> bool:
    return any(word in line for word in words)


def _is_program_line(line: str, banners: Sequence[str], openings: tuple[str, ...]) -> bool:
    """Whether a mail gateway, telephone or virus scanner wrote *line*."""
    if _has_any(line, banners):
        return True
    return len(line) <= _MAX_DEVICE_LINE_CHARS and line.startswith(openings) and _has_any(line, _lists()["device"])


def _ends_mail(line: str, following: Sequence[str], disclaimers: Sequence[str]) -> bool:
    """Whether *line* is a formula below which stand names and addresses alone, or the dashes above a signature."""
    formula = line.strip(_END_OF_FORMULA)
    head = line.partition(",")[0].strip(_END_OF_FORMULA)
    if line == SIGNATURE_LINE:
        limits = _AFTER_DASHES
    elif formula in _lists()["regards"] or head in _lists()["regards"]:
        limits = _AFTER_REGARDS
    elif formula in _lists()["thanks"]:
        limits = _AFTER_THANKS
    else:
        return False
    return _are_few_and_short(following, disclaimers, *limits)


def _are_few_and_short(lines: Iterable[str], disclaimers: Sequence[str], max_lines: int, max_chars: int) -> bool:
    for number, line in enumerate(lines):
        if _has_any(line[:_MAX_READ_CHARS].lower(), disclaimers):
            return True
        if number >= max_lines or len(line) > max_chars:
            return False
    return True
