"""Replies that only thank, or say that all is well: "Thanks, works now", "you can close this".

Invariant: each piece of the text is one of the forms below, and in doubt somebody waits for an answer: one more word
("thanks, but …", "thanks. And the printer?") and it is no such reply. The subject has to be that of a reply, or such a
text itself: who writes of a new problem may write "Thanks" alone below it.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources
from typing import Final

_MOST_PIECES: Final = 12
_IS_REPLY = re.compile(r"\s*(?:re|aw|sv|vs|antw|odp|res|rif|ynt|回复|回覆)\s*[:：]|.*##[^#]{1,40}##", re.IGNORECASE)
_PREFIXES = re.compile(
    r"^(?:\s*(?:\[[^\]]*\]|##\S*##|(?:re|aw|sv|vs|antw|odp|res|rif|ynt|回复|回覆)\s*[:：]))+\s*", re.IGNORECASE
)
_PIECE_ENDS = re.compile(
    r"[.!,;:\n…。！，、]+|\s+[-–—]+\s+|\s*(?:[:;]-?[)D]|[\U0001f300-\U0001faff\u2600-\u27bf]\ufe0f?)\s*"
)
_NAME = re.compile(r"[A-ZÀ-ÞĀ-Ž][\w.'’-]*(?: [A-ZÀ-ÞĀ-Ž][\w.'’-]*){0,3}")

_LONGEST_PIECE: Final = 120


@cache
def _forms() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """What such a reply says, and what may stand around it."""
    read = tomllib.loads(resources.files(__package__).joinpath("thanks.toml").read_text("utf-8"))
    says, around = ("|".join(read[name]) for name in ("says", "around"))
    return re.compile(says), re.compile(around)


def only_thanks(subject: str, own: str) -> bool:
    """Whether a ticket's *own* words only thank or say that all is well, below a subject of the kind."""
    if "?" in own or "？" in own or not (_IS_REPLY.match(subject) or _is_thanks(_PREFIXES.sub("", subject))):
        return False
    return _is_thanks(own)


def _is_thanks(text: str) -> bool:
    pieces = [each.strip(" \t\"'()*_>") for each in _PIECE_ENDS.split(text.replace("’", "'").replace("'s ", " is "))]
    pieces = [" ".join(each.split()) for each in pieces if each.strip(" \t\"'()*_>")]
    if not pieces or len(pieces) > _MOST_PIECES or max(map(len, pieces)) > _LONGEST_PIECE:
        return False
    says, around = _forms()
    said = False
    for piece in pieces:
        if says.fullmatch(piece.lower()):
            said = True
        elif not (around.fullmatch(piece.lower()) or (said and _NAME.fullmatch(piece))):
            return False
    return said
