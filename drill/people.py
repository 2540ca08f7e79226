"""`python -m drill.people`: a technician's vote by the public door, what its proxies keep of it, and the console by its token."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from drill import aws
from drill.admission import kubectl
from drill.load import HELP_DESK
from drill.restored import end

_HOST = "ai-agents.example.com"
_PROXIES = (
    "--namespace=envoy-gateway-system",
    "--selector=gateway.envoyproxy.io/owning-gateway-namespace=production",
)
_QUERY = "drill-query"
_PORT = 18081


def _vote() -> tuple[dict[str, bool], str]:
    notes = httpx.get(f"{HELP_DESK}/simulator/notes", params={"portal": "acme"}, trust_env=False).json()
    links = [found for note in notes for found in re.findall(rf"https://{_HOST}/feedback/([\w.-]+)", json.dumps(note))]
    token = links[-1]
    authority = str(Path(os.environ["DRILL_FOLDER"]) / "run/pki/trust.crt")
    headers, by = {"host": _HOST, "referer": f"https://{_HOST}/feedback/{token}"}, {"sni_hostname": _HOST}
    with httpx.Client(
        base_url="https://10.0.0.12", headers=headers, verify=authority, timeout=30, trust_env=False
    ) as door:
        page = door.get(f"/feedback/{token}", params={"ticket": "1", "word": _QUERY}, extensions=by)
        vote = {"vote": "up", "comment": "of the drill"}
        taken = door.post(f"/feedback/{token}", data=vote, extensions=by)
        forged = door.get(f"/feedback/{token[:-4]}aaaa", extensions=by)
    return {
        "the link of a note is a page": page.status_code == httpx.codes.OK,
        "a vote is taken": taken.status_code == httpx.codes.OK,
        "a forged link is none": forged.status_code == httpx.codes.NOT_FOUND,
    }, token


def _proxies(token: str) -> dict[str, bool]:
    pods = json.loads(kubectl("get", "pods", *_PROXIES, "--output=json")[1])["items"]
    rules = [{each["topologyKey"]: each for each in pod["spec"].get("topologySpreadConstraints", [])} for pod in pods]
    time.sleep(12)  # Envoy writes its log each ten seconds
    log = kubectl("logs", *_PROXIES, "--container=envoy", "--tail=-1", "--max-log-requests=10")[1]
    paths = {json.loads(line)["path"] for line in log.splitlines() if line.startswith("{") and '"path"' in line}
    print(f"          paths of the proxies' log: {', '.join(sorted(map(str, paths)))}")
    return {
        "two proxies, never on one node": len(pods) > 1 and all(
            rule.get("kubernetes.io/hostname", {}).get("whenUnsatisfiable") == "DoNotSchedule"
            and rule["kubernetes.io/hostname"]["labelSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
            for rule, pod in zip(rules, pods, strict=True)),
        "their log tells of votes": "/feedback" in paths,
        "it holds no link, query or longer path": not re.search(rf"{re.escape(token[:40])}|{_QUERY}|feedback/", log),
    }  # fmt: skip


@contextmanager
def _console() -> Iterator[httpx.Client]:
    command = ["kubectl", "--namespace=production", "port-forward", "service/ai-agents-console", f"{_PORT}:80"]
    forwarding = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        time.sleep(5)
        with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", timeout=30, trust_env=False) as client:
            yield client
    finally:
        forwarding.terminate()
        forwarding.wait(10)


def _signed_in() -> dict[str, bool]:
    token = json.loads(aws.call("GetSecretValue", SecretId="ai-agents/production/console")["SecretString"])["token"]
    with _console() as console:
        away = console.get("/")
        refused = console.post("/sign-in", data={"token": "a" * 64})
        console.post("/sign-in", data={"token": token})
        found = {path: console.get(path) for path in ("/", "/tenants", "/deliveries", "/quality")}
    return {
        "who is not signed in sees nothing": away.status_code == httpx.codes.SEE_OTHER,
        "a wrong token is refused": refused.status_code == httpx.codes.FORBIDDEN,
        "the token that secrets.sh made opens it": all(each.status_code == httpx.codes.OK for each in found.values()),
        "it tells of the client, and of the vote": "acme" in found["/tenants"].text and "of the drill" in found["/quality"].text,
    }  # fmt: skip


def main() -> None:
    tried, token = _vote()
    tried |= _proxies(token) | _signed_in()
    end(tried)


if __name__ == "__main__":
    main()
