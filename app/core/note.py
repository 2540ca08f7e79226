"""Renders an enhancement as the note that a technician reads: escaped HTML within the tenant's limit of words.

Invariant: whatever the enhancement's texts hold, the HTML has only the tags of `ALLOWED_TAGS`, and links only to the
pages of sources and to the page for votes. It holds its reference, by which the note is found again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from itertools import pairwise
from typing import Final
from uuid import UUID, uuid5

from app.core.enhancement import Enhancement, Notice, Statement, count_words
from app.core.labels import labels
from app.core.source import Gathered, GatherState, Source, SourceKind
from app.core.tenant import NoteOptions, Section
from app.core.text import one_line

ALLOWED_TAGS: Final = frozenset({"div", "p", "b", "em", "small", "ul", "ol", "li", "a"})

_MAX_TITLE_CHARS: Final = 140
_MAX_SITE_CHARS: Final = 40
_MAX_SUBJECT_CHARS: Final = 40
_SIZES: Final = ((45, 5), (30, 5), (18, 4), (10, 3), (0, 3), (0, 1), (0, 0))
"""Words of an excerpt, and sources of each kind. Tried from the first on until the note is within its limit."""

_TAG = re.compile(r"<[^>]*>")


def note_reference(tenant_id: UUID, ticket_id: str, version: str) -> UUID:
    """The id in a note by which it is found again: one for each tenant, ticket and version of the ticket."""
    return uuid5(tenant_id, f"note:{ticket_id}:{version}")


def render_note(
    enhancement: Enhancement, options: NoteOptions, *, reference: UUID, feedback_url: str | None = None
) -> str:
    """The note's HTML. *reference* is in it as 36 characters of plain text, which no help desk removes.

    *feedback_url* is the page on which the reader votes; a tenant's file may turn the link off.
    """
    feedback = feedback_url if options.feedback_link else None
    html = ""
    for excerpt_words, sources_shown in _SIZES:
        html = _Note(enhancement, options, excerpt_words, sources_shown).html(reference, feedback)
        if count_note_words(html) <= options.max_words:
            break
    return html


def count_note_words(html: str) -> int:
    """The words of a rendered note, its headings and footer included."""
    return count_words([unescape(_TAG.sub(" ", html))])


class _Note:
    """One rendering, with one pair of `_SIZES`."""

    def __init__(self, enhancement: Enhancement, options: NoteOptions, excerpt_words: int, sources_shown: int) -> None:
        self._enhancement = enhancement
        self._options = options
        self._labels = labels(options.language)
        self._excerpt_words = excerpt_words
        self._urls = {source.ref: source.url for group in enhancement.gathered for source in group.sources}
        self._sources_shown = sources_shown

    def html(self, reference: UUID, feedback_url: str | None) -> str:
        label = self._labels
        head = f"<p><b>AI Agents</b> · {escape(label['title'])}"
        if not self._enhancement.is_context_only:
            head += f" · {escape(label['confidence'])}: {escape(label['confidence_' + self._enhancement.confidence])}"
        notices = "".join(f"<p><em>{escape(self._notice(notice))}</em></p>" for notice in self._enhancement.notices)
        feedback = ""
        if feedback_url:
            feedback = f"<p>{self._link(label['feedback'], feedback_url)}</p>"
        body = "".join(part for section in self._options.sections for part in self._section(section)) + self._apart()
        foot = f"<p><small>{escape(self._signature())} · ref {reference}</small></p>"
        return f"<div>{head}</p>{notices}{self._requester()}{body}{feedback}{foot}</div>"

    def _requester(self) -> str:
        """One line about the requester; empty if nothing is known."""
        requester, label = self._enhancement.requester, self._labels
        said = [label["vip"]] if requester.is_vip else []
        if requester.site:
            said.append(f"{label['site']} {one_line(requester.site, max_chars=_MAX_SITE_CHARS)}")
        if requester.open_tickets is not None:
            said.append(_counted(label, requester.open_tickets))
        if requester.past_tickets:
            past = (
                f"#{each.number} {one_line(each.subject, max_chars=_MAX_SUBJECT_CHARS)} ({each.outcome})"
                for each in requester.past_tickets
            )
            said.append(f"{label['last_tickets']}: {'; '.join(past)}")
        if requester.on_same_machine:
            numbers = ", ".join(f"#{number}" for number in requester.on_same_machine)
            said.append(f"{label['same_machine']}: {numbers}")
        return f"<p><b>{escape(label['requester'])}</b>: {escape(' · '.join(said))}</p>" if said else ""

    def _notice(self, notice: Notice) -> str:
        return self._labels[f"notice_{notice}"].format(left_out=", ".join(self._enhancement.left_out))

    def _signature(self) -> str:
        model = self._enhancement.model
        if model is None:
            return self._labels["footer_context_only"]
        form = "footer_offline" if model.startswith("offline-") else "footer"
        return self._labels[form].format(model=model)

    def _section(self, section: Section) -> list[str]:
        enhancement = self._enhancement
        if section == "summary":
            return [self._paragraph(enhancement.summary), *([] if self._acts_first else self._why())]
        if section == "next_steps":
            steps = self._statements("next_steps", enhancement.next_steps, tag="ol")
            return [steps, *(self._why() if self._acts_first else [])]
        return [self._sources(group) for group in enhancement.gathered if group.kind == SourceKind(section)]

    @property
    def _acts_first(self) -> bool:
        """Whether the next steps follow the summary: then what they rest on follows them."""
        sections = self._options.sections
        return ("summary", "next_steps") in pairwise(sections)

    def _why(self) -> list[str]:
        return [
            self._statements("facts", self._enhancement.facts, tag="ul"),
            self._statements("hypotheses", self._enhancement.hypotheses, tag="ul"),
        ]

    def _apart(self) -> str:
        """What no source says, last: sentences that almost are in the records, and the number of the others."""
        enhancement, label = self._enhancement, self._labels
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in enhancement.apart)
        html = f"<p><b>{escape(label['apart'])}</b></p><ul>{items}</ul>" if items else ""
        if number := enhancement.unsupported:
            said = label["unsupported_one"] if number == 1 else label["unsupported"].format(number=number)
            html += f"<p><small>{escape(said)}</small></p>"
        return html

    def _paragraph(self, text: str) -> str:
        return f"<p>{escape(text)}</p>" if text else ""

    def _statements(self, label: str, statements: Sequence[Statement], *, tag: str) -> str:
        if not statements:
            return ""
        items = "".join(f"<li>{escape(statement.text)}{self._citations(statement)}</li>" for statement in statements)
        return f"<p><b>{escape(self._labels[label])}</b></p><{tag}>{items}</{tag}>"

    def _citations(self, statement: Statement) -> str:
        return "".join(f" {self._link(f'[{ref}]', self._urls.get(ref, ''))}" for ref in statement.citations)

    def _sources(self, group: Gathered) -> str:
        title = f"<p><b>{escape(self._labels[group.kind])}</b>"
        if group.state is GatherState.UNAVAILABLE:
            reason = f" ({escape(group.reason)})" if group.reason else ""
            return f"{title}: <em>{escape(self._labels['unavailable'])}</em>{reason}</p>"
        if group.state is GatherState.EMPTY:
            return f"{title}: {escape(self._labels['no_good_match'])}</p>"
        return title + "</p><ul>" + "".join(map(self._source, group.sources[: self._sources_shown])) + "</ul>"

    def _source(self, source: Source) -> str:
        title = escape(one_line(source.title, max_chars=_MAX_TITLE_CHARS))
        words = source.text.split()
        excerpt = " ".join(words[: self._excerpt_words]) + ("…" if len(words) > self._excerpt_words else "")
        text = f": {escape(excerpt)}" if self._excerpt_words and words else ""
        return f"<li>{self._link(f'[{source.ref}]', source.url)} {title}{text}</li>"

    @staticmethod
    def _link(text: str, url: str) -> str:
        if not url.lower().startswith(("http://", "https://")):
            return escape(text)
        return f'<a href="{escape(url)}">{escape(text)}</a>'


def _counted(label: dict[str, str], number: int) -> str:
    key = {0: "no_open_ticket", 1: "one_open_ticket"}.get(number, "open_tickets")
    return label[key].format(number=number)
