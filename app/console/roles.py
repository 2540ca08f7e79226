"""Finds what the claims of an ID token give: a role for all tenants, or for those that are named for a group.

Invariant: only groups that are configured give a role. Each cause of having none has its own sentence, so that an
operator knows whether to change the provider, the person's groups or our settings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from app.console.access import Role
from app.errors import Rejected

_MISSING: Final = object()
_NAMES: Final = ("name", "displayName", "value", "id", "path")
"""Of a group that is an object."""
_BETWEEN: Final = re.compile(r"\s*[,;|]\s*")
"""No blank: AD FS writes one group as a text, and who may name a group could name it "x ops"."""
_SCOPES: Final = ("scope", "scp")
_BETWEEN_SCOPES: Final = re.compile(r"\s+")
_MAX_GROUPS_CHARS: Final = 2_000
"""They are kept in the session's cookie, of which browsers take 4 KB."""


class SignInRefused(Rejected):
    """The sign-in failed; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Person:
    """The person who signed in."""

    name: str
    """As acts are recorded under: what the provider vouches for."""
    role: Role | None
    """For all tenants."""
    groups: tuple[str, ...] = ()
    """Those for which tenants are named."""
    subject: str = ""
    """The provider's own identifier of the person (`sub`)."""
    refresh_token: str = field(default="", repr=False)
    """Asks the provider again; empty: it gave none."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What the claims give: a role for all tenants, and groups for which tenants are named."""

    everywhere: Role | None
    groups: tuple[str, ...]


def find_grant(
    claims: Mapping[str, Any], name: str, *, claim: str, operators: str, viewers: str, named: Collection[str] = ()
) -> Grant:
    """What the person's groups give.

    Args:
        claims: The claims of a verified ID token.
        name: The person's name, for the sentence of a refusal.
        claim: The claim that has the groups, e.g. `groups`. A name with dots, e.g. `realm_access.roles`, is looked up
            as it is, then level by level.
        operators: The group that gives the role operator for all tenants.
        viewers: The group that gives the role viewer for all tenants.
        named: The groups for which tenants are named.

    Raises:
        SignInRefused: The claim is missing, none of these groups is among its values, or too many are.
    """
    value = _look_up(claims, claim.replace("\\.", "."))  # as Keycloak writes a dot within a name
    if value is _MISSING or value is None:
        if _were_too_many(claims, claim):
            raise SignInRefused(
                f"The provider left {name}'s groups out of the ID token: they are too many to list (claim {claim})."
                " Let it send only the groups that are assigned to this application, or roles in their place."
            )
        raise SignInRefused(
            f"The ID token has no claim {claim}: {name} is in no group at all, or the provider does not add it. Name"
            " the right one in CONSOLE_OIDC_ROLE_CLAIM; CONSOLE_OIDC_SCOPES may have to ask for it."
        )
    groups = set(_groups(value, between=_BETWEEN_SCOPES if claim in _SCOPES else _BETWEEN))
    own = tuple(sorted(groups & set(named)))
    if len(json.dumps(own)) > _MAX_GROUPS_CHARS:
        raise SignInRefused(
            f"{name} is in more groups of CONSOLE_OIDC_CLIENT_GROUPS than a session can hold. Name more tenants for one"
            " group, or use the group for all tenants."
        )
    everywhere = Role.OPERATOR if operators in groups else Role.VIEWER if viewers in groups else None
    if everywhere is None and not own:
        raise SignInRefused(f"{name} is in none of the groups that may use the console (claim {claim}).")
    return Grant(everywhere, own)


def _look_up(claims: Mapping[str, Any], name: str) -> Any:
    """The value of *name*, whose parts may themselves hold dots: `resource_access.ai.agents.roles`."""
    if name in claims:
        return claims[name]
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        inner = claims.get(".".join(parts[:count]))
        if isinstance(inner, Mapping):
            value = _look_up(inner, ".".join(parts[count:]))
            if value is not _MISSING:
                return value
    return _MISSING


def _were_too_many(claims: Mapping[str, Any], claim: str) -> bool:
    """Whether the provider says that it left the groups out since there are too many, as Microsoft Entra does.

    Source: "Groups overage claim" of the Microsoft identity platform: `_claim_names` names the claim, or `hasgroups`.
    """
    elsewhere = claims.get("_claim_names")
    has_groups = str(claims.get("hasgroups", "")).lower() == "true"
    return (isinstance(elsewhere, Mapping) and claim in elsewhere) or has_groups


def _groups(value: Any, *, between: re.Pattern[str]) -> Iterator[str]:
    """The names in a claim: a text, a list, or the keys of an object, as some providers write roles.

    A key whose value is false is none: `{"ops": false}` says that the person is not in the group. Keycloak writes a
    group of the top level as a path, `/ops`; one further down is another group.
    """
    if isinstance(value, str):
        yield from (value, value.removeprefix("/"))
        if value.startswith("["):
            with suppress(ValueError, RecursionError):  # a list within a text
                inner = json.loads(value)
                yield from _groups(inner, between=between) if isinstance(inner, list) else ()
        yield from between.split(value)  # several names in one text, as lists or scopes are written
    elif isinstance(value, Mapping):
        yield from (str(name) for name, given in value.items() if given and str(given).lower() != "false")
    elif isinstance(value, list | tuple):
        for each in value:
            named = filter(None, map(each.get, _NAMES)) if isinstance(each, Mapping) else (each,)
            for name in map(str, named):
                yield from (name, name.removeprefix("/"))
