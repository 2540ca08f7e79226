"""Sign-in by OpenID Connect: authorization code with PKCE, state and nonce.

Invariant: a person is let in only after the provider's signature over the ID token, its issuer, audience, end and nonce
were checked, and only with a role that one of the two named groups gives.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.console.sessions import Role
from app.errors import Rejected

_TIMEOUT: Final = timedelta(seconds=10)
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
        async with self._client() as client:
            metadata = await self._metadata(client)
            url, _ = client.create_authorization_url(
                metadata["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
            )
        return Begun(url, state, nonce, verifier)

    async def finish(self, answer: Mapping[str, str], *, state: str, nonce: str, verifier: str) -> Person:
        """The person that the provider's *answer* names.

        Raises:
            SignInRefused: Anything does not fit, or the person has none of the groups.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), state.encode()):
            raise SignInRefused("This answer does not belong to the sign-in that was begun here. Begin again.")
        if "code" not in answer:
            raise SignInRefused("The sign-in was not completed.")
        async with self._client() as client:
            metadata = await self._metadata(client)
            try:
                token = await client.fetch_token(
                    metadata["token_endpoint"], code=answer["code"], code_verifier=verifier
                )
                keys = KeySet.import_key_set(
                    (await client.request("GET", metadata["jwks_uri"], withhold_token=True)).json()
                )
                claims = jwt.decode(token["id_token"], keys, algorithms=_ALGORITHMS).claims
                self._registry(nonce).validate(claims)
            except (OAuthError, JoseError, httpx.HTTPError, KeyError, ValueError, TypeError) as error:
                raise SignInRefused(f"The sign-in could not be verified ({type(error).__name__}).") from error
        return self._person(claims)

    def _client(self) -> AsyncOAuth2Client:
        options = self._options
        return AsyncOAuth2Client(
            client_id=options.client_id,
            client_secret=options.client_secret,
            token_endpoint_auth_method="client_secret_basic" if options.client_secret else "none",
            redirect_uri=options.redirect_url,
            scope=options.scopes,
            code_challenge_method="S256",
            timeout=_TIMEOUT.total_seconds(),
        )

    async def _metadata(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        address = f"{self._options.issuer}/.well-known/openid-configuration"
        try:
            reply = await client.request("GET", address, withhold_token=True)
            metadata: dict[str, Any] = reply.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise SignInRefused(f"The sign-in service does not answer ({type(error).__name__}).") from error
        if metadata.get("issuer", "").rstrip("/") != self._options.issuer:
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
