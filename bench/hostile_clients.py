"""Signed webhooks while hostile clients hold connections: `python bench/hostile_clients.py [N] [S] [A]`, PYTHONPATH=.

N connections (1500) for S seconds (15) of each attack whose name contains A, against a separate API process.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from app.db.migrate import migrate
from demo.embedded import open_postgres, open_valkey
from demo.launcher import Process
from demo.run_folder import open_run_folder
from tests.builders import a_tenant, write_tenant
from tests.integration.api.hostile_clients import ATTACKS, attacking, behave
from tests.integration.processes import open_api_process


async def main(connections: int, seconds: float, only: str) -> None:
    checkout = Path(__file__).parents[1]
    with open_run_folder(checkout / ".demo") as folder, tempfile.TemporaryDirectory(dir=folder.path) as name:
        tenants, tenant = Path(name), a_tenant()
        write_tenant(tenants, tenant, webhook_secret="secret")
        async with open_postgres(folder) as postgres, open_valkey(folder) as valkey:
            await postgres.create_database("bench")
            urls = await postgres.create_roles("bench")
            await migrate(urls.owner, tell=lambda _: None)
            print(f"{connections} connections, {seconds:g} s each")
            print("| attack | 202 | refused or no answer | median | worst | peak MB |")
            print("| --- | --- | --- | --- | --- | --- |")
            for number, attack in enumerate(each for each in ATTACKS if only in each.name):
                async with open_api_process(urls, valkey, tenants, tenants / "api.log", Process) as api:
                    await api.ready()
                    async with attacking(api, attack, connections) as seen:
                        await behave(api, tenant, seen, seconds=seconds, prefix=f"{number}-")
                times = [
                    f"{call(seen.seconds) * 1000:.0f} ms" if seen.seconds else "—" for call in (statistics.median, max)
                ]
                cells = [attack.name, str(len(seen.seconds)), " ".join([str(len(seen.failures)), *set(seen.failures)])]
                print("|", " | ".join([*cells, *times, f"{seen.peak_mb:.0f}"]), "|", flush=True)


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *("1500", "15", "")[len(sys.argv) - 1 :]]
    asyncio.run(main(int(arguments[0]), float(arguments[1]), arguments[2]))
