"""A tenant's Prometheus: current alerts and readings of the machines that a ticket names.

Invariant: a name from a ticket is in a query only as escaped characters of one regular expression, and a series is used
only if its `instance` label is one of the names.

Source: Prometheus HTTP API v1 (`/api/v1/query`); names of node_exporter 1.x, windows_exporter 0.13 to 0.31 (some have
changed in between) and blackbox_exporter 0.x. Of what the latter looks at, `up` says only that the exporter itself
answered; an instance may be a URL there.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from app.core.asset import Addresses
from app.core.ip import read_ip
from app.core.reading.text import one_line
from app.core.source import Source, SourceKind
from app.core.tenant import MonitoringOptions, Tenant
from app.errors import MonitoringUnavailable, TenantFileInvalid
from app.integrations.http import NoAnswer, Outbound, Resolve, open_outbound
from app.integrations.login import login_header

_TIMEOUT: Final = timedelta(seconds=10)
_MAX_SERIES: Final = 500
_HOSTNAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?", re.ASCII)
_UNTOLD_LABELS: Final = frozenset({"__name__", "alertname", "alertstate", "reading"})
_SEVERITIES: Final = ("critical", "error", "warning", "info")
_MOST_TOLD: Final = 3
"""Of an alert that fires for several disks or jobs of one machine."""
_ALERT: Final = "alert"
_UP: Final = "up"
_STOPPED: Final = "stopped"
_MOST_STOPPED: Final = 8
"""Of the services named, since Windows itself ends some that it starts."""
_SAID: Final = {
    "disk": "{value:.0f} % of disk free on {mountpoint}",
    "memory": "{value:.0f} % of memory available",
    "cpu": "CPU {value:.0f} % busy over 5 minutes",
    "load": "load over 5 minutes {value:.2f}",
    "started": "started {value:.1f} days ago",
}
"""Readings of one series a machine, and how a source words them."""
_NO_DISKS: Final = "tmpfs|overlay|squashfs|ramfs|iso9660|devtmpfs"
_NO_VOLUMES: Final = "HarddiskVolume.+"
"""Partitions without a letter: those that start or recover Windows, always nearly full."""


@dataclass(frozen=True)
class _Series:
    instance: str
    host: str
    labels: dict[str, str]
    value: float


_LOGIN: Final = ": it refuses the login; check monitoring.auth and the secret monitoring_token"
_PLACE: Final = ": monitoring.prometheus_url must be its address without /graph or /api/v1"
_REDIRECTS: Final = ", a redirect, and none is followed: monitoring.prometheus_url must be the final address"
_HINTS: Final = {401: _LOGIN, 403: _LOGIN, 404: _PLACE, 405: _PLACE}


class Prometheus:
    """The Prometheus of one tenant; made by `open_prometheus`."""

    def __init__(self, options: MonitoringOptions, token: str | None, outbound: Outbound) -> None:
        self._options = options
        self._token = token
        self._url = options.prometheus_url
        self._outbound = outbound

    async def measurements(self, addresses: Addresses, *, limit: int) -> list[Source]:
        """Firing alerts, most severe first, then one source of readings for each machine, those that are down first.

        Empty, without a call, when *addresses* names nothing.

        Raises:
            MonitoringUnavailable: Prometheus did not answer, or not with the result of a query.
        """
        names = _names(addresses)
        if not names or limit < 1:
            return []
        series = await self._query(_query_text(_matcher(names)))
        readings = [one for one in series if _is_named(one.host, names)]
        machines = [self._machine(instance, readings) for instance in _instances(readings)]
        machines.sort(key=lambda source: -source.score)
        return [*self._alerts(_of(readings, _ALERT)), *machines][:limit]

    async def look(self) -> str:
        """What it watches, in a few words.

        Raises:
            MonitoringUnavailable: As of `measurements`.
        """
        targets = await self._query("count(up)")
        return f"Prometheus answered, with {targets[0].value:.0f} targets" if targets else "Prometheus has no targets"

    def _alerts(self, alerts: list[_Series]) -> list[Source]:
        """One source for each alert of a machine, which may fire for several of its disks or jobs."""
        found: dict[tuple[str, str], list[_Series]] = {}
        for series in sorted(alerts, key=_severity):
            found.setdefault((_label(series, "alertname"), series.instance), []).append(series)
        return [
            Source(
                kind=SourceKind.MEASUREMENT,
                id=f"alert:{name}:{instance}",
                title=f"{each[0].host}: {name} firing",
                text=_alert_text(name, each),
                url=f"{self._url}/alerts",
                score=1 - 0.1 * _severity(each[0]),
            )
            for (name, instance), each in found.items()
        ]

    def _machine(self, instance: str, readings: list[_Series]) -> Source:
        jobs = _of(readings, _UP, instance)
        down = [_label(series, "job") for series in jobs if series.value == 0]
        facts = [f"down (no answer to {', '.join(down)})" if down else "up"] if jobs else []
        facts += [
            say.format(value=series.value, mountpoint=_label(series, "mountpoint"))
            for reading, say in _SAID.items()
            for series in _of(readings, reading, instance)[:1]
        ]
        if stopped := sorted({_label(series, "name") for series in _of(readings, _STOPPED, instance)}):
            more = f" and {len(stopped) - _MOST_STOPPED} more" if len(stopped) > _MOST_STOPPED else ""
            facts.append(f"automatic services that are stopped: {', '.join(stopped[:_MOST_STOPPED])}{more}")
        query = urlencode({"g0.expr": f"{{instance={json.dumps(instance)}}}", "g0.tab": "1"})
        return Source(
            kind=SourceKind.MEASUREMENT,
            id=f"readings:{instance}",
            title=f"{_shown(instance)}: {'down' if down else 'up' if jobs else 'readings'}",
            text=f"Now: {'; '.join(facts)}.",
            url=f"{self._url}/graph?{query}",
            score=0.9 if down else 0.5,
        )

    async def _query(self, query: str) -> list[_Series]:
        """The series of an instant query."""
        if self._options.needs_token and self._token is None:
            raise MonitoringUnavailable("The secret monitoring_token is missing.")
        login = login_header(self._options, self._token)
        try:
            # POST, since a query may be too long for a URL, and URLs are kept in logs.
            reply = await self._outbound.send("POST", f"{self._url}/api/v1/query", form={"query": query}, headers=login)
        except NoAnswer as error:
            raise MonitoringUnavailable(f"Prometheus: {error}.") from None
        if reply.status != HTTPStatus.OK:
            hint = _HINTS.get(reply.status) or (_REDIRECTS if reply.status // 100 == 3 else "")  # noqa: PLR2004
            raise MonitoringUnavailable(f"Prometheus answered HTTP {reply.status}{hint}.")
        return _parse(reply.body)


@asynccontextmanager
async def open_prometheus(
    tenant: Tenant, token: str | None, *, resolve: Resolve | None = None
) -> AsyncIterator[Prometheus]:
    """The tenant's Prometheus. `servicedesk.allow_private_address` holds for it too.

    Raises:
        TenantFileInvalid: The tenant's file names none.
    """
    if tenant.monitoring is None:
        raise TenantFileInvalid("is required to ask a Prometheus", field="monitoring.prometheus_url")
    async with open_outbound(
        allow_private=tenant.servicedesk.allow_private_address, timeout=_TIMEOUT, resolve=resolve
    ) as outbound:
        yield Prometheus(tenant.monitoring, token, outbound)


def _names(addresses: Addresses) -> frozenset[str]:
    hostnames = (name.lower() for name in addresses.hostnames)
    return frozenset([*map(str, addresses.ips), *(name for name in hostnames if _HOSTNAME.fullmatch(name))])


def _matcher(names: frozenset[str]) -> str:
    """A regular expression for a PromQL string: any of *names*, with or without a domain and a port."""
    hosts = []
    for name in sorted(names):
        # Every character other than letters and digits is written as its code, which has no special meaning in RE2.
        escaped = "".join(char if char.isalnum() else rf"\x{{{ord(char):x}}}" for char in name)
        if read_ip(name):
            hosts.append(rf"\[?{escaped}\]?")
        else:
            hosts.append(escaped if "." in name else escaped + r"(\..+)?")
    pattern = rf"(?i)([a-z]+://)?({'|'.join(hosts)})(:[0-9]+)?(/.*)?"
    return pattern.replace("\\", "\\\\").replace('"', '\\"')


def _query_text(matcher: str) -> str:
    """One query for all readings; each series of the answer has the label `reading`."""
    selector = f'instance=~"{matcher}"'

    def any_of(*names: str, of: str = "") -> str:
        return f"({' or '.join(f'{name}{{{selector}{of}}}' for name in names)})"

    disks, volumes = f',fstype!~"{_NO_DISKS}"', f',volume!~"{_NO_VOLUMES}"'
    free = (
        f"(100 * {any_of('node_filesystem_avail_bytes', of=disks)} / {any_of('node_filesystem_size_bytes', of=disks)})"
        f" or label_replace(100 * {any_of('windows_logical_disk_free_bytes', of=volumes)}"
        f' / {any_of("windows_logical_disk_size_bytes", of=volumes)}, "mountpoint", "$1", "volume", "(.+)")'
    )
    available = any_of(
        "node_memory_MemAvailable_bytes", "windows_memory_physical_free_bytes", "windows_os_physical_memory_free_bytes"
    )
    total = any_of(
        "node_memory_MemTotal_bytes",
        "windows_memory_physical_total_bytes",
        "windows_os_visible_memory_bytes",
        "windows_cs_physical_memory_bytes",
    )
    idle = f'{{{selector},mode="idle"}}[5m]'
    started = any_of(
        "node_boot_time_seconds",
        "windows_system_boot_time_timestamp",
        "windows_system_boot_time_timestamp_seconds",
        "windows_system_system_up_time",
    )
    stopped = any_of("windows_service_state", of=',state="stopped"')
    automatic = any_of("windows_service_start_mode", of=',start_mode="auto"')
    parts = {
        _ALERT: any_of("ALERTS", of=',alertstate="firing"'),
        _UP: any_of("probe_success", "up"),
        "disk": f"bottomk by (instance) (1, {free})",
        "memory": f"100 * {available} / {total}",
        "cpu": "100 - 100 * avg by (instance)"
        f" (rate(node_cpu_seconds_total{idle}) or rate(windows_cpu_time_total{idle}))",
        "load": any_of("node_load5"),
        "started": f"(time() - {started}) / 86400",
        _STOPPED: f"{stopped} == 1 and on (instance, name) {automatic} == 1",
    }
    return " or ".join(f'label_replace({part}, "reading", "{reading}", "", "")' for reading, part in parts.items())


def _is_named(host: str, names: frozenset[str]) -> bool:
    """Whether *host* is one of *names*. A name without a domain fits the machine in any domain."""
    return host in names or (read_ip(host) is None and host.partition(".")[0] in names)


def _shown(instance: str) -> str:
    return instance if "://" in instance else _host(instance)


def _host(instance: str) -> str:
    """`srv-mail01.acme.local:9100` and `https://srv-mail01.acme.local/login` → `srv-mail01.acme.local`.

    `[2001:db8::1]:9100` → `2001:db8::1`.
    """
    instance = instance.rpartition("://")[2].partition("/")[0]
    if instance.startswith("["):
        host = instance[1:].partition("]")[0]
    elif instance.count(":") == 1:
        host = instance.partition(":")[0]
    else:
        host = instance
    return str(read_ip(host) or host.lower())


def _parse(body: bytes) -> list[_Series]:
    try:
        answer = json.loads(body)
        result = answer["data"]["result"]
        series = [_series(entry) for entry in result[:_MAX_SERIES]]
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
        raise MonitoringUnavailable("Prometheus answered something that is not the result of a query.") from None
    return [one for one in series if math.isfinite(one.value)]


def _series(entry: Any) -> _Series:
    labels = {key: one_line(str(value), max_chars=200) for key, value in entry["metric"].items()}
    instance = labels.get("instance", "")
    return _Series(instance, _host(instance), labels, value=float(entry["value"][1]))


def _label(series: _Series, name: str) -> str:
    return series.labels.get(name) or "unknown"


def _severity(series: _Series) -> int:
    severity = series.labels.get("severity", "").lower()
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _alert_text(name: str, alerts: list[_Series]) -> str:
    """What the alert's first series say, the most severe one at the head."""
    told = [_labels_text(series) for series in alerts[:_MOST_TOLD]]
    times = f", {len(alerts)} times" if len(alerts) > 1 else ""
    return one_line(f"The alert {name} is firing now{times}: {'; '.join(told)}.", max_chars=1000)


def _labels_text(series: _Series) -> str:
    shown = {key: value for key, value in series.labels.items() if key not in _UNTOLD_LABELS}
    return ", ".join(f"{key} {value}" for key, value in sorted(shown.items())[:12])


def _instances(readings: list[_Series]) -> list[str]:
    """Each instance that has a reading besides alerts, once."""
    return list(dict.fromkeys(series.instance for series in readings if series.labels.get("reading") != _ALERT))


def _of(readings: list[_Series], reading: str, instance: str | None = None) -> list[_Series]:
    return [
        series for series in readings if series.labels.get("reading") == reading and instance in {None, series.instance}
    ]
