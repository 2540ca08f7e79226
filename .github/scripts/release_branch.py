"""Move the branch `release` to a commit of main, with the image's digest: Argo CD syncs whatever that branch holds.

Each release is one commit: main's tree with kustomize/release/kustomization.yaml rewritten, on top of the release
before it and of main's commit. So the branch only ever moves forward, never by force; `git log --first-parent release`
is the list of releases, and each stays there for a rollback. An older commit of main never overtakes a newer one.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

FILE = "kustomize/release/kustomization.yaml"
INSTALLATION = "kustomize/installation/installation.yaml"
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
    if found is None or "unset" in found[1]:
        raise Refused(f"the image is unset: name our repository in {INSTALLATION}")
    return found[1]


def rewritten(text: str, name: str, digest: str) -> str:
    """*text* of the release's file with the image's *name* and *digest*."""
    for key, value in (("newName", name), ("digest", digest)):
        text, count = re.subn(rf"^(\s+{key}:) .*$", rf"\g<1> {value}", text, flags=re.MULTILINE)
        if count != 1:
            raise Refused(f"{FILE} must have exactly one line `{key}:`, and has {count}")
    return text


def release_tree(name: str, digest: str) -> str:
    """The tree of HEAD with the release's file rewritten. The working copy stays as it is."""
    blob = git("hash-object", "-w", "--stdin", stdin=rewritten(git("show", f"HEAD:{FILE}") + "\n", name, digest))
    with tempfile.TemporaryDirectory() as folder:
        index = str(Path(folder) / "index")
        git("read-tree", "HEAD", index=index)
        git("update-index", "--cacheinfo", f"100644,{blob},{FILE}", index=index)
        return git("write-tree", index=index)


def standing(before: str, head: str, tree: str) -> str | None:
    """Why the release *before* stays as it is; None when *head* follows it."""
    released = git("rev-list", "--parents", "--max-count=1", before).split()[-1]
    if git("rev-parse", f"{before}^{{tree}}") == tree:
        return f"{head[:12]} is released already"
    if released != head and is_ancestor(head, released):
        return f"{released[:12]} is released, which is newer than {head[:12]}: nothing to do"
    if not is_ancestor(released, head):
        raise Refused(f"{released[:12]} is released, and is not in the history of {head[:12]}: was it rewritten?")
    return None


def release(digest: str, *, remote: str, main: str, branch: str) -> str:
    """Make the release of HEAD. Returns what was done, for a person."""
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", digest) or not digest.removeprefix("sha256:").strip("0"):
        raise Refused(f"{digest!r} is not the digest of an image: DIGEST=sha256:… as the registry told it")
    head = git("rev-parse", "HEAD")
    newest = fetched(remote, main)
    if newest is None or not is_ancestor(head, newest):
        raise Refused(f"{head[:12]} is not on {main} of {remote}: only what was merged is released")
    tree = release_tree(image(), digest)
    message = f"Release {git('log', '-1', '--format=%h %s', head)}\n\nImage: {digest}\n"
    for _ in range(ATTEMPTS):
        before = fetched(remote, branch)
        if before and (reason := standing(before, head, tree)):
            return reason
        parents = [argument for parent in (before, head) if parent for argument in ("-p", parent)]
        commit = git(*IDENTITY, "commit-tree", tree, *parents, stdin=message)
        try:
            git("push", "--quiet", remote, f"{commit}:refs/heads/{branch}")
        except Refused:
            if fetched(remote, branch) == before:  # refused for another reason than a job that was faster
                raise
        else:
            return f"{branch} is at {commit[:12]}: {head[:12]} with {digest}"
    raise Refused(f"{branch} was moved {ATTEMPTS} times meanwhile: run the job again")


def main() -> int:
    parser = argparse.ArgumentParser(description="Move the branch `release` to HEAD with an image's digest.")
    parser.add_argument("digest")
    parser.add_argument("--remote", default="origin")
    parser.add_argument("--main", default="main")
    parser.add_argument("--branch", default="release")
    given = parser.parse_args()
    try:
        print(release(given.digest, remote=given.remote, main=given.main, branch=given.branch))
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
