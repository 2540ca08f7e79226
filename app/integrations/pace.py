"""When a model that takes only so many calls a minute, or at once, may be asked again.

For example, 40 calls are on their way, and its endpoint takes 30 a minute: it answers ten of them with 429 and
`Retry-After: 20`. For 20 s nothing more is sent there, since providers count the calls that they refuse, too; the
deliveries wait in the ledger. A model that has refused all calls for longer than they wait is as good as out.

Or a server of one's own works on two calls at once and says nothing: of 12 it answers three in time. Then half of the
nine that ran out of time, four, may be under way at once; each answer in time adds a quarter of one (additive increase,
multiplicative decrease, as TCP does: RFC 5681). A call that hangs among many that are answered changes nothing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from math import inf
from typing import Final

from app.integrations.refusal import Refusal

USUAL_WAIT: Final = timedelta(seconds=10)
"""Where the endpoint does not say how long."""
TURN: Final = timedelta(seconds=5)
"""Where others are to be answered first."""
_MORE: Final = 0.25
_WINDOW_S: Final = 60.0
_OF_ALL: Final = 3
"""Where fewer than one of so many calls run out of time, it is these that hang, and not too many that are asked."""
_QUIET_S: Final = 60.0
"""A refusal so long after the wait of the one before has nothing to do with it."""
# Groq's "capacity exceeded" and Anthropic's "overloaded" beside the usual one.
_BUSY: Final = frozenset({429, 498, 529})

# OpenAI's, Azure's and Gemini's words: "Please try again in 1h12m3s", "retry after 45 seconds", "retry in 34.07s"; and
# Google's field `"retryDelay": "34s"`.
_WAIT: Final = re.compile(
    r"(?i)\b(?:(?:try again|retry)\b[^.\n]{0,12}\b(?:in|after) |retryDelay\W{1,6})"
    r"((?:\d{1,5}(?:\.\d+)? ?[a-z]+[ ,]*){1,4})"
)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|h|m|s)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Call:
    """A call that is under way."""

    began_at: float
    others: int
    """That were under way when it began."""


@dataclass(slots=True)
class Pace:
    """Of one model of one endpoint, as this process has seen it. Times are seconds of the monotonic clock."""

    _until: float = -inf
    _busy_since: float = inf
    _answered_at: float = -inf
    _late_at: float = -inf
    _window_at: float = -inf
    _answers: int = 0
    _late: int = 0
    """In this window, as the answers."""
    _is_cut: bool = False
    _under_way: list[Call] = field(default_factory=list)
    _most: float = inf
    """Calls at once."""

    def refused(self, wait: timedelta) -> None:
        """It takes no more calls for *wait*."""
        now = time.monotonic()
        if now > self._until + _QUIET_S:
            self._busy_since = now
        self._until = max(self._until, now + wait.total_seconds())
        self._busy_since = min(self._busy_since, now)

    def answered(self) -> None:
        """It answered a call."""
        self._begin_window()
        self._busy_since, self._answered_at = inf, time.monotonic()
        self._answers += 1
        self._most += _MORE

    @contextmanager
    def call(self) -> Iterator[Call]:
        """A call that is under way."""
        call = Call(time.monotonic(), len(self._under_way))
        self._under_way.append(call)
        try:
            yield call
        finally:
            self._under_way.remove(call)

    def ran_out(self, call: Call, limit: timedelta) -> bool:
        """*call* was not answered within *limit*. Returns whether too many were beside it, so that it may be repeated.

        They were if the model answers others, and some wait about as long as this one, or ran out at the same moment;
        where it is known to answer few at once, if another was there before.
        """
        now, limit_s = time.monotonic(), limit.total_seconds()
        if now - self._answered_at > 2 * limit_s:
            return False
        self._begin_window()
        waiting = sum(now - each.began_at > limit_s / 2 for each in self._under_way)
        is_crowded = waiting > 0 or now - self._late_at < limit_s / 4 or (call.others > 0 and self._most < inf)
        self._late, self._late_at = self._late + 1, now
        if is_crowded and not self._is_cut and self._late * _OF_ALL >= self._answers:
            self._is_cut = True  # those that ran out together are one sign
            self._most = max(min(self._most, len(self._under_way) + 1) // 2, 1)
        return is_crowded

    def _begin_window(self) -> None:
        now = time.monotonic()
        if now - self._window_at > _WINDOW_S:
            self._window_at, self._answers, self._late, self._is_cut = now, 0, 0, False

    @property
    def left(self) -> timedelta:
        """Until it may be asked again; zero: now."""
        left = timedelta(seconds=max(self._until - time.monotonic(), 0))
        return max(left, TURN) if len(self._under_way) + 1 > self._most else left

    @property
    def busy_for(self) -> timedelta:
        """Since when it has answered no call, but that it takes no more."""
        return timedelta(seconds=max(time.monotonic() - self._busy_since, 0))


def wait_in_words(text: str) -> timedelta:
    """What an error's text asks to wait; zero: nothing."""
    found = _WAIT.search(text)
    parts = _PART.findall(found[1].lower()) if found else ()
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def is_busy(status: int, refusal: Refusal, *, wait: timedelta) -> bool:
    """Whether an answer of *status* says that the endpoint takes no more calls now. *wait*: what it asks for.

    A 503 says so only in words or with a time (Ollama's queue, DeepSeek's and Gemini's load); else the endpoint is out.
    """
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return bool(wait) or refusal.says_busy
    return status in _BUSY
