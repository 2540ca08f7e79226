"""Checks what is reachable from the internet: a valid certificate, HTTPS only, webhook and health, nothing else."""

from __future__ import annotations

import asyncio
import ssl
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx

from app.integrations.http import default_tls
from app.sender import PATH
from app.smoke.api import SECURITY_HEADERS, check_headers
from app.smoke.report import CheckFailed, NamedCheck

_CALL_TIMEOUT_S: Final = 10.0
_SHORTEST_VALIDITY: Final = timedelta(days=14)
"""cert-manager renews a 90-day certificate 30 days before its end, so a shorter validity means that renewal fails."""
_PRIVATE: Final = ("/", "/metrics", "/schema", "/health/live", "/health/ready", "/api/v1/ready")
_OURS: Final = "content-security-policy"
"""A 404 with this header comes from the API, so the ingress does publish the path."""


class _NotThereYet(CheckFailed):
    """What a first release meets while load balancer, DNS record and certificate are made."""


class PublicDoor:
    """Checks of the API through the ingress.

    Args:
        url: Its public URL, `https://…`.
        plain_url: The same host without TLS.
        trust: Trusted certificate authorities in place of the system's.
        wait_s: How long a door that isn't there yet is waited for: a first release is faster than the load balancer,
            its DNS record and the certificate.
        pause_s: Between two looks while waiting.
    """

    def __init__(
        self,
        url: str,
        *,
        plain_url: str | None = None,
        trust: ssl.SSLContext | None = None,
        wait_s: float = 0,
        pause_s: float = 5,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 443
        self._url = url
        self._plain_url = plain_url or f"http://{self._host}"
        self._trust = trust or default_tls()
        self._wait_s, self._pause_s = wait_s, pause_s

    @property
    def checks(self) -> list[NamedCheck]:
        return [
            ("certificate", self._certificate),
            ("HTTP leads to HTTPS", self._redirect),
            ("public health", self._health),
            ("public webhook", self._webhook),
            ("nothing else is public", self._private),
        ]

    async def _certificate(self) -> str:
        started = time.monotonic()
        while True:
            try:
                left = await self._days_left()
            except _NotThereYet as failure:
                waited_s = time.monotonic() - started
                if waited_s + self._pause_s > self._wait_s:
                    after = f", after {waited_s:.0f} s of waiting" if self._wait_s else ""
                    raise CheckFailed(f"{failure.detail}{after}") from failure
                await asyncio.sleep(self._pause_s)
            else:
                return f"{self._host}, {left} days left"

    async def _days_left(self) -> int:
        """For how many days the certificate is valid."""
        try:
            async with asyncio.timeout(_CALL_TIMEOUT_S):
                _, writer = await asyncio.open_connection(self._host, self._port, ssl=self._trust)
        except ssl.SSLCertVerificationError as error:
            raise _NotThereYet(
                f"not trusted for {self._host} ({error.verify_message}): look at the Certificate and its events"
            ) from error
        except (OSError, TimeoutError) as error:
            raise _NotThereYet(
                f"no TLS at {self._host}:{self._port} ({type(error).__name__}): look at the DNS record and the ingress"
            ) from error
        certificate = writer.get_extra_info("peercert")
        writer.close()
        ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)
        left = ends - datetime.now(UTC)
        if left < _SHORTEST_VALIDITY:
            raise CheckFailed(f"only {left.days} days left: cert-manager does not renew it, look at its log")
        return left.days

    async def _redirect(self) -> str:
        async with httpx.AsyncClient(timeout=_CALL_TIMEOUT_S) as client:
            response = await client.get(f"{self._plain_url}{PATH}")
        target = urlsplit(response.headers.get("location", ""))
        if not response.is_redirect or target.scheme != "https":
            raise CheckFailed(f"plain HTTP answers {response.status_code}: switch on the redirect in the ingress")
        if target.hostname != self._host:
            raise CheckFailed(
                f"plain HTTP leads to {target.hostname}, not to {self._host}: mend the ingress's redirect"
            )
        return f"{response.status_code} to https"

    async def _health(self) -> str:
        async with self._client() as client:
            response = await client.get("/health")
        if response.status_code != httpx.codes.OK:
            raise CheckFailed(f"answers {response.status_code}: the ingress does not reach the API")
        return f"200, security headers: {check_headers(response.headers)}"

    async def _webhook(self) -> str:
        """Send an unsigned webhook, so that nothing is stored."""
        async with self._client() as client:
            response = await client.post(PATH, json={})
        if response.status_code != httpx.codes.UNAUTHORIZED:
            raise CheckFailed(
                f"an unsigned one is answered {response.status_code} where 401 is due: look at the ingress"
            )
        return "reached: 401 to an unsigned one"

    async def _private(self) -> str:
        async with self._client() as client:
            found = [path for path in _PRIVATE if _is_published(await client.get(path))]
        if found:
            raise CheckFailed(
                f"published: {', '.join(found)}; the ingress may lead to /webhook, /feedback and /health alone"
            )
        return f"{len(_PRIVATE)} paths answer 404"

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self._url, timeout=_CALL_TIMEOUT_S, verify=self._trust)


def _is_published(response: httpx.Response) -> bool:
    return response.status_code != httpx.codes.NOT_FOUND or SECURITY_HEADERS[_OURS] in response.headers.get(_OURS, "")
