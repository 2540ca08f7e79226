"""What leads into the cluster and out of it: addresses of this machine's servers.

All of it is in a network namespace of the drill's own, in which every address of 10.0.0.0/16 is this machine's. Pods,
Services and names are the node's.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from pathlib import Path

Target = tuple[str, int]
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
