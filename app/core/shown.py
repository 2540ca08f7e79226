"""What of the gathered sources a note shows.

Invariant: a note shows sources masked, as the model got them, of a resolved ticket the resolution, and links to the
pages of sources and the tenant's own hosts alone. What a requester wrote or chose (a subject, a site) is shown only
while it asks for no secret and holds no operand that the records don't have, but for names that the ticket has. Of a
resolved ticket's subject each piece also has to say what fails and no more, to speak of what the ticket or its own
resolution speaks of, or to have all its words in these and in articles; there it may give no order, and of a secret it
may say only that something is wrong with it ("Password expired"). If none does, its category and three of its
words at most are shown, of those that stand in these and that name nothing to do. A name or an earlier subject of the
requester has to be as short as a name is, or to speak of the ticket. Of a document whose server is not trusted only the
title is shown, if it speaks of what the ticket does. Only contacts of sources and of the requester are put back, and
only where the tenant's file allows it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from itertools import chain, pairwise, zip_longest
from typing import Final

from app.core.check.checking import imitates, without_markup
from app.core.check.lexicon import act_words, lexicon
from app.core.check.records import Records
from app.core.check.support import (
    find_foreign,
    gives_order,
    names_a_secret,
    names_only,
    pries,
    reports,
    speaks_of,
    stands_in,
    words_that_say,
)
from app.core.check.tokens import normal, stems
from app.core.enhancement import Enhancement, Statement
from app.core.links import OwnLinks, without_links
from app.core.masking import Mask, find_placeholders
from app.core.requester import Requester
from app.core.source import Gathered, Source, SourceKind
from app.core.tenant import NoteOptions
from app.core.ticket import Ticket

MAX_NAME_WORDS: Final = 4
MAX_KEY_WORDS: Final = 3
"""Of a subject that is not shown. In a list of so few no order can be given."""
_CUT: Final = "…"
_LEAST_STEMS: Final = 2
"""Content words of what is shown of a subject that is cut; fewer say less than its key words."""
_MAX_REPORT_WORDS: Final = 8
"""Of a piece of a subject that says what fails in words of its own."""
MAX_PAST_WORDS: Final = 3
"""An earlier subject of the requester that speaks of something else is repeated up to this length: "Printer jams"."""

_NUMBER = re.compile(r"#\S+")
# A machine's or ticket's name, an error code, a version, a share of a hundred: nothing that can be called or opened.
_PLAIN = re.compile(
    r"#?[a-z]{1,12}[-_]?\d{1,10}[a-z]?|#\d{1,20}|0x[0-9a-f]{1,16}|v?\d{1,4}(?:[.,:-]\d{1,4}){0,3}%?"
    r"|(?:email|phone|card|bank|key|password)-\d+"
)
# A product's name or an error's, which the ticket may have too: OneDrive, NET::ERR_CERT_DATE_INVALID.
_NAME = re.compile(r"[^\W\d_]{2,30}|(?:[a-z]{2,10}::)?[a-z]{2,20}(?:_[a-z0-9]{2,20}){2,}")
_WORD = re.compile(r"(?=.{3})[^\W_]+(?:[-_][^\W_]+)*")
_NOT_NAMED: Final = act_words().secrets | act_words().imperatives
# Where one thing that a subject says ends and another begins.
_PIECE = re.compile(
    r"(?<=\S)(?:\s+[-–—|/]+\s+|[:;,.!?]+\s+|\s*[()\[\]]\s*"
    r"|,?\s+(?:and|so|because|but|then|until|please|und|weil|aber|dann|bis|bitte|et|car|mais|puis|y|porque|pero)\s+)",
    re.IGNORECASE,
)
# Cuts, with what stood between them and other pieces, but for brackets of what is shown.
_AROUND_CUTS = re.compile(rf"(?:(?:\s*[-–—|/:;,.!?]+)?\s*\(?{_CUT}\)?[\s:;,.!?/|–—-]*)+")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?=\s)|(?<=\n)")


def show_enhancement(
    enhancement: Enhancement, ticket: Ticket, *, mask: Mask, note: NoteOptions, records: Records | None = None
) -> Enhancement:
    """*enhancement* as it is saved and posted: its sources masked, contacts put back where that is allowed.

    *records* are those of its sources, masked by *mask*, if they are made.
    """
    mask.text(ticket.text)  # so that a secret in the ticket is masked in the sources too
    for source in _sources(enhancement.gathered):  # in the parts that the mask knows, if the model was asked
        is_ticket = source.kind is SourceKind.TICKET
        for text in (source.title, *((source.problem, source.trusted_text) if is_ticket else (source.text,))):
            mask.text(text)
    shown = _Shown(enhancement, ticket, mask, records or Records(enhancement.gathered, mask=mask))
    gathered = _changed(enhancement.gathered, shown.source)
    enhancement = enhancement.model_copy(
        update={"gathered": gathered, "requester": shown.requester(enhancement.requester)}
    )
    if not note.show_contacts:
        return enhancement
    # Not contacts in the ticket's text, since anybody can write it.
    texts = [text for source in _sources(gathered) for text in (source.title, source.text)]
    contacts = find_placeholders(texts) | find_placeholders([_address(mask.text(ticket.requester))])

    def clear(text: str) -> str:
        return mask.restore(text, contacts)

    def cleared(statements: Sequence[Statement]) -> tuple[Statement, ...]:
        return tuple(each.model_copy(update={"text": clear(each.text)}) for each in statements)

    def cleared_source(source: Source) -> Source:
        return source.model_copy(update={"title": clear(source.title), "text": clear(source.text)})

    return enhancement.model_copy(
        update={
            "summary": clear(enhancement.summary),
            "facts": cleared(enhancement.facts),
            "hypotheses": cleared(enhancement.hypotheses),
            "next_steps": cleared(enhancement.next_steps),
            "apart": tuple(map(clear, enhancement.apart)),
            "gathered": _changed(gathered, cleared_source),
        }
    )


class _Shown:
    """What one enhancement shows of sources and requester."""

    def __init__(self, enhancement: Enhancement, ticket: Ticket, mask: Mask, records: Records) -> None:
        self._mask = mask
        self._links = OwnLinks.of(enhancement.gathered)
        self._records = records
        said = normal(ticket.text)
        self._said = said.split()
        """The words of the ticket."""
        self._of_articles = [
            word
            for group in enhancement.gathered
            if group.kind is SourceKind.ARTICLE
            for source in group.sources
            for word in normal(f"{source.title}\n{source.trusted_text}").split()
        ]
        self._named = set(re.split(r"[\s,;.!?'\"()]+", said))
        # Sources have few outcomes and categories, each of them often.
        self._untrusted = cache(self._read_untrusted)

    def source(self, source: Source) -> Source:
        text = self._trusted(source.trusted_text)
        if source.kind not in {SourceKind.TICKET, SourceKind.DOCUMENT} and source.staff_text is not None:
            text += self._name(source.text.removeprefix(source.staff_text))
        if source.kind is SourceKind.TICKET:
            title = self._subject(source)
        else:
            title = self._trusted(source.trusted_title) if source.trusted_title else self._heading(source.title)
        return source.model_copy(
            update={"title": title, "text": text, "outcome": self._name(source.outcome), "staff_text": None}
        )

    def requester(self, requester: Requester) -> Requester:
        past = tuple(
            each.model_copy(update={"subject": self._past(each.subject), "outcome": self._name(each.outcome)})
            for each in requester.past_tickets
        )
        return requester.model_copy(update={"site": self._name(requester.site), "past_tickets": past})

    def _trusted(self, text: str) -> str:
        """Text of staff, without what would make it a part of the note: an imitation of its heading, an element."""
        words = without_links(without_markup(self._mask.text(text)), self._links)
        if imitates(words):
            words = "".join(part for part in _SENTENCE_END.split(words) if not imitates(part)).strip()
        return words

    def _read_untrusted(self, text: str) -> str:
        """A requester's words, or nothing where they hold what could be acted on."""
        words = without_markup(self._mask.text(text))
        foreign = find_foreign(words, self._records.records, self._records)
        is_fine = all(
            _PLAIN.fullmatch(each) or (_NAME.fullmatch(each) and each in self._named)
            for run in foreign
            for each in run.split()
        )
        return words if is_fine and not imitates(words) and not pries(words) else ""

    def _name(self, text: str) -> str:
        """A name that a requester may have chosen, or nothing where it is longer than a name."""
        return self._untrusted(text) if text and len(text.split()) <= MAX_NAME_WORDS else ""

    def _past(self, subject: str) -> str:
        said = " ".join(["", *self._said])
        if len(subject.split()) <= MAX_PAST_WORDS:
            return self._untrusted(subject)
        return self._pieces(subject, lambda piece: speaks_of(piece, said))

    def _heading(self, title: str) -> str:
        """The title of a document that nobody vouches for; nothing if it speaks of a contact, or of something else."""
        if find_placeholders([self._mask.text(title)]):
            return ""
        said = " ".join(["", *self._said])
        return self._untrusted(title) if speaks_of(title, said) else ""

    def _subject(self, source: Source) -> str:
        found = _NUMBER.match(source.title)
        number = found[0] if found else f"#{source.id}"
        title = source.title[len(number) if found else 0 :]
        trusted = " ".join(["", *normal(source.trusted_text).split(), *self._of_articles])
        said = " ".join(["", *self._said, *normal(source.trusted_text).split()])

        def is_told(piece: str) -> bool:
            is_there = stands_in(piece, f"{said}{trusted}") and not gives_order(piece)
            return not names_a_secret(piece) and (speaks_of(piece, said) or is_there)

        subject = self._pieces(title.strip(), is_told)
        if subject:
            return f"{number} {subject}"
        key_words = self._key_words(title, [*said.split(), *self._of_articles])
        named = ", ".join(filter(None, [self._name(source.category).strip(), *key_words]))
        return f"{number} ({named})" if named else number

    def _pieces(self, subject: str, is_told: Callable[[str], bool]) -> str:
        """*subject* without its pieces that may give an order: "Badge does not open - …"; empty if none is left."""
        ends = [0, *(at for found in _PIECE.finditer(subject) for at in found.span()), len(subject)]
        parts = [subject[begin:end] for begin, end in pairwise(ends)]
        shown = [piece if not piece or self._is_shown(piece, is_told) else _CUT for piece in parts[::2]]
        if _CUT in shown and len(words_that_say(" ".join(shown))) < _LEAST_STEMS:
            return ""
        whole = "".join(chain.from_iterable(zip_longest(shown, parts[1::2], fillvalue="")))
        return _AROUND_CUTS.sub(f" {_CUT} ", whole).strip() if _CUT in shown else whole

    def _is_shown(self, piece: str, is_told: Callable[[str], bool]) -> bool:
        is_report = len(piece.split()) <= _MAX_REPORT_WORDS and reports(piece, self._records)
        return bool(self._untrusted(piece)) and (names_only(piece) or is_report or is_told(piece))

    def _key_words(self, title: str, said: Sequence[str]) -> list[str]:
        """The first words of a *title* that *said* has too, but for what is done, secret, or says nothing."""
        known, found = set(map(_bare, said)), dict[str, str]()
        for word in map(_bare, without_markup(self._mask.text(title)).split()):
            name = normal(word)
            is_a_thing = not any(stem in lexicon().actions or stem in _NOT_NAMED for stem in stems(name))
            if _WORD.fullmatch(name) and name in known and name not in lexicon().empty and is_a_thing:
                found.setdefault(name, word)
        return list(found.values())[:MAX_KEY_WORDS]


def _bare(word: str) -> str:
    return word.strip(".,;:!?\"'()[]«»“”„")


def _sources(gathered: Sequence[Gathered]) -> list[Source]:
    return [source for group in gathered for source in group.sources]


def _changed(gathered: Sequence[Gathered], change: Callable[[Source], Source]) -> tuple[Gathered, ...]:
    return tuple(group.model_copy(update={"sources": tuple(map(change, group.sources))}) for group in gathered)


def _address(requester: str) -> str:
    """The requester if it is a masked e-mail address and nothing else; a display name is free text."""
    return requester if requester.startswith("[email-") and " " not in requester else ""
