"""An endpoint that speaks OpenAI's API: one POST of JSON with a key, tried again while its fault may pass.

In place of the openai package, whose work around a call took 6 % of a worker's CPU, its types 0.3 s of each start, and
30 MB to install. What is tried again, and when, is as that package does it.

Invariant: no error holds text that the endpoint sent, but as `Refused.told`. No redirect is followed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import defaultdict
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from math import inf
from typing import Any, Final, Protocol

from yarl import URL

from app.integrations.http import NoAnswer, Reply, Unreadable, parse_retry_after
from app.integrations.pace import Pace, wait_in_words

RETRIES: Final = 2
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 8.0
_JITTER: Final = 0.25
_MAX_WORDS: Final = 2_000
# A time-out, a conflict, too many calls; besides each 5xx.
_PASSING: Final = frozenset({408, 409, 429})
LACKS_MEMORY: Final = "requires more system memory"
"""Ollama's, with 500, of a model that is too large for its machine."""


class Refused(Exception):
    """The endpoint answered with another status than a success."""

    def __init__(self, status: int, told: Any, *, wait: timedelta) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.told = told
        """The error of the answer, as JSON or as text. It may quote the prompt."""
        self.wait = wait
        """What it asks to wait before the next call; zero: nothing."""


class Sends(Protocol):
    """What sends a request; an `Outbound`."""

    async def send(self, method: str, url: str, *, json: bytes | None, headers: dict[str, str]) -> Reply: ...


class Endpoint:
    """One endpoint with one key.

    Args:
        outbound: What its calls are sent by, each within a time limit.
        base_url: E.g. `https://api.openai.com/v1`.
        api_key: Empty: it asks for none.
        longest_wait: If it asks to wait for longer (`Retry-After`), a call is not tried again.
        retries: How often a call is tried again.
    """

    def __init__(
        self, outbound: Sends, *, base_url: str, api_key: str, longest_wait: timedelta, retries: int = RETRIES
    ) -> None:
        self.base_url = base_url.rstrip("/") + "/"
        """With a slash at its end."""
        self.retries = retries
        self.has_accepted = False
        """Whether it has ever accepted our key."""
        self.refused_at = -inf
        """When it refused a key that it had accepted: seconds of the monotonic clock."""
        self._outbound = outbound
        self.longest_wait = longest_wait
        self._paces: defaultdict[str, Pace] = defaultdict(Pace)
        self._headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {api_key}"} if api_key else {})

    def pace(self, model: str) -> Pace:
        """When *model* may be asked again."""
        return self._paces[model]

    @property
    def host(self) -> str:
        return URL(self.base_url).host or ""

    async def get(self, url: str) -> bytes:
        """The body of a successful answer at *url*, of the same server; asked once.

        Raises:
            Refused: It answered with another status.
            NoAnswer: It did not answer.
            AddressForbidden: The URL leads to an address that the tenant's file does not allow.
        """
        reply = await self._outbound.send("GET", url, json=None, headers=self._headers)
        if reply.status // 100 != HTTPStatus.OK // 100:
            raise Refused(reply.status, None, wait=_wait_asked(reply))
        return reply.body

    async def post(self, path: str, body: dict[str, Any], *, retries: int | None = None) -> bytes:
        """The body of a successful answer. *retries*: in place of the endpoint's.

        Raises:
            Refused: It answered with another status.
            NoAnswer: It did not answer.
            AddressForbidden: The URL leads to an address that the tenant's file does not allow.
        """
        pace = self.pace(str(body.get("model", "")))
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
        most = self.retries if retries is None else retries
        for taken in range(most + 1):
            pause_s = min(_FIRST_PAUSE_S * 2**taken, _LONGEST_PAUSE_S) * (1 - _JITTER * random.random())
            try:
                reply = await self._outbound.send(
                    "POST", self.base_url + path.lstrip("/"), json=content, headers=self._headers
                )
            except NoAnswer as error:
                if taken == most or isinstance(error, Unreadable):
                    raise
            else:
                if reply.status // 100 == HTTPStatus.OK // 100:
                    self.has_accepted, self.refused_at = True, -inf
                    return reply.body
                asked = _wait_asked(reply)
                if taken == most or not _may_pass(reply) or asked > self.longest_wait:
                    raise Refused(reply.status, _told(reply.body), wait=asked)
                if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                    pace.refused(asked)  # the other calls need not hear it themselves
                pause_s = asked.total_seconds() or pause_s
            await asyncio.sleep(pause_s)
        raise AssertionError


def _may_pass(reply: Reply) -> bool:
    said = reply.headers.get("x-should-retry")  # OpenAI's own word
    if said in {"true", "false"}:
        return said == "true"
    if reply.status == HTTPStatus.INTERNAL_SERVER_ERROR and LACKS_MEMORY.encode() in reply.body[:_MAX_WORDS]:
        return False
    return reply.status in _PASSING or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _wait_asked(reply: Reply) -> timedelta:
    with suppress(ValueError, OverflowError):
        return timedelta(milliseconds=max(float(reply.headers.get("retry-after-ms", "")), 0.0))  # OpenAI's own
    asked = parse_retry_after(reply.headers, now=datetime.now(UTC)) or timedelta()
    if asked or reply.status != HTTPStatus.TOO_MANY_REQUESTS:
        return asked
    return wait_in_words(reply.body[:_MAX_WORDS].decode("utf-8", "replace"))


def _told(body: bytes) -> Any:
    """The error in *body*: what it holds as `error`, or all of it where that is a title ("Bad Request") or null."""
    told: Any = body.decode("utf-8", "replace").strip()
    with suppress(ValueError, RecursionError):
        told = json.loads(told)
    error = told.get("error") if isinstance(told, dict) else None
    return error if isinstance(error, dict | list) else told
