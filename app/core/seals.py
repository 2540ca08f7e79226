"""Signs what we hand out and read back: the console's cookies, the links in notes.

Invariant: what was sealed for one purpose does not open for another, under the same key too.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from itsdangerous import Signer, URLSafeTimedSerializer

# By name: the library's own would be SHA-1, and a plain digest of salt and key.
_HOW: Final[dict[str, Any]] = {"key_derivation": "hmac", "digest_method": sha256}


def signer(key: bytes, purpose: str) -> Signer:
    """For bytes that have their own form and no end."""
    return Signer(key, salt=purpose, **_HOW)


def timed_serializer(key: bytes, purpose: str) -> URLSafeTimedSerializer:
    """For facts that end some time after they were sealed; who opens them says when."""
    return URLSafeTimedSerializer(key, salt=purpose, signer_kwargs=_HOW)
