"""Sign-in by OpenID Connect: authorization code with PKCE, state and nonce.

Invariant: a person is signed in only after the ID token's signature, issuer, audience, expiry and nonce were checked,
and only with a role that a configured group gives. Answers of the provider are limited in bytes and time;
no redirect is followed. A proxy leads to it as to all else that is called (`app.integrations.proxies`).
"""

from __future__ import annotations

import asyncio
import hmac
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote_plus

import httpx2  # Authlib's client derives from it
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client, OAuth2ClientAuth, OAuthError
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError, UnsupportedAlgorithmError
from joserfc.jwk import JWKRegistry, KeySet

from app.console.roles import Person, SignInRefused, find_grant
from app.integrations.bounded import UNCOMPRESSED, bound
from app.integrations.guarded import GuardedTransport, reason_of
from app.integrations.http import open_sessions

_ALL_CALLS_S: Final = 20.0
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAX_NAME_CHARS: Final = 255
_LEEWAY_S: Final = 60
# Only signatures by the provider's private key: not `none`, and not HMAC with our own secret. "Ed25519" is the newer
# name of "EdDSA".
_ALGORITHMS: Final = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split()
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_METHODS: Final = "token_endpoint_auth_methods_supported"
_BASIC, _POST = "client_secret_basic", "client_secret_post"
# What a wrong or forged answer of the provider raises. The libraries check few of its fields, so also plain errors.
_FAULTS: Final = (
    *(JoseError, OAuthError, httpx2.HTTPError, httpx2.InvalidURL, TimeoutError),
    *(AttributeError, LookupError, RecursionError, TypeError, ValueError),
)


_REFUSALS: Final = {
    "access_denied": "you or your organisation did not allow it",
    "consent_required": "your organisation has to allow this application first",
    "interaction_required": "it has to ask you something first; sign in there, then begin again",
    "login_required": "you are not signed in there",
    "account_selection_required": "choose an account there, then begin again",
    "temporarily_unavailable": "it is too busy at the moment",
    "server_error": "it had an error of its own",
    "unauthorized_client": "this application may not use it; check CONSOLE_OIDC_CLIENT_ID at the provider",
    "invalid_scope": "it does not know a scope of CONSOLE_OIDC_SCOPES",
    "invalid_request": "it did not take our call; check the redirect address that is registered there",
    "unauthorized": "it does not let you use this application",
    "unmet_authentication_requirements": "you have to sign in there in a stronger way",
    "unsupported_response_type": "the application there does not allow the authorization code flow",
}
"""What a provider answers in place of a code (RFC 6749, 4.1.2.1; OpenID Connect Core, 3.1.2.6), in our own words."""
_OWN_CREDENTIALS: Final = "check CONSOLE_OIDC_CLIENT_ID and CONSOLE_OIDC_CLIENT_SECRET"
_TOKEN_REFUSALS: Final = {
    "invalid_client": _OWN_CREDENTIALS,
    "unauthorized_client": _OWN_CREDENTIALS,  # Keycloak's for a wrong secret
    "invalid_grant": "the sign-in there is over, or the redirect address is not as it was registered there",
}
"""What it answers in place of a token (RFC 6749, 5.2)."""
_OURS: Final = re.compile(r"local token|worker|.*\(command line\)")
"""Under these the product records what it does by itself, or at its own two other doors."""
_ERROR_CODE: Final = re.compile(r"[a-z_]{1,60}")


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """The provider's address, our credentials there, and which of its groups give which role."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_url: str
    scopes: str
    role_claim: str
    operators: str
    viewers: str
    client_groups: Collection[str] = ()
    """The groups for which tenants are named."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that was begun: where to send the browser, and the values that its answer must match."""

    url: str
    state: str
    nonce: str
    verifier: str


class OpenIdProvider:
    """One provider. Its endpoints and keys are fetched at each sign-in."""

    def __init__(self, options: ProviderOptions, *, limit_s: float = _ALL_CALLS_S) -> None:
        self._options = options
        self._limit_s = limit_s

    async def begin(self) -> Begun:
        """A new sign-in.

        Raises:
            SignInRefused: The provider does not answer.
        """
        nonce, verifier = generate_token(48), generate_token(48)
        async with self._client() as client:
            endpoints = await self._endpoints(client)
            address = endpoints["authorization_endpoint"]
            url, state = client.create_authorization_url(address, nonce=nonce, code_verifier=verifier)
        return Begun(url, state, nonce, verifier)

    async def finish(self, answer: Mapping[str, str], *, state: str, nonce: str, verifier: str) -> Person:
        """The person that the provider's *answer* names.

        Raises:
            SignInRefused: A check failed, or the person is in none of the groups.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise SignInRefused("This answer does not belong to the sign-in that was begun here. Begin again.")
        if "code" not in answer:
            why = _why(answer.get("error", ""), _REFUSALS)
            raise SignInRefused(f"The sign-in service did not complete the sign-in{why}.")
        return await self._person_by(nonce, code=answer["code"], code_verifier=verifier)

    async def renew(self, refresh_token: str, *, subject: str) -> Person:
        """The person *subject* again, with the groups of now.

        Raises:
            SignInRefused: The provider ended the person's session, names none or another, or does not answer; or the
                person is in none of the groups any more.
        """
        person = await self._person_by(None, grant_type="refresh_token", refresh_token=refresh_token)
        if person.subject != subject:
            raise SignInRefused("The sign-in service names another person than before.")
        # A provider that does not change the refresh token need not repeat it.
        return person if person.refresh_token else replace(person, refresh_token=refresh_token)

    async def _person_by(self, nonce: str | None, **shown: str) -> Person:
        """The person of the ID token that the provider gives for what is *shown*. A *nonce* must be in it."""
        async with self._client() as client:
            endpoints = await self._endpoints(client)
            try:
                async with asyncio.timeout(self._limit_s):
                    auth = self._auth(endpoints[_METHODS])
                    token = await client.fetch_token(endpoints["token_endpoint"], auth=auth, **shown)
                    # Fetched after the token was issued, so that a key which the provider has just rotated is in it.
                    key_set = await _get(client, endpoints["jwks_uri"])
                claims = self._claims(token["id_token"], key_set, nonce)
            except OAuthError as error:
                why = _why(str(error.error), _TOKEN_REFUSALS)
                raise SignInRefused(f"The sign-in service gives the console no token{why}.") from error
            except ExpiredTokenError as error:
                raise SignInRefused(
                    "The sign-in service gave a token that is over already. Check its clock and the console's."
                ) from error
            except _FAULTS as error:
                raise SignInRefused(f"The sign-in could not be verified ({_name(error)}).") from error
        return self._person(claims, str(token.get("refresh_token") or ""))

    async def _endpoints(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limit_s):
                metadata = await _get(client, get_well_known_url(self._options.issuer, external=True))
            endpoints = {name: str(metadata[name]) for name in _ENDPOINTS}
            endpoints[_METHODS] = metadata.get(_METHODS) or _BASIC  # its default (OpenID Connect Discovery, 3)
            issuer = str(metadata["issuer"])
        except httpx2.HTTPStatusError as error:
            raise SignInRefused(
                f"The sign-in service answers HTTP {error.response.status_code} where it should describe itself."
                " CONSOLE_OIDC_ISSUER must be its issuer as it writes it itself, with the whole path."
            ) from error
        except _FAULTS as error:
            raise SignInRefused(f"The sign-in service does not answer ({_name(error)}).") from error
        if issuer.rstrip("/") != self._options.issuer:
            raise SignInRefused("The sign-in service names another issuer than CONSOLE_OIDC_ISSUER.")
        return endpoints

    def _claims(self, id_token: str, key_set: Mapping[str, Any], nonce: str | None) -> Mapping[str, Any]:
        """The claims of *id_token*, after they were all checked."""
        issuer, client_id = self._options.issuer, self._options.client_id
        token = jwt.decode(id_token, _known_keys(key_set), algorithms=_ALGORITHMS)
        options = {
            "iss": {"essential": True, "values": [issuer, f"{issuer}/"]},
            "aud": {"essential": True, "value": client_id},
            "exp": {"essential": True},
            "sub": {"essential": True},
        }
        claims = CodeIDToken(token.claims, token.header, options, {"nonce": nonce, "client_id": client_id})
        claims.validate(leeway=_LEEWAY_S)
        return token.claims

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[AsyncOAuth2Client]:
        options = self._options
        async with (
            open_sessions(allow_private=True, is_guarded=False) as sessions,
            AsyncOAuth2Client(
                options.client_id,
                scope=options.scopes,
                redirect_uri=options.redirect_url,
                code_challenge_method="S256",
                follow_redirects=False,
                headers=UNCOMPRESSED,
                event_hooks={"response": [bound(_MAX_ANSWER_BYTES)]},
                transport=GuardedTransport(sessions),
            ) as client,
        ):
            yield client

    def _auth(self, methods: Collection[str]) -> httpx2.Auth | None:
        """Our credentials for the token endpoint by one of its *methods*; None for a public client."""
        client_id, secret = self._options.client_id, self._options.client_secret
        if not secret:
            return None
        if _BASIC not in methods and _POST in methods:
            posted: httpx2.Auth = OAuth2ClientAuth(client_id, secret, _POST)
            return posted
        # RFC 6749, 2.3.1: both are form-encoded first, which Authlib's own method does not do.
        return httpx2.BasicAuth(quote_plus(client_id), quote_plus(secret))

    def _person(self, claims: Mapping[str, Any], refresh_token: str) -> Person:
        subject = str(claims["sub"])
        if not _is_name(subject):
            raise SignInRefused("The sign-in service names a person by what is no name (sub).")
        # Of the claims that name a person, `sub` alone is the provider's word, and `email` where it says so: the others
        # may be what the person typed (OpenID Connect Core, 5.1 and 5.7).
        is_verified = str(claims.get("email_verified", "")).lower() == "true"
        name = f"{claims['email']} ({subject})" if is_verified and _is_name(claims.get("email")) else subject
        if _OURS.fullmatch(name):
            name = f"sub {subject}"
        options = self._options
        grant = find_grant(
            claims,
            name,
            claim=options.role_claim,
            operators=options.operators,
            viewers=options.viewers,
            named=options.client_groups,
        )
        return Person(name, grant.everywhere, grant.groups, subject, refresh_token)


def _is_name(value: object) -> bool:
    """Whether it can stand in the record of acts, and in its line alone. `sub` has 255 characters at most (OIDC, 2)."""
    return isinstance(value, str) and len(value) <= _MAX_NAME_CHARS and value.isprintable() and bool(value.strip())


def _why(error: str, meanings: Mapping[str, str]) -> str:
    """The provider's *error* in our words, as the end of a sentence; empty: it is no code."""
    meaning = meanings.get(error, "it names a reason of its own")
    return f": {meaning} ({error})" if _ERROR_CODE.fullmatch(error) else ""


def _name(error: BaseException) -> str:
    """*error* without its own text, which may quote what the provider sent."""
    match error:
        case httpx2.HTTPStatusError(response=response):
            return f"HTTP {response.status_code}"
        case UnsupportedAlgorithmError():  # Authentik's without a signing key, by HS256
            return "it must sign ID tokens by a key of its own, e.g. by RS256"
        case ClaimError(claim=claim):
            return f"the claim {claim} of the ID token"
        case _:
            return reason_of(error) or type(error).__name__


async def _get(client: AsyncOAuth2Client, address: str) -> dict[str, Any]:
    # Without this, Authlib's client would send the person's access token to this address.
    answer = await client.request("GET", address, withhold_token=True)
    return dict(answer.raise_for_status().json())


def _known_keys(key_set: Mapping[str, Any]) -> KeySet:
    """The keys of *key_set* that the library can read. A provider may publish keys of kinds that it can't."""
    keys = []
    for each in key_set["keys"]:
        with suppress(JoseError, LookupError, TypeError, ValueError):
            keys.append(JWKRegistry.import_key(each))
    return KeySet(keys)
