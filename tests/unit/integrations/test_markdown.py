"""What is read of a tenant's folder of Markdown, whatever the folder holds."""

from __future__ import annotations

import os
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
