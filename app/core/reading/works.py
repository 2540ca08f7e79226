"""What a ticket says is well: "calls in are fine", "le scan par mail fonctionne".

A record about that is about another fault, however many words they have in common.
"""

from __future__ import annotations

import re
from typing import Final

from app.core.check.tokens import normal


def _any(words: str) -> str:
    """A group of these words; `_` stands for a blank in one."""
    return "(?:" + "|".join(words.split()).replace("_", " ") + ")"


_BUT: Final = _any("""
    but while whereas though although aber während doch obwohl mais alors_que tandis_que pero mientras aunque
    ma mentre mas enquanto maar terwijl ale natomiast men mens
""")
_CLAUSE = re.compile(rf"[.!?;,\n]+\s*|\s[–—-]\s|\s(?={_BUT}\s)", re.IGNORECASE)
"""Where one thing that is said ends and the next begins."""
_IS: Final = _any("""
    is are looks? seems? says? shows? feels? ist sind sieht zeigt est sont va vont esta estan
    es e sono zijn jest sa ar er
""")
_MUCH: Final = _any("all just also still perfectly ganz alle noch tout toujours todo")
_FINE: Final = _any("""
    fine ok okay good normal well online ready green perfect in_ordnung gut einwandfrei bereit erreichbar
    bien bon normaux normales bueno pronto bene goed prima dobrze w_porzadku bra
""")
_WORKS: Final = _any("""
    works working funktioniert funktionieren klappt klappen fonctionne fonctionnent funciona funcionan funcionam
    funziona funzionano werkt werken
    dziala dzialaja fungerar fungerer virker
""")
_GOES: Final = _any("geht gehen lauft laufen marche marchent")
"""Of "der Drucker geht auf Störung" the rest is the fault, so only these may follow."""
_TOO: Final = _any("auch dort hier uberall sonst noch wieder aussi partout encore ici")
_HOW: Final = _any("""
    all perfectly fine well ok okay normally gut einwandfrei problemlos normal bien normalement perfectamente bene
    goed dobrze bra
""")
_WHERE: Final = _any("""
    on at for from in with via over by there here too also everywhere elsewhere still otherwise though again now today
    bei auf mit am im uber dort hier auch uberall sonst noch chez sur avec dans la aussi partout encore
    en con para aqui tambien anche qui op bij ook na w u
""")
_IS_WELL = re.compile(
    rf"(?:.* )?(?:{_IS}(?: {_MUCH})* {_FINE}"
    rf"|(?:is|are) up|work(?: {_HOW})+|{_WORKS}(?: {_HOW})*)(?: {_WHERE}(?: [\w'-]+){{0,3}})?"
    rf"|(?:.* )?{_GOES}(?: (?:{_HOW}|{_TOO}))*"
)
_IS_NOT_SAID = re.compile(
    r"\b" + _any(r"""
    not no nobody none never nothing only hardly barely sometimes until if when whether that which who please want
    should must neither maybe stop\w* quit\w* ceas\w* refus\w* fail\w* used? first while few_days to_work was were
    needs? get make sure wish i we he she users? usage load traffic temperature from_home
    remotely \w+n't
    brauch\w* ich wir besoin necesit\w*
    nicht kein\w* niemand nie nichts nur kaum manchmal wenn ob bis bitte soll\w* dass damit
    ne pas plus jamais rien aucun\w* personne seulement parfois si quand jusqu\w* nunca nada nadie ninguna? solo cuando
    hasta non niente nessuno quando se finche nao so niet geen alleen soms als nikt tylko czasem jesli inte ikke
    """) + r"\b"
)  # fmt: skip
"""A negation, a condition, a wish, a person: "until it works again", "need it working today", "she works from home"."""
_LONGEST: Final = 200


def without_what_works(text: str) -> str:
    """*text* without the clauses that say of something that it is well.

    >>> without_what_works("Nobody can dial out, calls in are fine. Phones look normal.")
    'Nobody can dial out, '
    """
    kept, begin = [], 0
    for end in [*(found.end() for found in _CLAUSE.finditer(text)), len(text)]:
        clause = text[begin:end]
        if not says_that_it_works(clause):
            kept.append(clause)
        begin = end
    return "".join(kept)


def says_that_it_works(clause: str) -> bool:
    """Whether *clause* says that something is well, and no more."""
    if len(clause) > _LONGEST or "?" in clause:
        return False
    said = " ".join(re.findall(r"[\w'-]+", normal(clause)))
    return _IS_WELL.fullmatch(said) is not None and _IS_NOT_SAID.search(said) is None
