"""OAuth of the cloud edition of ServiceDesk Plus: a tenant's credentials, and the token they get."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from app.errors import HelpDeskUnavailable


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The credentials that fetch access tokens."""

    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    refresh_token: str = field(repr=False)


@dataclass(frozen=True)
class AccessToken:
    """A token, and how long it is good from the moment at which it was fetched.

    A length of time, not a moment: the worker that fetches the token and those that use it have different clocks.
    """

    value: str = field(repr=False)
    life: timedelta


class TokenUnavailable(HelpDeskUnavailable):
    """The accounts server answers no fetch of a token now, so no call can be made, whichever ticket it is about."""


class NoTokenGiven(TokenUnavailable):
    """It gave none: it could not be reached, broke off, or answered something else. The fetch is none of the few."""
