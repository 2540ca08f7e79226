"""Prometheus as a process: Debian's, on loopback."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import httpx
import yaml

from demo.embedded import find_free_port
from tests.integration.worker.conftest import eventually


class Prometheus:
    """Its HTTP API."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.url = str(client.base_url)

    async def get(self, path: str, **params: str) -> Any:
        """The data of an answer; an error of the query is an error of the test."""
        answer = (await self._client.get(f"/api/v1/{path}", params=params)).json()
        assert answer["status"] == "success", (params, answer)
        return answer["data"]

    async def value(self, query: str) -> float | None:
        found = (await self.get("query", query=query))["result"]
        return float(found[0]["value"][1]) if found else None


def start(binary: str, folder: Path, *, port: int, log: BinaryIO) -> subprocess.Popen[bytes]:
    options = {
        "config.file": folder / "prometheus.yaml",
        "storage.tsdb.path": folder / "tsdb",
        "web.listen-address": f"127.0.0.1:{port}",
        "enable-feature": "exemplar-storage",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    return subprocess.Popen([binary, *words], stdout=log, stderr=log)


@asynccontextmanager
async def open_prometheus(
    folder: Path, groups: list[dict[str, Any]], *honoured: str, **targets: int
) -> AsyncIterator[Prometheus]:
    """One that scrapes *targets*, ports by job, and evaluates *groups* of rules, both every second.

    Of the jobs *honoured* a target's own labels count before those of the scrape. The jobs' names are those that the PodMonitors give: `ai-agents-` and the target's.
    """
    binary = shutil.which("prometheus")
    assert binary is not None, "whoever opens it looked"
    (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": [{**each, "interval": "1s"} for each in groups]}))
    scrapes = [
        {
            "job_name": f"ai-agents-{job}",
            "honor_labels": job in honoured,
            "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
        }
        for job, port in targets.items()
    ]
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yaml"],
        "scrape_configs": scrapes,
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = find_free_port()
    with (folder / "prometheus.log").open("wb") as log:
        child = start(binary, folder, port=port, log=log)
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:

                async def is_ready() -> bool:
                    try:
                        return (await client.get("/-/ready")).status_code == 200
                    except httpx.TransportError:
                        return False

                await eventually(is_ready, limit_s=30)
                yield Prometheus(client)
        finally:
            child.terminate()
            await asyncio.to_thread(child.wait)
