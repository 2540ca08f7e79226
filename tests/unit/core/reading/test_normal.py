from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable

import pytest

from app.core.body import as_utf8
from app.core.check.tokens import normal
from app.core.delivery import parse_webhook
from app.core.detect.prose.words import fold
from app.core.help_desk import same_name, similar_name
from app.core.masking import find_secrets
from app.core.reading.normal import MOST_MARKS, SHORT, is_mark, normalized
from app.core.reading.text import plain_text, tidy
from app.db.knowledge.reading import read as read_query
from tests.builders import a_body

MARKS = "e" + "\u0301" * 40_000 + "\u0327" * 40_000
"""To put them in order one by one takes ten seconds."""


def an_account(text: str) -> object:
    return parse_webhook(as_utf8(a_body(account=text), "application/json"))


@pytest.mark.parametrize(
    "read",
    [plain_text, tidy, normal, fold, same_name, similar_name, find_secrets, an_account, read_query],
)
def test_any_number_of_marks_is_read_in_no_time(read: Callable[[str], object]) -> None:
    started = time.thread_time()
    read(f"The password of Zo{MARKS} is {MARKS}.")
    assert time.thread_time() - started < 2.0


@pytest.mark.parametrize("form", ["NFC", "NFKC", "NFKD"])
def test_what_any_language_writes_is_in_its_normal_form(form: str) -> None:
    text = "Zu\u0308rich, Vie\u0323\u0302t Nam, a\u0327\u0301\u0323, שָׁלוֹם, ﬁn, Ⅳ, 한국, हिन्दी, " * 20
    assert len(text) > SHORT
    assert normalized(form, text) == unicodedata.normalize(form, text)  # type: ignore[arg-type]


def test_behind_one_letter_stand_so_many_marks_and_no_more() -> None:
    marks = "\u0301" * MOST_MARKS
    assert normalized("NFKD", f"e{marks}" * 50) == f"e{marks}" * 50
    assert normalized("NFKD", f"e{marks}\u0f73\u0344\u0301" * 50) == f"e{marks}" * 50


def test_every_mark_of_unicode_is_known_for_one() -> None:
    known = "".join(char for char in map(chr, range(sys.maxunicode + 1)) if is_mark(char))
    assert len(known) > 900
    assert normalized("NFKD", known) == unicodedata.normalize("NFKD", known[:MOST_MARKS])
