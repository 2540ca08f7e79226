"""Build the folder RETRIEVAL_DATA, the larger public set, from clones of the archives that hold it.

    git clone https://github.com/thunderbird/github-action-thunderbird-aaq
    git clone https://github.com/rtanglao/rt-kits-api3
    python bench/public_set.py FOLDER github-action-thunderbird-aaq rt-kits-api3

They hold the questions and answers of Mozilla's support forum, a file a day. Of these FOLDER gets the 20,000 English
questions that `public_ids.txt` names, and which earlier question a reply to one of them links, or its author asked, as
`bench/retrieval.py` reads them. Names of users are left out, addresses, links and long numbers replaced. The clones are
read by git, so a bare one does as well; a question that neither of them has is told and left out.
"""

from __future__ import annotations

import csv
import gzip
import html
import io
import json
import re
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

_IDS: Final = Path(__file__).with_name("public_ids.txt")
_DAYS: Final = ":(glob)20*/*-desktop*.csv"
_BODY_WORDS, _REPLY_WORDS = 200, 120
_DEV_BEFORE: Final = "2025"
"""Queries from then on are kept aside."""
_AGAIN_WITHIN: Final = timedelta(days=14)
_FIELD_CHARS: Final = 10_000_000

_QUESTION = re.compile(r"/questions/(\d{6,8})")
_MARKUP = re.compile(r"<[^>]+>")
_LINK = re.compile(r"https?://\S+")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"\+?\d[\d ()-]{8,}\d")

Row = dict[str, str]


def read_ids() -> list[str]:
    """The set's questions: the file names the first, then how far each is from the one before it."""
    known, at = [], 0
    for line in _IDS.read_text("ascii").splitlines():
        if not line.startswith("#"):
            for step in line.split():
                at += int(step)
                known.append(str(at))
    return known


def rows_of(clone: Path) -> Iterator[Row]:
    """All rows of the clone's daily files: questions have a title, answers a `question_id`."""
    csv.field_size_limit(_FIELD_CHARS)
    told = subprocess.run(
        ["git", "-C", str(clone), "archive", "HEAD", _DAYS],  # noqa: S607 - as installed
        check=True,
        stdout=subprocess.PIPE,
    )
    with tarfile.open(fileobj=io.BytesIO(told.stdout)) as archive:
        for member in archive:
            if file := archive.extractfile(member):
                yield from csv.DictReader(io.StringIO(file.read().decode("utf-8", "replace")))


def plain(markup: str, *, words: int) -> str:
    text = html.unescape(_MARKUP.sub(" ", markup))
    text = _NUMBER.sub("[number]", _ADDRESS.sub("[e-mail]", _LINK.sub("[link]", text)))
    return " ".join(text.split()[:words])


def _time(question: Row) -> datetime:
    return datetime.strptime(question["created"], "%Y-%m-%d %H:%M:%S %z")


def a_ticket(question: Row, answers: list[Row], helpers: dict[str, int]) -> dict[str, str | int]:
    """*helpers* gets a number for who wrote the reply."""
    ticket: dict[str, str | int] = {
        "id": question["id"],
        "created": _time(question).astimezone(UTC).replace(tzinfo=None).isoformat(" "),
        "title": plain(question["title"], words=_BODY_WORDS),
        "body": plain(question["content"], words=_BODY_WORDS),
        "product": question["product"],
        "topic": question["topic"],
    }
    of_others = [each for each in answers if each["creator"] != question["creator"]]
    if of_others:
        best = max(of_others, key=lambda each: int(each["num_helpful"] or 0))  # of equal ones the first
        ticket["reply"] = plain(best["content"], words=_REPLY_WORDS)
        ticket["reply_helpful_votes"] = int(best["num_helpful"] or 0)
        ticket["helper"] = helpers.setdefault(best["creator"], len(helpers) + 1)
    return ticket


def links_of(question: Row, answers: list[Row], known: dict[str, Row]) -> list[str]:
    """The earlier questions of others that a reply to this one links."""
    linked = {
        found
        for each in answers
        for found in _QUESTION.findall(each["content"])
        if found in known and int(found) < int(question["id"]) and known[found]["creator"] != question["creator"]
    }
    return sorted(linked)


def asked_again(known: dict[str, Row]) -> dict[str, list[str]]:
    """For each question the one that its author asked before, not long ago: often the same problem."""
    last: dict[str, Row] = {}
    again = {}
    for question in sorted(known.values(), key=lambda each: int(each["id"])):
        before = last.get(question["creator"])
        if before and _time(question) - _time(before) <= _AGAIN_WITHIN and question["created"] < _DEV_BEFORE:
            again[question["id"]] = [before["id"]]
        last[question["creator"]] = question
    return again


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.argument("clones", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def main(folder: Path, clones: tuple[Path, ...]) -> None:
    """Build the set in FOLDER from the archives' CLONES."""
    wanted = read_ids()
    questions: dict[str, Row] = {}
    answers: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for clone in clones:
        chosen = set(wanted) - set(questions)  # a question that was moved between products is in both archives
        for row in rows_of(clone):
            # A day's file is written anew later: the last state counts.
            if row.get("title") is not None and row["id"] in chosen:
                questions[row["id"]] = row
            elif row.get("question_id") in chosen and row["is_spam"] != "true":
                answers[row["question_id"]][row["id"]] = row
    ordered = {id_: sorted(own.values(), key=lambda each: int(each["id"])) for id_, own in answers.items()}
    known = {id_: questions[id_] for id_ in wanted if id_ in questions}
    links = {
        id_: found
        for id_, question in known.items()
        if question["created"] < _DEV_BEFORE and (found := links_of(question, ordered.get(id_, []), known))
    }
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "tickets.jsonl.gz", "wt", encoding="utf-8") as lines:
        helpers: dict[str, int] = {}
        for id_, question in known.items():
            lines.write(json.dumps(a_ticket(question, ordered.get(id_, []), helpers)) + "\n")
    (folder / "similar.dev.json").write_text(json.dumps(links), "utf-8")
    (folder / "same_author.dev.json").write_text(json.dumps(asked_again(known)), "utf-8")
    print(f"{len(known)} of {len(wanted)} questions, {len(links)} queries")
    if missing := [id_ for id_ in wanted if id_ not in known]:
        print(f"not in the clones: {', '.join(missing)}", file=sys.stderr)


if __name__ == "__main__":
    main()
