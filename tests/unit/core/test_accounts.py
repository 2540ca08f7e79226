"""Whose a row of a shared instance is: what names no account, several, or one that can't be read, is nobody's."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.accounts import Accounts
from app.core.help_desk import Account, AccountRef
from app.integrations.servicedesk.mapping import parse_article, parse_asset, parse_ticket
from tests.builders import an_instance

ACME, GLOBEX = {"id": "601", "name": "Acme Corp"}, {"id": "602", "name": "Globex"}
BY_ID = Accounts([(Account(id="601", name="Acme Corp"), "acme"), (Account(id="602", site_ids=("9",)), "globex")])
BY_NAME = Accounts([(Account(name="Acme Corp"), "acme"), (Account(name="Straße AG"), "strasse")])
FIELDS = ("customer", "account")


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({"account": ACME}, "acme"),
        ({"account": {"id": 601}}, "acme"),
        ({"account": "601"}, "acme"),
        ({"account": 601}, "acme"),
        ({"account": " 601\n"}, "acme"),
        ({"account": [ACME]}, "acme"),
        ({"customer": None, "account": ACME}, "acme"),
        ({"customer": {}, "account": ACME}, "acme"),
        ({"customer": ACME, "account": {"id": 601}}, "acme"),
        ({"customer": {"id": "601", "name": "Acme Corp"}, "account": "Acme Corp"}, "acme"),
        ({"account": {"id": "601", "name": "Globex"}}, "acme"),
        ({}, None),
        ({"account": None}, None),
        ({"account": {"id": None, "name": "Acme Corp"}}, None),
        ({"account": "Acme Corp"}, None),
        ({"account": "0601"}, None),
        ({"account": "6 01"}, None),
        ({"account": "\uff16\uff10\uff11"}, None),
        ({"account": 601.0}, None),
        ({"account": True}, None),
        ({"account": {"account": ACME}}, None),
        ({"account": [ACME, GLOBEX]}, None),
        ({"account": [ACME, ACME]}, "acme"),
        ({"account": [ACME, [GLOBEX]]}, None),
        ({"account": [ACME, {"ref": "602"}]}, None),
        ({"account": [[ACME]]}, None),
        ({"customer": ACME, "account": GLOBEX}, None),
        ({"customer": {"ref": "602"}, "account": ACME}, None),
        ({"customer": [GLOBEX, ACME], "account": ACME}, None),
        ({"customer": True, "account": ACME}, None),
    ],
)
def test_a_ticket_is_of_the_one_account_that_it_names(fields: dict[str, Any], owner: str | None) -> None:
    assert BY_ID.find(parse_ticket({"id": "1", **fields}, account_fields=FIELDS).account) == owner


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("Acme Corp", "acme"),
        ("  Acme \t Corp\n", "acme"),
        ("Stra\u00dfe AG", "strasse"),
        ("Strasse AG", None),
        ("ACME CORP", None),
        ("\u0410cme Corp", None),  # a Cyrillic A
        ("Acme\u200b Corp", None),
        ("Acme\x00 Corp", None),
        ("Acme Corp\ud800", None),
        ("Acme Corp Holding", None),
    ],
)
def test_an_account_without_an_id_is_found_by_exactly_its_name(name: str, owner: str | None) -> None:
    assert BY_NAME.find(AccountRef.parse({"id": "7", "name": name})) == owner
    assert BY_NAME.find(AccountRef.parse(name)) == owner


def test_one_name_in_two_unicode_forms_is_one_name() -> None:
    accounts = Accounts([(Account(name="M\u00fcller"), "mueller")])
    assert accounts.find(AccountRef.parse({"name": "Mu\u0308ller"})) == "mueller"
    assert not Account(name="M\u00fcller").can_be_told_apart(Account(name="MU\u0308LLER"))
    assert not Account(name="Stra\u00dfe").can_be_told_apart(Account(name="STRASSE"))


def test_a_name_that_is_cut_is_not_another_name() -> None:
    name = "x" * 200
    assert Accounts([(Account(name=name), "acme")]).find(AccountRef.parse({"name": name + " Holding"})) is None


def test_blanks_around_an_id_tell_no_accounts_apart() -> None:
    assert not Account(id="601").can_be_told_apart(Account(id=" 601 "))
    assert Accounts([(Account(id=" 601\t"), "acme")]).find(AccountRef("601")) == "acme"


def test_accounts_that_share_a_site_cannot_be_told_apart() -> None:
    assert not Account(id="601", site_ids=("5", "6")).can_be_told_apart(Account(id="602", site_ids=(" 6 ",)))
    assert Account(id="601", site_ids=("5",)).can_be_told_apart(Account(id="602", site_ids=("6",)))


@pytest.mark.parametrize("shared_with_all", ["drop", "all"])
@pytest.mark.parametrize(
    ("fields", "owners"),
    [
        ({"accounts": [ACME]}, ["acme"]),
        ({"accounts": [ACME, GLOBEX]}, ["acme", "globex"]),
        ({"accounts": [GLOBEX, {"ref": "601"}]}, ["globex"]),
        ({"account": ACME}, ["acme"]),
        ({"accounts": [{"id": "603"}]}, []),
        ({"accounts": [{"account": ACME}]}, []),
        ({"accounts": {"601": "Acme Corp"}}, []),
        ({"accounts": "601,602"}, []),
        ({"accounts": 3.5}, []),
        ({"accounts": [], "account": {"ref": "602"}}, []),
        ({"accounts": True}, []),
        ({}, None),
        ({"accounts": []}, None),
        ({"accounts": None, "account": ""}, None),
        ({"accounts": [{"id": None}]}, None),
    ],
)
def test_an_article_goes_to_whom_it_names_and_to_all_only_if_it_names_none(
    fields: dict[str, Any], owners: list[str] | None, shared_with_all: Any
) -> None:
    article = parse_article({"id": "1", "title": "a", **fields}, account_fields=("account",))
    wanted = owners if owners is not None else ["acme", "globex"] if shared_with_all == "all" else []
    assert BY_ID.of_article(article, an_instance(articles_without_account=shared_with_all)) == wanted


@pytest.mark.parametrize(
    ("fields", "owner"),
    [
        ({"account": ACME}, "acme"),
        ({"account": ACME, "site": {"id": "9"}}, "acme"),
        ({"site": {"id": 9}}, "globex"),
        ({"site": {"id": "9", "account": ACME}}, "acme"),
        ({"site": {"name": "9"}}, None),
        ({"site": "9"}, None),
        ({"account": ACME, "site": {"id": "1", "account": GLOBEX}}, None),
        ({"account": [ACME, GLOBEX], "site": {"id": "9"}}, None),
        ({"account": {"ref": "601"}, "site": {"id": "9"}}, None),
        ({"account": {"id": "603"}, "site": {"id": "9"}}, None),
    ],
)
def test_an_asset_goes_by_its_site_only_if_it_names_no_account(fields: dict[str, Any], owner: str | None) -> None:
    asset = parse_asset({"id": "1", "name": "a", **fields}, account_fields=("account",))
    assert BY_ID.of_asset(asset) == owner
