"""Replies that only thank, or say that all is well: "Thanks, works now", "you can close this".

Invariant: each piece of the text is one of the forms below, and in doubt somebody waits for an answer: one more word
("thanks, but …", "thanks. And the printer?") and it is no such reply. The subject has to be that of a reply, or such a
text itself: who writes of a new problem may write "Thanks" alone below it. Words that begin with capitals are a name
where they are one of those who are known, or stand below closing words: "THANKS, STILL BROKEN" is none.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from app.core.reading.mail import Mail
from app.core.toml import read_toml

_MOST_PIECES: Final = 12
_IS_REPLY = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|res|rif|ynt|回复|回覆)\s*[:：]|.*##[^#]{1,40}##", re.IGNORECASE)
_PREFIXES = re.compile(
    r"^(?:\s*(?:\[[^\]]*\]|##\S*##|(?:re|aw|sv|vs|antw|odp|res|rif|ynt|回复|回覆)\s*[:：]))+\s*", re.IGNORECASE
)
_PIECE_ENDS = re.compile(
    r"[.!,;:\n…。！，、]+|\s+[-–—]+\s+|\s*(?:[:;]-?[)D]|[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?)\s*"
)
_NAME = re.compile(r"[A-ZÀ-ÞĀ-Ž][^\W\d_]*[.'’-]?(?:[^\W\d_]+)?(?: [A-ZÀ-ÞĀ-Ž][^\W\d_]*[.'’-]?(?:[^\W\d_]+)?){0,3}")
_WORD = re.compile(r"[^\W\d_]{2,}")

_LONGEST_PIECE: Final = 120
_MAX_OWN_CHARS: Final = 4_000
_FIRST_OF_CLOSING: Final = 5
_MAX_WRITTEN_CHARS: Final = 50
"""Below closing words somebody may still write in the first lines, if they are short: others are of disclaimers."""


class _Forms(NamedTuple):
    """What such a reply says, and what may stand around it."""

    says: re.Pattern[str]
    greets: re.Pattern[str]
    closes: re.Pattern[str]
    """With a name behind it: "LG Anna"."""
    around: re.Pattern[str]
    trouble: re.Pattern[str]
    """Searched for; all others are of a whole piece."""


@cache
def _forms() -> _Forms:
    read = read_toml(__package__, "thanks.toml")
    read["trouble"] = [rf"\b(?:{'|'.join(read['trouble'])})\b"]
    read["closes"] = [rf"(?:{'|'.join(read['closes'])})(?P<name>(?: \S+){{0,3}})"]
    return _Forms(*(re.compile("|".join(read[name])) for name in _Forms._fields))


def only_thanks(subject: str, mail: Mail, *, people: str = "") -> bool:
    """Whether a ticket's own words only thank or say that all is well, below a subject of the kind.

    *people*: the names of its requester and technician, or their addresses.
    """
    own, trouble = mail.own[:_MAX_OWN_CHARS], _forms().trouble
    known = frozenset(_WORD.findall(re.sub(r"@\S*", " ", people.lower())))
    if "?" in own or "？" in own:
        return False
    if not (_IS_REPLY.match(subject) or _is_thanks(_PREFIXES.sub("", subject), known)):
        return False
    below = mail.closing[:_MAX_OWN_CHARS].splitlines()[:_FIRST_OF_CLOSING]
    is_more = any(len(line) <= _MAX_WRITTEN_CHARS and trouble.search(line.lower()) for line in below)
    return _is_thanks(own, known) and not is_more


def _is_thanks(text: str, known: frozenset[str]) -> bool:
    pieces = [each.strip(" \t\"'()*_>") for each in _PIECE_ENDS.split(text.replace("’", "'").replace("'s ", " is "))]
    pieces = [" ".join(each.split()) for each in pieces if each.strip(" \t\"'()*_>")]
    if not pieces or len(pieces) > _MOST_PIECES or max(map(len, pieces)) > _LONGEST_PIECE:
        return False
    forms = _forms()
    said = is_below = False
    for number, piece in enumerate(pieces):
        low = piece.lower()
        if forms.says.fullmatch(_without_names(low, known)):
            said = True
        elif forms.trouble.search(low):
            return False
        elif (closing := forms.closes.fullmatch(low)) and _is_name(piece[closing.start("name") :].strip()):
            is_below = True
        elif said and _is_name(piece) and (is_below or not known.isdisjoint(_WORD.findall(low))):
            is_below = True  # a name, below which stands the rest of a signature
        elif not (forms.around.fullmatch(low) or (not number and forms.greets.fullmatch(low))):
            return False
    return said


def _is_name(text: str) -> bool:
    return not text or _NAME.fullmatch(text) is not None


def _without_names(piece: str, known: frozenset[str]) -> str:
    """*piece* without the names of people who are known at its end: "many thanks tom"."""
    words = piece.split()
    while len(words) > 1 and words[-1] in known:
        words.pop()
    return " ".join(words)
