"""What the reports say of arguments that can't be."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from app.cli import cli


@pytest.mark.parametrize("month", ["2026-13", "9999-12", "0000-01", "11", "", "2026-11-01"])
def test_a_month_that_cannot_be_is_wrong_usage(month: str) -> None:
    result = CliRunner().invoke(cli, ["costs", "--month", month])
    assert result.exit_code == 2, result.output
    assert "--month is written as 2026-11" in result.output


@pytest.mark.parametrize(
    "command",
    [
        "tenants list",
        "tenants check",
        "tenants check acme",
        "webhook send --tenant acme 1",
        "try --tenant acme --ticket 1",
        "smoke",
    ],
)
def test_a_folder_of_tenants_that_is_not_there_is_told(tmp_path: Path, command: str) -> None:
    result = CliRunner(env={"TENANTS_DIR": str(tmp_path / "nothing")}).invoke(cli, command.split())
    assert f"TENANTS_DIR: {tmp_path / 'nothing'} is no folder" in result.output
    assert result.exit_code == 1
    result = CliRunner(env={"TENANTS_DIR": str(tmp_path)}).invoke(cli, command.split())
    assert result.output.rstrip().endswith(str(tmp_path))


def test_a_file_that_cannot_be_used_is_not_left_out_of_the_list_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text("slug: acme\n")
    result = CliRunner(env={"TENANTS_DIR": str(tmp_path)}).invoke(cli, ["tenants", "list"])
    assert result.output.startswith("acme: ")
    assert result.exit_code == 1


@pytest.mark.parametrize("is_there", [True, False], ids=["broken", "no-folder"])
def test_nothing_is_erased_by_an_id_while_it_may_be_that_of_a_file_in_use(tmp_path: Path, is_there: bool) -> None:
    variables = {
        "TENANTS_DIR": str(tmp_path if is_there else tmp_path / "nothing"),
        "MIGRATION_DATABASE_URL": "postgresql://o:p@127.0.0.1:1/z",
        "REDIS_URL": "redis://127.0.0.1:1",
    }
    (tmp_path / "acme.yaml").write_text("name: [cut off\n")
    result = CliRunner(env=variables).invoke(cli, ["tenants", "erase", "--id", str(uuid4())], input="n\n")
    assert (result.exit_code, "This can't be undone" in result.output) == (1, False)
    assert ("mend or remove it first" if is_there else "TENANTS_DIR: ") in result.stderr
