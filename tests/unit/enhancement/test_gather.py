"""What is looked for in one kind of context with what another one found."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from app.core.asset import Addresses
from app.core.completion import Message
from app.core.note import render_note
from app.core.source import GatherState, Source, SourceKind
from app.core.tenant import NoteOptions
from app.enhancement.gather import Context, gather_all
from app.enhancement.tools import Tools
from tests.builders import a_draft, a_source, a_ticket
from tests.enhancing import Desk, enhanced
from tests.unhurried import run_unhurried


class AskedDesk(Desk):
    machines: Sequence[str] = ()
    named: Addresses = Addresses()

    async def assets(self, *given: Any, **options: Any) -> list[Source]:
        [self.named] = given
        return await super().assets(*given, **options)

    async def similar_tickets(self, *args: Any, machines: Sequence[str] = (), **options: Any) -> list[Source]:
        self.machines = machines
        return await super().similar_tickets(*args, **options)


def tools_of(desk: AskedDesk) -> Tools:
    return Tools(
        reading=nullcontext(), history=desk, knowledge=desk, inventory=desk, requesters=desk, monitoring=None,
        model=desk, may_use_model=cast(Any, None), note=NoteOptions(), house_rules="",
        context_timeout=timedelta(seconds=5), model_timeout=timedelta(seconds=5),
    )  # fmt: skip


async def test_an_asset_that_was_chosen_in_the_ticket_is_looked_for_and_searched_by() -> None:
    desk = AskedDesk([a_source(SourceKind.ASSET, id="1", title="PC-0231", text="Notebook")], cast(Any, None))
    ticket = a_ticket(subject="Blue screen", description="On srv-rds01 too.").model_copy(
        update={"assets": ("pc-0231",)}
    )
    await gather_all(ticket, tools_of(desk))
    assert desk.named.hostnames == ("srv-rds01", "pc-0231")
    assert list(desk.machines) == ["PC-0231"]


async def test_tickets_are_looked_for_by_the_other_names_of_the_machines_that_are_named() -> None:
    named = a_source(
        SourceKind.ASSET, id="1", title="File server", text="srv-file01.acme.local; addresses: 10.0.0.5, 10.0.0.6"
    )
    owned = a_source(SourceKind.ASSET, id="2", title="NB-0042", text="Notebook", is_only_owned=True)
    desk = AskedDesk([named, owned], cast(Any, None))
    ticket = a_ticket(subject="10.0.0.5 hangs", description="Since noon.")
    gathered = (await gather_all(ticket, tools_of(desk))).gathered
    assert list(desk.machines) == ["File server", "srv-file01.acme.local", "10.0.0.6"]
    assert [group.kind for group in gathered if group.sources] == [SourceKind.ASSET]


async def test_what_of_an_asset_cannot_be_read_costs_the_tickets_alone() -> None:
    odd = a_source(SourceKind.ASSET, id="1").model_copy(update={"text": None})
    desk = AskedDesk([odd, a_source(SourceKind.ARTICLE, id="2")], cast(Any, None))
    states = {group.kind: group.state for group in (await gather_all(a_ticket(), tools_of(desk))).gathered}
    assert states == {
        SourceKind.ASSET: GatherState.OK,
        SourceKind.TICKET: GatherState.UNAVAILABLE,
        SourceKind.ARTICLE: GatherState.OK,
    }


async def test_an_arrival_that_no_storm_can_be_read_from_costs_its_line_alone() -> None:
    desk = AskedDesk([a_source(SourceKind.ARTICLE, id="2")], cast(Any, None), arrival=cast(Any, "odd"))
    context = await gather_all(a_ticket(), replace(tools_of(desk), arrivals=desk))
    assert context.storm is None
    assert [group.kind for group in context.gathered if group.sources] == [SourceKind.ARTICLE]


class SlowDesk(Desk):
    """Each port but those that are *quick* answers after a minute."""

    quick: frozenset[str] = frozenset()

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        slow = {
            "similar_tickets",
            "articles",
            "assets",
            "about",
            "nearest_fields",
            "before",
            "documents",
            "measurements",
        }
        if name not in slow or name in self.quick:
            return found

        async def answer(*given: Any, **options: Any) -> Any:
            await asyncio.sleep(60)
            return await found(*given, **options)

        return answer


@pytest.mark.parametrize("quick", [(), ("about",), ("about", "assets", "similar_tickets", "articles")])
def test_all_that_is_gathered_ends_within_one_limit(quick: tuple[str, ...]) -> None:
    asset = a_source(SourceKind.ASSET, title="File server", text="srv-file01.acme.local")
    desk = SlowDesk([asset], cast(Any, None))
    desk.quick = frozenset(quick)

    async def embed(*_: Any, **__: Any) -> None:
        await asyncio.sleep(1)

    async def gather() -> tuple[Context, float]:
        tools = Tools(
            reading=nullcontext(), history=desk, knowledge=desk, inventory=desk, requesters=desk, monitoring=desk,
            model=desk, may_use_model=cast(Any, None), note=NoteOptions(), house_rules="", arrivals=desk, nearest=desk,
            documentation=desk, vectors=embed,
            context_timeout=timedelta(seconds=5), model_timeout=timedelta(seconds=5),
        )  # fmt: skip
        return await gather_all(a_ticket(), tools), asyncio.get_running_loop().time()

    context, took = run_unhurried(gather())
    assert took == pytest.approx(5, abs=0.1)
    found = {group.kind for group in context.gathered if group.sources}
    assert found == ({SourceKind.ASSET} if "assets" in quick else set())


SAYS = "The winsock catalogue is reset by the vendor's cleaner."


def a_document(staff_text: str | None) -> Source:
    return a_source(SourceKind.DOCUMENT, title="Outlook shows no new mail", text=SAYS, staff_text=staff_text)


def never(_: Sequence[Message]) -> str:
    raise AssertionError("the model was asked")


async def test_documents_that_nobody_trusts_are_listed_and_no_model_is_paid_for_them() -> None:
    enhancement = await enhanced(a_ticket(), [a_document("")], never)
    assert enhancement.is_context_only
    assert enhancement.notices == ()
    html = render_note(enhancement, NoteOptions(), reference=uuid4())
    assert "[D1]</a> Outlook shows no new mail" in html
    assert "winsock" not in html


async def test_of_a_document_that_nobody_trusts_the_model_gets_the_title_alone() -> None:
    asked: list[str] = []

    def answer(messages: Sequence[Message]) -> str:
        asked.append(messages[-1].content)
        facts = [{"text": SAYS, "citations": ["D1"]}]
        return a_draft(facts=facts, hypotheses=[], next_steps=[]).model_dump_json()

    for staff_text, is_said in ((None, True), ("", False)):
        asked.clear()
        enhancement = await enhanced(a_ticket(), [a_source(), a_document(staff_text)], answer)
        assert ("winsock" in asked[0]) is is_said
        assert "Outlook shows no new mail" in asked[0]
        assert ("winsock" in render_note(enhancement, NoteOptions(), reference=uuid4())) is is_said
