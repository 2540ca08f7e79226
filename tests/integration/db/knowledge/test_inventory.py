from __future__ import annotations

from ipaddress import ip_address

import pytest

from app.core.asset import Addresses, Asset, find_addresses
from app.core.source import Source, SourceKind
from app.core.tenant import Tenant
from app.db.knowledge.inventory import InventorySearch
from app.db.knowledge.store import upsert_assets
from app.db.session import Database
from tests.builders import a_tenant

FILE_SERVER = Asset(
    id="801",
    name="File server 1",
    hostname="srv-file01.acme.example",
    addresses=(ip_address("10.20.1.15"), ip_address("2001:db8:40:12::25")),
    role="file server",
    location="Plant North",
)
ASSETS = (
    FILE_SERVER,
    Asset(id="802", name="srv-print01", role="print server", addresses=(ip_address("10.20.1.25"),)),
    Asset(id="803", name="Other domain", hostname="srv-sql01.other.example"),
    Asset(id="814", name="NB-0231", hostname="nb-0231", owner="Ines Barros", role="notebook"),
    Asset(id="815", name="NB-0244", hostname="nb-0244", owner="Weber, Jonas"),
    Asset(id="816", name="NB-0250", hostname="nb-0250", owner="Karin Wolff"),
    Asset(id="817", name="NB-0251", hostname="nb-0251", owner="Klaus Wolff"),
    Asset(id="818", name="NB-0260", hostname="nb-0260", owner="d.conti@acme.example"),
)


def page_of(asset_id: str) -> str:
    return f"https://sdp.acme.example/ViewWSDetails.do?wsId={asset_id}"


@pytest.fixture(scope="module")
async def tenant(worker_db: Database) -> Tenant:
    tenant = a_tenant()
    async with worker_db.as_tenant(tenant.id) as session:
        await upsert_assets(session, tenant.id, ASSETS)
    return tenant


async def find(
    database: Database, tenant: Tenant, text: str = "", *, requester: str = "", limit: int = 5
) -> list[Source]:
    return await InventorySearch(database, tenant, asset_url=page_of).assets(
        find_addresses(text), requester=requester, limit=limit
    )


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("10.20.1.15 is slow", ["801"]),
        ("can't reach 2001:DB8:40:12:0:0:0:25 any more", ["801"]),
        ("::ffff:10.20.1.25 too", ["802"]),
        ("SRV-FILE01 is slow", ["801"]),
        ("srv-file01.acme.example is slow", ["801"]),
        ("srv-file01.other.example is slow", []),
        ("srv-print01.acme.example is slow", ["802"]),
        ("srv-sql01 is down", ["803"]),
        ("srv-sql01.acme.example is down", []),
        ("first srv-print01, then 10.20.1.15 and srv-file01", ["801", "802"]),
        ("10.20.1.1 and 10.20.1.150 and srv-file011", []),
        ("nothing named", []),
    ],
    ids=lambda value: value[:28] if isinstance(value, str) else "",
)
async def test_a_machine_is_found_by_what_it_is_called(
    worker_db: Database, tenant: Tenant, text: str, ids: list[str]
) -> None:
    assert [source.id for source in await find(worker_db, tenant, text)] == ids


@pytest.mark.parametrize(
    ("requester", "ids"),
    [
        ("Ines Barros", ["814"]),
        ("ines barros <i.barros@acme.example>", ["814"]),
        ("i.barros@acme.example", ["814"]),
        ("ines.barros@acme.example", ["814"]),
        ("j.weber@acme.example", ["815"]),
        ("k.wolff@acme.example", []),
        ("karin.wolff@acme.example", ["816"]),
        ("D.Conti@acme.example", ["818"]),
        ("d.conti@other.example", []),
        ("Barros", []),
        ("x.barros@acme.example", []),
        ("@", []),
        ("", []),
    ],
)
async def test_a_requester_is_one_person_or_nobody(
    worker_db: Database, tenant: Tenant, requester: str, ids: list[str]
) -> None:
    assert [source.id for source in await find(worker_db, tenant, requester=requester)] == ids


async def test_named_machines_come_before_the_requesters_own_and_none_twice(
    worker_db: Database, tenant: Tenant
) -> None:
    found = await find(worker_db, tenant, "nb-0231 can't reach srv-file01", requester="Ines Barros")

    assert [source.id for source in found] == ["814", "801"]
    assert [source.id for source in await find(worker_db, tenant, "srv-file01", requester="Ines Barros")] == [
        "801",
        "814",
    ]
    assert len(await find(worker_db, tenant, "srv-file01", requester="Ines Barros", limit=1)) == 1


async def test_an_asset_is_told_in_one_line(worker_db: Database, tenant: Tenant) -> None:
    (source,) = await find(worker_db, tenant, "srv-file01")

    assert source.kind is SourceKind.ASSET
    assert source.title == "File server 1"
    assert source.text == (
        "file server; Plant North; srv-file01.acme.example; addresses: 10.20.1.15, 2001:db8:40:12::25"
    )


async def test_an_asset_that_moved_is_found_at_its_new_address_alone(worker_db: Database) -> None:
    tenant = a_tenant()
    for addresses in ("10.0.0.1", "10.0.0.2"):
        moved = FILE_SERVER.model_copy(
            update={"addresses": (ip_address(addresses),), "hostname": f"srv-{addresses[-1]}"}
        )
        async with worker_db.as_tenant(tenant.id) as session:
            await upsert_assets(session, tenant.id, [moved])

    assert await find(worker_db, tenant, "10.0.0.1 srv-1") == []
    assert [source.id for source in await find(worker_db, tenant, "10.0.0.2")] == ["801"]
    assert [source.id for source in await find(worker_db, tenant, "srv-2")] == ["801"]


async def test_an_address_is_each_tenants_own(worker_db: Database, tenant: Tenant) -> None:
    addresses = Addresses(ips=(ip_address("10.20.1.15"),), hostnames=("srv-file01",))

    assert (
        await InventorySearch(worker_db, a_tenant(), asset_url=page_of).assets(
            addresses, requester="Ines Barros", limit=5
        )
        == []
    )
    assert await InventorySearch(worker_db, tenant, asset_url=page_of).assets(addresses, requester="", limit=5)


async def test_an_asset_has_its_page(worker_db: Database, tenant: Tenant) -> None:
    [source] = await find(worker_db, tenant, "SRV-FILE01 is slow")
    assert source.url == "https://sdp.acme.example/ViewWSDetails.do?wsId=801"
