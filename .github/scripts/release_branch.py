"""Move the branches `release-<environment>`: Argo CD syncs whatever such a branch holds.

Each release is one commit: main's tree with kustomize/release/kustomization.yaml rewritten, on top of the release
before it and of main's commit. So a branch only ever moves forward, never by force; `git log --first-parent
release-production` is the list of releases, and each stays there for a rollback. An older commit of main never
overtakes a newer one.

An environment that follows none gets each merge. One that follows another gets, by `--promote`, the very tree that was
tested there. The very first release makes all branches: a cluster can't begin without its own.

The folder of an environment's tenants is a part of its own, moved by `--tenants` alone: it waits for no image, and code
that is not through its tests does not come along. A release of code keeps the folder as the release before it had it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FILE = "kustomize/release/kustomization.yaml"
INSTALLATION = "kustomize/installation/installation.yaml"
OVERLAYS = "kustomize/overlays"
IDENTITY = ("-c", "user.name=release", "-c", "user.email=release@invalid")
ATTEMPTS = 3


class Refused(Exception):
    """A release that may not be made, with what to do."""


def git(*arguments: str, stdin: str | None = None, index: str | None = None) -> str:
    environment = {**os.environ, **({"GIT_INDEX_FILE": index} if index else {})}
    result = subprocess.run(
        ["git", *arguments], input=stdin, capture_output=True, text=True, env=environment, check=False
    )
    if result.returncode:
        raise Refused(f"git {arguments[0]}: {result.stderr.strip()}")
    return result.stdout.strip()


def is_ancestor(older: str, newer: str) -> bool:
    return subprocess.run(["git", "merge-base", "--is-ancestor", older, newer], check=False).returncode == 0


def fetched(remote: str, branch: str) -> str | None:
    """The commit that *branch* of *remote* is at; None without such a branch."""
    if not git("ls-remote", "--heads", remote, f"refs/heads/{branch}"):
        return None
    git("fetch", "--quiet", remote, f"refs/heads/{branch}")
    return git("rev-parse", "FETCH_HEAD")


def value(path: str, key: str) -> str | None:
    """What the file of values at *path* sets *key* to, in quotes or not, with a comment behind it or not."""
    line = rf"""^  {key}: +(["']?)([^\s"'#][^\s"']*)\1[ \t\r]*(#.*)?$"""
    found = re.search(line, git("show", f"HEAD:{path}"), re.MULTILINE)
    return found[2] if found else None


def image() -> str:
    """Our repository of images, as the installation names it."""
    found = value(INSTALLATION, "image")
    if found is None or "unset.invalid" in found:
        raise Refused(f"the image is unset: name our repository in {INSTALLATION}")
    return found


@dataclass(frozen=True)
class Environment:
    """A folder of the overlays, as its values say.

    Args:
        follows: The environment whose smoke test lets a release in; None for one that gets each merge.
    """

    name: str
    follows: str | None

    @property
    def branch(self) -> str:
        return f"release-{self.name}"

    @property
    def tenants(self) -> str:
        return f"{OVERLAYS}/{self.name}/foundation/tenants"


def environments() -> list[Environment]:
    """Those of HEAD, in the order of their names."""
    found = []
    for path in git("ls-tree", "-r", "--name-only", "HEAD", f"{OVERLAYS}/").splitlines():
        if match := re.fullmatch(rf"{OVERLAYS}/([^/]+)/values/environment\.yaml", path):
            follows = value(path, "follows")
            if follows is None:
                raise Refused(f"{path} must have a line `follows:`")
            found.append(Environment(match[1], None if follows == "none" else follows))
    return found


def followers(name: str) -> list[str]:
    """The environments that follow the one of that *name*."""
    return [each.name for each in environments() if each.follows == name]


def rewritten(text: str, name: str, digest: str, commit: str) -> str:
    """*text* of the release's file with the image's *name* and *digest*, and main's *commit*."""
    for key, value in (("newName: ", name), ("digest: ", digest), ("- commit=", commit)):
        text, count = re.subn(rf"^(\s+{key}).*$", rf"\g<1>{value}", text, flags=re.MULTILINE)
        if count != 1:
            raise Refused(f"{FILE} must have exactly one line `{key.strip()}`, and has {count}")
    return text


def subtree(commit: str, folder: str) -> str | None:
    """The tree of *folder* in *commit*; None where it isn't."""
    return git("ls-tree", "-d", "--format=%(objectname)", commit, folder) or None


def tree_of(
    commit: str, environment: Environment, *, release_file: str | None = None, tenants: str | None = None
) -> str:
    """The tree of *commit* with the release's file of that text, and the tenants' folder of that tree, where given.

    The working copy stays as it is.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        git("read-tree", commit, index=index)
        if release_file is not None:
            blob = git("hash-object", "-w", "--stdin", stdin=release_file)
            git("update-index", "--cacheinfo", f"100644,{blob},{FILE}", index=index)
        if tenants is not None:
            git("rm", "--cached", "--force", "-r", "--quiet", "--ignore-unmatch", environment.tenants, index=index)
            git("read-tree", f"--prefix={environment.tenants}/", tenants, index=index)
        return git("write-tree", index=index)


def code_of(release: str) -> str:
    """The commit of main whose code *release* holds: its last parent."""
    return git("rev-list", "--parents", "--max-count=1", release).split()[-1]


def standing(before: str, head: str, tree: str) -> str | None:
    """Why the release *before* stays as it is; None when *head* follows it."""
    released = code_of(before)
    if git("rev-parse", f"{before}^{{tree}}") == tree:
        return f"{head[:12]} is released already"
    if released != head and is_ancestor(head, released):
        return f"{released[:12]} is released, which is newer than {head[:12]}: nothing to do"
    if not is_ancestor(released, head):
        raise Refused(f"{released[:12]} is released, and is not in the history of {head[:12]}: was it rewritten?")
    return None


@dataclass(frozen=True)
class Remote:
    """Where the branches are."""

    name: str
    main: str

    def merged(self, head: str) -> str:
        """The newest commit of main, of which *head* is a part."""
        newest = fetched(self.name, self.main)
        if newest is None or not is_ancestor(head, newest):
            raise Refused(f"{head[:12]} is not on {self.main} of {self.name}: only what was merged is released")
        return newest

    def released(self, environment: Environment) -> str | None:
        return fetched(self.name, environment.branch)

    def push(self, environment: Environment, tree: str, message: str, *, before: str | None, code: str) -> str | None:
        """The commit that the branch is at now; None when another job was faster."""
        parents = [argument for parent in (before, code) if parent for argument in ("-p", parent)]
        commit = git(*IDENTITY, "commit-tree", tree, *parents, stdin=message)
        try:
            git("push", "--quiet", self.name, f"{commit}:refs/heads/{environment.branch}")
        except Refused:
            if self.released(environment) == before:  # refused for another reason
                raise
            return None
        return commit

    def bring(self, environment: Environment, commit: str, code: str, message: str, release_file: str | None) -> str:
        """Make the tree of *commit* the environment's release, but for its tenants. Returns what was done."""
        for _ in range(ATTEMPTS):
            before = self.released(environment)
            tenants = subtree(before, environment.tenants) if before else None
            tree = tree_of(commit, environment, release_file=release_file, tenants=tenants)
            if before and (reason := standing(before, code, tree)):
                return f"{environment.branch}: {reason}"
            if made := self.push(environment, tree, message, before=before, code=code):
                return f"{environment.branch} is at {made[:12]}: {code[:12]}"
        raise Refused(f"{environment.branch} was moved {ATTEMPTS} times meanwhile: run the job again")


def release(digest: str, remote: Remote) -> str:
    """Make the release of HEAD. Returns what was done, for a person."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not digest.removeprefix("sha256:").strip("0"):
        raise Refused(f"{digest!r} is not the digest of an image: DIGEST=sha256:… as the registry told it")
    head = git("rev-parse", "HEAD")
    remote.merged(head)
    text = rewritten(git("show", f"HEAD:{FILE}") + "\n", image(), digest, head)
    message = f"Release {git('log', '-1', '--format=%h %s', head)}\n\nImage: {digest}\n"
    every = environments()
    is_first = not any(remote.released(each) for each in every)
    return "\n".join(
        remote.bring(each, head, head, message, text) for each in every if is_first or each.follows is None
    )


def promote(name: str, revision: str, remote: Remote) -> str:
    """Bring the release at *revision* of the environment that *name* follows to *name*. Returns what was done."""
    every = {each.name: each for each in environments()}
    environment = every.get(name)
    before = every.get(environment.follows or "") if environment else None
    if environment is None or before is None:
        raise Refused(f"{name!r} follows no environment: kustomize/overlays/{name}/values/environment.yaml says which")
    newest = remote.released(before)
    if newest is None or revision not in git("rev-list", "--first-parent", newest).splitlines():
        raise Refused(f"{revision[:12]} is no release of {before.name}: only what was tested there is promoted")
    code = code_of(revision)
    digest = re.search(r"^\s+digest: (\S+)$", git("show", f"{revision}:{FILE}"), re.MULTILINE)
    message = f"Release {git('log', '-1', '--format=%h %s', code)}\n\nImage: {digest[1] if digest else 'unknown'}\n"
    return remote.bring(environment, revision, code, f"{message}From {before.name}: {revision}\n", None)


def release_tenants(remote: Remote) -> str:
    """Bring HEAD's tenants' files to the releases that run, and nothing else. Returns what was done, for a person."""
    head = git("rev-parse", "HEAD")
    newest = remote.merged(head)
    return "\n".join(_release_tenants(remote, each, head, newest) for each in environments())


def _release_tenants(remote: Remote, environment: Environment, head: str, newest: str) -> str:
    tenants = subtree(head, environment.tenants)
    if tenants is None:
        raise Refused(f"{head[:12]} has no {environment.tenants}")
    if subtree(newest, environment.tenants) != tenants:
        return f"{environment.branch}: newer files than those of {head[:12]} are merged: their own job brings them"
    for _ in range(ATTEMPTS):
        before = remote.released(environment)
        if before is None:
            return f"{environment.branch}: nothing is released yet: the first release brings the tenants' files"
        if subtree(before, environment.tenants) == tenants:
            return f"{environment.branch}: the tenants' files of {head[:12]} are released already"
        message = f"Tenants of {git('log', '-1', '--format=%h %s', head)}\n"
        tree = tree_of(before, environment, tenants=tenants)
        if commit := remote.push(environment, tree, message, before=before, code=code_of(before)):
            return f"{environment.branch} is at {commit[:12]}: with the tenants' files of {head[:12]}"
    raise Refused(f"{environment.branch} was moved {ATTEMPTS} times meanwhile: run the job again")


def main() -> int:
    parser = argparse.ArgumentParser(description="Move the branches `release-<environment>`.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("digest", nargs="?", help="of the image of HEAD")
    what.add_argument("--tenants", action="store_true", help="the tenants' files alone")
    what.add_argument("--promote", nargs=2, metavar=("ENVIRONMENT", "REVISION"), help="what its forerunner has tested")
    what.add_argument("--followers", metavar="ENVIRONMENT", help="tell which environments follow it, as JSON")
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--main", default="main")
    given = parser.parse_args()
    remote = Remote(given.remote, given.main)
    try:
        if given.followers is not None:
            print(json.dumps(followers(given.followers)))
        elif given.promote:
            print(promote(*given.promote, remote))
        else:
            print(release_tenants(remote) if given.tenants else release(given.digest, remote))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
