"""Answers that nobody wrote, whatever their subject: of the mailbox of somebody who left, and of another help desk.

Invariant: one sentence says what it is, another what the sender is to do or to expect, and none wants anything else.
That somebody left, and that a mail arrived, people write too.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final, NamedTuple

from app.core.toml import read_toml

_BEGINS: Final = 400
"""An answer says within so many characters what it is."""
_QUOTES = re.compile(r"[\"„“”«»:]")
_NOTE = re.compile(r"\bplease (?:note|be (?:aware|advised|informed))\b")
SENTENCE = re.compile(r"[^.!?;]+[.!?;]*")


class _Forms(NamedTuple):
    left: re.Pattern[str]
    unread: re.Pattern[str]
    turns_away: re.Pattern[str]
    wants_closed: re.Pattern[str]
    acknowledges: re.Pattern[str]
    promises: re.Pattern[str]
    asks_only: re.Pattern[str]
    person: re.Pattern[str]


@cache
def _forms() -> _Forms:
    read = read_toml(__package__, "answers.toml")
    return _Forms(*(re.compile("|".join(read[name])) for name in _Forms._fields))


def said_of_left(own: str) -> list[str] | None:
    """The other sentences of an answer that says that somebody left, or that nobody reads this; None: it is none."""
    forms = _forms()
    found = forms.left.search(own[:_BEGINS]) or forms.unread.search(own[:_BEGINS])
    if found is None or "?" in own or not forms.turns_away.search(own) or forms.wants_closed.search(own):
        return None
    if _QUOTES.search(own[: found.start()]):  # somebody tells what they were answered
        return None
    rest = [
        each
        for each in SENTENCE.findall(_NOTE.sub(" ", own))
        if not any(form.search(each) for form in (forms.unread, forms.turns_away))
    ]
    if any(forms.person.search(each) for each in rest if not forms.left.search(each)):
        return None
    return rest


def said_of_acknowledgement(own: str) -> tuple[int, list[str]] | None:
    """Where an answer says that a mail arrived, and its other sentences; None: it is none."""
    forms = _forms()
    found = forms.acknowledges.search(own[:_BEGINS])
    if found is None or "?" in own or not forms.promises.search(own):
        return None
    rest = [each for each in SENTENCE.findall(own[found.end() :]) if not forms.asks_only.search(each)]
    return None if any(forms.person.search(each) for each in rest) else (found.start(), rest)
