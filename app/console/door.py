"""Access control of the console: sessions, CSRF tokens and the role operator.

Invariant: without a session only sign-in, static files and health are shown. A request that changes something needs a
session, the session's CSRF token and, for an act, the role operator. Of which tenants, `Resources` decides.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from litestar import Request, Response
from litestar.connection import ASGIConnection
from litestar.datastructures import FormMultiDict
from litestar.enums import RequestEncodingType, ScopeType
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.response import Redirect
from litestar.types import ASGIApp, Receive, Scope, Send

from app.console.sessions import Sessions, User

COOKIE: Final = "ai_agents_console"
MAY_NOT: Final = "You may look. To act here, your account needs the role operator."
_LIVE: Final = "hx-request"
_USER: Final = "user"
_WITHOUT_USER: Final = ("/static/", "/health/")
# What is kept is read in terminals too, which obey control characters. Those that are left are blanks.
_NO_TEXT: Final = re.compile("[\0-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_MAX_PATH_CHARS: Final = 1_000
_PORTS: Final = {"http": 80, "https": 443}


def find_user(connection: ASGIConnection[Any, Any, Any, Any]) -> User | None:
    """The user of the request's session, as `FindUser` found it."""
    user: User | None = connection.scope["state"].get(_USER)
    return user


class FindUser:
    """A middleware: finds the user of each request once, before guards and handlers ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and not scope["path"].startswith(_WITHOUT_USER):
            connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
            sessions: Sessions = connection.app.state.sessions
            cookie = connection.cookies.get(COOKIE)
            scope["state"][_USER] = await sessions.find(cookie, by_person=_LIVE not in connection.headers)
        await self._app(scope, receive, send)


async def require_user(request: Request[Any, Any, Any]) -> Response[Any] | None:
    """Runs before each request of a page: without a session it redirects to sign-in; a POST needs the CSRF token.

    Raises:
        ClientException: Its address or form holds what is no text, e.g. a NUL, which PostgreSQL can't compare with, or
            another control character.
        PermissionDeniedException: The form is not from a page of the session.
    """
    _check_texts([*request.query_params.values(), *request.path_params.values()])
    user = find_user(request)
    if user is None:
        if request.headers.get(_LIVE):  # htmx, from an open page that refreshes itself
            return Response(None, status_code=200, headers={"HX-Redirect": "/sign-in"})
        return Redirect(f"/sign-in?next={quote(_asked(request))}", status_code=303)
    request.state.user = user
    if request.method != "GET":
        await _check_csrf(request, user)
    return None


def _check_texts(values: Iterable[object]) -> None:
    for value in values:
        if isinstance(value, str) and _NO_TEXT.search(value):
            raise ClientException("This address or form holds what is no text.")


async def _check_csrf(request: Request[Any, Any, Any], user: User) -> None:
    check_origin(request)
    form = await read_form(request)
    if not hmac.compare_digest(str(form.get("csrf", "")).encode(), user.csrf.encode()):
        raise PermissionDeniedException("This form is not from a page of your session. Go back, reload, try again.")


async def read_form(request: Request[Any, Any, Any]) -> FormMultiDict:
    """The form that the request sends.

    Raises:
        ClientException: It is none of ours, which browsers send urlencoded; the library's reader of multipart forms
            fails on bytes and names of encodings that it can't decode. Or it holds what is no text.
    """
    if request.content_type[0] == RequestEncodingType.MULTI_PART:
        raise ClientException("This form is not sent as a page of the console sends it.")
    form = await request.form()
    _check_texts(form.values())
    return form


def check_origin(request: Request[Any, Any, Any]) -> None:
    """Check by the headers that browsers send that a form comes from one of our own pages.

    `Sec-Fetch-Site: same-origin` is enough: a page of another site can't make a browser send it. Host is compared last,
    since proxies change it. A forwarded host (`X-Forwarded-Host`) is ignored, since any client can send one.

    Raises:
        PermissionDeniedException: It comes from another site.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site == "same-origin":
        return
    place: str = request.app.state.url or request.headers.get("host") or ""
    if site in {None, "none"} and (origin is None or _is_at(origin, place)):
        return
    raise PermissionDeniedException(
        "This form is not from a page of the console. If a proxy stands before it, set CONSOLE_URL to the address that"
        " people use."
    )


def _is_at(origin: str, place: str) -> bool:
    """Whether *origin* is the same as *place*, which is a URL, or a host with or without a port."""
    try:
        there = place if "://" in place else f"{urlsplit(origin).scheme}://{place}"
        return _address(origin) == _address(there)
    except ValueError:
        return False


def _address(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(url)
    # A browser writes a name with other letters in ASCII, a person who sets CONSOLE_URL may not.
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    return parts.scheme, host, parts.port or _PORTS[parts.scheme]


def require_operator(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A Litestar guard: acts on deliveries of several tenants need the role operator for one of them at least."""
    user = find_user(connection)
    if user is not None and not user.access.may_operate_any:
        raise PermissionDeniedException(MAY_NOT)


def require_operator_of_all(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A Litestar guard: acts on all tenants need the role operator for all."""
    user = find_user(connection)
    if user is not None and not user.access.may_operate_all:
        raise PermissionDeniedException(MAY_NOT)


def provide_user(request: Request[Any, Any, Any]) -> User:
    user: User = request.state.user
    return user


def own_path(path: str | None) -> str:
    """*path* when it is a path of the console, else `/`: sign-in must not redirect to another site.

    Browsers leave a tab or a line break in an address out. One that is too long fits no cookie, and no proxy's header.
    """
    is_own = path is not None and path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if path and is_own and path.isprintable() and len(path) <= _MAX_PATH_CHARS else "/"


def _asked(request: Request[Any, Any, Any]) -> str:
    """The page that is asked for; of an act, whose address is no page, the one that has its form."""
    if request.method == "GET":
        # Not `request.url`: to build it, the library reads the header Host, which may be no host.
        return _own_path(request.scope["path"], request.scope["query_string"].decode(errors="replace"))
    try:
        form = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "/"
    return _own_path(form.path, form.query)


def _own_path(path: str, query: str) -> str:
    return own_path(f"{path}?{query}" if query else path)
