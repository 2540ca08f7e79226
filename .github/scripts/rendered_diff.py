"""What a change does to each overlay, to argocd/ and policies/, as Markdown: rendered before, rendered after, compared.

Before is where the branch left main, so that what others merged meanwhile does not show. A folder that is new or gone
is compared with nothing; one that does not render says why. Also written to GitHub's summary and output, where given.
"""

from __future__ import annotations

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

# A comment on GitHub takes 65,536 characters.
LONGEST = 60_000


def run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def folders(root: Path) -> list[str]:
    """What somebody applies: each kustomization of the overlays, argocd/ and policies/ that is no Component."""
    return sorted(
        str(path.parent.relative_to(root))
        for top in ("kustomize/overlays", "argocd", "policies")
        for path in (root / top).rglob("kustomization.yaml")
        if not re.search(r"^kind: Component$", path.read_text(encoding="utf-8"), re.MULTILINE)
    )


def rendered(folder: Path, kubectl: str) -> tuple[list[str], str | None]:
    """The lines of *folder*, and why there are none."""
    if not (folder / "kustomization.yaml").exists():
        return [], None
    result = subprocess.run([kubectl, "kustomize", str(folder)], capture_output=True, text=True, check=False)
    return result.stdout.splitlines(), result.stderr.strip() if result.returncode else None


def section(folder: str, before: Path, after: Path, kubectl: str) -> str | None:
    """Markdown on *folder*; None when nothing changed."""
    old, failure_before = rendered(before / folder, kubectl)
    new, failure = rendered(after / folder, kubectl)
    if failure is not None and failure_before is not None:
        return None  # not by this change: what needs the network renders nowhere without
    if failure is not None:
        return f"### `{folder}` does not render\n\n{fenced(failure, '')}"
    diff = list(difflib.unified_diff(old, new, "before", "after", lineterm=""))
    if not diff:
        return None
    added = sum(line.startswith("+") for line in diff[2:])
    removed = sum(line.startswith("-") for line in diff[2:])
    return f"### `{folder}` +{added} −{removed}\n\n{fenced(chr(10).join(diff), 'diff')}"


def fenced(text: str, language: str) -> str:
    """*text* as a block that it can't end by itself."""
    longest = max((len(ticks) for ticks in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def report(base: str, *, root: Path, kubectl: str) -> str:
    """The whole comment; *root* is a working copy of the change."""
    fork_point = run("git", "-C", str(root), "merge-base", base, "HEAD")
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / "before"
        run("git", "-C", str(root), "worktree", "add", "--quiet", "--detach", str(before), fork_point)
        try:
            every = sorted({*folders(before), *folders(root)})
            sections = [section(each, before, root, kubectl) for each in every]
        finally:
            run("git", "-C", str(root), "worktree", "remove", "--force", str(before))
    changed = [each for each in sections if each]
    if not changed:
        return "No rendered manifest changes."
    return "\n\n".join(["Rendered manifests, compared with where this branch began.", *changed])


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    kept = text[:LONGEST].rpartition("\n")[0]
    fence = re.findall(r"^(`{3,})", kept, re.MULTILINE)
    closing = f"\n{fence[-1]}" if len(fence) % 2 else ""
    return f"{kept}{closing}\n\nThe rest is too long for a comment: `make rendered-diff BASE_REF=main` prints it all."


def tell_github(text: str) -> None:
    if summary := os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(summary).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
    if output := os.environ.get("GITHUB_OUTPUT"):
        end = uuid.uuid4()  # not to be guessed by what is rendered
        with Path(output).open("a", encoding="utf-8") as file:
            file.write(f"diff<<{end}\n{text}\n{end}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare what each overlay renders to, before and after a change.")
    parser.add_argument("base", help="the branch or commit to compare with")
    parser.add_argument("--kubectl", default=shutil.which("kubectl", path=Path(sys.executable).parent) or "kubectl")
    given = parser.parse_args()
    text = report(given.base, root=Path(run("git", "rev-parse", "--show-toplevel")), kubectl=given.kubectl)
    print(text)
    tell_github(shortened(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
