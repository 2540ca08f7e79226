"""Renders an enhancement as the note that a technician reads: escaped HTML within the tenant's limit of words.

Invariant: whatever the enhancement's texts hold, the HTML has only the tags of `ALLOWED_TAGS`, and links only to the
pages of sources, to those of a storm's tickets and to the page for votes. It holds its reference, by which the note is
found again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape, unescape
from itertools import accumulate, chain, pairwise
from types import MappingProxyType
from typing import Final
from uuid import UUID, uuid5

from app.core.check.bans import Bans
from app.core.check.told import Told
from app.core.enhancement import Closing, Confidence, Enhancement, Notice, Statement, count_words
from app.core.labels import labels
from app.core.reading.text import one_line
from app.core.requester import Requester
from app.core.source import Closeness, Gathered, GatherState, Source, SourceKind
from app.core.storm import MAX_SHOWN, StormTicket
from app.core.tenant import NoteOptions, Section

ALLOWED_TAGS: Final = frozenset({"div", "p", "b", "em", "small", "ul", "ol", "li", "a"})

_MAX_TITLE_CHARS: Final = 80
_MAX_TITLE_WORDS: Final = 12
_MAX_OUTCOME_CHARS: Final = 30
_MAX_SITE_CHARS: Final = 40
_MAX_SUBJECT_CHARS: Final = 40
_MAX_REASONS: Final = 2
_MAX_VALUE_CHARS: Final = 40
_MAX_NUMBER_CHARS: Final = 30
_MAX_OF_STORM: Final = 50
"""Tickets that the note of a storm names."""


@dataclass(frozen=True, slots=True)
class _Room:
    """What the sources and the line about the requester get of a note's words."""

    excerpt_words: int
    sources: int
    """Of each kind, beside those that the note cites; without excerpts of all kinds together, the nearest ones."""
    has_past_tickets: bool = True
    has_cited: bool = True
    """Whether those are shown that the note cites."""
    of_related: bool = True
    """Whether those are shown beside them that are not taken for the same problem."""
    of_cited: bool = False
    """Whether those that the note cites have an excerpt too, where its texts don't say it."""


# Tried from the first on, until the note is within its limit.
_ROOMS: Final = (
    *(
        _Room(15, 3, of_cited=True),
        _Room(15, 3),
        _Room(15, 2),
        _Room(15, 2, False),
        _Room(15, 1, False),
        _Room(15, 1, False, of_related=False),
    ),
    _Room(10, 1, False),
    _Room(10, 1, False, of_related=False),
    *(_Room(0, number, False) for number in range(4, -1, -1)),
)
_ROOMS_WITHOUT_STEPS: Final = (
    *(_Room(40, 3, of_cited=True), _Room(25, 3, of_cited=True), _Room(25, 2, False, of_cited=True)),
    *_ROOMS,
)
_BARE: Final = _Room(0, 0, False, has_cited=False)
_ROOMS_OF_CONTEXT: Final = (
    *(_Room(40, 3), _Room(25, 3), _Room(15, 3), _Room(15, 2), _Room(25, 1, False), _Room(15, 1, False)),
    *(_Room(0, number, False) for number in (9, 6, 3, 2, 1, 0)),
)
_MIN_CUT_WORDS: Final = 10
"""A sentence that is cut earlier says too little."""
# Not behind the number of a step: "1. Log in."
_PIECE_END = re.compile(r"(?<=[^\s.][^\s.][.!?;])\s+|\n+")
_TAG = re.compile(r"<[^>]*>")
# A ticket's number, with its category in place of a subject that may not be shown.
_NO_SUBJECT = re.compile(r"#\S+(?: \([^()]*\))?")


def note_reference(tenant_id: UUID, ticket_id: str, version: str) -> UUID:
    """The id in a note by which it is found again: one for each tenant, ticket and version of the ticket."""
    return uuid5(tenant_id, f"note:{ticket_id}:{version}")


def storm_reference(tenant_id: UUID, ticket_id: str) -> UUID:
    """The id in the note of the storm whose first ticket this is."""
    return uuid5(tenant_id, f"storm:{ticket_id}")


def render_storm_note(tickets: Sequence[StormTicket], *, minutes: int, language: str, reference: UUID) -> str:
    """The HTML of the note on a storm's first ticket. It names all *tickets*, the first of them included."""
    label = labels(language)
    said = label["storm_all"].format(
        number=len(tickets), minutes=minutes, tickets=_listed(tickets, label, most=_MAX_OF_STORM)
    )
    head = f"<p><b>AI Agents</b> · {escape(label['storm_title'])}</p>"
    foot = f"<p><small>{escape(label['footer_context_only'])} · ref {reference}</small></p>"
    return f"<div>{head}<p>{said}</p>{foot}</div>"


def render_note(
    enhancement: Enhancement, options: NoteOptions, *, reference: UUID, feedback_url: str | None = None
) -> str:
    """The note's HTML. *reference* is in it as 36 characters of plain text, which no help desk removes.

    *feedback_url* is the page on which the reader votes; a tenant's file may turn the link off.
    """
    feedback = feedback_url if options.feedback_link else None
    if enhancement.closing is not None:
        return _closing_note(enhancement, enhancement.closing, options, reference)
    if enhancement.is_of_storm_alone:
        return _Note(enhancement, options, []).of_storm_alone(reference)
    whole, repeated = _told_once(enhancement)
    rooms = _ROOMS if whole.next_steps else _ROOMS_WITHOUT_STEPS
    rooms = _ROOMS_OF_CONTEXT if enhancement.is_context_only else rooms
    sources = [source for group in enhancement.gathered for source in group.sources]
    overruled = dict(Bans.of(enhancement.gathered).overruled(sources))
    html = ""
    told = {
        *repeated,
        *(ref for each in (*whole.next_steps, *whole.facts, *whole.hypotheses) for ref in each.citations),
    }
    if not any(source.closeness is Closeness.SAME and source.ref not in told for source in sources):
        rooms = tuple(room for room in rooms if room.of_related)
    note = _Note(whole, options, repeated, overruled)
    lessened = (
        (_Note(part, options, repeated, overruled), room) for part, room in _lessened(whole, rooms[-1], options)
    )
    for each, room in chain(((note, room) for room in rooms), lessened):
        html = each.html(room, reference, feedback)
        if count_note_words(html) <= options.max_words:
            break
    return html


def _told_once(enhancement: Enhancement) -> tuple[Enhancement, list[str]]:
    """*enhancement* without what repeats its summary (but steps), a step or one another.

    And the refs that its summary cites, and those of what repeats it: it is shown with them.
    """
    summary, told = Told([enhancement.summary]), Told()
    refs: dict[str, None] = dict.fromkeys(enhancement.summary_citations)

    def new(statements: Sequence[Statement], *, is_step: bool = False) -> Iterator[Statement]:
        for statement in statements:
            if not is_step and summary.has(statement.text):
                refs.update(dict.fromkeys(statement.citations))
            elif not told.has(statement.text):
                told.add(statement.text)
                yield statement

    less = {
        "next_steps": tuple(new(enhancement.next_steps, is_step=True)),
        "facts": tuple(new(enhancement.facts)),
        "hypotheses": tuple(new(enhancement.hypotheses)),
    }
    return enhancement.model_copy(update=less), list(refs)


def _lessened(enhancement: Enhancement, room: _Room, options: NoteOptions) -> Iterator[tuple[Enhancement, _Room]]:
    """*enhancement* with less and less of its texts: what helps least goes first, the summary's end last.

    Before the steps are fewer, the sources go: the steps link to them.
    """
    for name in ("apart", "hypotheses", "suggestions", "facts", "requester", "questions", "next_steps"):
        if name == "requester":
            enhancement = enhancement.model_copy(update={name: Requester(is_vip=enhancement.requester.is_vip)})
            yield enhancement, room
            room = _BARE
            yield enhancement, room
            continue
        while items := getattr(enhancement, name):
            enhancement = enhancement.model_copy(update={name: items[:-1]})
            yield enhancement, room
    for number in _fewer_words(enhancement.summary, options):
        yield enhancement.model_copy(update={"summary": _first_words(enhancement.summary, number)}), room


def _fewer_words(text: str, options: NoteOptions) -> Sequence[int]:
    """The numbers of words to which *text* may be cut, the most first: none is more than a whole note may have."""
    return range(min(count_words([text]) - 1, options.max_words), 0, -1)


def _closing_note(enhancement: Enhancement, closing: Closing, options: NoteOptions, reference: UUID) -> str:
    html = ""
    for part in _lessened_closing(enhancement, closing, options):
        html = _Note(part, options, []).of_closing(closing, reference)
        if count_note_words(html) <= options.max_words:
            break
    return html


def _lessened_closing(enhancement: Enhancement, closing: Closing, options: NoteOptions) -> Iterator[Enhancement]:
    """*enhancement*, a draft, with less and less: similar articles, the article's draft, then what solved it last."""
    yield enhancement
    articles = [
        source for group in enhancement.gathered if group.kind is SourceKind.ARTICLE for source in group.sources
    ]

    def listing(number: int) -> Enhancement:
        found = Gathered(kind=SourceKind.ARTICLE, state=GatherState.OK, sources=tuple(articles[:number]))
        return enhancement.model_copy(update={"gathered": (found,)})

    least = 1 if closing.is_covered and articles else 0  # of an article that covers it no draft tells
    for number in reversed(range(least, len(articles))):
        enhancement = listing(number)
        yield enhancement
    for name, empty in (("facts", ()), ("summary", "")):
        enhancement = enhancement.model_copy(update={name: empty})
        yield enhancement
    while len(enhancement.next_steps) > 1:
        enhancement = enhancement.model_copy(update={"next_steps": enhancement.next_steps[:-1]})
        yield enhancement
    for first in enhancement.next_steps:
        for number in _fewer_words(first.text, options):
            shorter = first.model_copy(update={"text": _first_words(first.text, number)})
            yield enhancement.model_copy(update={"next_steps": (shorter,)})


def count_note_words(html: str) -> int:
    """The words of a rendered note, its headings and footer included."""
    return count_words([unescape(_TAG.sub(" ", html))])


class _Note:
    """What one note says. What a room does not change is composed once for all that are tried."""

    def __init__(
        self,
        enhancement: Enhancement,
        options: NoteOptions,
        cited: Sequence[str],
        overruled: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._enhancement = enhancement
        self._options = options
        self._labels = labels(options.language)
        self._overruled = overruled
        self._sources_by_ref = {source.ref: source for group in enhancement.gathered for source in group.sources}
        self._has_nothing = Notice.NOTHING_FOUND in enhancement.notices
        statements = (*enhancement.next_steps, *enhancement.facts, *enhancement.hypotheses)
        self._cited_by_summary = cited
        self._cited = {*cited, *(ref for statement in statements for ref in statement.citations)}
        self._told = Told([enhancement.summary, *(statement.text for statement in statements)])
        self._lines: dict[tuple[int, int], str] = {}
        """Of sources, by the identity of one and the words that its excerpt may have."""

    def _nearest(self, room: _Room) -> set[str]:
        """The refs of those that are shown where there is no room for excerpts, the fittest of any kind.

        The name of an asset that the ticket does not name says nothing.
        """
        others = [
            (source.closeness is not Closeness.SAME, -source.score, source.ref)
            for group in self._enhancement.gathered
            for source in group.sources
            if source.ref not in self._cited
            and (group.kind is not SourceKind.ASSET or source.score >= 1 or self._enhancement.is_context_only)
        ]
        return {ref for *_, ref in sorted(others, key=lambda each: each[:2])[: room.sources]}

    def html(self, room: _Room, reference: UUID, feedback_url: str | None) -> str:
        feedback = ""
        if feedback_url:
            feedback = f"<p>{_linked(self._labels['feedback'], feedback_url)}</p>"
        body = "".join(self._section(section, room) for section in self._options.sections)
        foot = f"<p><small>{escape(self._signature())} · ref {reference}</small></p>"
        return f"<div>{self._head}{body}{self._end}{self._requester(room)}{feedback}{foot}</div>"

    @cached_property
    def _head(self) -> str:
        label = self._labels
        head = f"<p><b>AI Agents</b> · {escape(label['title'])}"
        if not self._enhancement.is_context_only:
            head += f" · {escape(label['confidence'])}: {escape(self._confidence())}"
        notices = "".join(f"<p><em>{escape(self._notice(notice))}</em></p>" for notice in self._enhancement.notices)
        return f"{head}</p>{notices}{self._storm()}"

    @cached_property
    def _end(self) -> str:
        """What follows the tenant's sections."""
        return self._suggested() + self._nothing_found() + self._apart()

    def _confidence(self) -> str:
        """The level, and what it rests on: "high (same host, same error text)"."""
        enhancement, label = self._enhancement, self._labels
        reasons = ", ".join(label[f"reason_{reason}"] for reason in enhancement.reasons[:_MAX_REASONS])
        return label[f"confidence_{enhancement.confidence}"] + (f" ({reasons})" if reasons else "")

    def of_storm_alone(self, reference: UUID) -> str:
        """The note of a ticket that is one more report of many."""
        label, storm = self._labels, self._enhancement.storm
        assert storm is not None, "its enhancement is of a storm"  # noqa: S101
        collected = label["storm_collected"].format(first=_numbered(storm.first))
        foot = f"<p><small>{escape(label['footer_context_only'])} · ref {reference}</small></p>"
        head = f"<p><b>AI Agents</b> · {escape(label['storm_title'])}</p>"
        return f"<div>{head}{self._storm()}<p>{collected}</p>{foot}</div>"

    def of_closing(self, closing: Closing, reference: UUID) -> str:
        """The note of a resolved ticket: how it was solved, similar articles, and an article where none covers it."""
        enhancement, label = self._enhancement, self._labels
        articles = [
            source for group in enhancement.gathered if group.kind is SourceKind.ARTICLE for source in group.sources
        ]
        lines = "".join(f"<li>{escape(step.text)}</li>" for step in enhancement.next_steps)
        body = f"<p><b>{escape(label['closing_resolution'])}</b></p><ol>{lines}</ol>"
        if articles:
            heading = label["closing_covered" if closing.is_covered else "closing_similar"]
            titles = (_linked(one_line(each.title, max_chars=_MAX_TITLE_CHARS), each.url) for each in articles)
            listed = "".join(f"<li>{title}</li>" for title in titles)
            body += f"<p><b>{escape(heading)}</b></p><ul>{listed}</ul>"
        told = [
            (label["closing_symptom"], enhancement.summary),
            (label["closing_cause"], " ".join(fact.text for fact in enhancement.facts)),
        ]
        # Of the solution alone, which stands above, no article is made.
        if not closing.is_covered and any(text for _, text in told):
            parts = [*told, (label["closing_solution"], label["closing_above"])]
            items = "".join(f"<li>{escape(name)}: {escape(text)}</li>" for name, text in parts if text)
            body += f"<p><b>{escape(label['closing_article'])}</b></p><ul>{items}</ul>"
        foot = f"<p><small>{escape(self._signature())} · ref {reference}</small></p>"
        return f"<div><p><b>AI Agents</b> · {escape(label['closing_title'])}</p>{body}{foot}</div>"

    def _storm(self) -> str:
        """One line about others who reported the same; empty if there are none."""
        label, storm = self._labels, self._enhancement.storm
        if storm is None:
            return ""
        said = label["storm"].format(
            others=len(storm.others), minutes=storm.minutes, tickets=_listed(storm.others, label, most=MAX_SHOWN)
        )
        shared = "".join(f", {escape(label[f'storm_{share}'])}" for share in storm.shares)
        return f"<p><b>{said}{shared}</b></p>"

    def _suggested(self) -> str:
        """One line about the ticket's fields, which are no customer's business; empty if nothing is suggested."""
        if self._options.show_to_requester:
            return ""
        label = self._labels
        said = [
            label["suggestion"].format(
                field=label[f"field_{each.field}"],
                value=one_line(each.value, max_chars=_MAX_VALUE_CHARS),
                number=each.number,
                of=each.of,
            )
            for each in self._enhancement.suggestions
        ]
        return f"<p><small>{escape(label['suggested'])}: {escape(' · '.join(said))}</small></p>" if said else ""

    def _requester(self, room: _Room) -> str:
        """One line about the requester; empty if nothing is known."""
        requester, label = self._enhancement.requester, self._labels
        said = [label["vip"]] if requester.is_vip else []
        if requester.site:
            said.append(f"{label['site']} {one_line(requester.site, max_chars=_MAX_SITE_CHARS)}")
        if requester.open_tickets:
            said.append(_counted(label, requester.open_tickets))
        if room.has_past_tickets and (past := "; ".join(self._past_tickets())):
            said.append(f"{label['last_tickets']}: {past}")
        if requester.on_same_machine:
            numbers = ", ".join(f"#{number}" for number in requester.on_same_machine)
            said.append(f"{label['same_machine']}: {numbers}")
        return f"<p><b>{escape(label['requester'])}</b>: {escape(' · '.join(said))}</p>" if said else ""

    def _past_tickets(self) -> Iterator[str]:
        """Those with a subject, without which their numbers say nothing, that are not shown as similar."""
        titles = [source.title for group in self._enhancement.gathered for source in group.sources]
        for each in self._enhancement.requester.past_tickets:
            if each.subject and not any(title.split()[:1] == [f"#{each.number}"] for title in titles):
                yield f"#{each.number} {one_line(each.subject, max_chars=_MAX_SUBJECT_CHARS)} ({each.outcome})"

    def _notice(self, notice: Notice) -> str:
        asked = [group.kind for group in self._enhancement.gathered if group.state is not GatherState.UNAVAILABLE]
        return self._labels[f"notice_{notice}"].format(
            left_out=", ".join(self._enhancement.left_out),
            searched=", ".join(self._labels[f"searched_{kind}"] for kind in asked),
        )

    def _signature(self) -> str:
        model = self._enhancement.model
        if model is None:
            return self._labels["footer_context_only"]
        form = "footer_offline" if model.startswith("offline-") else "footer"
        return self._labels[form].format(model=model)

    def _section(self, section: Section, room: _Room) -> str:
        if section == "summary":
            return self._answer
        if section == "next_steps":
            return self._steps
        return "".join(
            self._sources(group, room)
            for group in self._enhancement.gathered
            if group.kind.value == section and not (self._has_nothing and group.state is not GatherState.UNAVAILABLE)
        )

    @cached_property
    def _answer(self) -> str:
        return self._summary() + ("" if self._acts_first else self._why())

    @cached_property
    def _steps(self) -> str:
        steps = self._statements("next_steps", self._enhancement.next_steps, tag="ol")
        return steps + self._questions() + (self._why() if self._acts_first else "")

    @property
    def _acts_first(self) -> bool:
        """Whether the next steps follow the summary: then what they rest on follows them."""
        sections = self._options.sections
        return ("summary", "next_steps") in pairwise(sections)

    def _why(self) -> str:
        facts = self._statements("facts", self._enhancement.facts, tag="ul")
        return facts + self._statements("hypotheses", self._enhancement.hypotheses, tag="ul")

    def _questions(self) -> str:
        asked = "".join(f"<li>{escape(self._labels[f'ask_{each}'])}</li>" for each in self._enhancement.questions)
        return f"<p><b>{escape(self._labels['questions'])}</b></p><ul>{asked}</ul>" if asked else ""

    def _apart(self) -> str:
        """What no source says, last: sentences that almost are in the records, and the number of the others."""
        enhancement, label = self._enhancement, self._labels
        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in enhancement.apart)
        html = f"<p><b>{escape(label['apart'])}</b></p><ul>{items}</ul>" if items else ""
        if number := enhancement.unsupported:
            said = label["unsupported_one"] if number == 1 else label["unsupported"].format(number=number)
            html += f"<p><small>{escape(said)}</small></p>"
        return html

    def _summary(self) -> str:
        """The line that answers. What other tickets alone say is told as of them, for it may not be so here."""
        text, cited = self._enhancement.summary, self._cited_by_summary
        if not text:
            return ""
        sources = [self._sources_by_ref[ref] for ref in cited if ref in self._sources_by_ref]
        if sources and all(source.kind is SourceKind.TICKET for source in sources) and "#" not in text:
            is_unsure = self._enhancement.confidence is Confidence.LOW
            form = self._labels["perhaps_as_in" if is_unsure else "as_in"]
            text = form.format(ticket=sources[0].number, said=text)
        return f"<p>{escape(text)}{self._citations(cited)}</p>"

    def _statements(self, label: str, statements: Sequence[Statement], *, tag: str) -> str:
        if not statements:
            return ""
        items = "".join(
            f"<li>{escape(statement.text)}{self._citations(statement.citations)}</li>" for statement in statements
        )
        return f"<p><b>{escape(self._labels[label])}</b></p><{tag}>{items}</{tag}>"

    def _citations(self, refs: Sequence[str]) -> str:
        known = self._sources_by_ref
        return "".join(f" {_linked(f'[{ref}]', known[ref].url if ref in known else '')}" for ref in refs)

    def _sources(self, group: Gathered, room: _Room) -> str:
        title = f"<p><b>{escape(self._labels[group.kind])}</b>"
        if group.state is GatherState.UNAVAILABLE:
            reason = f" ({escape(group.reason)})" if group.reason else ""
            return f"{title}: <em>{escape(self._labels['unavailable'])}</em>{reason}</p>"
        # What is cited comes first: it is linked above by its ref alone.
        cited = [source for source in group.sources if room.has_cited and source.ref in self._cited]
        others = [source for source in group.sources if source.ref not in self._cited]
        if not room.of_related:
            others = [source for source in others if source.closeness is Closeness.SAME]
        if room.excerpt_words:
            others = others[: room.sources]
        else:
            nearest = self._nearest(room)
            others = [source for source in others if source.ref in nearest]
        lines = [self._line(source, room.excerpt_words if room.of_cited else 0) for source in cited]
        lines += [line for source in others if (line := self._line(source, room.excerpt_words))]
        return f"{title}</p><ul>{''.join(lines)}</ul>" if lines else ""

    def _nothing_found(self) -> str:
        """One line that names the kinds of which nothing fits."""
        shown = [SourceKind(name) for name in self._options.sections if name in set(SourceKind)]
        if self._has_nothing:  # then its notice names them
            return ""
        states = {group.kind: group.state for group in self._enhancement.gathered}
        kinds = [self._labels[f"searched_{kind}"] for kind in shown if states.get(kind) is GatherState.EMPTY]
        return (
            f"<p><small>{escape(self._labels['no_good_match'])}: {escape(', '.join(kinds))}</small></p>"
            if kinds
            else ""
        )

    def _line(self, source: Source, excerpt_words: int) -> str:
        """One line: its head, and of one not told above, its first words.

        These not where a newer source tells not to do what this one did. Empty for a ticket that is not cited and of
        which nothing but its number may be said.
        """
        key = id(source), excerpt_words
        if key not in self._lines:
            # What a machine's title says, "srv-file01: up", its text begins with: "Now: up; …".
            text = source.text.removeprefix(f"Now: {source.title.rpartition(': ')[2]}").lstrip("; ")
            excerpt = "" if source.ref in self._overruled else _excerpt(text, excerpt_words)
            said = f": {escape(excerpt)}" if excerpt and not self._told.covers(excerpt) else ""
            is_told = source.ref in self._cited or source.ref in self._overruled
            is_empty = not said and not is_told and _NO_SUBJECT.fullmatch(source.title)
            self._lines[key] = "" if is_empty else f"<li>{self._line_head(source)}{said}</li>"
        return self._lines[key]

    def _line_head(self, source: Source) -> str:
        """Ref, title, how near it is, what became of it and when.

        That it may be related is not said of what a note of high confidence rests on.
        """
        title = escape(_first_words(one_line(source.title, max_chars=_MAX_TITLE_CHARS), _MAX_TITLE_WORDS))
        day = source.resolved_on.isoformat() if source.resolved_on else ""
        ended = f"{one_line(source.outcome, max_chars=_MAX_OUTCOME_CHARS)} {day}".strip()
        is_relied_on = source.ref in self._cited and self._enhancement.confidence is Confidence.HIGH
        is_told = source.closeness is Closeness.SAME or (source.closeness and not is_relied_on)
        close = self._labels[f"closeness_{source.closeness}"] if is_told else ""
        updated = self._labels["updated"].format(day=source.updated_on.isoformat()) if source.updated_on else ""
        newer = self._overruled.get(source.ref)
        overruled = self._labels["overruled"].format(ref=newer) if newer else ""
        about = ", ".join(filter(None, (close, ended, updated, overruled)))
        return f"{_linked(f'[{source.ref}]', source.url)} {title}" + (f" ({escape(about)})" if about else "")


def _linked(text: str, url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        return escape(text)
    return f'<a href="{escape(url)}">{escape(text)}</a>'


def _numbered(ticket: StormTicket) -> str:
    return _linked(f"#{one_line(ticket.number, max_chars=_MAX_NUMBER_CHARS)}", ticket.url)


def _listed(tickets: Sequence[StormTicket], label: dict[str, str], *, most: int) -> str:
    """The numbers of *tickets*, as HTML."""
    listed = ", ".join(map(_numbered, tickets[:most]))
    rest = len(tickets) - most
    return listed + (f" {escape(label['storm_more'].format(number=rest))}" if rest > 0 else "")


_TELLING_WORDS: Final = 3


def _excerpt(text: str, most: int) -> str:
    """The first sentences, or fields of an asset, that have *most* words together; of a long first one its begin.

    Sentences of a word or two that begin it are left out: "Remoted on."
    """
    pieces = _PIECE_END.split(text.strip())
    while len(pieces) > 1 and len(pieces[0].split()) < _TELLING_WORDS and pieces[0].endswith("."):
        del pieces[0]
    text = " ".join(pieces)
    counts = list(accumulate(len(piece.split()) for piece in pieces))
    whole = sum(count <= most for count in counts)
    if whole:
        return " ".join(pieces[:whole]).rstrip(";")
    return _first_words(text, most) if most >= _MIN_CUT_WORDS else ""


def _first_words(text: str, number: int) -> str:
    words = text.split()
    return " ".join(words[:number]) + ("…" if len(words) > number else "")


def _counted(label: dict[str, str], number: int) -> str:
    return label["one_open_ticket" if number == 1 else "open_tickets"].format(number=number)
