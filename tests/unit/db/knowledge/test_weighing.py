"""What the terms of a query weigh, and which of them find documents."""

from __future__ import annotations

import pytest

from app.db.knowledge.weighing import Corpus, QueryTerm, count_words, weigh

CORPUS = Corpus(documents=20_000, mean_length=50.0)


def a_term(
    term: str,
    *,
    variant: int | None = None,
    word: str | None = None,
    words: int = 1,
    frequency: float = 1.0,
    documents: int = 10,
) -> QueryTerm:
    return QueryTerm(
        term, variant=variant or term, word=word or term, words=words, frequency=frequency, documents=documents
    )


def test_the_worked_example_of_rank_sql() -> None:
    weighed = weigh([a_term("printer", documents=2), a_term("jam", documents=1)], Corpus(documents=2, mean_length=3.0))

    assert {term.term: round(weight, 3) for term, weight in weighed.held.items()} == {"jam": 0.693, "printer": 0.182}
    assert round(weighed.most, 3) == 1.926


def test_a_term_of_the_subject_counts_more_but_less_than_twice() -> None:
    once, twice = (a_term("jam", frequency=frequency).weight(CORPUS) for frequency in (1, 2))

    assert once < twice < 2 * once


def test_what_no_document_holds_finds_none_but_is_asked_for() -> None:
    weighed = weigh([a_term("jam"), a_term("qwertz", documents=0)], CORPUS)

    assert weighed.values["terms"] == ["jam"]
    assert weighed.asked_words == 2
    assert weighed.most > weigh([a_term("jam")], CORPUS).most


def test_what_no_document_holds_outweighs_nothing_where_there_are_few_documents() -> None:
    few, many = Corpus(documents=60, mean_length=50.0), Corpus(documents=20_000, mean_length=50.0)
    in_one, in_none = a_term("starter", documents=1), a_term("o'brien", documents=0)

    assert in_none.weight(few) == in_one.weight(few)
    assert in_none.weight(many) > 1.1 * in_one.weight(many)


def test_the_sixty_terms_that_weigh_most_rank() -> None:
    weighed = weigh([a_term(f"t{number}", documents=number) for number in range(1, 100)], CORPUS)

    assert weighed.values["terms"] == [f"t{number}" for number in range(1, 61)]


@pytest.mark.parametrize(
    ("documents", "telling"), [([10] * 5, 5), ([10, *[5_000] * 30], 16), ([10, 3_900, 4_000], 3)], ids=str
)
def test_the_rarest_terms_find_documents_up_to_four_thousand_postings(documents: list[int], telling: int) -> None:
    terms = [a_term(f"t{place:02}", documents=each) for place, each in enumerate(documents)]

    assert weigh(terms, CORPUS).values["telling"] == telling


def test_of_the_terms_of_one_variant_the_best_counts() -> None:
    terms = [a_term("drucker", variant=7, word="7"), a_term("druck", variant=7, word="7", documents=500), a_term("jam")]
    weighed = weigh(terms, CORPUS)

    numbers = dict(zip(weighed.values["terms"], weighed.values["variants"], strict=True))
    assert numbers["drucker"] == numbers["druck"] != numbers["jam"]
    assert weighed.most == pytest.approx(2.2 * (terms[0].weight(CORPUS) + terms[2].weight(CORPUS)))
    assert weighed.asked_words == 2


def test_ranking_takes_the_best_of_a_variant_only_where_two_terms_are_one() -> None:
    one = weigh([a_term("drucker", variant=7, word="7"), a_term("jam")], CORPUS)
    two = weigh([a_term("drucker", variant=7, word="7"), a_term("druck", variant=7, word="7")], CORPUS)

    assert [each.values["has_variants"] for each in (one, two)] == [False, True]


def test_each_term_has_a_bit_the_weightiest_the_lowest() -> None:
    weighed = weigh([a_term(f"t{number:02}", documents=number) for number in range(1, 61)], CORPUS)

    assert [term.term for term in weighed.at(1 | 1 << 2 | 1 << 59)] == ["t01", "t03", "t60"]


def test_words_are_counted_once_for_all_terms_of_one() -> None:
    terms = [a_term("接続", word="0+0"), a_term("続先", word="0+0"), a_term("=0x80070005", words=2), a_term("jam")]

    assert count_words(terms) == 4


def test_a_string_that_many_documents_hold_is_not_rare() -> None:
    assert a_term("=0x80070005", documents=400).is_rare_string(CORPUS)
    assert not a_term("=0x80070005", documents=401).is_rare_string(CORPUS)
    assert not a_term("jam", documents=1).is_rare_string(CORPUS)


def test_a_query_without_terms_divides_by_no_zero() -> None:
    assert weigh([], CORPUS).most > 0
