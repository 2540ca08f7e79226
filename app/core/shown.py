"""What of the gathered material a note may show in clear.

Invariant: the note holds what the model was given, masked, and nothing that the model was not given; only contacts of
sources and of the requester are put back, and only where the tenant's file allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from app.core.enhancement import Enhancement, Statement
from app.core.masking import Mask, find_placeholders
from app.core.source import Gathered, Source
from app.core.tenant import NoteOptions
from app.core.ticket import Ticket


def show_enhancement(enhancement: Enhancement, ticket: Ticket, *, mask: Mask, note: NoteOptions) -> Enhancement:
    """*enhancement* as it may be saved and posted: its sources masked, its contacts put back where they may be."""
    mask.text(ticket.text)  # a secret that the ticket gives away is masked in the sources too
    gathered = _changed(_changed(enhancement.gathered, mask.text), mask.text)
    contacts = frozenset[str]()
    if note.show_contacts:  # not those that the ticket's text brings: anybody writes it
        texts = [text for group in gathered for source in group.sources for text in (source.title, source.text)]
        contacts = find_placeholders([mask.text(ticket.requester), *texts])

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
            "gathered": _changed(gathered, clear),
        }
    )


def _changed(gathered: Sequence[Gathered], change: Callable[[str], str]) -> tuple[Gathered, ...]:
    def changed(source: Source) -> Source:
        return source.model_copy(update={"title": str(change(source.title)), "text": str(change(source.text))})

    return tuple(
        group.model_copy(update={"sources": tuple(changed(source) for source in group.sources)}) for group in gathered
    )
