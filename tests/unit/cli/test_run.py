"""What every command does before it works, and what it says when something around it is wrong."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import structlog
from click.testing import CliRunner

from app.cli import cli
from app.cli.reason import Reason
from app.cli.run import operator, run, telling_errors
from tests.builders import a_tenant, write_tenant


async def _work() -> int:
    return 1


def test_the_garbage_collector_leaves_out_what_was_imported() -> None:
    async def count() -> int:
        return gc.get_freeze_count()

    try:
        assert run(count()) > 0
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_certificates_that_are_not_there_are_told_by_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nothing"))
    with pytest.raises(click.ClickException, match=f"^{name}: there is nothing"):
        run(_work())
    monkeypatch.setenv(name, str(tmp_path))
    assert run(_work()) == 1


def test_of_a_list_of_folders_for_certificates_one_suffices(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'nothing'}:{tmp_path}:")
    assert run(_work()) == 1
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'nothing'}:{tmp_path / 'nor this'}")
    with pytest.raises(click.ClickException, match=r"^SSL_CERT_DIR: there is nothing that can be read at .*nor this"):
        run(_work())


@pytest.mark.parametrize("command", ["try --tenant acme --ticket 1", "tenants check"])
def test_each_command_that_calls_out_tells_of_certificates_that_are_not_there(tmp_path: Path, command: str) -> None:
    documentation = {"url": "https://127.0.0.1:1", "tools": [{"name": "search"}]}
    write_tenant(
        tmp_path, a_tenant(documentation=documentation), webhook_secret="w" * 22, api_key="key", documentation_token="t"
    )
    variables = {
        "TENANTS_DIR": str(tmp_path / "files"),
        "TENANT_SECRETS_DIR": str(tmp_path / "secrets"),
        "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z",
        "OPENAI_API_KEY": "key",
        "SSL_CERT_FILE": str(tmp_path / "nothing"),
    }
    told = CliRunner(env=variables).invoke(cli, command.split())
    assert (told.exit_code, told.stderr) == (
        1,
        f"Error: SSL_CERT_FILE: there is nothing that can be read at {tmp_path / 'nothing'}\n",
    )


@pytest.fixture
def no_log() -> Iterator[None]:
    """As in a command, which sets up no log."""
    config = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**config)


@pytest.mark.usefixtures("no_log")
def test_what_of_no_proxy_holds_for_nothing_is_told_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "172.16.*,corp.example,http://svc:word@sdp.example")
    told = "172.16.*, sdp.example: neither a name nor a network; write names or networks with commas"
    assert run(_work()) == 1
    assert f"Warning: NO_PROXY: {told}" in capsys.readouterr().err
    with structlog.testing.capture_logs() as lines:  # as a process of a pod does
        run(_work())
    assert [(line["event"], line["values"]) for line in lines] == [
        ("no_proxy_not_understood", ["172.16.*", "sdp.example"])
    ]


def test_a_full_disk_is_no_bug_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, telling_errors():
        Path("/dev/full").write_text("x")
    assert ended.value.code == 1
    assert capsys.readouterr().err == "Error: there is no space left on the device\n"


@pytest.mark.parametrize("closed", [[0], [1], [0, 1, 2]], ids=str)
def test_standard_files_that_the_caller_closed_are_opened(closed: list[int]) -> None:
    # With one of them closed, a socket would get its number, and uvloop ends the process when that socket is closed.
    program = f"""
import os
for number in {closed}:
    os.close(number)
from app.cli.run import open_standard_files
open_standard_files()
os._exit(os.open(os.devnull, os.O_RDWR) < 3)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_what_a_terminal_has_no_sign_for_is_escaped() -> None:
    program = "from app.cli import main; main()"
    told = subprocess.run(
        [sys.executable, "-c", program, "worker", "--help"],
        check=False,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "latin-1"},
    )
    assert (told.returncode, b"sk-\\u2026" in told.stdout) == (0, True), told.stderr


def test_who_acts_is_told_on_one_line_that_a_terminal_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ro\x1b\not")
    assert operator() == "ro ot (command line)"


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_a_user_without_a_name_is_a_number() -> None:
    program = """
import os
from app.cli.run import operator
import app.console.reasons
os.setuid(54321)
for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
    os.environ.pop(name, None)
print(operator())
"""
    told = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert told.stdout == "uid 54321 (command line)\n", told.stderr


def test_a_reason_is_kept_as_the_console_keeps_it() -> None:
    assert Reason().convert("\x1b[2Jgone\n up\u202egrade", None, None) == "[2Jgone upgrade"


@pytest.mark.parametrize("reason", ["", "  ", "\x07"])
@pytest.mark.parametrize("command", ["tenants pause acme --reason", "deliveries dismiss --tenant acme --all --because"])
def test_an_act_needs_a_reason(command: str, reason: str) -> None:
    told = CliRunner().invoke(cli, [*command.split(), reason])
    assert (told.exit_code, "say why; it is kept" in told.stderr) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        "smoke --listen 127.0.0.1:\N{SUPERSCRIPT TWO}",
        "smoke --listen :99999",
        "smoke --timeout -1",
        "migrate --wait 9999999999999",
    ],
)
def test_a_number_that_can_not_be_is_wrong_usage(command: str) -> None:
    variables = {"MIGRATION_DATABASE_URL": "postgresql://o:p@127.0.0.1:1/z"}
    assert CliRunner(env=variables).invoke(cli, command.split()).exit_code == 2


def test_a_password_in_an_address_is_not_told(tmp_path: Path) -> None:
    write_tenant(tmp_path, a_tenant(), webhook_secret="w" * 22, api_key="key")
    folders = {"TENANTS_DIR": str(tmp_path / "files"), "TENANT_SECRETS_DIR": str(tmp_path / "secrets")}
    told = CliRunner(env=folders).invoke(cli, "webhook send --tenant acme --url http://u:p@127.0.0.1:1 1".split())
    assert (told.exit_code, told.stderr) == (1, "Error: http://127.0.0.1:1 did not answer (ConnectError)\n")


def test_a_database_that_does_not_answer_is_told_by_the_variables_name(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    variables = {"TENANTS_DIR": str(tmp_path / "files"), "DATABASE_URL": "postgresql://x:y@127.0.0.1:1/z"}
    told = CliRunner(env=variables).invoke(cli, ["tenants", "status"])
    assert told.stderr == "Error: DATABASE_URL: PostgreSQL can't be used now (ConnectionRefusedError)\n"
