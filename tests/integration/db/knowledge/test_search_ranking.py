"""What comes first, how it is told, and what it costs: on corpora made for one question each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from app.core.article import Article
from app.core.source import Source, SourceKind
from app.core.tenant import Language
from app.core.ticket import Ticket
from app.db.knowledge.search import MAX_SOURCE_CHARS, Search
from app.db.knowledge.store import upsert_articles, upsert_tickets
from app.db.session import Database
from tests.builders import a_tenant, a_ticket

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)

# Enough of other things that words get their weight.
OTHERS = (
    ("Label printer prints strange characters", "Lines like ^XA instead of labels.", "Install the ZPL driver."),
    ("VPN error 809 from home", "New router at home, error 809.", "Enable IPsec pass-through on the router."),
    ("Mailbox full, cannot send", "Outlook says that the mailbox is full.", "Archive mails older than a year."),
    ("Backup job failed", "Not enough free disk space on the repository.", "Delete orphaned restore points."),
    ("Account locked every morning", "Locked again an hour after unlocking.", "Remove the saved password on PC-07."),
    ("Scanner does not read barcodes", "The beam is on, nothing is read.", "Scan the reset sheet."),
    ("Shared calendar is not visible", "The calendar of dispatch is missing on phones.", "Publish it once more."),
    ("Excel crashes with the planning file", "It closes without a message.", "Repair the add-in."),
    ("Notebook asks for a BitLocker key", "Blue page after an update.", "Read the key from the directory."),
    ("Guest wireless shows no login page", "The browser stays blank.", "Turn off private DNS."),
)
GERMAN = (
    ("Kartenterminal liest keine Karten", "Am Empfang seit dem Stromausfall.", "Konnektor neu starten."),
    ("Röntgenbilder fehlen in der Akte", "Das Gerät hat sie gesendet.", "Den Dienst für den Bildimport neu starten."),
    ("Outlook fragt ständig nach dem Kennwort", "Seit der Änderung.", "Anmeldeinformationen löschen."),
    ("Drucker druckt nicht", "Alle Aufträge hängen in der Warteschlange.", "Druckwarteschlange leeren."),
    ("Telefonate brechen ab", "Nach 30 Sekunden, seit dem neuen Router.", "SIP ALG ausschalten."),
)
VPN = OTHERS[1]


def resolved(number: int, subject: str, description: str, resolution: str, **changes: Any) -> Ticket:
    return a_ticket(
        id=str(number),
        display_id=str(number),
        subject=subject,
        description=description,
        resolution=resolution,
        **{"created_at": NOW - timedelta(days=400), "resolved_at": NOW - timedelta(days=399), **changes},
    )


def history(rows: Sequence[tuple[str, str, str]] = OTHERS) -> list[Ticket]:
    return [resolved(number, *row) for number, row in enumerate(rows, start=1)]


async def a_search(
    database: Database,
    *,
    tickets: Sequence[Ticket] = (),
    articles: Sequence[Article] = (),
    language: Language = "en",
) -> Search:
    tenant = a_tenant(note={"language": language})
    async with database.as_tenant(tenant.id) as session:
        await upsert_tickets(session, tenant.id, tickets, language=language)
        await upsert_articles(session, tenant.id, articles, language=language)
    return Search(
        database, tenant, ticket_url=lambda id_: f"https://t/{id_}", article_url=lambda id_: f"https://a/{id_}"
    )


def ids(sources: Sequence[Source]) -> list[str]:
    return [source.id for source in sources]


WORDLESS = "-" * 200
"""Long enough to be taken for a resolution, and without a word that would count."""


async def test_the_worked_example_of_rank_sql_is_right(worker_db: Database) -> None:
    texts = {"A": "printer jams", "B": "printer offline, printer restarted"}
    search = await a_search(
        worker_db,
        tickets=[
            a_ticket(id=id_, subject="", description=text, resolution=WORDLESS, created_at=None, resolved_at=NOW)
            for id_, text in texts.items()
        ],
    )

    matches = await search.rank_tickets(a_ticket(id="C", subject="", description="printer jam"), limit=2)

    assert {match.id: round(match.fit, 3) for match in matches} == {"A": 0.526, "B": 0.119}
    assert {term: round(weight, 3) for term, weight in matches[0].terms.items()} == {"printer": 0.182, "jam": 0.693}


async def test_a_ticket_is_told_with_its_problem_resolution_and_link(worker_db: Database) -> None:
    search = await a_search(worker_db, tickets=history())

    found = await search.similar_tickets(
        a_ticket(subject="vpn at home doesnt work", description="it says error 809 since I got a new router"), limit=5
    )

    assert found[0].kind is SourceKind.TICKET
    assert found[0].title == "#2 VPN error 809 from home"
    assert found[0].text == (
        "Problem: New router at home, error 809.\nResolution: Enable IPsec pass-through on the router."
    )
    assert found[0].url == "https://t/2"
    assert 0 < found[0].score <= 1


async def test_words_around_a_source_are_in_the_notes_language(worker_db: Database) -> None:
    search = await a_search(worker_db, tickets=history(GERMAN), language="de")

    found = await search.similar_tickets(
        a_ticket(subject="Karten werden nicht gelesen", description="Das Terminal am Empfang liest keine Karte"),
        limit=3,
    )

    assert ids(found)[0] == "1"
    assert "Lösung: Konnektor neu starten" in found[0].text


@pytest.mark.parametrize(
    ("subject", "description"),
    [
        ("Coffee maker in the canteen leaks", "There is water under it. Who takes care?"),
        ("Help", "It does not work any more since this morning, please help!"),
        ("Question about the printer contract of 2019", "Where do I find the invoice?"),
        ("...", "!!! ??? ---"),
    ],
    ids=["another matter", "nothing said", "one word alike", "no words"],
)
async def test_what_does_not_fit_is_not_shown(worker_db: Database, subject: str, description: str) -> None:
    search = await a_search(
        worker_db,
        tickets=history(),
        articles=[Article(id="a1", title="Label printers", text="Calibrate the printer after each change.")],
    )
    ticket = a_ticket(subject=subject, description=description)

    assert await search.similar_tickets(ticket, limit=5) == []
    assert await search.articles(ticket, limit=5) == []


async def test_nothing_is_found_where_nothing_is_stored(worker_db: Database) -> None:
    search = await a_search(worker_db)

    assert await search.similar_tickets(a_ticket(), limit=5) == []
    assert await search.articles(a_ticket(), limit=5) == []


async def test_a_ticket_without_a_resolution_is_no_answer(worker_db: Database) -> None:
    tickets = [
        *history(),
        resolved(20, VPN[0], VPN[1], ""),
        resolved(21, VPN[0], VPN[1], "Half a thought", resolved_at=None),
        resolved(22, *VPN),
    ]
    search = await a_search(worker_db, tickets=tickets)

    assert ids(await search.similar_tickets(tickets[-1], limit=9)) == ["2"]


async def test_of_two_alike_the_one_of_these_days_comes_first(worker_db: Database) -> None:
    search = await a_search(worker_db, tickets=[*history(), resolved(1, *VPN, created_at=NOW - timedelta(days=2))])

    found = await search.similar_tickets(a_ticket(subject=VPN[0], description=VPN[1], created_at=NOW), limit=2)

    assert ids(found) == ["1", "2"]


async def test_a_word_in_the_subject_counts_more_than_in_the_body(worker_db: Database) -> None:
    tickets = [
        *history(),
        resolved(40, "Weekly list", "The projector in the atrium was mentioned among much else.", "Restarted it."),
        resolved(41, "Projector in the atrium", "The list of the week was mentioned among much else.", "Restarted it."),
    ]
    search = await a_search(worker_db, tickets=tickets)

    found = await search.similar_tickets(a_ticket(subject="Atrium projector", description=""), limit=2)

    assert ids(found)[0] == "41"


async def test_a_long_history_and_resolution_are_cut_to_what_can_be_read(worker_db: Database) -> None:
    long = resolved(50, "VPN error 809", "The router blocks it. " * 400, "Enable pass-through on the router. " * 400)
    search = await a_search(worker_db, tickets=[*history(), long])

    found = await search.similar_tickets(a_ticket(subject="VPN error 809", description="router"), limit=9)

    assert "50" in ids(found)
    assert all(len(source.text) <= MAX_SOURCE_CHARS for source in found)
    assert all("Resolution: Enable" in source.text for source in found if source.id == "50")


@pytest.mark.parametrize(
    "huge",
    [
        "error 809 router vpn home " * 40_000,
        "x" * 1_000_000,
        "vpn error 809 " + " ".join(str(n) for n in range(150_000)),
    ],
    ids=["words", "one word", "numbers"],
)
async def test_a_megabyte_is_stored_and_asked_like_any_other_text(worker_db: Database, huge: str) -> None:
    ticket = resolved(60, "VPN error 809 \x00 from home", "NUL \x00 and half a \ud800 surrogate " + huge, huge)

    search = await a_search(
        worker_db, tickets=[*history(), ticket], articles=[Article(id="a1", title="VPN\x00", text=huge)]
    )
    found = await search.similar_tickets(a_ticket(subject="VPN error 809 from home", description=huge), limit=5)
    await search.articles(a_ticket(subject="VPN error 809 from home", description=huge), limit=5)

    assert "2" in ids(found)


async def test_a_large_corpus_is_searched_by_its_rare_words_and_ranked_by_all(worker_db: Database) -> None:
    tickets = [
        resolved(
            1000 + number,
            f"Printer {number} in hall {number % 7}",
            f"The printer in hall {number % 7} does not print labels. Batch code Q{number}X.",
            "Restart the printer.",
        )
        for number in range(1_500)
    ]
    search = await a_search(worker_db, tickets=tickets)

    found = await search.similar_tickets(
        a_ticket(subject="Printer in hall 3", description="No labels. Batch code Q731X."), limit=3
    )

    assert ids(found)[0] == "1731"


async def test_the_index_says_what_its_tables_hold(worker_db: Database) -> None:
    tenant = a_tenant()
    tickets = history()
    changed = [
        tickets[1].model_copy(update={"description": "Another text altogether", "updated_at": NOW}),
        tickets[2].model_copy(update={"resolved_at": None, "updated_at": NOW}),
    ]
    for batch in (tickets, tickets, changed, changed):
        async with worker_db.as_tenant(tenant.id) as session:
            await upsert_tickets(session, tenant.id, batch, language="en")

    async with worker_db.as_tenant(tenant.id) as session:
        differences = await session.execute(
            text("""
            with told as (select term, count(*) as documents from posting where kind = 'ticket' group by term),
            held as (
                select t.term, count(*) as documents from ticket cross join lateral unnest(terms) t (term) group by t.term
            ), counted as (
                select term, documents from term where kind = 'ticket' and documents > 0
            )
            select term from told full join held using (term) full join counted using (term)
            where told.documents is distinct from held.documents or told.documents is distinct from counted.documents
            """)
        )
        frequencies = await session.execute(
            text("""
            select term
            from ticket cross join lateral unnest(terms, frequencies) held (term, frequency)
            left join posting using (document, term)
            where posting.frequency is distinct from held.frequency
            """)
        )
        corpus = (await session.execute(text("select documents, total_length from corpus where kind = 'ticket'"))).one()
        sums = (
            await session.execute(
                text("select count(*) as n, sum(length) as length from ticket where indexed_digest is not null")
            )
        ).one()

    assert differences.all() == []
    assert frequencies.all() == []
    assert corpus.documents == sums.n == len(OTHERS) - 1
    assert corpus.total_length == pytest.approx(sums.length)
