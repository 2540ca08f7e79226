"""Whatever comes in, a parser returns what it promises or raises an `AppError`: never anything else.

One property each for what a sender, a tenant's file, a help desk, a monitoring and a model may say. `make fuzz` tries
many more inputs than `make test`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
import yaml
from hypothesis import strategies as st

from app.api.webhooks import authenticate
from app.core.access_token import OAuthClient
from app.core.completion import Message
from app.core.delivery import Event, Webhook, check_wanted, compute_job_id, parse_webhook
from app.core.document import MAX_QUERY_CHARS, compose_query
from app.core.masking import Mask
from app.core.reading.text import plain_text
from app.core.signature import (
    decode_secret,
    decode_token,
    sign_body,
    sign_standard,
    verify_body,
    verify_standard,
    verify_token,
)
from app.core.vectors import DIMENSIONS
from app.enhancement.write import parse_draft
from app.errors import AppError, MalformedDelivery, NotNeeded, TenantFileInvalid, Unauthenticated
from app.integrations.addresses import check_address
from app.integrations.documentation.answers import MAX_DOCUMENTS, MAX_TEXT_CHARS, allowed_page, read_documents
from app.integrations.embeddings import EndpointEmbedder
from app.integrations.endpoint import Endpoint
from app.integrations.http import Reply, parse_retry_after
from app.integrations.monitoring import _parse as parse_series
from app.integrations.openai import OpenAIModel
from app.integrations.servicedesk.answers import parse_answer
from app.integrations.servicedesk.auth import _TokenAuthenticator
from app.integrations.servicedesk.mapping import (
    article_time,
    has_network_fields,
    is_approved,
    parse_article,
    parse_asset,
    parse_note,
    parse_ticket,
    resolution_of,
    text_of_note,
)
from app.tenants import TenantDirectory
from app.tenants.files import read_tenant
from tests.builders import a_tenant, a_ticket, write_tenant
from tests.fuzz.properties import fuzzed
from tests.model_wire import an_endpoint

Count = Callable[[], None]
authenticator_type: Any = _TokenAuthenticator
NOW = datetime(2026, 11, 25, tzinfo=UTC)

# All of Unicode, with what JSON can write and UTF-8 can't: a lone surrogate.
texts = st.text(st.characters(), max_size=40)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([0, -1, 2**63, 2**64, 10**400, -(10**400)]),
    st.floats(),
    texts,
    st.sampled_from(["", " ", "\x00", "\ud800", "2026-11-25T09:00:00Z", "1764061200000", "9" * 30, "<b>x</b>", "٣"]),
)


def values_with(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys | texts, inner, max_size=6),
        max_leaves=20,
    )


def written(value: Any) -> bytes:
    """As another JSON library than ours may: NaN, huge numbers and lone surrogates included."""
    return json.dumps(value).encode()


@contextmanager
def only(*kinds: type[AppError]) -> Iterator[None]:
    """Nothing but these may leave the block."""
    try:
        yield
    except kinds as error:
        assert error.detail
        assert len(error.detail) < 2_000


# --- what a sender says

webhook_keys = st.sampled_from([*Webhook.model_fields, "extra"])
bodies = st.one_of(
    st.binary(max_size=200),
    values_with(webhook_keys).map(written),
    st.fixed_dictionaries(
        {"event": st.sampled_from([*Event]) | scalars, "ticket_id": st.just("7") | st.integers() | scalars},
        optional=dict.fromkeys([*set(Webhook.model_fields) - {"event", "ticket_id"}, "extra"], values_with(st.just("name"))),
    ).map(written),
)  # fmt: skip


@fuzzed(bodies)
def test_a_body_is_a_webhook_or_malformed(tried: Count, body: bytes) -> None:
    tried()
    with only(MalformedDelivery):
        webhook = parse_webhook(body)
        assert webhook.ticket_id.isascii()
        with only(NotNeeded):
            check_wanted(webhook, events=frozenset(Event), technician="us@acme.example")
        ticket = webhook.ticket
        assert ticket is None or "\x00" not in ticket.description + ticket.subject
        first, second = (compute_job_id(a_tenant_id, webhook, signed_id="x") for _ in range(2))
        assert first == second


a_tenant_id = a_tenant().id


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> TenantDirectory:
    folder = tmp_path_factory.mktemp("fuzz")
    write_tenant(folder, a_tenant("hmac"), webhook_secret="s3cret")
    write_tenant(folder, a_tenant("token", webhook={"auth": "token"}), webhook_secret="s3cret")
    write_tenant(folder, a_tenant("none"))
    directory = TenantDirectory(folder / "files", folder / "secrets")
    assert directory.refresh() == []
    return directory


latin = st.text(st.characters(max_codepoint=255), max_size=60)
content_types = latin | st.text("; \x85*'\"=charsetuf-8\xb2\n", max_size=30).map("application/json; charset{}".format)
hex_digests = st.text("0123456789abcdefABCDEF", min_size=64, max_size=64)
proofs = st.fixed_dictionaries(
    {},
    optional={
        "x-servicedesk-signature": latin | hex_digests.map("sha256={}".format),
        "webhook-id": latin,
        "webhook-timestamp": latin | st.integers().map(str) | st.just(str(int(NOW.timestamp()))),
        "webhook-signature": latin | latin.map("v1,{}".format) | st.just("v1,AAAA " * 50),
        "authorization": latin | latin.map("Bearer {}".format),
        "content-type": content_types,
    },
)


@fuzzed(headers=proofs, body=bodies, slug=st.sampled_from(["hmac", "token", "none", "unknown", "body"]))
def test_no_headers_authenticate_without_the_secret(
    tried: Count, tenants: TenantDirectory, headers: dict[str, str], body: bytes, slug: str
) -> None:
    tried()
    known = tenants.find_slug(slug)
    named = {} if slug == "body" else {"x-tenant-id": str(known.tenant.id) if known else "x"}
    with pytest.raises(Unauthenticated):
        authenticate({**headers, **named}, body, tenants, now=NOW)


@fuzzed(
    secret=st.binary(min_size=1, max_size=80),
    body=st.binary(max_size=200),
    at=st.integers(0, 10**6),
    bit=st.integers(0, 7),
)
def test_a_signature_is_good_for_its_body_and_secret_alone(
    tried: Count, secret: bytes, body: bytes, at: int, bit: int
) -> None:
    tried()
    verify_body(body, sign_body(secret, body), [b"other", secret])
    verify_body(body, sign_body(secret, body).upper(), [secret])
    other = bytearray(body or b"\x00")
    other[at % len(other)] ^= 1 << bit
    for wrong_body, wrong_secret in ((bytes(other) if body else b"x", secret), (body, secret + b"x")):
        with pytest.raises(Unauthenticated):
            verify_body(wrong_body, sign_body(secret, body), [wrong_secret])


@fuzzed(
    secret=st.binary(min_size=1, max_size=80),
    body=st.binary(max_size=200),
    webhook_id=st.text(min_size=1, max_size=256).filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
    drift_s=st.integers(-400, 400),
)
def test_a_standard_signature_is_good_for_its_id_time_and_body_alone(
    tried: Count, secret: bytes, body: bytes, webhook_id: str, drift_s: int
) -> None:
    tried()
    at = int(NOW.timestamp()) + drift_s
    signature = sign_standard(secret, webhook_id, at, body)

    def verify(**changes: Any) -> None:
        values = {"webhook_id": webhook_id, "timestamp": str(at), "signature": "v1,AAAA " + signature} | changes
        verify_standard(
            changes.pop("body", body), secrets=[secret], now=NOW, **{k: v for k, v in values.items() if k != "body"}
        )

    if abs(drift_s) > 300:
        with pytest.raises(Unauthenticated):
            verify()
        return
    verify()
    for change in (
        {"webhook_id": webhook_id + "x"},
        {"timestamp": str(at + (1 if drift_s < 0 else -1))},
        {"body": body + b"x"},
        {"signature": "v1,"},
    ):
        with pytest.raises(Unauthenticated):
            verify(**change)


@fuzzed(st.one_of(texts, latin.map("whsec_{}".format), st.text("ABCabc012+/=", max_size=20).map("whsec_{}".format)))
def test_a_secret_is_a_key_or_refused(tried: Count, text: str) -> None:
    tried()
    if any("\ud800" <= char <= "\udfff" for char in text):
        return  # read from a file as UTF-8, which has none
    with only(TenantFileInvalid):
        assert decode_secret(text)
    with only(TenantFileInvalid):
        verify_token(f"Bearer {decode_token(text).decode()}", [decode_token(text)])


# --- a tenant's file

tenant_keys = st.sampled_from(
    ["id", "slug", "name", "status", "servicedesk", "edition", "url", "accounts_url", "technician", "webhook", "auth",
     "note", "sections", "model", "monitoring", "prometheus_url", "events", "calls_per_minute", "allow_private_address"]
)  # fmt: skip
GOOD = a_tenant().model_dump(mode="json", exclude_none=True)


def yaml_of(value: Any) -> bytes:
    return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")


@st.composite
def changed_files(draw: st.DrawFn) -> bytes:
    values: Any = json.loads(json.dumps(GOOD))
    for _ in range(draw(st.integers(1, 3))):
        place = values
        if draw(st.booleans()):
            place = values["servicedesk"]
        place[draw(tenant_keys)] = draw(values_with(tenant_keys))
        if not isinstance(values.get("servicedesk"), dict):
            break
    return yaml_of(values)


@fuzzed(
    st.one_of(
        st.binary(max_size=200),
        st.text("-:[]{}&*!|>'\"#?, \n\tab01", max_size=80).map(str.encode),
        values_with(tenant_keys).map(yaml_of),
        changed_files(),
    )
)
def test_a_tenants_file_is_a_tenant_or_invalid(tried: Count, tmp_path: Path, content: bytes) -> None:
    tried()
    path = tmp_path / "acme.yaml"
    path.write_bytes(content)
    with only(TenantFileInvalid):
        read_tenant(path)


hosts = st.from_regex(r"[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,8})?", fullmatch=True)
lines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60).filter(
    str.strip
)


@fuzzed(
    name=lines,
    technician=lines,
    host=hosts,
    port=st.integers(1, 65535),
    status=st.sampled_from(["active", "suspended"]),
    events=st.sets(st.sampled_from([*Event]), min_size=1),
)
def test_a_tenant_that_is_written_is_read_as_it_was(
    tried: Count, tmp_path: Path, host: str, port: int, technician: str, events: set[Event], **values: Any
) -> None:
    tried()
    desk = {"url": f"https://{host}:{port}", "technician": technician}
    tenant = a_tenant(servicedesk=desk, events=sorted(events), **values)
    path = tmp_path / "acme.yaml"
    path.write_bytes(
        yaml_of(tenant.model_dump(mode="json", exclude_none=True) | {"events": sorted(event.value for event in events)})
    )
    assert read_tenant(path) == tenant


@fuzzed(
    st.one_of(
        texts.map("https://{}".format),
        st.text("https:/@?#.[]\\ab1:%\t\n ", max_size=30),
        st.text("@?#.[]\\ab1:%\t\n /", max_size=30).map("https://a{}".format),
    )
)
def test_a_url_that_a_tenants_file_may_hold_is_read_alike_by_the_client(tried: Count, url: str) -> None:
    tried()
    try:
        tenant = a_tenant(servicedesk={"url": url})
    except ValueError:
        return
    read = httpx.URL(tenant.servicedesk.url)
    assert read.userinfo == b""
    assert url.split("://", 1)[1].partition("/")[0].partition(":")[0].lower().startswith(
        read.host.lower()[:1]
    ) or url.startswith("https://[")
    assert read.host.lower() in url.lower()


# --- which addresses

ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address) | st.sampled_from(
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "0.0.0.0", "8.8.8.8", "100.64.0.1", "168.63.129.16"]
).map(IPv4Address)


def verdict(text: str, **flags: bool) -> str:
    try:
        check_address(text, **{"allow_private": False, **flags})
    except AppError as error:
        return error.detail
    return ""


@fuzzed(address=ipv4, allow_private=st.booleans(), allow_public=st.booleans())
def test_an_ipv6_address_that_carries_an_ipv4_address_is_judged_by_it(
    tried: Count, address: IPv4Address, **flags: bool
) -> None:
    tried()
    carried = [
        IPv6Address(0xFFFF << 32 | int(address)),
        IPv6Address(0x2002 << 112 | int(address) << 80),
        IPv6Address((0x64FF9B << 96) | int(address)),
    ]
    for each in carried:
        assert verdict(str(each), **flags) == verdict(str(address), **flags)


@fuzzed(st.one_of(texts, ipv4.map(str), st.integers(0, 2**128 - 1).map(lambda number: str(IPv6Address(number)))))
def test_an_address_is_allowed_or_forbidden(tried: Count, text: str) -> None:
    tried()
    strict, loose = verdict(text), verdict(text, allow_private=True)
    assert not loose or strict  # what is forbidden even where private ones are allowed is forbidden


# --- what a help desk, its accounts server and a Prometheus say

desk_keys = st.sampled_from(
    ["id", "response_status", "status_code", "status", "messages", "type", "error", "errors", "request", "description",
     "subject", "created_time", "last_updated_time", "resolved_time", "value", "name", "display_value", "email_id",
     "requester", "resolution", "content", "ip_address", "ipaddresses", "network", "hostname", "approval_status",
     "access_token", "expires_in", "list_info", "notes_text", "is_public", "title"]
)  # fmt: skip
answers = values_with(desk_keys)
replies = st.builds(
    Reply,
    st.integers(100, 599),
    st.fixed_dictionaries(
        {},
        optional={
            "retry-after": latin
            | st.integers().map(str)
            | st.sampled_from(["", "9" * 16]).map("Mon, 01 Jan 0001 00:00:00 +2359{}".format),
            "content-type": content_types,
        },
    ).map(
        lambda headers: httpx.Headers({name: value.encode("latin-1") for name, value in headers.items()})  # type: ignore[arg-type]
    ),
    st.one_of(st.binary(max_size=200), answers.map(written), st.just(b"[" * 50_000), st.just(b'{"a":' * 20_000)),
)


@fuzzed(replies)
def test_an_answer_of_a_help_desk_is_an_object_or_an_error_of_ours(tried: Count, reply: Reply) -> None:
    tried()
    wait = parse_retry_after(reply.headers, now=NOW)
    assert wait is None or timedelta() <= wait <= timedelta(minutes=10)
    with only(AppError):
        assert isinstance(parse_answer(reply, secret="acme/api_key", now=NOW), dict)


@fuzzed(st.dictionaries(desk_keys, answers, max_size=12), st.sampled_from(["7", 7, None]))
def test_a_row_of_a_help_desk_is_read_or_not_understood(tried: Count, row: dict[str, Any], row_id: Any) -> None:
    tried()
    row = json.loads(written(row if row_id is None else row | {"id": row_id}))
    for parse in (parse_ticket, parse_article, parse_asset, parse_note):
        with only(AppError):
            parse(row)
    for look in (article_time, has_network_fields, is_approved, resolution_of, text_of_note):
        look(row)


@fuzzed(replies)
def test_an_accounts_servers_answer_is_a_token_or_an_error_of_ours(tried: Count, reply: Reply) -> None:
    tried()
    authenticator = authenticator_type(
        OAuthClient("id", "secret", "token"), secret="x", accounts_url="", outbound=None, tokens=None
    )
    with only(AppError):
        token = authenticator._parse(reply)
        assert token.value.isascii()
        assert timedelta(0) <= token.life <= timedelta(hours=1)


series = st.fixed_dictionaries(
    {
        "metric": st.dictionaries(st.sampled_from(["instance", "job", "reading"]), answers),
        "value": st.lists(scalars, max_size=3),
    }
)


@fuzzed(
    st.one_of(
        st.binary(max_size=200),
        answers.map(written),
        st.lists(series | answers, max_size=5).map(lambda rows: written({"data": {"result": rows}})),
    )
)
def test_an_answer_of_a_prometheus_is_series_or_an_error_of_ours(tried: Count, body: bytes) -> None:
    tried()
    with only(AppError):
        parse_series(body)


# --- what a server of documentation says

document_keys = st.sampled_from(
    ["results", "result", "data", "items", "content", "attributes", "value", "title", "name", "text", "url", "link"]
)
documents = values_with(document_keys)


@fuzzed(documents, st.lists(st.one_of(st.text(max_size=300), documents.map(json.dumps)), max_size=4))
def test_an_answer_of_a_server_of_documentation_is_documents(tried: Count, structured: Any, texts: list[str]) -> None:
    tried()
    found = read_documents(structured, texts, name="search")
    assert len(found) <= MAX_DOCUMENTS
    for document in found:
        assert document.title == document.title.strip()
        assert "\n" not in document.title
        assert document.text == plain_text(document.text) or "<" in document.text or "&" in document.text
        assert len(document.text) <= MAX_TEXT_CHARS
        assert allowed_page(document.url, ["https://docs.example"]) in {"", document.url}


@fuzzed(st.text(max_size=300), st.text(max_size=300))
def test_a_query_for_documents_is_words(tried: Count, subject: str, description: str) -> None:
    tried()
    query = compose_query(a_ticket(subject=subject, description=description))
    assert len(query) <= MAX_QUERY_CHARS
    assert re.fullmatch(r"(?:\w+(?:[.'’-]\w+)*(?: (?!$)|$))*", query)


# --- what a model's endpoint and a model say

completion_keys = st.sampled_from(
    ["choices", "message", "content", "refusal", "usage", "prompt_tokens", "completion_tokens", "model", "error"]
)
completions = st.one_of(
    values_with(completion_keys),
    st.fixed_dictionaries(
        {"choices": st.lists(st.fixed_dictionaries({"message": st.fixed_dictionaries({"content": scalars}) | answers}) | answers, max_size=2)},
        optional={"usage": st.dictionaries(completion_keys, scalars), "model": answers},
    ),
)  # fmt: skip


statuses = st.sampled_from([200, 200, 200, 201, 204, 301, 400, 401, 404, 413, 415, 422, 429, 500, 501])
kinds = st.sampled_from(["application/json", "text/html", "text/event-stream", ""])


def endpoint_that_answers(body: bytes, *, status: int, kind: str) -> Endpoint:
    headers = {"content-type": kind, "location": "http://127.0.0.1:9/"}
    return an_endpoint(lambda _: httpx2.Response(status, headers=headers, content=body), limit_s=1)


@fuzzed(
    body=st.one_of(st.binary(max_size=200), completions.map(written), st.just(b"[" * 50_000)),
    status=statuses,
    kind=kinds,
)
async def test_an_endpoints_answer_is_a_completion_or_an_error_of_ours(
    tried: Count, body: bytes, status: int, kind: str
) -> None:
    tried()
    endpoint = endpoint_that_answers(body, status=status, kind=kind)
    model = OpenAIModel(endpoint, tenant="acme", model="first", fallback=None, limit=timedelta(seconds=5))
    with only(AppError):
        completion = await model.complete([Message(role="user", content=Mask().text("A ticket."))], schema={})
        assert completion.prompt_tokens >= 0
        with only(AppError):
            parse_draft(completion.text)


embedding_keys = st.sampled_from(["data", "embedding", "index", "error", "usage"])
embeddings = st.one_of(
    values_with(embedding_keys),
    st.fixed_dictionaries(
        {
            "data": st.lists(
                st.dictionaries(embedding_keys, st.one_of(scalars, st.lists(scalars, max_size=3))), max_size=3
            )
        }
    ),
)


@fuzzed(
    body=st.one_of(st.binary(max_size=200), embeddings.map(written), st.just(b"[" * 50_000)),
    status=statuses,
    kind=kinds,
)
async def test_an_endpoints_answer_is_vectors_or_an_error_of_ours(
    tried: Count, body: bytes, status: int, kind: str
) -> None:
    tried()
    endpoint = endpoint_that_answers(body, status=status, kind=kind)
    with only(AppError):
        vectors = await EndpointEmbedder(endpoint, model="the-model").embed([Mask().text("A ticket.")])
        assert [len(vector) for vector in vectors] == [DIMENSIONS]


draft_keys = st.sampled_from(["summary", "facts", "hypotheses", "next_steps", "confidence", "text", "citations"])


@fuzzed(
    st.one_of(
        texts,
        values_with(draft_keys).map(json.dumps),
        values_with(draft_keys).map(lambda value: f"```json\n{json.dumps(value)}\n```"),
        values_with(draft_keys).map(lambda value: f"<think>{json.dumps(value)}</think>{json.dumps(value)}"),
        st.just("[" * 90_000),
    )
)
def test_a_models_answer_is_a_draft_or_refused(tried: Count, answer: str) -> None:
    tried()
    with only(AppError):
        parse_draft(answer)
