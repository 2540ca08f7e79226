"""The larger public set is built from clones of the archives that hold it."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bench import public_set
from bench.public_set import main, plain, read_ids

QUESTION = {"created": "2024-01-10 09:25:29 +0000", "product": "thunderbird", "topic": "other", "title": "No mail"}
ANSWER = {"num_helpful": "0", "is_spam": "false"}


def a_clone(folder: Path, questions: list[dict[str, str]], answers: list[dict[str, str]]) -> Path:
    """A repository with a day's files, as the archives have them."""
    (folder / "2024").mkdir(parents=True)
    for name, rows in (("creator-answers-desktop-all-locales", questions), ("answers-for-questions-desktop", answers)):
        with (folder / "2024" / f"2024-01-10-2024-01-10-thunderbird-{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, [*rows[0]])
            writer.writeheader()
            writer.writerows(rows)
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-q", "-m", "a day"]):
        subprocess.run(["git", "-C", str(folder), *command], check=True)  # noqa: S607 - ours
    return folder


def test_it_has_the_twenty_thousand_questions() -> None:
    known = read_ids()
    assert (len(known), len(set(known)), known[0]) == (20_000, 20_000, "1401059")


def test_a_set_is_built_from_a_clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(public_set, "read_ids", lambda: ["1", "1000002", "1000003", "1000005"])
    questions = [
        {**QUESTION, "id": "1000002", "creator": "ann", "content": "<p>Nothing <b>arrives</b>.</p>"},
        {**QUESTION, "id": "1000003", "creator": "bob", "content": "<p>Me &amp; my mail.</p>"},
        {**QUESTION, "id": "1000004", "creator": "cid", "content": "not in the set"},
        {**QUESTION, "id": "1000005", "creator": "bob", "content": "again"},
    ]
    link = '<p>See <a href="/en-US/questions/1000002">this</a>.</p>'
    answers = [
        {**ANSWER, "id": "1", "question_id": "1000003", "creator": "bob", "content": "me again", "num_helpful": "9"},
        {**ANSWER, "id": "2", "question_id": "1000003", "creator": "dee", "content": link},
        {**ANSWER, "id": "3", "question_id": "1000003", "creator": "eva", "content": "later, as helpful"},
        {
            **ANSWER,
            "id": "4",
            "question_id": "1000003",
            "creator": "x",
            "num_helpful": "7",
            "is_spam": "true",
            "content": "buy",
        },
    ]
    clone = a_clone(tmp_path / "clone", questions, answers)
    done = CliRunner().invoke(main, [str(tmp_path / "set"), str(clone)])
    assert done.exit_code == 0, done.output
    assert "3 of 4 questions, 1 queries" in done.output
    with gzip.open(tmp_path / "set" / "tickets.jsonl.gz", "rt") as lines:
        first, second, _ = map(json.loads, lines)
    assert (first["body"], "reply" in first) == ("Nothing arrives .", False)
    assert (second["body"], second["reply"], second["helper"]) == ("Me & my mail.", "See this .", 1)
    assert json.loads((tmp_path / "set" / "similar.dev.json").read_text()) == {"1000003": ["1000002"]}
    assert json.loads((tmp_path / "set" / "same_author.dev.json").read_text()) == {"1000005": ["1000003"]}


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Write to a.b@c.example, or call +49 30 1234567.</p>", "Write to [e-mail], or call [number]."),
        ('<a href="https://x.example/1">https://x.example/1</a> helps', "[link] helps"),
        ("one two three four", "one two three"),
    ],
)
def test_what_tells_who_somebody_is_is_replaced(markup: str, text: Any) -> None:
    assert plain(markup, words=3 if markup.startswith("one") else 100) == text
