"""Sign-in and sign-out: by the local token, or by the organisation's OpenID Connect provider."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from litestar import Response, get, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.exceptions import NotFoundException
from litestar.response import Redirect

from app.console.access import ClientGroups, Role
from app.console.door import COOKIE, check_origin, own_path, read_form
from app.console.given import AnyRequest, NamedUser
from app.console.oidc import OpenIdProvider
from app.console.pages import page
from app.console.roles import Person, SignInRefused
from app.console.sessions import SESSION_LIFE, Seals, Sessions

_BEGUN: Final = "ai_agents_console_sign_in"
_BEGUN_LIFE: Final = timedelta(minutes=10)
_WRONG_TOKEN_S: Final = 0.5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """The ways to sign in that are configured."""

    token: str | None
    provider: OpenIdProvider | None
    url: str | None
    """The console's URL for people (`CONSOLE_URL`); None: not configured."""
    named: ClientGroups = field(default_factory=dict)
    """Which tenants the members of which group may use (`CONSOLE_OIDC_CLIENT_GROUPS`)."""

    @property
    def is_secure(self) -> bool:
        """Whether the console is reached by https. Then cookies have the attribute `Secure`."""
        return (self.url or "").startswith("https://")

    def cookie(self, name: str, value: str, *, life: timedelta) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            path="/",
            httponly=True,
            secure=self.is_secure,
            samesite="lax",
            max_age=int(life.total_seconds()),
        )


@get("/sign-in")
async def show_sign_in(request: AnyRequest, doors: NamedDependency[Doors]) -> Response[str]:
    return _page(doors, own_path(request.query_params.get("next")))


def _page(doors: Doors, next_path: str, *, problem: str = "", status: int = 200) -> Response[str]:
    return page(
        "sign_in.html",
        status=status,
        has_token=doors.token is not None,
        has_provider=doors.provider is not None,
        next_path=next_path,
        problem=problem,
    )


@post("/sign-in")
async def sign_in_by_token(
    request: AnyRequest, doors: NamedDependency[Doors], sessions: NamedDependency[Sessions]
) -> Response[Any]:
    check_origin(request)
    form = await read_form(request)
    next_path = own_path(str(form.get("next", "/")))
    given = str(form.get("token", "")).strip()
    if doors.token is None or not hmac.compare_digest(given.encode(), doors.token.encode()):
        await asyncio.sleep(_WRONG_TOKEN_S)
        log.warning("sign_in_refused", by="token")
        return _page(doors, next_path, problem="That is not the token.", status=403)
    person = Person("local token", Role.OPERATOR)
    return _welcome(doors, await sessions.begin(person, is_checked=False), person.name, next_path)


@get("/sign-in/oidc")
async def begin_oidc(request: AnyRequest, doors: NamedDependency[Doors], seals: NamedDependency[Seals]) -> Redirect:
    if doors.provider is None:
        raise NotFoundException("There is no such page.")
    begun = await doors.provider.begin()
    kept = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier}
    kept["next"] = own_path(request.query_params.get("next"))
    sealed = seals.seal("sign-in", kept)
    return Redirect(begun.url, status_code=303, cookies=[doors.cookie(_BEGUN, sealed, life=_BEGUN_LIFE)])


@get("/sign-in/callback")
async def end_oidc(
    request: AnyRequest,
    doors: NamedDependency[Doors],
    seals: NamedDependency[Seals],
    sessions: NamedDependency[Sessions],
) -> Response[Any]:
    if doors.provider is None:
        raise NotFoundException("There is no such page.")
    kept = seals.open("sign-in", request.cookies.get(_BEGUN), life=_BEGUN_LIFE)
    if kept is None:
        late = "This sign-in took too long, or began in another browser. Begin again."
        return _page(doors, "/", problem=late, status=403)
    try:
        person = await doors.provider.finish(
            dict(request.query_params), state=kept["state"], nonce=kept["nonce"], verifier=kept["verifier"]
        )
    except SignInRefused as refusal:
        log.warning("sign_in_refused", by="oidc", cause=refusal.detail)
        return _page(doors, "/", problem=refusal.detail, status=403)
    return _welcome(doors, await sessions.begin(person, is_checked=True), person.name, own_path(kept["next"]))


def _welcome(doors: Doors, session: str, name: str, next_path: str) -> Redirect:
    log.info("signed_in", user=name)
    cookies = [doors.cookie(COOKIE, session, life=SESSION_LIFE)]
    return Redirect(next_path, status_code=303, cookies=cookies)


@post("/sign-out")
async def sign_out(doors: NamedDependency[Doors], sessions: NamedDependency[Sessions], user: NamedUser) -> Redirect:
    """End the session on the server, so that no copy of the cookie is good, and delete the cookie."""
    await sessions.end(user)
    return Redirect("/sign-in", status_code=303, cookies=[doors.cookie(COOKIE, "", life=timedelta(0))])
