"""Checks the answers of a deployed API; the same for every help desk."""

from __future__ import annotations

from typing import Any, Final

import httpx

from app.core.delivery import Event
from app.db.migrate import known_revisions
from app.sender import PATH, Sender
from app.smoke.report import CheckFailed, NamedCheck
from app.tenants import KnownTenant

SECURITY_HEADERS: Final = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'",
    "cache-control": "no-store",
}
"""Each header with the text that it must contain. It may hold more, since some proxies add a header a second time."""
_METRICS: Final = ("webhook_deliveries_total", "http_request_duration_seconds", "http_requests_total")


def judge_schema(found: str | None) -> str:
    """Check the schema's revision that the API reports. It may be newer than this image's, e.g. after a rollback.

    Raises:
        CheckFailed: It is older than this image's, or not reported.
    """
    head, known = known_revisions()
    if found == head:
        return f"{found}, as this release has it"
    if not found or found == "unknown":
        raise CheckFailed(
            f"/health tells no schema, this release has {head}: the ledger does not answer, or its schema is older; "
            "look at PostgreSQL and at the log of the migrate Job"
        )
    if found not in known:
        return f"{found} is ahead of this image ({head}): a release was rolled back, its schema serves both"
    raise CheckFailed(f"{found} where this release has {head}: look at the log of the migrate Job")


def check_headers(headers: httpx.Headers) -> str:
    """Check the security headers; returns a sentence with their number.

    Raises:
        CheckFailed: One is missing, or has another value.
    """
    missing = [name for name, value in SECURITY_HEADERS.items() if value not in headers.get(name, "")]
    if missing:
        raise CheckFailed(f"missing or weaker: {', '.join(missing)}; does something in front of the API change them?")
    return f"{len(SECURITY_HEADERS)} present"


class ApiChecks:
    """Checks of the API at *client*, called as *known*'s help desk would."""

    def __init__(self, known: KnownTenant, client: httpx.AsyncClient) -> None:
        self._known = known
        self._client = client
        self._sender = Sender(client, known)

    @property
    def published(self) -> list[NamedCheck]:
        """The checks that use only paths which the ingress publishes."""
        return [
            ("health", self._health),
            ("schema", self._schema),
            ("security headers", self._security_headers),
            ("forged signature refused", self._forged),
        ]

    @property
    def inner(self) -> list[NamedCheck]:
        """The checks of paths that are reachable only inside the cluster."""
        return [("readiness", self._readiness), ("metrics", self._metrics)]

    async def send(self, event: Event, ticket_id: str, **fields: Any) -> str:
        """Send a webhook as the help desk would. Returns the delivery's id.

        Raises:
            CheckFailed: It was not accepted.
        """
        response = await self._sender.send({"event": event, "ticket_id": ticket_id, **fields})
        if response.status_code == httpx.codes.ACCEPTED:
            return str(response.json()["job_id"])
        slug = self._known.tenant.slug
        remedy = {
            401: f"is {slug}'s webhook_secret here the API's own?",
            403: f"{slug} is suspended; its file says so",
            503: "the ledger takes no writes, look at PostgreSQL",
        }.get(response.status_code, "look at the API's log")
        raise CheckFailed(f"answered {response.status_code} where 202 is due: {remedy}")

    async def _health(self) -> str:
        response = await self._client.get("/health")
        body = _body(response)
        if response.status_code != httpx.codes.OK or body.get("status") != "healthy":
            parts = ", ".join(f"{part} {body[part]}" for part in ("status", "database", "redis") if part in body)
            raise CheckFailed(
                f"/health answers {response.status_code} ({parts or 'not ours'}): look at PostgreSQL and Redis"
            )
        return f"version {body['version']}"

    async def _schema(self) -> str:
        return judge_schema(_body(await self._client.get("/health")).get("schema"))

    async def _readiness(self) -> str:
        response = await self._client.get("/health/ready")
        if response.status_code != httpx.codes.OK or _body(response).get("status") != "ready":
            raise CheckFailed(f"/health/ready answers {response.status_code}: the API has not reached the ledger yet")
        return "ready"

    async def _security_headers(self) -> str:
        return check_headers((await self._client.get("/health")).headers)

    async def _forged(self) -> str:
        response = await self._client.post(
            PATH,
            json={"event": Event.CREATED, "ticket_id": "forged"},
            headers={
                "x-tenant-id": str(self._known.tenant.id),
                "x-servicedesk-signature": "sha256=" + "0" * 64,
                "authorization": "Bearer forged",
            },
        )
        if response.status_code != httpx.codes.UNAUTHORIZED:
            raise CheckFailed(
                f"answered {response.status_code} where 401 is due"
                + (": roll back, anybody can send" if response.is_success else ": is this the API?")
            )
        return "401"

    async def _metrics(self) -> str:
        response = await self._client.get("/metrics")
        told = {line.split()[2] for line in response.text.splitlines() if line.startswith("# TYPE ")}
        missing = [name for name in _METRICS if name not in told]
        if response.status_code != httpx.codes.OK or missing:
            raise CheckFailed(
                f"/metrics answers {response.status_code} and lacks {', '.join(missing) or 'nothing'}: is this the API,"
                " or something in front of it?"
            )
        return f"{len(_METRICS)} of ours present"


def _body(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; empty if it is none, e.g. a proxy's error page."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
