"""Which values of the gathered sources a note may show unmasked.

Invariant: a note shows sources masked, as the model got them, and `harmless`. Only contacts of sources and of the
requester are put back, and only where the tenant's file allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.enhancement import Enhancement, Statement
from app.core.harmless import Known, excerpt
from app.core.masking import Mask, find_placeholders
from app.core.requester import Requester
from app.core.source import Gathered, Source, SourceKind
from app.core.tenant import NoteOptions
from app.core.ticket import Ticket


def show_enhancement(enhancement: Enhancement, ticket: Ticket, *, mask: Mask, note: NoteOptions) -> Enhancement:
    """*enhancement* as it is saved and posted: its sources masked, contacts put back where that is allowed."""
    mask.text(ticket.text)  # so that a secret in the ticket is masked in the sources too
    for source in _sources(enhancement.gathered):  # found before, if the model was asked: the mask knows these texts
        mask.text(source.title)
        mask.text(source.text)
    known = Known.of(enhancement.gathered, ticket_text=ticket.text)
    gathered = _changed(enhancement.gathered, lambda text, kind: excerpt(mask.text(text), kind, known))
    contacts = frozenset[str]()
    if note.show_contacts:  # not contacts in the ticket's text, since anybody can write it
        texts = [text for source in _sources(gathered) for text in (source.title, source.text)]
        contacts = find_placeholders(texts) | find_placeholders([_address(mask.text(ticket.requester))])

    def clear(text: str) -> str:
        return mask.restore(text, contacts)

    def cleared(statements: Sequence[Statement]) -> tuple[Statement, ...]:
        return tuple(each.model_copy(update={"text": clear(each.text)}) for each in statements)

    return enhancement.model_copy(
        update={
            "summary": clear(enhancement.summary),
            "facts": cleared(enhancement.facts),
            "hypotheses": cleared(enhancement.hypotheses),
            "next_steps": cleared(enhancement.next_steps),
            "gathered": _changed(gathered, lambda text, _: clear(text)),
            "requester": _shown_requester(enhancement.requester, mask, known),
        }
    )


def _shown_requester(requester: Requester, mask: Mask, known: Known) -> Requester:
    """*requester* with its texts masked and harmless: requesters wrote the subjects."""

    def shown(text: str) -> str:
        return excerpt(mask.text(text), SourceKind.TICKET, known)

    past = tuple(
        each.model_copy(update={"subject": shown(each.subject), "outcome": shown(each.outcome)})
        for each in requester.past_tickets
    )
    return requester.model_copy(update={"site": shown(requester.site), "past_tickets": past})


def _sources(gathered: Sequence[Gathered]) -> list[Source]:
    return [source for group in gathered for source in group.sources]


def _changed(gathered: Sequence[Gathered], change: Callable[[str, SourceKind], str]) -> tuple[Gathered, ...]:
    def changed(source: Source) -> Source:
        return source.model_copy(
            update={"title": change(source.title, source.kind), "text": change(source.text, source.kind)}
        )

    return tuple(group.model_copy(update={"sources": tuple(map(changed, group.sources))}) for group in gathered)


def _address(requester: str) -> str:
    """The requester if it is a masked e-mail address and nothing else; a display name is free text."""
    return requester if requester.startswith("[email-") and " " not in requester else ""
