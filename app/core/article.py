"""A knowledge-base article. ServiceDesk Plus calls it a "solution"; only its adapter uses that word."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from app.core.help_desk import AccountRef


class Article(BaseModel):
    """One approved article; text is plain."""

    model_config = ConfigDict(frozen=True)

    id: str
    title: str
    text: str
    is_public: bool = False
    """Whether a requester may see it in ServiceDesk Plus."""
    updated_at: datetime | None = None
    accounts: tuple[AccountRef, ...] = ()
    """In an MSP's instance: the accounts with which it is shared; empty: it names none."""
