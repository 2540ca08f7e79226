"""Who loses the delivery in mid-call leaves no second note."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from app.errors import CallsExhausted, HelpDeskUnavailable
from app.worker.posting import Post, post_whole


@dataclass
class Note:
    id: str
    html: str


@dataclass
class SlowNotes:
    """A ticket whose notes take a while to be stored."""

    notes: list[Note] = field(default_factory=list)
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    """When the call has its turn."""

    def __post_init__(self) -> None:
        self.turn.set()

    async def find_notes(
        self,
        ticket_id: str,  # noqa: ARG002
        *,
        containing: str,
        since: datetime | None = None,  # noqa: ARG002
    ) -> list[Note]:
        return [note for note in self.notes if containing in note.html]

    async def post_note(self, ticket_id: str, html: str, *, begin: Callable[[], Awaitable[None]]) -> str:  # noqa: ARG002
        await self.turn.wait()
        await begin()
        await asyncio.sleep(0.1)
        self.notes.append(Note(str(len(self.notes) + 1), html))
        return self.notes[-1].id

    async def delete_note(self, ticket_id: str, note_id: str) -> None:  # noqa: ARG002
        self.notes = [note for note in self.notes if note.id != note_id]


async def nothing() -> None:
    """Between the turn and the call."""


def a_post(notes: SlowNotes, html: str, *, limit: timedelta = timedelta(seconds=5)) -> Post:
    return Post(notes, "1", html, limit, nothing)


async def test_a_call_that_is_cut_short_ends_and_takes_its_duplicate_away() -> None:
    reference, notes = uuid4(), SlowNotes()
    html = f"<p>{reference}</p>"
    posting = asyncio.create_task(post_whole(a_post(notes, html), reference))
    await asyncio.sleep(0.02)
    notes.notes.append(Note("another worker's", html))

    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting

    assert [note.id for note in notes.notes] == ["another worker's"]


async def test_the_limit_is_for_the_call_and_not_for_the_wait_for_its_turn() -> None:
    notes = SlowNotes()
    notes.turn.clear()
    asyncio.get_running_loop().call_later(0.6, notes.turn.set)

    assert await a_post(notes, "<p>x</p>", limit=timedelta(seconds=0.5)).run() == "1"
    with pytest.raises(HelpDeskUnavailable):
        await a_post(notes, "<p>x</p>", limit=timedelta(seconds=0.05)).run()


async def test_who_is_cancelled_before_its_turn_posts_nothing() -> None:
    notes = SlowNotes()
    notes.turn.clear()
    posting = asyncio.create_task(post_whole(a_post(notes, "<p>x</p>"), uuid4()))
    await asyncio.sleep(0.02)

    posting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await posting
    notes.turn.set()
    await asyncio.sleep(0.2)

    assert notes.notes == []


async def test_what_forbids_the_call_ends_it_as_it_is() -> None:
    async def forbid() -> None:
        raise CallsExhausted("no turn")

    post = Post(SlowNotes(), "1", "<p>x</p>", timedelta(seconds=5), forbid)
    with pytest.raises(CallsExhausted):
        await post_whole(post, uuid4())
    assert not post.has_begun
