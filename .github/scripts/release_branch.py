"""Move the branch `release` to a commit of main, with the image's digest: Argo CD syncs whatever that branch holds.

Each release is one commit: main's tree with kustomize/release/kustomization.yaml rewritten, on top of the release
before it and of main's commit. So the branch only ever moves forward, never by force; `git log --first-parent release`
is the list of releases, and each stays there for a rollback. An older commit of main never overtakes a newer one.

The folder of the tenants' files is a part of its own, moved by `--tenants` alone: it waits for no image, and code that
is not through its tests does not come along. A release of code keeps the folder as the release before it had it.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

FILE = "kustomize/release/kustomization.yaml"
INSTALLATION = "kustomize/installation/installation.yaml"
TENANTS = "kustomize/overlays/production/foundation/tenants"
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


def image() -> str:
    """Our repository of images, as the installation names it."""
    found = re.search(r"^  image: (\S+)$", git("show", f"HEAD:{INSTALLATION}"), re.MULTILINE)
    if found is None or "unset.invalid" in found[1]:
        raise Refused(f"the image is unset: name our repository in {INSTALLATION}")
    return found[1]


def rewritten(text: str, name: str, digest: str) -> str:
    """*text* of the release's file with the image's *name* and *digest*."""
    for key, value in (("newName", name), ("digest", digest)):
        text, count = re.subn(rf"^(\s+{key}:) .*$", rf"\g<1> {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise Refused(f"{FILE} must have exactly one line `{key}:`, and has {count}")
    return text


def subtree(commit: str, folder: str) -> str | None:
    """The tree of *folder* in *commit*; None where it isn't."""
    return git("ls-tree", "-d", "--format=%(objectname)", commit, folder) or None


def tree_of(commit: str, *, release_file: str | None = None, tenants: str | None = None) -> str:
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
            git("rm", "--cached", "--force", "-r", "--quiet", "--ignore-unmatch", TENANTS, index=index)
            git("read-tree", f"--prefix={TENANTS}/", tenants, index=index)
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
    """Where the two branches are."""

    name: str
    main: str
    branch: str

    def merged(self, head: str) -> str:
        """The newest commit of main, of which *head* is a part."""
        newest = fetched(self.name, self.main)
        if newest is None or not is_ancestor(head, newest):
            raise Refused(f"{head[:12]} is not on {self.main} of {self.name}: only what was merged is released")
        return newest

    def released(self) -> str | None:
        return fetched(self.name, self.branch)

    def push(self, tree: str, message: str, *, before: str | None, code: str) -> str | None:
        """The commit that the branch is at now; None when another job was faster."""
        parents = [argument for parent in (before, code) if parent for argument in ("-p", parent)]
        commit = git(*IDENTITY, "commit-tree", tree, *parents, stdin=message)
        try:
            git("push", "--quiet", self.name, f"{commit}:refs/heads/{self.branch}")
        except Refused:
            if self.released() == before:  # refused for another reason
                raise
            return None
        return commit


def release(digest: str, remote: Remote) -> str:
    """Make the release of HEAD. Returns what was done, for a person."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not digest.removeprefix("sha256:").strip("0"):
        raise Refused(f"{digest!r} is not the digest of an image: DIGEST=sha256:… as the registry told it")
    head = git("rev-parse", "HEAD")
    remote.merged(head)
    text = rewritten(git("show", f"HEAD:{FILE}") + "\n", image(), digest)
    message = f"Release {git('log', '-1', '--format=%h %s', head)}\n\nImage: {digest}\n"
    for _ in range(ATTEMPTS):
        before = remote.released()
        tree = tree_of(head, release_file=text, tenants=subtree(before, TENANTS) if before else None)
        if before and (reason := standing(before, head, tree)):
            return reason
        if commit := remote.push(tree, message, before=before, code=head):
            return f"{remote.branch} is at {commit[:12]}: {head[:12]} with {digest}"
    raise Refused(f"{remote.branch} was moved {ATTEMPTS} times meanwhile: run the job again")


def release_tenants(remote: Remote) -> str:
    """Bring HEAD's tenants' files to the release that runs, and nothing else. Returns what was done, for a person."""
    head = git("rev-parse", "HEAD")
    newest = remote.merged(head)
    tenants = subtree(head, TENANTS)
    if tenants is None:
        raise Refused(f"{head[:12]} has no {TENANTS}")
    if subtree(newest, TENANTS) != tenants:
        return f"newer files than those of {head[:12]} are merged: their own job brings them"
    for _ in range(ATTEMPTS):
        before = remote.released()
        if before is None:
            return "nothing is released yet: the first release brings the tenants' files"
        if subtree(before, TENANTS) == tenants:
            return f"the tenants' files of {head[:12]} are released already"
        message = f"Tenants of {git('log', '-1', '--format=%h %s', head)}\n"
        tree = tree_of(before, tenants=tenants)
        if commit := remote.push(tree, message, before=before, code=code_of(before)):
            return f"{remote.branch} is at {commit[:12]}: with the tenants' files of {head[:12]}"
    raise Refused(f"{remote.branch} was moved {ATTEMPTS} times meanwhile: run the job again")


def main() -> int:
    parser = argparse.ArgumentParser(description="Move the branch `release` to HEAD with an image's digest.")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("digest", nargs="?")
    what.add_argument("--tenants", action="store_true", help="the tenants' files alone")
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--main", default="main")
    parser.add_argument("--branch", default="release")
    given = parser.parse_args()
    remote = Remote(given.remote, given.main, given.branch)
    try:
        print(release_tenants(remote) if given.tenants else release(given.digest, remote))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
