"""AWS by moto: the Secrets Manager and the STS that External Secrets asks, and what is in the first.

moto gives credentials for any token and any role, so trust and policies of roles are not tried here.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import uuid
from pathlib import Path

import httpx

from drill import load

ADDRESS, PORT = "10.0.0.6", 5000
ENDPOINT = f"http://{ADDRESS}:{PORT}"
# As the example installation has it, whose account is moto's as well.
_REGION = "eu-central-1"
LOGIN = [{"name": f"AWS_{name}", "value": value} for name, value in (
    ("ENDPOINT_URL", ENDPOINT), ("REGION", _REGION), ("ACCESS_KEY_ID", "drill"), ("SECRET_ACCESS_KEY", "drill"))]  # fmt: skip
NAME_SERVERS = ("ns-2048.awsdns-64.com", "ns-2049.awsdns-65.net", "ns-2050.awsdns-66.org", "ns-2051.awsdns-67.co.uk")
_SCRIPT = Path(__file__).resolve().parents[1] / "docs/aws/secrets.sh"
_NOWHERE = {"url": "http://nowhere.invalid"}


def of_environment(environment: str, urls: dict[str, str], redis: str) -> dict[str, dict[str, str]]:
    """By their names, the secrets that docs/aws/secrets.sh makes, and clients'. *urls* lead to the database."""
    found = {
        "database": urls,
        "redis": {"url": redis},
        "openai": {"api_key": "drill"},
        "alerts": {"slack": _NOWHERE["url"]},
        "watchdog": _NOWHERE,
        "argocd": {"slack-token": "drill", "github-token": "drill"},
        "tenants/smoke": {"webhook_secret": secrets.token_hex(24), "api_key": secrets.token_hex(24)},
    }
    if environment == "production":  # one alone: of two each would write its note
        found["tenants/acme"] = {"webhook_secret": load.SECRET, "api_key": load.KEY}
    return {f"ai-agents/{environment}/{name}": value for name, value in found.items()}


def make_by_script(programs: Path, environment: str, values: dict[str, dict[str, str]]) -> None:
    """Run docs/aws/secrets.sh, with what *values* have; it makes those of the components besides. *programs* has `aws`."""
    of = {name.removeprefix(f"ai-agents/{environment}/"): value for name, value in values.items()}
    subprocess.run([_SCRIPT], check=True, stdout=subprocess.PIPE, env={
        **{each["name"]: each["value"] for each in LOGIN}, "AWS_DEFAULT_REGION": _REGION,
        "PATH": f"{programs}:{os.environ['PATH']}", "ENVIRONMENT": environment, "COMPONENTS": "console feedback",
        "KMS_KEY_ARN": f"arn:aws:kms:{_REGION}:123456789012:key/drill", "DATABASE_HOST": "nowhere.invalid",
        **{f"{each}_PASSWORD": "drill" for each in ("OWNER", "INTAKE", "WORKER")}, "REDIS_URL": of["redis"]["url"],
        "OPENAI_API_KEY": of["openai"]["api_key"], "ALERT_RECEIVER": "slack", "ALERT_CREDENTIAL": of["alerts"]["slack"],
        "WATCHDOG_URL": of["watchdog"]["url"], "ARGOCD_SLACK_TOKEN": of["argocd"]["slack-token"],
        "ARGOCD_GITHUB_TOKEN": of["argocd"]["github-token"]})  # fmt: skip


def call(action: str, **values: object) -> dict[str, str]:
    """An action of Secrets Manager. moto takes the region from the signature, and looks at nothing else of it."""
    answer = httpx.post(ENDPOINT, json=values, trust_env=False, timeout=30, headers={
        "X-Amz-Target": f"secretsmanager.{action}", "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 Credential=drill/20260101/{_REGION}/secretsmanager/aws4_request"})  # fmt: skip
    found: dict[str, str] = answer.raise_for_status().json()
    return found


def make(name: str, value: dict[str, str]) -> None:
    call("CreateSecret", Name=name, SecretString=json.dumps(value), ClientRequestToken=str(uuid.uuid4()))


def put(name: str, value: dict[str, str]) -> None:
    call("PutSecretValue", SecretId=name, SecretString=json.dumps(value), ClientRequestToken=str(uuid.uuid4()))


def change(name: str, key: str, more: str) -> None:
    """Append *more* to the value of *key*."""
    value = json.loads(call("GetSecretValue", SecretId=name)["SecretString"])
    put(name, {**value, key: value.get(key, "") + more})


def make_zone(name: str) -> str:
    """A hosted zone of Route 53: its id. moto writes its SOA so that nobody can read it."""
    spaces = 'xmlns="https://route53.amazonaws.com/doc/2013-04-01/"'
    made = _route_53(
        "",
        f"<CreateHostedZoneRequest {spaces}><Name>{name}</Name><CallerReference>drill</CallerReference></CreateHostedZoneRequest>",
    )
    zone = made.headers["Location"].rpartition("/")[2]
    authority = f"{NAME_SERVERS[0]}. hostmaster.{name}. 1 7200 900 1209600 86400"
    _route_53(f"/{zone}/rrset", f"<ChangeResourceRecordSetsRequest {spaces}><ChangeBatch><Changes><Change><Action>UPSERT</Action>"
              f"<ResourceRecordSet><Name>{name}.</Name><Type>SOA</Type><TTL>900</TTL><ResourceRecords><ResourceRecord><Value>{authority}</Value>"
              "</ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>")  # fmt: skip
    return zone


def _route_53(path: str, body: str) -> httpx.Response:
    return httpx.post(f"{ENDPOINT}/2013-04-01/hostedzone{path}", content=body, trust_env=False, timeout=30, headers={
        "Authorization": "AWS4-HMAC-SHA256 Credential=drill/20260101/us-east-1/route53/aws4_request"}).raise_for_status()  # fmt: skip


def wait() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{ENDPOINT}/moto-api/", trust_env=False)
        except httpx.HTTPError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return
