"""The command line as a person uses it: processes, their output and exit status."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest
import yaml
from click.testing import CliRunner

from app.cli import cli
from app.core.tenant import Tenant
from demo.embedded import DatabaseUrls, ValkeyServer, find_free_port
from demo.launcher import Process
from demo.offline_model import ModelSimulator
from tests.builders import a_tenant, write_tenant
from tests.integration.forked import run_command
from tests.integration.processes import open_api_process, open_worker_process
from tests.integration.superuser import run_as_superuser

FAILING = a_tenant("failing", servicedesk={"url": "http://127.0.0.1:1"})
"""Its help desk is hosted by nobody, and no other test delivers to it: what another test sent may fail at any time."""


async def call(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(run_command, *arguments, **variables)


async def call_here(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As `call`, in a thread of this process: a process of its own takes one to two seconds of CPU to start.

    What `main` adds, the line for an error that no command expects, is `call`'s alone.
    """
    result = await asyncio.to_thread(CliRunner(env=variables).invoke, cli, arguments)
    return subprocess.CompletedProcess(arguments, result.exit_code, result.stdout, result.stderr)


@pytest.mark.parametrize(
    "wrong", [["nothing"], ["deliveries", "list"], ["tenants", "add", "x"], ["smoke", "--listen", "x"]], ids=" ".join
)
async def test_wrong_usage_is_status_2(wrong: list[str], tmp_path: Path) -> None:
    write_tenant(tmp_path, a_tenant("smoke"), webhook_secret="secret", api_key="key")
    ended = await call(*wrong, TENANTS_DIR=str(tmp_path / "files"), TENANT_SECRETS_DIR=str(tmp_path / "secrets"))
    assert ended.returncode == 2, ended.stderr
    assert "Traceback" not in ended.stderr


async def test_the_demo_is_not_in_the_package_and_its_command_says_where_it_is() -> None:
    ended = await call("demo")
    assert (ended.returncode, ended.stderr) == (
        1,
        "Error: the demo is not in this package: run `make demo` in a checkout\n",
    )


async def test_a_tenant_is_added_checked_and_listed(tmp_path: Path) -> None:
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    added = await call(
        *("tenants", "add", "acme", "--name", "Acme", "--edition", "on_premises"),
        *("--url", "https://sdp.acme.example", "--technician", "ai-agents@acme.example"),
        **folders,
    )
    assert added.returncode == 0, added.stderr
    assert "of webhook_secret, api_key:" in added.stdout
    assert f"> {tmp_path / 'secrets' / 'acme'}.json" in added.stdout
    checked = await call_here("tenants", "check", **folders)
    assert (checked.returncode, checked.stdout) == (1, "acme: secret webhook_secret: is missing\n")
    (tmp_path / "secrets" / "acme").mkdir(parents=True)
    (tmp_path / "secrets" / "acme" / "api_key").write_text("secret")
    checked = await call_here("tenants", "check", "--as", "worker", **folders)
    assert (checked.returncode, checked.stdout) == (0, "acme: fine\n")  # as its pods are: without the webhook's secret
    checked = await call_here("tenants", "check", "--as", "api", **folders)
    assert (checked.returncode, checked.stdout) == (1, "acme: secret webhook_secret: is missing\n")
    (tmp_path / "secrets" / "acme" / "webhook_secret").write_text("s")
    checked = await call_here("tenants", "check", "acme", **folders)
    assert checked.returncode == 0  # what was accepted before an upgrade is accepted after it
    assert checked.stdout.startswith("acme: fine\nacme: warning: secret webhook_secret (or the previous one")
    (tmp_path / "secrets" / "acme" / "webhook_secret").write_text("0123456789abcdef")
    checked = await call_here("tenants", "check", "acme", **folders)
    assert (checked.returncode, checked.stdout) == (0, "acme: fine\n")
    listed = await call_here("tenants", "list", **folders)
    assert listed.stdout.startswith("acme\t")
    (tmp_path / "files" / "acme.yaml").write_text("slug: acme\n")
    checked = await call_here("tenants", "check", **folders)
    assert checked.returncode == 1
    assert "acme: id:" in checked.stdout


Running = tuple[Process, Tenant, dict[str, str], int]


@pytest.fixture(scope="module")
async def running(
    urls: DatabaseUrls, valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Running]:
    """API and worker, with the tenant `smoke` whose help desk is where the smoke test will host it."""
    folder, port = tmp_path_factory.mktemp("cli"), find_free_port()
    tenant = a_tenant("smoke", servicedesk={"url": f"http://127.0.0.1:{port}/at/smoke"})
    write_tenant(folder, tenant, webhook_secret="secret", api_key="key")
    write_tenant(folder, FAILING, webhook_secret="secret", api_key="key")
    model = ModelSimulator()
    await model.start()
    async with (
        open_api_process(urls, valkey, folder, folder / "api.log") as api,
        open_worker_process(urls, valkey, folder, folder / "worker.log", OPENAI_BASE_URL=model.url) as worker,
    ):
        await api.ready()
        await worker.ready()
        folders = {"TENANTS_DIR": str(folder / "files"), "TENANT_SECRETS_DIR": str(folder / "secrets")}
        yield api, tenant, folders, port
    await model.stop()


async def test_the_smoke_test_passes_on_a_sound_system(running: Running) -> None:
    api, _, folders, port = running
    ended = await call("smoke", "--url", api.url, "--listen", f"127.0.0.1:{port}", "--json", **folders)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = json.loads(ended.stdout)
    assert report["passed"]
    details = {check["name"]: check["detail"] for check in report["checks"]}
    assert "1 sources cited" in details["one note arrives"]
    assert "as this release has it" in details["schema"]


async def test_the_smoke_test_fails_with_the_reason_when_no_note_can_come(running: Running) -> None:
    api, _, folders, _ = running
    ended = await call(
        "smoke", "--url", api.url, "--listen", f"127.0.0.1:{find_free_port()}", "--timeout", "2", **folders
    )
    assert ended.returncode == 1
    assert "never asked: check its url" in ended.stdout


async def test_deliveries_are_sent_listed_shown_and_replayed(running: Running, urls: DatabaseUrls) -> None:
    api, _, folders, _ = running
    sent = await call("webhook", "send", "--tenant", "smoke", "--url", api.url, "4711", **folders)
    assert sent.returncode == 0, sent.stderr
    job_id = json.loads(sent.stdout.removeprefix("202 "))["job_id"]
    database = {"DATABASE_URL": urls.worker, **folders}
    listed = await call("deliveries", "list", "--tenant", "smoke", "--ticket", "4711", **database)
    assert job_id in listed.stdout
    shown = await call("deliveries", "show", "--tenant", "smoke", job_id, **database)
    assert "ticket_created" in shown.stdout
    replayed = await call("deliveries", "replay", "--tenant", "smoke", job_id, **database)
    assert replayed.returncode == 1
    assert "not a failed delivery" in replayed.stdout
    await run_as_superuser(urls, "update delivery set accepted_at = '20000-01-01' where job_id = $1", job_id)
    for command in (
        ["list", "--tenant", "smoke", "--since", "0001-01-01T00:00:00Z"],
        ["show", "--tenant", "smoke", job_id],
    ):
        told = await call("deliveries", *command, **database)
        assert told.returncode == 0, told.stderr
        assert "9999" in told.stdout


async def test_failed_deliveries_are_filtered_replayed_and_dismissed_together(
    running: Running, urls: DatabaseUrls, superuser: asyncpg.Connection
) -> None:
    api, _, folders, _ = running
    database = {"DATABASE_URL": urls.worker, **folders}
    for ticket in ("501", "502", "503"):
        sent = await call_here("webhook", "send", "--tenant", "failing", "--url", api.url, ticket, **folders)
        assert sent.returncode == 0, sent.stderr
    failed = await superuser.fetch(
        "with failed as (update delivery set status = 'failed', settled_at = now(), code = 'help_desk_failed',"
        " last_error = 'answered 502'"
        " where tenant_id = $1 and ticket_id = any($2) returning tenant_id, job_id), gone as (delete from due using"
        " failed where due.job_id = failed.job_id) insert into dead select tenant_id, job_id from failed returning 1",
        FAILING.id,
        ["501", "502", "503"],
    )
    assert len(failed) == 3

    chosen = ["--tenant", "failing", "--since", "1h", "--reason", "help_desk_failed"]
    listed = await call_here("deliveries", "list", *chosen, "--status", "failed", "--limit", "2", **database)
    assert listed.stdout.count("answered 502") == 2
    assert "the newest 2 of 3" in listed.stderr
    status = await call_here("tenants", "status", "failing", **database)
    assert "3 failed" in status.stdout
    unsure = await call_here("deliveries", "replay", *chosen, "--all", "--limit", "1", **database)
    assert "the oldest 1 of 3" in unsure.stdout
    assert unsure.returncode == 1  # nobody said yes
    dismissed = await call_here(
        "deliveries", "dismiss", *chosen, "--all", "--ticket", "503", "--because", "a test", "--yes", **database
    )
    assert dismissed.stdout.strip() == "1 deliveries: dismissed"
    replayed = await call_here("deliveries", "replay", *chosen, "--all", "--yes", **database)
    assert replayed.stdout.strip() == "2 deliveries: due now"
    both = await call_here("deliveries", "replay", "--tenant", "failing", "--all", str(FAILING.id), **database)
    assert both.returncode == 2


class Answer(io.BytesIO):
    """The answer `y`, before which something happens."""

    def __init__(self, before: Callable[[], object]) -> None:
        super().__init__(b"y\n")
        self._before: Callable[[], object] = before

    def read1(self, size: int | None = -1) -> bytes:
        self._before()
        self._before = lambda: None
        return super().read1(size)


async def test_no_more_is_changed_than_was_asked_about_and_each_that_is_named(
    running: Running, urls: DatabaseUrls, superuser: asyncpg.Connection
) -> None:
    _, _, folders, _ = running
    database = {"DATABASE_URL": urls.worker, **folders}
    loop = asyncio.get_running_loop()
    chosen = ["--tenant", "failing", "--all", "--reason", "worker_lost"]

    async def fail(number: int) -> list[str]:
        rows = await superuser.fetch(
            "with failed as (insert into delivery (tenant_id, job_id, ticket_id, event, body, status, settled_at, code,"
            " last_error) select $1, gen_random_uuid(), '9', 'ticket_created', '', 'failed', now(), 'worker_lost', 'x'"
            " from generate_series(1, $2) returning tenant_id, job_id)"
            " insert into dead select tenant_id, job_id from failed returning job_id",
            FAILING.id,
            number,
        )
        return [str(row["job_id"]) for row in rows]

    async def change(before: Callable[[], object], *arguments: str) -> str:
        runner = CliRunner(env=database)
        return (await asyncio.to_thread(runner.invoke, cli, ["deliveries", *arguments], input=Answer(before))).output

    await fail(2)
    later = change(lambda: asyncio.run_coroutine_threadsafe(fail(3), loop).result(), "replay", *chosen)
    told = await later
    assert "replay 2 failed deliveries" in told
    assert "2 deliveries: due now" in told
    named = await fail(3)
    told = await change(lambda: None, "dismiss", "--tenant", "failing", "--limit", "1", "--because", "a test", *named)
    assert told.count(": dismissed") == 3


async def test_a_tenant_is_paused_seen_resumed_and_erased_only_when_it_is_suspended(
    running: Running, urls: DatabaseUrls, valkey: ValkeyServer, tmp_path: Path
) -> None:
    _, _, folders, _ = running
    database = {"DATABASE_URL": urls.worker, **folders}
    assert (await call_here("tenants", "pause", "--reason", "x", **database)).returncode == 2
    paused = await call_here("tenants", "pause", "smoke", "--reason", "their upgrade", **database)
    assert paused.returncode == 0, paused.stderr
    everyone = await call_here("tenants", "pause", "--all", "--reason", "our upgrade", **database)
    assert everyone.stdout.strip() == "every tenant: paused"
    seen = await call_here("tenants", "status", **database)
    assert "smoke: paused since" in seen.stdout
    assert "their upgrade" in seen.stdout
    assert "every tenant: paused" in seen.stdout
    assert (await call_here("tenants", "resume", "--all", **database)).returncode == 0
    assert (await call_here("tenants", "resume", "smoke", **database)).returncode == 0
    assert (await call_here("tenants", "resume", "smoke", **database)).returncode == 1

    owner = {"MIGRATION_DATABASE_URL": urls.owner, "REDIS_URL": valkey.url}
    refused = await call_here("tenants", "erase", "smoke", "--yes", **owner, **folders)
    assert refused.returncode == 1
    assert "set status: suspended" in refused.stderr
    suspended = a_tenant("gone", status="suspended")
    write_tenant(tmp_path, suspended, api_key="key")
    own = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    erased = await call_here("tenants", "erase", "gone", "--yes", **owner, **own)
    assert erased.returncode == 0, erased.stderr
    assert "counted again in every table: 0 rows" in erased.stdout
    by_id = await call_here("tenants", "erase", "--id", str(suspended.id), **owner, **folders)
    assert by_id.returncode == 1  # nobody said yes


async def test_a_forged_secret_is_told_by_its_answer(running: Running, tmp_path: Path) -> None:
    api, tenant, _, _ = running
    write_tenant(tmp_path, tenant, webhook_secret="another", api_key="key")
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    sent = await call("webhook", "send", "--tenant", "smoke", "--url", api.url, "1", **folders)
    assert sent.returncode == 1
    assert sent.stdout.startswith("401 ")
    assert "may not have read the tenant's file yet" in sent.stderr


async def test_an_unknown_tenant_is_told_with_those_that_are_known(tmp_path: Path) -> None:
    write_tenant(tmp_path, a_tenant("acme"), webhook_secret="secret", api_key="key")
    (tmp_path / "files" / "bad.yaml").write_text(yaml.safe_dump({"slug": "bad"}))
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    ended = await call("tenants", "check", "acmee", **folders)
    assert ended.returncode == 1
    assert "known tenants: acme" in ended.stderr


@pytest.fixture
def no_tenant(tmp_path: Path) -> Path:
    """The folders of tenants, empty."""
    (tmp_path / "files").mkdir()
    (tmp_path / "secrets").mkdir()
    return tmp_path


async def test_before_the_first_tenant_every_process_runs(
    urls: DatabaseUrls, valkey: ValkeyServer, no_tenant: Path
) -> None:
    """As production does after its first installation."""
    folders = {"TENANTS_DIR": str(no_tenant / "files"), "TENANT_SECRETS_DIR": str(no_tenant / "secrets")}
    async with (
        open_api_process(urls, valkey, no_tenant, no_tenant / "api.log") as api,
        open_worker_process(urls, valkey, no_tenant, no_tenant / "worker.log") as worker,
    ):
        await api.ready()
        await worker.ready()
        synced = await call("sync", DATABASE_URL=urls.worker, REDIS_URL=valkey.url, **folders)

    assert synced.returncode == 0, synced.stderr


async def test_sync_logs_as_it_is_told_to(running: Running, urls: DatabaseUrls, valkey: ValkeyServer) -> None:
    _, _, folders, _ = running  # its help desk is hosted by nobody now
    ended = await call("sync", DATABASE_URL=urls.worker, REDIS_URL=valkey.url, LOG_FORMAT="json", **folders)

    assert ended.returncode == 1
    logged = [json.loads(line) for line in ended.stderr.splitlines() if line.startswith("{")]
    assert logged, ended.stdout + ended.stderr
    assert all(line["process"] == "sync" for line in logged)


async def test_a_role_or_database_that_is_not_the_right_one_is_one_clear_line(
    urls: DatabaseUrls, tmp_path: Path
) -> None:
    write_tenant(tmp_path, a_tenant(), webhook_secret="secret", api_key="key")
    where = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    for command, url, says in (
        (["list"], urls.intake, "this role may not do that: use the worker's, ai_agents_worker"),
        (["replay", JOB], urls.intake, "this role may not do that: use the worker's, ai_agents_worker"),
        (["list"], urls.worker.rpartition("/")[0] + "/nowhere", "there is no such database"),
        (
            ["list"],
            urls.worker.replace("ai_agents_worker:", "ai_agents_worker:wrong"),
            "PostgreSQL does not accept this user and password",
        ),
        (
            ["list"],
            urls.worker + "?channel_binding=require",
            "PostgreSQL does not know a parameter that the URL has behind its ?",
        ),
    ):
        told = await call("deliveries", command[0], "--tenant", "acme", *command[1:], DATABASE_URL=url, **where)
        assert (told.returncode, told.stdout, told.stderr) == (1, "", f"Error: DATABASE_URL: {says}\n")


async def test_a_role_that_may_not_migrate_is_one_clear_line(urls: DatabaseUrls) -> None:
    told = await call_here("migrate", MIGRATION_DATABASE_URL=urls.worker)
    assert told.returncode == 1
    assert told.stderr.startswith("Error: MIGRATION_DATABASE_URL: this role may not do that: use the owner's")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("notaurl", "--url must be the API's"),
        ("", "--url must be the API's"),
        ("http://127.0.0.1:1/webhook/servicedesk", "did not answer (ConnectError)"),
    ],
)
async def test_a_url_that_no_webhook_can_be_sent_to_is_told(tmp_path: Path, url: str, says: str) -> None:
    write_tenant(tmp_path, a_tenant(), webhook_secret="secret")
    where = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    told = await call_here("webhook", "send", "--tenant", "acme", "--url", url, "100", **where)
    assert told.returncode == 1
    assert says in told.stderr


JOB = "6f9619ff-8b86-5d01-b42d-00cf4fc964ff"
