"""What a server of documentation is asked about a ticket, and which of its documents bear on it.

Invariant: a query is words alone. It holds no contact, number or secret that a `Mask` finds in the ticket, and nothing
that a server's query language reads as more than a word: a requester could else ask for a space, a repository or a
client that is not theirs (`space=HR OR text ~ x`, `repo:other/one`).
"""

from __future__ import annotations

import math
import re
from typing import Final

from app.core.confidence import telling_stems
from app.core.masking import Mask, find_placeholders
from app.core.ticket import Ticket

MAX_QUERY_CHARS: Final = 200
_LEAST_TELLING: Final = 3
"""A subject with fewer telling words ("Printer", "Help please") is asked together with the words below it."""
_LEAST_COMMON: Final = 2
"""A document has so many telling words of the ticket, or half of them."""
_WORD = re.compile(r"\w+(?:[.'’-]\w+)*")
_OPERATORS: Final = frozenset({"AND", "OR", "NOT", "IN", "IS", "TO", "NEAR", "WAS", "ORDER", "BY"})
"""Of CQL, KQL and Lucene; small letters make them words."""


def compose_query(ticket: Ticket) -> str:
    """What to look for: the subject, else what its requester wrote, as words on one line; empty if there are none."""
    mask = Mask()
    mask.text(ticket.text)  # so that a secret that its own words give away in one place is known in the others
    subject = str(mask.text(ticket.subject))
    words = subject if len(telling_stems(subject)) >= _LEAST_TELLING else str(mask.text(ticket.asked))
    for placeholder in find_placeholders([words]):
        words = words.replace(placeholder, " ")
    query = ""
    for word in _WORD.findall(words):
        longer = f"{query} {word.lower() if word in _OPERATORS else word}".lstrip()
        if len(longer) > MAX_QUERY_CHARS:
            break
        query = longer
    return query


def fit(ticket: Ticket, text: str, *, repeated: str = "") -> float:
    """How well *text* fits *ticket*, 0 to 1: the cosine of their telling words; 0 if it says nothing of it.

    *repeated* is left out of *text*: in words, a server may repeat the question ("No pages found for …"). It stays
    where a line begins with it, as the title of the document that fits best may.
    """
    asked = telling_stems(ticket.asked)
    told = telling_stems(_without(text, repeated) if repeated else text)
    common = len(asked & told)
    if not common or common < min(_LEAST_COMMON, math.ceil(len(asked) / 2)):
        return 0.0
    return common / math.sqrt(len(asked) * len(told))


def _without(text: str, repeated: str) -> str:
    words = r"\s+".join(map(re.escape, repeated.split()))
    return re.sub(rf"(?<!\A)(?<!\n){words}", " ", text.strip(), flags=re.IGNORECASE)
