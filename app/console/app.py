"""The console's composition root."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from litestar import Litestar, Response, Router, get
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException, NotFoundException
from litestar.params import FromPath
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from app.console import acts, cost, deliveries, now, quality, shadow, sign_in, tenants
from app.console.access import ClientGroups, Role
from app.console.door import FindUser, find_user, provide_user, require_user
from app.console.given import AnyRequest
from app.console.limit import PAGE_LIMIT_S, LimitTime, PageTooSlow
from app.console.oidc import OpenIdProvider, ProviderOptions
from app.console.pages import HEADERS, page, static_file
from app.console.resources import Backend, Resources
from app.console.sessions import Seals, Sessions, User
from app.console.sign_in import Doors
from app.db.session import open_database
from app.errors import AppError, DatabaseUnavailable
from app.listening import check_port
from app.queue import RingBroker, open_queue
from app.settings import ConsoleSettings
from app.telemetry.traces import end_traces
from app.tenants import TenantDirectory, open_tenants

_MAX_FORM_BYTES: Final = 64 * 1024

log = structlog.get_logger(__name__)


@get("/static/{name:str}", sync_to_thread=False)
def static(name: FromPath[str]) -> Response[bytes]:
    found = static_file(name)
    if found is None:
        raise NotFoundException("There is no such file.")
    content, kind = found
    return Response(content, media_type=kind, headers={"cache-control": "public, max-age=3600"})


@get(["/health/live", "/health/ready"], sync_to_thread=False)
def live() -> dict[str, str]:
    """For the probes. It does no I/O: a restart would not help while the database is down; the pages say so."""
    return {"status": "live"}


class Headers:
    """Adds the security headers to every answer, errors included."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def provide_resources(backend: NamedDependency[Backend], user: NamedDependency[User]) -> Resources:
    """What the user of this request may see."""
    return Resources(backend, user.access)


_FOR_USERS: Final = [
    now.show_now,
    now.show_live,
    deliveries.list_deliveries,
    deliveries.show_delivery,
    deliveries.confirm_act,
    deliveries.act_on_chosen,
    deliveries.act_on_one,
    tenants.list_tenants,
    tenants.show_tenant,
    tenants.check_connection,
    shadow.show_shadow,
    shadow.judge_note,
    tenants.leave_check,
    tenants.act_on_tenant,
    tenants.act_on_all,
    quality.show_quality,
    quality.act_on_source,
    cost.show_cost,
    cost.export_cost,
    acts.show_acts,
    sign_in.sign_out,
]
_FOR_ANYBODY: Final = [
    static,
    live,
    sign_in.show_sign_in,
    sign_in.sign_in_by_token,
    sign_in.begin_oidc,
    sign_in.end_oidc,
]


def create_console(*, backend: Backend, doors: Doors, seals: Seals) -> Litestar:
    """The application with its pages."""

    def providing(value: object) -> Provide:
        return Provide(lambda: value, sync_to_thread=False, use_cache=True)

    renew = doors.provider.renew if doors.provider else None
    sessions = Sessions(backend.database, seals, doors.named, renew)
    inside = Router(
        "/",
        route_handlers=_FOR_USERS,
        before_request=require_user,
        middleware=[LimitTime],
        dependencies={
            "user": Provide(provide_user, sync_to_thread=False),
            "resources": Provide(provide_resources, sync_to_thread=False),
        },
    )
    console = Litestar(
        [inside, *_FOR_ANYBODY],
        dependencies={
            "backend": providing(backend),
            "doors": providing(doors),
            "seals": providing(seals),
            "sessions": providing(sessions),
        },
        middleware=[FindUser],
        exception_handlers={
            AppError: _answer_app_error,
            PageTooSlow: _answer_too_slow,
            HTTPException: _answer_http_error,
            Exception: _answer_bug,
        },
        request_max_body_size=_MAX_FORM_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    console.state.sessions = sessions
    console.state.url = doors.url
    return console


def _problem(request: AnyRequest, status: int, title: str, detail: str, *, tries_again: bool = False) -> Response[str]:
    user = find_user(request)
    told = {"title": title, "detail": detail, "tries_again": tries_again}
    return page("problem.html", status=status, user=user, here="", **told)


def _answer_app_error(request: AnyRequest, error: AppError) -> Response[str]:
    if isinstance(error, DatabaseUnavailable):
        log.warning("page_not_shown", cause=error.detail)
        detail = "Webhooks are refused with 503 meanwhile, and their senders try again."
        is_page = request.method == "GET"  # a form is not sent twice
        detail += " This page tries again by itself." if is_page else ""
        return _problem(request, 503, "The database can't be reached", detail, tries_again=is_page)
    return _problem(request, 502, "That did not work", error.detail)


def _answer_too_slow(request: AnyRequest, _: PageTooSlow) -> Response[str]:
    log.warning("page_ended", path=request.scope["path"], after_s=PAGE_LIMIT_S)
    detail = (
        f"It was ended after {PAGE_LIMIT_S:.0f} s, so that webhooks and notes don't wait for it. It asks about too many"
        " tenants at once, or too long a time: choose a tenant, or a shorter time."
    )
    return _problem(request, 503, "This page takes too long", detail)


def _answer_http_error(request: AnyRequest, error: HTTPException) -> Response[str]:
    status = HTTPStatus(error.status_code)
    titles = {403: "You may not do this", 404: "Nothing here", 413: "Too large"}
    detail = error.detail if status < HTTPStatus.INTERNAL_SERVER_ERROR else ""
    if status is HTTPStatus.NOT_FOUND and detail == status.phrase:
        detail = "There is no such page."
    return _problem(request, status, titles.get(status, "That did not work"), detail)


def _answer_bug(request: AnyRequest, error: Exception) -> Response[str]:
    """The page for a bug of ours: it shows an id, under which the log has the error's text."""
    error_id = str(uuid4())
    log.error("request_failed", error_id=error_id, exc_info=error)
    return _problem(request, 500, "Something went wrong on our side", f"Name this id when you report it: {error_id}")


@asynccontextmanager
async def open_console(settings: ConsoleSettings) -> AsyncIterator[Litestar]:
    """Open everything that the console needs; close it in reverse order when the block ends."""
    async with AsyncExitStack() as stack:
        tenants_directory = await stack.enter_async_context(
            open_tenants(settings.tenants_dir, settings.tenant_secrets_dir, settings.instances_dir)
        )
        database = await stack.enter_async_context(
            open_database(**settings.database, name="ai-agents console", shows_all_times=True)
        )
        queue = await stack.enter_async_context(open_queue(RingBroker(settings.redis_url.get_secret_value())))
        key, token = settings.console_session_key, settings.console_token
        local_token = token.get_secret_value() if token else None
        yield create_console(
            backend=Backend(
                database,
                queue,
                tenants_directory,
                trace_url=settings.console_trace_url or "",
                smoke_results=settings.console_smoke_results,
            ),
            doors=Doors(
                token=local_token,
                provider=_provider(settings),
                url=settings.console_url,
                named=_named(settings, tenants_directory),
            ),
            seals=Seals(key.get_secret_value().encode() if key else None, token=local_token),
        )


def _named(settings: ConsoleSettings, directory: TenantDirectory) -> ClientGroups:
    """The tenants that are named for each group. One without a file is logged: it may be a typing error."""
    groups = settings.console_oidc_client_groups
    slugs = {slug for roles in groups.values() for named in roles.values() for slug in named}
    if unknown := sorted(slug for slug in slugs if directory.find_slug(slug) is None):
        log.warning("client_groups_name_no_tenant", tenants=unknown)
    return {
        group: {slug: Role(role) for role, named in roles.items() for slug in named} for group, roles in groups.items()
    }


def _provider(settings: ConsoleSettings) -> OpenIdProvider | None:
    if settings.console_oidc_client_id is None:
        return None
    secret = settings.console_oidc_client_secret
    return OpenIdProvider(
        ProviderOptions(
            issuer=settings.console_oidc_issuer or "",
            client_id=settings.console_oidc_client_id,
            client_secret=secret.get_secret_value() if secret else None,
            redirect_url=f"{settings.console_url}/sign-in/callback",
            scopes=settings.console_oidc_scopes,
            role_claim=settings.console_oidc_role_claim,
            operators=settings.console_oidc_operators,
            viewers=settings.console_oidc_viewers,
            client_groups=frozenset(settings.console_oidc_client_groups),
        )
    )


async def serve(settings: ConsoleSettings) -> None:
    """Serve until SIGTERM or SIGINT."""
    check_port(settings.console_host, settings.console_port, variables="CONSOLE_HOST, CONSOLE_PORT")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_console(settings) as console:
        server = Server(
            Headers(console),
            address=settings.console_host,
            port=settings.console_port,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            log_level=LogLevels.warning,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        log.info("console_started", port=settings.console_port)
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        if serving.done():  # the listener died
            stopping.cancel()
            await serving
            return
        server.stop()  # type: ignore[no-untyped-call]
        await serving
    end_traces()
