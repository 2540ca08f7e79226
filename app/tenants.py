"""The tenants' and instances' files and secrets, read again when they change.

Invariant: a tenant is served by the last version of its file that was valid as a whole. A bad file or secret changes
nothing for it, is told in the log, a metric and `tenants check`, and never touches another tenant. A file that is
removed removes its tenant. No two tenants that are served have the same id, and no two active ones the same help desk,
unless both are accounts of one instance that can be told apart.

An instance (`core.help_desk`) is in use like a tenant: it owns deliveries whose account is not known, and the limits
that its accounts share.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import json
import os
import stat
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

import structlog
from pydantic import BaseModel, ValidationError

from app.core.accounts import Accounts
from app.core.help_desk import Account, AccountRef, similar_name
from app.core.plain_yaml import MAX_CHARS, read_plain_yaml
from app.core.signature import LEAST_KEY_BYTES, decode_secret, decode_token
from app.core.tenant import Auth, Instance, Tenant
from app.errors import TenantFileInvalid
from app.telemetry.metrics import TENANT_FILES_BAD

REFRESH_EVERY: Final = timedelta(seconds=2)
MAX_FILE_BYTES: Final = MAX_CHARS

WEBHOOK_SECRET_FILES: Final = ("webhook_secret", "webhook_secret_previous")
API_KEY_FILE: Final = "api_key"
MODEL_KEY_FILE: Final = "model_api_key"
DOCUMENTATION_TOKEN_FILE: Final = "documentation_token"  # noqa: S105 - a file's name
OAUTH_FILES: Final = ("oauth_client_id", "oauth_client_secret", "oauth_refresh_token")
SECRET_FILES: Final = (*WEBHOOK_SECRET_FILES, API_KEY_FILE, *OAUTH_FILES, MODEL_KEY_FILE, DOCUMENTATION_TOKEN_FILE)
OWN_SECRETS: Final = frozenset({MODEL_KEY_FILE, DOCUMENTATION_TOKEN_FILE})
"""Those that an account of a shared help desk has for itself."""
SECRET_OBJECTS: Final = (".json", ".webhook.json", ".help-desk.json")
"""What follows a slug in the names of the files with several secrets as one JSON object. Those that are there count
together: the API's Secret has one, the worker's another."""

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
class OAuthSecrets:
    """The credentials of the cloud edition, for OAuth with a refresh token."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TenantSecrets:
    """A tenant's secrets, if their files are mounted: the API has no help desk's key, the sync no webhook secret."""

    webhook: tuple[bytes, ...] = field(default=(), repr=False)
    """The current secret, then the previous one, which is still accepted during a rotation."""
    api_key: str | None = field(default=None, repr=False)
    oauth: OAuthSecrets | None = field(default=None, repr=False)
    model_api_key: str | None = field(default=None, repr=False)
    """The client's own key for its model."""
    documentation_token: str | None = field(default=None, repr=False)
    """For the server of its documentation: a token, or `user:password`."""


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """A tenant with its secrets."""

    tenant: Tenant
    secrets: TenantSecrets


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
        self._clashing: dict[str, FileProblem] = {}
        self._by_slug: dict[str, KnownTenant] = {}
        """The tenants in use, by slug."""
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
        return iter(sorted(self._by_slug.values(), key=lambda known: known.tenant.slug))

    def find_clash(self, tenant: Tenant) -> str | None:
        """Why *tenant*, whose file is new, can't be served beside the tenants in use; None: it can."""
        served = _Served()
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
        instances = {_key_of_instance(name) for name in _names_in(self._instance_files)}
        keys = [*sorted(instances), *sorted(_names_in(self._files))]
        gone = set(self._seen) - set(keys)
        for key in gone:
            if key.startswith(_INSTANCE_MARK):
                self._instances.pop(key.removeprefix(_INSTANCE_MARK), None)
                self._instances_version += 1
            for of_files in (self._seen, self._read, self._unreadable):
                of_files.pop(key, None)
        changed = [key for key in keys if self._reread(key)]
        if changed or gone:
            self._choose_served()
        self._volumes = volumes  # as it was before the files were read
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
        before = self._seen.get(key)
        try:
            paths = [path, *_secret_files(secrets)]
            stats = _stats_of(paths)
            if before is not None and (before.stats, before.instances) == (stats, version):
                return False
            # Kubernetes writes all files of a volume anew when one of them changes.
            digest = _digest_of(paths)
            self._seen[key] = _Seen(stats, digest, version)
            if before is not None and (before.digest, before.instances) == (digest, version):
                return False
            if is_instance:
                self._instances_version += 1
                instance = read_instance(path)
                self._read[key] = KnownTenant(instance.as_tenant(), read_secrets(secrets, instance.as_tenant()))
                self._instances[slug] = instance
            else:
                self._read[key] = self._with_secrets(read_tenant(path, self._instances))
        except TenantFileInvalid as error:
            self._unreadable[key] = FileProblem(told, error.detail)
        except Exception as error:  # whatever a file or secret holds, it must not affect other tenants
            log.exception("tenant_file_unreadable", tenant=told)
            self._unreadable[key] = FileProblem(told, f"can't be read ({type(error).__name__}): write it anew")
        else:
            self._unreadable.pop(key, None)
        return True

    def _with_secrets(self, tenant: Tenant) -> KnownTenant:
        """*tenant* with its secrets. An account has those of its instance, preceded by its own webhook secrets."""
        own = read_secrets(self._secrets / tenant.slug, tenant)
        if tenant.servicedesk.instance is None:
            return KnownTenant(tenant, own)
        instance = self._read[_key_of_instance(tenant.servicedesk.instance)]
        # A webhook that names the tenant may be shown to be genuine by its own secret, or by the instance's.
        is_alike = tenant.webhook == instance.tenant.webhook
        webhook = (*own.webhook, *(instance.secrets.webhook if is_alike else ()))
        return KnownTenant(
            tenant, TenantSecrets(webhook, instance.secrets.api_key, instance.secrets.oauth, own.model_api_key)
        )

    def _choose_served(self) -> None:
        """Choose each tenant's latest version that clashes with no other's. Of two that clash, the earlier stays.

        Earlier is a tenant that is in use and did not change. Among new files it is the first by name, so that all
        processes that start choose alike. If a changed file clashes, the tenant's version before is used. An account
        comes after its instance, which decides where both are.
        """
        before, served, clashing = self._by_slug, _Served(), {}

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
    try:
        names = [path.name for path in folder.iterdir()]
    except OSError:
        return set()
    return {name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and not name.startswith(".")}


def _volume_version(folder: Path) -> str | None:
    """What changes when Kubernetes updates the volume mounted at *folder*; None: it is not such a volume.

    Kubernetes writes the new files into a folder of their own and then turns the link `..data` to it.
    """
    try:
        return str((folder / "..data").readlink())
    except OSError:
        return None if folder.exists() else "absent"


_ANY: Final = "\n"
"""In the place of an account's id or name, neither of which can be this."""


class _Served:
    """The tenants chosen so far, with their ids and addresses, which no other may have."""

    def __init__(self) -> None:
        self.by_slug: dict[str, KnownTenant] = {}
        self.by_id: dict[UUID, KnownTenant] = {}
        self._desks: dict[UUID, Tenant] = {}
        """One tenant of each `desk_id`; all others of it have the same address."""
        self._by_address: dict[str, dict[UUID | None, Tenant]] = {}
        """Of each help desk one tenant that has it as its own, and one of each instance."""
        self._by_account: dict[tuple[UUID | None, str, str], Tenant] = {}
        """Of an instance by each account, and one of each way to name an account: by its id, its name, or a site."""

    def find_clash(self, tenant: Tenant) -> str | None:
        """A sentence with the remedy if *tenant* has the id or address of one of these; else None."""
        if (other := self.by_id.get(tenant.id)) is not None:
            return f"id: is also the id of {other.tenant.slug}; draw another uuid"
        if tenant.slug in self.by_slug:
            return f"slug: an instance and a tenant are both named {tenant.slug}; rename one of the two"
        desk = self._desks.get(tenant.desk_id)
        if desk is not None and desk.servicedesk.address != tenant.servicedesk.address:
            return (
                f"servicedesk.instance: its id is also that of {desk.slug}, which has another help desk"
                f" ({desk.servicedesk.address}); draw another uuid for one of the two, or mend this file if it has not"
                " followed its instance"
            )
        if tenant.is_suspended:
            return None
        mixed = (find_mixed(tenant, other) for other in self._near(tenant))
        return next((told for told in mixed if told is not None), None)

    def _near(self, tenant: Tenant) -> Iterator[Tenant]:
        """Those of the same help desk that may be mixed up with *tenant*. Its accounts can be many, so not all."""
        options = tenant.servicedesk
        yield from self._by_address.get(options.address, {}).values()
        if options.account is not None:
            kind, name = _way_to_name(options.account)
            sites = (("site", site) for site in options.account.site_ids)
            for key in ((kind, name), ("name" if kind == "id" else "id", _ANY), *sites):
                if (other := self._by_account.get((options.instance_id, *key))) is not None:
                    yield other

    def add(self, known: KnownTenant) -> None:
        tenant = known.tenant
        self.by_slug[tenant.slug] = self.by_id[tenant.id] = known
        if tenant.is_suspended:  # its help desk is not called
            return
        options = tenant.servicedesk
        self._desks.setdefault(tenant.desk_id, tenant)
        self._by_address.setdefault(options.address, {}).setdefault(options.instance_id, tenant)
        if options.account is not None:
            kind, name = _way_to_name(options.account)
            sites = (("site", site) for site in options.account.site_ids)
            for key in ((kind, name), (kind, _ANY), *sites):
                self._by_account.setdefault((options.instance_id, *key), tenant)


def _way_to_name(account: Account) -> tuple[str, str]:
    return ("id", account.id) if account.id is not None else ("name", similar_name(account.name or ""))


def find_mixed(tenant: Tenant, other: Tenant) -> str | None:
    """Why the tickets of two tenants with one help desk would mix; None: they can be told apart."""
    mine, its = tenant.servicedesk, other.servicedesk
    if mine.instance_id is None or mine.instance_id != its.instance_id:
        return (
            f"servicedesk.url: leads to the help desk of {other.slug} ({mine.address}), so the tickets of two tenants"
            " would mix; give each a help desk of its own, make both accounts of one instance (instances/<name>.yaml),"
            " or suspend or remove one of the two"
        )
    if mine.account is None or its.account is None or mine.account.can_be_told_apart(its.account):
        return None
    return (
        f"servicedesk.account: can't be told apart from the account of {other.slug}, so the tickets of two tenants"
        " would mix; give both the id of their account, and different ones, and no site to both"
    )


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


def _secret_files(folder: Path) -> list[Path]:
    """The files of the secrets that `read_secrets` would read in *folder*."""
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        found = []
    return [*_secret_objects(folder), *found]


def _secret_objects(folder: Path) -> list[Path]:
    """The files that may hold a tenant's secrets as JSON objects, in place of its *folder*."""
    return [folder.parent / f"{folder.name}{ending}" for ending in SECRET_OBJECTS]


def _stats_of(paths: list[Path]) -> _FileStats:
    found = []
    for path in paths:
        try:
            found_now = path.stat()  # follows links: Kubernetes updates a ConfigMap by changing where they lead
        except OSError:
            continue
        found.append((path.name, found_now.st_mtime_ns, found_now.st_size, found_now.st_ino))
    return tuple(found)


def _content_of(path: Path) -> bytes:
    """The first `MAX_FILE_BYTES` + 1 bytes of *path*. A pipe would keep the reader waiting, so it must be a file."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EINVAL, "is no file")
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def _digest_of(paths: list[Path]) -> bytes:
    digest = hashlib.sha256()
    for path in paths:
        try:
            content = _content_of(path)
        except OSError as error:
            content = type(error).__name__.encode()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.digest()


def read_tenant(path: Path, instances: Mapping[str, Instance] = MappingProxyType({})) -> Tenant:
    """The tenant that *path* describes, its shared help desk taken from *instances*, by name.

    Raises:
        TenantFileInvalid: The sentence names the wrong key and what it must be.
    """
    tenant = parse_tenant(read_values(path), instances)
    if tenant.slug != path.stem:
        raise TenantFileInvalid(f"slug: must be the file's name, {path.stem}", field="slug")
    return tenant


def parse_tenant(values: Any, instances: Mapping[str, Instance]) -> Tenant:
    """The tenant of a file that holds *values*; otherwise as `read_tenant`."""
    options = values.get("servicedesk") if isinstance(values, dict) else None
    if isinstance(options, dict) and options.get("instance") is not None:
        shared = _shared_options(options, instances)
        values = {"webhook": instances[str(options["instance"])].webhook, **values, "servicedesk": shared}
    return _validate(Tenant, values)


def _shared_options(options: dict[str, Any], instances: Mapping[str, Instance]) -> dict[str, Any]:
    """The options of an account, which names its instance and itself alone."""
    name = str(options["instance"])
    instance = instances.get(name)
    if instance is None:
        told = f"servicedesk.instance: there is no valid file instances/{name[:64]}.yaml"
        raise TenantFileInvalid(told, field="servicedesk.instance")
    if further := sorted(str(key) for key in options.keys() - {"instance", "account"}):
        key = f"servicedesk.{further[0][:64]}"
        raise TenantFileInvalid(f"{key}: stands in instances/{name}.yaml, once for all its accounts", field=key)
    if not options.get("account"):
        told = 'servicedesk.account: is required beside instance, e.g. account: {id: "601", name: "Acme Corp"}'
        raise TenantFileInvalid(told, field="servicedesk.account")
    return {**instance.options, "account": options["account"]}


def read_instance(path: Path) -> Instance:
    """The instance that *path* describes.

    Raises:
        TenantFileInvalid: The sentence names the wrong key and what it must be.
    """
    instance = parse_instance(read_values(path))
    if instance.name != path.stem:
        raise TenantFileInvalid(f"name: must be the file's name, {path.stem}", field="name")
    return instance


def parse_instance(values: Any) -> Instance:
    """The instance of a file that holds *values*; otherwise as `read_instance`."""
    return _validate(Instance, values)


def read_values(path: Path) -> Any:
    """What the file *path* holds, as `read_plain_yaml` reads it.

    Raises:
        TenantFileInvalid: It can't be read; the sentence says why.
    """
    try:
        content = _content_of(path)
        if len(content) > MAX_FILE_BYTES:
            raise TenantFileInvalid(f"is larger than {MAX_FILE_BYTES} bytes")
        return read_plain_yaml(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise TenantFileInvalid("is not in UTF-8: save it so") from error
    except OSError as error:
        raise TenantFileInvalid(f"can't be read ({error.strerror})") from error


_Model = TypeVar("_Model", bound=BaseModel)


def _validate(model: type[_Model], values: Any) -> _Model:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error) from error


_REASONS: Final = {
    "extra_forbidden": "is not a key of a tenant's file",
    "missing": "is required",
    "model_type": "must hold keys with their values, e.g. name: Acme Corp",
    "model_attributes_type": "must hold keys with their values, e.g. name: Acme Corp",
    "uuid_parsing": "must be a UUID, e.g. from `uuidgen`",
    "uuid_type": "must be a UUID, e.g. from `uuidgen`",
}
"""Instead of the library's words."""


def _invalid(error: ValidationError) -> TenantFileInvalid:
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    reason = _REASONS.get(first["type"], first["msg"])
    return TenantFileInvalid(f"{key or 'the file'}: {reason.removeprefix('Value error, ')}", field=key)


def read_secrets(folder: Path, tenant: Tenant) -> TenantSecrets:
    """The secrets of *tenant* that are in *folder*, or in the JSON object that takes its place.

    Raises:
        TenantFileInvalid: A secret is there and can't be used, or an OAuth set is incomplete.
    """
    values = _secret_values(folder)
    current, previous = WEBHOOK_SECRET_FILES
    # The previous one may be empty: a secret store that always writes both keys has no value for it outside a rotation.
    webhook = [_secret(values, current), _secret(values, previous, may_be_empty=True)]
    oauth = [_header_secret(values, name, is_word=False) for name in OAUTH_FILES]
    if tenant.servicedesk.edition.is_cloud and any(oauth) and not all(oauth):
        missing = [name for name, value in zip(OAUTH_FILES, oauth, strict=True) if not value]
        raise TenantFileInvalid(f"secret {missing[0]}: is missing beside its siblings", field=missing[0])
    decode = decode_token if tenant.webhook.auth is Auth.TOKEN else decode_secret
    return TenantSecrets(
        webhook=tuple(decode(secret) for secret in webhook if secret),
        api_key=_header_secret(values, API_KEY_FILE, is_word=False),
        oauth=OAuthSecrets(*(value or "" for value in oauth)) if all(oauth) else None,
        model_api_key=_header_secret(values, MODEL_KEY_FILE) if tenant.model.has_own_key else None,
        documentation_token=_header_secret(values, DOCUMENTATION_TOKEN_FILE) if _has_token(tenant) else None,
    )


def _has_token(tenant: Tenant) -> bool:
    return tenant.documentation is not None and tenant.documentation.needs_token


def _header_secret(values: Mapping[str, str], name: str, *, is_word: bool = True) -> str | None:
    """A secret that is sent in a header; with *is_word* there must be no blank in it."""
    secret = _secret(values, name)
    if secret is not None and (not (secret.isascii() and secret.isprintable()) or (is_word and " " in secret)):
        rest = " without blanks" if is_word else ""
        raise TenantFileInvalid(f"secret {name}: must be one line of ASCII text{rest}", field=name)
    return secret


def _secret_values(folder: Path) -> Mapping[str, str]:
    """The secrets of a tenant, by name: of its JSON objects, or of the files in *folder*."""
    objects = [values for path in _secret_objects(folder) if (values := _secret_object(path)) is not None]
    if objects:
        return {name: value for values in objects for name, value in values.items()}
    found = {name: _read(folder / name, name) for name in SECRET_FILES}
    return {name: value for name, value in found.items() if value is not None}


def _secret_object(path: Path) -> Mapping[str, str] | None:
    text = _read(path, path.name)
    if text is None:
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise TenantFileInvalid(f'secret {path.name}: is not a JSON object of texts, e.g. {{"api_key": "…"}}')
    for name in SECRET_FILES:
        if not isinstance(values.get(name, ""), str):
            raise TenantFileInvalid(f"secret {name}: must be text in double quotes", field=name)
    return {name: values[name].strip() for name in SECRET_FILES if name in values}


def _secret(values: Mapping[str, str], name: str, *, may_be_empty: bool = False) -> str | None:
    if values.get(name) == "" and not may_be_empty:
        raise TenantFileInvalid(f"secret {name}: is empty", field=name)
    return values.get(name) or None


def _read(path: Path, name: str) -> str | None:
    try:
        content = _content_of(path)
        if len(content) > MAX_FILE_BYTES:
            raise TenantFileInvalid(f"secret {name}: is larger than {MAX_FILE_BYTES} bytes", field=name)
        return content.decode("utf-8-sig").strip()  # editors of Windows write a byte order mark
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise TenantFileInvalid(f"secret {name}: is not in UTF-8", field=name) from error
    except OSError as error:
        raise TenantFileInvalid(f"secret {name}: can't be read ({error.strerror})", field=name) from error


def missing_webhook_secrets(known: KnownTenant) -> list[str]:
    """The secrets that the API needs of *known* and that are missing, as paths below its folder."""
    return [] if known.secrets.webhook else [WEBHOOK_SECRET_FILES[0]]


def has_short_webhook_secret(known: KnownTenant) -> bool:
    """Whether a webhook secret of *known* is too short to be safe. It still counts, so that no upgrade locks out."""
    return any(len(key) < LEAST_KEY_BYTES for key in known.secrets.webhook)


def needed_help_desk_secrets(tenant: Tenant) -> tuple[str, ...]:
    """The secrets that a call to the help desk of *tenant* needs."""
    return OAUTH_FILES if tenant.servicedesk.edition.is_cloud else (API_KEY_FILE,)


def missing_help_desk_secrets(known: KnownTenant) -> list[str]:
    """The secrets that a call to the help desk of *known* needs and that are missing, as paths below its folder."""
    is_cloud = known.tenant.servicedesk.edition.is_cloud
    is_there = known.secrets.oauth if is_cloud else known.secrets.api_key
    return [] if is_there else [*needed_help_desk_secrets(known.tenant)]


def missing_worker_secrets(known: KnownTenant) -> list[str]:
    """The secrets that a worker needs of *known* and that are missing, as paths below its folder."""
    is_missing = {
        MODEL_KEY_FILE: known.tenant.model.has_own_key and known.secrets.model_api_key is None,
        DOCUMENTATION_TOKEN_FILE: _has_token(known.tenant) and known.secrets.documentation_token is None,
    }
    return [*missing_help_desk_secrets(known), *(name for name, is_so in is_missing.items() if is_so)]


def missing_secrets(known: KnownTenant) -> list[str]:
    """All missing secrets of *known*. In production no process has all of them."""
    return [*missing_webhook_secrets(known), *missing_worker_secrets(known)]
