"""The webhook's part of the OpenAPI schema. Its handler reads the raw body, so Litestar can't derive it from types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, Parameter, RequestBody, Schema
from pydantic import BaseModel
from pydantic import Field as ModelField

from app.api.errors import answer
from app.core.delivery import Event
from app.core.signature import refusal
from app.core.ticket import MAX_TICKET_ID_CHARS
from app.errors import BodyNotReceived, DatabaseUnavailable, MalformedDelivery, TenantSuspended

NOT_JSON: Final = "Send Content-Type: application/json."
SUSPENDED: Final = "This tenant is suspended."


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str = ModelField(default="about:blank", description="Names the error's code, where it has one.")
    title: str
    status: int
    detail: str
    field: str | None = ModelField(default=None, description="The body's field at fault.")


def _problem(description: str, error: Exception) -> ResponseSpec:
    """Of a status, with the answer to *error* as its example."""
    return ResponseSpec(
        data_container=Problem,
        description=description,
        media_type="application/problem+json",
        generate_examples=False,
        examples=[Example(value=answer(error).content)],
    )


PROBLEMS: Final = {
    400: _problem(
        "The body can't be used; `field` names the fault.",
        MalformedDelivery("ticket_id: is required", field="ticket_id"),
    ),
    401: _problem("Unknown tenant, or a missing, malformed, old or wrong signature: one answer for all.", refusal()),
    403: _problem("The tenant is suspended.", TenantSuspended(SUSPENDED)),
    408: _problem("The body did not arrive whole within 10 s.", BodyNotReceived("")),
    413: _problem("More than 256 KiB.", HTTPException(status_code=413)),
    415: _problem("Not JSON.", HTTPException(status_code=415, detail=NOT_JSON)),
    503: _problem(
        "The ledger can't commit, or more came at once than we hold; `Retry-After` says when to send it again.",
        DatabaseUnavailable(""),
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
