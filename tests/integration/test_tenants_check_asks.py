"""`ai-agents tenants check` asks a server of documentation and a Prometheus, and says what is wrong."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from app.cli import cli
from tests.builders import a_tenant, write_tenant
from tests.integration.documentation_server import Odd, a_tool, odd_server
from tests.loopback import served


async def check(folder: Path, *arguments: str) -> Result:
    variables = {"TENANTS_DIR": str(folder / "files"), "TENANT_SECRETS_DIR": str(folder / "secrets")}
    return await asyncio.to_thread(CliRunner(env=variables).invoke, cli, ["tenants", "check", *arguments])


def a_client(folder: Path, url: str, *, slug: str = "acme", **secrets: str) -> None:
    tenant = a_tenant(slug, documentation={"url": url, "tools": [{"name": "search"}]})
    write_tenant(folder, tenant, webhook_secret="a-secret-of-22-letters", api_key="key", **secrets)


async def test_a_server_that_answers_is_fine(tmp_path: Path) -> None:
    odd = Odd()
    async with odd_server(odd) as url:
        a_client(tmp_path, url, documentation_token="token")
        ways: list[list[str]] = [[], ["--as", "worker"], ["acme"]]
        for way in ways:
            told = await check(tmp_path, *way)
            assert (told.exit_code, told.stdout) == (
                0,
                "acme: fine; documentation: tool search answered with 2 documents\n",
            )
        asked = len(odd.asked)
        for process in ("api", "git"):
            told = await check(tmp_path, "--as", process)
            assert (told.exit_code, told.stdout) == (0, "acme: fine\n")
    assert len(odd.asked) == asked


async def refuses(*_: object) -> web.StreamResponse:
    return web.Response(status=401, headers={"www-authenticate": "Bearer"})


UNSAID = "does not say that it is read-only: if it is, say `read_only: true` of it in the tenant's file"


@pytest.mark.parametrize(
    ("odd", "says"),
    [
        (Odd({"initialize": refuses}), "the server refused the credential (HTTP 401): check the secret documentation_token"),
        (Odd(tools=[a_tool("find"), a_tool("write")]), "the tool search is not offered by the server (the server offers find, write)"),
        (Odd(tools=[]), "the tool search is not offered by the server (the server offers no tool)"),
        (Odd(tools=[a_tool(annotations=None)]), f"the tool search {UNSAID} (the server offers search)"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said(tmp_path: Path, odd: Odd, says: str) -> None:
    async with odd_server(odd) as url:
        a_client(tmp_path, url, documentation_token="token")
        told = await check(tmp_path)
    assert (told.exit_code, told.stdout) == (1, f"acme: documentation: {says}\n")


async def test_a_prometheus_is_asked_too(tmp_path: Path) -> None:
    async def query(request: web.Request) -> web.Response:
        if "Authorization" not in request.headers:
            return web.json_response({"data": {"result": [{"metric": {}, "value": [0, "12"]}]}})
        return web.Response(status=403)

    odd = Odd()
    async with odd_server(odd) as url, served(web.post("/api/v1/query", query)) as monitored:
        both = a_tenant(
            documentation={"url": url, "tools": [{"name": "search"}]}, monitoring={"prometheus_url": monitored}
        )
        refused = a_tenant("globex", monitoring={"prometheus_url": monitored, "auth": "bearer"})
        secrets = {"webhook_secret": "a-secret-of-22-letters", "api_key": "key"}
        write_tenant(tmp_path, both, documentation_token="token", **secrets)
        write_tenant(tmp_path, refused, monitoring_token="token", **secrets)
        told = await check(tmp_path)
    asked = "documentation: tool search answered with 2 documents; monitoring: Prometheus answered, with 12 targets"
    refusal = (
        "Prometheus answered HTTP 403: it refuses the login; check monitoring.auth and the secret monitoring_token."
    )
    assert (told.exit_code, told.stdout) == (1, f"acme: fine; {asked}\nglobex: monitoring: {refusal}\n")


async def test_a_token_that_is_missing_is_named_and_nobody_is_asked(tmp_path: Path) -> None:
    odd = Odd()
    async with odd_server(odd) as url:
        a_client(tmp_path, url)
        told = await check(tmp_path)
    assert (told.exit_code, told.stdout) == (1, "acme: secret documentation_token: is missing\n")
    assert odd.asked == []


async def test_nobody_is_there(tmp_path: Path) -> None:
    a_client(tmp_path, "http://127.0.0.1:1/mcp", documentation_token="token")
    told = await check(tmp_path)
    assert (told.exit_code, told.stdout) == (1, "acme: documentation: no connection was made\n")


@dataclass
class Slow(Odd):
    """Takes its time, and counts how many calls it has at once."""

    now: int = 0
    most: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.2)
        try:
            return await super().handle(request)
        finally:
            self.now -= 1


async def test_servers_are_asked_side_by_side_and_one_that_is_away_fails_alone(tmp_path: Path) -> None:
    slow = Slow()
    async with odd_server(slow) as url:
        for slug in ("acme", "globex", "initech"):
            a_client(tmp_path, url, slug=slug, documentation_token="token")
        a_client(tmp_path, "http://127.0.0.1:1/mcp", slug="umbra", documentation_token="token")
        told = await check(tmp_path)
    assert told.exit_code == 1
    assert told.stdout.count("fine; documentation: tool search answered with 2 documents") == 3
    assert "umbra: documentation: no connection was made" in told.stdout
    assert slow.most > 1
