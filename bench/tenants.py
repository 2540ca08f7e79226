"""What many tenants' files cost: `make bench-tenants` (FILES=1000).

Half of them are accounts of one instance, half have a help desk of their own. Measured are the read at start, the look
for changes every two seconds, with plain files and with volumes as Kubernetes mounts them, `tenants check`, and what a
webhook waits in an API process while files change.
"""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import httpx

from app.core.tenant import Tenant
from app.db.migrate import migrate
from app.sender import Sender
from app.tenants import TenantDirectory
from app.tenants.directory import REFRESH_EVERY
from demo.embedded import open_postgres, open_valkey
from demo.launcher import Process, environment
from demo.run_folder import open_run_folder
from tests.builders import a_known_tenant, a_tenant, an_account, an_instance, write_instance, write_tenant
from tests.integration.processes import open_api_process

RELOADS = 5


def write_files(folder: Path, number: int) -> Tenant:
    """The files and secrets of *number* tenants and an instance. Returns one of the tenants."""
    instance = an_instance("main")
    write_instance(folder, instance, webhook_secret="secret", api_key="key")
    for index in range(number // 2):
        write_tenant(folder, an_account(instance, f"account-{index}", {"id": str(index), "name": f"Account {index}"}))
    for index in range(number - number // 2):
        tenant = a_tenant(f"own-{index}")
        write_tenant(folder, tenant, webhook_secret="secret", api_key="key")
    return tenant


def mount(folder: Path) -> Path:
    """The same as Kubernetes mounts it: each name a link through `..data`, the secrets as JSON objects."""
    mounted = folder / "mounted"
    contents = {
        "files": {path.name: path.read_text() for path in (folder / "files").glob("*.yaml")},
        "instances": {path.name: path.read_text() for path in (folder / "files" / "instances").glob("*.yaml")},
        "secrets": {
            f"{path.name}.json": '{"webhook_secret": "secret", "api_key": "key"}'
            for path in (folder / "secrets").iterdir()
            if any(path.iterdir())
        },
    }
    for name, files in contents.items():
        (mounted / name / "..1").mkdir(parents=True)
        (mounted / name / "..data").symlink_to("..1")
        for file, content in files.items():
            (mounted / name / "..1" / file).write_text(content)
            (mounted / name / file).symlink_to(f"..data/{file}")
    return mounted


def turn(mounted: Path) -> None:
    """What Kubernetes does when one file of a volume changes: all of them anew, then one link."""
    before = (mounted / "files" / "..data").readlink().name
    after = f"..{int(before.removeprefix('..')) + 1}"
    (mounted / "files" / after).mkdir()
    for path in (mounted / "files" / before).iterdir():
        (mounted / "files" / after / path.name).write_text(path.read_text())
    (mounted / "files" / "..next").symlink_to(after)
    (mounted / "files" / "..next").rename(mounted / "files" / "..data")


def seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def tell(what: str, figure: str) -> None:
    sys.stdout.write(f"| {what} | {figure} |\n")
    sys.stdout.flush()


def measure_directory(folder: Path, mounted: Path) -> None:
    own = TenantDirectory(folder / "files", folder / "secrets")
    tell("first read, CPU", f"{seconds(own.refresh):.2f} s")
    assert own.problems == []
    idle = statistics.median(seconds(own.refresh) for _ in range(20))
    share = idle / REFRESH_EVERY.total_seconds()
    tell("look for changes, plain files, CPU", f"{idle * 1000:.1f} ms each 2 s ({share:.1%} of a core)")
    kube = TenantDirectory(mounted / "files", mounted / "secrets", mounted / "instances")
    kube.refresh()
    assert kube.problems == []
    idle = statistics.median(seconds(kube.refresh) for _ in range(20))
    tell("look for changes, mounted volumes, CPU", f"{idle * 1000:.2f} ms each 2 s")
    turn(mounted)
    tell("read again after an update of the volume, CPU", f"{seconds(kube.refresh):.2f} s")


def measure_check(folder: Path) -> None:
    variables = {"TENANTS_DIR": str(folder / "files"), "TENANT_SECRETS_DIR": str(folder / "secrets")}
    started = time.monotonic()
    command = [sys.executable, "-m", "app", "tenants", "check"]
    ended = subprocess.run(command, env=environment(**variables), capture_output=True, check=False)
    assert ended.returncode == 0, ended.stdout[-500:]
    tell("`tenants check`, whole", f"{time.monotonic() - started:.1f} s")


async def measure_api(folder: Path, mounted: Path, tenant: Tenant) -> None:
    """A webhook at a time, without and with reloads of all files."""
    checkout = Path(__file__).parents[1]
    variables = {
        "TENANTS_DIR": str(mounted / "files"),
        "INSTANCES_DIR": str(mounted / "instances"),
        "TENANT_SECRETS_DIR": str(mounted / "secrets"),
    }
    with open_run_folder(checkout / ".demo") as run:
        async with open_postgres(run) as postgres, open_valkey(run) as valkey:
            await postgres.create_database("bench")
            urls = await postgres.create_roles("bench")
            await migrate(urls.owner, tell=lambda _: None)
            async with open_api_process(urls, valkey, folder, folder / "api.log", Process, **variables) as api:
                await api.ready()
                async with httpx.AsyncClient(base_url=api.url) as client:
                    await _send_for(client, tenant, 2.0)  # warm
                    calm = await _send_for(client, tenant, 10.0)
                    tell("webhook, no reload", _figures(calm))
                    files = sorted((mounted / "files").glob("*.yaml"))
                    for kind, changed in (("one file", files[:1]), ("every file", files)):
                        times: list[float] = []
                        for _ in range(RELOADS):
                            for path in changed:
                                path.write_text(path.read_text() + "# changed\n")
                            turn(mounted)
                            times += await _send_for(client, tenant, 3 * REFRESH_EVERY.total_seconds())
                        tell(f"webhook, {kind} of the volume changed, {RELOADS} times", _figures(times))


async def _send_for(client: httpx.AsyncClient, tenant: Tenant, limit_s: float) -> list[float]:
    sender = Sender(client, a_known_tenant(tenant))
    times = []
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        started = time.monotonic()
        answer = await sender.send({"event": "ticket_created", "ticket_id": uuid4().hex})
        times.append(time.monotonic() - started)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
    return times


def _figures(times: list[float]) -> str:
    ordered = sorted(times)
    p99 = ordered[math.ceil(len(ordered) * 0.99) - 1]
    return (
        f"median {statistics.median(times) * 1000:.1f} ms, p99 {p99 * 1000:.0f} ms, worst {ordered[-1] * 1000:.0f} ms"
    )


def main(number: int) -> None:
    checkout = Path(__file__).parents[1]
    (checkout / ".demo").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tenant = write_files(folder, number)
        mounted = mount(folder)
        tell(f"{number} tenants, {os.cpu_count()} cores", "")
        measure_directory(folder, mounted)
        measure_check(folder)
        asyncio.run(measure_api(folder, mounted, tenant))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
