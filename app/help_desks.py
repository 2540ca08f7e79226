"""Opens a tenant's ServiceDesk Plus with its secrets, its shared access token and its limit of calls."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final

from app.core.access_token import OAuthClient
from app.db.limits.access_tokens import AccessTokens
from app.db.limits.rate import CallRate
from app.db.session import Database
from app.errors import Code, TenantFileInvalid
from app.integrations.servicedesk import ApiKey, Credentials, ServiceDesk, open_servicedesk
from app.tenants import KnownTenant
from app.tenants.secrets import missing_help_desk_secrets

CALL_TIMEOUT: Final = timedelta(seconds=10)


def open_help_desk(
    known: KnownTenant, database: Database, *, longest_wait: timedelta, is_patient: bool = False
) -> AbstractAsyncContextManager[ServiceDesk]:
    """The tenant's help desk, for a `with` block.

    Of a call that would wait for longer than *longest_wait* for the limiter, `CallsExhausted` is raised. The sync
    *is_patient*: it leaves the bursts to attempts, for which people wait.

    Raises:
        TenantFileInvalid: A secret is missing or of the other edition.
    """
    tenant = known.tenant
    credentials = credentials_of(known)
    key = credentials.refresh_token if isinstance(credentials, OAuthClient) else credentials.key
    return open_servicedesk(
        tenant,
        credentials,
        limiter=CallRate(database, tenant, longest_wait=longest_wait, is_patient=is_patient),
        tokens=AccessTokens(database, tenant.desk_id, refresh_token=key),
        timeout=CALL_TIMEOUT,
    )


def credentials_of(known: KnownTenant) -> Credentials:
    """The key or OAuth client of the tenant's help desk.

    Raises:
        TenantFileInvalid: A secret is missing.
    """
    slug, secrets = known.tenant.slug, known.secrets
    if known.tenant.servicedesk.edition.is_cloud and secrets.oauth is not None:
        return secrets.oauth
    if not known.tenant.servicedesk.edition.is_cloud and secrets.api_key is not None:
        return ApiKey(secrets.api_key)
    missing = missing_help_desk_secrets(known)
    raise TenantFileInvalid(
        f"{slug}: secret {missing[0]}: is missing; create it and replay",
        field=missing[0],
        code=Code.TENANT_SECRET_MISSING,
    )
