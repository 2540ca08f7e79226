"""What the reports say of arguments that can't be."""

from __future__ import annotations

from pathlib import Path

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
