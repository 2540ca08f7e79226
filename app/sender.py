"""Sends webhooks as a tenant's ServiceDesk Plus does. For the demo, the smoke test and the command `webhook send`."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

from app.core.signature import sign_body, sign_standard
from app.core.tenant import Auth
from app.errors import TenantFileInvalid
from app.tenants import KnownTenant

PATH = "/webhook/servicedesk"


class Sender:
    """Signs webhooks with the tenant's current secret, by the scheme in the tenant's file."""

    def __init__(self, client: httpx.AsyncClient, known: KnownTenant, *, is_standard: bool = False) -> None:
        if not known.secrets.webhook:
            raise TenantFileInvalid(f"{known.tenant.slug}: secret webhook_secret: is missing", field="webhook_secret")
        self._client = client
        self._tenant = known.tenant
        self._secret = known.secrets.webhook[0]
        self._is_standard = is_standard

    async def send(self, body: Mapping[str, Any]) -> httpx.Response:
        """POST *body* as JSON, signed."""
        content = json.dumps(body).encode()
        headers = {"content-type": "application/json", "x-tenant-id": str(self._tenant.id), **self._proof(content)}
        return await self._client.post(PATH, content=content, headers=headers)

    def _proof(self, content: bytes) -> dict[str, str]:
        if self._tenant.webhook.auth is Auth.TOKEN:
            return {"authorization": f"Bearer {self._secret.decode()}"}
        if not self._is_standard:
            return {"x-servicedesk-signature": sign_body(self._secret, content)}
        webhook_id, now = f"msg_{uuid4().hex}", int(time.time())
        return {
            "webhook-id": webhook_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(self._secret, webhook_id, now, content),
        }
