"""A tenant's monitoring is Prometheus itself: what it answers about a machine whose disks run full."""

from __future__ import annotations

import re
import shutil
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import web
from yarl import URL

from app.core.asset import Addresses
from app.core.source import Source
from app.core.tenant import Tenant
from app.errors import MonitoringUnavailable
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
node_boot_time_seconds 1
"""
DISKS = """windows_logical_disk_free_bytes{volume="C:"} 4.2e+09
windows_logical_disk_free_bytes{volume="D:"} 9e+11
windows_logical_disk_free_bytes{volume="HarddiskVolume3"} 1e+06
windows_logical_disk_size_bytes{volume="C:"} 1.2e+11
windows_logical_disk_size_bytes{volume="D:"} 1e+12
windows_logical_disk_size_bytes{volume="HarddiskVolume3"} 1e+08
windows_cpu_time_total{core="0,0",mode="idle"} 100
windows_cpu_time_total{core="0,0",mode="user"} 900
"""
SERVICES = """windows_service_start_mode{name="Spooler",start_mode="auto"} 1
windows_service_start_mode{name="Spooler",start_mode="manual"} 0
windows_service_start_mode{name="Themes",start_mode="auto"} 1
windows_service_start_mode{name="Fax",start_mode="auto"} 0
windows_service_start_mode{name="Fax",start_mode="manual"} 1
windows_service_state{name="Spooler",state="running"} 0
windows_service_state{name="Spooler",state="stopped"} 1
windows_service_state{name="Themes",state="running"} 1
windows_service_state{name="Themes",state="stopped"} 0
windows_service_state{name="Fax",state="stopped"} 1
"""
WINDOWS = {
    "0.31": DISKS
    + SERVICES
    + """windows_memory_available_bytes 4e+09
windows_memory_physical_free_bytes 4e+09
windows_memory_physical_total_bytes 1.6e+10
windows_system_boot_time_timestamp 1
""",
    "0.24": DISKS
    + SERVICES
    + """windows_os_physical_memory_free_bytes 4e+09
windows_os_visible_memory_bytes 1.6e+10
windows_cs_physical_memory_bytes 1.7e+10
windows_system_system_up_time 1
""",
}
"""As windows_exporter shows a file server whose spooler has ended, in names of two releases (docs/collector.*.md there)."""
RULES = {
    "name": "node",
    "rules": [
        {"alert": "DiskFull", "expr": "node_filesystem_avail_bytes < 10", "labels": {"severity": "warning"}},
        {"alert": "NoBackup", "expr": "up == 1", "labels": {"severity": "Critical"}},
    ],
}

PROBE = """probe_success{instance="https://intranet.acme.local/login",job="web"} 0
up{instance="https://intranet.acme.local/login",job="web"} 1
up{instance="intranet.acme.local:9100",job="node"} 1
up{instance="notintranet.acme.local",job="node"} 0
"""

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="Prometheus is not installed (make test-machine)"
)


def watched_by(url: str, **login: str) -> Tenant:
    return a_tenant(
        servicedesk={"url": "http://127.0.0.1:1", "allow_private_address": True},
        monitoring={"prometheus_url": url, **login},
    )


@needs_prometheus
async def test_what_a_probe_found_counts_before_its_exporter_which_is_up(tmp_path: Path) -> None:
    """As blackbox_exporter 0.23 is scraped, with the probed address as the instance."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=PROBE)

    async with (
        served(web.get("/metrics", metrics)) as url,
        open_prometheus(tmp_path, [], "node", node=int(URL(url).port or 0)) as prometheus,
        open_monitoring(watched_by(prometheus.url), None) as monitoring,
    ):
        sources: list[Source] = []

        async def is_seen() -> bool:
            nonlocal sources
            sources = await monitoring.measurements(Addresses(hostnames=("INTRANET",)), limit=5)
            return bool(sources)

        await eventually(is_seen, limit_s=60)
    assert [(source.title, source.text) for source in sources] == [
        ("https://intranet.acme.local/login: down", "Now: down (no answer to web)."),
        ("intranet.acme.local: up", "Now: up."),
    ]


@needs_prometheus
@pytest.mark.parametrize("release", WINDOWS)
async def test_a_windows_machine_tells_its_disk_memory_cpu_start_and_stopped_services(
    tmp_path: Path, release: str
) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=WINDOWS[release])

    async with (
        served(web.get("/metrics", metrics)) as url,
        open_prometheus(tmp_path, [], windows=int(URL(url).port or 0)) as prometheus,
        open_monitoring(watched_by(prometheus.url), None) as monitoring,
    ):
        sources: list[Source] = []

        async def has_two_scrapes() -> bool:
            nonlocal sources
            sources = await monitoring.measurements(Addresses(ips=(ip_address("127.0.0.1"),)), limit=3)
            return any("CPU" in source.text for source in sources)

        await eventually(has_two_scrapes, limit_s=60)
    (machine,) = sources
    told = re.sub(r"[0-9.]+ days", "… days", machine.text)
    assert told == (
        "Now: up; 4 % of disk free on C:; 25 % of memory available; CPU 100 % busy over 5 minutes; started … days ago;"
        " automatic services that are stopped: Spooler."
    )


@needs_prometheus
async def test_a_machine_has_a_source_for_each_alert_and_one_of_readings(tmp_path: Path) -> None:
    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=NODE)

    async with (
        served(web.get("/metrics", metrics)) as url,
        open_prometheus(tmp_path, [RULES], node=int(URL(url).port or 0)) as prometheus,
        open_monitoring(watched_by(prometheus.url), None) as monitoring,
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
    assert readings.text.startswith(
        "Now: up; 3 % of disk free on /data; 50 % of memory available; load over 5 minutes 1.50; started 2"
    )
    assert len({source.id for source in sources}) == 3


LOGINS = [
    ({"auth": "bearer"}, "glsa_1", {"Authorization": "Bearer glsa_1"}),
    ({"auth": "basic"}, "ops:pa55", {"Authorization": "Basic b3BzOnBhNTU="}),
    ({"auth": "header", "header": "X-Scope-OrgID"}, "acme", {"X-Scope-OrgID": "acme"}),
]


@pytest.mark.parametrize(("login", "token", "sent"), LOGINS)
async def test_a_prometheus_behind_a_login_gets_the_tenants_secret(
    login: dict[str, str], token: str, sent: dict[str, str]
) -> None:
    """Hosted ones want a name and a token by HTTP's basic login, Mimir a header that names the client."""

    async def query(request: web.Request) -> web.Response:
        if not sent.items() <= dict(request.headers).items():
            return web.Response(status=401, text="Unauthorized")
        return web.json_response({"data": {"result": [{"metric": {}, "value": [0, "12"]}]}})

    async with served(web.post("/api/v1/query", query)) as url:
        async with open_monitoring(watched_by(url, **login), token) as monitoring:
            assert await monitoring.look() == "Prometheus answered, with 12 targets"
        async with open_monitoring(watched_by(url, **login), "another") as monitoring:
            with pytest.raises(MonitoringUnavailable, match=r"HTTP 401: .* the secret monitoring_token"):
                await monitoring.look()
        async with open_monitoring(watched_by(url, **login), None) as monitoring:
            with pytest.raises(MonitoringUnavailable, match="monitoring_token is missing"):
                await monitoring.look()
