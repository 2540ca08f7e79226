from uuid import uuid4

from app.console.quality import rank_sources
from app.db.reports.quality import SourceVotes


def test_sources_are_ranked_by_what_their_notes_got() -> None:
    def source(title: str, up: int, down: int) -> SourceVotes:
        return SourceVotes(uuid4(), "knowledge", title, title, "", up, down)

    good, better, mixed, bad = source("good", 2, 1), source("better", 5, 0), source("mixed", 1, 1), source("bad", 0, 4)
    most, least = rank_sources([good, bad, better, mixed])
    assert most == [better, good]
    assert least == [bad, mixed]
