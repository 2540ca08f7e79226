"""Why an operator acts: what they write into a form is kept with the act, and read in terminals too. No I/O."""

from __future__ import annotations

from typing import Any, Final

from app.core.reading.text import tidy

MAX_REASON_CHARS: Final = 200


def reason_in(form: Any, name: str) -> str:
    """The reason in the field *name*; empty: none was given."""
    return as_kept(str(form.get(name, "")))


def as_kept(text: str) -> str:
    """*text* on one line and without hidden characters."""
    return " ".join(tidy(text).split())[:MAX_REASON_CHARS]
