"""What a sync did, for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from app.db.knowledge.cursors import CursorKind
from app.db.knowledge.strays import Stray


@dataclass(slots=True)
class SyncReport:
    """What the sync of one tenant, or of a shared instance, did."""

    slug: str
    stored: dict[CursorKind, int] = field(default_factory=dict)
    """Number of new or changed items of each kind."""
    removed: int = 0
    embedded: int = 0
    """Tickets that got vectors."""
    missed: int = 0
    """Tickets that no webhook told of, now recorded as deliveries."""
    strays: Counter[Stray] = field(default_factory=Counter)
    """Of an instance: rows that no tenant owns."""
    files_left_out: list[str] = field(default_factory=list)
    """The tenant's own Markdown files that could not be read, the first ones, each with the reason."""
    problems: list[str] = field(default_factory=list)

    @property
    def has_failed(self) -> bool:
        return bool(self.problems)

    @property
    def line(self) -> str:
        """One line for a person."""
        stored = ", ".join(f"{count} {kind}" for kind, count in self.stored.items()) or "nothing"
        parts = [
            f"{self.slug}: {stored} new or changed",
            f"{self.removed} removed",
            f"{self.missed} missed tickets found",
        ]
        if self.embedded:
            parts.append(f"{self.embedded} tickets got vectors")
        unknown = {stray.account for stray in self.strays if stray.account}
        if unknown:
            parts.append(f"{len(unknown)} accounts that no tenant's file names")
        without = sum(count for stray, count in self.strays.items() if not stray.account)
        if without:
            parts.append(f"{without} rows without an account, stored for no one")
        return "; ".join([*parts, *(f"file {told}" for told in self.files_left_out), *self.problems])


def our_fault(error: Exception) -> str:
    return f"a fault of ours ({type(error).__name__}), see the log"
