"""The secrets of tenants and instances, as they are mounted, and which a process misses."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.core.access_token import OAuthClient
from app.core.signature import LEAST_KEY_BYTES, decode_secret, decode_token
from app.core.tenant import Auth, Login, Tenant
from app.errors import TenantFileInvalid
from app.tenants.files import MAX_FILE_BYTES, read_content

WEBHOOK_SECRET_FILES: Final = ("webhook_secret", "webhook_secret_previous")
API_KEY_FILE: Final = "api_key"
MODEL_KEY_FILE: Final = "model_api_key"
DOCUMENTATION_TOKEN_FILE: Final = "documentation_token"  # noqa: S105 - a file's name
MONITORING_TOKEN_FILE: Final = "monitoring_token"  # noqa: S105 - a file's name
OAUTH_FILES: Final = ("oauth_client_id", "oauth_client_secret", "oauth_refresh_token")
OWN_SECRETS: Final = (MODEL_KEY_FILE, DOCUMENTATION_TOKEN_FILE, MONITORING_TOKEN_FILE)
"""Those that an account of a shared help desk has for itself."""
SECRET_FILES: Final = (*WEBHOOK_SECRET_FILES, API_KEY_FILE, *OAUTH_FILES, *OWN_SECRETS)
_DOUBTFUL: Final = re.compile(
    r"""(["']).*\1|<.*>|change-?me|(?:Bearer|Zoho-oauthtoken)\s.*|(?:authtoken|[a-z_]+_(?:secret|key|id|token))\s*[:=].*"""
    r"|[ -~]*[\r\n\0][ -~\r\n\0]*",
    re.IGNORECASE | re.DOTALL,
)
"""In quotes, of a template, with the header's word, with its own name, or of several lines."""
SECRET_OBJECTS: Final = (".json", ".webhook.json", ".help-desk.json")
"""What follows a slug in the names of the files with several secrets as one JSON object. Those that are there count
together: the API's Secret has one, the worker's another."""


@dataclass(frozen=True, slots=True)
class TenantSecrets:
    """A tenant's secrets, if their files are mounted: the API has no help desk's key, the sync no webhook secret."""

    webhook: tuple[bytes, ...] = field(default=(), repr=False)
    """The current secret, then the previous one, which is still accepted during a rotation."""
    api_key: str | None = field(default=None, repr=False)
    oauth: OAuthClient | None = field(default=None, repr=False)
    model_api_key: str | None = field(default=None, repr=False)
    """The client's own key for its model."""
    documentation_token: str | None = field(default=None, repr=False)
    """For the server of its documentation: a token, or `user:password`."""
    monitoring_token: str | None = field(default=None, repr=False)
    """The same for its Prometheus."""


@dataclass(frozen=True, slots=True)
class KnownTenant:
    """A tenant with its secrets."""

    tenant: Tenant
    secrets: TenantSecrets


def secret_files(folder: Path) -> list[Path]:
    """The files of the secrets that `read_secrets` would read in *folder*."""
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        found = []
    return [*_secret_objects(folder), *found]


def _secret_objects(folder: Path) -> list[Path]:
    """The files that may hold a tenant's secrets as JSON objects, in place of its *folder*."""
    return [folder.parent / f"{folder.name}{ending}" for ending in SECRET_OBJECTS]


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
        oauth=OAuthClient(*(value or "" for value in oauth)) if all(oauth) else None,
        model_api_key=_header_secret(values, MODEL_KEY_FILE) if tenant.model.has_own_key else None,
        documentation_token=_header_secret(values, DOCUMENTATION_TOKEN_FILE) if _wants(tenant.documentation) else None,
        monitoring_token=_header_secret(values, MONITORING_TOKEN_FILE) if _wants(tenant.monitoring) else None,
    )


def _wants(login: Login | None) -> bool:
    """Whether there is such a server, and it wants a credential."""
    return login is not None and login.needs_token


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
        content = read_content(path)
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


def doubtful_secrets(known: KnownTenant) -> list[str]:
    """The secrets of *known*, by name, that hold what probably belongs to how they were written, not to them."""
    secrets, oauth = known.secrets, known.secrets.oauth
    texts = dict(zip(WEBHOOK_SECRET_FILES, (key.decode("utf-8", "replace") for key in secrets.webhook), strict=False))
    texts |= {API_KEY_FILE: secrets.api_key or "", MODEL_KEY_FILE: secrets.model_api_key or ""}
    if oauth is not None:
        texts |= dict(zip(OAUTH_FILES, (oauth.client_id, oauth.client_secret, oauth.refresh_token), strict=True))
    return [name for name, text in texts.items() if _DOUBTFUL.fullmatch(text)]


def needed_help_desk_secrets(tenant: Tenant) -> tuple[str, ...]:
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
        DOCUMENTATION_TOKEN_FILE: _wants(known.tenant.documentation) and known.secrets.documentation_token is None,
        MONITORING_TOKEN_FILE: _wants(known.tenant.monitoring) and known.secrets.monitoring_token is None,
    }
    return [*missing_help_desk_secrets(known), *(name for name, is_so in is_missing.items() if is_so)]


def missing_secrets(known: KnownTenant) -> list[str]:
    """All missing secrets of *known*. In production no process has all of them."""
    return [*missing_webhook_secrets(known), *missing_worker_secrets(known)]
