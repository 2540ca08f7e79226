"""One word for one thing: the glossary is short, and what it replaced is not said any more."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GLOSSARY = re.findall(
    r"^\| ([a-z -]+) \| ",
    (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## The ten")[0],
    re.MULTILINE,
)
# What stands for what: a circuit is open when it blocks, a failed delivery is failed.
BANNED = {
    r"\bgates?\b|\bgate_(?:closed|opened)\b": "circuit, pause or hold",
    r"\bdead deliver\w+|\bdeliver\w+ (?:is|are) dead\b|\bburied\b|\bbury\b": "failed",
    r"\bFAILURES_TO_CLOSE\b": "FAILURES_TO_OPEN",
    r"\bLedgerUnavailable\b": "DatabaseUnavailable",
    r"\bunheard\b|\bheard in vain\b": "unread",
    r"\b(?:Circuit)?Breaker\b(?=[(.:\]])": "Circuit",
}
# The table's name and columns are older than the words, and migrations say what they made then.
TABLE = re.compile(r"(?:into|update|from|delete from|table) gate\b|[\"']gate[\"']")
# A reader's own words, and those that a detector looks for in them, which are data.
DATA = re.compile(r"badge reader at the gate|Gate \d|\|gate\|")
READ = [
    path
    for folder in ("app", "docs", "kustomize", "tests", "bench")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md", ".yaml", ".html"} and "versions" not in path.parts and path != Path(__file__)
]


def test_the_glossary_is_short() -> None:
    words = [word for word in GLOSSARY if word != "word"]
    assert 15 < len(words) <= 30
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(("pattern", "instead"), BANNED.items())
def test_a_word_that_was_replaced_is_not_said(pattern: str, instead: str) -> None:
    said = [
        f"{path.relative_to(ROOT)}: {line.strip()[:100]}"
        for path in READ
        if "/data/" not in str(path)
        for line in path.read_text("utf-8").splitlines()
        if re.search(pattern, line) and not TABLE.search(line) and not DATA.search(line)
    ]
    assert said == [], f"say: {instead}"
