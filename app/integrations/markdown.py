"""A tenant's folder of Markdown: runbooks and the like that stand in Git and not in the help desk.

Invariant: only regular files below the folder are read, whatever its names and links say, at most `MAX_FILES` of
`MAX_FILE_BYTES` each and `MAX_BYTES` together. What a file holds is text; its path is the article's id.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.core.article import Article, file_article_id
from app.core.reading.text import one_line, tidy

MAX_FILES: Final = 1_000
MAX_FILE_BYTES: Final = 256 * 1024
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 8
MAX_PATH_CHARS: Final = 200
_MAX_TITLE_CHARS: Final = 200
_MOST_PROBLEMS: Final = 10

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n.{0,20000}?\n---[ \t]*\n", re.DOTALL)
_COMMENT = re.compile(r"<!--.{0,20000}?-->", re.DOTALL)
_FENCE = re.compile(r"^[ \t]{0,3}(?:`{3,}|~{3,}).{0,100}$", re.MULTILINE)
_HEADING = re.compile(r"^[ \t]{0,3}#{1,6}[ \t]+(?P<words>.{1,300}?)[ \t]*#*$", re.MULTILINE)
_LINK = re.compile(r"!?\[(?P<words>[^\[\]\n]{0,300})\]\([^()\s]{0,2000}(?:[ \t]+\"[^\"\n]{0,300}\")?\)")


@dataclass(slots=True)
class Folder:
    """What was read of a folder."""

    articles: list[Article] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """Ids of articles whose files could not be read now: what was read of them before stays."""
    problems: list[str] = field(default_factory=list)
    """The first ones, each with its file."""

    def tell(self, path: str, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{path}: {problem}")


def read_folder(folder: Path) -> Folder:
    """All articles of *folder*, by path. A folder that is not there has none."""
    read, room = Folder(), MAX_BYTES
    root = Path(os.path.realpath(folder))
    for number, path in enumerate(_files_below(root)):
        name = one_line(path.relative_to(root).as_posix(), max_chars=MAX_PATH_CHARS)
        if number >= MAX_FILES:
            read.tell(name, f"is left out, as are the files after it: {MAX_FILES} are read at most")
            break
        try:
            content = _content_of(path, root)
        except OSError as error:
            read.unread.add(file_article_id(name))
            read.tell(name, f"can't be read ({type(error).__name__})")
            continue
        if content is None or len(content) > MAX_FILE_BYTES:
            read.tell(name, "leads out of the folder" if content is None else f"has more than {MAX_FILE_BYTES} bytes")
            continue
        room -= len(content)
        if room < 0:
            read.tell(name, f"is left out, as are the files after it: {MAX_BYTES} bytes are read at most")
            break
        try:
            read.articles.append(parse_markdown(name, content.decode("utf-8-sig")))
        except UnicodeDecodeError:
            read.tell(name, "is not UTF-8")
    return read


def _files_below(root: Path) -> Iterator[Path]:
    """The Markdown files, in the order of their paths; links to folders and hidden ones are left out."""
    for at, folders, names in os.walk(root):
        depth = len(Path(at).relative_to(root).parts)
        folders[:] = sorted(name for name in folders if _is_plain(name)) if depth < MAX_DEPTH else []
        for name in sorted(names):
            path = Path(at, name)
            is_short = len(path.relative_to(root).as_posix()) <= MAX_PATH_CHARS
            if _is_plain(name) and is_short and path.suffix.lower() in {".md", ".markdown"}:
                yield path


def _is_plain(name: str) -> bool:
    return name.isprintable() and not name.startswith(".")


def _content_of(path: Path, root: Path) -> bytes | None:
    """One byte more than may be read at most; None: it is no regular file below *root*, or leads elsewhere."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(root) or not real.is_file():
        return None
    # So that nothing that takes its place meanwhile is followed or waited for.
    with os.fdopen(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


def parse_markdown(path: str, text: str) -> Article:
    """The article in a file: its first heading, else its path, is the title. Marks that say nothing go; code stays."""
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", text.replace("\r\n", "\n")))
    heading = _HEADING.search(text)
    words = _LINK.sub(lambda found: found["words"], heading["words"]) if heading else ""
    title = one_line(f"{words} ({path})" if words.strip() else path, max_chars=_MAX_TITLE_CHARS)
    body = text[: heading.start()] + text[heading.end() :] if heading else text
    body = _LINK.sub(lambda found: found["words"], _HEADING.sub(lambda found: found["words"], _FENCE.sub("", body)))
    return Article(id=file_article_id(path), title=title, text=tidy(body))
