"""What the commands share."""

from __future__ import annotations

import gc

from app.cli.run import run


def test_the_garbage_collector_leaves_out_what_was_imported() -> None:
    async def count() -> int:
        return gc.get_freeze_count()

    try:
        assert run(count()) > 0
    finally:
        gc.unfreeze()
