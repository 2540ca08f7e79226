"""The commands that add and remove a client, as a person uses them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pytest
import yaml
from click.testing import CliRunner, Result

from app.cli import cli
from app.tenants.writing import LIST_FILE

OWN = ("--name", "Acme", "--edition", "on_premises", "--url", "https://sdp.acme.example", "--technician", "a@x.example")
SHARED = ("--edition", "msp_on_premises", "--url", "https://sdp.msp.example", "--technician", "a@msp.example")


class Call(Protocol):
    def __call__(self, *arguments: str, input: str | bytes | None = None) -> Result: ...  # noqa: A002 - click's word


@pytest.fixture
def call(tmp_path: Path) -> Call:
    variables = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}

    def invoke(*arguments: str, input: str | bytes | None = None) -> Result:  # noqa: A002 - click's word
        return CliRunner(env=variables).invoke(cli, arguments, input=input)

    return invoke


def ok(result: Result) -> str:
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_a_client_of_a_shared_help_desk_is_one_small_file_and_no_secret(call: Call, tmp_path: Path) -> None:
    told = ok(call("instances", "add", "main", *SHARED))
    assert "ai-agents instances secret main | aws secretsmanager create-secret" in told
    (tmp_path / "files" / LIST_FILE).touch()

    told = ok(call("tenants", "add", "acme", "--instance", "main", "--account", "601", "--account-name", "Acme Corp"))

    assert "Outside Git nothing is left to do: the secrets are those of main." in told
    assert "ai-agents tenants try acme" in told
    assert "aws" not in told
    held = yaml.safe_load((tmp_path / "files" / "acme.yaml").read_text("utf-8"))
    assert (held["name"], held["servicedesk"]["account"]) == ("Acme Corp", {"id": "601", "name": "Acme Corp"})
    assert "acme.yaml" in (tmp_path / "files" / LIST_FILE).read_text("utf-8")


def test_a_client_with_its_own_help_desk_needs_a_secret_which_is_asked_for(call: Call, tmp_path: Path) -> None:
    told = ok(call("tenants", "add", "acme", *OWN, "--webhook-auth", "token"))

    (command,) = re.findall(r"ai-agents tenants secret acme \| (aws [^|]+?file:///dev/stdin)", told)
    assert "--name ai-agents/production/tenants/acme" in command
    asked = call("tenants", "secret", "acme", input="the key\n")
    values = json.loads(asked.stdout)
    assert values["api_key"] == "the key"
    assert len(values["webhook_secret"]) == 64
    assert values["webhook_secret"] in asked.stderr, "it goes into ServiceDesk Plus"
    assert "the key" not in asked.stderr
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "acme.json").write_text(asked.stdout)
    assert ok(call("tenants", "check")) == "acme: fine\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("acme",), "give --instance and --account, or --name"),
        (("acme", "--name", "Acme"), "or --edition"),
        (("acme", "--instance", "main"), "--instance goes with --account"),
        (("acme", "--instance", "main", "--account", "1", "--url", "https://x.example"), "--url is the instance's"),
        (("Acme Corp", *OWN), "must be lower-case letters"),
        (("Acme", *OWN), "SLUG': must be lower-case letters"),
        (("acme", *OWN, "--url", "https://sdp.acme.example "), "--url must begin and end without a space: remove it"),
        (("acme", *OWN, "--technician", " a@x.example"), "--technician must begin and end without a space"),
        (("acme", "--instance", "main", "--account", "601 "), "--account must begin and end without a space"),
        (("../acme", *OWN), "must be lower-case letters"),
    ],
)
def test_what_is_missing_or_too_much_is_said(call: Call, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    ended = call("tenants", "add", *arguments)
    assert (ended.exit_code, says in ended.stderr) == (2, True), ended.stderr
    assert not (tmp_path / "files").exists()


def test_a_client_that_leaves_is_taken_out_and_what_remains_is_told(call: Call, tmp_path: Path) -> None:
    ok(call("instances", "add", "main", *SHARED))
    ok(call("tenants", "add", "globex", "--instance", "main", "--account", "602"))
    ok(call("tenants", "add", "acme", *OWN))
    (tmp_path / "files" / LIST_FILE).touch()
    ids = {path.stem: yaml.safe_load(path.read_text("utf-8"))["id"] for path in (tmp_path / "files").rglob("*.yaml")}
    (network := tmp_path / "acme-network.yaml").touch()  # as the component on-premises says

    told = ok(call("tenants", "remove", "acme"))
    assert f"make erase TENANT={ids['acme']} (outside a cluster ai-agents tenants erase --id {ids['acme']})" in told
    assert "aws secretsmanager delete-secret --secret-id ai-agents/production/tenants/acme" in told
    assert "remove-regions-from-replication --secret-id ai-agents/production/tenants/acme" in told, (
        "else AWS refuses it"
    )
    assert f"Remove {network} too" in told
    assert "acme" not in (tmp_path / "files" / LIST_FILE).read_text("utf-8")

    kept = call("instances", "remove", "main")
    assert (kept.exit_code, "globex" in kept.stderr) == (1, True)
    told = ok(call("tenants", "remove", "globex"))
    assert "kept as unrouted by main" in told
    assert "-network.yaml" not in told
    assert f"ai-agents tenants erase --id {ids['globex']}" in told
    assert ids["main"] in ok(call("instances", "remove", "main"))
    assert list((tmp_path / "files").rglob("*.yaml")) == []
    assert "there is no file" in str(call("tenants", "remove", "globex").exception)


def test_the_check_says_what_is_missing_and_what_nobody_uses(call: Call, tmp_path: Path) -> None:
    ok(call("instances", "add", "main", *SHARED))
    ok(call("instances", "add", "spare", *SHARED[:2], "--url", "https://spare.example", "--technician", "x"))
    ok(call("tenants", "add", "acme", "--instance", "main", "--account", "601"))
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "spare.json").write_text('{"webhook_secret": "a-secret-of-22-letters", "api_key": "key"}')
    (secrets / "gone.json").write_text("{}")

    checked = call("tenants", "check")

    assert checked.exit_code == 1
    assert checked.stdout.splitlines() == [
        "acme: secret webhook_secret of its instance main: is missing",
        "main: secret webhook_secret: is missing",
        "spare: fine, but no tenant's file names this instance",
        "gone: there are secrets, and no file",
    ]
    assert "acme: fine" in ok(call("tenants", "check", "--as", "git"))
    (secrets / "main.json").write_text('{"webhook_secret": "a-secret-of-22-letters", "api_key": "key"}')
    assert "acme: fine" in ok(call("tenants", "check"))
    assert ok(call("tenants", "check", "acme")) == "acme: fine\n"

    # A key of the client's own is never the instance's.
    file = next((tmp_path / "files").rglob("acme.yaml"))
    before = file.read_text("utf-8")
    values = yaml.safe_load(before) | {"model": {"name": "own", "base_url": "https://model.example/v1"}}
    file.write_text(yaml.safe_dump(values))
    for process in ((), ("--as", "worker")):
        told = call("tenants", "check", "acme", *process)
        assert (told.exit_code, told.stdout) == (1, "acme: secret model_api_key: is missing\n")
    assert ok(call("tenants", "check", "acme", "--as", "api")) == "acme: fine\n"
    (secrets / "acme.json").write_text('{"model_api_key": "sk-own"}')
    assert ok(call("tenants", "check", "acme", "--as", "worker")) == "acme: fine\n"
    file.write_text(before)
    (secrets / "acme.json").unlink()

    # Two files that a merge brought together, for one account.
    copy = (tmp_path / "files" / "acme.yaml").read_text("utf-8").replace("slug: acme", "slug: other")
    (tmp_path / "files" / "other.yaml").write_text(
        re.sub(r"id: [0-9a-f-]{36}", f"id: {'0' * 8}-0000-4000-8000-{'0' * 12}", copy)
    )
    checked = call("tenants", "check")
    assert checked.exit_code == 1
    assert "other: servicedesk.account: can't be told apart from the account of acme" in checked.stdout


def test_a_list_that_is_not_that_of_the_files_is_told_and_mended(call: Call, tmp_path: Path) -> None:
    refused = call("tenants", "index")
    assert (refused.exit_code, "has no list" in refused.stderr) == (1, True)
    ok(call("tenants", "add", "acme", *OWN))
    (tmp_path / "files" / LIST_FILE).write_bytes(b"\xff")  # no text at all

    checked = call("tenants", "check", "--as", "git")
    assert (checked.exit_code, "run `ai-agents tenants index`" in checked.stdout) == (1, True)
    ok(call("tenants", "index"))
    assert ok(call("tenants", "check", "--as", "git")) == "acme: fine\n"


def test_an_account_needs_no_secret(call: Call, tmp_path: Path) -> None:
    ok(call("instances", "add", "main", *SHARED))
    ok(call("tenants", "add", "acme", "--instance", "main", "--account", "601"))
    refused = call("tenants", "secret", "acme")
    assert (refused.exit_code, "needs no secret: main" in refused.stderr) == (1, True)
    asked = call("instances", "secret", "main", input="key\n")
    assert json.loads(asked.stdout)["api_key"] == "key"
    assert list((tmp_path / "files").iterdir()) != []


# As a secret store prints it: over several lines, with a key that a newer release has.
HELD = {"webhook_secret": "w" * 32, "api_key": "old", "monitoring_token": "m", "of_a_newer_release": "kept"}
STORED = json.dumps(HELD, indent=2) + "\n"


def test_one_secret_is_changed_and_the_webhook_s_stays(call: Call) -> None:
    """A new `webhook_secret` beside a new key: each webhook of that client would be answered 401."""
    ok(call("tenants", "add", "acme", *OWN))

    asked = call("tenants", "secret", "acme", "--change", "api_key", input=f"{STORED} new key \n")

    assert json.loads(ok(asked)) == HELD | {"api_key": "new key"}
    assert "new key" not in asked.stderr
    assert "webhook_secret" not in asked.stderr


def test_a_webhook_s_secret_is_rotated_beside_the_old_one_which_then_ends(call: Call) -> None:
    ok(call("instances", "add", "main", *SHARED))

    begun = call("instances", "secret", "main", "--change", "webhook_secret", input=STORED)

    values = json.loads(ok(begun))
    new = values["webhook_secret"]
    assert values == HELD | {"webhook_secret": new, "webhook_secret_previous": "w" * 32}
    assert (len(new), new in begun.stderr) == (64, True)
    ended = call("instances", "secret", "main", "--change", "webhook_secret_previous", input=begun.stdout)
    assert json.loads(ok(ended)) == HELD | {"webhook_secret": new}
    assert "webhook_secret" not in ended.stderr


@pytest.mark.parametrize(
    ("name", "stored", "status", "says"),
    [
        ("password", STORED, 2, "there is no secret password; there are webhook_secret, "),
        ("api_key", "", 1, "is no JSON object, so nothing was changed"),
        ("api_key", '["a list"]\n', 1, "is no JSON object, so nothing was changed"),
        ("api_key", '{"webhook_secret": "cut o', 1, "is no JSON object, so nothing was changed"),
        ("api_key", b'{"webhook_secret": "\xff"}\n', 1, "is no JSON object, so nothing was changed"),
    ],
    ids=["unknown", "empty", "list", "cut-off", "no-text"],
)
def test_what_can_not_be_changed_prints_nothing_that_a_store_would_take(
    call: Call, name: str, stored: str | bytes, status: int, says: str
) -> None:
    ok(call("tenants", "add", "acme", *OWN))

    refused = call("tenants", "secret", "acme", "--change", name, input=stored)

    assert (refused.exit_code, refused.stdout) == (status, "")
    assert says in " ".join(refused.stderr.split())


def test_of_an_account_its_own_secrets_alone_are_changed(call: Call) -> None:
    ok(call("instances", "add", "main", *SHARED))
    ok(call("tenants", "add", "acme", "--instance", "main", "--account", "601"))

    refused = call("tenants", "secret", "acme", "--change", "api_key", input="{}\nkey\n")
    assert (refused.exit_code, "api_key of acme is that of main" in refused.stderr) == (1, True)
    asked = call("tenants", "secret", "acme", "--change", "model_api_key", input="{}\nsk-own\n")
    assert json.loads(ok(asked)) == {"model_api_key": "sk-own"}


def test_two_hundred_files_are_checked_in_seconds(call: Call, tmp_path: Path) -> None:
    ok(call("instances", "add", "main", *SHARED))
    for number in range(200):
        content = f"slug: t{number}\nname: T\nservicedesk: {{instance: main, account: {{id: '{number}'}}}}\n"
        (tmp_path / "files" / f"t{number}.yaml").write_text(f"id: {uuid4()}\n{content}")
    started = time.process_time()

    told = ok(call("tenants", "check", "--as", "git"))

    assert time.process_time() - started < 5
    assert told.count("fine") == 201


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--url", "https://sdp.acme.example/app/itdesk", "servicedesk.url: must end after host and port on premises"),
        ("--url", "https://sdp.acme.example/HomePage.do", "servicedesk.url: must end after host and port on premises"),
        ("--url", "https://sdp.acme.example/api/v3/", "servicedesk.url: must end before /api/v3"),
        ("--url", "sdp.acme.example", "servicedesk.url: must be an http or https URL with a host, e.g. https://"),
    ],
)
def test_what_a_newcomer_gets_wrong_is_told_by_its_field(
    call: Call, tmp_path: Path, option: str, value: str, says: str
) -> None:
    result = call("tenants", "add", "acme", *OWN, option, value)

    assert result.exit_code == 1
    assert says in str(result.exception)
    assert not (tmp_path / "files" / "acme.yaml").exists()


def test_the_address_of_a_page_in_the_cloud_is_told_and_a_portals_is_taken(call: Call) -> None:
    cloud = ("--edition", "msp_cloud", "--accounts-url", "https://accounts.zoho.com", "--technician", "a@msp.example")
    url = "https://sdpondemand.manageengine.com/app/itdesk"

    result = call("instances", "add", "main", *cloud, "--url", f"{url}/ui/requests/1/details")

    assert "servicedesk.url: must end after the portal's name" in str(result.exception)
    ok(call("instances", "add", "main", *cloud, "--url", f"{url}/"))


def test_a_file_of_another_name_is_told_and_a_name_in_capitals_by_its_field(call: Call, tmp_path: Path) -> None:
    ok(call("tenants", "add", "acme", *OWN))
    content = (tmp_path / "files" / "acme.yaml").read_text("utf-8")
    (tmp_path / "files" / "globex.yml").write_text(content)
    (tmp_path / "files" / "Initech.yaml").write_text(content.replace("slug: acme", "slug: Initech"))

    checked = call("tenants", "check", "--as", "git")

    assert checked.exit_code == 1
    assert "globex.yml: is not read; a file's name ends in .yaml" in checked.stdout
    assert "Initech: slug: must be lower-case letters, digits and '-'" in checked.stdout


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("webhook_secret", '"0123456789abcdef"'),
        ("webhook_secret", "<webhook_secret of acme>"),
        ("webhook_secret", "0123456789abcdef\n0123456789abcdef"),
        ("webhook_secret", "webhook_secret=0123456789abcdef"),
        ("api_key", "'KEY-1234'"),
        ("api_key", "authtoken:KEY-1234"),
    ],
)
def test_a_secret_with_more_around_it_than_its_value_is_warned_of(
    call: Call, tmp_path: Path, name: str, value: str
) -> None:
    ok(call("tenants", "add", "acme", *OWN))
    folder = tmp_path / "secrets" / "acme"
    folder.mkdir(parents=True)
    for each in ("webhook_secret", "api_key"):
        (folder / each).write_text(value if each == name else "whsec_MDEyMzQ1Njc4OWFiY2RlZg==\n", "utf-8")

    checked = ok(call("tenants", "check"))

    assert f"acme: warning: secret {name}: has quotes, a name" in checked
    assert checked.count("warning") == 1
