"""A reviewer sees what a change does to the objects, on a scratch repository with real Kustomize."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.workflows.commands import SCRIPTS, commit, git, path_with, program, run

OVERLAY: Final = "kustomize/overlays/production"
KUSTOMIZATION: Final = f"{OVERLAY}/kustomization.yaml"
OBJECT: Final = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  A: {}\n"
RESOURCES: Final = "resources: [object.yaml]\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "repository"
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "repository")
    files = {KUSTOMIZATION: RESOURCES, f"{OVERLAY}/object.yaml": OBJECT.format("one")}
    commit(repository, "Begin", files | {f"argocd/{name}": files[f"{OVERLAY}/{name}"] for name in _names(files)})
    git(repository, "checkout", "--quiet", "-b", "change")
    return repository


def _names(files: dict[str, str]) -> list[str]:
    return [name.rpartition("/")[2] for name in files]


def _diff(repository: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    result = run(sys.executable, SCRIPTS / "rendered_diff.py", "main", cwd=repository, **variables)
    assert result.returncode == 0, result.stderr
    assert git(repository, "status", "--porcelain") == ""
    assert len(git(repository, "worktree", "list").splitlines()) == 1
    return result


def test_changed_object_shows_in_its_overlay_alone(repository: Path) -> None:
    commit(repository, "Change", {f"{OVERLAY}/object.yaml": OBJECT.format("two")})

    text = _diff(repository).stdout

    assert f"### `{OVERLAY}` +1 −1" in text
    assert "-  A: one\n+  A: two\n" in text
    assert "argocd" not in text


def test_changed_policy_shows(repository: Path) -> None:
    commit(repository, "Policy", {"policies/kustomization.yaml": RESOURCES, "policies/object.yaml": OBJECT.format("x")})

    assert "### `policies` +" in _diff(repository).stdout


def test_change_that_renders_alike_says_so(repository: Path) -> None:
    commit(repository, "Comment", {KUSTOMIZATION: f"# A comment\n{RESOURCES}"})

    assert _diff(repository).stdout == "No rendered manifest changes.\n"


def test_what_others_merged_meanwhile_does_not_show(repository: Path) -> None:
    commit(repository, "Change", {f"{OVERLAY}/object.yaml": OBJECT.format("two")})
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "Meanwhile", {"argocd/object.yaml": OBJECT.format("theirs")})
    git(repository, "checkout", "--quiet", "change")

    text = _diff(repository).stdout

    assert "theirs" not in text
    assert "+  A: two" in text


def test_new_and_removed_overlays_are_compared_with_nothing(repository: Path) -> None:
    git(repository, "rm", "--quiet", "-r", "argocd")
    new = {"kustomize/overlays/new/kustomization.yaml": RESOURCES, "kustomize/overlays/new/object.yaml": OBJECT}
    commit(repository, "Move", new)

    text = _diff(repository).stdout

    assert "### `argocd` +0 −6" in text
    assert "### `kustomize/overlays/new` +6 −0" in text


def test_overlay_that_does_not_render_says_why(repository: Path) -> None:
    commit(repository, "Break", {KUSTOMIZATION: "resources: [missing.yaml]\n"})

    text = _diff(repository).stdout

    assert f"### `{OVERLAY}` does not render" in text
    assert "missing.yaml" in text


def test_overlay_that_did_not_render_before_is_no_news(repository: Path) -> None:
    git(repository, "checkout", "--quiet", "main")
    commit(repository, "Break", {KUSTOMIZATION: "resources: [missing.yaml]\n"})
    git(repository, "checkout", "--quiet", "-B", "change")
    commit(repository, "Change", {"argocd/object.yaml": OBJECT.format("two")})

    text = _diff(repository).stdout

    assert "does not render" not in text
    assert "+  A: two" in text


def test_text_of_a_change_cannot_leave_its_block(repository: Path) -> None:
    commit(repository, "Escape", {f"{OVERLAY}/object.yaml": OBJECT.format("'```` @everyone'")})

    text = _diff(repository).stdout

    assert "\n`````diff\n" in text
    assert text.rstrip().endswith("`````")


def test_comment_is_cut_before_github_refuses_it(repository: Path, tmp_path: Path) -> None:
    lines = "".join(f"  K{number}: {'x' * 50}\n" for number in range(2000))
    commit(repository, "Much", {f"{OVERLAY}/object.yaml": OBJECT.format("one") + lines})
    output = tmp_path / "output"

    result = _diff(repository, GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))

    name, _, end = output.read_text(encoding="utf-8").splitlines()[0].partition("<<")
    comment = output.read_text(encoding="utf-8").partition("\n")[2].removesuffix(f"\n{end}\n")
    assert name == "diff"
    assert len(result.stdout) > 100_000
    assert len(comment) < 65_536
    assert comment.count("```") == 2
    assert "make rendered-diff" in comment
    assert (tmp_path / "summary").read_text(encoding="utf-8").rstrip("\n") == comment


GH: Final = """
echo "$*" >>{calls}
case "$*" in
    *--paginate*) echo "{existing}" ;;
    *) cat >{body} ;;
esac
"""


@pytest.mark.parametrize(
    ("existing", "request_"),
    [
        ("", "--method POST repos/example/ai-agents/issues/7/comments"),
        ("41\n42", "--method PATCH repos/example/ai-agents/issues/comments/41"),
    ],
    ids=["the first", "once more"],
)
def test_comment_is_made_once_and_then_rewritten(existing: str, request_: str, tmp_path: Path) -> None:
    program(tmp_path / "bin", "gh", GH.format(calls=tmp_path / "calls", existing=existing, body=tmp_path / "body"))

    result = run(
        SCRIPTS / "preview_comment.sh",
        cwd=tmp_path,
        PATH=path_with(tmp_path / "bin"),
        GITHUB_REPOSITORY="example/ai-agents",
        PULL_REQUEST="7",
        RENDERED_DIFF="$(touch pwned) @/etc/passwd `touch pwned`",
    )

    assert result.returncode == 0, result.stderr
    assert request_ in (tmp_path / "calls").read_text(encoding="utf-8").splitlines()[1]
    body = (tmp_path / "body").read_text(encoding="utf-8")
    assert body == "<!-- rendered diff -->\n$(touch pwned) @/etc/passwd `touch pwned`\n"
    assert not (tmp_path / "pwned").exists()
