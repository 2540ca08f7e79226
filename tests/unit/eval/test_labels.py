"""What is measured by labels of ours is what the pages say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from app.core.reading import automatic
from app.errors import Code
from eval.automatic import read_set
from eval.points import read_real_labels

TUNED_ON = Path(__file__).parents[1] / "core" / "reading" / "automatic.txt"


def test_half_of_the_mails_are_of_machines_and_no_rule_was_tuned_on_one() -> None:
    mails = read_set()
    assert Counter(label == "person" for label, *_ in mails) == {True: 60, False: 60}
    assert {label for label, *_ in mails} <= {*Code, "person"}
    known = TUNED_ON.read_text("utf-8") + Path(str(automatic.__file__)).read_text("utf-8")
    assert not [subject for _, subject, body in mails if body and body.replace("\n", "\\n") in known]


def test_eighty_of_the_other_problems_are_told_apart() -> None:
    labels = [label for own in read_real_labels().values() for label in own.values()]
    assert Counter(label.is_related for label in labels if label.is_related is not None) == {True: 46, False: 34}
    assert not any(label.is_same for label in labels if label.is_related is not None)
