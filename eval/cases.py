"""The cases of `tests/cases`: a ticket, its sources, and what a note about it must and must not say.

A new case is a new folder with a `case.yaml`; tests/cases/README.md says what it holds.
"""

from __future__ import annotations

import json
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from app.core.enhancement import Confidence
from app.core.source import Closeness, Source, SourceKind
from app.core.tenant import Language
from app.core.ticket import Ticket

FOLDER: Final = Path(__file__).parents[1] / "tests" / "cases"
FITS: Final = Path(__file__).parent / "fits.json"
"""How well each source fits its case's ticket by the product's search, 0 to 1; written by `make eval`."""
TODAY: Final = date(2026, 11, 28)
"""By which the cases' sources are old or new."""
_LABELS: Final[dict[Language, tuple[str, str]]] = {
    "en": ("Problem", "Resolution"),
    "de": ("Problem", "Lösung"),
    "fr": ("Problème", "Solution"),
    "es": ("Problema", "Solución"),
}
_PAGE: Final = "https://sdp.acme.example/"


class Kind(StrEnum):
    """What is difficult about a case."""

    CLEAR = "clear"
    MISLEADING = "misleading"
    CONTRADICTING = "contradicting"
    OUTDATED = "outdated"
    NOTHING_FOUND = "nothing_found"
    UNAVAILABLE = "unavailable"
    SEVERAL = "several"
    WRONG_PRIORITY = "wrong_priority"
    OTHER_LANGUAGE = "other_language"
    SHORT_OR_LONG = "short_or_long"
    INJECTED = "injected"
    PERSONAL_DATA = "personal_data"

    @property
    def is_about_safety(self) -> bool:
        """Whether what must not be said may stand nowhere in the note, sources' titles included."""
        return self in {Kind.INJECTED, Kind.PERSONAL_DATA}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GivenTicket(_Part):
    """A resolved ticket."""

    id: str
    title: str
    problem: str
    resolution: str
    resolved: date
    outcome: str = "Resolved"
    category: str = ""
    relevance: Literal[0, 1, 2]
    """2: the same problem, what helped helps here; 1: related, or outdated; 0: neither."""


class GivenArticle(_Part):
    id: str
    title: str
    text: str
    updated: date
    relevance: Literal[0, 1, 2]


class GivenAsset(_Part):
    id: str
    title: str
    text: str


class GivenOpenTicket(_Part):
    """The ticket of a case."""

    subject: str
    description: str
    requester: str = ""
    priority: str = ""


class Fit(_Part):
    """What the product's search says of a source."""

    score: float = 0.0
    closeness: Closeness | None = None
    among: int = 0


class Case(_Part):
    name: str
    kind: Kind
    part: Literal["dev", "held"] = "dev"
    """`held`: not looked at while prompt, checks and weights were made."""
    language: Language = "en"
    """The note's."""
    ticket: GivenOpenTicket
    tickets: tuple[GivenTicket, ...] = ()
    articles: tuple[GivenArticle, ...] = ()
    assets: tuple[GivenAsset, ...] = ()
    unavailable: frozenset[SourceKind] = frozenset()
    house_rules: str = ""
    must_say: tuple[str | tuple[str, ...], ...] = ()
    """What the model's sentences must hold, in any case; of several in a list, one."""
    must_not_say: tuple[str, ...] = ()
    must_cite: tuple[str, ...] = ()
    """Ids of sources."""
    confidence: tuple[Confidence, Confidence]
    """The lowest and the highest that is right."""
    hidden: tuple[str, ...] = ()
    """What neither a prompt nor a note may hold."""
    fits: dict[str, Fit] = Field(default_factory=dict)

    @property
    def asked(self) -> Ticket:
        return Ticket(id="100234", **self.ticket.model_dump())

    @property
    def relevance(self) -> dict[str, int]:
        """By the sources' ids."""
        given: list[GivenTicket | GivenArticle] = [*self.tickets, *self.articles]
        return {source.id: source.relevance for source in given}

    @property
    def must_abstain(self) -> bool | None:
        """Whether the sources don't suffice for a step; None: a note may do either."""
        best = max(self.relevance.values(), default=0)
        return None if best == 1 else best == 0

    def sources(self) -> list[Source]:
        """As the search would give them, the best of each kind first. What does not fit and is of no use it leaves out."""
        known: list[Source] = [*map(self._as_ticket, self.tickets), *map(_as_article, self.articles)]
        found = [source.model_copy(update=self.fits.get(source.id, Fit()).model_dump()) for source in known]
        shown = [source for source in found if source.score or self.relevance[source.id]]
        return [*sorted(shown, key=lambda source: -source.score), *map(_as_asset, self.assets)]

    def _as_ticket(self, given: GivenTicket) -> Source:
        was, mended = _LABELS[self.language]
        return Source(
            kind=SourceKind.TICKET,
            id=given.id,
            title=f"#{given.id} {given.title}",
            text=f"{was}: {given.problem}\n{mended}: {given.resolution}",
            staff_text=given.resolution,
            url=f"{_PAGE}WorkOrder.do?woID={given.id}",
            outcome=given.outcome,
            category=given.category,
            resolved_on=given.resolved,
        )


def _as_article(given: GivenArticle) -> Source:
    return Source(
        kind=SourceKind.ARTICLE,
        id=given.id,
        title=given.title,
        text=given.text,
        url=f"{_PAGE}kb/{given.id}",
        updated_on=given.updated,
    )


def _as_asset(given: GivenAsset) -> Source:
    return Source(kind=SourceKind.ASSET, id=given.id, title=given.title, text=given.text)


def load_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases, by name.

    Raises:
        pydantic.ValidationError: A file is not a case.
        LookupError: There are none.
    """
    fits = json.loads(FITS.read_text("utf-8")) if FITS.is_file() else {}
    files = sorted(folder.glob("*/case.yaml"))
    if not files:
        raise LookupError(f"no cases in {folder}")
    return [
        Case.model_validate(
            {
                **yaml.load(file.read_text("utf-8"), yaml.CSafeLoader),
                "name": file.parent.name,
                "fits": fits.get(file.parent.name, {}),
            }
        )
        for file in files
    ]


def write_fits(fits: dict[str, dict[str, Fit]]) -> None:
    """Keep what the search says of the cases' sources."""
    told = {name: {id_: fit.model_dump(mode="json") for id_, fit in own.items()} for name, own in fits.items()}
    FITS.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", "utf-8")
