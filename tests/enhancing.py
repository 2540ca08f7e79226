"""The whole workflow without a server: each port answers what the test gives it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, cast

from app.core.completion import Completion, Message
from app.core.enhancement import Enhancement
from app.core.requester import Requester
from app.core.source import Source, SourceKind
from app.core.storm import Arrival
from app.core.tenant import NoteOptions
from app.core.ticket import Ticket
from app.enhancement.graph import enhance
from app.enhancement.ports import Model
from app.enhancement.tools import Tools
from app.errors import Unavailable

Answer = Callable[[Sequence[Message]], str | Completion]
"""A text is one of `gpt-4o-mini`'s."""


@dataclass
class Desk:
    """Every port of one tenant."""

    sources: Sequence[Source]
    answer: Answer
    rooms: list[bool] = field(default_factory=list)
    """For each answer, whether it was asked for with more room."""
    requester: Requester = field(default_factory=Requester)
    arrival: Arrival | None = None
    unavailable: frozenset[SourceKind] = frozenset()

    async def similar_tickets(self, *_: Any, **__: Any) -> list[Source]:
        return self._of(SourceKind.TICKET)

    async def articles(self, *_: Any, **__: Any) -> list[Source]:
        return self._of(SourceKind.ARTICLE)

    async def assets(self, *_: Any, **__: Any) -> list[Source]:
        return self._of(SourceKind.ASSET)

    async def about(self, *_: Any) -> Requester:
        return self.requester

    async def nearest_fields(self) -> list[dict[str, str]]:
        return []

    async def before(self, *_: Any, **__: Any) -> Arrival | None:
        return self.arrival

    async def documents(self, *_: Any, **__: Any) -> list[Source]:
        return self._of(SourceKind.DOCUMENT)

    async def measurements(self, *_: Any, **__: Any) -> list[Source]:
        return self._of(SourceKind.MEASUREMENT)

    async def complete(self, messages: Sequence[Message], *, cut: Completion | None = None, **_: Any) -> Completion:
        self.rooms.append(cut is not None)
        answer = self.answer(messages)
        return answer if isinstance(answer, Completion) else Completion(text=answer, model="gpt-4o-mini")

    def _of(self, kind: SourceKind) -> list[Source]:
        if kind in self.unavailable:
            raise Unavailable("the test says so")
        return [source for source in self.sources if source.kind is kind]


async def enhanced(
    ticket: Ticket,
    sources: Sequence[Source],
    answer: Answer | Model,
    *,
    note: NoteOptions | None = None,
    has_budget: bool = True,
    requester: Requester | None = None,
    house_rules: str = "",
    rooms: list[bool] | None = None,
    arrival: Arrival | None = None,
    judge: Model | None = None,
    unavailable: frozenset[SourceKind] = frozenset(),
    has_monitoring: bool = True,
    model_timeout: timedelta = timedelta(seconds=5),
    today: date | None = None,
) -> Enhancement:
    """What the workflow makes of *ticket* when *sources* are found and the model gives *answer*, or is asked itself."""
    is_model = hasattr(answer, "complete")
    desk = Desk(
        sources,
        _never if is_model else cast("Answer", answer),
        [] if rooms is None else rooms,
        requester or Requester(),
        arrival,
        unavailable,
    )
    tools = Tools(
        reading=nullcontext(),
        history=desk,
        knowledge=desk,
        inventory=desk,
        requesters=desk,
        monitoring=desk if has_monitoring else None,
        documentation=desk if any(source.kind is SourceKind.DOCUMENT for source in sources) else None,
        model=cast("Model", answer) if is_model else desk,
        judge=judge,
        may_use_model=_always(has_budget),
        note=note or NoteOptions(),
        arrivals=desk,
        collect_from=5,
        house_rules=house_rules,
        context_timeout=timedelta(seconds=5),
        model_timeout=model_timeout,
    )
    return await enhance(ticket, tools=tools, today=today)


def _never(_: Sequence[Message]) -> str:
    raise AssertionError


def _always(value: Any) -> Callable[..., Awaitable[Any]]:
    async def give(*_: Any) -> Any:
        return value

    return give
