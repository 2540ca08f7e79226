import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from app.core.feedback import make_token, read_token
from app.core.seals import signer

KEY = b"k" * 32


def make_old_token(tenant_id: UUID, job_id: UUID) -> str:
    ids = tenant_id.bytes + job_id.bytes
    return urlsafe_b64encode(ids + hmac.new(KEY, b"feedback\0" + ids, sha256).digest()[:16]).decode()


def test_a_link_names_its_note_by_what_a_url_takes() -> None:
    tenant_id, job_id = uuid4(), uuid4()
    token = make_token(tenant_id, job_id, key=KEY)
    assert len(token) == 87
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
    assert read_token(token, key=KEY) == (tenant_id, job_id)


def test_a_link_of_before_the_upgrade_still_names_its_note() -> None:
    tenant_id, job_id = uuid4(), uuid4()
    assert read_token(make_old_token(tenant_id, job_id), key=KEY) == (tenant_id, job_id)


@pytest.mark.parametrize("make", [lambda *ids: make_token(*ids, key=KEY), make_old_token], ids=["new", "old"])
@pytest.mark.parametrize("change", [0, 30, 42, 50, 63])
def test_what_a_link_says_and_its_signature_can_not_be_changed(make: object, change: int) -> None:
    assert callable(make)
    token = make(uuid4(), uuid4())
    other = "A" if token[change] != "A" else "Q"
    assert read_token(token[:change] + other + token[change + 1 :], key=KEY) is None


@pytest.mark.parametrize("token", ["", ".", "A.A", "A" * 64, "é" * 64, "A" * 63, "A" * 68, "!" * 64, "A" * 43 + "."])
def test_what_we_did_not_make_is_no_link(token: str) -> None:
    assert read_token(token, key=KEY) is None


def test_a_link_of_another_key_is_no_link() -> None:
    assert read_token(make_token(uuid4(), uuid4(), key=b"x" * 32), key=KEY) is None


def test_a_seal_of_another_purpose_is_no_link() -> None:
    token = make_token(uuid4(), uuid4(), key=KEY)
    ids = token.partition(".")[0]
    assert read_token(signer(KEY, "feedback").sign(ids).decode(), key=KEY) is not None
    assert read_token(signer(KEY, "session").sign(ids).decode(), key=KEY) is None
