"""What is told of each webhook of the demo."""

from __future__ import annotations

from datetime import UTC, datetime

from app.core.delivery import Status
from demo.progress import Call, Progress, Stage


def test_each_stage_is_told_once_by_whoever_asks_first() -> None:
    call, other = Call("acme", "1", "drawings slow"), Call("acme", "2", "label printer")
    progress = Progress([call, other])
    assert progress.news() == []

    call.sent_at = call.accepted_at = datetime.now(UTC)
    assert [each.stage for each in progress.news()] == [Stage.ACCEPTED]
    call.status = Status.PENDING  # the ledger says no more
    assert progress.news() == []

    call.status, other.is_refused = Status.PROCESSING, True
    assert [each.stage for each in progress.news()] == [Stage.IN_WORK, Stage.REFUSED]
    assert progress.news() == []
