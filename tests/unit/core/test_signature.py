from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.signature import decode_secret, sign_body, sign_standard, verify_body, verify_standard, verify_token
from app.errors import TenantFileInvalid, Unauthenticated

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_known_answer_of_rfc_4231_is_reproduced() -> None:
    expected = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert sign_body(b"Jefe", b"what do ya want for nothing?") == expected


def test_the_known_answer_of_standard_webhooks_is_reproduced() -> None:
    """The example of the Standard Webhooks specification's reference libraries."""
    secret = decode_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signature = sign_standard(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_known_answer_of_zohos_page_is_reproduced() -> None:
    """The example of zoho.encryption.hmacsha256(key, data, "hex"), which docs/servicedesk-plus.md signs with."""
    signature = sign_body(b"sk_5Ow7B_4eC39H", b"{Order ID: 0932, Currency: USD, Amount: 2500}")
    assert signature == "sha256=13721963e7ac439f5a2e63c261856393647f3f51b493beebf5919af4bc3de19c"


def test_either_of_two_live_secrets_is_honoured_and_no_third() -> None:
    for secret in (b"current", b"previous"):
        verify_body(b"{}", sign_body(secret, b"{}"), [b"current", b"previous"])
    with pytest.raises(Unauthenticated):
        verify_body(b"{}", sign_body(b"third", b"{}"), [b"current", b"previous"])


def test_no_secret_verifies_nothing() -> None:
    with pytest.raises(Unauthenticated):
        verify_body(b"{}", sign_body(b"", b"{}"), [])


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "00",
        "sha256=",
        "sha256=é",
        sign_body(b"secret", b"other"),
        sign_body(b"secret", b"{}")[:-1],
        sign_body(b"secret", b"{}") + "0",
        sign_body(b"secret", b"{}").removeprefix("sha256="),
        "sha256=zz" + "0" * 62,
        "sha512=" + "0" * 64,
    ],
    ids=[
        "empty",
        "short",
        "no-digest",
        "non-ascii",
        "other-body",
        "cut",
        "long",
        "no-scheme",
        "no-hex",
        "other-algorithm",
    ],
)
def test_anything_but_the_bodys_own_signature_is_refused(signature: str) -> None:
    with pytest.raises(Unauthenticated):
        verify_body(b"{}", signature, [b"secret"])


@given(st.binary(), st.text(), st.binary(min_size=1))
def test_random_signatures_are_refused_without_an_accident(body: bytes, signature: str, secret: bytes) -> None:
    with pytest.raises(Unauthenticated):
        verify_body(body, signature, [secret])


@given(st.text(max_size=300), st.text(max_size=30), st.text(max_size=200))
def test_random_standard_headers_are_refused_without_an_accident(
    webhook_id: str, timestamp: str, signature: str
) -> None:
    with pytest.raises(Unauthenticated):
        verify_standard(
            b"{}", webhook_id=webhook_id, timestamp=timestamp, signature=signature, secrets=[b"secret"], now=NOW
        )


def test_one_of_several_standard_signatures_is_enough() -> None:
    sent = int(NOW.timestamp())
    good = sign_standard(b"secret", "msg_1", sent, b"{}")
    verify_standard(
        b"{}", webhook_id="msg_1", timestamp=str(sent), signature=f"v1,AAAA v2,x {good}", secrets=[b"secret"], now=NOW
    )


@pytest.mark.parametrize(("drift_s", "is_fine"), [(-300, True), (300, True), (-301, False), (301, False)])
def test_a_timestamp_may_drift_by_five_minutes(drift_s: int, is_fine: bool) -> None:
    sent = int(NOW.timestamp()) + drift_s
    headers = {
        "webhook_id": "msg_1",
        "timestamp": str(sent),
        "signature": sign_standard(b"secret", "msg_1", sent, b"{}"),
    }
    if is_fine:
        verify_standard(b"{}", **headers, secrets=[b"secret"], now=NOW)
    else:
        with pytest.raises(Unauthenticated):
            verify_standard(b"{}", **headers, secrets=[b"secret"], now=NOW)


def test_the_id_is_covered_by_the_standard_signature() -> None:
    sent = int(NOW.timestamp())
    signature = sign_standard(b"secret", "msg_1", sent, b"{}")
    with pytest.raises(Unauthenticated):
        verify_standard(
            b"{}", webhook_id="msg_2", timestamp=str(sent), signature=signature, secrets=[b"secret"], now=NOW
        )


def test_a_token_must_be_the_bearer_of_the_secret() -> None:
    verify_token("Bearer secret", [b"other", b"secret"])
    verify_token("bearer secret", [b"secret"])
    for wrong in ("", "secret", "Basic secret", "Bearer", "Bearer secret2", "Bearer é"):
        with pytest.raises(Unauthenticated):
            verify_token(wrong, [b"secret"])


@pytest.mark.parametrize("text", ["", "   ", "whsec_", "whsec_!!!", "whsec_é"])
def test_a_secret_that_cannot_be_decoded_is_named(text: str) -> None:
    with pytest.raises(TenantFileInvalid) as caught:
        decode_secret(text)
    assert caught.value.field == "webhook_secret"


def test_a_secret_is_its_text_unless_it_says_whsec() -> None:
    assert decode_secret(" pässword\n") == "pässword".encode()
    assert decode_secret("whsec_c2VjcmV0") == b"secret"


def test_it_is_the_constant_time_comparison_that_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one that always says yes everything is authenticated, with one that says no nothing: no other one is made."""
    asked: list[tuple[bytes, bytes]] = []
    verdict = True

    def compare(given: bytes, expected: bytes) -> bool:
        asked.append((given, expected))
        return verdict

    monkeypatch.setattr("hmac.compare_digest", compare)
    at = str(int(NOW.timestamp()))
    secrets = [b"current", b"previous"]
    calls: tuple[Callable[[], None], ...] = (
        lambda: verify_body(b"{}", "wrong", secrets),
        lambda: verify_standard(b"{}", webhook_id="x", timestamp=at, signature="v1,x", secrets=secrets, now=NOW),
        lambda: verify_token("Bearer wrong", secrets),
    )
    for call in calls:
        call()
    assert len(asked) == 2 * len(calls)  # each live secret is compared, whichever matched
    verdict = False
    right = sign_body(b"current", b"{}")
    refusals: tuple[Callable[[], None], ...] = (
        lambda: verify_body(b"{}", right, secrets),
        lambda: verify_token("Bearer current", secrets),
    )
    for refused in refusals:
        with pytest.raises(Unauthenticated):
            refused()
    # A token is compared as a digest: the time tells nothing of its length.
    assert {len(given) for given, _ in asked[-2:]} == {64}
