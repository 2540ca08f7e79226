"""The confidence follows what the sources show, whatever the model says of them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from app.core.confidence import cited_refs, find_evidence, judge_confidence
from app.core.enhancement import Confidence, Kept, Reason, Statement
from app.core.source import Closeness, Gathered, Source, SourceKind
from app.core.ticket import Ticket
from tests.builders import a_source, a_ticket, gathered

TODAY = date(2026, 11, 28)


def kept(*refs: str, **changes: Any) -> Kept:
    steps = [Statement(text=f"Do {ref}.", citations=[ref]) for ref in refs]
    values = {"facts": [], "hypotheses": [], "next_steps": steps, "summary": "It is so.", "summary_citations": []}
    return Kept.model_validate({**values, **changes})


def judged(*sources: Source, said: Kept | None = None, ticket: Ticket | None = None) -> Any:
    return judge_confidence(ticket or a_ticket(), gathered(*sources), said or kept("T1"), today=TODAY)


def reasons(*sources: Source, said: Kept | None = None, ticket: Ticket | None = None) -> tuple[Reason, ...]:
    found: tuple[Reason, ...] = judged(*sources, said=said, ticket=ticket).reasons
    return found


def test_the_more_words_ticket_and_source_share_the_surer() -> None:
    words = "Outlook profile mailbox cached offline".split()
    ticket = a_ticket(subject=" ".join(words), description="")
    texts = [". ".join([*words[:number], *["toner"] * (5 - number)]) for number in range(6)]
    shares = [judged(a_source(title="", text=text), ticket=ticket).share for text in texts]
    assert shares == sorted(shares)
    assert shares[0] < shares[2] < shares[5]
    long = a_source(title="", text=". ".join([*words, *(f"other{letter}" for letter in "abcdefghijklmnopqrst")]))
    assert judged(long, ticket=ticket).share < shares[5], "a long text shares some words with any ticket"
    rival = a_source(id="78", score=0.6)
    assert judged(a_source(title="", text="Toner."), rival, ticket=ticket).level is Confidence.LOW


def test_what_cites_no_ticket_and_no_article_is_of_low_confidence() -> None:
    asset = a_source(SourceKind.ASSET, title="NB-0244", score=1.0)
    assert judged(asset, said=kept("A1")).level is Confidence.LOW
    assert judged(said=kept()).level is Confidence.LOW


@pytest.mark.parametrize(
    ("asked", "source", "is_same"),
    [
        ("VPN stops with error 809 at home", "Problem: 809 when dialing\nResolution: Opened the port.", True),
        ("0x80070005 while updating", "The update ended with 0x80070005.", True),
        (
            "It says ‘the trust relationship between workstation and domain failed’",
            "trust relationship between workstation and domain",
            True,
        ),
        ("VPN stops with error 809", "VPN stops with error 812", False),
        ("Printer in reception prints very slowly", "Printer in reception prints nothing", False),
        ("The receipt printer in shop 12 prints signs", "Receipt printer in shop 12 prints nothing", False),
        ('Teams says "we could not connect to your device"', "It said: We could not connect to your device.", True),
        ("Since 2026 it does not work", "In 2026 it does not work", False),
        ("See ticket #100234", "Like #100234", False),
        ("Call me: 07700900123", "Called 07700900123", False),
    ],
)
def test_the_same_error_text_is_a_reason(asked: str, source: str, is_same: bool) -> None:
    found = reasons(a_source(title="#7 x", text=source), ticket=a_ticket(subject=asked, description=""))
    assert (Reason.SAME_ERROR in found) is is_same


def test_the_same_machine_is_a_reason_where_the_inventory_knows_it() -> None:
    ticket = a_ticket(subject="srv-file01 is slow")
    source, asset = a_source(text="Full scan on SRV-FILE01.acme.local."), a_source(SourceKind.ASSET, title="srv-file01")
    assert Reason.SAME_MACHINE in reasons(source, asset, ticket=ticket)
    assert Reason.SAME_MACHINE not in reasons(source, ticket=ticket)
    assert Reason.SAME_MACHINE not in reasons(a_source(text="srv-file02"), asset, ticket=ticket)


def test_sources_that_agree_and_their_age_are_reasons() -> None:
    one, other = a_source(resolved_on=date(2024, 1, 5)), a_source(SourceKind.ARTICLE, updated_on=date(2026, 11, 1))
    assert Reason.SOURCES_AGREE in reasons(one, other, said=kept("T1", "K1"))
    assert Reason.ONLY_OLD not in reasons(one, other, said=kept("T1", "K1"))
    assert Reason.ONLY_OLD in reasons(one, other)
    assert judged(one).share < judged(a_source(resolved_on=date(2026, 11, 1))).share


def test_another_source_that_fits_as_well_makes_less_sure_and_a_newer_one_still_less() -> None:
    first = a_source(score=0.5, resolved_on=date(2026, 10, 1))

    def beside(**changes: Any) -> Any:
        return judged(first, a_source(id="78", **changes))

    alone, poor = judged(first), beside(score=0.1, resolved_on=date(2026, 11, 1))
    older, newer = (beside(score=0.4, resolved_on=date(2026, month, 1)) for month in (9, 11))
    assert alone.share == poor.share
    assert alone.share > older.share > newer.share
    assert Reason.OTHERS_FIT_TOO in older.reasons
    assert Reason.NEWER_SOURCE in newer.reasons
    sure = judged(first, ticket=a_ticket(subject=f"{first.title} {first.text}"))
    assert sure.level is Confidence.HIGH
    assert sure.reasons == (Reason.MANY_WORDS, Reason.UNRIVALLED), "of what is high only what speaks for it"
    both = judged(first, a_source(id="78", score=0.4), said=kept("T1", "T2"))
    assert both.share == alone.share, "what is cited too agrees"


def test_among_many_rivals_only_a_source_that_fits_well_by_itself_makes_sure() -> None:
    def among(rivals: int, fit: float) -> float:
        others = [a_source(id=str(80 + number), score=fit) for number in range(rivals)]
        share: float = judged(a_source(score=fit), *others).share
        return share

    assert among(1, 0.3) > among(2, 0.3) > among(4, 0.3)
    assert among(4, 0.5) > among(4, 0.4) > among(4, 0.3)
    assert among(0, 0.3) == among(0, 0.4), "alone, a low fit says little: the search may have few words to go by"
    assert among(0, 0.9) > among(4, 0.9) == among(4, 0.5)


def test_a_newer_source_about_something_else_makes_no_less_sure_however_well_it_fits() -> None:
    ticket = a_ticket(subject="Pictures of the scanner are missing in the ledger folder", description="")
    first = a_source(
        title="Pictures of the scanner not shown in the ledger folder", resolved_on=date(2026, 2, 25), score=0.5
    )
    other = a_source(id="78", title="Pictures of the meeting", text="Camera.", resolved_on=date(2026, 7, 30), score=0.5)
    assert judged(first, other, ticket=ticket) == judged(first, ticket=ticket)


def test_the_leading_source_is_the_first_that_a_step_cites_and_less_is_sure_of_what_is_partly_supported() -> None:
    said = kept("K1", summary_citations=["T1"], unsupported=2)
    assert cited_refs(said) == ["K1", "T1"]
    groups: tuple[Gathered, ...] = gathered(a_source(score=0.9), a_source(SourceKind.ARTICLE, score=0.3))
    evidence = find_evidence(a_ticket(), groups, said, today=TODAY)
    assert evidence is not None
    assert (evidence.fit, evidence.support) == (0.3, 0.5)
    partly = judge_confidence(a_ticket(), groups, said, today=TODAY)
    wholly = judge_confidence(a_ticket(), groups, said.model_copy(update={"unsupported": 0}), today=TODAY)
    assert Reason.PARTLY_SUPPORTED in partly.reasons
    assert partly.share == pytest.approx(wholly.share / 2)


@pytest.mark.parametrize(
    ("subject", "description", "is_low"),
    [
        ("Help", "outlook", True),
        ("Outlook", "", True),
        ("please help me", "it is outlook!", True),
        ("Outlook stuck", "", False),
        ("", "0x8004010f", False),
    ],
)
def test_of_a_ticket_that_names_a_thing_and_no_problem_nothing_is_sure(
    subject: str, description: str, is_low: bool
) -> None:
    source = a_source(title="Outlook stuck 0x8004010f", text="Outlook stuck.", score=0.9, closeness=Closeness.SAME)
    sure = judged(source, ticket=a_ticket(subject=subject, description=description))
    assert (sure.level is Confidence.LOW) is is_low
