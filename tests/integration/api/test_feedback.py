"""`/feedback/<token>`: a vote by its button alone, for whoever has the link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from app.api.app import open_api
from app.core.feedback import MAX_COMMENT_CHARS, make_token
from app.settings import ApiSettings
from tests.integration.api.conftest import Tenants

KEY = "k" * 32
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
async def voter(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    given = settings.model_dump() | {"feedback_key": KEY}
    async with open_api(ApiSettings.model_validate(given)) as api:
        transport = httpx.ASGITransport(app=api.asgi, raise_app_exceptions=False)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            yield client


@pytest.fixture
async def note(superuser: asyncpg.Connection, tenants: Tenants) -> tuple[UUID, str, asyncpg.Connection]:
    """A posted note: its job id, its link's path, and a look into the database."""
    job_id = uuid4()
    await superuser.execute(
        "insert into enhancement (tenant_id, ticket_id, version, job_id, note_id) values ($1, $2, 'v', $3, '1')",
        tenants.acme.id,
        uuid4().hex,
        job_id,
    )
    return job_id, f"/feedback/{make_token(tenants.acme.id, job_id, key=KEY.encode())}", superuser


async def test_opening_the_link_votes_for_nobody(
    voter: httpx.AsyncClient, note: tuple[UUID, str, asyncpg.Connection]
) -> None:
    job_id, path, look = note
    for method in ("GET", "HEAD", "OPTIONS"):
        await voter.request(method, path)
    page = await voter.get(path + "?vote=up")
    assert page.status_code == 200
    assert 'method="post"' in page.text
    assert "style-src 'self'" in page.headers["content-security-policy"]
    assert page.headers.get_list("content-security-policy") == [page.headers["content-security-policy"]]
    assert await look.fetchval("select count(*) from feedback where job_id = $1", job_id) == 0


async def test_a_vote_is_stored_and_a_change_of_mind_replaces_it(
    voter: httpx.AsyncClient, note: tuple[UUID, str, asyncpg.Connection]
) -> None:
    job_id, path, look = note
    await voter.post(path, data={"vote": "down", "comment": "no\0pe"})
    answer = await voter.post(path, data={"vote": "up", "comment": "ä" * 5000})
    if len("ä" * 5000) > MAX_COMMENT_CHARS:
        assert answer.status_code == 413
        answer = await voter.post(path, data={"vote": "up", "comment": "ä" * (MAX_COMMENT_CHARS + 500)})
    assert "Thank you" in answer.text
    [row] = await look.fetch("select is_helpful, comment from feedback where job_id = $1", job_id)
    assert (row["is_helpful"], row["comment"]) == (True, "ä" * MAX_COMMENT_CHARS)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"", 400), (b"vote=maybe", 400), (b"\xff\xfe", 400), (b"a=1&" * 20, 400), (b"x" * 20_000, 413)],
)
async def test_anything_but_a_vote_is_refused(
    voter: httpx.AsyncClient, note: tuple[UUID, str, asyncpg.Connection], body: bytes, status: int
) -> None:
    assert (await voter.post(note[1], content=body, headers=FORM)).status_code == status


async def test_a_link_that_we_did_not_make_leads_nowhere(
    voter: httpx.AsyncClient, client: httpx.AsyncClient, note: tuple[UUID, str, asyncpg.Connection], tenants: Tenants
) -> None:
    forged = f"/feedback/{make_token(tenants.acme.id, note[0], key=b'another' * 5)}"
    gone = f"/feedback/{make_token(tenants.acme.id, uuid4(), key=KEY.encode())}"
    for path in (forged, "/feedback/x", "/feedback/" + "A" * 64):
        assert (await voter.get(path)).status_code == 404
        assert (await voter.post(path, data={"vote": "up"})).status_code == 404
    assert (await voter.post(gone, data={"vote": "up"})).status_code == 404
    assert (await client.get(note[1])).status_code == 404, "without a key there is no such page"


@pytest.mark.parametrize(
    ("asked", "is_named"), [("?ticket=104", True), ("?ticket=<b>x</b>", False), ("?ticket=1+800", False), ("", False)]
)
async def test_the_page_is_in_the_language_of_the_notes_and_names_the_ticket(
    voter: httpx.AsyncClient, note: tuple[UUID, str, asyncpg.Connection], tenants: Tenants, asked: str, is_named: bool
) -> None:
    _, path, _ = note
    page = (await voter.get(path + asked)).text
    assert f'<html lang="{tenants.acme.note.language}">' in page
    assert ("The note on ticket #104." in page) is is_named
    assert "<b>" not in page
