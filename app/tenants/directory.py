"""Which tenants and instances are served: their files and secrets, read again when they change.

Invariant: a tenant is served by the last version of its file that was valid as a whole. A bad file or secret changes
nothing for it, is told in the log, a metric and `tenants check`, and never touches another tenant. A file that is
removed removes its tenant.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from app.core.accounts import Accounts
from app.core.help_desk import AccountRef
from app.core.tenant import Instance, Tenant
from app.errors import TenantFileInvalid
from app.telemetry.metrics import TENANT_FILES_BAD
from app.tenants.clashes import Served
from app.tenants.files import read_content, read_instance, read_tenant
from app.tenants.secrets import KnownTenant, read_secrets, secret_files

REFRESH_EVERY: Final = timedelta(seconds=2)

log = structlog.get_logger(__name__)

_FileStats = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a file and its secrets were when they were last read."""

    stats: _FileStats
    digest: bytes
    """Of their content."""
    instances: int
    """The version of the instances, which a tenant's file is read with."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """What is wrong with one tenant's file or secrets: a sentence with the remedy."""

    slug: str
    detail: str


class TenantDirectory:
    """All tenants of `TENANTS_DIR` with their secrets."""

    def __init__(self, files: Path, secrets: Path, instances: Path | None = None) -> None:
        """A directory.

        Args:
            files: `TENANTS_DIR`: one file for each tenant.
            secrets: `TENANT_SECRETS_DIR`: for each tenant and instance a folder `<slug>` with a file for each secret,
                or a JSON object of them in one of `SECRET_OBJECTS`. A folder beside such a file does not count.
            instances: `INSTANCES_DIR`: one file for each instance; None: the folder `instances` of *files*.
        """
        self._files = files
        self._secrets = secrets
        self._instance_files = instances or files / "instances"
        self._instances: dict[str, Instance] = {}
        """The last valid version of each instance's file."""
        self._instances_version = 0
        """Changes when one of the instances or its secrets does."""
        self._volumes: tuple[str, ...] | None = None
        self._seen: dict[str, _Seen] = {}
        self._read: dict[str, KnownTenant] = {}
        """The last valid version of each file."""
        self._unreadable: dict[str, FileProblem] = {}
        self._again: set[str] = set()
        """Those that the system could not read, which may pass: they are tried again, changed or not."""
        self._clashing: dict[str, FileProblem] = {}
        self._by_slug: dict[str, KnownTenant] = {}
        """The tenants in use, by slug."""
        self._in_order: Sequence[KnownTenant] = ()
        """The same, sorted by slug."""
        self._slots: Mapping[UUID, int] = {}
        self._by_id: dict[UUID, KnownTenant] = {}
        self._accounts: dict[UUID, Accounts[KnownTenant]] = {}
        """Of each instance."""
        self._told: set[str] = set()

    def find(self, tenant_id: UUID) -> KnownTenant | None:
        """The tenant of this id, suspended or not."""
        return self._by_id.get(tenant_id)

    def find_account(self, instance_id: UUID, told: AccountRef) -> KnownTenant | None:
        """The tenant that is the account *told* of this instance, suspended or not."""
        accounts = self._accounts.get(instance_id)
        return None if accounts is None else accounts.find(told)

    def accounts_of(self, instance_id: UUID) -> list[KnownTenant]:
        """The tenants that are accounts of this instance, by slug; suspended ones first, for `Accounts`."""
        found = [known for known in self if known.tenant.desk_id == instance_id and not known.tenant.is_instance]
        return sorted(found, key=lambda known: not known.tenant.is_suspended)

    @property
    def instance_of(self) -> dict[UUID, UUID]:
        """The instance of each tenant that is an account of one."""
        of = ((known.tenant.id, known.tenant.servicedesk) for known in self)
        return {id_: options.instance_id for id_, options in of if options.account and options.instance_id}

    def find_slug(self, slug: str) -> KnownTenant | None:
        """The tenant of this slug, suspended or not."""
        return self._by_slug.get(slug)

    def __iter__(self) -> Iterator[KnownTenant]:
        return iter(self._in_order)

    @property
    def slots(self) -> Mapping[UUID, int]:
        """How many deliveries of each tenant may be in work at once; another object after each change."""
        return self._slots

    def find_clash(self, tenant: Tenant) -> str | None:
        """Why *tenant*, whose file is new, can't be served beside the tenants in use; None: it can."""
        served = Served()
        for known in self:
            served.add(known)
        return served.find_clash(tenant)

    @property
    def instances(self) -> Mapping[str, Instance]:
        """The shared help desks by name."""
        return self._instances

    def secret_names(self) -> set[str]:
        """The names under which there are secrets, whether a file needs them or not."""
        try:
            names = [path.name for path in self._secrets.iterdir()]
        except OSError:
            return set()
        return {name.partition(".")[0] for name in names if not name.startswith(".")}

    @property
    def problems(self) -> list[FileProblem]:
        """The current problems, sorted by slug."""
        found = self._clashing | self._unreadable
        return [found[slug] for slug in sorted(found)]

    def refresh(self) -> list[FileProblem]:
        """Read what changed since the last call. Returns the problems that are new."""
        volumes = self._volume_versions()
        if volumes is not None and volumes == self._volumes:
            return []
        known_before = set(self.problems)
        # Instances first: a tenant's file is read with its instance's.
        try:
            instances = {_key_of_instance(name) for name in _names_in(self._instance_files)}
            keys = [*sorted(instances), *sorted(_names_in(self._files))]
        except OSError as error:  # nobody's file is gone
            log.error("tenants_not_listed", cause=error.strerror)
            return []
        gone = set(self._seen) - set(keys)
        for key in gone:
            if key.startswith(_INSTANCE_MARK):
                self._instances.pop(key.removeprefix(_INSTANCE_MARK), None)
                self._instances_version += 1
            for of_files in (self._seen, self._read, self._unreadable):
                of_files.pop(key, None)
            self._again.discard(key)
        changed = [key for key in keys if self._reread(key)]
        if changed or gone:
            self._choose_served()
        self._volumes = None if self._again else volumes  # as it was before the files were read
        return [problem for problem in self.problems if problem not in known_before]

    def _volume_versions(self) -> tuple[str, ...] | None:
        """The versions of the folders, where Kubernetes mounted all of them; None: each file must be looked at."""
        versions = [_volume_version(each) for each in (self._files, self._instance_files, self._secrets)]
        known = tuple(version for version in versions if version is not None)
        return known if len(known) == len(versions) else None

    def _reread(self, key: str) -> bool:
        """Read the file and secrets of a tenant or instance if they changed. True if they did."""
        is_instance = key.startswith(_INSTANCE_MARK)
        slug = key.removeprefix(_INSTANCE_MARK)
        path = (self._instance_files if is_instance else self._files) / f"{slug}.yaml"
        secrets = self._secrets / slug
        told = os.fsencode(slug).decode(errors="backslashreplace")  # a label of a metric must be UTF-8
        version = 0 if is_instance else self._instances_version
        before = None if key in self._again else self._seen.get(key)
        problem = self._unreadable.get(key)
        self._again.discard(key)
        try:
            paths = [path, *secret_files(secrets)]
            stats = _stats_of(paths)
            if before is not None and (before.stats, before.instances) == (stats, version):
                return False
            # Kubernetes writes all files of a volume anew when one of them changes.
            digest = _digest_of(paths)
            self._seen[key] = _Seen(stats, digest, version)
            if before is not None and (before.digest, before.instances) == (digest, version):
                return False
            if is_instance:
                instance = read_instance(path)
                self._read[key] = KnownTenant(instance.as_tenant(), read_secrets(secrets, instance.as_tenant()))
                self._instances[slug] = instance
                self._instances_version += 1
            else:
                self._read[key] = self._with_secrets(read_tenant(path, self._instances))
        except TenantFileInvalid as error:
            self._unreadable[key] = FileProblem(told, error.detail)
            if isinstance(error.__cause__, OSError):
                self._again.add(key)
                return self._unreadable[key] != problem
        except Exception as error:  # whatever a file or secret holds, it must not affect other tenants
            log.exception("tenant_file_unreadable", tenant=told)
            self._unreadable[key] = FileProblem(told, f"can't be read ({type(error).__name__}): write it anew")
        else:
            self._unreadable.pop(key, None)
        return True

    def _with_secrets(self, tenant: Tenant) -> KnownTenant:
        """*tenant* with its secrets. An account has its instance's too, which come after its own."""
        own = read_secrets(self._secrets / tenant.slug, tenant)
        if tenant.servicedesk.instance is None:
            return KnownTenant(tenant, own)
        instance = self._read[_key_of_instance(tenant.servicedesk.instance)]
        # A webhook that names the tenant may be shown to be genuine by its own secret, or by the instance's.
        is_alike = tenant.webhook == instance.tenant.webhook
        webhook = (*own.webhook, *(instance.secrets.webhook if is_alike else ()))
        desk = instance.secrets
        return KnownTenant(tenant, replace(own, webhook=webhook, api_key=desk.api_key, oauth=desk.oauth))

    def _choose_served(self) -> None:
        """Choose each tenant's latest version that clashes with no other's. Of two that clash, the earlier stays.

        Earlier is a tenant that is in use and did not change. Among new files it is the first by name, so that all
        processes that start choose alike. If a changed file clashes, the tenant's version before is used. An account
        comes after its instance, which decides where both are.
        """
        before, served, clashing = self._by_slug, Served(), {}

        def age(known: KnownTenant) -> int:
            slug = known.tenant.slug
            return 0 if before.get(slug) == known else 1 if slug in before else 2

        def rank(known: KnownTenant) -> tuple[int, bool, str]:
            options = known.tenant.servicedesk
            instance = self._read.get(_key_of_instance(options.instance)) if options.instance else None
            return max(age(known), age(instance or known)), options.account is not None, known.tenant.slug

        for key, latest in sorted(self._read.items(), key=lambda item: rank(item[1])):
            slug = latest.tenant.slug
            clash = served.find_clash(latest.tenant)
            if clash is None:
                served.add(latest)
                continue
            clashing[key] = FileProblem(slug, clash)
            earlier = before.get(slug)
            if earlier is not None and served.find_clash(earlier.tenant) is None:
                served.add(earlier)
        self._by_slug, self._by_id, self._clashing = served.by_slug, served.by_id, clashing
        self._in_order = sorted(served.by_slug.values(), key=lambda known: known.tenant.slug)
        self._slots = {known.tenant.id: known.tenant.slots for known in self._in_order}
        self._accounts = {
            known.tenant.id: Accounts(
                (account, each)
                for each in self.accounts_of(known.tenant.id)
                if (account := each.tenant.servicedesk.account) is not None
            )
            for known in served.by_slug.values()
            if known.tenant.is_instance
        }

    async def watch(self) -> None:
        """Refresh without end, and log new problems."""
        while True:
            try:
                self._tell(await asyncio.to_thread(self.refresh))
            except Exception:  # a bug with one file must not stop the refresh of the others
                log.exception("tenants_not_refreshed")
            await asyncio.sleep(REFRESH_EVERY.total_seconds())

    def _tell(self, fresh: list[FileProblem]) -> None:
        for problem in fresh:
            log.error("tenant_file_refused", tenant=problem.slug, detail=problem.detail)
        bad = {problem.slug for problem in self.problems}
        for slug in self._told - bad:
            TENANT_FILES_BAD.remove(slug)
        for slug in bad:
            TENANT_FILES_BAD.labels(slug).set(1)
        self._told = bad


# The directory's dicts have an instance under its name with this prefix, which can't be in a slug.
_INSTANCE_MARK: Final = "instances/"


def _key_of_instance(name: str) -> str:
    return f"{_INSTANCE_MARK}{name}"


def _names_in(folder: Path) -> set[str]:
    """The names of the files in *folder*. Raises OSError if that can't be told now, e.g. with too many files open."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return set()
    return {name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and not name.startswith(".")}


def _volume_version(folder: Path) -> str | None:
    """What changes when Kubernetes updates the volume mounted at *folder*; None: it is not such a volume.

    Kubernetes writes the new files into a folder of their own and then turns the link `..data` to it.
    """
    try:
        return str((folder / "..data").readlink())
    except OSError:
        with suppress(OSError):  # as it may not be looked at
            return None if folder.exists() else "absent"
        return None


@asynccontextmanager
async def open_tenants(files: Path, secrets: Path, instances: Path | None = None) -> AsyncIterator[TenantDirectory]:
    """The directory, read once before the block begins and followed until it ends; arguments as for it."""
    directory = TenantDirectory(files, secrets, instances)
    directory._tell(directory.refresh())  # noqa: SLF001 - its own module
    watching = asyncio.create_task(directory.watch())
    try:
        yield directory
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def _stats_of(paths: list[Path]) -> _FileStats:
    found = []
    for path in paths:
        try:
            found_now = path.stat()  # follows links: Kubernetes updates a ConfigMap by changing where they lead
        except OSError:
            continue
        found.append((path.name, found_now.st_mtime_ns, found_now.st_size, found_now.st_ino))
    return tuple(found)


def _digest_of(paths: list[Path]) -> bytes:
    digest = hashlib.sha256()
    for path in paths:
        try:
            content = read_content(path)
        except OSError as error:
            content = type(error).__name__.encode()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.digest()
