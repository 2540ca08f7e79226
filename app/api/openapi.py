"""The webhook's part of the OpenAPI schema. Its handler reads the raw body, so Litestar can't derive it from types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema
from pydantic import BaseModel
from pydantic import Field as ModelField

from app.core.delivery import Event
from app.core.signature import refusal
from app.core.ticket import MAX_TICKET_ID_CHARS


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = ModelField(default=None, description="The body's field at fault.")


def _problem(description: str, *, title: str, status: int, detail: str, **members: str) -> ResponseSpec:
    value = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return ResponseSpec(
        data_container=Problem,
        description=description,
        media_type="application/problem+json",
        generate_examples=False,
        examples=[Example(value=value)],
    )


PROBLEMS: Final = {
    400: _problem(
        "The body can't be used; `field` names the fault.",
        title="Malformed webhook",
        status=400,
        detail="ticket_id: is required",
        field="ticket_id",
    ),
    401: _problem(
        "Unknown tenant, or a missing, malformed, old or wrong signature: one answer for all.",
        title="Not authenticated",
        status=401,
        detail=refusal().detail,
    ),
    403: _problem("The tenant is suspended.", title="Tenant suspended", status=403, detail="This tenant is suspended."),
    408: _problem(
        "The body did not arrive whole within 10 s.",
        title="The body did not arrive in time",
        status=408,
        detail="Nothing was accepted. Send the same webhook again.",
    ),
    413: _problem(
        "More than 256 KiB.",
        title="Request Entity Too Large",
        status=413,
        detail="The body is larger than 256 KiB (262144 bytes).",
    ),
    415: _problem(
        "Not JSON.", title="Unsupported Media Type", status=415, detail="Send Content-Type: application/json."
    ),
    503: _problem(
        "The ledger can't commit, or more came at once than we hold; `Retry-After` says when to send it again.",
        title="The delivery could not be stored",
        status=503,
        detail="Nothing was accepted. Send the same webhook again.",
    ),
}

_TEXT: Final = Schema(type=OpenAPIType.STRING)
_HINTS: Final = ("subject", "description", "priority", "requester", "created_at", "updated_at", "updated_by")
_BODY: Final = Schema(
    type=OpenAPIType.OBJECT,
    required=["event", "ticket_id"],
    properties={
        "event": Schema(type=OpenAPIType.STRING, enum=[*Event]),
        "ticket_id": Schema(
            one_of=[
                Schema(type=OpenAPIType.STRING, pattern="^[0-9A-Za-z_-]+$", max_length=MAX_TICKET_ID_CHARS),
                Schema(type=OpenAPIType.INTEGER),
            ]
        ),
        "tenant_id": Schema(type=OpenAPIType.STRING, description="A uuid; or the header X-Tenant-ID names it."),
        **dict.fromkeys(_HINTS, _TEXT),
    },
    description=(
        "`event` and `ticket_id` are enough: the ticket is read through ServiceDesk Plus's API. Further fields "
        "are kept."
    ),
)
_EXAMPLES: Final = {
    "complete": Example(
        summary="A new ticket",
        value={
            "event": "ticket_created",
            "ticket_id": "100234",
            "subject": "Mail does not arrive",
            "description": "Outlook shows no new mail since noon.",
            "requester": "jane@acme.example",
            "created_at": "2026-11-24T09:00:00Z",
        },
    ),
    "shortest": Example(summary="The shortest that works", value={"event": "ticket_created", "ticket_id": 100234}),
}
_HEADERS: Final = {
    "X-Tenant-ID": "The tenant's uuid; or the body names it.",
    "X-Instance": "In place of X-Tenant-ID: the name of an MSP's shared help desk.",
    "X-ServiceDesk-Signature": "`sha256=` and the hex HMAC-SHA256 of the raw body.",
    "webhook-id": "Standard Webhooks: the message's id; a signed one is the idempotency key.",
    "webhook-timestamp": "Standard Webhooks: epoch seconds, within 5 minutes.",
    "webhook-signature": "Standard Webhooks: `v1,` and the base64 HMAC-SHA256 of `id.timestamp.body`.",
    "Authorization": "`Bearer <token>`, for tenants with `webhook: {auth: token}`.",
}


@dataclass
class WebhookOperation(Operation):
    """Adds body and headers to the webhook's operation."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            content={"application/json": OpenAPIMediaType(schema=_BODY, examples=dict(_EXAMPLES))}, required=True
        )
        self.parameters = [
            Parameter(name=name, param_in="header", schema=_TEXT, description=description)
            for name, description in _HEADERS.items()
        ]
