"""What leads into the cluster and out of it: addresses of this machine's servers, and TLS at the public door.

All of it is in a network namespace of the drill's own, in which every address of 10.0.0.0/16 is this machine's. Pods,
Services and names are the node's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from pathlib import Path

from drill.api import Api

Target = tuple[str, int]
DOOR = "10.0.0.3"
_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def run(command: str, **more: str) -> str:
    return subprocess.run(
        ["sh", "-ec", command], check=True, stdout=subprocess.PIPE, text=True, env=more or None
    ).stdout


def open_network(node: str) -> None:
    """*node* is its address. What leads to Services needs a route, and is sent elsewhere by the node's kube-proxy."""
    run(
        f"ip link set lo up; ip route add local 10.0.0.0/16 dev lo; ip address add {node}/32 dev lo;"
        "ip link add pods type bridge; ip address add 10.244.0.1/16 dev pods; ip link set pods up; ip route add 10.96.0.0/16 dev pods;"
        "sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1; mount --make-rshared /"
    )


async def forward(listen: Target, port: int, keys: tuple[Path, Path] | None = None) -> None:
    """Hand each connection on to *port* of this machine; with *keys* as a PostgreSQL with TLS would, which the wheel's has not."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if keys:
        tls.load_cert_chain(*keys)

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
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
            if keys and (asks := await reader.readexactly(len(_SSL_REQUEST))) == _SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(tls)
            elif keys:
                inner_writer.write(asks)
            await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))
            inner_writer.close()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    await asyncio.start_server(serve, *listen)


class Endpoints:
    """The ready pods of each Service, in turn."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._ready: dict[tuple[str, str, str], list[Target]] = {}
        self._turn = 0

    async def follow(self) -> None:
        while True:
            with contextlib.suppress(Exception):  # the API server restarts, or begins
                self._ready = await asyncio.to_thread(self._read)
            await asyncio.sleep(1)

    def _read(self) -> dict[tuple[str, str, str], list[Target]]:
        ready: dict[tuple[str, str, str], list[Target]] = {}
        for each in self._api.list("/apis/discovery.k8s.io/v1/endpointslices"):
            meta = each["metadata"]
            for port in each.get("ports") or []:
                key = (meta["namespace"], meta["labels"].get("kubernetes.io/service-name", ""), port.get("name") or "")
                for endpoint in each.get("endpoints") or []:
                    if endpoint["conditions"].get("ready"):
                        ready.setdefault(key, []).append((endpoint["addresses"][0], port["port"]))
        return ready

    def of(self, namespace: str, service: str, port: str) -> Target | None:
        found = self._ready.get((namespace, service, port))
        self._turn += 1
        return found[self._turn % len(found)] if found else None


async def open_door(endpoints: Endpoints, certificate: Path, key: Path, hosts: dict[str, str]) -> None:
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
            target = endpoints.of(hosts[host], "ai-agents-api", "http") if host in hosts else None
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
