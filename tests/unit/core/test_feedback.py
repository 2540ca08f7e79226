from uuid import uuid4

import pytest

from app.core.feedback import TOKEN_CHARS, make_token, read_token

KEY = b"k" * 32


def test_a_link_names_its_note() -> None:
    tenant_id, job_id = uuid4(), uuid4()
    token = make_token(tenant_id, job_id, key=KEY)
    assert len(token) == TOKEN_CHARS
    assert read_token(token, key=KEY) == (tenant_id, job_id)


@pytest.mark.parametrize("change", [0, 30, 43, 50, 63])
def test_no_character_of_a_link_can_be_changed(change: int) -> None:
    token = make_token(uuid4(), uuid4(), key=KEY)
    other = "A" if token[change] != "A" else "B"
    assert read_token(token[:change] + other + token[change + 1 :], key=KEY) is None


@pytest.mark.parametrize("token", ["", "A" * 64, "é" * 64, "A" * 63, "A" * 68, "!" * 64])
def test_what_we_did_not_make_is_no_link(token: str) -> None:
    assert read_token(token, key=KEY) is None


def test_a_link_of_another_key_is_no_link() -> None:
    assert read_token(make_token(uuid4(), uuid4(), key=b"x" * 32), key=KEY) is None
