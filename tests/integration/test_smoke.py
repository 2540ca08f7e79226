"""What the smoke test says of a public door and of pods: each check is seen to hold and to fail."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.api.edge import SECURITY_HEADERS
from app.console.smoke import load_smoke_test
from app.smoke import PublicDoor
from app.smoke.report import Check, CheckFailed, CheckOutcome, NamedCheck, SmokeReport, run_checks
from tests.loopback import served

if TYPE_CHECKING:
    from app.smoke.cluster import Cluster

Answer = Callable[[web.Request], Any]
Pods = dict[str, list[dict[str, Any]]]


def write_certificate(folder: Path, *, days: int = 90, host: str = "localhost") -> Path:
    """A certificate that vouches for itself, with its key in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    names = [x509.DNSName(host), x509.IPAddress(ip_address("127.0.0.2"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    own = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / f"{host}-{days}.pem"
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + own)
    return path


@asynccontextmanager
async def serve(answer: Answer, certificate: Path | None = None, *, port: int = 0) -> AsyncIterator[int]:
    """A loopback server, with TLS where there is a certificate; its port."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    async with served(web.route("*", "/{path:.*}", answer), port=port, tls=context) as url:
        yield int(url.rpartition(":")[2])


async def results(checks: list[NamedCheck]) -> dict[str, Check]:
    report = SmokeReport()
    await run_checks(checks, report)
    return {check.name: check for check in report.checks}


HEADERS = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}


@dataclass
class Ingress:
    """What stands before the API, and how it is set up."""

    public: set[str] = field(default_factory=lambda: {"/health", "/webhook/servicedesk"})
    redirect: str = "https://localhost"
    webhook_status: int = 401
    leads_everywhere: bool = False
    headers: dict[str, str] = field(default_factory=lambda: dict(HEADERS))

    async def secure(self, request: web.Request) -> web.Response:
        if request.path not in self.public:
            return web.Response(status=404, headers=self.headers if self.leads_everywhere else {})
        return web.Response(status=self.webhook_status if request.method == "POST" else 200, headers=self.headers)

    async def plain(self, request: web.Request) -> web.Response:
        if self.redirect:
            raise web.HTTPPermanentRedirect(f"{self.redirect}{request.path}")
        return web.Response(text="hello")


async def look(ingress: Ingress, certificate: Path, *, is_trusted: bool = True) -> dict[str, Check]:
    trust = ssl.create_default_context(cafile=str(certificate) if is_trusted else None)
    async with serve(ingress.secure, certificate) as port, serve(ingress.plain) as plain_port:
        door = PublicDoor(f"https://localhost:{port}", plain_url=f"http://127.0.0.1:{plain_port}", trust=trust)
        return await results(door.checks)


async def test_a_good_door_passes(tmp_path: Path) -> None:
    found = await look(Ingress(), write_certificate(tmp_path))

    assert {name: check.detail for name, check in found.items() if not check.is_passed} == {}
    assert "89 days left" in found["certificate"].detail


@pytest.mark.parametrize(
    ("ingress", "check", "said"),
    [
        (Ingress(redirect=""), "HTTP leads to HTTPS", "plain HTTP answers 200: switch on"),
        (Ingress(redirect="http://localhost"), "HTTP leads to HTTPS", "plain HTTP answers 308: switch on"),
        (Ingress(redirect="https://other.example"), "HTTP leads to HTTPS", "leads to other.example, not to localhost"),
        (
            Ingress(public={"/health", "/webhook/servicedesk", "/metrics"}),
            "nothing else is public",
            "published: /metrics; the ingress",
        ),
        (Ingress(leads_everywhere=True), "nothing else is public", "published: /, /metrics, /schema"),
        (Ingress(public={"/webhook/servicedesk"}), "public health", "answers 404: the ingress does not reach"),
        (Ingress(headers={"content-security-policy": "none"}), "public health", "strict-transport-security"),
        (Ingress(public={"/health"}), "public webhook", "answered 404 where 401 is due"),
        (Ingress(webhook_status=202), "public webhook", "answered 202 where 401 is due"),
    ],
    ids=[
        "no redirect",
        "redirect to HTTP",
        "redirect elsewhere",
        "metrics published",
        "a path for all",
        "health not reached",
        "headers changed",
        "webhook not reached",
        "webhook open",
    ],
)
async def test_a_door_that_is_set_up_badly_is_told(tmp_path: Path, ingress: Ingress, check: str, said: str) -> None:
    found = await look(ingress, write_certificate(tmp_path))

    assert [name for name, each in found.items() if not each.is_passed] == [check]
    assert said in found[check].detail


async def test_a_certificate_about_to_end_is_told(tmp_path: Path) -> None:
    found = await look(Ingress(), write_certificate(tmp_path, days=10))

    assert "only 9 days left" in found["certificate"].detail


async def test_a_certificate_that_nobody_vouches_for_is_told(tmp_path: Path) -> None:
    found = await look(Ingress(), write_certificate(tmp_path), is_trusted=False)

    assert not found["certificate"].is_passed
    assert "not trusted for localhost" in found["certificate"].detail


async def test_another_hosts_certificate_is_told(tmp_path: Path) -> None:
    found = await look(Ingress(), write_certificate(tmp_path, host="other.example"))

    assert "not trusted for localhost" in found["certificate"].detail


async def test_a_door_that_comes_later_is_waited_for(tmp_path: Path) -> None:
    """A first release is faster than DNS and the certificate, and Argo CD never tries the same commit again."""
    certificate = write_certificate(tmp_path)
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
    trust = ssl.create_default_context(cafile=str(certificate))
    door = PublicDoor(f"https://localhost:{port}", trust=trust, wait_s=30, pause_s=0.05)
    looking = asyncio.create_task(results(door.checks[:1]))
    await asyncio.sleep(0.2)
    assert not looking.done()
    ingress = Ingress()
    wrong = write_certificate(tmp_path, host="other.example")
    async with serve(ingress.secure, wrong, port=port):
        await asyncio.sleep(0.2)
        assert not looking.done(), "the controller's own certificate is there before ours"
    async with serve(ingress.secure, certificate, port=port):
        assert (await looking)["certificate"].is_passed


async def test_a_door_that_does_not_come_is_told_with_the_time_that_was_waited() -> None:
    found = await results(PublicDoor("https://localhost:1", wait_s=0.2, pause_s=0.05).checks[:1])

    assert "look at the DNS record and the ingress, after 0 s of waiting" in found["certificate"].detail


async def test_a_door_where_nobody_is_is_told() -> None:
    found = await results(PublicDoor("https://localhost:1", plain_url="http://localhost:1").checks)

    assert not any(check.is_passed for check in found.values())
    assert "look at the DNS record" in found["certificate"].detail


IMAGE = "registry.example/ai-agents@sha256:" + "1" * 64
OLD_IMAGE = "registry.example/ai-agents@sha256:" + "2" * 64


def a_status(name: str, *, is_ready: bool) -> dict[str, Any]:
    return {"name": name, "ready": is_ready, "image": "any", "imageID": "any", "restartCount": 0}


def a_pod(component: str, number: int = 1) -> dict[str, Any]:
    return {
        "metadata": {"name": f"ai-agents-{component}-{number}"},
        "spec": {
            "initContainers": [
                {"name": "wait", "image": "other"},
                {"name": "otel-collector", "image": "other", "restartPolicy": "Always"},
            ],
            "containers": [{"name": component, "image": IMAGE}],
        },
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "initContainerStatuses": [a_status("wait", is_ready=False), a_status("otel-collector", is_ready=True)],
            "containerStatuses": [a_status(component, is_ready=True)],
        },
    }


def some_pods() -> Pods:
    return {"api": [a_pod("api", 1), a_pod("api", 2)], "worker": [a_pod("worker")], "smoke": [a_pod("smoke")]}


async def look_at(
    pods: Pods, folder: Path, *, token: str = "good", image: str | None = None, heals: bool = False
) -> Check:
    """What the check says, with a Kubernetes API that has these pods; *heals*: they are all ready a second later."""
    asked = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal asked
        if request.headers["authorization"].lower() != "bearer good":
            return web.json_response({"kind": "Status"}, status=403)
        if request.path.endswith("/pods/me"):
            return web.json_response(pods["smoke"][0])
        assert request.path == "/api/v1/namespaces/production/pods"
        asked += 1
        component = request.query["labelSelector"].rpartition("=")[2]
        return web.json_response({"items": some_pods()[component] if heals and asked > 2 else pods[component]})

    certificate = write_certificate(folder)
    (folder / "ca.crt").write_bytes(certificate.read_bytes())
    (folder / "token").write_text(token)
    async with serve(answer, certificate) as port:
        cluster = a_cluster(
            image=image,
            wait_s=10 if heals else 0,
            credentials=folder,
            environ={"KUBERNETES_SERVICE_HOST": "localhost", "KUBERNETES_SERVICE_PORT": str(port)},
        )
        return (await results(cluster.checks))["pods of the release"]


def a_cluster(**options: Any) -> Cluster:
    """Imported here: its client library takes half a second of CPU, in each process that collects the tests."""
    from app.smoke.cluster import Cluster

    return Cluster("production", pod="me", **options)


@pytest.mark.parametrize("status", [200, 403])
async def test_the_results_are_kept_where_the_console_finds_them(tmp_path: Path, status: int) -> None:
    kept: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/production/configmaps/smoke-results")
        assert request.content_type == "application/strategic-merge-patch+json"
        kept.append(json.loads(await request.text()))
        return web.json_response({}, status=status)

    certificate = write_certificate(tmp_path)
    (tmp_path / "ca.crt").write_bytes(certificate.read_bytes())
    (tmp_path / "token").write_text("good")
    report = SmokeReport([Check("note", CheckOutcome.FAILED, 1.0, "no note")], datetime(2026, 11, 28, 12, tzinfo=UTC))
    async with serve(answer, certificate) as port:
        environ = {"KUBERNETES_SERVICE_HOST": "localhost", "KUBERNETES_SERVICE_PORT": str(port)}
        cluster = a_cluster(credentials=tmp_path, environ=environ)
        if status == 403:
            with pytest.raises(CheckFailed, match="403 for the ConfigMap smoke-results"):
                await cluster.keep(report)
            return
        await cluster.keep(report)

    file = tmp_path / "report.json"
    file.write_text(kept[0]["data"]["report.json"], "utf-8")
    found = load_smoke_test(file)
    assert found is not None
    assert (found.passed, found.finished) == (False, report.finished)
    assert [(each.name, each.detail) for each in found.failures] == [("note", "no note")]
    assert "<testsuite" in kept[0]["data"]["report.xml"]


async def test_pods_that_are_ready_on_the_release_pass_though_old_ones_still_end(tmp_path: Path) -> None:
    leaving = a_pod("worker", 9)
    leaving["metadata"]["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    leaving["spec"]["containers"][0]["image"] = OLD_IMAGE
    pods = some_pods()
    pods["worker"].append(leaving)

    check = await look_at(pods, tmp_path)

    assert check.is_passed, check.detail
    assert check.detail.startswith("2 api, 1 worker, all ready")


def run_an_old_image(pods: Pods) -> None:
    pods["api"][1]["spec"]["containers"][0]["image"] = OLD_IMAGE


def let_a_sidecar_wait(pods: Pods) -> None:
    pods["worker"][0]["status"]["initContainerStatuses"][1]["ready"] = False


def let_a_container_wait(pods: Pods) -> None:
    pods["worker"][0]["spec"]["containers"].append({"name": "injected", "image": "other"})
    pods["worker"][0]["status"]["containerStatuses"].append(a_status("injected", is_ready=False))


def be_pending(pods: Pods) -> None:
    pods["api"][0]["status"] = {"phase": "Pending"}


def be_not_ready(pods: Pods) -> None:
    pods["api"][0]["status"]["conditions"][0]["status"] = "False"


def have_no_worker(pods: Pods) -> None:
    pods["worker"].clear()


def be_another_pod(pods: Pods) -> None:
    pods["smoke"][0]["spec"]["containers"][0]["name"] = "sync"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (run_an_old_image, f"ai-agents-api-2 runs {OLD_IMAGE}"),
        (let_a_sidecar_wait, "ai-agents-worker-1 is not ready (otel-collector)"),
        (let_a_container_wait, "ai-agents-worker-1 is not ready (injected)"),
        (be_pending, "ai-agents-api-1 is not ready (otel-collector, api)"),
        (be_not_ready, "ai-agents-api-1 is not ready (its condition)"),
        (have_no_worker, "no pod of worker is there"),
        (be_another_pod, "give --expect-image"),
    ],
    ids=["old image", "sidecar", "container", "pending", "not ready", "no worker", "not the smoke test's pod"],
)
async def test_pods_that_are_not_the_release_are_told(tmp_path: Path, spoil: Callable[[Pods], None], said: str) -> None:
    pods = some_pods()
    spoil(pods)

    check = await look_at(pods, tmp_path)

    assert not check.is_passed
    assert said in check.detail


async def test_a_pod_that_an_autoscaler_asked_for_just_now_is_waited_for(tmp_path: Path) -> None:
    pods = some_pods()
    be_pending(pods)

    check = await look_at(pods, tmp_path, heals=True)

    assert check.is_passed, check.detail


async def test_the_image_to_expect_can_be_given(tmp_path: Path) -> None:
    assert (await look_at(some_pods(), tmp_path, image=IMAGE)).is_passed
    assert f"not {OLD_IMAGE}" in (await look_at(some_pods(), tmp_path, image=OLD_IMAGE)).detail


async def test_a_pod_without_its_rights_is_told(tmp_path: Path) -> None:
    assert "does smoke-sa have its Role" in (await look_at(some_pods(), tmp_path, token="bad")).detail
    found = await results(a_cluster(credentials=tmp_path / "none").checks)
    assert "automountServiceAccountToken" in found["pods of the release"].detail
