"""Which other tickets a text names: by number (`#1042`, `Ticket 1042`), by the mark in a mail's subject, by their page.

Invariant: a number is three digits at least: "printer #2" names no ticket. Whether such a ticket exists, the caller
looks up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_NAMED: Final = 10
"""A text that names more is a report, and says of no two that they are the same problem."""

_WORDS: Final = (
    "ticket|request|incident|case|anfrage|vorgang|vorfall|störung|demande|incidente?|solicitud|caso|tiquet|billet"
)
_NUMBER = re.compile(
    r"(?<![\w#&/.])#(?P<number>\d{3,18})(?![\w#])"
    # In the subject of its mails: [Request ID :##1042##]
    r"|##(?P<marked>\d{3,18})##"
    rf"|\b(?:{_WORDS})s?\s?(?:id|no|nr|nº|n°)?\.?\s?[:#]?\s?(?P<called>\d{{3,18}})(?!\w|[.,:/-]\d)",
    re.IGNORECASE,
)
_PAGE = re.compile(r"(?:/requests/|[?&]woID=)(?P<id>[0-9A-Za-z_-]{1,64})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Named:
    """The tickets that a text names, each once, in its order."""

    numbers: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def named_tickets(text: str) -> Named:
    """What *text* names; nothing if it names more than `MAX_NAMED`."""
    numbers = dict.fromkeys(
        found["number"] or found["marked"] or found["called"] for found in _NUMBER.finditer(_PAGE.sub(" ", text))
    )
    ids = dict.fromkeys(found["id"] for found in _PAGE.finditer(text))
    return Named(tuple(numbers), tuple(ids)) if len(numbers) + len(ids) <= MAX_NAMED else Named()
