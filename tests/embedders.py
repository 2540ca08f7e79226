"""An embedder for tests: texts that name the same concept have near vectors, whatever their words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from zlib import crc32

from app.core.masking import MaskedText
from app.core.vectors import DIMENSIONS, Vector
from app.errors import AppError, TextRefused

CONCEPTS = (
    {"printer", "print", "paper", "jam", "jams", "copier", "sheets"},
    {"mail", "mails", "outlook", "mailbox", "messages", "inbox"},
    {"vpn", "tunnel", "remote", "connect"},
)


@dataclass
class ConceptEmbedder:
    """Fits `Embedder`. A text's vector is the mean of its words', and those of one concept share a direction."""

    model: str = "concepts"
    is_english_only: bool = False
    is_shared_endpoint: bool = False
    refuses: str = ""
    """It takes no text with this word."""
    fails: AppError | None = None
    asked: list[str] = field(default_factory=list)

    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        assert all(type(text) is MaskedText and text.strip() for text in texts)
        self.asked += texts
        if self.fails is not None:
            raise self.fails
        if self.refuses and any(self.refuses in text for text in texts):
            raise TextRefused("refused a text")
        return [a_vector(text) for text in texts]


def a_vector(text: str) -> Vector:
    """As `ConceptEmbedder` makes it."""
    numbers = [0.0] * DIMENSIONS
    for word in text.lower().replace(".", " ").split():
        of = next((number for number, concept in enumerate(CONCEPTS) if word in concept), None)
        numbers[10 + crc32(word.encode()) % (DIMENSIONS - 10) if of is None else of] += 0.2 if of is None else 1.0
    length = sqrt(sum(number**2 for number in numbers)) or 1.0
    return [number / length for number in numbers]
