"""A knowledge-base article. ServiceDesk Plus calls it a "solution"; only its adapter uses that word."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from pydantic import BaseModel

from app.core.help_desk import AccountRef

FILE_MARK: Final = "file:"
"""What the id of an article begins with that is a file in Git. No id of a help desk has a colon."""


def file_article_id(path: str) -> str:
    """The id of the article in the file *path*, relative to the tenant's folder."""
    return FILE_MARK + path


class Article(BaseModel, frozen=True):
    """One approved article; text is plain."""

    id: str
    title: str
    text: str
    is_public: bool = False
    """Whether a requester may see it in ServiceDesk Plus."""
    updated_at: datetime | None = None
    accounts: tuple[AccountRef, ...] = ()
    """In an MSP's instance: the accounts with which it is shared; empty: it names none."""
