"""What to ask a requester, where the sources don't suffice for steps: nothing that the ticket says already."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from app.core.check.tokens import normal
from app.core.confidence import names_error
from app.core.enhancement import Question
from app.core.reading.monitors import is_fault_report
from app.core.source import Gathered, SourceKind
from app.core.ticket import Ticket

MAX_QUESTIONS: Final = 3
USUAL: Final = (Question.ERROR_TEXT, Question.DEVICE, Question.SINCE_WHEN)
FURTHER: Final = (Question.WHAT_CHANGED, Question.HOW_TO_REPEAT)
"""Where the ticket answers all that is usually asked."""

_WHEN = re.compile(
    r"\b(?:since|yesterday|today|tonight|morning|(?:last|this) (?:night|week|month)|monday|tuesday|wednesday|thursday"
    r"|friday|saturday|sunday|seit|gestern|heute|(?:letzte|diese)[rsn]? \w+|montag"
    r"|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|depuis|hier|aujourd'hui|ce matin|lundi|mardi"
    r"|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|desde|ayer|hoy|lunes|martes|miercoles|jueves|viernes|sabado|domingo)\b"
    r"|\b\d{1,2}[:.]\d{2}\b|\b\d{4}-\d\d-\d\d\b"
)
"""Words for a time, in normal form."""


_FAULT = re.compile(
    r"n't\b|\b(?:not|cannot|cant|wont|doesnt|isnt|unable|never|fail\w*|errors?|broken|crash\w*|slow\w*"
    r"|down|dead|freez\w+|frozen|hang\w*|stuck|lost|missing|offline|disconnect\w*|drops?|dropp\w+|wrong"
    r"|reject\w*|refus\w+"
    r"|denied|locked|problems?|issues?|faulty?|blink\w*|flicker\w*|jam\w*|noise|blank|black screen"
    r"|time[ds]? ?out|outage"
    r"|nichts?|kein\w*|fehler\w*|defekt\w*|kaputt\w*|langsam\w*|absturz\w*|sturzt|hangt|storung\w*"
    r"|ausfall\w*|gesperrt\w*"
    r"|probleme?n?|verloren|fehlt|weg"
    r"|pas|plus|erreurs?|panne|lente?s?|lenteur|bloque\w*|problemes?|impossible|plante|perdue?s?|coupure\w*"
    r"|fallos?|falla|lento|lenta|imposible|problemas?|averia\w*|caid[oa]|perdid[oa]|no)\b"
)
_REQUEST = re.compile(
    r"\b(?:new (?:starter|joiner|hire|employee|colleague|user|account|laptop|phone|licen[cs]e)|onboarding"
    r"|licen[cs]es?|access (?:to|for)"
    r"|permissions?|(?:please|can you|could you|need to|want to) (?:order|create|install|add|grant|give"
    r"|set up|provide)|to order"
    r"|neue[rn]? (?:mitarbeiter\w*|kolleg\w*|benutzer\w*|laptop|konto)|lizenz\w*|zugriff auf|zugang zu\w*"
    r"|berechtigung\w*"
    r"|bestell\w*|einricht\w*|anleg\w*|freischalt\w*"
    r"|nouve(?:au|l|lle) (?:arrivante?|employee?|collaborat\w+|collegue|compte)|licences?|acces (?:a|au"
    r"|aux)|droits|commander"
    r"|nuev[oa] (?:emplead[oa]|companer[oa]|usuari[oa]|cuenta)|licencias?|acceso a\w*|permisos?|pedir|alta de)\b"
)


_HOW_TO = re.compile(
    r"\b(?:how (?:do|can|could|should|would) (?:i|we|one)|how to|what is the (?:best )?way to|where (?:do|can) (?:i|we)"
    r"|wie (?:kann|konnen|muss|mache?n?|andere|bekomme?n?) (?:ich|wir|man)|wo (?:finde?n?|kann|konnen) (?:ich|wir|man)"
    r"|comment (?:puis|peut|pouvons|faire|dois|fait)|ou (?:puis|peut|trouver)"
    r"|como (?:puedo|podemos|se puede|hago|cambio)|donde (?:puedo|encuentro))\b"
)


def tells_fault(ticket: Ticket) -> bool:
    """Whether *ticket* says that something does not work."""
    return names_error(ticket.asked) or _FAULT.search(normal(ticket.asked)) is not None


def choose_questions(ticket: Ticket, gathered: Sequence[Gathered], asked: Sequence[Question]) -> tuple[Question, ...]:
    """Of *asked*, or else of the usual ones, those that *ticket* does not answer, named machines included.

    Who asks for a licence, for access, or how something is done is not asked for an error text; a program nothing.
    """
    if is_fault_report(ticket.asked):
        return ()
    text = normal(ticket.asked)
    if not asked and (_REQUEST.search(text) or _HOW_TO.search(text)) and not tells_fault(ticket):
        return ()
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
