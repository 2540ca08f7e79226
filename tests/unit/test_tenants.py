from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PosixPath
from typing import Any, ClassVar
from uuid import UUID, uuid4

import pytest
import yaml
from prometheus_client import generate_latest

from app.core.accounts import Accounts
from app.core.help_desk import AccountRef
from app.core.tenant import Instance, Tenant
from app.errors import TenantFileInvalid
from app.tenants import KnownTenant, TenantDirectory
from app.tenants.files import parse_instance, parse_tenant, read_tenant
from app.tenants.secrets import missing_secrets, missing_worker_secrets
from tests.builders import a_tenant, an_account, an_instance, write_instance, write_tenant


def directory(folder: Path) -> TenantDirectory:
    return TenantDirectory(folder / "files", folder / "secrets")


@pytest.fixture
def tenants(tmp_path: Path) -> TenantDirectory:
    return directory(tmp_path)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    """A shared help desk that may be used."""
    found = an_instance("main")
    write_instance(tmp_path, found, webhook_secret="one", api_key="key")
    return found


def read_again(tenants: TenantDirectory, tenant_id: UUID) -> KnownTenant:
    """The tenant as it is known once the files were read again, in which nothing is wrong."""
    assert tenants.refresh() == []
    known = tenants.find(tenant_id)
    assert known is not None
    return known


def test_a_tenant_is_found_by_id_and_slug_with_its_secrets(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant()
    write_tenant(tmp_path, tenant, webhook_secret="one", webhook_secret_previous="two", api_key="key")
    known = read_again(tenants, tenant.id)
    assert known is tenants.find_slug("acme")
    assert known.secrets.webhook == (b"one", b"two")
    assert known.secrets.api_key == "key"


def test_secrets_are_in_no_repr(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant()
    write_tenant(
        tmp_path,
        tenant,
        webhook_secret="hidden",
        api_key="hidden",
        oauth_client_id="hidden",
        oauth_client_secret="hidden",
        oauth_refresh_token="hidden",
    )
    tenants.refresh()
    assert "hidden" not in repr(tenants.find(tenant.id))


def test_a_token_is_taken_as_it_is_written_and_a_signing_secret_is_decoded(
    tmp_path: Path, tenants: TenantDirectory
) -> None:
    written = "whsec_bm9ydGh3aW5kLXNlY3JldC0wMDAx"
    for slug, auth in (("hmac", "hmac"), ("token", "token")):
        write_tenant(tmp_path, a_tenant(slug, webhook={"auth": auth}), webhook_secret=written)
    assert tenants.refresh() == []
    secrets = {known.tenant.slug: known.secrets.webhook for known in tenants}
    assert secrets == {"hmac": (b"northwind-secret-0001",), "token": (written.encode(),)}


def test_a_bad_file_keeps_the_last_good_version_and_touches_no_other(tmp_path: Path, tenants: TenantDirectory) -> None:
    acme, other = a_tenant("acme"), a_tenant("other")
    write_tenant(tmp_path, acme, webhook_secret="one")
    write_tenant(tmp_path, other, webhook_secret="one")
    tenants.refresh()
    (tmp_path / "files" / "acme.yaml").write_text("slug: acme\nstatus: sleeping\n")
    fresh = tenants.refresh()
    assert [problem.slug for problem in fresh] == ["acme"]
    assert tenants.find(acme.id) is not None
    assert tenants.find(other.id) is not None
    assert tenants.refresh() == []
    assert [problem.slug for problem in tenants.problems] == ["acme"]
    write_tenant(tmp_path, acme.model_copy(update={"name": "Mended"}))
    assert tenants.refresh() == []
    assert tenants.problems == []
    known = tenants.find(acme.id)
    assert known is not None
    assert known.tenant.name == "Mended"


def test_a_removed_file_removes_its_tenant(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant()
    write_tenant(tmp_path, tenant, webhook_secret="one")
    tenants.refresh()
    (tmp_path / "files" / "acme.yaml").unlink()
    tenants.refresh()
    assert tenants.find(tenant.id) is None
    assert list(tenants) == []


def test_two_tenants_cannot_share_an_id(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant("acme")
    write_tenant(tmp_path, tenant, webhook_secret="one")
    write_tenant(tmp_path, a_tenant("other", id=tenant.id), webhook_secret="two")
    assert len(tenants.refresh()) == 1
    assert len(list(tenants)) == 1


def urls(tenants: TenantDirectory) -> dict[str, str]:
    return {known.tenant.slug: known.tenant.servicedesk.url for known in tenants}


def test_two_tenants_of_one_help_desk_are_refused_but_the_earlier(tmp_path: Path, tenants: TenantDirectory) -> None:
    one = a_tenant("beta", servicedesk={"url": "https://sdp.acme.example"})
    write_tenant(tmp_path, one, webhook_secret="one")
    assert tenants.refresh() == []
    other = a_tenant("alpha", servicedesk={"url": "http://SDP.acme.example:80/"})
    write_tenant(tmp_path, other, webhook_secret="two")

    (problem,) = tenants.refresh()

    assert problem.slug == "alpha"
    assert "servicedesk.url: leads to the help desk of beta" in problem.detail
    assert (tenants.find(one.id), tenants.find(other.id)) != (None, None)
    assert tenants.find(other.id) is None
    assert tenants.refresh() == []
    # Once the earlier is gone, the other is served without a change of its own file.
    (tmp_path / "files" / "beta.yaml").unlink()
    tenants.refresh()
    assert tenants.problems == []
    assert tenants.find(other.id) is not None


def test_a_process_that_starts_anew_serves_the_first_by_name(tmp_path: Path, tenants: TenantDirectory) -> None:
    for slug in ("gamma", "alpha", "beta"):
        write_tenant(tmp_path, a_tenant(slug, servicedesk={"url": "https://sdp.acme.example"}), webhook_secret="one")
    assert [problem.slug for problem in tenants.refresh()] == ["beta", "gamma"]
    assert [known.tenant.slug for known in tenants] == ["alpha"]


def test_a_file_that_changes_to_the_help_desk_of_another_keeps_its_version_before(
    tmp_path: Path, tenants: TenantDirectory
) -> None:
    alpha = a_tenant("alpha", servicedesk={"url": "https://one.example"})
    beta = a_tenant("beta", servicedesk={"url": "https://two.example"})
    for tenant in (alpha, beta):
        write_tenant(tmp_path, tenant, webhook_secret="one")
    tenants.refresh()

    write_tenant(tmp_path, a_tenant("alpha", id=alpha.id, servicedesk={"url": "https://two.example"}))
    assert [problem.slug for problem in tenants.refresh()] == ["alpha"]
    assert urls(tenants) == {"alpha": "https://one.example", "beta": "https://two.example"}

    # Both change, to one another's: no two are the same at any time.
    write_tenant(tmp_path, a_tenant("beta", id=beta.id, servicedesk={"url": "https://one.example"}))
    tenants.refresh()
    assert tenants.problems == []
    assert urls(tenants) == {"alpha": "https://two.example", "beta": "https://one.example"}


def test_a_suspended_tenant_leaves_its_help_desk_to_another(tmp_path: Path, tenants: TenantDirectory) -> None:
    url = {"url": "https://sdp.acme.example"}
    write_tenant(tmp_path, a_tenant("acme", status="suspended", servicedesk=url), webhook_secret="one")
    write_tenant(tmp_path, a_tenant("acme-2", servicedesk=url), webhook_secret="one")
    assert tenants.refresh() == []
    assert len(list(tenants)) == 2


def test_a_file_that_is_renamed_is_served_under_its_new_name(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant("acme")
    write_tenant(tmp_path, tenant, webhook_secret="one")
    tenants.refresh()
    (tmp_path / "files" / "acme.yaml").unlink()
    write_tenant(tmp_path, a_tenant("acme-corp", id=tenant.id), webhook_secret="one")
    known = read_again(tenants, tenant.id)
    assert known.tenant.slug == "acme-corp"


@pytest.mark.parametrize(
    "content",
    [
        "a: 1" + ":00" * 180 + ".5\n",
        "a: 0001-13-45\n",
        "{",
        'a: "' + "x" * 70_000 + '"',
        "a: !!python/object:os.system x\n",
        "? [a, b]\n: c\n",
        "<<: 1\n",
        "\x00",
        "\ufeff\ufeff",
        "- " * 20_000,
        "[" * 20_000,
        "slug: acme\nid: .inf\n",
    ],
    ids=range(12),
)
def test_whatever_a_file_holds_it_costs_its_own_tenant_alone(
    tmp_path: Path, content: str, tenants: TenantDirectory
) -> None:
    other = a_tenant("other")
    write_tenant(tmp_path, other, webhook_secret="one")
    (tmp_path / "files" / "acme.yaml").write_text(content)
    assert [problem.slug for problem in tenants.refresh()] == ["acme"]
    assert tenants.find(other.id) is not None
    with pytest.raises(TenantFileInvalid):
        read_tenant(tmp_path / "files" / "acme.yaml")


@pytest.mark.parametrize("secret", ["whsec_%%%", "whsec_", "whsec_" + "A" * 60_000, "\x00", "\ud800"])
def test_whatever_a_secret_holds_it_costs_its_own_tenant_alone(
    tmp_path: Path, secret: str, tenants: TenantDirectory
) -> None:
    for tenant in (a_tenant("acme"), a_tenant("other")):
        write_tenant(tmp_path, tenant, webhook_secret="one")
    (tmp_path / "secrets" / "acme" / "webhook_secret").write_bytes(secret.encode("utf-8", "surrogatepass"))
    tenants.refresh()
    assert tenants.find_slug("other") is not None


def test_a_new_id_in_a_file_retires_the_old_one(tmp_path: Path, tenants: TenantDirectory) -> None:
    old, new = a_tenant(), a_tenant()
    write_tenant(tmp_path, old, webhook_secret="one")
    tenants.refresh()
    write_tenant(tmp_path, new)
    tenants.refresh()
    assert tenants.find(old.id) is None
    assert tenants.find(new.id) is not None


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"status": "sleeping"}, "status"),
        ({"id": "7"}, "id"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "id: must not be 0.*stands for every tenant"),
        ({"colour": "red"}, "colour: is not a key"),
        ({"closing": {"draft": "maybe"}}, "closing.draft: must be true or false"),
        ({"storms": {"collect_from": "five"}}, "storms.collect_from: must be a whole number"),
        ({"name": ""}, "name: must not be empty"),
        ({"servicedesk": {"url": "https://münchen.example"}}, "servicedesk.url: must write its host in ASCII"),
        ({"servicedesk": {"url": "ftp://x"}}, "servicedesk.url: must be an http or https URL"),
        ({"servicedesk": {"url": "https://u:p@x.example"}}, "must hold no user"),
        ({"servicedesk": {"url": "https://@x.example"}}, "must hold no user"),
        ({"servicedesk": {"url": "https://x.example:0"}}, "servicedesk.url: must be an http or https URL"),
        ({"servicedesk": {"url": "https://x.example\\@y.example"}}, "servicedesk.url: must"),
        ({"servicedesk": {"url": "https://x.example\t/"}}, "servicedesk.url: must be an http or https URL"),
        ({"servicedesk": {"url": "https://[fe80::1%25eth0]"}}, "servicedesk.url: must be an http or https URL"),
        ({"servicedesk": {"url": "https://x.example/" + "x" * 500}}, "servicedesk.url: must be an http or https URL"),
        ({"servicedesk": {"edition": "cloud"}}, "accounts_url is required"),
        ({"servicedesk": {"calls_per_minute": 0}}, "servicedesk.calls_per_minute"),
        ({"note": {"language": "xx"}}, "note.language"),
        ({"model": {"base_url": "https://model.example/v1"}}, "model: name is required beside base_url"),
        ({"model": {"name": "x", "base_url": "https://u:p@model.example/v1"}}, "model.base_url: must hold no user"),
        ({"model": {"name": "x", "base_url": "file:///etc/passwd"}}, "model.base_url: must be an http or https URL"),
        ({"model": {"name": "x" * 201}}, "model.name: String should have at most 200 characters"),
        ({"note": {"max_words": 5000}}, "note.max_words"),
        ({"webhook": {"auth": "none"}}, "webhook.auth"),
        ({"events": ["ticket_deleted"]}, "events"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, change: dict[str, object], says: str) -> None:
    values = a_tenant().model_dump(mode="json", exclude_none=True)
    for key, value in change.items():
        values[key] = {**values[key], **value} if isinstance(value, dict) and key in values else value
    path = tmp_path / "acme.yaml"
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(TenantFileInvalid, match=says):
        read_tenant(path)


def _changed(values: dict[str, Any], value: object) -> Iterator[dict[str, Any]]:
    """*values* with *value* in place of that of each key, in turn."""
    for key, old in values.items():
        yield {**values, key: value}
        if isinstance(old, dict):
            yield from ({**values, key: each} for each in _changed(old, value))


@pytest.mark.parametrize("value", [None, [], {}, [[]], [{}], {"a": [1]}, "", "\0", "x", -1, 10**30, float("nan"), True])
def test_whatever_stands_at_a_key_the_file_is_a_tenant_or_refused(value: object) -> None:
    shared = an_instance("main")
    own = a_tenant().model_dump(mode="json")
    account = {**own, "servicedesk": {"instance": "main", "account": {"id": "7", "name": "Acme", "site_ids": ["1"]}}}
    for parse, whole in (
        (lambda values: parse_tenant(values, {"main": shared}), own),
        (lambda values: parse_tenant(values, {"main": shared}), account),
        (parse_instance, shared.model_dump(mode="json")),
    ):
        parse(whole)
        for values in _changed(whole, value):
            with suppress(TenantFileInvalid):
                parse(values)


CLOUD = {"edition": "cloud", "url": "https://sdp.example", "accounts_url": "https://accounts.example"}


@pytest.mark.parametrize(
    ("servicedesk", "monitoring", "says"),
    [
        ({"url": "http://x.example"}, None, "servicedesk: url must begin with https://"),
        (CLOUD | {"accounts_url": "http://x.example"}, None, "servicedesk: accounts_url must begin with https://"),
        (CLOUD, {"prometheus_url": "http://x.example"}, "monitoring.prometheus_url must begin with https://"),
    ],
)
def test_plain_http_needs_a_private_network(
    tmp_path: Path, servicedesk: dict[str, str], monitoring: dict[str, str] | None, says: str
) -> None:
    path = tmp_path / "acme.yaml"
    values = a_tenant(servicedesk=servicedesk, monitoring=monitoring).model_dump(mode="json", exclude_none=True)
    path.write_text(yaml.safe_dump(values))
    read_tenant(path)
    values["servicedesk"]["allow_private_address"] = False
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(TenantFileInvalid, match=says):
        read_tenant(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[" * 60_000, "nested deeper than 8"),
        ("a: &a x\nb: *a\n", "alias"),
        ("slug: acme\nslug: acme\n", "slug: is there twice"),
        ("a: 1" + ":00" * 180 + "\n", "can be read in two ways"),
        ("a: " + "9" * 60_000, "can be read in two ways"),
        ("? [" + "a, " * 20_000 + "]\n: x\n", "list or a map as a key"),
        ("[" + ", ".join(["[[[[[[[a]]]]]]]"] * 3_000) + "]", "more than 10000"),
        ("[" + "a, " * 20_000 + "]", "more than 10000"),
        ("".join(f"k{number}:\n" for number in range(9_000)), "more than 10000"),
        ("a: !!set {b, c}\n", "holds a tag"),
        ("a: b\n---\na: c\n", "two documents"),
        ("a: b\n  c: d\n", "line 2"),
        ("? " * 30_000, "list or a map as a key"),
        ("a: '" + "x\n\n" * 15_000 + "'", "is required"),
        ("slug: " + "a" * 60_000, "is required"),
    ],
    ids=lambda value: value[:12],
)
def test_a_file_that_is_more_than_it_seems_is_refused_at_once(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "acme.yaml"
    path.write_text(content)
    began = time.process_time()
    with pytest.raises(TenantFileInvalid, match=says):
        read_tenant(path)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('"\\e[31mred": x\n', "can't be printed"),
        ('"a\\n::error::b": x\n', "can't be printed"),
        ('"\\u202egnp": x\n', "can't be printed"),
        ('a: "b\\0c"\n', "control character at line 1"),
        ('slug: acme\na: "\\e[2Jb"\n', "control character at line 2"),
        ("a: !<tag:%0A::error::b> c\n", "holds a tag"),
        ('servicedesk: {instance: "a\\n::error::b"}\n', "servicedesk.instance"),
        ('servicedesk: {instance: "\\u202egnp"}\n', "servicedesk.instance"),
        ('? "' + "k" * 60_000 + '"\n: x\n', "is required"),
    ],
    ids=lambda value: value[:12],
)
def test_what_is_told_of_a_file_is_one_short_line_that_can_be_printed(tmp_path: Path, content: str, says: str) -> None:
    """It stands in a terminal and in the log of a pull request's tests, where a line may be a command."""
    path = tmp_path / "acme.yaml"
    path.write_text(content)
    with pytest.raises(TenantFileInvalid, match=says) as refused:
        read_tenant(path)
    assert refused.value.detail.isprintable()
    whole = yaml.safe_dump(a_tenant().model_dump(mode="json", exclude_none=True))
    path.write_text(whole + content.removeprefix("slug: acme\n").replace("servicedesk:", "x:"))
    with pytest.raises(TenantFileInvalid) as refused:
        read_tenant(path)
    assert refused.value.detail.isprintable()
    assert len(refused.value.detail) < 300


def test_what_a_list_of_names_has_twice_counts_once(tmp_path: Path) -> None:
    """Thousands of one section made a note of half a megabyte, which took the worker of all tenants a second."""
    path = tmp_path / "acme.yaml"
    values = a_tenant().model_dump(mode="json", exclude_none=True)
    values["note"]["sections"] = ["next_steps", *["summary"] * 3_000]
    values["triage"] = {"suggest": ["category"] * 1_000, "write": ["category"] * 500}
    path.write_text(yaml.safe_dump(values))
    tenant = read_tenant(path)
    assert tenant.note.sections == ("next_steps", "summary")
    assert (tenant.triage.suggest, tenant.triage.write) == (("category",), ("category",))


def test_a_word_that_yaml_takes_for_true_or_false_is_what_the_file_needs_it_to_be(tmp_path: Path) -> None:
    path = tmp_path / "acme.yaml"
    values = yaml.safe_dump(a_tenant("acme", name="XX").model_dump(mode="json", exclude_none=True))
    path.write_text(values.replace("XX", "on").replace("show_to_requester: false", "show_to_requester: yes"))
    tenant = read_tenant(path)
    assert (tenant.name, tenant.note.show_to_requester) == ("on", True)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_text("a: 1" + ":00" * 180),
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
    ],
    ids=["number", "folder", "pipe", "endless", "circle", "bytes"],
)
def test_whatever_a_file_is_it_costs_its_own_tenant_alone_and_is_told(
    tmp_path: Path, make: Callable[[Path], Any], tenants: TenantDirectory
) -> None:
    write_tenant(tmp_path, a_tenant("acme"), webhook_secret="one")
    write_tenant(tmp_path, a_tenant("globex"), webhook_secret="one")
    (tmp_path / "files" / "acme.yaml").unlink()
    make(tmp_path / "files" / "acme.yaml")
    make(tmp_path / "files" / os.fsdecode(b"a\xff.yaml"))
    (tmp_path / "files" / "instances").mkdir(exist_ok=True)
    make(tmp_path / "files" / "instances" / "main.yaml")
    (tmp_path / "secrets" / "acme" / "webhook_secret").unlink()
    make(tmp_path / "secrets" / "acme" / "webhook_secret")
    assert {problem.slug for problem in tenants.refresh()} == {"acme", "a\\xff", "main"}
    assert [known.tenant.slug for known in tenants] == ["globex"]
    tenants._tell(tenants.problems)
    assert b'tenant_file_bad{tenant="acme"} 1.0' in generate_latest()
    tenants._tell([])


def test_a_secret_that_is_no_secret_by_its_size_is_refused(tmp_path: Path) -> None:
    write_tenant(tmp_path, a_tenant(), webhook_secret="x" * 70_000)
    (problem,) = directory(tmp_path).refresh()
    assert "webhook_secret: is larger than" in problem.detail


def test_the_slug_is_the_files_name(tmp_path: Path) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(a_tenant("acme").model_dump(mode="json", exclude_none=True)))
    with pytest.raises(TenantFileInvalid, match="slug: must be the file's name, other"):
        read_tenant(path)


def test_a_client_with_a_model_of_its_own_needs_its_key(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant = a_tenant(model={"name": "own", "base_url": "https://model.acme.example/v1"})
    write_tenant(tmp_path, tenant, webhook_secret="one", api_key="key")
    known = read_again(tenants, tenant.id)
    assert missing_secrets(known) == missing_worker_secrets(known) == ["model_api_key"]

    write_tenant(tmp_path, tenant, model_api_key="sk-own\n")
    known = read_again(tenants, tenant.id)
    assert known.secrets.model_api_key == "sk-own"
    assert missing_secrets(known) == []


@pytest.mark.parametrize("value", ["two\nlines", "sécret", "nul\x00", "two words"])
@pytest.mark.parametrize("name", ["webhook_secret", "api_key", "model_api_key", "oauth_refresh_token"])
def test_a_secret_that_no_header_can_hold_is_refused_and_not_quoted(tmp_path: Path, name: str, value: str) -> None:
    options: dict[str, Any] = {
        "webhook": {"auth": "token"},
        "model": {"name": "own", "base_url": "https://model.acme.example/v1"},
    }
    secrets = {"webhook_secret": "one", "api_key": "key", "model_api_key": "sk-own"}
    write_tenant(tmp_path, a_tenant(**options), **secrets | {name: value})
    problems = directory(tmp_path).refresh()
    if name in {"api_key", "oauth_refresh_token"} and value == "two words":  # a help desk may give one
        assert problems == []
        return
    [problem] = problems
    assert "one line of ASCII text" in problem.detail
    assert value not in problem.detail


def test_a_models_key_alone_changes_nothing(tmp_path: Path) -> None:
    tenant = a_tenant()
    write_tenant(tmp_path, tenant, webhook_secret="one", api_key="key", model_api_key="sk-own")
    known = read_again(directory(tmp_path), tenant.id)
    assert known.secrets.model_api_key is None


DOCS = {"url": "https://mcp.acme.example/mcp", "tools": [{"name": "search"}]}


@pytest.mark.parametrize(
    ("secret", "options"),
    [
        ("model_api_key", {"model": {"name": "own", "base_url": "https://model.acme.example/v1"}}),
        ("documentation_token", {"documentation": DOCS}),
        ("monitoring_token", {"monitoring": {"prometheus_url": "https://mon.acme.example", "auth": "bearer"}}),
    ],
)
def test_an_accounts_own_secret_is_its_own_and_no_other_accounts(
    tmp_path: Path, secret: str, options: dict[str, object], tenants: TenantDirectory
) -> None:
    instance = an_instance()
    write_instance(tmp_path, instance, webhook_secret="shared", api_key="key", **{secret: "of-nobody"})
    acme, globex = an_account(instance, "acme", ACME, **options), an_account(instance, "globex", GLOBEX)
    write_tenant(tmp_path, acme, **{secret: "of-acme"})
    write_tenant(tmp_path, globex)
    assert tenants.refresh() == []
    own = {known.tenant.slug: getattr(known.secrets, secret) for known in tenants}
    assert own == {"acme": "of-acme", "globex": None, instance.name: None}
    assert all(missing_worker_secrets(known) == [] for known in tenants)


def test_a_server_of_documentation_needs_its_token_unless_it_wants_none(
    tmp_path: Path, tenants: TenantDirectory
) -> None:
    write_tenant(tmp_path, a_tenant("acme", documentation=DOCS), webhook_secret="one", api_key="key")
    write_tenant(
        tmp_path, a_tenant("open", documentation=DOCS | {"auth": "none"}), webhook_secret="one", api_key="key",
        documentation_token="of-nobody",
    )  # fmt: skip
    assert tenants.refresh() == []
    missing = {known.tenant.slug: missing_worker_secrets(known) for known in tenants}
    assert missing == {"acme": ["documentation_token"], "open": []}
    write_tenant(tmp_path, a_tenant("acme", documentation=DOCS), documentation_token="ATATT3xFf\n")
    assert tenants.refresh() == []
    tokens = {known.tenant.slug: known.secrets.documentation_token for known in tenants}
    assert tokens == {"acme": "ATATT3xFf", "open": None}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "http://mcp.example"}, "documentation.url must begin with https://"),
        ({"url": "https://u:p@mcp.example"}, "documentation.url: must hold no user"),
        ({"tools": []}, "documentation.tools: "),
        ({"tools": [{"name": "a b"}]}, r"documentation.tools.0.name: "),
        ({"tools": [{"name": name} for name in "abcd"]}, "documentation.tools: "),
        ({"tools": [{"name": "a", "arguments": {"query": "x"}}]}, "which takes the words to look for"),
        ({"tools": [{"name": "a", "arguments": {"x": {"y": 1}}}]}, r"documentation.tools.0.arguments.x"),
        ({"tools": [{"name": "a", "readonly": True}]}, "is not a key"),
        ({"auth": "header"}, "header goes with auth: header"),
        ({"header": "X-Key"}, "header goes with auth: header"),
        ({"auth": "header", "header": "Mcp-Session-Id"}, "the protocol uses it"),
        ({"auth": "header", "header": "X: y"}, "documentation.header: "),
        ({"pages": ["//x"]}, r"documentation.pages.0: "),
        ({"timeout_seconds": 300}, "documentation.timeout_seconds: "),
        ({"max_kib": 100_000}, "documentation.max_kib: "),
    ],
)
def test_what_a_file_may_say_of_documentation(tmp_path: Path, change: dict[str, object], says: str) -> None:
    public = a_tenant(servicedesk={"url": "https://sdp.example", "allow_private_address": False})
    values = public.model_dump(mode="json", exclude_none=True) | {"documentation": DOCS}
    path = tmp_path / "acme.yaml"
    path.write_text(yaml.safe_dump(values))
    assert read_tenant(path).documentation is not None
    path.write_text(yaml.safe_dump(values | {"documentation": DOCS | change}))
    with pytest.raises(TenantFileInvalid, match=says):
        read_tenant(path)


ACME, GLOBEX = {"id": "601", "name": "Acme Corp"}, {"id": "602", "name": "Globex"}


def test_accounts_of_an_instance_share_its_help_desk_and_secrets(tmp_path: Path, tenants: TenantDirectory) -> None:
    instance = an_instance(calls_per_minute=60)
    write_instance(tmp_path, instance, webhook_secret="shared", api_key="key")
    acme, globex = an_account(instance, "acme", ACME), an_account(instance, "globex", GLOBEX)
    write_tenant(tmp_path, acme, webhook_secret="own")
    write_tenant(tmp_path, globex)
    known = read_again(tenants, acme.id)
    assert (known.secrets.webhook, known.secrets.api_key) == ((b"own", b"shared"), "key")
    assert known.tenant.servicedesk.calls_per_minute == 60
    assert known.tenant.desk_id == instance.id
    assert [each.tenant.slug for each in tenants.accounts_of(instance.id)] == ["acme", "globex"]
    served = tenants.find(instance.id)
    assert served is not None
    assert served.tenant.is_instance
    assert tenants.find_account(instance.id, AccountRef("602", "whatever")) is tenants.find(globex.id)
    assert tenants.find_account(instance.id, AccountRef("603", "Acme Corp")) is None
    assert tenants.find_account(acme.id, AccountRef("601")) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ACME, ACME),
        ({"id": "601", "site_ids": ["5", "7"]}, {"id": "602", "site_ids": ["6", "7"]}),
        ({"id": "601"}, {"id": "601", "name": "Globex"}),
        ({"name": "Acme Corp"}, {"name": " acme  CORP "}),
        ({"id": "601"}, {"name": "Globex"}),
        ({"id": "601", "name": "Acme Corp"}, {"name": "Globex"}),
    ],
)
def test_accounts_that_cannot_be_told_apart_do_not_mix(
    tmp_path: Path, one: dict[str, Any], other: dict[str, Any], tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", one))
    assert tenants.refresh() == []
    write_tenant(tmp_path, an_account(instance, "globex", other))
    (problem,) = tenants.refresh()
    assert problem.slug == "globex"
    assert "servicedesk.account: can't be told apart from the account of acme" in problem.detail
    assert tenants.find_slug("acme") is not None
    assert tenants.find_slug("globex") is None


def test_a_tenant_with_the_url_of_an_instance_does_not_mix_with_it(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", ACME))
    tenants.refresh()
    write_tenant(tmp_path, a_tenant("globex", servicedesk={"url": instance.url + "/"}))
    (problem,) = tenants.refresh()
    assert (problem.slug, "servicedesk.url" in problem.detail) == ("globex", True)


def test_two_instances_of_one_help_desk_are_refused(tmp_path: Path, tenants: TenantDirectory) -> None:
    write_instance(tmp_path, an_instance("main"), api_key="key")
    write_instance(tmp_path, an_instance("other", url="http://127.0.0.1:1/main/"), api_key="key")
    (problem,) = tenants.refresh()
    assert problem.slug == "other"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"instance": "other", "account": ACME}, "servicedesk.instance: there is no valid file instances/other.yaml"),
        ({"instance": "../../etc", "account": ACME}, "servicedesk.instance: there is no valid file"),
        ({"instance": "main"}, "servicedesk.account: is required"),
        ({"instance": "main", "account": {}}, "servicedesk.account: is required"),
        ({"instance": "main", "account": {"site_ids": ["1"]}}, "servicedesk.account: needs an id"),
        ({"instance": "main", "account": "601"}, "servicedesk.account"),
        ({"instance": "main", "account": ACME, "url": "http://x"}, "servicedesk.url: stands in instances/main.yaml"),
        ({"instance": "main", "account": ACME, "instance_id": str(uuid4())}, "servicedesk.instance_id: stands in"),
    ],
)
def test_a_wrong_account_is_told_with_its_key(tmp_path: Path, options: dict[str, object], told: str) -> None:
    write_instance(tmp_path, an_instance(), api_key="key")
    (tmp_path / "files" / "acme.yaml").write_text(
        yaml.safe_dump({"id": str(uuid4()), "slug": "acme", "name": "Acme", "servicedesk": options})
    )
    (problem,) = directory(tmp_path).refresh()
    assert problem.slug == "acme"
    assert told in problem.detail


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"id": "00000000-0000-0000-0000-000000000000"}, "which stands for every tenant"),
        ({"edition": "on_premises"}, "edition must be msp_cloud or msp_on_premises"),
        ({"edition": "msp_cloud"}, "accounts_url is required"),
        ({"headers": {"authtoken": "x"}}, "headers.authtoken can't be set"),
        ({"headers": {"A\nB": "x"}}, "can't be printed"),
        ({"headers": {"A B": "x"}}, "can't be set"),
        ({"headers": {"PORTALID": "1\r\nX: y"}}, "headers.PORTALID must be one line"),
        ({"account_field": "a b"}, "account_field"),
        ({"name": "other"}, "name: must be the file's name"),
        ({"account": {"id": "1"}}, "account: is not a key"),
    ],
)
def test_a_wrong_instance_costs_its_accounts_alone(
    tmp_path: Path, changes: dict[str, object], told: str, tenants: TenantDirectory
) -> None:
    write_instance(tmp_path, an_instance(), api_key="key")
    path = tmp_path / "files" / "instances" / "main.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))
    write_tenant(tmp_path, an_account(an_instance(), "acme", ACME))
    write_tenant(tmp_path, a_tenant("own"))
    problems = {problem.slug: problem.detail for problem in tenants.refresh()}
    assert set(problems) == {"main", "acme"}
    assert told in problems["main"]
    assert tenants.find_slug("own") is not None


def test_an_instance_that_changes_is_read_again_by_its_accounts(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    acme = an_account(instance, "acme", ACME)
    write_tenant(tmp_path, acme)
    tenants.refresh()
    for name in ("api_key", "webhook_secret"):
        (tmp_path / "secrets" / "main" / name).write_text(f"another {name}")
    known = read_again(tenants, acme.id)
    assert (known.secrets.api_key, known.secrets.webhook) == ("another api_key", (b"another webhook_secret",))
    write_instance(tmp_path, an_instance(id=instance.id, calls_per_minute=7))
    assert read_again(tenants, acme.id).tenant.servicedesk.calls_per_minute == 7
    (tmp_path / "files" / "instances" / "main.yaml").unlink()
    (problem,) = tenants.refresh()
    assert "servicedesk.instance" in problem.detail
    assert tenants.find(instance.id) is None


def test_secrets_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    tenant = a_tenant("acme")
    write_tenant(tmp_path, tenant, webhook_secret="\ufeffone\r\n", api_key="\ufeffkey\r\n")
    known = read_again(directory(tmp_path), tenant.id)
    assert (known.secrets.webhook, known.secrets.api_key) == ((b"one",), "key")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "must hold keys with their values"),
        (b"- a\n", "must hold keys with their values"),
        (b"name: M\xfcller\n", "is not in UTF-8"),
        (b"id: 12345\n", "id: must be a UUID"),
        (b"id: acme\n", "id: must be a UUID"),
    ],
)
def test_a_file_that_is_no_tenants_is_told_in_our_words(tmp_path: Path, content: bytes, says: str) -> None:
    write_tenant(tmp_path, a_tenant("acme"))
    (tmp_path / "files" / "acme.yaml").write_bytes(content)
    (problem,) = directory(tmp_path).refresh()
    assert says in problem.detail


def test_the_apis_own_path_is_taken_off_a_help_desks_url() -> None:
    assert (
        a_tenant(servicedesk={"url": "https://sdp.acme.example/api/v3/"}).servicedesk.url == "https://sdp.acme.example"
    )


def test_secrets_may_be_one_json_object(tmp_path: Path, tenants: TenantDirectory) -> None:
    tenant, other = a_tenant("acme"), a_tenant("other")
    write_tenant(tmp_path, tenant)
    write_tenant(tmp_path, other, webhook_secret="folder")
    secrets = tmp_path / "secrets"
    (secrets / "acme.json").write_text('{"webhook_secret": " one\\n", "webhook_secret_previous": "", "api_key": "key"}')
    known = read_again(tenants, tenant.id)
    assert (known.secrets.webhook, known.secrets.api_key) == ((b"one",), "key")
    # It counts alone: what an older layout left in the folder is not mixed with it.
    (secrets / "acme" / "webhook_secret_previous").write_text("left")
    (secrets / "acme.json").write_text('{"webhook_secret": "two", "of another program": 1}')
    known = read_again(tenants, tenant.id)
    assert (known.secrets.webhook, known.secrets.api_key) == ((b"two",), None)
    # The API's and the worker's Secret, mounted together.
    (secrets / "acme.help-desk.json").write_text('{"api_key": "key"}')
    known = read_again(tenants, tenant.id)
    assert (known.secrets.webhook, known.secrets.api_key) == ((b"two",), "key")
    assert tenants.secret_names() == {"acme", "other"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is not a JSON object"),
        ("hidden", "is not a JSON object"),
        ('["hidden"]', "is not a JSON object"),
        ('{"api_key": "hidden"', "is not a JSON object"),
        ("[" * 50_000, "is not a JSON object"),
        ('{"api_key": 7}', "api_key: must be text"),
        ('{"api_key": null}', "api_key: must be text"),
        ('{"webhook_secret": {"value": "hidden"}}', "webhook_secret: must be text"),
        ('{"api_key": " "}', "api_key: is empty"),
        ('{"webhook_secret": "' + "x" * 70_000 + '"}', "is larger than"),
        ("\ud800", "is not in UTF-8"),
    ],
    ids=range(11),
)
def test_whatever_the_object_of_secrets_holds_it_costs_its_own_tenant_alone(
    tmp_path: Path, content: str, says: str, tenants: TenantDirectory
) -> None:
    for tenant in (a_tenant("acme"), a_tenant("other")):
        write_tenant(tmp_path, tenant, webhook_secret="one")
    (tmp_path / "secrets" / "acme.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    (problem,) = tenants.refresh()
    assert (problem.slug, says in problem.detail) == ("acme", True), problem
    assert "hidden" not in problem.detail
    assert tenants.find_slug("other") is not None


def mounted(folder: Path, version: str, files: dict[str, str]) -> None:
    """As Kubernetes updates a volume: all files anew in a folder of their own, then one link is turned to it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"..{version}").mkdir()
    for name, content in files.items():
        (folder / f"..{version}" / name).write_text(content)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    (folder / "..next").symlink_to(f"..{version}")
    (folder / "..next").rename(folder / "..data")


def in_yaml(tenant: object) -> str:
    return yaml.safe_dump(tenant.model_dump(mode="json", exclude_none=True))  # type: ignore[attr-defined]


def test_an_update_of_a_volume_reads_anew_what_differs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tenants: TenantDirectory
) -> None:
    acme, other = a_tenant("acme"), a_tenant("other")
    files = {"acme.yaml": in_yaml(acme), "other.yaml": in_yaml(other)}
    mounted(tmp_path / "files", "1", files)
    mounted(tmp_path / "secrets", "1", {"acme.json": '{"webhook_secret": "one"}'})
    assert tenants.refresh() == []
    before = {known.tenant.slug: known for known in tenants}
    assert before["acme"].secrets.webhook == (b"one",)

    mounted(tmp_path / "files", "2", {**files, "acme.yaml": in_yaml(acme.model_copy(update={"name": "Renamed"}))})
    assert tenants.refresh() == []
    after = {known.tenant.slug: known for known in tenants}
    assert after["acme"].tenant.name == "Renamed"
    assert after["other"] is before["other"], "the same file under a new time was read again"

    mounted(tmp_path / "secrets", "2", {"acme.json": '{"webhook_secret": "two"}', "other.json": "{}"})
    tenants.refresh()
    secrets = {known.tenant.slug: known.secrets.webhook for known in tenants}
    assert secrets == {"acme": (b"two",), "other": ()}


class FlakyPath(PosixPath):
    """A folder and its files, which the system reads or not."""

    fault: ClassVar[int | None] = None
    is_of_files_alone: ClassVar[bool] = False

    def open(self, *given: Any, **named: Any) -> Any:
        self._judge()
        return super().open(*given, **named)

    def iterdir(self) -> Any:
        if not self.is_of_files_alone:
            self._judge()
        return super().iterdir()

    def _judge(self) -> None:
        if self.fault is not None:
            raise OSError(self.fault, os.strerror(self.fault))


@pytest.fixture
def flaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TenantDirectory:
    """A directory that Kubernetes mounted, of the tenant acme; its tests make it unreadable."""
    for name in ("fault", "is_of_files_alone"):
        monkeypatch.setattr(FlakyPath, name, getattr(FlakyPath, name))
    mounted(tmp_path / "files", "1", {"acme.yaml": in_yaml(a_tenant("acme"))})
    mounted(tmp_path / "secrets", "1", {"acme.json": '{"webhook_secret": "one"}'})
    return TenantDirectory(FlakyPath(tmp_path / "files"), FlakyPath(tmp_path / "secrets"))


@pytest.mark.parametrize("fault", [errno.EMFILE, errno.EIO], ids=["too many open", "broken"])
def test_a_file_that_could_not_be_read_for_a_moment_is_read_afterwards(flaky: TenantDirectory, fault: int) -> None:
    FlakyPath.fault, FlakyPath.is_of_files_alone = fault, True
    assert [problem.slug for problem in flaky.refresh()] == ["acme"]
    slots = flaky.slots
    assert flaky.refresh() == []
    assert flaky.slots is slots, "nothing has changed"
    assert [problem.slug for problem in flaky.problems] == ["acme"]

    FlakyPath.fault = None
    assert flaky.refresh() == []
    assert [known.secrets.webhook for known in flaky] == [(b"one",)]
    assert flaky.problems == []


def test_folders_that_cannot_be_listed_for_a_moment_take_no_tenant_away(flaky: TenantDirectory, tmp_path: Path) -> None:
    assert flaky.refresh() == []
    mounted(tmp_path / "files", "2", {f"{slug}.yaml": in_yaml(a_tenant(slug)) for slug in ("acme", "other")})
    FlakyPath.fault = errno.EMFILE
    assert flaky.refresh() == []
    assert [known.tenant.slug for known in flaky] == ["acme"]

    FlakyPath.fault = None
    assert flaky.refresh() == []
    assert [known.tenant.slug for known in flaky] == ["acme", "other"]


def test_the_slots_are_one_object_until_a_tenant_changes(tmp_path: Path, tenants: TenantDirectory) -> None:
    acme = a_tenant("acme", limits={"concurrency": 2})
    write_tenant(tmp_path, acme)
    tenants.refresh()
    before = tenants.slots
    tenants.refresh()
    assert tenants.slots is before
    assert before == {acme.id: 2}

    write_tenant(tmp_path, a_tenant("acme", id=acme.id, limits={"concurrency": 3}))
    tenants.refresh()
    assert tenants.slots == {acme.id: 3}
    (tmp_path / "files" / "acme.yaml").unlink()
    tenants.refresh()
    assert (tenants.slots, list(tenants)) == ({}, [])


def test_accounts_that_can_not_be_told_apart_are_found_among_many(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    for number in range(30):
        write_tenant(tmp_path, an_account(instance, f"t{number:02}", {"id": str(number), "name": "The same"}))
    write_tenant(tmp_path, an_account(instance, "u1", {"id": "7"}))
    write_tenant(tmp_path, an_account(instance, "u2", {"name": "Without an id"}))

    assert {problem.slug for problem in tenants.refresh()} == {"u1", "u2"}
    assert "of t07" in tenants.problems[0].detail
    assert len(tenants.accounts_of(instance.id)) == 30
    for number in range(30):
        (tmp_path / "files" / f"t{number:02}.yaml").unlink()
    (tmp_path / "files" / "u1.yaml").unlink()
    write_tenant(tmp_path, an_account(instance, "u3", {"name": "without  AN id"}))
    write_tenant(tmp_path, an_account(instance, "u4", {"name": "Another"}))
    tenants.refresh()
    assert {problem.slug for problem in tenants.problems} == {"u3"}


def two_desks_with_one_id(tmp_path: Path) -> tuple[Tenant, Tenant]:
    """Two help desks whose files have the same id, each with an account 601 or 602 of its own."""
    one = an_instance("one", webhook={"auth": "token"})
    two = an_instance("two", id=one.id)
    write_instance(tmp_path, one, webhook_secret="token-of-one", api_key="key-one")
    write_instance(tmp_path, two, webhook_secret="two", api_key="key-two")
    acme, globex = an_account(one, "acme", ACME), an_account(two, "globex", GLOBEX)
    for tenant in (acme, globex):
        write_tenant(tmp_path, tenant)
    return acme, globex


def test_an_account_is_served_with_its_own_instance_alone(tmp_path: Path, tenants: TenantDirectory) -> None:
    acme, globex = two_desks_with_one_id(tmp_path)
    problems = {problem.slug: problem.detail for problem in tenants.refresh()}
    assert set(problems) == {"two", "globex"}
    assert "servicedesk.instance" in problems["globex"]
    assert [each.tenant.slug for each in tenants.accounts_of(acme.desk_id)] == ["acme"]
    assert tenants.find_account(acme.desk_id, AccountRef("602")) is None
    assert tenants.find(globex.id) is None


def test_a_tenant_with_an_instances_id_takes_none_of_its_accounts(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "zeta", ACME))
    write_tenant(tmp_path, a_tenant("acme", id=instance.id))
    write_tenant(tmp_path, an_account(instance, "beta", GLOBEX, id=instance.id))
    problems = {problem.slug for problem in tenants.refresh()}
    owner = tenants.find(instance.id)
    assert owner is not None
    served = {each.tenant.slug for each in tenants}
    assert "beta" in problems
    assert served == ({"main", "zeta"} if owner.tenant.is_instance else {"acme"})


def test_an_account_whose_file_is_bad_holds_no_instance_back_and_is_not_dealt_anothers_rows(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", ACME))
    write_tenant(tmp_path, an_account(instance, "globex", GLOBEX))
    assert tenants.refresh() == []
    write_instance(tmp_path, an_instance("main", id=instance.id, url="http://127.0.0.1:1/moved"))
    (tmp_path / "files" / "globex.yaml").write_text("[")
    problems = {problem.slug for problem in tenants.refresh()}
    assert problems == {"globex"}
    known = tenants.find_slug("acme")
    assert known is not None
    assert known.tenant.servicedesk.url.endswith("moved")
    assert [each.tenant.slug for each in tenants.accounts_of(instance.id)] == ["acme"]


def test_an_instances_change_to_the_help_desk_of_another_leaves_its_accounts_with_it(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", ACME))
    write_tenant(tmp_path, a_tenant("zeta"))
    assert tenants.refresh() == []
    write_instance(tmp_path, an_instance("main", id=instance.id, url="http://127.0.0.1:1/zeta"))
    assert {problem.slug for problem in tenants.refresh()} == {"main", "acme"}
    assert {each.tenant.servicedesk.url[-4:] for each in tenants} == {"main", "zeta"}


def test_a_renamed_instance_takes_its_accounts_along(
    tmp_path: Path, tenants: TenantDirectory, instance: Instance
) -> None:
    acme = an_account(instance, "acme", ACME)
    write_tenant(tmp_path, acme)
    tenants.refresh()
    renamed = an_instance("renamed", id=instance.id, url=instance.url)
    (tmp_path / "files" / "instances" / "main.yaml").unlink()
    write_instance(tmp_path, renamed, api_key="key")
    tenants.refresh()
    assert tenants.find_account(instance.id, AccountRef("601")) is not None
    write_tenant(tmp_path, an_account(renamed, "acme", ACME, id=acme.id))
    assert tenants.refresh() == []
    assert tenants.problems == []


@pytest.mark.parametrize("slugs", [("acme", "zeta"), ("zeta", "acme")])
def test_of_two_tenants_of_one_account_the_active_one_gets_what_is_of_it(
    tmp_path: Path, slugs: tuple[str, str], tenants: TenantDirectory, instance: Instance
) -> None:
    active = an_account(instance, slugs[0], {**ACME, "site_ids": ["5"]})
    write_tenant(tmp_path, active)
    write_tenant(tmp_path, an_account(instance, slugs[1], {**ACME, "site_ids": ["5"]}, status="suspended"))
    assert tenants.refresh() == []
    assert tenants.find_account(instance.id, AccountRef("601")) is tenants.find(active.id)
    entries = [(known.tenant.servicedesk.account, known) for known in tenants.accounts_of(instance.id)]
    found = Accounts([(account, known) for account, known in entries if account]).find(AccountRef("601"))
    assert found is tenants.find(active.id)


@pytest.mark.parametrize("number", ["0601", "0x259", "6_01", "10:01", "0b1"])
def test_a_number_that_yaml_reads_as_another_is_refused(
    tmp_path: Path, number: str, tenants: TenantDirectory, instance: Instance
) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", {"id": "XX"}))
    path = tmp_path / "files" / "acme.yaml"
    path.write_text(path.read_text().replace("XX", number))
    (problem,) = directory(tmp_path).refresh()
    assert f"{number}: is a number that can be read in two ways" in problem.detail
    path.write_text(path.read_text().replace(f": {number}", f": '{number}'"))
    assert tenants.refresh() == []
    assert tenants.find_account(instance.id, AccountRef(number)) is not None


def test_a_note_of_an_account_is_copied_to_no_linked_ticket(tmp_path: Path, instance: Instance) -> None:
    write_tenant(tmp_path, an_account(instance, "acme", ACME))
    path = tmp_path / "files" / "acme.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "note": {"add_to_linked_requests": True}}))
    (problem,) = directory(tmp_path).refresh()
    assert "note.add_to_linked_requests can't be true at a shared instance" in problem.detail
