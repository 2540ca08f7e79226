"""Verifies who sent a webhook.

Invariant: a `verify_` function returns only after a constant-time comparison succeeded. In every other case it raises
the same `Unauthenticated`, so a caller does not learn what was wrong.

Source: RFC 2104 (HMAC); Standard Webhooks 1.0 (`id.timestamp.body`, base64, `v1,` prefix, `whsec_` secrets).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from app.errors import TenantFileInvalid, Unauthenticated

TIMESTAMP_TOLERANCE: Final = timedelta(minutes=5)
MAX_WEBHOOK_ID_CHARS: Final = 256

LEAST_KEY_BYTES: Final = 16
"""Shorter keys can be guessed from one signed webhook. RFC 2104 and Standard Webhooks want 24 to 64 random bytes."""

_REFUSAL: Final = "The webhook is not authenticated: unknown tenant, or a missing, malformed, old or wrong signature."


def refusal() -> Unauthenticated:
    """The same error for every caller that can't be authenticated."""
    return Unauthenticated(_REFUSAL)


def decode_secret(text: str) -> bytes:
    """The key that a secret's text stands for: `whsec_<base64>` is the decoded bytes, any other its UTF-8 text.

    Raises:
        TenantFileInvalid: Empty, or `whsec_` with something that is not base64.
    """
    text = text.strip()
    if not text:
        raise TenantFileInvalid("the secret is empty", field="webhook_secret")
    if not text.startswith("whsec_"):
        return text.encode()
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise TenantFileInvalid("a secret that begins with whsec_ must go on with base64", field="webhook_secret")
    return key


def decode_token(text: str) -> bytes:
    """The bearer token that a secret's text is, as the sender writes it into its header, `whsec_` included.

    Raises:
        TenantFileInvalid: Empty, or with characters that a header can't hold.
    """
    text = text.strip()
    if not text or " " in text or not (text.isascii() and text.isprintable()):
        raise TenantFileInvalid(
            "with webhook.auth token the secret must be one line of ASCII text without blanks", field="webhook_secret"
        )
    return text.encode()


def sign_body(secret: bytes, body: bytes) -> str:
    """The value of `X-ServiceDesk-Signature` for *body*."""
    return "sha256=" + hmac.digest(secret, body, hashlib.sha256).hex()


def sign_standard(secret: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature` for *body*."""
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


def verify_body(body: bytes, signature: str, secrets: Sequence[bytes]) -> None:
    """Check that one of *secrets* signed exactly these bytes.

    *signature* is `sha256=` and 64 hex digits.

    Raises:
        Unauthenticated: No secret matches, or the header is missing or malformed.
    """
    _match(signature.lower(), [sign_body(secret, body) for secret in secrets])


def verify_standard(
    body: bytes, *, webhook_id: str, timestamp: str, signature: str, secrets: Sequence[bytes], now: datetime
) -> None:
    """Check the three Standard Webhooks headers; *signature* may list several, separated by blanks.

    Raises:
        Unauthenticated: No secret matches, a header is missing or malformed, or the timestamp is further from *now*
            than `TIMESTAMP_TOLERANCE`.
    """
    if not webhook_id or len(webhook_id) > MAX_WEBHOOK_ID_CHARS or not (timestamp.isascii() and timestamp.isdigit()):
        raise refusal()
    sent_s = int(timestamp[:15])
    if abs(sent_s - now.timestamp()) > TIMESTAMP_TOLERANCE.total_seconds():
        raise refusal()
    expected = [sign_standard(secret, webhook_id, sent_s, body) for secret in secrets]
    for candidate in signature.split()[:8]:
        if _equals_any(candidate, expected):
            return
    raise refusal()


def is_token(authorization: str, secrets: Sequence[bytes]) -> bool:
    """Whether `Authorization: Bearer <token>` holds one of *secrets*."""
    try:
        verify_token(authorization, secrets)
    except Unauthenticated:
        return False
    return True


def verify_token(authorization: str, secrets: Sequence[bytes]) -> None:
    """Check `Authorization: Bearer <token>` against *secrets*.

    Raises:
        Unauthenticated: Another token, another scheme, or none.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise refusal()
    # Digests are compared, so that the time does not depend on the token's length.
    given = hashlib.sha256(token.strip().encode("utf-8", "surrogateescape")).hexdigest()
    _match(given, [hashlib.sha256(secret).hexdigest() for secret in secrets])


def _match(given: str, expected: Sequence[str]) -> None:
    if not _equals_any(given, expected):
        raise refusal()


def _equals_any(given: str, expected: Sequence[str]) -> bool:
    # As bytes, since compare_digest refuses non-ASCII text. A list, so that all secrets are compared always.
    candidate = given.encode("utf-8", "surrogateescape")
    return any([hmac.compare_digest(candidate, value.encode()) for value in expected])  # noqa: C419
