from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import yaml

from app.cli.run import why_unread
from app.errors import TenantFileInvalid
from app.tenants import TenantDirectory
from app.tenants.secrets import missing_secrets
from app.tenants.writing import LIST_FILE, add_instance, add_tenant, is_list_stale, remove_file, write_list

OWN: dict[str, Any] = {
    "name": "Acme",
    "edition": "cloud",
    "url": "https://sdpondemand.manageengine.com/app/itdesk",
    "accounts_url": "https://accounts.zoho.com",
    "technician": "ai-agents@acme.example",
}
SHARED: dict[str, Any] = {
    "edition": "msp_on_premises",
    "url": "https://sdp.msp.example",
    "technician": "ai-agents@msp.example",
}


def read(folder: Path) -> TenantDirectory:
    directory = TenantDirectory(folder, folder / "none")
    directory.refresh()
    return directory


def add(folder: Path, slug: str = "acme", **answers: Any) -> Path:
    return add_tenant(folder, read(folder), slug=slug, tenant_id=uuid4(), **(answers or OWN))


def share(folder: Path, name: str = "main", **changes: Any) -> Path:
    answers = {**SHARED, **changes}
    return add_instance(folder / "instances", read(folder), name=name, instance_id=uuid4(), **answers)


def account(folder: Path, slug: str, **changes: Any) -> Path:
    return add(folder, slug, **{"name": slug.title(), "instance": "main", "account": "601", **changes})


def test_no_client_of_an_environment_takes_the_place_of_the_smoke_test(tmp_path: Path) -> None:
    """In the pods one file would hide the other, and both would have one secret."""
    assert add(tmp_path, "smoke").is_file(), "anywhere else it is a name like any other"
    remove_file(tmp_path, "smoke")
    (tmp_path / LIST_FILE).touch()

    with pytest.raises(TenantFileInvalid, match="smoke test's own tenant"):
        add(tmp_path, "smoke")
    with pytest.raises(TenantFileInvalid, match="smoke test's own tenant"):
        share(tmp_path, "smoke")


def test_a_tenant_with_its_own_help_desk_has_every_choice_in_its_file(tmp_path: Path) -> None:
    path = add(tmp_path)

    directory = read(tmp_path)
    assert directory.problems == []
    (known,) = directory
    assert missing_secrets(known) == ["webhook_secret", "oauth_client_id", "oauth_client_secret", "oauth_refresh_token"]
    assert {"note", "model", "limits", "webhook", "events"} <= set(yaml.safe_load(path.read_text("utf-8")))


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    before = add(tmp_path).read_text("utf-8")
    with pytest.raises(TenantFileInvalid, match="exists already"):
        add(tmp_path, **{**OWN, "url": "https://another.example"})
    assert (tmp_path / "acme.yaml").read_text("utf-8") == before


def test_an_account_is_a_small_file(tmp_path: Path) -> None:
    share(tmp_path)
    path = account(tmp_path, "acme", account_name="Acme Corp", webhook_auth="token")

    assert read(tmp_path).problems == []
    values = yaml.safe_load(path.read_text("utf-8"))
    assert values.pop("id")
    assert values == {
        "slug": "acme",
        "name": "Acme",
        "servicedesk": {"instance": "main", "account": {"id": "601", "name": "Acme Corp"}},
        "webhook": {"auth": "token"},
    }
    assert path.stat().st_size < 250


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"account": "601"}, "can't be told apart from the account of acme"),
        ({"account": None, "account_name": "Globex"}, "can't be told apart"),
        ({"account": "602", "instance": "other"}, "there is no valid file instances/other.yaml"),
        ({"account": "602", "slug": "main"}, "an instance and a tenant are both named main"),
        ({"account": "602", "name": ""}, "name"),
        ({"account": "6" * 70}, "servicedesk.account.id"),
    ],
    ids=["same account", "by its name alone", "no such instance", "an instance's name", "no name", "a long id"],
)
def test_what_could_not_be_served_is_not_written(tmp_path: Path, changes: dict[str, Any], says: str) -> None:
    share(tmp_path)
    account(tmp_path, "acme")
    slug = changes.pop("slug", "globex")
    with pytest.raises(TenantFileInvalid, match=says):
        account(tmp_path, slug, **changes)
    assert not (tmp_path / f"{slug}.yaml").exists()


def test_a_second_file_for_one_help_desk_is_not_written(tmp_path: Path) -> None:
    share(tmp_path)
    with pytest.raises(TenantFileInvalid, match="leads to the help desk of main"):
        add(tmp_path, **{**OWN, "url": "https://SDP.msp.example:443/"})
    with pytest.raises(TenantFileInvalid, match="leads to the help desk of main"):
        share(tmp_path, "second")
    with pytest.raises(TenantFileInvalid, match="edition must be msp_cloud or msp_on_premises"):
        share(tmp_path, "third", edition="on_premises", url="https://third.example")


def test_a_removed_file_tells_what_it_held_even_if_it_was_not_valid(tmp_path: Path) -> None:
    add(tmp_path)
    held = remove_file(tmp_path, "acme")
    assert (held["slug"], list(tmp_path.iterdir())) == ("acme", [])
    for content in ("id: 7\n", "[", "- a\n", "\x00"):
        (tmp_path / "acme.yaml").write_text(content)
        assert remove_file(tmp_path, "acme") == ({"id": 7} if content == "id: 7\n" else {})
    with pytest.raises(TenantFileInvalid, match="there is no file"):
        remove_file(tmp_path, "acme")


def test_the_list_for_kustomize_names_every_file(tmp_path: Path) -> None:
    assert write_list(tmp_path) is None
    assert not is_list_stale(tmp_path)
    (tmp_path / LIST_FILE).touch()
    share(tmp_path)
    account(tmp_path, "globex", account="602")
    account(tmp_path, "acme")
    assert is_list_stale(tmp_path)

    assert write_list(tmp_path) == tmp_path / LIST_FILE

    assert not is_list_stale(tmp_path)
    text = (tmp_path / LIST_FILE).read_text("utf-8")
    generators = {each["name"]: each["files"] for each in yaml.safe_load(text)["configMapGenerator"]}
    assert generators == {"tenants": ["acme.yaml", "globex.yaml"], "instances": ["instances/main.yaml"]}
    assert read(tmp_path).problems == [], "the list is no tenant's file"


@pytest.fixture
def forbidden(tmp_path: Path) -> Iterator[Path]:
    """A folder of files that this process may not read; root is another user meanwhile."""
    folder = tmp_path / "closed" / "files"
    folder.mkdir(parents=True)
    (folder / LIST_FILE).touch()
    folder.parent.chmod(0)
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    yield folder
    os.seteuid(user)
    folder.parent.chmod(0o700)


def test_files_that_may_not_be_read_are_told(forbidden: Path) -> None:
    assert list(read(forbidden)) == []
    assert why_unread(forbidden) == f"TENANTS_DIR: {forbidden} may not be read by this user"
    with pytest.raises(TenantFileInvalid, match="can't be written"):
        write_list(forbidden)
