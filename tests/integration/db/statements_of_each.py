"""The product's statements that are asked about several tenants."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module

import app.db
from app.db.reports import browsing, deliveries
from app.db.sql import Statement


def find_statements() -> Iterator[tuple[str, Statement]]:
    """Each by a name."""
    for module in pkgutil.walk_packages(app.db.__path__, "app.db."):
        if ".migrations" not in module.name:
            for name, value in vars(import_module(module.name)).items():
                if isinstance(value, Statement) and "tenant.id" in value.sql:
                    yield f"{module.name}.{name}", value
    for names in ((), ("status",), ("ticket_id", "since", "until"), ("status", "after", "code")):
        yield f"page of {names}", browsing._page(frozenset(names))
        yield f"count of {names}", deliveries._count(frozenset(names) - {"after"})
