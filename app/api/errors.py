"""Turns each error into an answer: a status code and problem details (RFC 9457), never a stack trace.

No other module of the API maps an error to a status code.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from app.core.diagnosis import diagnose
from app.errors import (
    AppError,
    BodyNotReceived,
    DatabaseUnavailable,
    MalformedDelivery,
    Overloaded,
    TenantSuspended,
    Unauthenticated,
    Unavailable,
)

_STATUS: Final[Mapping[type[AppError], HTTPStatus]] = {
    Unauthenticated: HTTPStatus.UNAUTHORIZED,
    TenantSuspended: HTTPStatus.FORBIDDEN,
    MalformedDelivery: HTTPStatus.BAD_REQUEST,
    BodyNotReceived: HTTPStatus.REQUEST_TIMEOUT,
    DatabaseUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
}
RETRY_AFTER_S: Final = 5

log = structlog.get_logger(__name__)


def problem(
    status: HTTPStatus,
    *,
    title: str,
    detail: str,
    kind: str = "about:blank",
    headers: Mapping[str, str] | None = None,
    **members: str,
) -> Response[Any]:
    """An answer of type `application/problem+json`. *kind* is its `type`: it names the code of an `AppError`."""
    return Response(
        {"type": kind, "title": title, "status": status.value, "detail": detail, **members},
        status_code=status.value,
        media_type="application/problem+json",
        headers=dict(headers or {}),
    )


def answer(error: Exception) -> Response[Any]:
    """The answer to *error*; `/schema` has examples of it."""
    if isinstance(error, AppError):
        return _answer_app_error(error)
    if isinstance(error, HTTPException):
        return _answer_http_error(error)
    return _answer_bug(error)


def answer_error(_: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """The same, as Litestar asks for it."""
    return answer(error)


def _answer_app_error(error: AppError) -> Response[Any]:
    status = _STATUS.get(type(error))
    if status is None or error.code is None:
        return _answer_bug(error)
    kind, title = f"urn:ai-agents:error:{error.code}", diagnose(error.code).meaning
    members = {"field": error.field} if error.field else {}
    headers = {}
    if isinstance(error, Unavailable):
        return problem(
            status,
            title=title,
            kind=kind,
            detail="Nothing was accepted. Send the same webhook again.",
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"  # RFC 9110: a 401 names a scheme
    return problem(status, title=title, kind=kind, detail=error.detail, headers=headers, **members)


def _answer_http_error(error: HTTPException) -> Response[Any]:
    """The answer to an error of the framework: no such path, wrong method, body too large."""
    status = HTTPStatus(error.status_code)
    detail = {
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is larger than 256 KiB (262144 bytes).",
        HTTPStatus.NOT_FOUND: "There is nothing at this path. Webhooks go to POST /webhook/servicedesk.",
        HTTPStatus.METHOD_NOT_ALLOWED: "This path does not take this method.",
    }.get(status, error.detail)
    headers = {name: value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return problem(status, title=status.phrase, detail=detail, headers=headers)


def _answer_bug(error: Exception) -> Response[Any]:
    """The answer to any other error, a bug of ours: the log has its text, the caller gets an id to find it."""
    error_id = str(uuid4())
    log.error("request_failed", error_id=error_id, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        title="Internal error",
        detail="Something went wrong on our side. Name the error id when you report it.",
        error_id=error_id,
    )


async def send_error(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Send the answer to *error* where Litestar does not do so."""
    request: Request[Any, Any, Any] = Request(scope, receive, send)
    await answer(error).to_asgi_response(app=None, request=request)(scope, receive, send)
