"""Why an operator acts, as the console keeps it too: one line, which a terminal shows as it is."""

from __future__ import annotations

from typing import Any

import click


class Reason(click.ParamType[str]):
    """A text that is not empty; what a terminal would obey is left out."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from app.console.reasons import as_kept

        reason = as_kept(str(value))
        if not reason:
            self.fail("say why; it is kept", param, ctx)
        return reason
