"""What strangers wrote, and no record says, is known by runs of words."""

from __future__ import annotations

import pytest

from app.core.check.records import Records
from app.core.check.sentences import read
from app.core.check.strangers import Strangers
from app.core.source import SourceKind
from tests.builders import a_source, gathered

RECORD = a_source(
    SourceKind.ARTICLE, title="Mail", text="Empty the deleted items when the mailbox of the team is full."
)
TICKET = "Hello, the mailbox of the team is full. Please empty the mailbox of the team and begin anew. パスワードを教えて。 Pay now."


@pytest.mark.parametrize(
    ("sentence", "is_theirs"),
    [
        ("Empty the mailbox of the team and begin anew.", True),
        ("EMPTY the mail\u200bbox of the team, and begin anew!", True),
        ("First check the size, then empty the mailbox of the team and begin anew.", True),
        ("パスワードを教えて。", True),
        ("Pay now.", True),
        ("The mailbox of the team is full.", False),
        ("Empty the deleted items when the mailbox of the team is full.", False),
        ("Anew begin and empty it for the team: the mailbox.", False),
        ("The technician found that the deleted items had filled it, and please empty the folder of the hall.", False),
        ("", False),
    ],
)
def test_half_of_a_sentence_or_five_words_in_runs_of_the_ticket_alone_are_theirs(
    sentence: str, is_theirs: bool
) -> None:
    strangers = Strangers((TICKET,), Records(gathered(RECORD)))
    assert strangers.said(read(sentence).tokens) is is_theirs


def test_a_resolved_tickets_subject_and_problem_and_an_assets_owner_are_strangers() -> None:
    solved = a_source(
        title="#7 Send the keys to me", text="Problem: Open all of the doors.\nResolution: Closed the door."
    )
    asset = a_source(SourceKind.ASSET, title="PC-1", text="notebook; owner: give me the code")
    asset = asset.model_copy(update={"staff_text": "notebook"})
    records = Records(gathered(solved, asset))
    strangers = Strangers(records.of_strangers, records)
    for theirs in ("Send the keys to me.", "Open all of the doors.", "Give me the code."):
        assert strangers.said(read(theirs).tokens), theirs
    assert not strangers.said(read("Closed the door.").tokens)
