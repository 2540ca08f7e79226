"""When a model that takes only so many calls or tokens a minute may be asked again.

For example, 40 calls are on their way, and its endpoint takes 30 a minute: it answers ten of them with 429 and
`Retry-After: 20`. For 20 s nothing more is sent there, since providers count the calls that they refuse, too; the
deliveries wait in the ledger. A model that has refused all calls for longer than they wait is as good as out.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from math import inf
from typing import Final

from app.integrations.refusal import Refusal

USUAL_WAIT: Final = timedelta(seconds=10)
"""Where the endpoint does not say how long."""
# Groq's "capacity exceeded" and Anthropic's "overloaded" beside the usual one.
_BUSY: Final = frozenset({429, 498, 529})

# OpenAI's, Azure's and Gemini's words: "Please try again in 20s", "retry after 45 seconds", "retry in 34.07s".
_WAIT: Final = re.compile(
    r"(?i)\b(?:try again|retry)\b[^.\n]{0,12}\b(?:in|after) (\d{1,5}(?:\.\d+)?) ?(ms|s|sec|m|min)"
)
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0}


@dataclass(slots=True)
class Pace:
    """Of one model of one endpoint, as this process has seen it. Times are seconds of the monotonic clock."""

    _until: float = -inf
    _busy_since: float = inf

    def refused(self, wait: timedelta) -> None:
        """It takes no more calls for *wait*."""
        now = time.monotonic()
        self._until = max(self._until, now + wait.total_seconds())
        self._busy_since = min(self._busy_since, now)

    def answered(self) -> None:
        """It answered a call."""
        self._busy_since = inf

    @property
    def left(self) -> timedelta:
        """Until it may be asked again; zero: now."""
        return timedelta(seconds=max(self._until - time.monotonic(), 0))

    @property
    def busy_for(self) -> timedelta:
        """Since when it has answered no call, but that it takes no more."""
        return timedelta(seconds=max(time.monotonic() - self._busy_since, 0))


def wait_in_words(text: str) -> timedelta:
    """What an error's text asks to wait; zero: nothing."""
    found = _WAIT.search(text)
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2].lower()]) if found else timedelta(0)


def is_busy(status: int, refusal: Refusal, *, wait: timedelta) -> bool:
    """Whether an answer of *status* says that the endpoint takes no more calls now. *wait*: what it asks for.

    A 503 says so only in words or with a time (Ollama's queue, DeepSeek's and Gemini's load); else the endpoint is out.
    """
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return bool(wait) or refusal.says_busy
    return status in _BUSY
