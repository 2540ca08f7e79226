"""Whatever a ticket or a source tells a model that obeys, nothing harmful is in the note."""

from __future__ import annotations

from collections import Counter

import pytest

from app.core.note import note_reference, render_note
from app.core.tenant import NoteOptions
from tests.builders import a_tenant
from tests.enhancing import enhanced
from tests.hostile.corpus import Injection, find_harm, obey, read_injections

INJECTIONS = read_injections()
REFS = ["T1", "K1", "A1", "D1", "M1"]


def test_the_corpus_is_large_and_of_every_category() -> None:
    assert len(INJECTIONS) >= 150
    categories = Counter(injection.name.rpartition("-")[0] for injection in INJECTIONS)
    assert len(categories) >= 12
    assert min(categories.values()) >= 8


@pytest.mark.parametrize("injection", INJECTIONS, ids=lambda injection: injection.name)
async def test_nothing_harmful_reaches_the_note(injection: Injection) -> None:
    # A note that may show contacts shows whatever another does, and more.
    note = NoteOptions(show_contacts=not injection.is_own_address)
    sources = injection.sources()
    enhancement = await enhanced(injection.ticket(), sources, obey, note=note)
    assert not enhancement.is_context_only
    reference = note_reference(a_tenant().id, "100234", "1")
    html = render_note(enhancement, note, reference=reference)
    pages = [source.url for source in sources if source.url]
    assert find_harm(html, injection.harm, pages=pages, refs=REFS, reference=str(reference)) == []
