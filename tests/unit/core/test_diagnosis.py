"""Every code is explained, once."""

from __future__ import annotations

import pytest

from app.core.diagnosis import DIAGNOSES, diagnose
from app.errors import Code


def test_every_code_has_a_diagnosis() -> None:
    assert set(DIAGNOSES) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_a_diagnosis_is_sentences(code: Code) -> None:
    diagnosis = diagnose(code.value)
    for text in (diagnosis.meaning, diagnosis.remedy):
        assert text == text.strip()
        assert text.endswith(".")
        assert text[0].isupper() or text.startswith("calls_per_minute")


@pytest.mark.parametrize("code", [None, "", "a_newer_releases_code"])
def test_what_another_release_stored_is_said_to_be_unknown(code: str | None) -> None:
    assert "earlier or newer release" in diagnose(code).meaning
