"""Words that are written as one, with a hyphen or as two: "wifi", "Wi-Fi", "log in". A query finds each by the others.

The index holds what documents say, so this is asked at a query alone: it is written in one way, and its word is looked
for in the other ways too. Of a word in two the index holds the first: `log` of "log in".
"""

from __future__ import annotations

import re
from typing import Final

from app.db.knowledge.reading import OwnTerm

_FORMS: Final = {
    "wifi": r"wi[- ]fi",
    "email": r"e-?mails?",
    "login": r"log(?:-| ?)ins?",
    "logon": r"log(?:-| ?)ons?",
    "signin": r"sign[- ]ins?",
    "setup": r"set[- ]ups?",
    "backup": r"back(?:-| ?)ups?",
    "popup": r"pop[- ]?ups?",
    "timeout": r"time-outs?",
    "plugin": r"plug-?ins?",
    "addin": r"add-?ins?",
    "shutdown": r"shut[- ]down",
    "hotspot": r"hot-spots?",
    "voicemail": r"voice-mails?",
}
_AS_ONE = re.compile(
    rf"(?<![\w-])(?:{'|'.join(f'(?P<{word}>{form})' for word, form in _FORMS.items())})(?![\w-])", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+")
_OTHERWISE: Final[dict[str, tuple[str, ...]]] = {
    "wifi": ("wi-fi", "wi-f"),
    "email": ("e-mail", "mail", "emails", "e-mails"),
    "login": ("log-in", "log"),
    "logon": ("log-on", "log"),
    "signin": ("sign-in", "sign"),
    "setup": ("set-up", "set"),
    "backup": ("back-up", "back", "backups"),
    "popup": ("pop-up", "pop"),
    "timeout": ("time-out",),
    "plugin": ("plug-in",),
    "addin": ("add-in",),
    "shutdown": ("shut-down", "shut"),
    "hotspot": ("hot-spot",),
    "voicemail": ("voice-mail", "voic-mail"),
}
"""Terms of the index by the word."""
_STEMS: Final = {"wif": "wifi"}
"""Words by what French, Italian and Portuguese make of them."""


def as_one(text: str) -> str:
    """*text* of a query, with these words written as one."""
    return _AS_ONE.sub(lambda found: found.lastgroup or "", text)


def otherwise(text: str) -> tuple[OwnTerm, ...]:
    """The terms that documents may have for each of these words in *text*, and the word."""
    words = set(_WORD.findall(text.lower()))
    return tuple(OwnTerm(term, word) for word, terms in _OTHERWISE.items() if word in words for term in terms)


def word_of(term: str) -> str:
    """The word of these that PostgreSQL reads as *term*; *term* itself if it is of no other."""
    return _STEMS.get(term, term)
