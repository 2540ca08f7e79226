from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.enhancement import Draft, DraftProblem, Kept, Statement, count_words, find_problems, salvage
from app.core.source import SourceKind
from app.errors import ModelRefused
from tests.builders import a_draft, a_source, gathered

SOURCES = gathered(a_source(), a_source(SourceKind.ARTICLE, id="5", url="https://sdp.acme.example/kb/5"))


def problems(draft: Draft, **changes: Any) -> list[DraftProblem]:
    return find_problems(draft, SOURCES, **{"max_words": 500, "language": "en", **changes})


def kept(draft: Draft, **changes: Any) -> Kept:
    return salvage(draft, SOURCES, **{"max_words": 500, "language": "en", **changes})


def test_a_sound_draft_passes_unchanged() -> None:
    draft = a_draft()
    assert problems(draft) == []
    rest = kept(draft)
    assert rest.model_dump(include=set(type(draft).model_fields)) == draft.model_dump()
    assert (rest.apart, rest.unsupported) == ([], 0)


def test_a_citation_that_names_no_source_is_told_and_taken_out() -> None:
    draft = a_draft(
        facts=[
            {"text": "Cached mode was off.", "citations": ["T1", "T9"]},
            {"text": "The profile was repaired.", "citations": ["K7"]},
        ]
    )
    assert any("K7, T9" in problem for problem in problems(draft))
    assert kept(draft).facts == [Statement(text="Cached mode was off.", citations=["T1"])]


def test_a_fact_without_a_citation_is_no_fact() -> None:
    draft = a_draft(facts=[{"text": "Everybody knows.", "citations": []}])
    assert any("Each fact" in problem for problem in problems(draft))
    assert kept(draft).facts == []


def test_five_thousand_words_are_told_and_cut() -> None:
    draft = a_draft(summary="word " * 5000, next_steps=[{"text": "step " * 40, "citations": []}] * 30)
    assert any("at most 500" in problem for problem in problems(draft))
    rest = kept(draft)
    texts = [rest.summary, *(each.text for each in [*rest.facts, *rest.hypotheses, *rest.next_steps])]
    assert count_words(texts) <= 300


def test_another_language_is_told_and_refused() -> None:
    german = (
        "Der Benutzer kann sich nicht mit dem Server verbinden und das Passwort wurde nach dem Wechsel nicht auf dem "
    )
    draft = a_draft(summary=german + "Gerät gespeichert. Die Anmeldung ist für den Benutzer nicht möglich.", facts=[])
    assert any("language 'en'" in problem for problem in problems(draft))
    assert problems(draft, language="de") == []
    with pytest.raises(ModelRefused):
        salvage(draft, gathered(a_source(text=draft.summary)), max_words=500, language="en")


def test_an_empty_summary_says_nothing() -> None:
    assert problems(a_draft(summary=" "))
    with pytest.raises(ModelRefused):
        kept(a_draft(summary="<script>x</script>"))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x",
        "http://evil.example",
        "www.evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "mailto:x@evil.example",
        "ftp://evil.example/a",
        "HTTPS://EVIL.EXAMPLE",
    ],
)
def test_a_link_to_anywhere_but_a_source_is_removed(link: str) -> None:
    rest = kept(a_draft(summary=f"Cached mode was off. See {link} for more.", next_steps=[]))
    assert rest.summary == "Cached mode was off."
    assert rest.unsupported == 1
    assert rest.apart == []


def test_a_link_to_a_source_stays() -> None:
    summary = "See https://sdp.acme.example/kb/5."
    assert kept(a_draft(summary=summary)).summary == summary


@given(st.text(), st.lists(st.tuples(st.text(), st.lists(st.text(max_size=4), max_size=3)), max_size=8))
def test_whatever_a_model_writes_what_is_kept_holds_the_rules(
    summary: str, statements: list[tuple[str, list[str]]]
) -> None:
    listed = [{"text": text, "citations": refs} for text, refs in statements]
    try:
        rest = kept(a_draft(summary=summary, facts=listed, hypotheses=listed, next_steps=listed))
    except ModelRefused:
        return
    assert rest.summary or rest.facts or rest.hypotheses or rest.next_steps
    for statement in [*rest.facts, *rest.hypotheses, *rest.next_steps]:
        assert statement.text
        assert set(statement.citations) <= {"T1", "K1"}
    assert all(fact.citations for fact in rest.facts)
