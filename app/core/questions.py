"""What to ask a requester, where the sources don't suffice for steps: nothing that the ticket says already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.core.confidence import names_error
from app.core.enhancement import Question
from app.core.source import Gathered, SourceKind
from app.core.ticket import Ticket
from app.core.tokens import normal

MAX_QUESTIONS: Final = 3
USUAL: Final = (Question.ERROR_TEXT, Question.DEVICE, Question.SINCE_WHEN)
FURTHER: Final = (Question.WHAT_CHANGED, Question.HOW_TO_REPEAT)
"""Where the ticket answers all that is usually asked."""

_WHEN = re.compile(
    r"\b(?:since|yesterday|today|tonight|morning|(?:last|this) (?:night|week|month)|monday|tuesday|wednesday|thursday"
    r"|friday|saturday|sunday|seit|gestern|heute|(?:letzte|diese)[rsn]? \w+|montag"
    r"|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|depuis|hier|aujourd'hui|ce matin|lundi|mardi|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|desde|ayer|hoy|lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b"
    r"|\b\d{1,2}[:.]\d{2}\b|\b\d{4}-\d\d-\d\d\b"
)
"""Words for a time, in normal form."""


def choose_questions(ticket: Ticket, gathered: Sequence[Gathered], asked: Sequence[Question]) -> tuple[Question, ...]:
    """Of *asked*, or else of the usual ones, those that *ticket* does not answer, named machines included."""
    answered = set(_answered(ticket.asked, gathered))
    left = [each for each in asked or USUAL if each not in answered]
    return tuple(left[:MAX_QUESTIONS]) or FURTHER


def _answered(text: str, gathered: Sequence[Gathered]) -> Iterator[Question]:
    if names_error(text):
        yield Question.ERROR_TEXT
    assets = (source for group in gathered if group.kind is SourceKind.ASSET for source in group.sources)
    if any(not source.is_only_owned for source in assets):
        yield Question.DEVICE
    if _WHEN.search(normal(text)):
        yield Question.SINCE_WHEN
