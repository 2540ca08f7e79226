"""What is embedded of a ticket."""

from __future__ import annotations

import pytest

from app.core.masking import MaskedText
from app.core.tenant import Language
from app.core.vectors import texts_of


def texts(
    subject: str, description: str = "", *, language: Language = "en", is_english_only: bool = True
) -> tuple[MaskedText, MaskedText] | None:
    return texts_of(subject, description, language=language, is_english_only=is_english_only)


def test_the_title_and_the_requesters_own_words_masked() -> None:
    description = "My password: Summer2026! does not work.\n\n> On Monday Jane wrote:\n> Please change it."
    assert texts("Login of jane@acme.example", description) == (
        "Login of [email-1]",
        "Login of [email-1]\nMy password: [password-1] does not work.",
    )


def test_a_secret_at_the_cut_is_masked_whole() -> None:
    found = texts("It is the", "x" * 575 + " password: Summer2026!Summer2026!")
    assert found is not None
    assert "Summer" not in found[1]
    assert len(found[1]) <= 600


@pytest.mark.parametrize(
    ("subject", "description", "is_embedded"),
    [
        ("Printer is offline", "It was fine when we left.", True),
        ("VPN down", "", True),  # can't be told: the tenant's language
        ("Drucker geht nicht", "Der Drucker ist seit heute offline und druckt nicht.", False),
        ("Drucker", "", True),  # can't be told
        ("VPNに接続できません", "自宅から社内ネットワークに入れません。", False),
        ("Nie mogę się zalogować", "", False),
        ("", "  \n ", False),
        ("", "Only a description, and it is here.", True),
    ],
)
def test_an_embedder_of_english_gets_nothing_that_is_clearly_something_else(
    subject: str, description: str, is_embedded: bool
) -> None:
    assert (texts(subject, description) is not None) is is_embedded
    assert (texts(subject, description, is_english_only=False) is not None) is bool(
        subject.strip() or description.strip()
    )


def test_what_can_not_be_told_is_of_the_tenants_language() -> None:
    assert texts("Drucker", language="de") is None
    assert texts("Printer is offline", "It was fine when we left.", language="de") is not None


def test_no_text_is_blank() -> None:
    for subject, description in (("", "words"), ("words", ""), (" \n", "words"), ("\u200b", "words")):
        found = texts(subject, description, is_english_only=False)
        assert found is not None
        assert all(text.strip() for text in found), (subject, description)
