"""A server that only claims to be our database is refused, by the URL that `components/database-ca` is for."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.db.session import open_database
from app.errors import DatabaseUnavailable
from tests.integration.nobody import run_as_nobody
from tests.integration.test_smoke import write_certificate


@asynccontextmanager
async def _server(certificate: Path, welcomed: asyncio.Event) -> AsyncIterator[int]:
    """A port where TLS begins as PostgreSQL's does; who trusts it and says hello is sent away and sets *welcomed*.

    The embedded server is built without TLS. Source of the first bytes: PostgreSQL, "Frontend/Backend Protocol".
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(8)  # SSLRequest
        writer.write(b"S")
        try:
            await writer.start_tls(context)
            await reader.readexactly(8)
            welcomed.set()
        except (ssl.SSLError, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(welcome, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("host", "trusted", "is_welcomed"),
    [("localhost", "ours", True), ("localhost", "another", False), ("127.0.0.1", "ours", False)],
    ids=["ours", "of another authority", "of another host"],
)
async def test_verify_full_trusts_one_authority_and_the_host_that_it_vouches_for(
    tmp_path: Path, host: str, trusted: str, *, is_welcomed: bool
) -> None:
    authorities = {"ours": write_certificate(tmp_path), "another": write_certificate(tmp_path, days=10)}
    welcomed = asyncio.Event()

    async with _server(authorities["ours"], welcomed) as port:
        url = f"postgresql://u:p@{host}:{port}/x?sslmode=verify-full&sslrootcert={authorities[trusted]}"
        with pytest.raises(DatabaseUnavailable) as refused:
            async with open_database(url, pool_size=1) as database:
                await run_as_nobody(database, "select 1")

    assert welcomed.is_set() is is_welcomed
    assert ("SSLCertVerificationError" in refused.value.detail) is not is_welcomed
