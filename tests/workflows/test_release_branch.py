"""An environment's branch is main's commit and a digest; it moves forward alone, whatever order the jobs end in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.workflows.commands import ROOT, SCRIPTS, commit, done, git, refused, run

RELEASE: Final = "kustomize/release/kustomization.yaml"
INSTALLATION: Final = "kustomize/installation/installation.yaml"
STAGING: Final = "kustomize/overlays/staging"
PRODUCTION: Final = "kustomize/overlays/production"
VALUES: Final = "values/environment.yaml"
ACME: Final = f"{STAGING}/foundation/tenants/acme.yaml"
GLOBEX: Final = f"{STAGING}/foundation/tenants/globex.yaml"
CLIENT: Final = f"{PRODUCTION}/foundation/tenants/client.yaml"
OTHER: Final = f"{PRODUCTION}/foundation/tenants/other.yaml"
IMAGE: Final = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ai-agents"
ONE: Final = f"sha256:{'1' * 64}"
TWO: Final = f"sha256:{'2' * 64}"


def _installation(image: str) -> str:
    """The project's own, whatever image it names."""
    return re.sub(
        r"^  image: .*$", f"  image: {image}", (ROOT / INSTALLATION).read_text(encoding="utf-8"), flags=re.MULTILINE
    )


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a bare remote and its clone, for `clone` to copy."""
    folder = tmp_path_factory.mktemp("begun")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    git(folder, "clone", "--quiet", "remote.git", "clone")
    clone = folder / "clone"
    # Relative, so that each copy has its own remote.
    git(clone, "remote", "set-url", "origin", "../remote.git")
    git(clone, "checkout", "--quiet", "-B", "main")
    _merge(
        clone,
        "Begin",
        {
            RELEASE: (ROOT / RELEASE).read_text(encoding="utf-8"),
            INSTALLATION: _installation(IMAGE),
            "app.py": "one\n",
            f"{STAGING}/{VALUES}": "data:\n  follows: none\n",
            f"{PRODUCTION}/{VALUES}": "data:\n  follows: staging\n",
            ACME: "name: Acme\n",
            CLIENT: "name: Client\n",
        },
    )
    return folder


@pytest.fixture
def clone(begun: Path, tmp_path: Path) -> Path:
    """A clone of a bare remote; main holds the project's own files, with the image set, and what runs is an older release.

    Tests that say no more look at the branch of staging, which gets each merge.
    """
    shutil.copytree(begun, tmp_path, dirs_exist_ok=True)
    return tmp_path / "clone"


def _merge(clone: Path, message: str, files: dict[str, str]) -> str:
    made = commit(clone, message, files)
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    return made


def _release(clone: Path, digest: str, at: str = "main") -> subprocess.CompletedProcess[str]:
    """The job's last step, on a checkout of *at*."""
    git(clone, "checkout", "--quiet", "--detach", at)
    result = run(sys.executable, SCRIPTS / "release_branch.py", digest, cwd=clone)
    git(clone, "checkout", "--quiet", "main")
    return result


def _release_tenants(clone: Path, at: str = "main") -> subprocess.CompletedProcess[str]:
    return _release(clone, "--tenants", at)


def _promote(clone: Path, revision: str, to: str = "production") -> subprocess.CompletedProcess[str]:
    return run(sys.executable, SCRIPTS / "release_branch.py", "--promote", to, revision, cwd=clone)


def _released(clone: Path, environment: str = "staging") -> str:
    git(clone, "fetch", "--quiet", "origin", f"release-{environment}")
    return git(clone, "rev-parse", "FETCH_HEAD")


def test_branch_holds_mains_commit_and_the_digest(clone: Path) -> None:
    main = git(clone, "rev-parse", "main")

    done(_release(clone, ONE))

    released = _released(clone)
    assert git(clone, "rev-parse", f"{released}^") == main
    assert git(clone, "diff", "--name-only", main, released) == RELEASE
    text = git(clone, "show", f"{released}:{RELEASE}")
    assert yaml.safe_load(text)["images"] == [{"name": "ai-agents", "newName": IMAGE, "digest": ONE}]
    assert f"- commit={main}" in text
    assert ONE in git(clone, "log", "-1", "--format=%B", released)


def test_values_may_stand_in_quotes_and_have_comments_behind_them(clone: Path) -> None:
    """As in the page's own diffs, or as an editor of YAML leaves them: the workflows have nothing that parses it."""
    values = {STAGING: "'none'  # each merge", PRODUCTION: '"staging" # tested there'}
    files = {f"{path}/{VALUES}": f"data:\n  follows: {written}\n" for path, written in values.items()}
    _merge(clone, "Quotes", {**files, INSTALLATION: _installation(f'"{IMAGE}"  # ours')})

    done(_release(clone, ONE))
    tested = _released(clone)
    done(_promote(clone, tested))

    text = git(clone, "show", f"{_released(clone, 'production')}:{RELEASE}")
    assert yaml.safe_load(text)["images"] == [{"name": "ai-agents", "newName": IMAGE, "digest": ONE}]
    _merge(clone, "Next", {"app.py": "two\n"})
    done(_release(clone, TWO))
    assert _released(clone) != tested, "who follows none gets each merge"


def test_main_and_the_working_copy_stay_as_they_are(clone: Path) -> None:
    main = git(clone, "rev-parse", "main")

    _release(clone, ONE)

    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "ls-remote", "origin", "refs/heads/main").split()[0] == main
    assert "0" * 64 in git(clone, "show", f"origin/main:{RELEASE}")


def test_next_release_follows_both_the_one_before_and_main(clone: Path) -> None:
    _release(clone, ONE)
    first = _released(clone)
    main = _merge(clone, "More", {"app.py": "two\n"})

    _release(clone, TWO)

    second = _released(clone)
    assert git(clone, "rev-parse", f"{second}^1", f"{second}^2").splitlines() == [first, main]
    assert git(clone, "show", f"{second}:app.py") == "two"
    assert TWO in git(clone, "show", f"{second}:{RELEASE}")


def test_the_first_release_makes_every_branch_and_the_next_one_only_that_of_who_follows_none(clone: Path) -> None:
    """A cluster that tracks production's branch can't begin without it, nor can staging in it."""
    _release(clone, ONE)
    first = _released(clone, "production")
    assert git(clone, "rev-parse", f"{first}^") == git(clone, "rev-parse", "main")
    _merge(clone, "More", {"app.py": "two\n"})

    _release(clone, TWO)

    assert git(clone, "show", f"{_released(clone)}:app.py") == "two"
    assert _released(clone, "production") == first


def test_what_staging_has_tested_goes_on_as_it_is_but_for_the_clients(clone: Path) -> None:
    _release(clone, ONE)
    before = _released(clone, "production")
    main = _merge(clone, "More", {"app.py": "two\n", OTHER: "name: Other\n"})
    _release(clone, TWO)
    tested = _released(clone)
    _merge(clone, "Still being tested", {"app.py": "three\n"})

    done(_promote(clone, tested))

    released = _released(clone, "production")
    assert git(clone, "rev-parse", f"{released}^1", f"{released}^2").splitlines() == [before, main]
    assert git(clone, "diff", "--name-status", tested, released) == f"D\t{OTHER}", "clients come by their own job"
    text = git(clone, "show", f"{released}:{RELEASE}")
    assert TWO in text
    assert f"- commit={main}" in text
    message = git(clone, "log", "-1", "--format=%B", released)
    assert message.startswith("Release ")
    assert TWO in message
    assert f"From staging: {tested}" in message


def test_a_release_is_promoted_once_and_an_older_one_not_after_it(clone: Path) -> None:
    _release(clone, ONE)
    older = _released(clone)
    _merge(clone, "More", {"app.py": "two\n"})
    _release(clone, TWO)
    newer = _released(clone)
    assert _promote(clone, newer).returncode == 0
    before = _released(clone, "production")

    assert "already" in _promote(clone, newer).stdout
    assert "newer" in _promote(clone, older).stdout
    assert _released(clone, "production") == before


def test_a_client_of_staging_alone_is_nothing_to_promote(clone: Path) -> None:
    """Argo CD says of each commit of the branch that it is healthy, of one with a client's file too."""
    _release(clone, ONE)
    before = _released(clone, "production")
    _merge(clone, "A client", {GLOBEX: "name: Globex\n"})
    _release_tenants(clone)

    done(_promote(clone, _released(clone)))

    assert git(clone, "show", f"{_released(clone, 'production')}:app.py") == "one"
    assert git(clone, "rev-parse", f"{_released(clone, 'production')}^{{tree}}:{PRODUCTION}") == git(
        clone, "rev-parse", f"{before}^{{tree}}:{PRODUCTION}"
    )


@pytest.mark.parametrize("revision", ["main", "0" * 40, "a branch", ""])
def test_what_staging_has_not_tested_is_refused(clone: Path, revision: str) -> None:
    _release(clone, ONE)
    _merge(clone, "More", {"app.py": "two\n"})
    _release(clone, TWO)
    before = _released(clone, "production")
    commits = {
        "main": git(clone, "rev-parse", "main"),
        "a branch": commit(clone, "A branch", {"app.py": "three\n"}),
    }

    assert "only what was tested there is promoted" in refused(_promote(clone, commits.get(revision, revision)))
    assert _released(clone, "production") == before


@pytest.mark.parametrize("environment", ["staging", "nowhere", "../production"])
def test_who_follows_nobody_gets_nothing_by_a_promotion(clone: Path, environment: str) -> None:
    _release(clone, ONE)

    result = _promote(clone, _released(clone), to=environment)

    assert result.returncode == 1
    assert "follows no environment" in result.stderr


def test_a_new_environment_gets_its_branch_from_the_one_that_it_follows(clone: Path) -> None:
    _release(clone, ONE)
    eu = "kustomize/overlays/production-eu"
    _merge(clone, "Europe", {f"{eu}/{VALUES}": "data:\n  follows: production\n", f"{eu}/foundation/tenants/a": "x\n"})
    _release(clone, TWO)
    assert git(clone, "ls-remote", "origin", "refs/heads/release-production-eu") == ""
    _promote(clone, _released(clone))

    done(_promote(clone, _released(clone, "production"), to="production-eu"))

    assert TWO in git(clone, "show", f"{_released(clone, 'production-eu')}:{RELEASE}")
    followers = run(sys.executable, SCRIPTS / "release_branch.py", "--followers", "production", cwd=clone)
    assert followers.stdout.strip() == '["production-eu"]'


def test_running_again_changes_nothing(clone: Path) -> None:
    _release(clone, ONE)
    before = _released(clone)

    assert "already" in done(_release(clone, ONE))
    assert _released(clone) == before


def test_older_commit_never_overtakes_a_newer_one(clone: Path) -> None:
    older = git(clone, "rev-parse", "main")
    _merge(clone, "More", {"app.py": "two\n"})
    _release(clone, TWO)
    before = _released(clone)

    assert "newer" in done(_release(clone, ONE, at=older))
    assert _released(clone) == before


def test_revert_on_main_is_a_release_like_any_other(clone: Path) -> None:
    _merge(clone, "Bad", {"app.py": "bad\n"})
    _release(clone, ONE)
    git(clone, "revert", "--no-edit", "HEAD")
    git(clone, "push", "--quiet", "origin", "HEAD:main")

    done(_release(clone, TWO))

    assert git(clone, "show", f"{_released(clone)}:app.py") == "one"


def test_release_that_lost_a_race_looks_again(clone: Path) -> None:
    """Another job moves the branch after this one has looked and before it pushes."""
    older = git(clone, "rev-parse", "main")
    newer = _merge(clone, "More", {"app.py": "two\n"})
    rival = clone.parent / "rival"
    git(clone.parent, "clone", "--quiet", "remote.git", "rival")
    git(rival, "checkout", "--quiet", "--detach", newer)
    hook = clone / ".git" / "hooks" / "pre-push"
    hook.write_text(
        f"#!/bin/sh\nrm '{hook}'\nunset GIT_DIR\n"
        f"cd '{rival}' && '{sys.executable}' '{SCRIPTS / 'release_branch.py'}' {TWO}\n",
        encoding="utf-8",
    )
    hook.chmod(0o755)

    assert "newer" in done(_release(clone, ONE, at=older))
    assert TWO in git(clone, "show", f"{_released(clone)}:{RELEASE}")


def test_commit_that_was_not_merged_is_refused(clone: Path) -> None:
    commit(clone, "A branch", {"app.py": "three\n"})

    assert "only what was merged is released" in refused(_release(clone, ONE))
    assert git(clone, "ls-remote", "origin", "refs/heads/release-*") == ""


@pytest.mark.parametrize("digest", ["", "latest", "sha256:12", f"sha256:{'0' * 64}"])
def test_digest_that_is_none_is_refused(clone: Path, digest: str) -> None:
    result = _release(clone, digest)

    assert result.returncode == 1
    assert "is not the digest of an image" in result.stderr


def test_installation_without_an_image_is_refused(clone: Path) -> None:
    _merge(clone, "Unset", {INSTALLATION: _installation("unset.invalid/ai-agents")})

    result = _release(clone, ONE)

    assert result.returncode == 1
    assert INSTALLATION in result.stderr


def test_main_that_was_rewritten_is_refused(clone: Path) -> None:
    _merge(clone, "More", {"app.py": "two\n"})
    _release(clone, ONE)
    before = _released(clone)
    git(clone, "reset", "--quiet", "--hard", "HEAD^")
    commit(clone, "Another history", {"app.py": "other\n"})
    git(clone, "push", "--quiet", "--force", "origin", "HEAD:main")

    assert "was it rewritten?" in refused(_release(clone, TWO))
    assert _released(clone) == before


def test_a_client_is_released_without_an_image_and_without_code_that_waits_for_its_tests(clone: Path) -> None:
    _release(clone, ONE)
    first = _released(clone)
    code = git(clone, "rev-parse", f"{first}^")
    _merge(clone, "Code that is still being tested", {"app.py": "two\n"})
    _merge(clone, "A client", {GLOBEX: "name: Globex\n"})
    git(clone, "rm", "--quiet", ACME)
    _merge(clone, "A client less", {})

    done(_release_tenants(clone))

    second = _released(clone)
    assert git(clone, "diff", "--name-status", "--no-renames", first, second).splitlines() == [
        f"D\t{ACME}",
        f"A\t{GLOBEX}",
    ]
    assert git(clone, "rev-parse", f"{second}^1", f"{second}^2").splitlines() == [first, code]
    assert git(clone, "log", "-1", "--format=%s", second).startswith("Tenants of ")


def test_code_that_was_merged_before_a_client_does_not_take_it_back(clone: Path) -> None:
    """The job of the code ends after that of the client, which it has not seen."""
    _release(clone, ONE)
    code = _merge(clone, "Code", {"app.py": "two\n"})
    _merge(clone, "A client", {GLOBEX: "name: Globex\n"})
    _release_tenants(clone)

    done(_release(clone, TWO, at=code))

    released = _released(clone)
    assert git(clone, "show", f"{released}:{GLOBEX}") == "name: Globex"
    assert git(clone, "show", f"{released}:app.py") == "two"
    assert TWO in git(clone, "show", f"{released}:{RELEASE}")


def test_a_release_after_a_client_s_is_judged_by_the_code_before_it(clone: Path) -> None:
    older = git(clone, "rev-parse", "main")
    _merge(clone, "Code", {"app.py": "two\n"})
    _release(clone, TWO)
    _merge(clone, "A client", {GLOBEX: "name: Globex\n"})
    _release_tenants(clone)
    before = _released(clone)

    assert "newer" in _release(clone, ONE, at=older).stdout
    assert _released(clone) == before
    assert _release(clone, ONE).returncode == 0
    assert git(clone, "show", f"{_released(clone)}:{GLOBEX}") == "name: Globex"


def test_an_older_job_of_clients_leaves_the_newer_one_s_files(clone: Path) -> None:
    _release(clone, ONE)
    older = _merge(clone, "A client", {GLOBEX: "name: Globex\n"})
    _merge(clone, "The client's name", {GLOBEX: "name: Globex Corp\n"})
    _release_tenants(clone)
    before = _released(clone)

    assert "their own job" in done(_release_tenants(clone, at=older))
    assert _released(clone) == before
    assert "already" in _release_tenants(clone).stdout
    assert _released(clone) == before


def test_a_client_goes_to_its_environment_alone_and_at_once(clone: Path) -> None:
    _release(clone, ONE)
    staging, production = _released(clone), _released(clone, "production")
    _merge(clone, "A client", {OTHER: "name: Other\n", "app.py": "two\n"})

    done(_release_tenants(clone))

    assert _released(clone) == staging
    changed = git(clone, "diff", "--name-status", production, _released(clone, "production"))
    assert changed == f"A\t{OTHER}"


def test_the_first_release_brings_the_clients_files(clone: Path) -> None:
    assert "the first release brings" in done(_release_tenants(clone))
    assert git(clone, "ls-remote", "origin", "refs/heads/release-*") == ""
    _release(clone, ONE)
    assert git(clone, "show", f"{_released(clone)}:{ACME}") == "name: Acme"


def test_clients_that_were_not_merged_are_refused(clone: Path) -> None:
    _release(clone, ONE)
    commit(clone, "A branch", {GLOBEX: "name: Globex\n"})

    assert "only what was merged is released" in refused(_release_tenants(clone))
