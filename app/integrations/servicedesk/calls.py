"""One call to the API of ServiceDesk Plus.

Invariant: before each request to the API the limiter is asked. A call is repeated in two cases only: the cloud refused
the access token, so nothing was done, and there is a new token; or the connection broke before the answer, and the call
posts nothing (aiohttp then makes it once more). For a tenant in shadow mode GET calls alone are made.

The cloud answers 401 for an expired token, and also if the OAuth client lacks the scope of the call. A new token helps
only in the first case, and there are only ten in ten minutes. So a refused token is tried once more on the resource
where it worked before; if it works there, a scope is missing.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from app.core.tenant import Tenant
from app.errors import Code, HelpDeskRefused, HelpDeskUnavailable
from app.integrations.http import AnswerTooLarge, NoAnswer, Outbound
from app.integrations.servicedesk.answers import (
    AnswerOverLimit,
    CredentialsRefused,
    CredentialsReplaced,
    Missing,
    ScopeMissing,
    Throttled,
    parse_answer,
)
from app.integrations.servicedesk.auth import Credentials, TokenCache, create_authenticator
from app.telemetry.metrics import HELP_DESK_CALLS

Begin = Callable[[], Awaitable[None]]

_DEFAULT_BACK_OFF: Final = timedelta(minutes=1)
_ONE_ROW: Final = {"input_data": json.dumps({"list_info": {"row_count": 1, "start_index": 1}})}
_SCOPES: Final = {
    "requests": "SDPOnDemand.requests.ALL",
    "solutions": "SDPOnDemand.solutions.READ",
    "assets": "SDPOnDemand.assets.READ",
}


class CallLimiter(Protocol):
    """Keeps a tenant's calls, of all workers, within its `calls_per_minute`."""

    async def acquire(self) -> None:
        """Wait until a call is allowed; raises `CallsExhausted` when that would take too long."""
        ...

    async def back_off(self, wait: timedelta) -> None:
        """Allow no call of this tenant for *wait*, since ServiceDesk Plus throttled one."""
        ...


class RestApi:
    """Calls paths below `/api/v3` of one tenant's ServiceDesk Plus."""

    def __init__(
        self, tenant: Tenant, credentials: Credentials, *, outbound: Outbound, tokens: TokenCache, limiter: CallLimiter
    ) -> None:
        """Raises `TenantFileInvalid` when the credentials are the other edition's."""
        self._tenant = tenant.slug
        self._base = f"{tenant.servicedesk.url}/api/v3"
        self._outbound = outbound
        self._authenticator = create_authenticator(tenant, credentials, outbound=outbound, tokens=tokens)
        self._limiter = limiter
        self._headers = tenant.servicedesk.headers
        self._may_write = not tenant.note.is_shadow
        self._worked: tuple[str, str] | None = None
        """The token and the resource, e.g. `requests`, of the latest call that read something."""
        self._has_worked = False
        """Whether a call was ever accepted."""

    async def get(self, path: str, input_data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        params = None if input_data is None else {"input_data": json.dumps(input_data)}
        return await self._call("GET", path, params=params)

    async def post(self, path: str, input_data: Mapping[str, Any], *, begin: Begin) -> dict[str, Any]:
        """POST when the limiter allows it; *begin* is awaited right before the call, and may forbid it by raising."""
        return await self._call("POST", path, begin=begin, form={"input_data": json.dumps(input_data)})

    async def put(self, path: str, input_data: Mapping[str, Any], *, begin: Begin) -> dict[str, Any]:
        """PUT, as `post`."""
        return await self._call("PUT", path, begin=begin, form={"input_data": json.dumps(input_data)})

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path)

    async def _call(
        self, method: str, path: str, *, begin: Begin | None = None, **content: Mapping[str, str] | None
    ) -> dict[str, Any]:
        if method != "GET" and not self._may_write:
            raise HelpDeskRefused(f"Nothing is written to the help desk of {self._tenant}: its note.mode is shadow.")
        try:
            return await self._call_with_token(method, path, begin=begin, **content)
        except CredentialsRefused as error:
            if self._has_worked:
                raise CredentialsReplaced(f"{error.detail} It was accepted before: was it replaced there?") from None
            raise

    async def _call_with_token(
        self, method: str, path: str, *, begin: Begin | None, **content: Mapping[str, str] | None
    ) -> dict[str, Any]:
        token = await self._authenticator.token()
        try:
            return await self._send(method, path, token=token, begin=begin, **content)
        except CredentialsRefused:
            if not self._authenticator.is_renewable:
                raise
        if await self._works_elsewhere(token):
            raise self._scope_missing(path)
        fresh = await self._authenticator.token(rejected=token)
        if fresh == token:
            raise self._scope_missing(path)
        return await self._send(method, path, token=fresh, begin=begin, **content)

    async def _works_elsewhere(self, token: str) -> bool:
        """Whether *token*, refused a moment ago, is accepted where it was before."""
        if self._worked is None or self._worked[0] != token:
            return False
        try:
            await self._send("GET", f"/{self._worked[1]}", token=token, params=_ONE_ROW)
        except CredentialsRefused:
            self._worked = None
            return False
        return True

    def _scope_missing(self, path: str) -> ScopeMissing:
        resource = _resource(path)
        scope = _SCOPES.get(resource, f"SDPOnDemand.{resource}.READ")
        return ScopeMissing(
            f"ServiceDesk Plus refuses our token for its {resource}, though the token itself is good: the OAuth client"
            f" may lack the scope {scope}. Generate a refresh token with it and put it into"
            f" {self._tenant}/oauth_refresh_token."
        )

    async def _send(
        self,
        method: str,
        path: str,
        *,
        token: str,
        begin: Begin | None = None,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        await self._limiter.acquire()
        if begin is not None:
            await begin()
        outcome = "unavailable"
        try:
            answer = await self._exchange(method, path, token=token, params=params, form=form)
        except Missing:
            outcome = "ok"  # the help desk works; only the ticket is gone
            raise
        except Throttled as error:
            outcome = "throttled"
            await self._limiter.back_off(error.retry_after or _DEFAULT_BACK_OFF)
            raise
        except HelpDeskRefused:
            outcome = "refused"
            raise
        else:
            outcome = "ok"
            self._has_worked = True
            if method == "GET":
                self._worked = (token, _resource(path))
            return answer
        finally:
            HELP_DESK_CALLS.labels(self._tenant, outcome).inc()

    async def _exchange(
        self, method: str, path: str, *, token: str, params: Mapping[str, str] | None, form: Mapping[str, str] | None
    ) -> dict[str, Any]:
        try:
            reply = await self._outbound.send(
                method,
                self._base + path,
                params=params,
                form=form,
                headers={**self._headers, **self._authenticator.headers(token)},
            )
        except AnswerTooLarge as error:
            raise AnswerOverLimit(f"ServiceDesk Plus: {error}.") from None
        except NoAnswer as error:
            raise HelpDeskUnavailable(f"ServiceDesk Plus: {error}.", code=Code.HELP_DESK_UNREACHABLE) from None
        return parse_answer(reply, secret=self._authenticator.secret, now=datetime.now(UTC))


def _resource(path: str) -> str:
    """`/requests/100/notes` is of the resource `requests`."""
    return path.split("/")[1]
