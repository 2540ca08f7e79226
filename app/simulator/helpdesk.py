"""The simulator's server: the APIs of both editions, the pages for people, and the control of faults.

    /at/<slug>/api/v3/…      on premises, header `authtoken` (or `TECHNICIAN_KEY`); `/api/v3/…` finds the portal by key
    /app/<slug>/api/v3/…     cloud, `Authorization: Zoho-oauthtoken …` and the v3 `Accept`
    /oauth/v2/token          the accounts server of all cloud portals
    /  /at/<slug>  /app/<slug>  and a ticket's and an article's page at the real product's paths
    /simulator/…             control, only for callers on this machine

Invariant: each API call is counted, gets at most one fault, and is carried out completely or not at all.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Final

from aiohttp import web

from app.simulator import control, pages, wire
from app.simulator.api import ApiError, Call, answer
from app.simulator.faults import Fault, FaultKind
from app.simulator.portal import Portal
from app.simulator.tokens import LIFE

_MAX_BODY_BYTES: Final = 1024 * 1024
_ACCEPT: Final = "application/vnd.manageengine.sdp.v3+json"
_SCHEME: Final = "Zoho-oauthtoken "

_Work = Callable[[], Awaitable[web.StreamResponse]]
"""Carries out a call that has no fault."""


class HelpDeskSimulator:
    """A ServiceDesk Plus on a port of this machine. It keeps everything in memory."""

    def __init__(self) -> None:
        self.portals: dict[str, Portal] = {}
        self.url = ""
        self._runner: web.AppRunner | None = None
        self._closing = asyncio.Event()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen. Port 0 takes a free port; `url` has it."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes(
            [
                web.post("/oauth/v2/token", self._give_token),
                web.route("*", "/api/v3/{path:.*}", self._call_by_key),
                web.route("*", "/at/{slug}/api/v3/{path:.*}", self._call),
                web.route("*", "/app/{slug}/api/v3/{path:.*}", self._call),
            ]
        )
        pages.add_routes(app, self.portals)
        control.add_routes(app, self.portals)
        self._closing.clear()
        # So that a call with the fault `silence` ends when its caller closes, and no call delays the stop.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        bound_port = self._runner.addresses[0][1]
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{bound_port}"
        for portal in self.portals.values():
            self._set_urls(portal)

    async def stop(self) -> None:
        """Close the port and all connections. What the portals hold stays."""
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def add_portal(self, portal: Portal) -> Portal:
        """Serve *portal*, and set its URLs; raises ValueError when its slug is taken."""
        if portal.slug in self.portals:
            raise ValueError(f"there is a portal {portal.slug} already")
        self.portals[portal.slug] = portal
        if self.url:
            self._set_urls(portal)
        return portal

    def _set_urls(self, portal: Portal) -> None:
        is_cloud = portal.edition.is_cloud
        portal.url = f"{self.url}/{'app' if is_cloud else 'at'}/{portal.slug}"
        portal.accounts_url = self.url if is_cloud else ""

    async def _call(self, request: web.Request) -> web.StreamResponse:
        portal = self.portals.get(request.match_info["slug"])
        is_cloud_path = request.path.startswith("/app/")
        if portal is None or is_cloud_path != (portal.edition.is_cloud):
            return web.Response(status=404, text="no such portal")
        return await self._serve(portal, request)

    async def _call_by_key(self, request: web.Request) -> web.StreamResponse:
        key = _key(request)
        for portal in self.portals.values():
            if not portal.edition.is_cloud and _equal(key, portal.api_key):
                return await self._serve(portal, request)
        return _failure(ApiError(401))

    async def _serve(self, portal: Portal, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"].strip("/")
        portal.calls.append(f"{request.method} /{path}")
        return await self._with_faults(portal, request, path, lambda: _answer(portal, request, path))

    async def _with_faults(self, portal: Portal, request: web.Request, path: str, work: _Work) -> web.StreamResponse:
        # Read first: a caller that is still sending would see a broken pipe and not the fault.
        await request.read()
        fault = portal.faults.take(request.method, path)
        if fault is None:
            return await work()
        await asyncio.sleep(fault.delay)
        match fault.kind:
            case FaultKind.SLOW:
                return await work()
            case FaultKind.STATUS:
                return _faulty(fault)
            case FaultKind.GARBAGE:
                return web.Response(text=fault.body or "<html><body>It works!</body></html>", content_type="text/html")
            case FaultKind.SILENCE:
                await self._closing.wait()
            case FaultKind.CUT_AFTER:
                await work()
        _reset(request)
        return web.Response(status=500)  # not sent: the connection is closed

    async def _give_token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        for portal in self.portals.values():
            if portal.edition.is_cloud and _equal(str(form.get("refresh_token", "")), portal.refresh_token):
                return await self._with_faults(portal, request, "oauth/v2/token", partial(_token, portal, request))
        return web.json_response({"error": "invalid_code"})


async def _read_form(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise ApiError(415)
    return {key: str(value) for key, value in (await request.post()).items()}


async def _answer(portal: Portal, request: web.Request, path: str) -> web.StreamResponse:
    try:
        _authenticate(portal, request, resource=path.partition("/")[0])
        form = await _read_form(request) if request.method in {"POST", "PUT"} else {}
        return web.json_response(answer(portal, Call(request.method, tuple(path.split("/")), request.query, form)))
    except ApiError as error:
        return _failure(error)


def _authenticate(portal: Portal, request: web.Request, *, resource: str) -> None:
    if not portal.edition.is_cloud:
        if not _equal(_key(request), portal.api_key):
            raise ApiError(401)
        return
    if request.headers.get("Accept") != _ACCEPT:
        raise ApiError(415)
    authorization = request.headers.get("Authorization", "")
    token = authorization.removeprefix(_SCHEME)
    is_live = token != authorization and portal.tokens.is_live(token, now=datetime.now(UTC))
    if not is_live or resource not in portal.scopes:
        raise ApiError(401)


async def _token(portal: Portal, request: web.Request) -> web.StreamResponse:
    form = await request.post()
    if form.get("grant_type") != "refresh_token":
        return web.json_response({"error": "unsupported_grant_type"})
    is_client = _equal(str(form.get("client_id", "")), portal.client_id)
    if not is_client or not _equal(str(form.get("client_secret", "")), portal.client_secret):
        return web.json_response({"error": "invalid_client"})
    token = portal.tokens.give(now=datetime.now(UTC))
    if token is None:
        told = "You have made too many requests continuously. Please try again after some time."
        return web.json_response({"error": "Access Denied", "error_description": told}, status=400)
    return web.json_response(
        {
            "access_token": token,
            "expires_in": int(LIFE.total_seconds()),
            "token_type": "Bearer",
            "api_domain": portal.url,
        }
    )


def _key(request: web.Request) -> str:
    return request.headers.get("authtoken") or request.headers.get("TECHNICIAN_KEY") or ""


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _failure(error: ApiError) -> web.Response:
    return web.json_response(error.body, status=error.status)


def _faulty(fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.retry_after, "Location": fault.location}
    response = (
        web.json_response(wire.failure(fault.status, code=fault.code), status=fault.status)
        if fault.body is None
        else web.Response(text=fault.body, status=fault.status)
    )
    response.headers.update({name: value for name, value in headers.items() if value is not None})
    return response


def _reset(request: web.Request) -> None:
    """Close the connection with a TCP reset, as a crashed server or a lost NAT entry does."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
