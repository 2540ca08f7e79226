"""The `kubectl` lines that people are told to type do what the page says.

Each rule here was broken by a page that read well, and found when its lines were typed to a real API server.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from tests.manifests.project import ROOT

PAGES: Final = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("kustomize/**/*.md")])
_CONTINUED: Final = re.compile(r"\\\n\s*")


def _commands(page: Path) -> list[str]:
    """Each command of *page*, from `kubectl` to the end of its line or of its code span, in one line."""
    text = _CONTINUED.sub(" ", page.read_text("utf-8"))
    text = re.sub(r"`kubectl [^`]*`", lambda span: span[0].replace("\n", " "), text)
    return re.findall(r"kubectl [^\n`]*", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_logs_of_a_selector_say_how_many_lines(page: Path) -> None:
    """Without --tail kubectl gives ten lines of each pod, and a grep finds nothing."""
    short = [each for each in _commands(page) if " logs " in each and "--selector" in each and "--tail" not in each]

    assert short == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_nobody_is_told_to_change_by_hand_what_argo_cd_keeps(page: Path) -> None:
    """Self-heal sets a patched field back within seconds; an annotation that Git doesn't name stays."""
    changed = re.compile(r"(-n|--namespace) production (patch|edit|scale|set|replace) ")

    assert [each for each in _commands(page) if changed.search(each)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_job_that_is_made_by_hand_can_be_made_again(page: Path) -> None:
    """A Job of the same name is refused while the one before is there."""
    commands = _commands(page)
    made = [each for each in commands if " create job " in each and "$(date +%s)" not in each]
    freed = [each for each in commands if " delete job " in each and "--ignore-not-found" in each]

    assert len(made) == len(freed)
