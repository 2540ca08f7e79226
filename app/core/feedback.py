"""The link in a note by which a technician says whether it helped.

Invariant: only who has `FEEDBACK_KEY` can make a link; it names one note and gives nothing but the right to vote on it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from hashlib import sha256
from typing import Final
from uuid import UUID

_IDS_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 16
TOKEN_CHARS: Final = 64

MAX_COMMENT_CHARS: Final = 1000


def make_token(tenant_id: UUID, job_id: UUID, *, key: bytes) -> str:
    """What stands in the link: both ids and their signature, 64 characters that a URL takes as they are."""
    ids = tenant_id.bytes + job_id.bytes
    return urlsafe_b64encode(ids + _sign(ids, key)).decode()


def read_token(token: str, *, key: bytes) -> tuple[UUID, UUID] | None:
    """The tenant's id and the delivery's, or None when we did not make *token*."""
    if len(token) != TOKEN_CHARS or not token.isascii():
        return None
    try:
        raw = urlsafe_b64decode(token)
    except (NotBase64, ValueError):
        return None
    ids, signature = raw[:_IDS_BYTES], raw[_IDS_BYTES:]
    if not hmac.compare_digest(signature, _sign(ids, key)):
        return None
    return UUID(bytes=ids[:16]), UUID(bytes=ids[16:])


def _sign(ids: bytes, key: bytes) -> bytes:
    return hmac.new(key, b"feedback\0" + ids, sha256).digest()[:_SIGNATURE_BYTES]
