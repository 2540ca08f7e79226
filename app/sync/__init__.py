"""The sync: reads tickets, articles and assets from ServiceDesk Plus into the database, and finds missing webhooks.

A help desk is read once, also where several tenants are accounts of it: each row goes to its account's tenant, and what
is of no known account is counted and stored for no one.

Invariant: it may be killed at any moment. A batch and the cursor that says it was read are stored together, what is
read twice is stored once, and what vanished is removed only after a listing that came to its end. A tenant that fails
stops no other, and of a tenant a kind that fails stops no other kind.

    cursor - overlap ─▶ tickets, oldest update first ─▶ batch: history │ missed deliveries │ cursor ─▶ ring

`desks` goes through the help desks, `reading` reads one of them, `share` stores what is one tenant's, `report` tells.
"""

from app.sync.desks import sync_all, sync_each
from app.sync.owners import DeskOwners, group_by_desk
from app.sync.reading import sync_desk
from app.sync.report import SyncReport

__all__ = ["DeskOwners", "SyncReport", "group_by_desk", "sync_all", "sync_desk", "sync_each"]
