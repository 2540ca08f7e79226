"""What a cluster's network is made of: an address for each pod and each Service, names, and TLS at the public door.

All of it is in a network namespace of the drill's own, in which every address of 10.0.0.0/24 and 10.96.0.0/16 is this
machine's. NetworkPolicies are admitted, and keep nothing out.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

from drill.api import Api, Object

Target = tuple[str, int]
Find = Callable[[], Target | None]
DOOR = "10.0.0.3"


def run(command: str, **more: str) -> str:
    return subprocess.run(
        ["sh", "-ec", command], check=True, stdout=subprocess.PIPE, text=True, env=more or None
    ).stdout


def open_network() -> None:
    run(
        "ip link set lo up; for each in 10.0.0.0/24 10.96.0.0/16; do ip route add local $each dev lo; done;"
        "ip link add pods type bridge; ip address add 10.244.0.1/16 dev pods; ip link set pods up"
    )


def connect_pod(process: int, address: str) -> None:
    """Give the network namespace of *process* the address, on the bridge."""
    name = f"pod{process}"
    run(
        f"ip link add {name} type veth peer name eth0 netns {process}; ip link set {name} master pods up;"
        f"nsenter --target {process} --net sh -ec 'ip link set lo up; ip address add {address}/16 dev eth0;"
        "ip link set eth0 up; ip route add default via 10.244.0.1'"
    )


async def forward(listen: Target, find: Find, tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Hand each connection on to where *find* says at that moment."""

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
                return
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target = find()
            if target is None:
                return
            inner_reader, inner_writer = await asyncio.open_connection(*target)
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
            inner_writer.close()
        except OSError:
            pass
        finally:
            writer.close()

    return await asyncio.start_server(serve, *listen, ssl=tls)


class Services:
    """Each Service's address leads to its ready endpoints in turn; pods find it by its names in /etc/hosts."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._servers: dict[Target, asyncio.Server] = {}
        self._ready: dict[tuple[str, str, str], list[Target]] = {}
        self._addresses: dict[tuple[str, str], str] = {}
        self._turn = 0
        self.names: list[tuple[str, str]] = []
        """Address and name of what is no Service: the public hosts, the databases."""

    async def follow(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the API server restarts, or begins
                services, slices = await asyncio.to_thread(self._read)
                await self._bring_up_to_date(services, slices)
            await asyncio.sleep(1)

    def _read(self) -> tuple[list[Object], list[Object]]:
        return self._api.list("/api/v1/services"), self._api.list("/apis/discovery.k8s.io/v1/endpointslices")

    async def _bring_up_to_date(self, services: list[Object], slices: list[Object]) -> None:
        ready: dict[tuple[str, str, str], list[Target]] = {}
        for each in slices:
            meta = each["metadata"]
            for port in each.get("ports") or []:
                key = (meta["namespace"], meta["labels"].get("kubernetes.io/service-name", ""), port.get("name") or "")
                for endpoint in each.get("endpoints") or []:
                    if endpoint["conditions"].get("ready"):
                        ready.setdefault(key, []).append((endpoint["addresses"][0], port["port"]))
        self._ready = ready
        self._addresses = {}
        for service in services:
            namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
            address = service["spec"].get("clusterIP", "None")
            if address == "None":
                continue
            self._addresses[namespace, name] = address
            for port in service["spec"].get("ports", []):
                key, listen = (namespace, name, port.get("name") or ""), (address, port["port"])
                if listen not in self._servers and port.get("protocol", "TCP") == "TCP":
                    self._servers[listen] = await forward(listen, functools.partial(self.endpoint, *key))

    def endpoint(self, namespace: str, service: str, port: str) -> Target | None:
        found = self._ready.get((namespace, service, port))
        self._turn += 1
        return found[self._turn % len(found)] if found else None

    def hosts(self, namespace: str, pod: str, address: str) -> str:
        lines = ["127.0.0.1 localhost", f"{address} {pod}", *(f"{at} {name}" for at, name in self.names)]
        for (of, name), at in self._addresses.items():
            full = f"{name}.{of}"
            lines.append(f"{at} {full}.svc {full}.svc.cluster.local {full} {name if of == namespace else ''}")
        return "\n".join(lines) + "\n"


async def open_door(services: Services, certificate: Path, key: Path, hosts: dict[str, str]) -> None:
    """HTTPS for the hosts, each to the API of its namespace, as the HTTPRoutes say; plain HTTP leads to it."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    published = ("/webhook", "/feedback", "/health")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            path = head.split(" ", 2)[1]
            fields = {name.lower(): value.strip() for name, _, value in (
                line.partition(":") for line in head.split("\r\n")[1:])}  # fmt: skip
            host = fields.get("host", "").partition(":")[0]
            target = services.endpoint(hosts[host], "ai-agents-api", "http") if host in hosts else None
            if writer.get_extra_info("ssl_object") is None:
                answer = f"301 Moved Permanently\r\nLocation: https://{host}{path}"
            elif path != "/health" and not path.startswith(published[:2]):
                answer = "404 Not Found"
            elif target is None:
                answer = "503 Service Unavailable"
            else:
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                there, back = await asyncio.open_connection(*target)
                start, rest = head.split("\r\n", 1)
                back.write(f"{start}\r\nConnection: close\r\nX-Forwarded-For: {DOOR}\r\n".encode())
                back.write(rest.replace("Connection: keep-alive\r\n", "").encode("latin-1") + body)
                while data := await there.read(65536):
                    writer.write(data)
                back.close()
                answer = ""
            if answer:
                writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            await writer.drain()
        writer.close()

    await asyncio.start_server(serve, DOOR, 443, ssl=tls)
    await asyncio.start_server(serve, DOOR, 80)
