"""What writes the history is loaded beside the event loop: it takes half a second, in which other attempts go on."""

from __future__ import annotations

import os
import subprocess
import sys
from asyncio import to_thread
from uuid import uuid4

from demo.embedded import DatabaseUrls
from tests.integration.superuser import run_as_superuser

LEARN = """
import asyncio, sys, threading
from datetime import timedelta
from uuid import UUID

from app.db.limits.circuits import Circuits
from app.db.session import open_database
from app.worker.toolkits import Toolkit
from tests.builders import a_tenant, a_ticket

class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "app.db.knowledge.store":
            print("on the loop" if threading.current_thread() is threading.main_thread() else "beside it")

class Desk:
    async def load_ticket(self, ticket_id):
        return a_ticket(id=ticket_id, status="Resolved", resolution="Turned it on.")

async def main():
    url, tenant_id = sys.argv[1:]
    tenant, limit = a_tenant(id=UUID(tenant_id)), timedelta(seconds=1)
    async with open_database(url) as database:
        kit = Toolkit(tenant, Desk(), None, None, None, None, None, database, Circuits(database), limit, limit, False)
        await kit.learn("1")
        await kit.learn("2")
        await kit.forget("2")

sys.meta_path.insert(0, Watch())
asyncio.run(main())
"""


async def test_the_first_resolved_ticket_keeps_no_other_attempt_waiting(urls: DatabaseUrls) -> None:
    tenant_id = uuid4()
    command = [sys.executable, "-c", LEARN, urls.worker, str(tenant_id)]
    said = await to_thread(
        subprocess.run, command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "."}
    )
    assert (said.returncode, said.stdout) == (0, "beside it\n"), said.stderr
    rows = await run_as_superuser(urls, "select id from ticket where tenant_id = $1", tenant_id)
    assert [row["id"] for row in rows] == ["1"]
