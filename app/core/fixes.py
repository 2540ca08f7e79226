"""Whether a note says what the ticket's resolution says was done.

Compared are content words, by their stems and by other words for the same (support_words.toml). What the ticket itself
says does not count: a note that repeats the problem has not told its fix. How often the answer agrees with a
technician's is in docs/shadow.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from app.core.check.lexicon import lexicon
from app.core.check.tokens import is_break, normal, stems, tokens
from app.core.enhancement import Enhancement

SAME_SHARE: Final = 0.5
"""Of what one sentence of the resolution says, how much the note must say."""
_MIN_WORDS: Final = 2
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+|\n+")
# Parts of times, versions and lists.
_TIME = re.compile(r"\d{1,2}")
# They end a ticket and say nothing of a fix.
_SAYS_NOTHING: Final = frozenset(
    stem
    for word in """
    ok done fixed fix resolved closed completed works working work fine again user users confirmed confirm phone call
    called answer attempt attempts reply response contacted customer thanks thank hello hi dear regards kind best ticket
    issue test tested team know back problem solved three two
    erledigt danke funktioniert geht wieder benutzer anwender bestatigt telefon telefonisch ruckmeldung hallo grusse
    freundlichen gruss geschlossen behoben stabil
    termine fonctionne utilisateur confirme merci bonjour cordialement ferme
    hecho listo funciona usuario confirmado gracias hola saludos cerrado
    see notes note gemacht gelost abgeschlossen erledigung klaar opgelost afgehandeld resuelto solucionado fatto risolto
    feito resolvido concluido klart lost ferdig hotovo vyreseno gotowe wykonano rozwiazano готово решено выполнено
    完了 完成 解決 解决 완료 해결
    """.split()
    for stem in stems(word)
)


_LONGEST_UNTOLD: Final = 120
_NO_FIX: Final = frozenset(
    stem
    for word in """
    mail email attached attachment above below chat anhang anbei oben unten
    request incident auto automatic automatically automated system closure close closing success duplicate day
    anfrage automatisch system tag doppelt demande automatiquement automatique systeme jour
    solicitud automatico automaticamente automatica cierre sistema dia chamado
    """.split()
    for stem in stems(word)
)
"""Of a short resolution: where it is told ("Done, see mail"), and the words of a help desk that closes by itself."""
_CLOSED_BY = re.compile(
    r"\b(?:closed|geschlossen|fermée?|cerrad[oa]|fechad[oa]) (?:by|via|von|durch|par|por) (?!\w+ing\b)\S+(?: \S+){,2}$",
    re.IGNORECASE,
)
"""Who closed a ticket is not what was done."""


def tells_a_fix(resolution: str) -> bool:
    """Whether *resolution* has a word of what was done: "Done." has none, as no text has."""
    return len(resolution) > _LONGEST_UNTOLD or bool(_content(_CLOSED_BY.sub("", resolution)) - _NO_FIX)


class Match(StrEnum):
    """How a note compares with what was done."""

    SAME = "same"
    OTHER = "other"
    UNTOLD = "untold"
    """The resolution does not say what was done, or the ticket has none."""
    NOTHING = "nothing"
    """The note had nothing to say."""


def compare(enhancement: Enhancement, *, ticket: str, resolution: str) -> Match:
    """Whether *enhancement* says the fix that *resolution* says. *ticket*: its subject and description."""
    asked = _content(ticket)
    sentences = [words for words in map(_content, _SENTENCE_END.split(resolution)) if words]
    done = frozenset().union(*sentences)
    new = done - asked or done
    if not any(stem.isalpha() for stem in new):
        return Match.UNTOLD
    said = frozenset().union(*map(_content, _texts(enhancement)))
    if not said:
        return Match.NOTHING
    same = lexicon().same
    told = frozenset(stem for stem in new if stem in said or not same.get(stem, frozenset()).isdisjoint(said))
    for sentence in sentences:
        asked_of = sentence & new
        found = asked_of & told
        if found and len(found) >= min(_MIN_WORDS, len(new)) and len(found) >= SAME_SHARE * len(asked_of):
            return Match.SAME
    return Match.OTHER


def _texts(enhancement: Enhancement) -> Iterable[str]:
    """What the note says is to be done, or was done elsewhere."""
    if not enhancement.is_context_only:
        yield enhancement.summary
        for statement in (*enhancement.next_steps, *enhancement.facts, *enhancement.hypotheses):
            yield statement.text
        return
    for group in enhancement.gathered:
        if group.is_context:
            yield from (source.trusted_text for source in group.sources)


def _content(text: str) -> frozenset[str]:
    empty = lexicon().empty
    return frozenset(
        stem
        for token in tokens(normal(text))
        if not is_break(token) and token not in empty
        for stem in stems(token)
        if len(stem) > 1 and not _TIME.fullmatch(stem) and stem not in _SAYS_NOTHING
    )
