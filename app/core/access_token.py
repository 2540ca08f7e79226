"""An OAuth access token of ServiceDesk Plus in the cloud, as its accounts server gives it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True)
class AccessToken:
    """A token, and how long it is good from the moment at which it was fetched.

    A length of time, not a moment: the worker that fetches the token and those that use it have different clocks.
    """

    value: str = field(repr=False)
    life: timedelta
