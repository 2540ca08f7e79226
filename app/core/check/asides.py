"""What stands around a thing that is said: who does it or is told of it, a condition, an aim; and where another begins.

What is left without them is judged by itself (`core.check.support`), so nothing is kept that the records do not say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from app.core.check.acts.harm import asks_no_more, is_aside, names_secret
from app.core.check.records import Records
from app.core.check.tokens import chunks

_CONDITION = re.compile(
    r"(?:if|when|once|in case|falls|wenn|sollte|si|cuando|en cas de)\s(?P<aside>[^,]+),\s(?:then\s)?(?P<rest>.+)",
    re.IGNORECASE,
)
_AIM = re.compile(
    r"(?P<rest>.+?),?\s(?:(?:in order )?to (?:confirm|verify|see|check|rule out|determine|identify|find(?: out)?"
    r"|isolate|narrow down|pinpoint|locate|trace|diagnose|detect|reproduce)"
    r"|if|once|after|as soon as|sobald|nachdem|une fois que?|falls|wenn|um|pour|para|si)\s(?P<aside>[^,]+)",
    re.IGNORECASE,
)
_THROUGH_TEAM = re.compile(r"(?:ask|have|let) the (?P<aside>[\w -]{1,30}? team) (?:to )?(?P<rest>.+)", re.IGNORECASE)
_THROUGH_USER = re.compile(
    r"(?:(?:ask|have|let|get|tell|instruct|advise) (?:the|a) (?:user|requester|employee|caller|customer) (?:to )?"
    r"|bitten sie (?:den|die) (?:benutzer|benutzerin|anwender|nutzer|anwenderin),? "
    r"|demandez à l'utilisat(?:eur|rice) d(?:e |')|pida al usuario que )(?P<rest>.+)",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"(?:(?:please )?(?:ask (?=.+ to )|have )|bitten sie |(?:demande[rz]|prie[rz]) (?:à |(?=aux? ))(?=.+ d[e'’])"
    r"|p(?:edir|ida) (?=al? .+ que ))(?P<rest>.+)"
    r"|(?P<who>(?:de[nr]|die|das|eine?n?) .+?) (?:bitten|beauftragen),? (?P<what>.+)",
    re.IGNORECASE,
)
"""Who is asked to do it: what is left says who does what, and is held to that."""
_TELLING = re.compile(
    r"(?:(?:please )?(?:(?:tell|inform|advise|remind|let) [^,]{2,40}?(?: know)?|note|be aware|keep in mind)"
    r" (?:that |(?=not to ))"
    r"|[^,]{0,40}?(?:informieren|hinweisen|beachten|beachten sie|mitteilen|erinnern), dass "
    r"|(?:rappele[rz]|informe[rz]|preveni[rz]|recordar|informar|avisar|recuerde) [^,]{0,40}?(?:de )?(?:que |qu(?=')))"
    r"(?P<rest>.+)",
    re.IGNORECASE,
)
"""Who is told of it: what is left is held to the records."""
_SAYING = re.compile(
    r";\s|\s[–—-]\s|:\s|,?\s(?:and\s)?(?:then|dann|puis|luego)\s"
    r"|,\s(?:and|so|but|or|which|while|whereas|und|aber|während|et|mais|tandis que|y|pero|mientras que)\s"
)
"""Where one thing that is said ends and another begins."""
_REASON = re.compile(
    r",?\s(?:because|although|weil|obwohl|porque|ya que|aunque)\s|,?\s(?:parce|bien|puis) ?qu[e'’]\s?"
    r"|,?\scar\s|,\s(?:da|denn|therefore|hence|daher|deshalb|donc|por lo que|por eso)\s"
)
"""The same in a summary, which orders nothing: "delete it although items wait" is no step."""
_ANY: Final = re.compile(f"{_SAYING.pattern}|{_REASON.pattern}")


def sayings_of(sentence: str, *, reasons: bool) -> list[str]:
    """The things that *sentence* says, and if *reasons* what it says of their causes, too."""
    return (_ANY if reasons else _SAYING).split(sentence)


def gives_reason(sentence: str) -> bool:
    return _REASON.search(sentence) is not None


def without_asides(sentence: str, all_records: Records) -> Iterable[str]:
    """*sentence* without what is harmless around what it says to do: who does it, a condition, an aim."""
    if (found := _THROUGH_USER.fullmatch(sentence)) and asks_no_more(chunks(found["rest"])):
        yield found["rest"]
    if (found := _THROUGH_TEAM.fullmatch(sentence)) and is_aside(chunks(found["aside"]), all_records):
        yield found["rest"]
    if not names_secret(chunks(sentence)):
        if found := _ASKING.fullmatch(sentence):
            yield found["rest"] or f"{found['who']} {found['what']}"
        if found := _TELLING.fullmatch(sentence):
            yield found["rest"]
    for pattern in (_CONDITION, _AIM):
        if (found := pattern.fullmatch(sentence)) and is_aside(chunks(found["aside"]), all_records):
            yield found["rest"]
