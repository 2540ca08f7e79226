"""The sample tenants of the demo are well-formed, and name nobody and nothing real."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

import demo
from app.core.delivery import parse_time
from app.simulator.samples import load_portals
from app.tenants import TenantDirectory

DATA = Path(demo.__file__).parent / "data"
SLUGS = ("acme", "bluebird", "northwind")
DOCUMENTATION = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def read(slug: str, name: str) -> Any:
    return yaml.safe_load((DATA / slug / f"{name}.yaml").read_text("utf-8"))


def tickets_of(slug: str, *, is_open: bool) -> list[dict[str, Any]]:
    return [ticket for ticket in read(slug, "tickets") if ("resolution" not in ticket) is is_open]


def test_the_simulator_takes_them() -> None:
    portals = {portal.slug: portal for portal in load_portals(DATA)}
    assert set(portals) == {"acme", "initech", "msp"}
    assert portals["msp"].accounts == {
        "601": "Northwind Logistics",
        "602": "Bluebird Zahnkliniken",
        "603": "Globex Logistics",
    }
    assert {ticket.account for ticket in portals["msp"].tickets.values()} == {"601", "602", "603"}


def test_one_tenant_has_a_help_desk_of_its_own_and_two_share_one(tmp_path: Path) -> None:
    for path in DATA.glob("*/*.yaml"):
        if path.stem in {"tenant", "instance"}:
            folder = tmp_path / "instances" if path.stem == "instance" else tmp_path
            folder.mkdir(exist_ok=True)
            text = path.read_text("utf-8").replace("{url}", f"http://127.0.0.1:1/{path.parent.name}")
            (folder / f"{path.parent.name}.yaml").write_text(text.replace("{accounts_url}", "http://127.0.0.1:1"))
    tenants = TenantDirectory(tmp_path, tmp_path / "secrets")
    assert tenants.refresh() == []
    assert [known.tenant.slug for known in tenants] == ["acme", "bluebird", "msp", "northwind"]
    portals = {portal.slug: portal for portal in load_portals(DATA)}
    for known in tenants:
        options = known.tenant.servicedesk
        portal = portals[options.instance or known.tenant.slug]
        told = (options.edition, options.technician, options.note_key)
        assert told == (portal.edition, portal.technician, portal.note_key)
        if options.account is not None:
            assert portal.accounts[options.account.id or ""] == known.tenant.name


@pytest.mark.parametrize("slug", SLUGS)
def test_resolved_tickets_say_when_and_how(slug: str) -> None:
    resolved = tickets_of(slug, is_open=False)
    assert 25 <= len(resolved) <= 40
    for ticket in resolved:
        created, ended = parse_time(ticket["created"]), parse_time(ticket["resolved"])
        assert created is not None
        assert ended is not None
        assert created < ended, ticket["id"]
        assert len(ticket["resolution"].split()) >= 30, ticket["id"]


def test_there_are_a_dozen_open_tickets_none_of_them_resolved() -> None:
    tickets = [ticket for slug in SLUGS for ticket in tickets_of(slug, is_open=True)]
    assert len(tickets) == 12
    assert not any("resolved" in ticket for ticket in tickets)


@pytest.mark.parametrize("slug", SLUGS)
def test_ids_are_long_numbers_and_each_is_used_once(slug: str) -> None:
    ids = [entry["id"] for name in ("tickets", "articles", "assets") for entry in read(slug, name)]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"\d{15}", known) for known in ids)


@pytest.mark.parametrize("slug", SLUGS)
def test_one_article_is_not_approved(slug: str) -> None:
    assert [article["approved"] for article in read(slug, "articles")].count(False) == 1


@pytest.mark.parametrize("slug", SLUGS)
def test_addresses_and_domains_belong_to_nobody(slug: str) -> None:
    for asset in read(slug, "assets"):
        given = asset["ip"] if isinstance(asset["ip"], list) else [asset["ip"]]
        for address in map(ip_address, given):
            assert address.is_private or any(address in net for net in DOCUMENTATION if net.version == address.version)
        assert asset["hostname"].endswith(f".{slug}.example")
    for path in (DATA / slug).glob("*.yaml"):
        text = path.read_text("utf-8")
        hosts = re.findall(r"(?:@|://)([\w.-]+\.[a-z]{2,})", text)
        assert all(host.endswith(".example") for host in hosts), (path.name, hosts)
