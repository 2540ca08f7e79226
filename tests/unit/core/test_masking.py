from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.detect.finding import Secret
from app.core.masking import Mask, MaskedText, find_placeholders, find_secrets
from tests.unit.core.masking.measure import read_cases


def test_the_labelled_texts_are_many_and_of_every_kind() -> None:
    cases = read_cases("values.txt", "stay.txt")
    assert sum(len(case.items) for case in cases) >= 1_000
    assert sum(not case.items for case in cases) >= 1_000
    assert {item.kind for case in cases for item in case.items} == set(Secret)
    assert len({case.language for case in cases if case.items}) >= 10


def test_a_masked_text_holds_none_of_what_was_found() -> None:
    for case in read_cases("positive.txt", "negative.txt"):
        masked = Mask().text(case.text)
        assert not find_secrets(masked), (case.text, masked)


def test_one_value_has_one_placeholder() -> None:
    mask = Mask()
    assert mask.text("From a@b.example to c@d.example") == "From [email-1] to [email-2]"
    assert mask.text("C@D.example again") == "[email-2] again"
    assert mask.text("Tel. 030 90182012, tel. 030/90182012") == "Tel. [phone-1], tel. [phone-1]"


def test_a_secret_is_masked_wherever_it_stands_once_one_place_gives_it_away() -> None:
    masked = Mask().json({"first": "Summer#2026 is what I type.", "second": "The password is Summer#2026", "third": 3})
    assert json.loads(masked) == {
        "first": "[password-1] is what I type.",
        "second": "The password is [password-1]",
        "third": 3,
    }


def test_a_plain_word_is_masked_where_it_is_a_password_alone() -> None:
    assert Mask().text("password: pineapple. She likes pineapple") == "password: [password-1]. She likes pineapple"


def test_a_placeholder_is_not_masked_again() -> None:
    mask = Mask()
    once = mask.text("password: Summer#2026, mail a@b.example")
    assert mask.text(once) == once


def test_contacts_alone_are_put_back_and_only_those_that_may_be() -> None:
    mask = Mask()
    masked = mask.text("a@b.example, c@d.example, tel. 030 90182012, password: Summer#2026, card 4111 1111 1111 1111")
    allowed = find_placeholders([masked]) - {"[email-2]"}
    assert mask.restore(masked, allowed) == (
        "a@b.example, [email-2], tel. 030 90182012, password: [password-1], card [card-1]"
    )


def test_a_placeholder_that_nothing_stands_for_stays() -> None:
    assert Mask().restore("[email-9] [phone-1]", {"[email-9]"}) == "[email-9] [phone-1]"


def test_parts_that_are_not_masked_are_masked_when_joined() -> None:
    mask = Mask()
    joined = mask.join("from a@b.example: ", mask.json({"x": 'say "hi"'}), "!")
    assert joined == 'from [email-1]: {"x": "say \\"hi\\""}!'
    assert isinstance(joined, MaskedText)


@given(st.text())
def test_what_holds_nothing_to_mask_stays_as_it_is(text: str) -> None:
    if not find_secrets(text):
        assert Mask().text(text) == text


PARTS = [
    "password ",
    "pwd=",
    "a@",
    "1 ",
    "0171 1234567 ",
    "GB29 ",
    "-----BEGIN PRIVATE KEY-----",
    "x.",
    "password for a ",
    "http://a:",
]
PARTS += [
    "A1b2",
    "curl -u ",
    "password to ",
    "passphrase: a ",
    "a-",
    "+1",
    'community "',
    "'",
    "eyJaaaaaaaaa.",
    "net use ",
    "login a/",
    "password “",
    "‘a",
    "10.1.2.3 ",
    "password is ”",
]


@pytest.mark.parametrize("part", PARTS)
def test_a_long_text_of_anything_is_no_burden(part: str) -> None:
    started = time.process_time()
    Mask().text(part * (20_000 // len(part)))
    assert time.process_time() - started < 1.5
