"""The simulator's pages: a ticket with its notes, an article, and an asset, as a technician sees them.

Invariant: a page runs no scripts and loads nothing from other hosts, whatever a ticket or a note holds. Text is
escaped, HTML is sanitised, and the content security policy forbids scripts, forms, frames and remote loads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Final

import nh3
from aiohttp import web

from app.simulator.portal import HeldNote, HeldTicket, Portal

_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1c2430; --dim: #5c6776; --line: #dde3ea; --page: #f4f6f9; --card: #fff;
  --accent: #1d5fbf; --note: #f0f7f1; --note-line: #3d8b5a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9f0; --dim: #98a4b3; --line: #2c3643; --page: #12171e;
  --card: #1a212b; --accent: #7db0f7; --note: #17251c; --note-line: #5cb380; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
header { background: var(--card); border-bottom: 1px solid var(--line); padding: .8rem 1rem; }
header a { color: inherit; text-decoration: none; font-weight: 600; }
header span { color: var(--dim); font-size: .875rem; margin-left: .6rem; }
main { max-width: 56rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: .6rem 0; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .6rem; }
a { color: var(--accent); }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.2rem;
  margin: 0 0 .8rem; overflow-wrap: anywhere; }
.card > :first-child { margin-top: 0; } .card > :last-child { margin-bottom: 0; }
.note { background: var(--note); border-left: 4px solid var(--note-line); }
.note p { margin: .5rem 0; } .note ul, .note ol { margin: .3rem 0 .6rem; padding-left: 1.4rem; }
.dim { color: var(--dim); font-size: .875rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--dim); } dd { margin: 0; }
ul.list { list-style: none; margin: 0; padding: 0; }
ul.list li { border-top: 1px solid var(--line); padding: .55rem 0; display: flex; gap: .8rem; align-items: baseline; }
ul.list li:first-child { border-top: 0; }
ul.list a { flex: 1; } .count { white-space: nowrap; }
"""


def add_routes(app: web.Application, portals: Mapping[str, Portal]) -> None:
    """Serve the pages of *portals*, which may get more portals later, at the real product's paths."""
    pages = _Pages(portals)
    app.add_routes([web.get("/", pages.index)])
    for folder in ("at", "app"):
        app.add_routes(
            [
                web.get(f"/{folder}/{{slug}}", pages.portal),
                web.get(f"/{folder}/{{slug}}/WorkOrder.do", pages.ticket),
                web.get(f"/{folder}/{{slug}}/AddSolution.do", pages.article),
                web.get(f"/{folder}/{{slug}}/ViewWSDetails.do", pages.asset),
                web.get(f"/{folder}/{{slug}}/ui/assets/{{id}}/details", pages.asset),
                web.get(f"/{folder}/{{slug}}/ui/requests/{{id}}/details", pages.ticket),
                web.get(f"/{folder}/{{slug}}/ui/solutions/{{id}}/details", pages.article),
            ]
        )


class _Pages:
    def __init__(self, portals: Mapping[str, Portal]) -> None:
        self._portals = portals

    async def index(self, request: web.Request) -> web.Response:  # noqa: ARG002 - a handler's signature
        """Every portal with its latest open tickets."""
        cards = "".join(_portal_card(portal, limit=6) for portal in self._portals.values())
        return _page("Simulated help desks", f"<h1>Simulated help desks</h1>{cards or '<p>No portal yet.</p>'}")

    async def portal(self, request: web.Request) -> web.Response:
        portal = self._find(request)
        return _page(portal.name, f"<h1>{escape(portal.name)}</h1>{_portal_card(portal, limit=500)}")

    async def ticket(self, request: web.Request) -> web.Response:
        portal = self._find(request)
        ticket = portal.tickets.get(request.match_info.get("id") or request.query.get("woID", ""))
        if ticket is None:
            raise _missing("There is no such ticket in this portal.")
        return _page(f"#{ticket.display_id} {ticket.subject}", _ticket_body(portal, ticket))

    async def article(self, request: web.Request) -> web.Response:
        portal = self._find(request)
        article = portal.articles.get(request.match_info.get("id") or request.query.get("solutionID", ""))
        if article is None:
            raise _missing("There is no such article in this portal.")
        state = "approved" if article.approved else "not approved"
        return _page(
            article.title,
            f"<p class=dim>{_portal_link(portal)} · knowledge article, {state}</p><h1>{escape(article.title)}</h1>"
            f"<div class=card>{_clean(article.text)}</div>",
        )

    async def asset(self, request: web.Request) -> web.Response:
        portal = self._find(request)
        asset = portal.assets.get(request.match_info.get("id") or request.query.get("wsId", ""))
        if asset is None:
            raise _missing("There is no such asset in this portal.")
        facts = {
            "Host name": asset.hostname,
            "Addresses": ", ".join(asset.ips),
            "Role": asset.role,
            "Location": asset.location,
            "User": " ".join(part for part in (asset.user.name, _angled(asset.user.email)) if part),
        }
        return _page(
            asset.name,
            f"<p class=dim>{_portal_link(portal)} · asset</p><h1>{escape(asset.name)}</h1>"
            f"<div class=card><dl>{_listed(facts)}</dl></div>",
        )

    def _find(self, request: web.Request) -> Portal:
        portal = self._portals.get(request.match_info["slug"])
        if portal is None:
            raise _missing("There is no such portal.")
        return portal


def _page(title: str, body: str, *, status: int = 200) -> web.Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        '<header><a href="/">ServiceDesk Plus, simulated</a>'
        "<span>for trying out AI Agents; kept in memory</span></header>"
        f"<main>{body}</main></body></html>"
    )
    return web.Response(text=html, content_type="text/html", headers=_HEADERS, status=status)


def _missing(sentence: str) -> web.HTTPNotFound:
    page = _page("Not found", f"<h1>Not found</h1><p>{escape(sentence)}</p>")
    return web.HTTPNotFound(text=page.text, content_type="text/html", headers=_HEADERS)


def _portal_card(portal: Portal, *, limit: int) -> str:
    tickets = sorted(portal.tickets.values(), key=_waiting_first)
    rows = "".join(
        f'<li><a href="{escape(_ticket_url(portal, ticket))}">{escape(ticket.subject or "(no subject)")}</a>'
        f"<span class='dim count'>{escape(ticket.status)} · {_count(len(ticket.notes), 'note')}</span></li>"
        for ticket in tickets[:limit]
    )
    return (
        f"<div class=card><p>{_portal_link(portal)} <span class=dim>{escape(portal.edition.replace('_', ' '))} · "
        f"{_count(len(portal.tickets), 'ticket')} · {_count(portal.note_count, 'note')} · "
        f"{_count(len(portal.articles), 'article')} · {_count(len(portal.assets), 'asset')}</span></p>"
        f"<ul class=list>{rows}</ul></div>"
    )


def _waiting_first(ticket: HeldTicket) -> tuple[bool, int, str]:
    return ticket.resolved is not None, -len(ticket.notes), ticket.id


def _ticket_body(portal: Portal, ticket: HeldTicket) -> str:
    facts = {
        "Requester": " ".join(part for part in (ticket.requester.name, _angled(ticket.requester.email)) if part),
        "Status": ticket.status,
        "Priority": ticket.priority,
        "Category": ticket.category,
        "Technician": ticket.technician,
        "Created": _time(ticket.created),
    }
    resolution = f"<h2>Resolution</h2><div class=card>{_clean(ticket.resolution)}</div>" if ticket.resolution else ""
    return (
        f"<p class=dim>{_portal_link(portal)} · ticket #{escape(ticket.display_id)}</p>"
        f"<h1>{escape(ticket.subject or '(no subject)')}</h1><div class=card><dl>{_listed(facts)}</dl></div>"
        f"<h2>Description</h2><div class=card>{_clean(ticket.description) or '<span class=dim>(empty)</span>'}</div>"
        f"{resolution}<h2>Notes ({len(ticket.notes)})</h2>{_notes(ticket.notes)}"
    )


def _clean(html: str) -> str:
    """*html* without what runs, and without pictures: the policy loads none."""
    return nh3.clean(html, tags=nh3.ALLOWED_TAGS - {"img"})


def _listed(facts: Mapping[str, str]) -> str:
    return "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items() if value)


def _notes(notes: Iterable[HeldNote]) -> str:
    cards = "".join(
        f"<div class='card note'><p class=dim>{escape(note.author)} · {_time(note.created)} · "
        f"{_audience(note)}</p>{_clean(note.html)}</div>"
        for note in notes
    )
    return cards or "<p class=dim>No note yet.</p>"


def _audience(note: HeldNote) -> str:
    return "shown to the requester" if note.show_to_requester else "for technicians only"


def _ticket_url(portal: Portal, ticket: HeldTicket) -> str:
    if portal.edition.is_cloud:
        return f"/app/{portal.slug}/ui/requests/{ticket.id}/details"
    return f"/at/{portal.slug}/WorkOrder.do?woMode=viewWO&woID={ticket.id}"


def _portal_link(portal: Portal) -> str:
    folder = "app" if portal.edition.is_cloud else "at"
    return f'<a href="/{folder}/{portal.slug}">{escape(portal.name)}</a>'


def _angled(email: str) -> str:
    return f"<{email}>" if email else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
