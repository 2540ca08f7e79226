"""`POST /webhook/servicedesk`: a 202 means that the delivery is stored.

`Webhooks` answers it as an ASGI application, before Litestar: routing, a request object, conversion of what a handler
returns and exception handlers are more work than all that is done with a webhook. The route `receive_webhook` of
Litestar documents it, and answers other spellings of its path.

Invariant: the checks run in the contract's order (size and content type, tenant and authentication, then the body), so
an unauthenticated caller learns nothing about a body. After the ledger has committed, the answer is 202 whatever else
fails.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from litestar import MediaType, Request, Response, post
from litestar.exceptions import HTTPException
from litestar.openapi import ResponseSpec
from litestar.types import Receive, Scope, Send
from opentelemetry.trace import SpanKind
from prometheus_client import Counter
from pydantic import BaseModel, Field

from app.api.bodies import MAX_BODY_BYTES, Bodies
from app.api.errors import send_error
from app.api.openapi import NOT_JSON, PROBLEMS, SUSPENDED, WebhookOperation
from app.core.body import as_utf8
from app.core.delivery import Webhook, claimed_tenant, compute_job_id, parse_webhook
from app.core.signature import is_token, refusal, verify_body, verify_standard, verify_token
from app.core.tenant import Auth, Tenant
from app.db.ledger.intake import AcceptedDelivery, Intake
from app.errors import (
    AppError,
    BodyNotReceived,
    DatabaseUnavailable,
    MalformedDelivery,
    Overloaded,
    TenantSuspended,
    Unauthenticated,
)
from app.queue import Queue
from app.telemetry.logs import FrequentLines
from app.telemetry.metrics import WEBHOOK_DELIVERIES
from app.telemetry.traces import current_traceparent, exemplar, span
from app.tenants import KnownTenant, TenantDirectory

PATH: Final = "/webhook/servicedesk"

TENANT_HEADER: Final = "x-tenant-id"
SIGNATURE_HEADER: Final = "x-servicedesk-signature"
INSTANCE_HEADER: Final = "x-instance"
STANDARD_HEADERS: Final = ("webhook-id", "webhook-timestamp", "webhook-signature")

_ONCE: Final = frozenset(
    name.encode()
    for name in ("host", "authorization", TENANT_HEADER, SIGNATURE_HEADER, INSTANCE_HEADER, *STANDARD_HEADERS)
)

_OUTCOMES: Final[Mapping[type[AppError], str]] = {
    Unauthenticated: "unauthenticated",
    TenantSuspended: "suspended",
    MalformedDelivery: "malformed",
    BodyNotReceived: "body_not_received",
    Overloaded: "overloaded",
    DatabaseUnavailable: "ledger_unavailable",
}

log = structlog.get_logger(__name__)


class Accepted(BaseModel):
    """The answer to an accepted delivery. A redelivery gets the same."""

    status: Literal["accepted"] = "accepted"
    job_id: UUID = Field(examples=["6f9619ff-8b86-5d01-b42d-00cf4fc964ff"])
    message: str = "Stored. A note follows on the ticket."


_NO_ID: Final = UUID(int=0)
_ACCEPTED_HEADERS: Final = [(b"content-type", b"application/json")]
# A connection is kept, and spares an ingress a handshake, only by those who may send webhooks, and only while they come
# one after the other: then it is hardly ever idle for so long that we close it, just when the ingress sends on it.
_KEPT_HEADERS: Final = [*_ACCEPTED_HEADERS, (b"connection", b"keep-alive")]
_KEEP_WITHIN_S: Final = 1.0
_BEFORE_ID, _AFTER_ID = Accepted(job_id=_NO_ID).model_dump_json().encode().split(str(_NO_ID).encode())


@dataclass(frozen=True, slots=True)
class Arrival:
    """One authenticated call, and its tenant."""

    known: KnownTenant
    body: bytes
    """The body in UTF-8."""
    signed_id: str | None
    """The `webhook-id` header, if the signature covers it."""


@post(
    PATH,
    status_code=202,
    request_max_body_size=MAX_BODY_BYTES,
    summary="Accept a webhook of ServiceDesk Plus",
    description=(
        "The tenant is named by `X-Tenant-ID` or by the body's `tenant_id`; an MSP's shared help desk by `X-Instance`, "
        "and then the body's `account` may say whose the ticket is. Sign the raw body: "
        "`X-ServiceDesk-Signature: sha256=<hex HMAC-SHA256>`, or the Standard Webhooks headers; a tenant whose help "
        "desk can't sign sends `Authorization: Bearer <token>`. Sending a webhook again changes nothing."
    ),
    operation_id="receiveWebhook",
    tags=["webhook"],
    responses={
        202: ResponseSpec(Accepted, generate_examples=False, description="Stored, or a redelivery of what is stored."),
        **PROBLEMS,
    },
    operation_class=WebhookOperation,
)
async def receive_webhook(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Store one delivery, then ring for it."""
    webhooks: Webhooks = request.app.state.webhooks
    job_id = await webhooks.accept(request.scope, request.receive)
    return Response(_answer(job_id), media_type=MediaType.JSON)


def _headers_of(scope: Scope) -> dict[str, str]:
    """By their names in lower case; of several of a name the first, as in Litestar's requests."""
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
    return headers


def _length_of(headers: Mapping[str, str]) -> int | None:
    length = headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


class Webhooks:
    """Accepts webhooks; `app.state.webhooks`."""

    def __init__(
        self, intake: Intake, queue: Queue, tenants: TenantDirectory, bodies: Bodies, accepted: FrequentLines
    ) -> None:
        self._intake = intake
        self._queue = queue
        self._tenants = tenants
        self._bodies = bodies
        self._accepted = accepted
        self._last_at = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one POST to `PATH`."""
        scope["path_template"] = PATH
        try:
            job_id = await self.accept(scope, receive)
        except Exception as error:  # noqa: BLE001 - as Litestar does: each error has its answer
            await send_error(error, scope, receive, send)
            return
        headers = _KEPT_HEADERS if self._is_frequent() else _ACCEPTED_HEADERS
        await send({"type": "http.response.start", "status": 202, "headers": headers})
        await send({"type": "http.response.body", "body": _answer(job_id), "more_body": False})

    def language_of(self, tenant_id: UUID) -> str:
        """The language of the tenant's notes."""
        known = self._tenants.find(tenant_id)
        return known.tenant.note.language if known else "en"

    def _is_frequent(self) -> bool:
        """Whether a webhook was accepted in the last second."""
        before, self._last_at = self._last_at, asyncio.get_running_loop().time()
        return self._last_at - before < _KEEP_WITHIN_S

    async def accept(self, scope: Scope, receive: Receive) -> UUID:
        """Store one delivery, then ring for it. Returns the job id; *scope* gets the exemplar for its metrics.

        Raises:
            AppError: Nothing was accepted.
            HTTPException: The body is too large, or not said to be JSON.
        """
        slug, headers = "", _headers_of(scope)
        with span("POST " + PATH, kind=SpanKind.SERVER) as current:
            scope.setdefault("state", {})["exemplar"] = exemplar()
            try:
                check_headers(scope["headers"], http_version=scope["http_version"])
                _check_content_type(headers)
                body = await self._bodies.read(receive, length=_length_of(headers))
                arrival = authenticate(headers, body, self._tenants, now=datetime.now(UTC))
                slug = arrival.known.tenant.slug
                tenant, webhook = read_webhook(arrival, self._tenants)
                slug = tenant.slug
                job_id = compute_job_id(tenant.id, webhook, signed_id=arrival.signed_id)
                told = {"tenant": slug, "ticket_id": webhook.ticket_id, "job_id": str(job_id)}
                current.set_attributes({"ai_agents.tenant": slug, "ai_agents.job_id": told["job_id"]})
                kept = _kept_body(arrival.body, tenant, webhook)
                delivery = AcceptedDelivery(
                    tenant.id, job_id, webhook.ticket_id, webhook.event, kept, current_traceparent()
                )
                try:
                    await self._intake.accept(delivery)
                except DatabaseUnavailable as error:
                    log.warning("delivery_not_stored", cause=error.detail, **told)
                    raise
            except AppError as error:
                outcome = _OUTCOMES.get(type(error), "failed")
                WEBHOOK_DELIVERIES.labels(slug, outcome).inc()
                if not isinstance(error, DatabaseUnavailable):
                    log.info("webhook_refused", tenant=slug, outcome=outcome, field=error.field)
                raise
            self._accepted.add(event_kind=webhook.event, **told)
        self._queue.offer_soon(tenant.id, job_id)
        _count_accepted(slug).inc()
        return job_id


@lru_cache(maxsize=10_000)
def _count_accepted(slug: str) -> Counter:
    return WEBHOOK_DELIVERIES.labels(slug, "accepted")


def _answer(job_id: UUID) -> bytes:
    """An `Accepted` in JSON. Only the job id differs, so the rest is written once."""
    return _BEFORE_ID + str(job_id).encode() + _AFTER_ID


def _kept_body(body: bytes, tenant: Tenant, webhook: Webhook) -> bytes:
    """What is stored of *body*: of a shared help desk no word of the ticket, which may be another client's."""
    options = tenant.servicedesk
    return body if options.instance is None else webhook.body_without_words(technician=options.technician)


def check_headers(headers: Iterable[tuple[bytes, bytes]], *, http_version: str) -> None:
    """Refuse a call that another reader of it, e.g. a proxy, may take for another tenant's or for another signature's.

    Raises:
        MalformedDelivery: A header that tells or authenticates the call is there twice, or `Host` is not there, which
            only HTTP/1.0 allows.
    """
    # The server makes an empty `Host` of none.
    found = [name for name, value in headers if name in _ONCE and (value or name != b"host")]
    if len(found) != len(set(found)):
        name = next(each for each in found if found.count(each) > 1).decode()
        raise MalformedDelivery(f"{name}: is there twice", field=name)
    if b"host" not in found and http_version not in {"1", "1.0"}:  # Granian writes 1
        raise MalformedDelivery("host: is required (RFC 9112)", field="host")


def _check_content_type(headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise HTTPException(status_code=415, detail="Send the body as it is, without Content-Encoding.")
    content_type = headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(status_code=415, detail=NOT_JSON)


def authenticate(headers: Mapping[str, str], body: bytes, tenants: TenantDirectory, *, now: datetime) -> Arrival:
    """Find the tenant of a call and check its signature or token.

    One valid signature is enough, in either of the two forms: a relay between the help desk and us may add signature
    headers of its own, made with another secret.

    Raises:
        Unauthenticated: No tenant is named, there is none of that id, or none of its secrets signed this body.
    """
    text = as_utf8(body, headers.get("content-type", ""))
    known = _find_named(headers, text, tenants)
    if known is None:
        raise refusal()
    secrets = known.secrets.webhook
    if known.tenant.webhook.auth is Auth.TOKEN:
        verify_token(headers.get("authorization", ""), secrets)
        return Arrival(known, text, signed_id=None)
    webhook_id, timestamp, signature = (headers.get(name, "") for name in STANDARD_HEADERS)
    if signature:
        with suppress(Unauthenticated):
            verify_standard(
                body, webhook_id=webhook_id, timestamp=timestamp, signature=signature, secrets=secrets, now=now
            )
            return Arrival(known, text, signed_id=webhook_id)
    verify_body(body, headers.get(SIGNATURE_HEADER, ""), secrets)
    return Arrival(known, text, signed_id=None)


def _find_named(headers: Mapping[str, str], text: bytes, tenants: TenantDirectory) -> KnownTenant | None:
    """The tenant or shared instance that the call names: by a header, by the body, or by an instance's token."""
    instance = headers.get(INSTANCE_HEADER)
    if instance is not None:
        known = tenants.find_slug(instance)
        return known if known is not None and known.tenant.is_instance else None
    named = headers.get(TENANT_HEADER)
    try:
        tenant_id = UUID(named) if named is not None else claimed_tenant(text)
    except ValueError:
        return None
    if tenant_id is not None:
        return tenants.find(tenant_id)
    authorization = headers.get("authorization", "")
    by_token = (each for each in tenants if each.tenant.is_instance and each.tenant.webhook.auth is Auth.TOKEN)
    found = [each for each in by_token if is_token(authorization, each.secrets.webhook)]
    return found[0] if len(found) == 1 else None  # a token of two instances names neither


def read_webhook(arrival: Arrival, tenants: TenantDirectory) -> tuple[Tenant, Webhook]:
    """The webhook of an authenticated call, and the tenant that it is for.

    That is the tenant which the call named. If it named an instance, it is the tenant whose account the body names; if
    that is not known, the instance itself: then a worker reads the ticket and routes the delivery (`worker.routing`).

    Raises:
        TenantSuspended: The tenant's file says `status: suspended`.
        MalformedDelivery: The body is not a webhook; the error names the field.
    """
    tenant = arrival.known.tenant
    if tenant.is_suspended:
        raise TenantSuspended(SUSPENDED)
    webhook = parse_webhook(arrival.body)
    if tenant.is_instance:
        return _choose_account(tenant, webhook, tenants), webhook
    if webhook.tenant_id is not None and webhook.tenant_id != tenant.id:
        raise MalformedDelivery("tenant_id: names another tenant than the header X-Tenant-ID", field="tenant_id")
    return tenant, webhook


def _choose_account(instance: Tenant, webhook: Webhook, tenants: TenantDirectory) -> Tenant:
    known = tenants.find_account(instance.id, webhook.account)
    if known is None:
        return instance
    if known.tenant.is_suspended:
        raise TenantSuspended(SUSPENDED)
    return known.tenant
