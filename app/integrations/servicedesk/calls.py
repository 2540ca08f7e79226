"""One call to the API of ServiceDesk Plus.

Invariant: each request that leaves for the API has waited its turn first; a call is repeated in one case alone: the
cloud refused an access token, so that nothing was done, and another token could be had.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from app.errors import Code, HelpDeskRefused, HelpDeskUnavailable
from app.integrations.http import AnswerTooLarge, NoAnswer, Outbound
from app.integrations.servicedesk.answers import AnswerOverLimit, CredentialsRefused, Missing, Throttled, parse_answer
from app.integrations.servicedesk.auth import Authenticator
from app.telemetry.metrics import HELP_DESK_CALLS

Begin = Callable[[], Awaitable[None]]

_DEFAULT_BACK_OFF: Final = timedelta(minutes=1)


class CallLimiter(Protocol):
    """Keeps a tenant's calls, of all workers, within its `calls_per_minute`."""

    async def wait_turn(self) -> None:
        """Return when a call may go; raises `CallsExhausted` when that would take too long."""
        ...

    async def back_off(self, wait: timedelta) -> None:
        """Let no call of this tenant go for *wait*: ServiceDesk Plus throttles."""
        ...


class Calls:
    """Calls paths below `/api/v3` of one tenant's ServiceDesk Plus."""

    def __init__(
        self, url: str, *, tenant: str, outbound: Outbound, authenticator: Authenticator, limiter: CallLimiter
    ) -> None:
        self._tenant = tenant
        self._base = f"{url}/api/v3"
        self._outbound = outbound
        self._authenticator = authenticator
        self._limiter = limiter

    async def get(self, path: str, input_data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        params = None if input_data is None else {"input_data": json.dumps(input_data)}
        return await self._call("GET", path, params=params)

    async def post(self, path: str, input_data: Mapping[str, Any], *, begin: Begin) -> dict[str, Any]:
        """POST once a turn is had; *begin* is awaited between the turn and the call, and may forbid it by raising."""
        return await self._call("POST", path, begin=begin, form={"input_data": json.dumps(input_data)})

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path)

    async def _call(
        self, method: str, path: str, *, begin: Begin | None = None, **content: Mapping[str, str] | None
    ) -> dict[str, Any]:
        token = await self._authenticator.token()
        try:
            return await self._send(method, path, token=token, begin=begin, **content)
        except CredentialsRefused:
            if not self._authenticator.is_renewable:
                raise
        token = await self._authenticator.token(rejected=token)
        return await self._send(method, path, token=token, begin=begin, **content)

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
        await self._limiter.wait_turn()
        if begin is not None:
            await begin()
        outcome = "unavailable"
        try:
            answer = await self._exchange(method, path, token=token, params=params, form=form)
        except Missing:
            outcome = "ok"  # the help desk answers; the ticket is gone
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
            return answer
        finally:
            HELP_DESK_CALLS.labels(self._tenant, outcome).inc()

    async def _exchange(
        self, method: str, path: str, *, token: str, params: Mapping[str, str] | None, form: Mapping[str, str] | None
    ) -> dict[str, Any]:
        try:
            reply = await self._outbound.send(
                method, self._base + path, params=params, form=form, headers=self._authenticator.headers(token)
            )
        except AnswerTooLarge as error:
            raise AnswerOverLimit(f"ServiceDesk Plus: {error}.") from None
        except NoAnswer as error:
            raise HelpDeskUnavailable(f"ServiceDesk Plus: {error}.", code=Code.HELP_DESK_UNREACHABLE) from None
        return parse_answer(reply, secret=self._authenticator.secret, now=datetime.now(UTC))
