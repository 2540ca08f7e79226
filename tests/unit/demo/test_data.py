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
from app.core.tenant import Tenant
from app.simulator.samples import load_portals

DATA = Path(demo.__file__).parent / "data"
SLUGS = ("acme", "bluebird", "northwind")
DOCUMENTATION = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")]


def read(slug: str, name: str) -> Any:
    return yaml.safe_load((DATA / slug / f"{name}.yaml").read_text("utf-8"))


def tickets_of(slug: str, *, is_open: bool) -> list[dict[str, Any]]:
    return [ticket for ticket in read(slug, "tickets") if ("resolution" not in ticket) is is_open]


def test_the_simulator_takes_them() -> None:
    assert [portal.slug for portal in load_portals(DATA)] == list(SLUGS)


@pytest.mark.parametrize("slug", SLUGS)
def test_a_tenants_file_is_valid_and_fits_its_portal(slug: str) -> None:
    text = (DATA / slug / "tenant.yaml").read_text("utf-8")
    text = text.replace("{url}", "http://127.0.0.1:1").replace("{accounts_url}", "http://127.0.0.1:1")
    tenant = Tenant.model_validate(yaml.safe_load(text))
    portal = read(slug, "portal")
    told = (tenant.slug, tenant.name, tenant.servicedesk.edition, tenant.servicedesk.technician)
    assert told == (slug, portal["name"], portal["edition"], portal["technician"])
    assert tenant.servicedesk.note_key == portal["note_key"]
    assert tenant.servicedesk.allow_private_address


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
