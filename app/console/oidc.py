"""Sign-in by OpenID Connect: authorization code with PKCE, state and nonce.

Invariant: a person is let in only after the provider's signature over the ID token, its issuer, audience, end and nonce
were checked, and only with a role that one of the two named groups gives.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.console.sessions import Role
from app.errors import Rejected

_TIMEOUT_S: Final = 10.0
# Signatures by the provider's own key alone: neither none, nor our secret.
_ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class SignInRefused(Rejected):
    """Nobody was signed in; the sentence says why."""


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """Who the provider is, and how its groups become roles."""

    issuer: str
    client_id: str
    client_secret: str | None
    redirect_url: str
    scopes: str
    role_claim: str
    operators: str
    viewers: str


@dataclass(frozen=True, slots=True)
class Begun:
    """Where to send the browser, and what it must bring back."""

    url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who signed in."""

    name: str
    role: Role


class OpenIdProvider:
    """One provider. It is asked for its addresses and keys when they are needed."""

    def __init__(self, options: ProviderOptions) -> None:
        self._options = options

    async def begin(self) -> Begun:
        """A new sign-in.

        Raises:
            SignInRefused: The provider does not answer.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        async with _client() as client:
            metadata = await self._metadata(client)
        asked = {
            "response_type": "code",
            "client_id": self._options.client_id,
            "redirect_uri": self._options.redirect_url,
            "scope": self._options.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": _challenge(verifier),
            "code_challenge_method": "S256",
        }
        return Begun(f"{metadata['authorization_endpoint']}?{urlencode(asked)}", state, nonce, verifier)

    async def finish(self, answer: Mapping[str, str], *, state: str, nonce: str, verifier: str) -> Person:
        """The person that the provider's *answer* names.

        Raises:
            SignInRefused: Anything does not fit, or the person has none of the groups.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise SignInRefused("This answer does not belong to the sign-in that was begun here. Begin again.")
        if "code" not in answer:
            raise SignInRefused("The sign-in was not completed.")
        async with _client() as client:
            metadata = await self._metadata(client)
            try:
                token = await self._redeem(client, metadata["token_endpoint"], answer["code"], verifier)
                keys = KeySet.import_key_set((await client.get(metadata["jwks_uri"])).raise_for_status().json())
                claims = jwt.decode(token, keys, algorithms=_ALGORITHMS).claims
                self._registry(nonce).validate(claims)
            except (JoseError, httpx.HTTPError, KeyError, ValueError, TypeError) as error:
                raise SignInRefused(f"The sign-in could not be verified ({type(error).__name__}).") from error
        return self._person(claims)

    async def _redeem(self, client: httpx.AsyncClient, address: str, code: str, verifier: str) -> str:
        """The ID token that the provider gives for *code* to who began the sign-in."""
        options = self._options
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": options.redirect_url,
            "code_verifier": verifier,
        }
        secret = options.client_secret
        if secret is None:
            form["client_id"] = options.client_id
        # RFC 6749, 2.3.1: both are form-encoded first
        auth = httpx.USE_CLIENT_DEFAULT if secret is None else _basic_auth(options.client_id, secret)
        reply = await client.post(address, data=form, auth=auth)
        token: str = reply.raise_for_status().json()["id_token"]
        return token

    async def _metadata(self, client: httpx.AsyncClient) -> dict[str, Any]:
        address = f"{self._options.issuer}/.well-known/openid-configuration"
        try:
            metadata: dict[str, Any] = (await client.get(address)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInRefused(f"The sign-in service does not answer ({type(error).__name__}).") from error
        if str(metadata.get("issuer", "")).rstrip("/") != self._options.issuer:
            raise SignInRefused("The sign-in service names another issuer than CONSOLE_OIDC_ISSUER.")
        return metadata

    def _registry(self, nonce: str) -> jwt.JWTClaimsRegistry:
        issuer = self._options.issuer
        return jwt.JWTClaimsRegistry(
            leeway=60,
            iss={"essential": True, "values": [issuer, f"{issuer}/"]},
            aud={"essential": True, "value": self._options.client_id},
            exp={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    def _person(self, claims: Mapping[str, Any]) -> Person:
        name = str(claims.get("email") or claims.get("preferred_username") or claims["sub"])
        given = claims.get(self._options.role_claim, [])
        groups = {given} if isinstance(given, str) else {str(group) for group in given or ()}
        if self._options.operators in groups:
            return Person(name, Role.OPERATOR)
        if self._options.viewers in groups:
            return Person(name, Role.VIEWER)
        raise SignInRefused(f"{name} is in none of the groups that may use the console.")


def _client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=_TIMEOUT_S)


def _challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).decode().rstrip("=")


def _basic_auth(client_id: str, secret: str) -> httpx.BasicAuth:
    return httpx.BasicAuth(quote_plus(client_id), quote_plus(secret))
