"""Calls of the Kubernetes API, as whom one likes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]
SERVER = "https://10.0.0.1:6443"


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Api:
    """The API server, by a token; *user* is whom the holder of an administrator's token acts as."""

    def __init__(self, token: str, authority: Path, user: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if user:
            headers["Impersonate-User"] = user
        self._client = httpx.Client(
            base_url=SERVER, headers=headers, verify=str(authority), timeout=30, trust_env=False
        )

    def list(self, path: str, **query: str) -> list[Object]:
        answer = self._client.get(path, params=query)
        return [] if answer.status_code == httpx.codes.NOT_FOUND else _body(answer)["items"]

    def post(self, path: str, body: Object) -> Object:
        return _body(self._client.post(path, json=body))

    def patch(self, path: str, body: Object) -> Object | None:
        answer = self._client.patch(path, json=body, headers={"Content-Type": "application/merge-patch+json"})
        return None if answer.status_code == httpx.codes.NOT_FOUND else _body(answer)


def _body(answer: httpx.Response) -> Object:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.text[:400]}")
    found: Object = answer.json()
    return found
