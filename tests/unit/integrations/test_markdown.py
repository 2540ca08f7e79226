"""What is read of a tenant's folder of Markdown, whatever the folder holds."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.integrations import markdown
from app.integrations.markdown import parse_markdown, read_folder


def write(folder: Path, name: str, content: str | bytes = "# T\nx") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def ids(folder: Path) -> list[str]:
    return [article.id for article in read_folder(folder).articles]


def test_a_file_is_an_article_by_its_first_heading_and_path(tmp_path: Path) -> None:
    text = "---\ntags: [vpn]\n---\n# VPN *error* [809](https://x.example)\n\nOpen `UDP 500` and 4500.\n\n## Then\n- restart\n"
    write(tmp_path, "network/vpn.md", text)
    [article] = read_folder(tmp_path).articles
    assert article.id == "file:network/vpn.md"
    assert article.title == "VPN *error* 809 (network/vpn.md)"
    assert "Open `UDP 500` and 4500." in article.text
    assert "tags" not in article.text
    assert "## Then" not in article.text


def test_commands_stay_as_they_are() -> None:
    article = parse_markdown("a.md", "# A\n```powershell\nGet-Item <name> | ForEach { $_ }\n```\n<!-- secret -->done\n")
    assert "Get-Item <name> | ForEach { $_ }" in article.text
    assert "secret" not in article.text
    assert "```" not in article.text


def test_without_a_heading_the_path_is_the_title() -> None:
    assert parse_markdown("how/to.md", "Just do it.").title == "how/to.md"


def test_hidden_files_other_files_and_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    write(outside, "secret.md")
    for name in ("a.md", "b.MARKDOWN", "c.txt", ".git/d.md", ".e.md", "f/.g/h.md"):
        write(inside, name)
    (inside / "stolen.md").symlink_to(outside / "secret.md")
    (inside / "folder").symlink_to(outside)
    (inside / "passwd.md").symlink_to("/etc/passwd")
    (inside / "again.md").symlink_to(inside / "a.md")
    (inside / "broken.md").symlink_to("nowhere")
    (inside / "loop.md").symlink_to("loop.md")
    os.mkfifo(inside / "pipe.md")
    assert ids(inside) == ["file:a.md", "file:again.md", "file:b.MARKDOWN"]


def test_a_folder_as_kubernetes_mounts_it_is_read(tmp_path: Path) -> None:
    write(tmp_path, "..2026_11_28/a.md")
    (tmp_path / "..data").symlink_to("..2026_11_28")
    (tmp_path / "a.md").symlink_to("..data/a.md")
    assert ids(tmp_path) == ["file:a.md"]


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(markdown, "MAX_FILES", 3)
    monkeypatch.setattr(markdown, "MAX_FILE_BYTES", 100)
    write(tmp_path, "1.md", "x" * 101)
    write(tmp_path, "2.md", b"\xff\xfe")
    write(tmp_path, "3.md", "fine\x00")
    write(tmp_path, "4.md")
    read = read_folder(tmp_path)
    assert [article.id for article in read.articles] == ["file:3.md"]
    assert [problem.partition(":")[0] for problem in read.problems] == ["1.md", "2.md", "4.md"]
    assert "\x00" not in read.articles[0].text


def test_a_folder_that_is_not_there_has_no_articles(tmp_path: Path) -> None:
    assert ids(tmp_path / "none") == []


@given(st.text(max_size=2000))
def test_whatever_a_file_says_it_is_an_article(text: str) -> None:
    article = parse_markdown("a.md", text)
    assert article.title
    assert "\x00" not in article.text


def test_a_checkout_of_git_sync_is_read_through_its_link(tmp_path: Path) -> None:
    write(tmp_path, ".worktrees/5f2d/acme/vpn.md")
    write(tmp_path, ".worktrees/5f2d/globex/mail.md")
    (tmp_path / "current").symlink_to(".worktrees/5f2d")
    assert ids(tmp_path / "current" / "acme") == ["file:vpn.md"]


@pytest.mark.parametrize(
    "code",
    [
        "```powershell\n# Disable-ADAccount anna\n```",
        "~~~~\n# Disable-ADAccount anna\n```\n~~~~",
        "    # Disable-ADAccount anna",
        "- first:\n\n  ```\n  # Disable-ADAccount anna\n  ```\n- then",
        "1. first\n\n       # Disable-ADAccount anna\n",
        "> ```\n> # Disable-ADAccount anna\n> ```",
        "```\n# Disable-ADAccount anna",  # never closed
    ],
)
def test_a_comment_in_a_block_of_code_is_no_heading_and_no_command(code: str) -> None:
    article = parse_markdown("a.md", f"{code}\n")
    assert article.title == "a.md"
    assert "# Disable-ADAccount anna" in article.text
    titled = parse_markdown("a.md", f"Before.\n\n{code}\n\n")
    assert titled.title == "a.md"
    assert parse_markdown("a.md", f"# Lock\n\n{code}\n").title == "Lock (a.md)"


def test_code_stays_letter_by_letter() -> None:
    text = (
        "Lock\n====\n\nRun `[int](5)` on \\\\srv-file01\\home$, see [here](https://x.example/a_b). <!-- no -->\n\n"
        "```xml\n<!-- keep -->\n[a](b)\n```\n\nAnd then\n---\n\n<!-- gone\n\n```\nsecret\n```\n-->after\n"
    )
    article = parse_markdown("a.md", text)
    assert article.title == "Lock (a.md)"
    assert article.text == (
        "Run `[int](5)` on \\\\srv-file01\\home$, see here.\n<!-- keep -->\n[a](b)\nAnd then\nafter"
    )


@pytest.mark.parametrize(
    ("front", "day"),
    [
        ("updated: 2026-03-01", (2026, 3, 1)),
        ("title: VPN\ndate: '2025-01-02T10:00:00Z'\nlast_reviewed: 2026-02-03", (2026, 2, 3)),
        ("last_update:\n  date: 2026/3/1\n  author: jane", (2026, 3, 1)),
        ("lastmod: 2026-03-01T00:00:00+01:00", (2026, 3, 1)),
        ("Last-Modified: 01.03.2026", (2026, 3, 1)),
        ("date: 2999-01-01", None),  # still to come
        ("next_review: 2026-03-01", None),
        ("review: 2026-03-01", None),
        ("expires: 2026-03-01\nend date: 2026-03-01", None),
        ("date: 2026-13-45", None),
        ("date: soon", None),
        ("tags: [vpn]", None),
    ],
)
def test_the_date_is_the_newest_that_the_front_matter_tells(front: str, day: tuple[int, int, int] | None) -> None:
    expected = datetime(*day, tzinfo=UTC) if day else None
    assert parse_markdown("a.md", f"---\n{front}\n---\n# VPN\nx").updated_at == expected
    assert parse_markdown("a.md", f"# VPN\nx\n\n---\n{front}\n---\n").updated_at is None


def test_front_matter_of_hugo_is_none_of_the_text() -> None:
    article = parse_markdown("a.md", "+++\nlastmod = 2026-03-01\ntitle = 'x'\n+++\nOpen it.")
    assert (article.text, article.updated_at) == ("Open it.", datetime(2026, 3, 1, tzinfo=UTC))


def test_the_time_of_a_file_is_no_date(tmp_path: Path) -> None:
    write(tmp_path, "a.md")
    assert [article.updated_at for article in read_folder(tmp_path).articles] == [None]


@contextmanager
def as_nobody() -> Iterator[None]:
    """As a user for whom modes count."""
    was_root = os.geteuid() == 0
    if was_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if was_root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_listed_is_told_and_what_is_below_it_stays() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        write(folder, "a.md")
        write(folder, "closed/deep/b.md")
        (folder / "closed").chmod(0o000)
        with as_nobody():
            read = read_folder(folder)
        (folder / "closed").chmod(0o755)
    assert [article.id for article in read.articles] == ["file:a.md"]
    assert read.unread == {"file:closed/"}
    assert read.problems == ["closed/: can't be listed (PermissionError)"]


def test_where_the_folder_itself_cannot_be_listed_all_stays(tmp_path: Path) -> None:
    write(tmp_path, "acme", "no folder")
    read = read_folder(tmp_path / "acme")
    assert read.unread == {"file:"}
    assert read.problems == [".: can't be listed (NotADirectoryError)"]


@pytest.mark.parametrize(
    "piece", ["> ", "- ", "[", "`", "<!--", "# ", "\n\t", "1. ", "![](", "~~~\n", "|", "\\", "* * "]
)
def test_no_file_takes_long(piece: str) -> None:
    began = time.process_time()
    for part in (piece, f"{piece}\n"):
        parse_markdown("a.md", part * (markdown.MAX_FILE_BYTES // 4 // len(part)))
    assert time.process_time() - began < 5
