"""A console in this process, over a stage of deliveries that were really worked on."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.console.access import ClientGroups, Role
from app.console.app import Headers, create_console
from app.console.oidc import OpenIdProvider
from app.console.resources import Backend
from app.console.sessions import Seals
from app.console.sign_in import Doors
from app.queue import RingBroker, open_queue
from app.tenants import TenantDirectory
from demo.embedded import ValkeyServer
from tests.integration.worker.conftest import Stage, stage

__all__ = ["stage"]

TOKEN = "a-token-of-the-tests"
URL = "http://console.test"


@dataclass
class Console:
    """A browser without a screen: it keeps cookies and follows nothing by itself."""

    client: httpx.AsyncClient
    backend: Backend
    named: ClientGroups
    seals: Seals

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.client.get(path, **options)

    async def post(self, path: str, *, word: str | None = None, **fields: str) -> httpx.Response:
        """Send a form as the page does: with the session's word, unless another is given."""
        csrf = self.word() if word is None else word
        return await self.client.post(path, data={**fields, "csrf": csrf}, headers={"origin": URL})

    def word(self) -> str:
        """The word of the session's cookie, also of one that is over by now."""
        facts = self.seals.open_session(self.client.cookies.get("ai_agents_console"))
        return str(facts["csrf"]) if facts else ""

    def come_in(
        self, role: Role | None = Role.OPERATOR, name: str = "ines@acme.example", *, groups: Sequence[str] = ()
    ) -> None:
        self.client.cookies.set("ai_agents_console", self.seals.seal_user(name, role, groups))

    def leave(self) -> None:
        self.client.cookies.clear()


@pytest.fixture
async def make_console(valkey: ValkeyServer, stage: Stage, tmp_path: Path) -> AsyncIterator[Any]:
    """Makes a `Console` over the stage; `provider` opens the second way in."""
    directory = TenantDirectory(tmp_path / "files", tmp_path / "secrets")
    directory.refresh()
    async with open_queue(RingBroker(valkey.url)) as queue:
        clients = []

        def make(
            provider: OpenIdProvider | None = None,
            *,
            url: str | None = None,
            named: Mapping[str, Mapping[str, Role]] | None = None,
        ) -> Console:
            seals = Seals()
            backend = Backend(stage.database, queue, directory, trace_url="https://traces.example/{trace_id}")
            doors = Doors(token=TOKEN, provider=provider, url=url, named=named or {})
            app: Any = Headers(create_console(backend=backend, doors=doors, seals=seals))
            client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=URL)
            clients.append(client)
            return Console(client, backend, doors.named, seals)

        yield make
        for client in clients:
            await client.aclose()


@pytest.fixture
def console(make_console: Any) -> Console:
    """Signed in as an operator."""
    made: Console = make_console()
    made.come_in()
    return made


def words_of(html: str) -> str:
    """The text of a page, as one line."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())
