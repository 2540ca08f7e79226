"""Who loses the delivery in mid-call leaves no second note."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest

from app.worker.posting import _post_whole


@dataclass
class Note:
    id: str
    html: str


@dataclass
class SlowNotes:
    """A ticket whose notes take a while to be stored."""

    notes: list[Note] = field(default_factory=list)

    async def find_notes(self, ticket_id: str, *, containing: str) -> list[Note]:  # noqa: ARG002
        return [note for note in self.notes if containing in note.html]

    async def post_note(self, ticket_id: str, html: str) -> str:  # noqa: ARG002
        await asyncio.sleep(0.1)
        self.notes.append(Note(str(len(self.notes) + 1), html))
        return self.notes[-1].id

    async def delete_note(self, ticket_id: str, note_id: str) -> None:  # noqa: ARG002
        self.notes = [note for note in self.notes if note.id != note_id]


async def test_a_call_that_is_cut_short_ends_and_takes_its_duplicate_away() -> None:
    reference, notes = uuid4(), SlowNotes()
    html = f"<p>{reference}</p>"
    posting = asyncio.create_task(_post_whole(notes, "1", html, timedelta(seconds=5), reference))
    await asyncio.sleep(0.02)
    notes.notes.append(Note("another worker's", html))

    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting

    assert [note.id for note in notes.notes] == ["another worker's"]
