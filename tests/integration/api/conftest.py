"""The API in this process, on real PostgreSQL and Valkey, with three tenants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.api.app import Api, open_api
from app.core.tenant import Instance, Tenant
from app.settings import ApiSettings
from demo.embedded import DatabaseUrls, ValkeyServer
from tests.builders import a_tenant, an_account, an_instance, write_instance, write_tenant


@dataclass
class Tenants:
    """Signs with `current`, and with `previous` while it rotates."""

    acme: Tenant
    northwind: Tenant
    bluebird: Tenant
    suspended: Tenant
    rotating: Tenant
    instance: Instance
    """A shared help desk whose accounts are `globex` (602) and `dormant` (603, suspended)."""
    by_token: Instance
    globex: Tenant
    folder: Path


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Tenants:
    folder = tmp_path_factory.mktemp("tenants")
    instance = an_instance()
    every = Tenants(
        acme=a_tenant("acme"),
        northwind=a_tenant("northwind"),
        bluebird=a_tenant("bluebird", webhook={"auth": "token"}),
        suspended=a_tenant("suspended", status="suspended"),
        rotating=a_tenant("rotating"),
        instance=instance,
        by_token=an_instance("by-token", webhook={"auth": "token"}),
        globex=an_account(instance, "globex", {"id": "602", "name": "Globex"}),
        folder=folder,
    )
    write_instance(folder, every.instance, webhook_secret="instance-secret")
    write_instance(folder, every.by_token, webhook_secret="instance-token-0001")
    write_tenant(folder, every.globex)
    write_tenant(
        folder, an_account(instance, "dormant", {"id": "603"}, status="suspended"), webhook_secret="dormant-secret"
    )
    for name, token in (("twin-one", "0003"), ("twin-two", "0002")):
        twin = an_instance(name, webhook={"auth": "token"})
        write_instance(
            folder, twin, webhook_secret=f"instance-token-{token}", webhook_secret_previous="instance-token-0002"
        )
    write_tenant(folder, every.acme, webhook_secret="acme-current", webhook_secret_previous="acme-previous")
    write_tenant(folder, every.northwind, webhook_secret="whsec_bm9ydGh3aW5kLXNlY3JldC0wMDAx")
    write_tenant(folder, every.bluebird, webhook_secret="bluebird-token-0001")
    write_tenant(folder, every.suspended, webhook_secret="suspended-secret")
    write_tenant(folder, every.rotating, webhook_secret="first")
    return every


@pytest.fixture(scope="module")
def settings(urls: DatabaseUrls, valkey: ValkeyServer, tenants: Tenants) -> ApiSettings:
    return ApiSettings.model_validate(
        {
            "database_url": urls.intake,
            "redis_url": valkey.url,
            "tenants_dir": tenants.folder / "files",
            "tenant_secrets_dir": tenants.folder / "secrets",
        }
    )


@pytest.fixture(scope="module")
async def api(settings: ApiSettings) -> AsyncIterator[Api]:
    async with open_api(settings) as api:
        yield api


@pytest.fixture(scope="module")
async def client(api: Api) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=api.asgi, raise_app_exceptions=False)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        async with asyncio.timeout(30):
            while (await client.get("/health/ready")).status_code != 200:
                await asyncio.sleep(0.02)
        yield client
