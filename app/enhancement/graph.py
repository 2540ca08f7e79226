"""The workflow that makes an enhancement of a ticket.

    START ─▶ gather ─▶ answer (write and check, once more if the answer is sent back, then show) ─▶ END

Invariant: it changes nothing in the database or the help desk. Gathered text reaches the model only masked, and the
note only through `show`. If a kind of context or the model is not available, the result is still an enhancement, with
the context that was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, Final, TypedDict

from langgraph.graph import START, StateGraph
from langgraph.runtime import Runtime

from app.core.enhancement import Enhancement, Notice
from app.core.masking import Mask
from app.core.source import number_sources
from app.core.ticket import Ticket
from app.enhancement.answering import answer_ticket
from app.enhancement.gather import gather_all
from app.enhancement.result import Known
from app.enhancement.tools import Tools


class State(TypedDict, total=False):
    """The state of the graph. What a node returns replaces what was there."""

    ticket: Ticket
    today: date
    """UTC."""
    notices: tuple[Notice, ...]
    known: Known
    """What was gathered."""
    enhancement: Enhancement


async def gather(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    context = await gather_all(state["ticket"], runtime.context)
    known = Known(
        ticket=state["ticket"],
        today=state["today"],
        gathered=number_sources(context.gathered),
        requester=context.requester,
        suggestions=context.suggestions,
        storm=context.storm,
        notices=state["notices"],
    )
    return {"known": known}


async def answer(state: State, runtime: Runtime[Tools]) -> dict[str, Any]:
    """Write, check and show. One node for all: LangGraph takes 0.3 ms of CPU for a node."""
    return {"enhancement": await answer_ticket(state["known"], runtime.context, mask=Mask())}


def _compile() -> Any:
    graph = StateGraph(State, context_schema=Tools)
    for node in (gather, answer):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "gather")
    graph.add_edge("gather", "answer")
    return graph.compile()


_graph: Final = _compile()


async def enhance(
    ticket: Ticket, *, tools: Tools, notices: Sequence[Notice] = (), today: date | None = None
) -> Enhancement:
    """The enhancement of *ticket*, of the tenant that *tools* belong to.

    *notices* are limits that the reader must know. By *today* (None: today, UTC) sources are old or new.
    """
    begin = {"ticket": ticket, "today": today or datetime.now(UTC).date(), "notices": tuple(notices)}
    enhancement: Enhancement = await _graph.ainvoke(begin, context=tools, output_keys="enhancement")
    return enhancement
