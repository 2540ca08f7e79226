"""Renders pages: templates that escape all values, with the formats and charts that they use."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, Final

import nh3
from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response
from litestar.enums import MediaType
from markupsafe import Markup

from app.console import charts, words
from app.console.reasons import MAX_REASON_CHARS
from app.core.diagnosis import diagnose
from app.core.note import ALLOWED_TAGS

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)
STATIC_TYPES: Final = {"css": "text/css", "js": "text/javascript", "woff2": "font/woff2", "svg": "image/svg+xml"}


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("app.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "duration": words.duration,
        "money": words.money,
        "number": words.number,
        "clock": words.clock,
        "option_words": words.option_words,
        "safe_note": safe_note,
    }
    environment.globals |= {
        "about": words.about,
        "ago": words.ago,
        "percent": words.percent,
        "diagnose": diagnose,
        "bars": charts.bars,
        "spark": charts.spark,
        "EVENTS": words.EVENTS,
        "CAUSES": words.CAUSES,
        "OUTCOMES": words.OUTCOMES,
        "STEP_NAMES": words.STEP_NAMES,
        "MAX_REASON_CHARS": MAX_REASON_CHARS,
    }
    return environment


def render(template: str, /, **values: Any) -> str:
    return _templates().get_template(template).render(values)


def page(template: str, /, *, status: int = 200, **values: Any) -> Response[str]:
    """The answer with *template* rendered. It must not be cached."""
    return Response(
        render(template, **values),
        status_code=status,
        media_type=MediaType.HTML,
        headers={"cache-control": "no-store"},
    )


def safe_note(html: str) -> Markup:
    """*html* reduced to the tags that notes have and to http(s) links, whatever the stored text holds."""
    clean = nh3.clean(
        html,
        tags=set(ALLOWED_TAGS),
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return Markup(clean)  # noqa: S704 - cleaned above


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """A file of `static` and its type."""
    kind = STATIC_TYPES.get(name.rpartition(".")[2])
    names = {file.name for file in resources.files("app.console").joinpath("static").iterdir()}
    if kind is None or name not in names:
        return None
    return resources.files("app.console").joinpath("static", name).read_bytes(), kind
