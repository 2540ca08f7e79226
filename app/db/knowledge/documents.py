"""The kinds of documents that the search finds: values of the column `kind` of its tables."""

from __future__ import annotations

from typing import Final, Literal

DocumentKind = Literal["ticket", "article"]

TICKETS: Final = "ticket"
ARTICLES: Final = "article"
