"""What the pages tell an operator to do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from app.core.help_desk import Account, ServiceDeskOptions
from app.core.tenant import Instance, Tenant
from app.settings import ProcessSettings

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.md")])


def _pages_with(faults: Callable[[Path], Collection[object]], pages: list[Path] = PAGES) -> dict[str, object]:
    """Each page that has *faults*, with them."""
    return {str(page.relative_to(ROOT)): found for page in pages if (found := faults(page))}


def test_a_page_names_files_that_exist() -> None:
    named = re.compile(r"`((?:app|demo|tests|bench|kustomize|argocd|policies)/[\w./-]+\.(?:py|sql|yaml|md|sh))`")

    assert (
        _pages_with(lambda page: [x for x in named.findall(page.read_text("utf-8")) if not (ROOT / x).exists()]) == {}
    )


def _anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings of *page*."""
    titles = re.findall(r"^#+ (.*)", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_a_link_leads_to_a_page_and_a_heading_that_exist() -> None:
    def lost(page: Path) -> list[str]:
        found = []
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            name, _, anchor = link.partition("#")
            target = page.parent / name if name else page
            if "://" not in link and not (target.exists() and (not anchor or anchor in _anchors(target))):
                found.append(link)
        return found

    assert _pages_with(lost, [*PAGES, ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md"]) == {}


def test_an_accepted_finding_of_the_scan_names_a_policy_that_exists() -> None:
    named = set(re.findall(r"policies/([a-z-]+)", (ROOT / "policies" / "checkov.yaml").read_text("utf-8")))
    assert named
    assert {name for name in named if not (ROOT / "policies" / name / "policy.yaml").exists()} == set()


def test_the_page_has_the_layers_that_imports_are_held_to() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    drawn = (
        (ROOT / "docs" / "architecture.md").read_text("utf-8").partition("## Layers\n\n```\n")[2].partition("```")[0]
    )
    rows = [re.split(r"\s{2,}", line.strip())[0].split(" · ") for line in drawn.splitlines()]
    assert rows == [layer.split(" | ") for layer in layers if layer != "__main__"]


def test_no_page_deletes_rows_by_hand() -> None:
    """Rows of a tenant go by `ai-agents tenants erase`."""
    assert _pages_with(lambda page: re.findall("delete from", page.read_text("utf-8").lower())) == {}


def test_no_page_gives_a_client_another_webhook_secret_by_the_way() -> None:
    """Without --change `secret` makes a new one, with which each webhook of that client would be answered 401."""
    renewed = re.compile(r"(?:tenants|instances) secret [\w<>-]+ \|[\s\\]*aws secretsmanager put-secret-value")

    assert _pages_with(lambda page: renewed.findall(page.read_text("utf-8"))) == {}


def test_no_line_is_longer_than_a_reader_follows() -> None:
    assert _pages_with(lambda page: [line for line in page.read_text("utf-8").splitlines() if len(line) > 400]) == {}


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_each_key_of_a_tenants_and_an_instances_file_is_explained() -> None:
    page = (ROOT / "docs" / "tenants.md").read_text("utf-8")

    def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
        for name, field in model.model_fields.items():
            inner = [each for each in (field.annotation, *get_args(field.annotation)) if _is_model(each)]
            if inner and inner[0] is not Account:
                yield from keys(inner[0], "" if inner[0] is ServiceDeskOptions else f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    named = set(re.findall(r"`(?:servicedesk\.)?([a-z_.]+)`", page))
    assert set(keys(Tenant)) | set(keys(Instance)) <= named | {"instance", "account", "instructions"}
    assert set(Account.model_fields) <= named


def _subclasses(kind: type[ProcessSettings]) -> Iterator[type[ProcessSettings]]:
    yield kind
    for each in kind.__subclasses__():
        yield from _subclasses(each)


def test_each_variable_that_a_process_reads_is_explained_with_its_default() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[A-Z][^|]*) \|.* \| ([^|]+) \|$", page, re.MULTILINE)
    defaults = {
        name: value
        for names, values in rows
        for name, value in zip(names.split(", "), [*values.split(", "), *[""] * names.count(",")], strict=False)
    }
    fields = {
        name.upper(): field
        for kind in _subclasses(ProcessSettings)
        for name, field in kind.model_fields.items()
        if not name.startswith("console_oidc_")
    }

    assert {name for name in fields if f"`{name}`" not in defaults} == set()
    for name, field in fields.items():
        default = field.default
        text = f"{default.total_seconds():g}" if isinstance(default, timedelta) else str(default).lower()
        said = defaults[f"`{name}`"]
        assert not said.startswith("`") or said == f"`{text}`", name
