"""Calls of the Kubernetes API, as whom one likes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

Object = dict[str, Any]
SERVER = "https://10.0.0.1:6443"
MERGE, STRATEGIC = "application/merge-patch+json", "application/strategic-merge-patch+json"


class Api:
    """The API server, by a token; *user* is whom the holder of an administrator's token acts as."""

    def __init__(self, token: str, authority: Path, user: str = "") -> None:
        headers = {"Authorization": f"Bearer {token}"}
        if user:
            headers["Impersonate-User"] = user
        self._client = httpx.Client(
            base_url=SERVER, headers=headers, verify=str(authority), timeout=30, trust_env=False
        )

    def get(self, path: str) -> Object | None:
        """An object, or None where it is not there, or not to be seen yet: a node's rights follow its pods."""
        answer = self._client.get(path)
        return None if answer.status_code in {403, 404} else _body(answer)

    def list(self, path: str, **query: str) -> list[Object]:
        answer = self._client.get(path, params=query)
        return [] if answer.status_code == httpx.codes.NOT_FOUND else _body(answer)["items"]

    def post(self, path: str, body: Object) -> Object:
        return _body(self._client.post(path, json=body))

    def patch(self, path: str, body: Object, kind: str = MERGE) -> Object | None:
        answer = self._client.patch(path, json=body, headers={"Content-Type": kind})
        return None if answer.status_code == httpx.codes.NOT_FOUND else _body(answer)

    def delete(self, path: str, body: Object) -> None:
        self._client.request("DELETE", path, json=body)


def _body(answer: httpx.Response) -> Object:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.text[:400]}")
    found: Object = answer.json()
    return found
