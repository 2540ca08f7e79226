"""Every command line that a page or a help text shows is one that the command line takes, with values that exist."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from app.cli import cli
from app.core.diagnosis import DIAGNOSES
from app.errors import Code

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
_OURS = re.compile(r"(?:\bai-agents|python -m app) ([a-z][^`]*)")
# What a page writes for a value that its reader has.
_PLACEHOLDERS = {
    "SLUG": "acme",
    "JOB_ID": "6f9619ff-8b86-5d01-b42d-00cf4fc964ff",
    "<id>": "0b9d5c3e-0000-4000-8000-000000000001",
    "<slug>": "acme",
}


def command_lines(text: str) -> Iterator[str]:
    """Each use of our command line in *text*, from code blocks and code spans alone."""
    text = re.sub(r"\\\n\s*", " ", text)
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    for line in [*(line for block in blocks for line in block.splitlines()), *spans]:
        found = _OURS.search(line)
        if found:
            yield found[1]


def every(command: click.Command) -> Iterator[click.Command]:
    yield command
    for each in getattr(command, "commands", {}).values():
        yield from every(each)


EXAMPLES = sorted(
    {line for page in PAGES for line in command_lines(page.read_text("utf-8"))}
    | {
        found
        for command in every(cli)
        for found in _OURS.findall(re.sub(r"\\\n\s*", " ", command.help or ""))
        for found in [found.split("\n")[0]]
    }
)


def words_of(line: str) -> list[str]:
    words: list[str] = []
    for word in shlex.split(line, comments=True):
        if word in {"|", "&&", ";", ">", "2>&1"}:
            break
        words.append(_PLACEHOLDERS.get(word, word))
    return words


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """As the command line would, without doing it."""
    context = command.make_context(command.name, words, parent=parent)
    if isinstance(command, click.Group):
        name, child, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert child is not None, name
        parse(child, rest, context)


def test_there_are_examples() -> None:
    assert len(EXAMPLES) > 40


@pytest.mark.parametrize("command", [each for each in every(cli) if not isinstance(each, click.Group)])
def test_every_command_explains_itself_with_an_example(command: click.Command) -> None:
    shown = command.get_help(click.Context(command))
    assert "Example:\n" in shown
    assert "\\b" not in shown


@pytest.mark.parametrize("line", EXAMPLES)
def test_an_example_is_taken(line: str) -> None:
    words = words_of(line)
    if "--help" in words or "--version" in words or "…" in line or words[0].endswith(","):
        return
    try:
        parse(cli, words)
    except click.MissingParameter:  # the line names a command, and shows no use of it
        assert not any(word.startswith("--") for word in words)
    except click.ClickException as error:
        pytest.fail(f"ai-agents {line}: {error.format_message()}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_names_codes_that_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"--reason[ =]([a-z_]+)\b", text)) | set(re.findall(r"urn:ai-agents:error:([a-z_]+)", text))
    assert named <= set(Code)


def test_the_page_of_errors_is_the_products_own_table() -> None:
    page = (ROOT / "docs" / "errors.md").read_text("utf-8")
    rows = [f"| `{code}` | {each.meaning} | {each.remedy} |" for code, each in DIAGNOSES.items()]
    assert re.findall(r"^\| `.*$", page, re.MULTILINE) == rows, "write the table anew from core.diagnosis"
