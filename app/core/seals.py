"""Signs what we hand out and read back: the console's cookies, the links in notes.

Invariant: what was signed for one purpose is refused for another purpose, even with the same key.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from itsdangerous import Signer, URLSafeTimedSerializer

# The library's defaults would be SHA-1, and a plain digest of salt and key.
_HOW: Final[dict[str, Any]] = {"key_derivation": "hmac", "digest_method": sha256}


def signer(key: bytes, purpose: str) -> Signer:
    """Signs bytes, without a time limit."""
    return Signer(key, salt=purpose, **_HOW)


def timed_serializer(key: bytes, purpose: str) -> URLSafeTimedSerializer:
    """Signs JSON values with a timestamp; the age that is still accepted is given when they are read."""
    return URLSafeTimedSerializer(key, salt=purpose, signer_kwargs=_HOW)
