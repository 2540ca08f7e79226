"""What is embedded of a ticket, and what an embedder is.

Invariant: an embedder takes masked text alone, so no text leaves unmasked. Vectors of two models are never compared:
each is stored with the name of the model that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from app.core.masking import Mask, MaskedText
from app.core.reading.language import spoken_language
from app.core.reading.mail import split_mail
from app.core.tenant import Language

DIMENSIONS: Final = 384
"""Numbers of a vector, also in the database."""

# Some 150 tokens. What follows is a log or a mail's history; Ollama's all-minilm refuses more than 256 tokens.
_MAX_CHARS: Final = 600
_MAX_READ_CHARS: Final = 4_000
_ENGLISH: Final = "en"

Vector = list[float]
"""`DIMENSIONS` numbers."""


@dataclass(frozen=True, slots=True)
class TicketVectors:
    model: str
    title: Vector
    text: Vector
    """Of the title and the requester's own words."""


class Embedder(Protocol):
    """Makes vectors of texts."""

    @property
    def model(self) -> str:
        """Tells apart what may not be compared."""
        ...

    @property
    def is_english_only(self) -> bool: ...

    @property
    def is_shared_endpoint(self) -> bool:
        """Whether texts leave for an endpoint that serves all tenants."""
        ...

    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        """A vector of each of *texts*, of which none is blank, in their order.

        Raises:
            ModelUnavailable: The same call may work later.
            TextRefused: It refuses at least one of them.
            ModelRefused: It refuses every call; the sentence names the setting to mend.
        """
        ...


def texts_of(
    subject: str, description: str, *, language: Language, is_english_only: bool
) -> tuple[MaskedText, MaskedText] | None:
    """What is embedded of a ticket: its title, and title and the requester's own words.

    None: nothing, since it says nothing, or since it is not in English and *is_english_only*. Where its language can't
    be told it is the tenant's *language*, if the characters allow that.
    """
    mail = split_mail(description[:_MAX_READ_CHARS])
    title, text = subject.strip(), f"{subject}\n{mail.own or mail.quoted}".strip()
    if not text:
        return None
    spoken = spoken_language(text) or (language if text.isascii() else None)
    if is_english_only and spoken != _ENGLISH:
        return None
    mask = Mask()
    masked = mask.beginning(text, max_chars=_MAX_CHARS)
    return (mask.beginning(title, max_chars=_MAX_CHARS) if title else masked), masked
