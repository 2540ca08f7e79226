"""The corpus of our own: tickets, articles and assets of two tenants, in several languages, and which are the same problem.

It is made up; each text was written for it. `eval/corpus/*.txt` say how they are read.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from uuid import UUID, uuid5

from app.core.article import Article
from app.core.asset import Asset
from app.core.tenant import Language, Tenant
from app.core.ticket import Fate, Ticket
from app.db.knowledge.search import Search
from app.db.knowledge.store import upsert_articles, upsert_assets, upsert_tickets
from app.db.migrate import migrate
from app.db.session import Database, open_database
from demo.embedded import open_postgres

FOLDER: Final = Path(__file__).parent / "corpus"
TENANTS: Final[dict[str, Language]] = {"lakeside": "en", "nordwerk": "de"}
_NAMESPACE: Final = UUID("6f0d3a52-7d0b-4d0e-9b5b-0c0a5eedc0de")
_ALONE: Final = "-"
_LANGUAGE = re.compile(r"^[a-z]{2}: ")


@dataclass(frozen=True, slots=True)
class Known:
    """A ticket of the corpus, and its group: tickets of one group are the same problem."""

    ticket: Ticket
    group: str
    part: str
    """`dev` or `held`, by turns of the groups."""

    @property
    def as_open(self) -> Ticket:
        """As it was before it was resolved."""
        return self.ticket.model_copy(update={"resolution": "", "resolved_at": None})


@dataclass(frozen=True, slots=True)
class Corpus:
    """All of one tenant."""

    name: str
    language: Language
    known: tuple[Known, ...]
    """In the order of time."""
    articles: tuple[Article, ...]
    about: dict[str, frozenset[str]]
    """For an article's id the groups that it is about."""
    assets: tuple[Asset, ...]


@cache
def load_corpus(name: str) -> Corpus:
    articles, about = [], {}
    for number, (day, title, text, groups) in enumerate(_rows(name, "articles")):
        article = Article(id=f"{name}-K{number}", title=title, text=text, updated_at=_at(day))
        articles.append(article)
        about[article.id] = frozenset(groups.split()) - {_ALONE}
    assets = [
        Asset(id=f"{name}-A{number}", name=label, hostname=label, role=role, addresses=(ip_address(address),))
        for number, (label, role, address) in enumerate(_rows(name, "assets"))
    ]
    known = sorted(_tickets(name), key=lambda each: (str(each.ticket.created_at), each.ticket.id))
    return Corpus(name, TENANTS[name], tuple(known), tuple(articles), about, tuple(assets))


def _tickets(name: str) -> Iterable[Known]:
    group, heading, number = "", 0, 0
    for line in _lines(name, "tickets"):
        if line.startswith("["):
            group, heading = line.strip("[]"), heading + 1
            continue
        number += 1
        day, subject, problem, resolution = line.split(" | ")
        is_alone = group == _ALONE
        ticket = Ticket(
            id=f"{name}-{number}",
            display_id=str(1_000 + number),
            subject=_LANGUAGE.sub("", subject),
            description=problem,
            resolution=resolution,
            status="Resolved",
            fate=Fate.CLOSED,
            created_at=_at(day),
            updated_at=_at(day),
            resolved_at=_at(day),
        )
        part = "held" if (number if is_alone else heading) % 2 else "dev"
        yield Known(ticket, f"{_ALONE}{number}" if is_alone else group, part)


def _rows(name: str, kind: str) -> Iterable[list[str]]:
    return (line.split(" | ") for line in _lines(name, kind))


def _lines(name: str, kind: str) -> Iterable[str]:
    lines = (FOLDER / f"{name}.{kind}.txt").read_text("utf-8").splitlines()
    return (line for line in lines if line and not line.startswith("#"))


def _at(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(9), UTC)


def a_tenant(name: str, language: Language) -> Tenant:
    """A tenant whose notes are in *language*."""
    return Tenant.model_validate(
        {
            "id": uuid5(_NAMESPACE, name),
            "slug": name,
            "name": name.title(),
            "servicedesk": {"edition": "on_premises", "url": "https://127.0.0.1:1", "technician": "eval"},
            "note": {"language": language},
        }
    )


def a_search(database: Database, tenant: Tenant) -> Search:
    return Search(database, tenant, ticket_url=str, article_url=str)


async def store(
    database: Database,
    tenant: Tenant,
    tickets: Sequence[Ticket] = (),
    articles: Sequence[Article] = (),
    assets: Sequence[Asset] = (),
) -> None:
    async with database.as_tenant(tenant.id) as session:
        if tickets:
            await upsert_tickets(session, tenant.id, tickets, language=tenant.note.language)
        if articles:
            await upsert_articles(session, tenant.id, articles, language=tenant.note.language)
        if assets:
            await upsert_assets(session, tenant.id, assets)


@asynccontextmanager
async def open_empty_database() -> AsyncIterator[Database]:
    """An embedded PostgreSQL with the product's tables."""
    with TemporaryDirectory() as folder:
        async with open_postgres(Path(folder), is_durable=False) as server:
            await server.create_database("eval")
            urls = await server.create_roles("eval")
            await migrate(urls.owner, tell=lambda _: None)
            async with open_database(urls.worker) as database:
                yield database
