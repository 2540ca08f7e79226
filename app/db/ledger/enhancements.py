"""Enhancements: one for each version of a ticket, from its reservation to its note.

For example, deliveries D1 and D2 are about the same version of a ticket. D1 reserves it first, so D2 is `ignored`
(another delivery works on it). If D1 fails without a note, a later D3 takes the version over. If the ticket changes while
D1 writes, D4 about the new version posts, and D1 stops before its call.

Invariant: a row `(tenant, ticket, version)` belongs to one delivery at a time. Another takes it over only from one that
ended without a note. A version is not posted once a newer version of the ticket is known, nor ever once it was written
in shadow mode (`shadowed_at`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import ValidationError

from app.core.enhancement import Enhancement
from app.core.source import first_sources
from app.core.storm import Arrival
from app.db.knowledge.generic_words import generic_terms
from app.db.ledger.arrivals import ArrivalSearch
from app.db.ledger.attempts import AttemptRecord
from app.db.ledger.claims import Claim, lease_lost, run_fenced
from app.db.session import Database, Row
from app.db.sql import load
from app.errors import Code, NotNeeded

_RESERVE: Final = load(__package__, "reserve")
_IS_WRITTEN: Final = load(__package__, "is_written")
_POSTED_LATELY: Final = load(__package__, "posted_lately")
_UNSETTLED: Final = load(__package__, "unsettled")
_SAVE: Final = load(__package__, "save")
_BEGIN_POSTING: Final = load(__package__, "begin_posting")
_POSTED: Final = load(__package__, "settle_posted")
_SHADOWED: Final = load(__package__, "settle_shadowed")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to write and post the enhancement of one version of a ticket."""

    ticket_id: str
    version: str
    enhancement: Enhancement | None
    """What an earlier attempt wrote, so that a retry does not pay the model again; None: nothing yet."""
    posting_age: timedelta | None
    """Time since an earlier attempt began to post; the note may be on the ticket. None: no attempt has."""
    is_shadowed: bool = False
    """Whether it was written in shadow mode, and so is not posted, whatever the mode is now."""
    note_id: str | None = None
    """The note of an earlier attempt, seen on the ticket by this one."""

    @property
    def key(self) -> dict[str, Any]:
        return {"ticket_id": self.ticket_id, "version": self.version}


class Enhancements:
    """The enhancements of all tenants. Each call reads and writes those of the claim's tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(
        self, claim: Claim, *, version: str, ticket_updated_at: datetime, arrival: Mapping[str, Any]
    ) -> Reservation:
        """Make *claim*'s delivery the only one that works on this version, and store how its ticket arrived.

        *arrival*: As `arrivals.arrival_of` gives it.

        Raises:
            NotNeeded: Another delivery works or worked on it, or a newer version is known.
        """
        generic = await generic_terms(self._database.rows_alone, arrival["languages"])
        # Should a crash of PostgreSQL lose the row, or whose it is, nothing can be saved or posted: both ask for it, and the
        # commit of `begin_posting` writes this one to the disk too.
        rows = await self._database.rows_alone(
            _RESERVE,
            **{**claim.key, **arrival},
            version=version,
            ticket_id=claim.ticket_id,
            ticket_updated_at=ticket_updated_at,
            generic_terms=generic.joined,
        )
        if not rows:
            raise LookupError("the version of the ticket is gone")
        row = rows[0]
        if row["job_id"] != claim.job_id:
            raise _not_ours(row)
        if row["note_id"] is not None:
            raise NotNeeded(
                f"this version of the ticket has its note already (note {row['note_id']})", code=Code.NOTE_EXISTS
            )
        if row["is_outdated"]:
            raise _outdated()
        written = _read(claim, row["content"])
        return Reservation(claim.ticket_id, version, written, row["posting_age"], row["is_shadowed"])

    async def find_unsettled(self, claim: Claim) -> Reservation | None:
        """The latest version for which an earlier attempt of *claim*'s delivery began to post.

        Whether its note is on the ticket is not known.
        """
        if claim.attempt == 1:
            return None
        async with self._database.transaction(claim.tenant_id) as tx:
            row = await tx.row(_UNSETTLED, **claim.key, ticket_id=claim.ticket_id)
        if row is None:
            return None
        return Reservation(claim.ticket_id, row["version"], _read(claim, row["content"]), row["posting_age"])

    async def is_written(self, claim: Claim) -> bool:
        """Whether an earlier attempt of *claim*'s delivery has written its note, which only has to be posted."""
        if claim.attempt == 1:
            return False
        async with self._database.transaction(claim.tenant_id) as tx:
            return bool(await tx.value(_IS_WRITTEN, **claim.key))

    async def others_get_through(self, claim: Claim) -> bool:
        """Whether another delivery of the tenant got its note within the last minute."""
        async with self._database.transaction(claim.tenant_id) as tx:
            return bool(await tx.value(_POSTED_LATELY, **claim.key))

    async def save(
        self,
        claim: Claim,
        reservation: Reservation,
        enhancement: Enhancement,
        *,
        is_shadowed: bool = False,
        is_counted: bool = False,
        look: ArrivalSearch | None = None,
    ) -> Arrival | None:
        """Store what was written, before it is posted. Returns how the ticket arrived, as *look* finds it by now.

        What fits this ticket best is stored together with the look, one ticket of a tenant after the other. So of several
        that are written at the same moment the last one sees all others, with what fits them best.

        Args:
            claim: Whose.
            reservation: Of its version.
            enhancement: What was written.
            is_shadowed: It never will be posted.
            is_counted: Its tokens and cost are stored already.
            look: None: nobody asks.

        Raises:
            LeaseLost: Another worker has the delivery.
        """
        storm, sources = enhancement.storm, first_sources(enhancement.gathered)
        asked = look.asked(sources) if look else {"window": timedelta(0), "most": 0, "least": 0.0, "sources": []}
        # The commit of `begin_posting` or `settle_shadowed` comes soon, and writes this one to the disk too. A crash of
        # PostgreSQL in between loses what was written; the next attempt writes it anew.
        rows = await self._database.rows_alone(
            _SAVE,
            **claim.key,
            **reservation.key,
            content=enhancement.model_dump_json(),
            confidence=enhancement.confidence.value,
            model=enhancement.paid_model,
            prompt_tokens=0 if is_counted else enhancement.prompt_tokens,
            completion_tokens=0 if is_counted else enhancement.completion_tokens,
            cost_usd=None if is_counted else enhancement.cost_usd,
            is_shadowed=is_shadowed,
            first_source=next(iter(sources), None),
            storm_ticket_id=storm and storm.first.id,
            others=[each.id for each in storm.others] if storm else [],
            looks=look is not None,
            **asked,
        )
        if not rows:
            raise lease_lost()
        return look.read(claim.ticket_id, rows[1:]) if look else None

    async def begin_posting(self, claim: Claim, reservation: Reservation, *, html: str) -> None:
        """Store that from now on a note, this *html*, may be on the ticket. Called right before the call that posts.

        Raises:
            NotNeeded: A newer version of the ticket is known; its delivery posts instead.
            LeaseLost: Another worker has the delivery.
        """
        begun = await self._database.value_alone(_BEGIN_POSTING, **claim.key, **reservation.key, html=html)
        if begun == "outdated":
            raise _outdated()
        if begun != "begun":
            raise lease_lost()

    async def settle_posted(
        self, claim: Claim, reservation: Reservation, *, note_id: str, record: AttemptRecord
    ) -> None:
        """Store the note and how the attempt went, and settle the delivery, in one statement.

        Raises:
            LeaseLost: Another worker has the delivery, so the note may be a duplicate.
        """
        # Should a crash of PostgreSQL lose it, the next attempt finds the note by its reference.
        settled = {**claim.key, **reservation.key, **record.values, "note_id": note_id}
        if not await self._database.value_alone(_POSTED, **settled):
            raise lease_lost()

    async def settle_shadowed(
        self, claim: Claim, reservation: Reservation, *, html: str, record: AttemptRecord
    ) -> None:
        """Store the note, this *html*, that is not posted, and settle the delivery, in one statement.

        Raises:
            LeaseLost: Another worker has the delivery.
        """
        async with self._database.transaction(claim.tenant_id) as tx:
            await run_fenced(tx, _SHADOWED, claim, **reservation.key, html=html, **record.values)


def _read(claim: Claim, content: str | None) -> Enhancement | None:
    """What was written. None: nothing, or in words of another release, and then it is written anew."""
    try:
        return None if content is None else Enhancement.model_validate_json(content)
    except ValidationError:
        log.warning("enhancement_unreadable", tenant_id=str(claim.tenant_id), job_id=str(claim.job_id))
        return None


def _outdated() -> NotNeeded:
    return NotNeeded("a newer version of the ticket is known and gets the note", code=Code.VERSION_OUTDATED)


def _not_ours(owner: Row) -> NotNeeded:
    """The error that says that another delivery has the version."""
    job_id, note_id = owner["job_id"], owner["note_id"]
    if note_id is not None:
        told = f"this version of the ticket has its note already (note {note_id}, job {job_id})"
        return NotNeeded(told, code=Code.NOTE_EXISTS)
    if owner["is_shadowed"]:
        told = f"the note of this version was written in shadow mode and is not posted (job {job_id})"
        return NotNeeded(told, code=Code.SHADOW)
    return NotNeeded(f"job {job_id} works on this version of the ticket", code=Code.VERSION_IN_WORK)
