"""Authentication to ServiceDesk Plus: an API key on premises, OAuth in the cloud.

Invariant: no secret is in a `repr`, a log or an error.

In the cloud at most 10 access tokens per refresh token come out in 10 minutes. So a token is refreshed only inside
`TokenCache`, which all workers share; a refused token is renewed once per call, not more, and not while it is young.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final, Protocol

from app.core.access_token import AccessToken, NoTokenGiven, OAuthClient, TokenUnavailable
from app.core.tenant import Tenant
from app.errors import Code, HelpDeskRefused, TenantFileInvalid
from app.integrations.http import BrokenOff, NoAnswer, NotSent, Outbound, Reply, parse_retry_after
from app.integrations.servicedesk.answers import CredentialsRefused

_DEFAULT_LIFE: Final = timedelta(hours=1)
_REFRESH_WINDOW: Final = timedelta(minutes=10)
_PERMANENT: Final = frozenset(
    "invalid_client invalid_client_secret invalid_code invalid_grant invalid_request invalid_scope unauthorized_client "
    "unsupported_grant_type invalid_token invalid_refresh_token invalid_oauthtoken "
    "inactive_user user_inactive unconfirmed_user account_locked".split()
)
"""In small letters."""


@dataclass(frozen=True)
class ApiKey:
    """The key of a technician of an instance on premises."""

    key: str = field(repr=False)


Credentials = ApiKey | OAuthClient


class TokenCache(Protocol):
    """One tenant's access token, shared by all workers."""

    async def access_token(self, refresh: Callable[[], Awaitable[AccessToken]], *, rejected: str | None = None) -> str:
        """A token that is valid for some time.

        Args:
            refresh: Fetches a new one; called under a lock that all workers share, and only when it is needed.
            rejected: A token that ServiceDesk Plus refused: if it is the cached one, it is replaced. One that was
                fetched only minutes ago is returned again, since its age can't be the cause.
        """
        ...


class Authenticator(Protocol):
    """Turns credentials into headers."""

    is_renewable: bool
    """Whether a refused token can be replaced by a new one."""
    secret: str
    """The names of the tenant's secret files, for the remedy in an error."""

    async def token(self, *, rejected: str | None = None) -> str: ...

    def headers(self, token: str) -> dict[str, str]: ...


def create_authenticator(
    tenant: Tenant, credentials: Credentials, *, outbound: Outbound, tokens: TokenCache
) -> Authenticator:
    """The authenticator for the tenant's edition.

    Raises:
        TenantFileInvalid: The credentials are the other edition's.
    """
    edition, accounts_url = tenant.servicedesk.edition, tenant.servicedesk.accounts_url
    owner = tenant.servicedesk.instance or tenant.slug
    if isinstance(credentials, ApiKey) and not edition.is_cloud:
        return _KeyAuthenticator(credentials, secret=f"{owner}/api_key")
    if isinstance(credentials, OAuthClient) and edition.is_cloud and accounts_url is not None:
        secret = f"{owner}/oauth_client_id, oauth_client_secret and oauth_refresh_token"
        return _TokenAuthenticator(
            credentials, secret=secret, accounts_url=accounts_url, outbound=outbound, tokens=tokens
        )
    raise TenantFileInvalid(
        "servicedesk.edition on_premises needs the secret api_key; cloud needs oauth_client_id,"
        " oauth_client_secret and oauth_refresh_token",
        field="servicedesk.edition",
    )


class _KeyAuthenticator:
    is_renewable = False

    def __init__(self, credentials: ApiKey, *, secret: str) -> None:
        self.secret = secret
        self._credentials = credentials

    async def token(self, *, rejected: str | None = None) -> str:  # noqa: ARG002 - a key can't be renewed
        return self._credentials.key

    def headers(self, token: str) -> dict[str, str]:
        return {"authtoken": token, "Accept": "application/json"}


class _TokenAuthenticator:
    is_renewable = True

    def __init__(
        self, credentials: OAuthClient, *, secret: str, accounts_url: str, outbound: Outbound, tokens: TokenCache
    ) -> None:
        self.secret = secret
        self._credentials = credentials
        self._accounts_url = accounts_url
        self._outbound = outbound
        self._tokens = tokens

    async def token(self, *, rejected: str | None = None) -> str:
        return await self._tokens.access_token(self._refresh, rejected=rejected)

    def headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Zoho-oauthtoken {token}", "Accept": "application/vnd.manageengine.sdp.v3+json"}

    async def _refresh(self) -> AccessToken:
        try:
            reply = await self._outbound.send(
                "POST",
                f"{self._accounts_url}/oauth/v2/token",
                form={
                    "grant_type": "refresh_token",
                    "client_id": self._credentials.client_id,
                    "client_secret": self._credentials.client_secret,
                    "refresh_token": self._credentials.refresh_token,
                },
            )
        except NoAnswer as error:
            # After a time-out it may still give one.
            failure = NoTokenGiven if isinstance(error, NotSent | BrokenOff) else TokenUnavailable
            raise failure(
                f"The accounts server of ServiceDesk Plus: {error}.", code=Code.HELP_DESK_UNREACHABLE
            ) from None
        return self._parse(reply)

    def _parse(self, reply: Reply) -> AccessToken:
        """The token in *reply*. The accounts server answers most errors with status 200."""
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NoTokenGiven(f"The accounts server of ServiceDesk Plus failed (HTTP {reply.status}).")
        answer = _decode(reply.body)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS or _is_throttled(answer):
            raise TokenUnavailable(
                "The accounts server of ServiceDesk Plus gives no more tokens for now: 10 in 10 minutes is its limit.",
                retry_after=parse_retry_after(reply.headers, now=datetime.now(UTC)) or _REFRESH_WINDOW,
                code=Code.HELP_DESK_THROTTLED,
            )
        if HTTPStatus.MULTIPLE_CHOICES <= reply.status < HTTPStatus.BAD_REQUEST:
            raise HelpDeskRefused(
                f"The accounts server redirects our calls (HTTP {reply.status}), and no redirect is followed: check"
                " servicedesk.accounts_url in the tenant's file.",
                field="servicedesk.accounts_url",
                code=Code.HELP_DESK_REDIRECTS,
            )
        if str(answer.get("error")).lower() in _PERMANENT or reply.status == HTTPStatus.UNAUTHORIZED:
            raise CredentialsRefused(
                f"The accounts server does not accept our credentials (HTTP {reply.status}{_told_code(answer)}): check"
                f" {self.secret}, and that servicedesk.accounts_url is of their data centre."
            )
        value, life_s = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(life_s, int | float):
            life_s = _DEFAULT_LIFE.total_seconds()
        if not isinstance(value, str) or not _is_header_value(value):
            raise NoTokenGiven(
                "The accounts server answered something that is not an access token"
                f" (HTTP {reply.status}{_told_code(answer)}). If that stays, check servicedesk.accounts_url in the"
                " tenant's file.",
                code=Code.HELP_DESK_NOT_UNDERSTOOD,
            )
        # In this order also NaN, which Python's JSON parser accepts, becomes the longest life.
        return AccessToken(value, timedelta(seconds=max(0.0, min(_DEFAULT_LIFE.total_seconds(), life_s))))


def _decode(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _is_throttled(answer: dict[str, Any]) -> bool:
    told = " ".join(str(answer.get(key, "")) for key in ("error", "error_description", "cause")).lower()
    return "too many" in told or "access denied" in told or "throttles" in told


def _told_code(answer: dict[str, Any]) -> str:
    """`, error invalid_client`; empty where it tells none that is one word."""
    code = str(answer.get("error", ""))
    return f", error {code}" if re.fullmatch(r"[A-Za-z_]{1,40}", code) else ""


def _is_header_value(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and not value.isspace()
