"""One image for the same content. AWS and docker stand in as programs on the PATH; Make and Git are real."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.workflows.commands import ROOT, SCRIPTS, commit, done, git, path_with, program, refused, run

IMAGE: Final = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ai-agents"
BASE: Final = f"docker.io/library/debian:trixie-slim@sha256:{'b' * 64}"
DIGEST: Final = f"sha256:{'d' * 64}"

AWS: Final = """
case "$*" in
    "ecr get-login-password") echo password ;;
    *batch-get-image*) if grep -qs -- "$(grep -o 'imageTag=[^ ]*' <<<"$*" | cut -d= -f2)" {registry}; then echo {digest}; else echo None; fi ;;
esac
"""
DOCKER: Final = """
echo "$*" >>{calls}
case "$*" in
    login*) [ "$(cat)" = password ] ;;
    "buildx build"*) echo "$*" >>{registry} ;;
esac
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Two commits with the project's Makefile, at version 3.1."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "checkout")
    checkout = tmp_path / "checkout"
    commit(checkout, "Begin", {"Makefile": (ROOT / "Makefile").read_text(encoding="utf-8")})
    commit(checkout, "More", {"pyproject.toml": '[project]\nversion = "3.1.0"\n'})
    paths = {"registry": tmp_path / "registry", "calls": tmp_path / "calls", "digest": DIGEST}
    program(tmp_path / "bin", "aws", AWS.format(**paths))
    program(tmp_path / "bin", "docker", DOCKER.format(**paths))
    return checkout


def _push(checkout: Path, base: str = BASE) -> subprocess.CompletedProcess[str]:
    return run(
        SCRIPTS / "image_push.sh",
        cwd=checkout,
        PATH=path_with(checkout.parent / "bin"),
        IMAGE=IMAGE,
        BASE=base,
        GITHUB_OUTPUT=str(checkout.parent / "output"),
    )


def _builds(checkout: Path) -> list[str]:
    calls = (checkout.parent / "calls").read_text(encoding="utf-8").splitlines()
    return [call for call in calls if call.startswith("buildx build")]


def test_image_is_pushed_by_content_commit_and_version_with_its_sbom(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")

    done(_push(checkout))

    [build] = _builds(checkout)
    for argument in (
        "--push",
        "--sbom=true",
        f"--build-arg BASE={BASE}",
        f"--tag {IMAGE}:{head}",
        f"--tag {IMAGE}:3.1.2",
        f"--tag {IMAGE}:content-",
    ):
        assert argument in build
    assert f"digest={DIGEST}\n" in (checkout.parent / "output").read_text(encoding="utf-8")


def test_job_that_runs_again_finds_its_image(checkout: Path) -> None:
    _push(checkout)

    result = _push(checkout)

    assert result.returncode == 0, result.stderr
    assert len(_builds(checkout)) == 1
    assert f"digest={DIGEST}" in result.stdout


def test_merge_that_changes_nothing_of_the_image_finds_the_one_that_is_there(checkout: Path) -> None:
    """Its digest stays, so nothing is migrated, rolled or smoke-tested."""
    _push(checkout)
    commit(
        checkout,
        "A page, a manifest, a test",
        {"docs/a.md": "a", "README.md": "a", "kustomize/a.yaml": "a: 1\n", "tests/a.py": ""},
    )

    result = _push(checkout)

    assert result.returncode == 0, result.stderr
    assert len(_builds(checkout)) == 1
    assert f"digest={DIGEST}" in result.stdout


@pytest.mark.parametrize("name", ["app/a.py", "uv.lock", "Containerfile", "pyproject.toml", ".dockerignore"])
def test_merge_that_changes_the_image_builds_another(checkout: Path, name: str) -> None:
    _push(checkout)
    commit(checkout, "More", {name: '[project]\nversion = "3.2.0"\n'})

    assert _push(checkout).returncode == 0
    assert len(_builds(checkout)) == 2


def test_a_new_base_builds_another_image(checkout: Path) -> None:
    _push(checkout)

    assert _push(checkout, base=BASE.replace("b" * 64, "c" * 64)).returncode == 0
    assert len(_builds(checkout)) == 2


def test_all_that_goes_into_the_image_counts() -> None:
    """What the Containerfile copies of the checkout, and the two files that say how."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE)
    script = (SCRIPTS / "image_push.sh").read_text(encoding="utf-8")
    [inputs] = re.findall(r"^inputs=\((.+)\)$", script, re.MULTILINE)

    assert sorted(inputs.split()) == sorted([".dockerignore", "Containerfile", *" ".join(copied).split()])


def _sign(folder: Path, cosign: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    program(folder / "bin", "cosign", f'echo "$1" >>{folder / "calls"}\n{cosign}')
    result = run(
        SCRIPTS / "image_sign.sh",
        cwd=folder,
        PATH=path_with(folder / "bin"),
        IMAGE=IMAGE,
        DIGEST=DIGEST,
        GITHUB_WORKFLOW_REF="owner/name/.github/workflows/release.yaml@refs/heads/main",
    )
    return result, (folder / "calls").read_text(encoding="utf-8").split()


def test_a_new_image_is_attested_and_then_signed(tmp_path: Path) -> None:
    signed = tmp_path / "signed"
    result, calls = _sign(tmp_path, f"case $1 in sign) touch {signed} ;; verify) [ -e {signed} ] ;; esac")

    assert result.returncode == 0, result.stderr
    assert calls == ["verify", "attest", "sign", "verify"]


def test_an_image_that_is_signed_is_not_signed_again(tmp_path: Path) -> None:
    """The registry's tags are immutable, and the content is the same."""
    result, calls = _sign(tmp_path, "true")

    assert result.returncode == 0, result.stderr
    assert calls == ["verify"]


def test_a_signature_that_does_not_verify_is_a_failure(tmp_path: Path) -> None:
    result, calls = _sign(tmp_path, "[ $1 != verify ]")

    assert result.returncode == 1
    assert calls == ["verify", "attest", "sign", "verify"]


def test_base_that_is_not_pinned_is_refused(checkout: Path) -> None:
    assert "pinned by digest" in refused(_push(checkout, base="docker.io/library/debian:trixie-slim"))


def _registry(folder: Path, image: str) -> subprocess.CompletedProcess[str]:
    installation = folder / "kustomize" / "installation" / "installation.yaml"
    installation.parent.mkdir(parents=True)
    installation.write_text(f"data:\n  # a comment\n  image: {image}\n", encoding="utf-8")
    return run(SCRIPTS / "registry.sh", cwd=folder)


@pytest.mark.parametrize("written", [IMAGE, f'"{IMAGE}"  # ours'])
def test_region_and_role_follow_from_the_images_name(written: str, tmp_path: Path) -> None:
    result = _registry(tmp_path, written)

    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines() == [
        f"image={IMAGE}",
        "region=eu-central-1",
        "role=arn:aws:iam::123456789012:role/ai-agents-github-release",
    ]


def test_while_the_image_is_unset_nothing_is_released_and_nothing_is_red(tmp_path: Path) -> None:
    """The first push of a new repository is one to main."""
    result = _registry(tmp_path, "unset.invalid/ai-agents")
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yaml").read_text(encoding="utf-8"))["jobs"]

    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "image=")
    assert jobs["image"]["if"] == "needs.test.outputs.image != ''"
    assert (jobs["image"]["needs"], jobs["branch"]["needs"]) == ("test", "image")
    assert {"id": "registry", "run": "make registry"} in jobs["test"]["steps"]
    assert set(jobs["test"]["outputs"]) == {"image", "region", "role"}


@pytest.mark.parametrize("image", ["docker.io/library/ai-agents", f"{IMAGE}:latest", ""])
def test_name_that_is_no_repository_of_ecr_is_refused(image: str, tmp_path: Path) -> None:
    assert "kustomize/installation/installation.yaml" in refused(_registry(tmp_path, image))
