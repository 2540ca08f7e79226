from datetime import timedelta

import pytest
from itsdangerous import TimestampSigner

from app.console.access import Role
from app.console.sessions import SESSION_LIFE, Seals
from app.core.seals import signer

LONG = timedelta(hours=1)


def test_what_was_sealed_opens_again_for_its_purpose() -> None:
    seals = Seals(b"k" * 32)
    user = seals.open_session(seals.seal_user("ines@acme.example", Role.VIEWER))
    assert user is not None
    assert (user["name"], user["role"]) == ("ines@acme.example", "viewer")
    assert len(user["csrf"]) >= 32


def test_each_session_has_a_word_of_its_own() -> None:
    seals = Seals()
    first, second = (seals.open_session(seals.seal_user("a", Role.OPERATOR)) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first["csrf"] != second["csrf"]
    assert first["id"] != second["id"]


@pytest.mark.parametrize(
    "forge",
    [
        lambda sealed: sealed[:-4] + "AAAA",
        lambda sealed: "A" + sealed[1:],
        lambda sealed: sealed.partition(".")[0] + ".",
        lambda sealed: sealed.partition(".")[0],
        lambda _: Seals(b"other" * 8).seal("session", {"name": "x"}),
        lambda _: "é.é",
        lambda _: "",
        lambda _: "A" * 10_000,
    ],
    ids=["signature", "body", "empty-signature", "no-signature", "other-key", "not-ascii", "empty", "long"],
)
def test_a_forged_cookie_is_nobody(forge: object) -> None:
    seals = Seals(b"k" * 32)
    assert callable(forge)
    assert seals.open_session(forge(seals.seal_user("a", Role.OPERATOR))) is None


def test_a_seal_of_another_purpose_is_no_session() -> None:
    seals = Seals()
    facts = {"name": "a", "role": "operator", "csrf": "x"}
    assert seals.open("session", seals.seal("sign-in", facts), life=LONG) is None
    assert seals.open("sign-in", seals.seal("sign-in", facts), life=LONG) == facts


def test_a_link_of_a_note_is_no_session_though_both_keys_were_one() -> None:
    body = Seals(b"k" * 32).seal_user("a", Role.OPERATOR).rpartition(".")[0]
    assert Seals(b"k" * 32).open_session(signer(b"k" * 32, "session").sign(body).decode()) is not None
    assert Seals(b"k" * 32).open_session(signer(b"k" * 32, "feedback").sign(body).decode()) is None


def test_what_is_hidden_is_revealed_by_the_same_key_alone() -> None:
    hidden = Seals(b"k" * 32).hide({"refresh_token": "secret"})
    assert "secret" not in hidden
    assert Seals(b"k" * 32).reveal(hidden) == {"refresh_token": "secret"}
    assert Seals(b"o" * 32).reveal(hidden) is None


def test_a_session_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    seals = Seals()
    begun = TimestampSigner("").get_timestamp()
    sealed = seals.seal_user("a", Role.VIEWER)
    life_s = int(SESSION_LIFE.total_seconds())
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: begun + life_s)
    assert seals.open_session(sealed) is not None
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _: begun + life_s + 2)
    assert seals.open_session(sealed) is None


def test_a_session_that_the_local_token_opened_ends_when_that_is_changed() -> None:
    key = b"k" * 32
    by_token = Seals(key, token="a token of long ago").seal_user("local token", Role.OPERATOR)
    by_provider = Seals(key, token="a token of long ago").seal_user("ines", Role.OPERATOR, is_checked=True)
    for token, is_open in (("a token of long ago", True), ("another", False), ("", False), (None, False)):
        seals = Seals(key, token=token)
        assert (seals.open_session(by_token) is not None) == is_open, token
        assert seals.open_session(by_provider) is not None
    assert "a token" not in str(Seals(key).open("session", by_token, life=SESSION_LIFE))
