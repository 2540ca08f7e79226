from __future__ import annotations

import re
from datetime import date
from html import escape
from typing import Any
from uuid import UUID, uuid4

import nh3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.enhancement import Closing, Confidence, Enhancement, Notice, Statement
from app.core.labels import labels
from app.core.note import ALLOWED_TAGS, count_note_words, note_reference, render_note
from app.core.requester import PastTicket, Requester
from app.core.source import Closeness, Gathered, GatherState, SourceKind
from app.core.tenant import NoteOptions
from tests.builders import a_draft, a_source, gathered

REFERENCE = UUID("6f9619ff-8b86-5d01-b42d-00cf4fc964ff")


def an_enhancement(**changes: Any) -> Enhancement:
    values: dict[str, Any] = {
        **a_draft().model_dump(),
        "gathered": gathered(a_source(), a_source(SourceKind.ARTICLE, id="5"), assets=GatherState.UNAVAILABLE),
        "model": "gpt-4o-mini",
        **changes,
    }
    return Enhancement.model_validate(values)


def render(enhancement: Enhancement, **options: Any) -> str:
    return render_note(enhancement, NoteOptions(**options), reference=REFERENCE)


def test_a_note_shows_what_a_technician_needs() -> None:
    html = render(an_enhancement())
    for words in ("Outlook receives no mail", "What the sources say", "not confirmed", "Next steps", "gpt-4o-mini"):
        assert words in html
    assert '<a href="https://sdp.acme.example/WorkOrder.do?woMode=viewWO&amp;woID=77">[T1]</a>' in html
    assert "could not be looked up" in html
    assert str(REFERENCE) in html


def test_an_empty_kind_says_so() -> None:
    html = render(an_enhancement(gathered=gathered()))
    assert "No good match: resolved tickets, articles, devices and addresses<" in html


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_where_nothing_fits_a_note_is_one_sentence(language: str) -> None:
    machine = a_source(SourceKind.ASSET, id="9", title="PC-0231", text="Laptop", url="", is_only_owned=True)
    found = gathered(machine, knowledge=GatherState.UNAVAILABLE)
    nothing = {"summary": "", "facts": (), "hypotheses": (), "next_steps": (), "model": None}
    html = render(an_enhancement(**nothing, gathered=found, notices=(Notice.NOTHING_FOUND,)), language=language)
    label = labels(language)
    assert f": {label['searched_similar_tickets']}, {label['searched_assets']})".replace("'", "&#x27;") in html
    assert f"<b>{label['knowledge']}</b>: <em>{label['unavailable']}" in html
    assert "PC-0231" not in html
    assert html.count("<em>") == 2


def test_without_a_model_the_note_says_so() -> None:
    html = render(
        an_enhancement(
            model=None, summary="", facts=(), hypotheses=(), next_steps=(), notices=(Notice.MODEL_UNAVAILABLE,)
        )
    )
    assert "The model could not be reached" in html
    assert "no model was used" in html
    assert "Cached mode was off" in html


def test_the_offline_model_is_labelled() -> None:
    assert "the offline model" in render(an_enhancement(model="offline-extractive"))


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("notice", list(Notice))
def test_every_language_has_every_word(language: str, notice: Notice) -> None:
    found = gathered(a_source()) + tuple(
        Gathered(kind=kind, state=GatherState.EMPTY) for kind in (SourceKind.DOCUMENT, SourceKind.MEASUREMENT)
    )
    html = render(an_enhancement(notices=(notice,), gathered=found), language=language, sections=[*SourceKind])
    assert "{" not in html


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_what_no_source_says_is_last_and_inert_and_counted(language: str) -> None:
    html = render(an_enhancement(apart=("Try <b>this</b>.",), unsupported=3), language=language)
    end = html[html.index("Turn on cached mode") :]
    assert "<li>Try &lt;b&gt;this&lt;/b&gt;.</li>" in end
    assert " 3 " in end
    assert "{" not in html
    assert len(render(an_enhancement(unsupported=1))) < len(render(an_enhancement(unsupported=2)))


def places(html: str, *words: str) -> list[int]:
    return [html.index(word) for word in words]


def test_what_to_do_comes_before_why_and_before_the_sources() -> None:
    html = render(an_enhancement())
    order = places(html, an_enhancement().summary, "Next steps", "What the sources say", "Similar resolved tickets")
    assert order == sorted(order)


def test_a_tenant_may_have_the_reasons_first() -> None:
    html = render(an_enhancement(), sections=("summary", "similar_tickets", "next_steps"))
    order = places(html, "What the sources say", "Similar resolved tickets", "Next steps")
    assert order == sorted(order)


def test_the_sections_are_the_tenants() -> None:
    html = render(an_enhancement(), sections=("next_steps", "summary"))
    assert "Knowledge" not in html
    assert html.index("Turn on cached mode") < html.index("Outlook receives no mail")


MANY = gathered(
    *(
        a_source(kind, id=str(n), title="t " * 60, text="word " * 400)
        for kind in (SourceKind.TICKET, SourceKind.ARTICLE, SourceKind.ASSET)
        for n in range(5)
    )
)
LONG = [Statement(text=f"{n} says " + "so " * 20, citations=["T1", "K2"]) for n in range(6)]
KNOWN = Requester(
    is_vip=True,
    site="Berlin",
    open_tickets=2,
    past_tickets=tuple(PastTicket(number=str(n), subject="s " * 20, outcome="Closed") for n in range(3)),
)


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("max_words", [60, 100, 150, 500])
@pytest.mark.parametrize("model", [None, "offline-extractive"])
def test_a_note_keeps_its_limit(language: str, max_words: int, model: str | None) -> None:
    said = {"summary": "word " * 100, "facts": LONG, "hypotheses": LONG, "next_steps": LONG}
    enhancement = an_enhancement(
        **(said if model else {"summary": "", "facts": (), "hypotheses": (), "next_steps": ()}),
        model=model,
        apart=("a b c " * 20,) if model else (),
        gathered=MANY,
        requester=KNOWN,
        notices=(Notice.MODEL_UNAVAILABLE,),
    )
    options = NoteOptions.model_validate({"language": language, "max_words": max_words})
    html = render_note(enhancement, options, reference=REFERENCE, feedback_url="https://agents.example/f/1")
    assert count_note_words(html) <= max_words
    assert "agents.example" in html
    assert str(REFERENCE) in html
    assert ("word word" if model else "[T1]") in html or max_words == 60


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_usual_note_has_room_for_all_its_texts_by_default(language: str) -> None:
    options = NoteOptions.model_validate({"language": language})
    words = options.max_text_words // 6
    said = [Statement(text=" ".join(f"{n}w{i}" for i in range(words)), citations=["T1"]) for n in range(5)]
    enhancement = an_enhancement(
        summary="word " * words, next_steps=said[:3], facts=said[3:4], hypotheses=said[4:], requester=KNOWN
    )
    html = render_note(enhancement, options, reference=REFERENCE, feedback_url="https://agents.example/f/1")
    assert count_note_words(html) <= options.max_words == 150
    assert all(each.text in html for each in said)
    assert "Trying to connect" in html


def test_a_source_is_one_line_with_what_became_of_it() -> None:
    source = a_source(title="#77 Outlook <stuck>", outcome="Resolved", resolved_on=date(2026, 10, 1))
    html = render(an_enhancement(gathered=gathered(source)))
    assert "[T1]</a> #77 Outlook &lt;stuck&gt; (Resolved 2026-10-01)</li>" in html
    assert "(" not in render(an_enhancement(gathered=gathered(a_source()), hypotheses=()))


def test_an_article_says_when_it_was_updated() -> None:
    article = a_source(SourceKind.ARTICLE, title="VPN", updated_on=date(2021, 8, 11))
    assert "[K1]</a> VPN (updated 2021-08-11)" in render(an_enhancement(gathered=gathered(article)))


def test_of_what_a_newer_source_tells_not_to_do_only_that_is_said() -> None:
    did, says = "Reset the MFA methods by phone.", "MFA is never reset by phone: use a pass."
    old = a_source(title="#7 MFA", text=did, resolved_on=date(2025, 2, 10))
    new = a_source(SourceKind.ARTICLE, title="MFA", text=says, updated_on=date(2026, 9, 1))
    html = render(an_enhancement(gathered=gathered(old, new), facts=(), next_steps=(), hypotheses=()))
    assert "#7 MFA (2025-02-10, not to be done any more: [K1])</li>" in html
    assert "never reset by phone" in html


def test_the_first_words_are_shown_of_sources_alone_that_the_note_does_not_tell() -> None:
    other = a_source(id="78", title="#78 Mail", text="Restarted the transport service.")
    html = render(an_enhancement(gathered=gathered(a_source(), other)))
    assert "Restarted the transport" in html
    assert "Turned it on" not in html
    crowded = render(an_enhancement(gathered=gathered(a_source(), other), summary="w " * 51), max_words=130)
    assert "[T2]" in crowded
    assert "Restarted" not in crowded


def test_a_sentence_of_a_word_or_two_does_not_stand_for_a_source() -> None:
    text = "Remoted on. Removed the old credentials. Prompt gone."
    html = render(an_enhancement(gathered=gathered(a_source(title="#88 Prompt", text=text)), facts=[], next_steps=[]))
    assert "Removed the old credentials." in html
    assert "Remoted on" not in html


def test_a_machines_state_is_said_once() -> None:
    machine = a_source(
        kind=SourceKind.MEASUREMENT, id="readings:x", title="srv-x: up", text="Now: up; memory 71 % used.", ref="M1"
    )
    found = Gathered(kind=SourceKind.MEASUREMENT, state=GatherState.OK, sources=(machine,))
    html = render(an_enhancement(gathered=(found,), facts=[], next_steps=[]))
    assert "srv-x: up: memory 71 % used." in html


def test_with_little_room_the_words_are_of_what_is_probably_the_same_problem() -> None:
    said = "The weekly scan of the archive had been started by a policy at six in the morning."
    same = a_source(id="78", title="#78 Slow", text=said, closeness=Closeness.SAME)
    other = a_source(
        SourceKind.ARTICLE, title="Servers", text=said.replace("scan", "copy"), closeness=Closeness.RELATED
    )
    html = render(an_enhancement(gathered=gathered(a_source(), same, other), summary="w " * 50), max_words=150)
    assert "weekly scan" in html
    assert "[K1]" not in html
    alone = render(an_enhancement(gathered=gathered(a_source(), other), summary="w " * 60), max_words=150)
    assert "[K1]" in alone


def test_another_ticket_that_fits_as_well_says_by_its_first_ten_words_what_it_was() -> None:
    """Seen in the demo: two tickets of one slow server, and of the second one the number and the subject alone."""
    said = "A full scan was started by policy at six and went through the whole archive of drawings."
    other = a_source(id="78", title="#78 High CPU", text=said, closeness=Closeness.SAME)
    article = a_source(SourceKind.ARTICLE, title="Slow servers", text=said.replace("scan", "copy"))
    found = gathered(a_source(), other, article)
    html = render(an_enhancement(gathered=found, summary="w " * 40), max_words=133)
    assert "#78 High CPU (very similar): A full scan was started by policy at six and…</li>" in html


def test_a_note_of_context_alone_says_what_solved_the_nearest_ticket_before_it_names_others() -> None:
    """Seen in the demo, in French: five sources, and of none what solved it."""
    said = "Volume D was down to 1 % free space because shadow copies had no limit and had grown to 900 GB."
    tickets = [a_source(id=str(n), title=f"#{n} {'slow ' * 10}", text=f"{said} {n}") for n in (76, 77, 78)]
    articles = [a_source(SourceKind.ARTICLE, id=str(n), title="slow " * 10, text=said) for n in (5, 6, 7)]
    nothing = {"summary": "", "facts": (), "hypotheses": (), "next_steps": (), "model": None}
    html = render(an_enhancement(**nothing, gathered=gathered(*tickets, *articles)), max_words=120)
    assert "shadow copies had" in html


def test_a_ticket_of_which_nothing_may_be_said_but_its_number_is_left_out() -> None:
    bare = a_source(id="78", title="#78 (Mail)", text="", closeness=Closeness.RELATED)
    assert "#78" not in render(an_enhancement(gathered=gathered(a_source(), bare)))
    said = a_source(id="78", title="#78 (Mail)", text="Restarted the transport service.", closeness=Closeness.RELATED)
    assert "#78 (Mail) (may be related): Restarted" in render(an_enhancement(gathered=gathered(a_source(), said)))
    cited = an_enhancement(gathered=gathered(bare), summary_citations=("T1",))
    assert "#78 (Mail)" in render(cited)


def test_each_passage_is_told_once() -> None:
    step = "Turn on cached mode."
    again = Statement(text=step.upper(), citations=["T1"])
    html = render(an_enhancement(facts=(again,), hypotheses=(again, Statement(text="Outlook is old.", citations=[]))))
    assert html.lower().count(step.lower()) == 1
    assert "Outlook is old" in html


# Of the answers of a small model (Qwen2.5-Coder 1.5B) to evaluation cases, 29 November 2026.
RULE = "The transport rule sent faxes to quarantine because of their TIFF attachment."
MAILBOX = "The fax mailbox is empty, which is likely due to the transport rule sending faxes to quarantine because of their TIFF attachment."
RELEASE = "Add an exception for the fax gateway's address and release the held faxes."


def test_what_says_the_same_in_about_the_same_words_is_told_once() -> None:
    cause, step = Statement(text=RULE, citations=["T1"]), Statement(text=RELEASE, citations=["T1"])
    html = render(an_enhancement(summary=MAILBOX, hypotheses=(cause,), next_steps=(step, step), facts=()))
    assert html.count("TIFF") == 1
    assert html.count("release the held") == 1


def test_of_a_cited_source_that_the_texts_do_not_say_the_words_are_shown() -> None:
    cited = a_source(text=f"{RULE} {RELEASE}")
    said = Statement(text=f"{RULE} {RELEASE}", citations=["T1"])
    least = Statement(text="There are problems with faxes.", citations=["T1"])
    whole = an_enhancement(summary=MAILBOX, facts=(said,), hypotheses=(), next_steps=(), gathered=gathered(cited))
    assert render(whole).count("held faxes") == 1
    poor = an_enhancement(summary=least.text, facts=(least,), hypotheses=(), next_steps=(), gathered=gathered(cited))
    assert f"{RULE} {escape(RELEASE)}" in render(poor)


@pytest.mark.parametrize(
    ("confidence", "kinds", "summary", "begin"),
    [
        (Confidence.HIGH, [SourceKind.TICKET], RULE, "As in #77: The transport rule"),
        (Confidence.LOW, [SourceKind.TICKET], RULE, "Perhaps as in #77: The transport rule"),
        (Confidence.HIGH, [SourceKind.TICKET, SourceKind.ARTICLE], RULE, "<p>The transport rule"),
        (Confidence.HIGH, [SourceKind.TICKET], f"As in #77, {RULE}", "<p>As in #77, The transport rule"),
        (Confidence.HIGH, [], RULE, "<p>The transport rule"),
    ],
)
def test_what_another_ticket_alone_says_is_told_as_of_that_ticket(
    confidence: Confidence, kinds: list[SourceKind], summary: str, begin: str
) -> None:
    sources = [a_source(kind, title="#77 No faxes" if kind is SourceKind.TICKET else "Faxes") for kind in SourceKind]
    found = gathered(*sources)
    cited = tuple(each.ref for group in found for each in group.sources if each.kind in kinds)
    enhancement = an_enhancement(confidence=confidence, gathered=found, summary=summary, summary_citations=cited)
    assert begin in render(enhancement)


def test_a_summary_is_shown_with_the_citations_of_what_repeats_it() -> None:
    repeated = Statement(text="Outlook receives no mail.", citations=["T1", "K1"])
    html = render(an_enhancement(facts=(repeated,), hypotheses=()))
    assert html.count("Outlook receives no mail") == 1
    summary = html[html.index("Outlook receives") : html.index("Next steps")]
    assert "[T1]</a>" in summary
    assert "[K1]</a>" in summary
    assert "What the sources say" not in html


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", "file:///etc/passwd", "//["]
)
def test_a_source_without_a_web_address_is_no_link(url: str) -> None:
    assert "<a" not in render(an_enhancement(gathered=gathered(a_source(url=url))))


def test_the_reference_is_of_the_version() -> None:
    tenant = uuid4()
    references = {
        note_reference(tenant, "1", "a"),
        note_reference(tenant, "1", "b"),
        note_reference(tenant, "2", "a"),
        note_reference(uuid4(), "1", "a"),
    }
    assert len(references) == 4
    assert note_reference(tenant, "1", "a") in references


EVIL = st.one_of(
    st.text(),
    st.sampled_from(
        ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</div></li>", "&lt;b&gt;", "' onclick='x"]
    ),
)


@given(EVIL, EVIL, EVIL, EVIL)
def test_no_text_adds_a_tag_or_an_attribute(summary: str, fact: str, title: str, text: str) -> None:
    html = render(
        an_enhancement(
            summary=summary,
            facts=(Statement(text=fact, citations=["T1"]),),
            gathered=gathered(a_source(title=title, text=text)),
        )
    )
    cleaned = nh3.clean(
        html, tags=set(ALLOWED_TAGS), attributes={"a": {"href"}}, link_rel=None, url_schemes={"http", "https"}
    )
    assert normal(cleaned) == normal(html)


def normal(html: str) -> str:
    """*html* as the sanitiser writes what it leaves alone."""
    return nh3.clean(
        html, tags=nh3.ALLOWED_TAGS, attributes={"*": {"onclick", "onerror", "src", "href", "style"}}, link_rel=None
    )


@pytest.mark.parametrize(
    ("closeness", "language", "words"),
    [
        (Closeness.SAME, "en", "(very similar, Resolved 2026-10-01)"),
        (Closeness.RELATED, "en", "(may be related, Resolved 2026-10-01)"),
        (Closeness.RELATED, "de", "(vielleicht verwandt, Resolved 2026-10-01)"),
        (None, "en", "(Resolved 2026-10-01)"),
    ],
)
def test_a_source_says_how_near_it_is(closeness: Closeness | None, language: str, words: str) -> None:
    source = a_source(outcome="Resolved", resolved_on=date(2026, 10, 1), closeness=closeness)
    assert words in render(an_enhancement(gathered=gathered(source)), language=language)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "The queue hung. Restarted the spooler on the print server.",
            "The queue hung. Restarted the spooler on the print server.",
        ),
        (f"The queue hung. {'word ' * 40}", "The queue hung."),
        (f"{'word ' * 40}", f"{'word ' * 15}".strip() + "…"),
        (f"notebook; Windows 11; {'word ' * 40}", "notebook; Windows 11"),
    ],
)
def test_a_source_is_told_by_whole_sentences_or_fields(text: str, shown: str) -> None:
    source = a_source(SourceKind.ARTICLE, id="5", title="Printing", text=text)
    html = render(an_enhancement(gathered=gathered(source)))
    assert f"Printing: {shown}</li>" in html


def test_a_sentence_that_would_be_cut_after_a_few_words_is_left_out() -> None:
    source = a_source(SourceKind.ARTICLE, id="5", title="Printing", text="word " * 40)
    long = Statement(text="word " * 80, citations=["T1"])
    html = render(an_enhancement(gathered=gathered(a_source(), source), next_steps=(long,), facts=(), hypotheses=()))
    assert "Printing</li>" in html


def test_however_little_room_there_is_what_the_steps_rest_on_is_named_with_its_day() -> None:
    steps = tuple(Statement(text=f"word{number} " * 18, citations=["T2"]) for number in range(5))
    tickets = [
        a_source(id=number, title=f"#{number} Mail stuck", outcome="Closed", resolved_on=date(2026, 5, 4))
        for number in ("76", "77")
    ]
    found = gathered(*tickets, a_source(SourceKind.ARTICLE, id="5"))
    html = render(an_enhancement(gathered=found, next_steps=steps, facts=(), hypotheses=(), summary_citations=("T2",)))
    assert "#77 Mail stuck (Closed 2026-05-04)" in html
    assert html.count("[T2]") == 7
    assert "#76" not in html
    assert count_note_words(html) <= NoteOptions().max_words


def test_with_little_room_what_is_probably_the_same_problem_goes_before_what_may_be_related() -> None:
    steps = tuple(Statement(text=f"word{number} " * 17, citations=["T2"]) for number in range(5))
    same = [a_source(id=number, title=f"#{number} Mail stuck", closeness=Closeness.SAME) for number in ("76", "77")]
    article = a_source(SourceKind.ARTICLE, id="5", title="Mail in general", closeness=Closeness.RELATED)
    found = gathered(*same, article, a_source(SourceKind.ASSET, id="9", title="PC-0231"))
    html = render(an_enhancement(gathered=found, next_steps=steps, facts=(), hypotheses=(), summary_citations=("T2",)))
    assert "#77" in html
    assert "#76" in html
    assert "Mail in general" not in html
    assert "PC-0231" not in html


def test_with_little_room_the_fittest_is_named_of_any_kind_and_the_machine_that_the_ticket_names() -> None:
    """Seen in the demo: the article about new phones (0.53) gave way to a ticket about calendars (0.29)."""
    steps = tuple(Statement(text=f"word{number} " * 17, citations=["T2"]) for number in range(5))
    tickets = [
        a_source(id=number, title=f"#{number} Mail", closeness=Closeness.RELATED, score=0.29) for number in ("76", "77")
    ]
    article = a_source(SourceKind.ARTICLE, id="5", title="New phones", closeness=Closeness.RELATED, score=0.53)
    named, other = (
        a_source(SourceKind.ASSET, id=title, title=title, score=score)
        for title, score in (("gw-gdn-01", 1.0), ("PC-0231", 0.5))
    )
    found = gathered(*tickets, article, other, named)
    cited: dict[str, Any] = {"next_steps": steps, "facts": (), "hypotheses": (), "summary_citations": ("T2",)}
    html = render(an_enhancement(gathered=found, **cited), max_words=155)
    assert "New phones" in html
    assert "gw-gdn-01" in html
    assert "#76" not in html
    assert "PC-0231" not in html


def test_a_note_of_high_confidence_does_not_say_of_what_it_rests_on_that_it_may_be_related() -> None:
    cited, other = (
        a_source(id=number, title=f"#{number} Mail", closeness=Closeness.RELATED) for number in ("76", "77")
    )
    html = render(
        an_enhancement(gathered=gathered(cited, other), confidence=Confidence.HIGH, summary_citations=("T1",))
    )
    assert "#76 Mail</li>" in html
    assert "#77 Mail (may be related)" in html


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
@pytest.mark.parametrize("max_words", [60, 150])
@pytest.mark.parametrize("is_covered", [True, False])
def test_a_draft_of_a_closing_stays_within_the_words_too(language: str, max_words: int, is_covered: bool) -> None:
    steps = tuple(Statement(text=f"Step {at}: " + "cleared the queue " * 20, citations=[]) for at in range(5))
    articles = (a_source(SourceKind.ARTICLE, id=str(at), title="How a label printer is set " * 3) for at in range(3))
    draft = an_enhancement(
        summary="The label printer prints nothing " * 6,
        facts=[{"text": "The spooler hung " * 9, "citations": []}],
        next_steps=steps,
        gathered=gathered(*articles),
        closing=Closing(is_covered=is_covered),
    )
    html = render(draft, language=language, max_words=max_words)
    assert count_note_words(html) <= max_words
    assert "Step 0" in html
    assert str(REFERENCE) in html
    assert ("How a label printer" in html) or not is_covered


def test_a_short_draft_of_a_closing_is_shown_whole() -> None:
    draft = an_enhancement(closing=Closing())
    html = render(draft, max_words=150)
    for text in (draft.summary, *(each.text for each in (*draft.next_steps, *draft.facts))):
        assert escape(text) in html


def test_no_french_line_begins_with_the_sign_that_ends_a_word() -> None:
    assert [label for label in labels("fr").values() if re.search(r" [:;?!]", label)] == []
