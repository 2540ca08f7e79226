"""A tenant's folder of Markdown: runbooks and the like that stand in Git and not in the help desk.

Invariant: only regular files below the folder are read, whatever its names and links say, at most `MAX_FILES` of
`MAX_FILE_BYTES` each and `MAX_BYTES` together. What a file holds is text; its path is the article's id. What CommonMark
takes for code stays letter by letter: `# Disable-ADAccount` in it is a comment, and no heading.

A file's date is the newest that its front matter tells. The time of the file itself is none: a fresh checkout, as
git-sync makes one, gives every file the time of the checkout, and a ConfigMap that of the mount.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from markdown_it import MarkdownIt

from app.core.article import Article, file_article_id
from app.core.reading.text import one_line, tidy

MAX_FILES: Final = 1_000
MAX_FILE_BYTES: Final = 256 * 1024
MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 8
MAX_PATH_CHARS: Final = 200
_MAX_TITLE_CHARS: Final = 200
_MOST_PROBLEMS: Final = 10
_MOST_DAYS: Final = 31

_NEW_LINE = re.compile(r"\r\n?")
_FRONT_MATTER = re.compile(r"\A(?P<mark>---|\+\+\+)[ \t]*\n(?P<keys>.{0,20000}?)\n(?P=mark)[ \t]*(?:\n|\Z)", re.DOTALL)
# As Hugo, Docusaurus, Jekyll, MkDocs and people who review runbooks call it.
_DATED = re.compile(
    r"^[ \t]*[\"']?(?:(?:last[-_ ]?)?(?:updated?|modified|mod|reviewed|changed|edited)(?:[-_ ]?(?:at|on|date))?"
    r"|last[-_ ]?review(?:[-_ ]?(?:on|date))?|date)"
    r"[\"']?[ \t]*[:=][ \t]*[\"']?(?P<day>\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}\.\d{1,2}\.\d{4})(?!\d)",
    re.IGNORECASE | re.MULTILINE,
)
_DAY = timedelta(days=1)
_LINK = re.compile(r"!?\[(?P<words>[^\[\]\n]{0,300})\]\([^()\s]{0,2000}(?:[ \t]+\"[^\"\n]{0,300}\")?\)")
_CODE_SPAN = re.compile(r"(?<!`)(?P<ticks>`{1,9})(?!`)[^`]{1,2000}(?P=ticks)(?!`)")


def _block_parser() -> MarkdownIt:
    """Of blocks alone: a whole parser would change words, such as the begin of a path with two backslashes."""
    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["block"])
    parser.disable("reference")
    return parser


_BLOCKS: Final = _block_parser()


@dataclass(slots=True)
class Folder:
    """What was read of a folder."""

    articles: list[Article] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    """What the ids of articles begin with whose files or folders could not be read now: what was read of them stays."""
    problems: list[str] = field(default_factory=list)
    """The first ones, each with its file."""

    def tell(self, path: str, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{path}: {problem}")


def read_folder(folder: Path) -> Folder:
    """All articles of *folder*, by path. A folder that is not there has none."""
    read, room = Folder(), MAX_BYTES
    root = Path(os.path.realpath(folder))

    def name_of(path: Path) -> str:
        return one_line(path.relative_to(root).as_posix(), max_chars=MAX_PATH_CHARS)

    def keep(error: OSError) -> None:
        """What is indexed of a folder that can't be listed stays, unless there is none."""
        below = Path(error.filename)
        if below != root or not isinstance(error, FileNotFoundError):
            name = "" if below == root else f"{name_of(below)}/"
            read.unread.add(file_article_id(name))
            read.tell(name or ".", f"can't be listed ({type(error).__name__})")

    for number, path in enumerate(_files_below(root, keep)):
        name = name_of(path)
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


def _files_below(root: Path, on_error: Callable[[OSError], None]) -> Iterator[Path]:
    """The Markdown files, in the order of their paths; links to folders and hidden ones are left out.

    *on_error* is told of each folder that can't be listed.
    """
    for at, folders, names in os.walk(root, onerror=on_error):
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
    text = _NEW_LINE.sub("\n", text).replace("\0", "")
    front = _FRONT_MATTER.match(text)
    lines = (text[front.end() :] if front else text).split("\n")
    title, body, at = "", list[str](), 0
    tokens = _BLOCKS.parse("\n".join(lines))
    for number, token in enumerate(tokens):
        if token.type not in {"fence", "code_block", "html_block", "heading_open"} or token.map is None:
            continue
        begin, end = token.map
        body.append(_prose("\n".join(lines[at:begin])))
        at = end
        if token.type == "heading_open":
            words = _prose(tokens[number + 1].content)
            if title or not words.strip():
                body.append(words)
            else:
                title = words
        else:
            body.append(_without_comments(token.content) if token.type == "html_block" else token.content)
    body.append(_prose("\n".join(lines[at:])))
    return Article(
        id=file_article_id(path),
        title=one_line(f"{title} ({path})" if title else path, max_chars=_MAX_TITLE_CHARS),
        text=tidy("\n".join(body)),
        updated_at=_newest_day(front["keys"]) if front else None,
    )


def _prose(text: str) -> str:
    """*text*, which is no code block, without comments and where links lead; code within a line stays."""
    text = _without_comments(text)
    parts, at = list[str](), 0
    for code in _CODE_SPAN.finditer(text):
        parts += [_LINK.sub(_words_of, text[at : code.start()]), code[0]]
        at = code.end()
    return "".join([*parts, _LINK.sub(_words_of, text[at:])])


def _without_comments(text: str) -> str:
    parts, at = list[str](), 0
    while (begin := text.find("<!--", at)) >= 0 and (end := text.find("-->", begin + 4)) >= 0:
        parts.append(text[at:begin])
        at = end + 3
    return "".join([*parts, text[at:]])


def _words_of(link: re.Match[str]) -> str:
    return link["words"]


def _newest_day(front_matter: str) -> datetime | None:
    """The newest day that it names as that of a change or review, UTC; none that is still to come."""
    days = filter(None, (_read_day(found["day"]) for found in _DATED.finditer(front_matter)))
    return max((day for day in days if day <= datetime.now(UTC) + _DAY), default=None)


def _read_day(day: str) -> datetime | None:
    numbers = [int(number) for number in re.split(r"[-/.]", day)]
    year, month, day_of_month = numbers if numbers[0] > _MOST_DAYS else reversed(numbers)
    try:
        return datetime(year, month, day_of_month, tzinfo=UTC)
    except ValueError:
        return None
