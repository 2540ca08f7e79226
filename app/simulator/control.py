"""The simulator's control API, for the demo and the tests when it runs as a separate process.

Invariant: only callers on this machine are served, with a Host header of this machine and JSON, so no web page in a
browser can call it.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from app.core.ip import read_ip
from app.simulator import wire
from app.simulator.faults import Fault
from app.simulator.portal import Portal, PortalFull

_Handler = Callable[[web.Request], Awaitable[web.Response]]

_LOCAL_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})


def add_routes(app: web.Application, portals: Mapping[str, Portal]) -> None:
    """Serve `/simulator/…` for *portals*, which may get more portals later."""
    control = _Control(portals)
    app.add_routes(
        [
            web.get("/simulator/portals", _local(control.list_portals)),
            web.post("/simulator/faults", _local(control.add_fault)),
            web.delete("/simulator/faults", _local(control.clear_faults)),
            web.get("/simulator/notes", _local(control.list_notes)),
            web.post("/simulator/tickets", _local(control.add_ticket)),
            web.patch("/simulator/tickets", _local(control.update_ticket)),
        ]
    )


class _Control:
    def __init__(self, portals: Mapping[str, Portal]) -> None:
        self._portals = portals

    async def list_portals(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler's signature
        """`[{slug, name, edition, url, tickets, notes, notes_removed, calls, faults}]`"""
        return web.json_response(
            [
                {
                    "slug": portal.slug,
                    "name": portal.name,
                    "edition": portal.edition,
                    "url": portal.url,
                    "tickets": len(portal.tickets),
                    "notes": portal.note_count,
                    "notes_removed": portal.notes_removed,
                    "calls": len(portal.calls),
                    "faults": len(portal.faults),
                }
                for portal in self._portals.values()
            ]
        )

    async def add_fault(self, request: web.Request) -> web.Response:
        """`{portal: <slug>, …a Fault's fields}`"""
        body = await _body(request)
        portal = self._portal(body.pop("portal", None))
        try:
            portal.faults.add(Fault.model_validate(body))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise _bad(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        except ValueError as error:
            raise _bad(str(error)) from None
        return web.json_response({"faults": len(portal.faults)}, status=201)

    async def clear_faults(self, request: web.Request) -> web.Response:
        """`?portal=<slug>`; without it, those of every portal."""
        slug = request.query.get("portal")
        for portal in self._portals.values() if slug is None else [self._portal(slug)]:
            portal.faults.clear()
        return web.json_response({"faults": 0})

    async def list_notes(self, request: web.Request) -> web.Response:
        """`?portal=<slug>&ticket_id=<id>` → `[{ticket_id, …the note as the API writes it}]`; without an id, of all."""
        portal = self._portal(request.query.get("portal"))
        ticket_id = request.query.get("ticket_id")
        return web.json_response(
            [
                {"ticket_id": ticket.id, **wire.note_row(note)}
                for ticket in portal.tickets.values()
                if ticket_id in {None, ticket.id}
                for note in ticket.notes
            ]
        )

    async def add_ticket(self, request: web.Request) -> web.Response:
        """`{portal: <slug>, …fields as in tickets.yaml}` → the ticket as the API writes it"""
        body = await _body(request)
        portal = self._portal(body.pop("portal", None))
        _check_texts(body)
        try:
            ticket = portal.add_ticket(**body)
        except (TypeError, ValueError, PortalFull) as error:
            raise _bad(f"not a ticket: {error}") from None
        return web.json_response(wire.ticket_row(ticket, portal), status=201)

    async def update_ticket(self, request: web.Request) -> web.Response:
        """`{portal: <slug>, id: <id>, …the fields to change}` → the ticket as the API writes it"""
        body = await _body(request)
        portal = self._portal(body.pop("portal", None))
        _check_texts(body)
        try:
            ticket = portal.update_ticket(str(body.pop("id", "")), **body)
        except KeyError:
            raise web.HTTPNotFound(text="no such ticket") from None
        except (TypeError, ValueError) as error:
            raise _bad(str(error)) from None
        return web.json_response(wire.ticket_row(ticket, portal))

    def _portal(self, slug: object) -> Portal:
        portal = self._portals.get(slug) if isinstance(slug, str) else None
        if portal is None:
            raise web.HTTPNotFound(text="portal: name one of " + ", ".join(self._portals))
        return portal


def _local(handler: _Handler) -> _Handler:
    async def guarded(request: web.Request) -> web.Response:
        name = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
        address = read_ip(request.remote or "")
        if address is None or not address.is_loopback or (name or request.host) not in _LOCAL_NAMES:
            raise web.HTTPForbidden(text="the simulator is controlled from its own machine alone")
        return await handler(request)

    return guarded


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="must be application/json")
    try:
        body = json.loads(await request.read())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _bad("must be a JSON object")
    return body


def _check_texts(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if isinstance(value, dict | list) and name != "requester":
            raise _bad(f"{name}: must be a text" + (", the account's id" if name == "account" else ""))


def _bad(text: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=text)
