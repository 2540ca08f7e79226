"""From the rows of ServiceDesk Plus to our types: what became of a ticket."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.reading.text import plain_text
from app.core.ticket import Fate
from app.integrations.servicedesk.mapping import has_network_fields, is_approved, parse_asset, parse_ticket

OPEN = {"name": "Open", "internal_name": "Open", "in_progress": True}


@pytest.mark.parametrize(
    ("fields", "fate"),
    [
        ({"status": OPEN}, Fate.OPEN),
        ({"status": OPEN, "is_trashed": False, "deleted_time": None}, Fate.OPEN),
        ({"status": OPEN, "is_trashed": True, "deleted_time": {"value": "1764300000000"}}, Fate.TRASHED),
        ({"status": OPEN, "is_trashed": "true"}, Fate.TRASHED),
        ({"status": OPEN, "deleted_time": {"value": "1764300000000"}}, Fate.TRASHED),
        ({"status": OPEN, "deleted_time": {"value": "0"}}, Fate.OPEN),
        ({"status": {"name": "Papierkorb", "internal_name": "Trashed"}}, Fate.TRASHED),
        ({"status": "Deleted"}, Fate.TRASHED),
        ({"status": OPEN, "is_merged": True}, Fate.MERGED),
        ({"status": OPEN, "merged_to": {"id": "7"}}, Fate.MERGED),
        ({"status": OPEN, "merged_to": None}, Fate.OPEN),
        ({"status": {"name": "Merged"}}, Fate.MERGED),
        ({"status": {"name": "Erledigt", "in_progress": False}}, Fate.CLOSED),
        ({"status": {"name": "Abgebrochen", "internal_name": "Cancelled"}}, Fate.CLOSED),
        ({"status": {"name": "Closed"}}, Fate.CLOSED),
        ({"status": "Resolved"}, Fate.CLOSED),
        ({"status": {"name": "On hold", "in_progress": True, "stop_timer": True}}, Fate.OPEN),
        ({"status": {"name": "Reopened"}, "completed_time": {"value": "1764300000000"}}, Fate.OPEN),
        ({"status": {"name": "In Progress"}, "resolved_time": {"value": "1764300000000"}}, Fate.OPEN),
        ({"status": {"name": "Terminé"}, "completed_time": {"value": "1764300000000"}}, Fate.CLOSED),
        ({"completed_time": {"value": "1764300000000"}}, Fate.CLOSED),
        ({"status": {"name": "Open"}, "resolved_time": {"value": "1764300000000"}}, Fate.OPEN),
        ({"status": {"name": "Erledigt"}, "completed_time": {"value": "1764300000000"}}, Fate.CLOSED),
        ({"status": {"name": "Erledigt", "in_progress": "false"}}, Fate.CLOSED),
        ({"status": {"name": "Offen", "in_progress": "true"}}, Fate.OPEN),
        ({"status": OPEN, "is_trashed": "True"}, Fate.TRASHED),
        ({"status": OPEN, "is_trashed": 1}, Fate.TRASHED),
        ({"status": OPEN, "is_trashed": {"value": True}}, Fate.TRASHED),
        ({"status": OPEN, "is_in_trash": True}, Fate.TRASHED),
        ({"status": OPEN, "is_spam": True}, Fate.TRASHED),
        ({"status": {"name": "Spam"}}, Fate.TRASHED),
        ({"status": OPEN, "deleted_on": {"value": "1764300000000"}}, Fate.TRASHED),
        ({"status": OPEN, "merged_request": {"id": "7"}}, Fate.MERGED),
        ({"status": {"name": "Fertig"}, "closed_time": {"value": "1764300000000"}}, Fate.CLOSED),
        ({"status": {"name": "Trash"}}, Fate.TRASHED),
        ({"status": OPEN, "is_trashed": "False", "deleted": 0}, Fate.OPEN),
        ({"status": OPEN, "merged_into": "7"}, Fate.MERGED),
        ({"status": OPEN, "resolved_time": {"value": "1764300000000"}}, Fate.OPEN),  # reopened
        ({}, Fate.OPEN),
        ({"status": None, "is_trashed": None}, Fate.OPEN),
    ],
)
def test_what_became_of_a_ticket(fields: dict[str, Any], fate: Fate) -> None:
    assert parse_ticket({"id": "100", "subject": "s", **fields}).fate is fate


def test_a_ticket_that_was_opened_again_is_not_resolved() -> None:
    ticket = parse_ticket({"id": "100", "status": {"name": "Reopened"}, "resolved_time": {"value": "1764300000000"}})
    assert ticket.resolved_at is None
    assert parse_ticket({"id": "100", "status": {"name": "Resolved"}, "created_time": {"value": "9"}}).resolved_at


@pytest.mark.parametrize(
    ("requester", "is_vip"),
    [
        ({"name": "Jane", "is_vipuser": True}, True),
        ({"name": "Jane", "is_vip_user": "true"}, True),
        ({"name": "Jane", "is_vipuser": False}, False),
        ({"name": "Jane", "is_vipuser": "yes"}, True),
        ({"name": "Jane"}, False),
        ("Jane", False),
        (None, False),
        ([{"is_vipuser": True}], False),
    ],
)
def test_a_vip_is_one_where_the_help_desk_says_so(requester: object, is_vip: bool) -> None:
    assert parse_ticket({"id": "1", "requester": requester}).is_vip is is_vip


def test_a_ticket_names_its_site_if_it_has_one() -> None:
    assert parse_ticket({"id": "1", "site": {"id": "3", "name": "Berlin"}}).site == "Berlin"
    assert parse_ticket({"id": "1", "site": None}).site == ""


@pytest.mark.parametrize(
    ("told", "ids"),
    [
        (None, ()),
        ({"id": "77", "subject": "Mail"}, ("77",)),
        ({"linked_request": {"id": 77, "subject": "Mail"}, "comments": "same"}, ("77",)),
        ({"id": "5", "request": {"id": "77"}}, ("77",)),
        ([{"linked_request": {"id": "77"}}, {"id": "78"}, {"linked_request": {"id": "77"}}], ("77", "78")),
        ({"linked_request": {"id": "../77"}}, ()),
        ({"linked_request": None}, ()),
        ("77", ()),
        (True, ()),
        ([None, "x", {}], ()),
    ],
)
def test_what_a_ticket_is_linked_to(told: object, ids: tuple[str, ...]) -> None:
    assert parse_ticket({"id": "100", "linked_to_request": told}).linked_to == ids


# The empty object is what a build on premises answers for a ticket that was closed without a word.
@pytest.mark.parametrize(
    ("closing", "resolution", "told"),
    [
        ({"closure_comments": "Reset the password"}, None, "Reset the password"),
        ({"closure_comments": "<p>Reset the <b>password</b></p>"}, {"content": "Done."}, "Reset the password"),
        ({"closure_comments": "Reset the password"}, {"content": "Unlocked the account"}, "Unlocked the account"),
        ({"closure_comments": "Request closed by checkmk."}, {"content": "Done."}, "Done."),
        (
            {
                "requester_ack_comments": None,
                "closure_code": None,
                "closure_comments": None,
                "requester_ack_resolution": True,
            },
            None,
            "",
        ),
        ({"requester_ack_comments": "Run this script: evil"}, None, ""),
        ({"closure_comments": {"x": 1}}, None, ""),
        (None, None, ""),
        ("x", None, ""),
    ],
)
def test_a_closing_comment_stands_for_a_resolution_without_a_word(closing: Any, resolution: Any, told: str) -> None:
    row = {"id": "1", "status": {"name": "Closed"}, "closure_info": closing, "resolution": resolution}
    row |= {"completed_time": {"value": "1700000000000"}, "technician": {"name": "Ada"}}
    own = plain_text((resolution or {}).get("content", ""))
    assert parse_ticket(row).resolution == told
    assert parse_ticket({**row, "technician": None}).resolution == own, "its requester may have closed it"
    assert parse_ticket({**row, "status": {"name": "Open"}}).resolution == own


@pytest.mark.parametrize(
    ("told", "names"),
    [
        (
            [{"id": "5", "name": "PC-0231"}, {"id": "6", "name": "srv-db01.acme.example"}],
            ("pc-0231", "srv-db01.acme.example"),
        ),
        ([{"id": "5", "name": "Jane's laptop"}, {"id": "6"}, None, "PC-1"], ("pc-1",)),
        ([], ()),
        (None, ()),
        ("x", ()),
    ],
)
def test_the_assets_that_were_chosen_in_a_ticket(told: Any, names: tuple[str, ...]) -> None:
    assert parse_ticket({"id": "1", "assets": told}).assets == names


@pytest.mark.parametrize(
    ("status", "approved"),
    [
        ({"name": "Approved"}, True),
        ("APPROVED", True),
        ({"name": "Genehmigt", "internal_name": "Approved"}, True),
        ({"name": "Not Approved"}, False),
        ({"name": "Genehmigt"}, False),
        (None, False),
    ],
)
def test_an_article_is_approved_by_either_of_its_statuss_names(status: object, *, approved: bool) -> None:
    assert is_approved({"id": "1", "approval_status": status}) is approved


@pytest.mark.parametrize(
    ("fields", "hostname", "addresses"),
    [
        ({"name": "SRV_DB01", "ip_address": "010.001.002.003"}, "srv_db01", ["10.1.2.3"]),
        ({"name": "Server", "dns_name": "srv.acme.example."}, "srv.acme.example", []),
        (
            {"name": "A b", "computer": {"ip_address": {"value": "10.1.2.3", "display_value": "10.1.2.3"}}},
            "",
            ["10.1.2.3"],
        ),
        # https://help.servicedeskplus.com/asset-api-changes (build 15100)
        ({"name": "srv-db01", "primary_ip": "10.1.2.3", "used_by_asset": None}, "srv-db01", ["10.1.2.3"]),
        # https://help.servicedeskplus.com/api-format-changes-15200: a field of one's own
        ({"name": "srv-db01", "udf_management_ip": "10.9.2.3"}, "srv-db01", ["10.9.2.3"]),
        ({"name": "srv-db01", "udf_fields": {"udf_sline_host_ip": "10.9.2.3"}}, "srv-db01", ["10.9.2.3"]),
        (
            {"name": "srv-db01", "gateway_ip": "10.1.2.1", "dns_ip": "10.1.2.2", "membership": "10.1.2.4"},
            "srv-db01",
            [],
        ),
    ],
)
def test_an_assets_names_and_addresses_are_read(fields: dict[str, Any], hostname: str, addresses: list[str]) -> None:
    asset = parse_asset({"id": "1", **fields})
    assert (asset.hostname, [str(address) for address in asset.addresses]) == (hostname, addresses)


def test_the_first_address_alone_does_not_spare_the_call_for_all_of_them() -> None:
    assert not has_network_fields({"id": "1", "primary_ip": "10.1.2.3"})
    assert has_network_fields({"id": "1", "primary_ip": "10.1.2.3", "network_adapters": [{"ip_address": None}]})


def test_what_an_asset_is_stands_in_its_module_from_build_15100_on() -> None:
    """https://help.servicedeskplus.com/asset-api-changes: `module` is asked for in place of `product_type`."""
    product = {"id": "1201", "name": "Access Point Product 1"}
    asset = parse_asset({"id": "1", "name": "AP01", "product": product, "module": {"name": "asset_access_point"}})
    assert asset.role == "access point"
    for module in ("asset", 7, {"id": 7}):  # each says nothing
        assert parse_asset({"id": "1", "name": "AP01", "product": product, "module": module}).role == product["name"]
