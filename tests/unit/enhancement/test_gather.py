"""What is looked for in one kind of context with what another one found."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, cast

from app.core.source import Source, SourceKind
from app.core.tenant import NoteOptions
from app.enhancement.gather import gather_all
from app.enhancement.tools import Tools
from tests.builders import a_source, a_ticket
from tests.enhancing import Desk


class AskedDesk(Desk):
    machines: Sequence[str] = ()

    async def similar_tickets(self, *args: Any, machines: Sequence[str] = (), **options: Any) -> list[Source]:
        self.machines = machines
        return await super().similar_tickets(*args, **options)


async def test_tickets_are_looked_for_by_the_other_names_of_the_machines_that_are_named() -> None:
    named = a_source(
        SourceKind.ASSET, id="1", title="File server", text="srv-file01.acme.local; addresses: 10.0.0.5, 10.0.0.6"
    )
    owned = a_source(SourceKind.ASSET, id="2", title="NB-0042", text="Notebook", is_only_owned=True)
    desk = AskedDesk([named, owned], cast(Any, None))
    tools = Tools(
        reading=nullcontext(), history=desk, knowledge=desk, inventory=desk, requesters=desk, monitoring=None,
        model=desk, may_use_model=cast(Any, None), note=NoteOptions(), house_rules="",
        context_timeout=timedelta(seconds=5), model_timeout=timedelta(seconds=5),
    )  # fmt: skip
    gathered = (await gather_all(a_ticket(subject="10.0.0.5 hangs", description="Since noon."), tools)).gathered
    assert list(desk.machines) == ["File server", "srv-file01.acme.local", "10.0.0.6"]
    assert [group.kind for group in gathered if group.sources] == [SourceKind.ASSET]
