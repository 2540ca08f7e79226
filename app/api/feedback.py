"""`/feedback/<token>`: a technician's vote on a note, without a login.

Invariant: a GET changes nothing, since mail scanners and link previews open links too; only the page's buttons (POST)
vote. A note has one vote by its link: a later one replaces it. The page shows nothing of the note, and of its ticket
the number alone that the link names.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import escape
from typing import Any, Final
from urllib.parse import parse_qs
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.enums import MediaType
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from app.api.bodies import Bodies
from app.core.feedback import MAX_COMMENT_CHARS, read_token
from app.core.toml import read_toml
from app.db.ledger.intake import Intake

# A form encodes a character outside the BMP as 12 bytes (%F0%9F%98%80); 200 bytes are for the names of the fields.
_MAX_FORM_BYTES: Final = MAX_COMMENT_CHARS * 12 + 200
_NUMBER = re.compile(r"[0-9]{1,18}")
_STYLE: Final = """
:root { color-scheme: light dark; --page: #f6f7f9; --text: #1b2330; --card: #fff; --line: #e2e6ec; --faint: #5c6880; }
@media (prefers-color-scheme: dark) {
  :root { --page: #0f131a; --text: #e7ebf2; --card: #171c25; --line: #29313f; --faint: #97a3b6; }
}
body { font: 400 16px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; margin: 0; display: grid; place-items: center;
  min-height: 100vh; background: var(--page); color: var(--text); }
main { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 32px; max-width: 440px;
  margin: 16px; box-sizing: border-box; }
h1 { font-size: 1.3rem; margin: 0 0 8px; } p { margin: .5em 0; } small { color: var(--faint); font-weight: 400; }
label { font-weight: 600; display: block; margin: 14px 0 4px; }
textarea { width: 100%; box-sizing: border-box; font: inherit; border: 1px solid #8a94a6; border-radius: 8px;
  padding: 8px 10px; min-height: 96px; background: transparent; color: inherit; }
.buttons { display: flex; gap: 10px; margin-top: 16px; }
button { flex: 1; font: inherit; font-weight: 600; padding: 10px; border-radius: 8px; border: 1px solid #8a94a6;
  background: transparent; color: inherit; cursor: pointer; }
button.first { background: #3450c4; border-color: #3450c4; color: #fff; }
"""
_HEADERS: Final = {
    "x-robots-tag": "noindex",
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
}


@dataclass(frozen=True, slots=True)
class FeedbackKey:
    """The key that signs the links. None: notes have no link, and this page does not exist."""

    value: bytes | None
    language_of: Callable[[UUID], str]
    """In which language a tenant's notes are written."""

    def words(self, tenant_id: UUID) -> dict[str, str]:
        return _words()[self.language_of(tenant_id)]


@cache
def _words() -> dict[str, dict[str, str]]:
    return read_toml(__package__, "feedback.toml")


@get("/feedback/{token:str}", include_in_schema=False, sync_to_thread=False)
def ask_for_vote(
    token: FromPath[str], request: Request[Any, Any, Any], feedback_key: NamedDependency[FeedbackKey]
) -> Response[str]:
    tenant_id, _ = _read(token, feedback_key)
    words, number = feedback_key.words(tenant_id), request.query_params.get("ticket", "")
    named = f"<p>{escape(words['ticket'].format(number=number))}</p>" if _NUMBER.fullmatch(number) else ""
    form = (
        f"<h1>{escape(words['title'])}</h1>{named}<p>{escape(words['intro'])}</p>"
        f'<form method="post" action="/feedback/{escape(token)}">'
        f'<label for="c">{escape(words["comment"])} <small>{escape(words["optional"])}</small></label>'
        f'<textarea id="c" name="comment" maxlength="{MAX_COMMENT_CHARS}"></textarea>'
        f'<div class="buttons"><button class="first" name="vote" value="up">{escape(words["up"])}</button>'
        f'<button name="vote" value="down">{escape(words["down"])}</button></div></form>'
    )
    return _page(words["title"], form, language=feedback_key.language_of(tenant_id))


@post("/feedback/{token:str}", include_in_schema=False, status_code=200)
async def take_vote(
    token: FromPath[str],
    request: Request[Any, Any, Any],
    intake: NamedDependency[Intake],
    bodies: NamedDependency[Bodies],
    feedback_key: NamedDependency[FeedbackKey],
) -> Response[str]:
    tenant_id, job_id = _read(token, feedback_key)
    body = await bodies.read(request.receive, length=request.content_length)
    if len(body) > _MAX_FORM_BYTES:
        raise HTTPException(status_code=413)
    try:
        form = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except ValueError:
        raise HTTPException(status_code=400, detail="the form has too many fields") from None
    vote = form.get("vote", [""])[-1]
    if vote not in {"up", "down"}:
        raise HTTPException(status_code=400, detail="vote: must be up or down")
    comment = " ".join(form.get("comment", [""])[-1].replace("\0", "").split())[:MAX_COMMENT_CHARS]
    if not await intake.record_feedback(tenant_id, job_id, is_helpful=vote == "up", comment=comment):
        raise _no_page()
    words = feedback_key.words(tenant_id)
    said = f"<h1>{escape(words['thanks'])}</h1><p>{escape(words['stored'])}</p>"
    return _page(words["thanks"], said, language=feedback_key.language_of(tenant_id))


def _read(token: str, feedback_key: FeedbackKey) -> tuple[Any, Any]:
    ids = read_token(token, key=feedback_key.value) if feedback_key.value else None
    if ids is None:
        raise _no_page()
    return ids


def _no_page() -> HTTPException:
    return HTTPException(status_code=404)


def _page(title: str, content: str, *, language: str) -> Response[str]:
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="stylesheet" '
        f'href="/feedback/style.css"></head><body><main>{content}</main></body></html>'
    )
    return Response(html, media_type=MediaType.HTML, headers=_HEADERS)


@get("/feedback/style.css", include_in_schema=False, sync_to_thread=False)
def feedback_style() -> Response[str]:
    return Response(_STYLE, media_type="text/css")
