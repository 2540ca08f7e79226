"""A tenant's monitoring is Prometheus itself: what it answers about a machine whose disks run full."""

from __future__ import annotations

import shutil
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from app.core.asset import Addresses
from app.core.source import Source
from app.integrations.monitoring import open_prometheus as open_monitoring
from tests.builders import a_tenant
from tests.integration.prometheus import open_prometheus
from tests.integration.worker.conftest import eventually
from tests.loopback import served

NODE = """node_filesystem_avail_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 5
node_filesystem_size_bytes{device="/dev/sda1",fstype="ext4",mountpoint="/"} 100
node_filesystem_avail_bytes{device="/dev/sdb1",fstype="ext4",mountpoint="/data"} 3
node_filesystem_size_bytes{device="/dev/sdb1",fstype="ext4",mountpoint="/data"} 100
node_memory_MemAvailable_bytes 40
node_memory_MemTotal_bytes 80
node_load5 1.5
"""
RULES = {
    "name": "node",
    "rules": [
        {"alert": "DiskFull", "expr": "node_filesystem_avail_bytes < 10", "labels": {"severity": "warning"}},
        {"alert": "NoBackup", "expr": "up == 1", "labels": {"severity": "Critical"}},
    ],
}


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="Prometheus is not installed (make test-machine)")
async def test_a_machine_has_a_source_for_each_alert_and_one_of_readings(tmp_path: Path) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=NODE)

    async with (
        served(web.get("/metrics", metrics)) as url,
        open_prometheus(tmp_path, [RULES], node=int(URL(url).port or 0)) as prometheus,
        open_monitoring(
            a_tenant(
                servicedesk={"url": "http://127.0.0.1:1", "allow_private_address": True},
                monitoring={"prometheus_url": prometheus.url},
            )
        ) as monitoring,
    ):
        sources: list[Source] = []

        async def is_firing() -> bool:
            nonlocal sources
            sources = await monitoring.measurements(Addresses(ips=(ip_address("127.0.0.1"),)), limit=3)
            return len(sources) == 3

        await eventually(is_firing, limit_s=60)
    critical, warning, readings = sources
    assert critical.title == "127.0.0.1: NoBackup firing"
    assert warning.title == "127.0.0.1: DiskFull firing"
    assert "is firing now, 2 times: device /dev/sda1" in warning.text
    assert "mountpoint /data" in warning.text
    assert readings.text == ("Now: up; 3 % of disk free on /data; 50 % of memory available; load over 5 minutes 1.50.")
    assert len({source.id for source in sources}) == 3
