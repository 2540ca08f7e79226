"""Sign-in by a provider on loopback, which is right or wrong in one thing at a time."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from sqlalchemy import text

from app.console.access import Role
from app.console.oidc import OpenIdProvider, ProviderOptions
from app.core.tenant import EVERY_TENANT
from app.db.reports.audit import list_acts
from demo.embedded import DatabaseUrls
from tests.integration.console.conftest import URL, Console
from tests.integration.worker.conftest import Stage
from tests.loopback import served

CLIENT = "ai-agents-console"


@cache
def own_key() -> RSAKey:
    return RSAKey.generate_key(2048, parameters={"kid": "1"})


class FakeProvider:
    """One person signs in; what the token says, and who signs it, can be changed."""

    def __init__(self) -> None:
        self.header = {"alg": "RS256", "kid": "1"}
        self.use_key(own_key(), "RS256")
        self.other_keys: list[Any] = []
        self.claims: dict[str, Any] = {}
        self.asked: dict[str, str] = {}
        self.shown = ""
        """As whom the console asks for the token."""
        self.keys_asked_by = ""
        """Who the console says it is when it asks for the keys."""
        self.refresh_tokens = ["r1", "r2", "r3"]
        """Those that are given, one after the other; each is good once."""
        self.methods: list[str] | None = None
        """How it says that a program may show its secret."""
        self.token_error = ""
        """What it answers in place of a token."""
        self.fault = ""
        """Which answer is wrong, and how: `large-keys`, `moved-token`."""
        self.url = self.given = ""
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        """What happens while the provider answers a refresh token."""

    def use_key(self, key: Any, algorithm: str, **header: Any) -> None:
        self.key, self.signs_with = key, key
        self.header = {"alg": algorithm, "kid": key.kid, **header}

    @property
    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/.well-known/openid-configuration", self.metadata),
            web.get("/keys", self.keys),
            web.post("/token", self.token),
            web.route("*", "/moved/{name}", self.moved),
        ]

    def answer(self, name: str, content: dict[str, Any]) -> web.Response:
        what, _, where = self.fault.partition("-")
        if where != name:
            return web.json_response(content)
        if what == "moved":
            raise web.HTTPTemporaryRedirect(f"{self.url}/moved/{name}")
        return web.json_response([1] if what == "odd" else {**content, "filler": "x" * 1024 * 1024})

    async def moved(self, request: web.Request) -> web.Response:
        self.fault = ""
        handlers = {"metadata": self.metadata, "keys": self.keys, "token": self.token}
        return await handlers[request.match_info["name"]](request)

    async def metadata(self, _: web.Request) -> web.Response:
        content = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["none", "HS256", "RS256"],
            "token_endpoint_auth_methods_supported": self.methods,
        }
        return self.answer("metadata", content)

    async def keys(self, request: web.Request) -> web.Response:
        self.keys_asked_by = request.headers.get("authorization", "")
        keys = [*self.other_keys, self.key.as_dict(private=False)]
        return self.answer("keys", {"keys": keys})

    def authorize(self, url: str) -> str:
        """What the person's browser is sent back with."""
        self.asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        return self.asked["state"]

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        scheme, _, shown = request.headers.get("authorization", "").partition(" ")
        posted = ":".join(str(form[name]) for name in ("client_id", "client_secret") if name in form)
        self.shown = base64.b64decode(shown).decode() if scheme == "Basic" else posted
        if self.token_error:
            return web.json_response({"error": self.token_error}, status=401)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        is_renewed = form.get("grant_type") == "refresh_token"
        is_right = form.get("code") == "the-code" and challenge == self.asked["code_challenge"]
        if (is_renewed and form["refresh_token"] != self.given) or (not is_renewed and not is_right):
            return web.json_response({"error": "invalid_grant"}, status=400)
        if is_renewed and self.meanwhile is not None:
            await self.meanwhile()
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "4711",
            "email": "ines@acme.example",
            "email_verified": True,
            "iat": now,
            "exp": now + 300,
            "nonce": None if is_renewed else self.asked["nonce"],
            "groups": ["ai-agents-operators"],
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        token = jwt.encode(self.header, claims, self.signs_with, algorithms=[self.header["alg"]])
        self.given = self.refresh_tokens.pop(0) if self.refresh_tokens else ""
        content = {"access_token": "a", "token_type": "Bearer", "id_token": token, "refresh_token": self.given}
        return self.answer("token", content)


@pytest.fixture
async def provider() -> AsyncIterator[FakeProvider]:
    fake = FakeProvider()
    async with served(*fake.routes) as fake.url:
        yield fake


@pytest.fixture
def browser(make_console: Any, provider: FakeProvider) -> Console:
    options = ProviderOptions(
        issuer=provider.url,
        client_id=CLIENT,
        client_secret=None,
        redirect_url=f"{URL}/sign-in/callback",
        scopes="openid profile email",
        role_claim="groups",
        operators="ai-agents-operators",
        viewers="ai-agents-viewers",
    )
    made: Console = make_console(OpenIdProvider(options))
    return made


async def sign_in(browser: Console, provider: FakeProvider, **changes: str) -> Any:
    begun = await browser.get("/sign-in/oidc?next=/acts")
    assert begun.status_code == 303
    state = provider.authorize(begun.headers["location"])
    return await browser.get("/sign-in/callback", params={"code": "the-code", "state": state, **changes})


async def test_an_operator_of_the_provider_comes_in(browser: Console, provider: FakeProvider) -> None:
    answer = await sign_in(browser, provider)
    assert (answer.status_code, answer.headers["location"]) == (303, "/acts")
    page = await browser.get("/")
    assert "ines@acme.example" in page.text
    assert ">operator<" in page.text
    assert provider.asked["code_challenge_method"] == "S256"
    assert provider.asked["redirect_uri"] == f"{URL}/sign-in/callback"


async def let_pass(stage: Stage, column: str, minutes: float) -> None:
    """Let the sessions be so much older."""
    async with stage.database.as_tenant(EVERY_TENANT) as session:
        statement = f"update console_session set {column} = {column} - make_interval(secs => :seconds)"
        await session.execute(text(statement), {"seconds": minutes * 60})


async def test_a_group_that_was_removed_gives_nothing_after_five_minutes(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    await sign_in(browser, provider)
    provider.claims = {"groups": ["ai-agents-viewers"]}
    assert ">operator<" in (await browser.get("/")).text
    await let_pass(stage, "checked_at", 5)
    assert ">viewer<" in (await browser.get("/")).text
    assert (await browser.post("/tenants/pause", reason="x")).status_code == 403
    await let_pass(stage, "checked_at", 5)  # the second refresh token
    provider.claims = {"groups": ["staff"]}
    assert (await browser.get("/")).status_code == 303
    provider.claims = {}
    assert (await browser.get("/")).status_code == 303


async def test_a_check_of_a_time_that_no_clock_gives_was_none(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    await sign_in(browser, provider)
    provider.claims = {"groups": ["staff"]}
    async with stage.database.as_tenant(EVERY_TENANT) as session:
        await session.execute(text("update console_session set checked_at = 'infinity', checking_until = 'infinity'"))
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize("groups", [["staff"], ["ai-agents-viewers"]], ids=["end_session", "store_session"])
async def test_rights_whose_check_did_not_end_give_nothing(
    browser: Console, provider: FakeProvider, stage: Stage, urls: DatabaseUrls, groups: list[str]
) -> None:
    """PostgreSQL is out, or the process ends, after the provider has answered and before that is stored."""
    superuser = await asyncpg.connect(urls.superuser)

    async def take_the_right() -> None:
        await superuser.execute("revoke update on console_session from ai_agents_worker")

    try:
        await sign_in(browser, provider)
        await let_pass(stage, "checked_at", 5)
        provider.claims, provider.meanwhile = {"groups": groups}, take_the_right
        assert (await browser.get("/")).status_code == 500
        await superuser.execute("grant update on console_session to ai_agents_worker")
        provider.meanwhile = None
        again = asyncio.create_task(browser.get("/"))
        await asyncio.wait([again], timeout=1)  # it waits for the lease of the check that failed
        await let_pass(stage, "checking_until", 2)
        assert (await again).status_code == 303  # the refresh token was good for one call
    finally:
        await superuser.execute("grant update on console_session to ai_agents_worker")
        await superuser.close()


async def test_of_requests_at_once_one_asks_the_provider_and_the_others_wait(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    await sign_in(browser, provider)
    await let_pass(stage, "checked_at", 5)
    others: list[asyncio.Task[httpx.Response]] = []

    async def ask_too() -> None:
        others.extend(asyncio.create_task(browser.get("/")) for _ in range(3))
        await asyncio.wait(others, timeout=1)

    provider.claims, provider.meanwhile = {"groups": ["ai-agents-viewers"]}, ask_too
    pages = [await browser.get("/"), *await asyncio.gather(*others)]
    assert len(pages) == 4
    assert all(">viewer<" in page.text for page in pages)


async def test_an_open_page_that_refreshes_itself_is_checked_too(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    await sign_in(browser, provider)
    provider.claims = {"groups": ["staff"]}
    await let_pass(stage, "checked_at", 5)
    answer = await browser.get("/live", headers={"hx-request": "true"})
    assert answer.headers["hx-redirect"] == "/sign-in"


@pytest.mark.parametrize(
    "changes",
    [{"refresh_tokens": []}, {"given": "another"}, {"claims": {"sub": "4712"}}, {"url": "http://127.0.0.1:1"}],
    ids=["no token", "revoked", "another person", "another issuer"],
)
async def test_a_session_that_cannot_be_checked_is_over(
    browser: Console, provider: FakeProvider, stage: Stage, changes: dict[str, Any]
) -> None:
    if "refresh_tokens" in changes:
        provider.refresh_tokens = []
    await sign_in(browser, provider)
    assert (await browser.get("/")).status_code == 200
    await let_pass(stage, "checked_at", 5)
    for name, value in changes.items():
        setattr(provider, name, value)
    assert (await browser.get("/")).status_code == 303


async def test_many_requests_at_once_ask_the_provider_once(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    await sign_in(browser, provider)
    await let_pass(stage, "checked_at", 5)
    answers = await asyncio.gather(*(browser.get("/acts") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert provider.refresh_tokens == ["r3"]


async def test_what_is_kept_of_a_session_can_not_be_read(
    browser: Console, provider: FakeProvider, stage: Stage
) -> None:
    provider.refresh_tokens = ["a-refresh-token"]
    await sign_in(browser, provider)
    async with stage.database.as_tenant(EVERY_TENANT) as session:
        kept = str((await session.execute(text("select array_agg(s::text) from console_session s"))).scalar())
    assert "a-refresh-token" not in kept
    assert "operator" not in kept


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({}, "ines@acme.example (4711)"),
        ({"email_verified": False}, "4711"),
        ({"email_verified": None, "preferred_username": "root"}, "4711"),
        ({"email": None, "preferred_username": "root", "name": "root"}, "4711"),
        ({"email_verified": "true"}, "ines@acme.example (4711)"),
        ({"email": "root\u0000@acme.example"}, "4711"),
        ({"email": "root (1)\n@acme.example"}, "4711"),
        ({"email": ["root@acme.example"]}, "4711"),
        ({"sub": "worker", "email": None}, "sub worker"),
        ({"sub": "local token", "email": None}, "sub local token"),
        ({"sub": "command line", "email": "root"}, "sub command line"),
    ],
)
async def test_acts_are_recorded_under_what_the_provider_vouches_for(
    browser: Console, provider: FakeProvider, stage: Stage, claims: dict[str, Any], name: str
) -> None:
    provider.claims = claims
    await sign_in(browser, provider)
    reason = f"for {name} {len(claims)}"
    assert (await browser.post(f"/tenants/{stage.tenant.slug}/pause", reason=reason)).status_code == 303
    acts = await list_acts(stage.database, [stage.tenant.id], limit=1)
    assert (acts[0].actor, acts[0].detail) == (name, reason)


async def test_a_viewer_of_the_provider_may_look(browser: Console, provider: FakeProvider) -> None:
    provider.claims = {"groups": ["staff", "ai-agents-viewers"]}
    await sign_in(browser, provider)
    assert ">viewer<" in (await browser.get("/")).text


async def test_a_group_of_one_client_sees_that_one(make_console: Any, provider: FakeProvider, stage: Stage) -> None:
    named = {"acme-it": {stage.tenant.slug: Role.VIEWER}, "globex-it": {"globex": Role.OPERATOR}}
    options = ProviderOptions(
        provider.url,
        CLIENT,
        None,
        f"{URL}/sign-in/callback",
        "openid",
        "groups",
        "o",
        "v",
        client_groups=frozenset(named),
    )
    browser: Console = make_console(OpenIdProvider(options), named=named)
    provider.claims = {"groups": ["staff", "acme-it"]}
    await sign_in(browser, provider)
    page = await browser.get("/tenants")
    assert ">viewer of 1 tenant<" in page.text
    assert stage.tenant.slug in page.text
    provider.claims = {"groups": ["globex-it"]}
    await sign_in(browser, provider)
    assert stage.tenant.slug not in (await browser.get("/tenants")).text


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"groups": ["staff"]}, "none of the groups"),
        ({"groups": None}, "has no claim groups"),
        ({"groups": None, "_claim_names": {"groups": "src1"}}, "too many to list"),
        ({"nonce": "another"}, "the claim nonce of the ID token"),
        ({"nonce": None}, "not be verified"),
        ({"aud": "another-program"}, "the claim aud of the ID token"),
        ({"iss": "https://evil.example"}, "not be verified"),
        ({"exp": 1}, "over already"),
        ({"exp": None}, "not be verified"),
        ({"nbf": 9_999_999_999}, "not be verified"),
        ({"sub": None}, "not be verified"),
        ({"sub": "4711\u0000"}, "what is no name (sub)"),
        ({"sub": "root\u202e1174"}, "what is no name (sub)"),
        ({"sub": "x" * 256}, "what is no name (sub)"),
        ({"azp": "another-program"}, "not be verified"),
        ({"aud": ["another-program"], "azp": CLIENT}, "not be verified"),
        ({"aud": [CLIENT, "another-program"]}, "not be verified"),
    ],
    ids=[
        *(
            "group",
            "no-group",
            "groups-left-out",
            "nonce",
            "no-nonce",
            "audience",
            "issuer",
            "over",
            "endless",
            "too-soon",
            "nobody",
            *("nul", "turned-round", "long"),
        ),
        *("made-for-another", "audience-of-another", "audience-of-two"),
    ],
)
async def test_a_token_that_does_not_fit_opens_nothing(
    browser: Console, provider: FakeProvider, claims: dict[str, Any], told: str
) -> None:
    provider.claims = claims
    answer = await sign_in(browser, provider)
    assert answer.status_code == 403
    assert told in answer.text
    assert (await browser.get("/")).status_code == 303


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("access_denied", "did not allow it (access_denied)"),
        ("login_required", "not signed in there"),
        ("mfa_expired", "a reason of its own (mfa_expired)"),
        ("<script>alert(1)</script>", "did not complete the sign-in."),
        ("", "did not complete the sign-in."),
    ],
)
async def test_what_the_provider_answers_in_place_of_a_code_is_told(
    browser: Console, provider: FakeProvider, error: str, told: str
) -> None:
    begun = await browser.get("/sign-in/oidc")
    state = provider.authorize(begun.headers["location"])
    answer = await browser.get("/sign-in/callback", params={"error": error, "state": state})
    assert answer.status_code == 403
    assert told in answer.text
    assert "<script>" not in answer.text


async def test_another_signature_opens_nothing(browser: Console, provider: FakeProvider) -> None:
    provider.signs_with = RSAKey.generate_key(2048)
    assert (await sign_in(browser, provider)).status_code == 403


@pytest.mark.parametrize("kid", ["1", "2", None])
async def test_another_key_under_any_name_opens_nothing(
    browser: Console, provider: FakeProvider, kid: str | None
) -> None:
    provider.signs_with = RSAKey.generate_key(2048)
    provider.header = {"alg": "RS256", **({"kid": kid} if kid else {})}
    assert (await sign_in(browser, provider)).status_code == 403


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # for "Ed25519"; providers still say so
@pytest.mark.parametrize(
    ("kind", "size", "algorithm"),
    [
        (RSAKey, 2048, "PS256"),
        (ECKey, "P-256", "ES256"),
        (ECKey, "P-521", "ES512"),
        (OKPKey, "Ed25519", "EdDSA"),
        (OKPKey, "Ed25519", "Ed25519"),
    ],
    ids=["PS256", "ES256", "ES512", "EdDSA", "Ed25519"],
)
async def test_a_key_of_any_kind_opens(
    browser: Console, provider: FakeProvider, kind: Any, size: Any, algorithm: str
) -> None:
    provider.use_key(kind.generate_key(size, parameters={"kid": "2"}), algorithm)
    assert (await sign_in(browser, provider)).status_code == 303


async def test_keys_that_nobody_knows_are_in_nobodys_way(browser: Console, provider: FakeProvider) -> None:
    provider.other_keys = [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "post-quantum", "pub": "AA"},
        {"kty": "EC", "crv": "P-999", "x": "AA", "y": "AA", "kid": "curve"},
        {"kty": "OKP", "crv": "Ed999", "x": "AA", "kid": "okp"},
        {"kty": "RSA", "kid": "broken"},
        {"kid": "nothing"},
        "text",
    ]
    assert (await sign_in(browser, provider)).status_code == 303


async def test_a_key_that_the_provider_changed_opens_at_once(browser: Console, provider: FakeProvider) -> None:
    await sign_in(browser, provider)
    for kid in ("2", "1", "1"):  # a provider may also put another key under the same name
        provider.use_key(RSAKey.generate_key(2048, parameters={"kid": kid}), "RS256")
        browser.leave()
        assert (await sign_in(browser, provider)).status_code == 303


async def test_a_key_without_a_name_opens_where_it_is_the_only_one(browser: Console, provider: FakeProvider) -> None:
    provider.key = provider.signs_with = RSAKey.generate_key(2048)
    provider.header = {"alg": "RS256"}
    assert (await sign_in(browser, provider)).status_code == 303


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("none", None), ("HS256", OctKey.import_key("s3cret-of-the-console"))],
    ids=["unsigned", "our-secret"],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # what is tried here is not secure
async def test_what_the_provider_did_not_sign_by_its_key_opens_nothing(
    browser: Console, provider: FakeProvider, algorithm: str, key: Any
) -> None:
    provider.header, provider.signs_with = {"alg": algorithm}, key
    if key is not None:
        provider.other_keys = [{**key.as_dict(private=True), "kid": "1"}]
        provider.header["kid"] = "1"
    answer = await sign_in(browser, provider)
    assert answer.status_code == 403
    assert "it must sign ID tokens by a key of its own" in answer.text


@pytest.mark.parametrize("fault", ["moved-token", "moved-keys", "large-token", "large-keys", "odd-token", "odd-keys"])
async def test_an_answer_of_another_shape_opens_nothing(browser: Console, provider: FakeProvider, fault: str) -> None:
    provider.fault = fault
    answer = await sign_in(browser, provider)
    assert answer.status_code == 403
    assert "not be verified" in answer.text


@pytest.mark.parametrize(
    ("fault", "says"),
    [("moved-metadata", "HTTP 307"), ("large-metadata", "does not answer"), ("odd-metadata", "does not answer")],
)
async def test_addresses_of_another_shape_begin_nothing(
    browser: Console, provider: FakeProvider, fault: str, says: str
) -> None:
    provider.fault = fault
    answer = await browser.get("/sign-in/oidc")
    assert answer.status_code == 502
    assert says in answer.text


async def test_a_provider_that_never_ends_is_given_up(make_console: Any, provider: FakeProvider) -> None:
    options = ProviderOptions(provider.url, CLIENT, None, URL, "openid", "groups", "o", "v")
    console: Console = make_console(OpenIdProvider(options, limit_s=0.0))
    assert (await console.get("/sign-in/oidc")).status_code == 502


async def test_the_persons_access_token_is_shown_to_nobody(browser: Console, provider: FakeProvider) -> None:
    assert (await sign_in(browser, provider)).status_code == 303
    assert provider.keys_asked_by == ""


async def test_another_state_opens_nothing(browser: Console, provider: FakeProvider) -> None:
    answer = await sign_in(browser, provider, state="another")
    assert answer.status_code == 403
    assert "does not belong" in answer.text


@pytest.mark.parametrize(
    ("methods", "shown"),
    [
        (None, "s%3Acret%2F%2B"),
        (["client_secret_post", "client_secret_basic"], "s%3Acret%2F%2B"),
        (["client_secret_post"], "s:cret/+"),
        (["private_key_jwt"], "s%3Acret%2F%2B"),
    ],
    ids=["untold", "both", "in the form alone", "neither"],
)
async def test_a_program_with_a_secret_shows_it(
    make_console: Any, provider: FakeProvider, methods: list[str] | None, shown: str
) -> None:
    provider.methods = methods
    options = ProviderOptions(
        provider.url, CLIENT, "s:cret/+", f"{URL}/sign-in/callback", "openid", "groups", "ai-agents-operators", "v"
    )
    assert (await sign_in(make_console(OpenIdProvider(options)), provider)).status_code == 303
    assert provider.shown == f"ai-agents-console:{shown}"


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])  # the second is Keycloak's (26.4.5)
async def test_a_wrong_secret_is_told_as_one(browser: Console, provider: FakeProvider, error: str) -> None:
    provider.token_error = error
    answer = await sign_in(browser, provider)
    assert answer.status_code == 403
    assert f"check CONSOLE_OIDC_CLIENT_ID and CONSOLE_OIDC_CLIENT_SECRET ({error})" in answer.text


@pytest.mark.parametrize("error", ["<script>", "x" * 100])
async def test_an_error_that_is_no_code_is_not_shown(browser: Console, provider: FakeProvider, error: str) -> None:
    provider.token_error = error
    answer = await sign_in(browser, provider)
    assert answer.status_code == 403
    assert "gives the console no token." in answer.text
    assert error not in answer.text


async def test_a_wrong_code_opens_nothing(browser: Console, provider: FakeProvider) -> None:
    assert (await sign_in(browser, provider, code="another")).status_code == 403


async def test_another_browser_can_not_end_what_this_one_began(browser: Console, provider: FakeProvider) -> None:
    begun = await browser.get("/sign-in/oidc")
    state = provider.authorize(begun.headers["location"])
    browser.leave()
    answer = await browser.get("/sign-in/callback", params={"code": "the-code", "state": state})
    assert answer.status_code == 403
    assert "Begin again" in answer.text


async def test_a_provider_that_is_away_is_told(make_console: Any) -> None:
    options = ProviderOptions("http://127.0.0.1:1", CLIENT, None, URL, "openid", "groups", "o", "v")
    console: Console = make_console(OpenIdProvider(options))
    answer = await console.get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "does not answer" in answer.text


async def test_an_issuer_without_its_path_is_told(make_console: Any, provider: FakeProvider) -> None:
    options = ProviderOptions(f"{provider.url}/realms/none", CLIENT, None, URL, "openid", "groups", "o", "v")
    console: Console = make_console(OpenIdProvider(options))
    answer = await console.get("/sign-in/oidc")
    assert answer.status_code == 502
    assert "answers HTTP 404 where it should describe itself. CONSOLE_OIDC_ISSUER" in answer.text
