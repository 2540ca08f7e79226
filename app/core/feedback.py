"""The link in a note by which a technician says whether it helped.

Invariant: a link can be made only with `FEEDBACK_KEY`. It names one note and gives only the right to vote on it.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Final
from uuid import UUID

from itsdangerous import BadData
from itsdangerous.encoding import base64_decode, base64_encode

from app.core.seals import signer

_PURPOSE: Final = "feedback"
_IDS_BYTES: Final = 32

MAX_COMMENT_CHARS: Final = 1000


def make_token(tenant_id: UUID, job_id: UUID, *, key: bytes) -> str:
    """The token of the link: both ids and their signature, 87 characters that need no escaping in a URL."""
    return signer(key, _PURPOSE).sign(base64_encode(tenant_id.bytes + job_id.bytes)).decode()


def read_token(token: str, *, key: bytes) -> tuple[UUID, UUID] | None:
    """The tenant's id and the delivery's; None when *token* is not signed with *key*."""
    if not token.isascii():
        return None
    try:
        ids = base64_decode(signer(key, _PURPOSE).unsign(token)) if "." in token else _ids_of_old(token, key)
    except BadData:
        return None
    return UUID(bytes=ids[:16]), UUID(bytes=ids[16:])


def _ids_of_old(token: str, key: bytes) -> bytes:
    """The ids in a token of the older format, in notes of November 2026. Delete this when those deliveries are gone."""
    raw = base64_decode(token)
    ids, signature = raw[:_IDS_BYTES], raw[_IDS_BYTES:]
    if not hmac.compare_digest(signature, hmac.digest(key, b"feedback\0" + ids, sha256)[:16]):
        raise BadData("another signature")
    return ids
