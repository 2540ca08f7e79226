from __future__ import annotations

import asyncio
from typing import Any

import pytest
from litestar.exceptions import HTTPException

from app.api.bodies import MAX_BODY_BYTES, Bodies
from app.errors import BodyNotReceived, Overloaded


class Call:
    """As much of a request as is read: its messages come when they are put."""

    def __init__(self, content_length: int | None = None) -> None:
        self.content_length = content_length
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        return await self._messages.get()

    def send(self, body: bytes, *, more_body: bool = True) -> None:
        self._messages.put_nowait({"type": "http.request", "body": body, "more_body": more_body})

    def go_away(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})


def reading(bodies: Bodies, call: Call) -> asyncio.Task[bytes]:
    return asyncio.create_task(bodies.read(call.receive, length=call.content_length))  # type: ignore[arg-type]


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_body_is_put_together_from_its_parts() -> None:
    call = Call()
    read = reading(Bodies(), call)
    call.send(b"one ")
    call.send(b"")
    call.send(b"two", more_body=False)
    assert await read == b"one two"


async def test_a_body_is_whole_when_as_much_has_come_as_was_said() -> None:
    call = Call(content_length=7)
    read = reading(Bodies(), call)
    call.send(b"one ")
    call.send(b"two")  # that nothing follows is not told
    assert await read == b"one two"
    assert await reading(Bodies(), Call(content_length=0)) == b""


async def test_a_body_that_does_not_come_in_time_is_given_up() -> None:
    call = Call()
    read = reading(Bodies(timeout_s=0.05), call)
    call.send(b"x")
    with pytest.raises(BodyNotReceived):
        await read


async def test_a_sender_that_goes_away_is_no_bug_of_ours() -> None:
    call = Call()
    read = reading(Bodies(), call)
    call.send(b"x")
    call.go_away()
    with pytest.raises(BodyNotReceived):
        await read


async def test_a_body_that_is_too_large_is_refused_by_its_length_or_by_its_bytes() -> None:
    with pytest.raises(HTTPException) as told:
        await reading(Bodies(), Call(content_length=MAX_BODY_BYTES + 1))
    assert told.value.status_code == 413
    exact, over = Call(), Call()
    exact.send(b"x" * MAX_BODY_BYTES, more_body=False)
    over.send(b"x" * MAX_BODY_BYTES)
    over.send(b"x", more_body=False)
    assert len(await reading(Bodies(), exact)) == MAX_BODY_BYTES
    with pytest.raises(HTTPException) as told:
        await reading(Bodies(), over)
    assert told.value.status_code == 413


async def test_when_bodies_are_too_many_the_oldest_gives_way() -> None:
    bodies = Bodies(max_bodies=2)
    calls = [Call() for _ in range(3)]
    reads = [reading(bodies, call) for call in calls]
    await settle()
    assert [read.done() for read in reads] == [True, False, False]
    assert isinstance(reads[0].exception(), Overloaded)
    for call, read in zip(calls[1:], reads[1:], strict=True):
        call.send(b"fine", more_body=False)
        assert await read == b"fine"


async def test_when_bytes_are_too_many_the_oldest_gives_way_and_what_it_held_is_free() -> None:
    bodies = Bodies(max_bytes=100)
    slow, other, quick = Call(), Call(), Call()
    reads = [reading(bodies, call) for call in (slow, other)]
    slow.send(b"x" * 60)
    other.send(b"x" * 30)
    await settle()
    quick.send(b"x" * 60, more_body=False)
    assert await reading(bodies, quick) == b"x" * 60
    with pytest.raises(Overloaded):
        await reads[0]
    other.send(b"y", more_body=False)
    assert await reads[1] == b"x" * 30 + b"y"
    # Nothing is counted twice or for ever: as much fits as before.
    again = Call()
    again.send(b"x" * 100, more_body=False)
    assert await reading(bodies, again) == b"x" * 100


async def test_what_gave_way_is_given_up_though_all_of_it_is_there_already() -> None:
    bodies = Bodies(max_bodies=1)
    old, new = Call(), Call()
    for _ in range(50):
        old.send(b"x")
    read = reading(bodies, old)
    newer = reading(bodies, new)
    await settle()
    old.send(b"x", more_body=False)
    with pytest.raises(Overloaded):
        await read
    new.send(b"fine", more_body=False)
    assert await newer == b"fine"


async def test_one_whose_time_just_ran_out_gives_way_without_harm_to_who_needs_the_room() -> None:
    """Its time limit has struck and its read has not woken yet: that is no limit to be moved any more."""
    loop = asyncio.get_running_loop()
    bodies = Bodies(timeout_s=0.02, max_bodies=1)
    slow = reading(bodies, Call())
    await asyncio.sleep(0)
    deadline = loop.time() + 0.03
    while loop.time() < deadline:
        pass
    await asyncio.sleep(0)  # the limit strikes in this turn of the loop, and the read wakes in the one after the next

    call = Call()
    call.send(b"quick", more_body=False)
    assert await reading(bodies, call) == b"quick"
    with pytest.raises(Overloaded):
        await slow
