"""How soon API and worker are ready after their start, and what they hold resident: `make bench`.

Prints the median of five starts of each, on the embedded servers. Linux: resident memory is read from /proc.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from pathlib import Path

from app.db.migrate import migrate
from demo.embedded import open_postgres, open_valkey
from demo.launcher import Process
from demo.run_folder import open_run_folder
from tests.builders import a_tenant, write_tenant
from tests.integration.processes import open_api_process, open_worker_process

STARTS = 5


async def main() -> None:
    checkout = Path(__file__).parents[1]
    with open_run_folder(checkout / ".demo") as folder, tempfile.TemporaryDirectory(dir=folder.path) as name:
        tenants = Path(name)
        write_tenant(tenants, a_tenant(), webhook_secret="secret", api_key="key")
        async with open_postgres(folder) as postgres, open_valkey(folder) as valkey:
            await postgres.create_database("bench")
            urls = await postgres.create_roles("bench")
            await migrate(urls.owner, tell=lambda _: None)
            for command, opened in (("api", open_api_process), ("worker", open_worker_process)):
                seconds, resident = [], []
                for _ in range(STARTS + 1):
                    async with opened(urls, valkey, tenants, tenants / f"{command}.log", Process) as process:
                        seconds.append(await process.ready())
                        resident.append(await _settled(process))
                print(
                    f"{command}: ready after {statistics.median(seconds[1:]):.2f} s, "
                    f"{statistics.median(resident[1:]):.0f} MB resident (median of {STARTS} starts after one)"
                )


async def _settled(process: Process) -> float:
    await asyncio.sleep(0.5)
    return process.resident_mb


if __name__ == "__main__":
    asyncio.run(main())
