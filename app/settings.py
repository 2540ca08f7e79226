"""The environment variables, read once when a process starts.

One class for each process, one field for each variable: a process requires only what it uses, and has no credentials of
another. Only composition roots import this module; everything else gets values.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar
from urllib.parse import parse_qs, urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_DATABASE_EXAMPLE = "postgresql://ai_agents_worker:…@db.example:5432/ai_agents?sslmode=require"
_REDIS_EXAMPLE = "rediss://:…@redis.example:6379/0"


def _alone(value: Any) -> Any:
    """*value* without blanks around it: a secret that was made of a file ends in a line break.

    Refused where quotation marks are a part of it, as those in a file for `docker --env-file` are.
    """
    if not isinstance(value, str):
        return value
    value = value.strip()
    if not value:
        raise ValueError("holds blanks alone")
    if value[0] in {'"', "'"} and value[1:].endswith(value[0]):
        raise ValueError("stands in quotation marks: leave them out")
    return value


def _url_of(*schemes: str) -> Any:
    def check(url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        if text.partition("://")[0] not in schemes:
            raise ValueError(f"must be a URL that begins with {' or '.join(scheme + '://' for scheme in schemes)}")
        try:
            parts = urlsplit(text)
            is_fine = bool(parts.hostname) and (parts.port is None or parts.port > 0) and parts.netloc.count("@") < 2  # noqa: PLR2004
        except ValueError:
            is_fine = False
        if not is_fine:
            raise ValueError(
                "must be a URL with a host and, if need be, a port; in a password write @ as %40, : as %3A, / as %2F"
            )
        return url

    return AfterValidator(check)


# libpq's values. Checked here, since a wrong one would fail only at the connect, like a database that is down.
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")


def _known_ssl_mode(url: SecretStr) -> SecretStr:
    modes = parse_qs(urlsplit(url.get_secret_value()).query, keep_blank_values=True).get("sslmode", [])
    if any(mode not in _SSL_MODES for mode in modes):
        raise ValueError(f"its sslmode must be one of {', '.join(_SSL_MODES)}")
    return url


DatabaseUrl = Annotated[
    SecretStr, _url_of("postgresql", "postgresql+asyncpg", "postgres"), AfterValidator(_known_ssl_mode)
]
RedisUrl = Annotated[SecretStr, _url_of("redis", "rediss")]


def _header_value(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be one line of ASCII text without blanks")
    return key


# Of a call, as the providers' pages show it; the client adds it.
_CALL = re.compile(r"/(?:chat/completions|completions|embeddings|responses)/?$")


def _web_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_fine = False
    if not is_fine or "@" in url or "?" in url or "#" in url or " " in url:
        told = "must be an http or https URL without blanks, user or query; the key has a variable of its own"
        raise ValueError(told)
    return _CALL.sub("", url)


def _web_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be a URL that begins with https:// or http://")
    return url.rstrip("/")


WebUrl = Annotated[str, AfterValidator(_web_url)]
# Providers' pages show the address of their metadata, which is the issuer and this path (OpenID Connect Discovery, 4).
Issuer = Annotated[WebUrl, AfterValidator(lambda url: url.removesuffix("/.well-known/openid-configuration"))]


def _seconds(value: Any) -> Any:
    if not isinstance(value, str | int | float):
        return value
    try:
        return timedelta(seconds=float(value))
    except (ValueError, OverflowError):
        raise ValueError("must be a number of seconds") from None


_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


def _json(value: Any) -> Any:
    return json.loads(value, object_pairs_hook=_no_key_twice) if isinstance(value, str) else value


def _no_key_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("has a key twice")
    return dict(pairs)


def _each_tenant_once(groups: dict[str, dict[str, list[str]]]) -> dict[str, dict[str, list[str]]]:
    for group, roles in groups.items():
        slugs = [slug for named in roles.values() for slug in named]
        if not group.strip() or not slugs:
            raise ValueError("must name at least one tenant for each group")
        if wrong := [slug for slug in slugs if not _SLUG.fullmatch(slug)]:
            raise ValueError(f"names {wrong[0][:64]!r}, which is no tenant's slug")
        if len(set(slugs)) < len(slugs):
            raise ValueError(f"names a tenant twice for the group {group[:64]!r}")
    return groups


ClientGroups = Annotated[
    dict[str, dict[Literal["operator", "viewer"], list[str]]],
    NoDecode,
    BeforeValidator(_json),
    AfterValidator(_each_tenant_once),
]
"""By group of the OIDC provider and role: the tenants' slugs."""


def _each_price_whole(prices: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    for model, price in prices.items():
        if price.keys() != {"input", "output"} or not all(0 <= amount <= 10_000 for amount in price.values()):  # noqa: PLR2004
            raise ValueError(f"must say input and output of {model[:64]!r}, US dollars a million tokens")
    return prices


ModelPrices = Annotated[
    dict[str, dict[str, float]], NoDecode, BeforeValidator(_json), AfterValidator(_each_price_whole)
]
"""By model: `input` and `output`, US dollars a million tokens."""


# In capitals too, as other programs write their levels.
_Lower = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]

Seconds = Annotated[timedelta, BeforeValidator(_seconds), PlainSerializer(timedelta.total_seconds)]


class ProcessSettings(BaseSettings):
    """The variables of every process."""

    # An error's text names the variable and never quotes its value.
    # Built when it is first used: a process uses one or two of these.
    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True, defer_build=True
    )

    log_level: Annotated[Literal["debug", "info", "warning", "error"], _Lower] = Field(
        default="info", examples=["info"]
    )
    log_format: Annotated[Literal["json", "console"], _Lower] = Field(default="json", examples=["json"])

    _stands_alone = field_validator("*", mode="before")(_alone)


class TenantSettings(ProcessSettings):
    """Where the tenants' files are."""

    tenants_dir: Path = Field(default=Path("/etc/ai-agents/tenants"), examples=["/etc/ai-agents/tenants"])
    instances_dir: Path | None = Field(default=None, examples=["/etc/ai-agents/instances"])
    """None: the folder `instances` of `tenants_dir`."""
    tenant_secrets_dir: Path = Field(
        default=Path("/var/run/secrets/ai-agents/tenants"), examples=["/var/run/secrets/ai-agents/tenants"]
    )


class LedgerSettings(ProcessSettings):
    """The workload's own role in PostgreSQL."""

    database_connections: ClassVar[int] = 2
    database_sessions: ClassVar[int] = 0
    """Of these, for SQLAlchemy and the one that reads all times; 0: as many as there are, beside the others."""

    database_url: DatabaseUrl = Field(examples=[_DATABASE_EXAMPLE])
    database_pooler: Annotated[Literal["none", "transaction"], _Lower] = Field(default="none", examples=["transaction"])

    @property
    def database(self) -> dict[str, Any]:
        """The arguments of `open_database`."""
        return {
            "url": self.database_url.get_secret_value(),
            "pooler": self.database_pooler,
            "pool_size": self.database_connections - self.database_sessions,
            "sessions": self.database_sessions or None,
        }


class FeedbackSettings(ProcessSettings):
    """The key that signs and checks the links in notes by which technicians vote."""

    feedback_key: SecretStr | None = Field(default=None, min_length=32, examples=["$(openssl rand -hex 32)"])


class ApiSettings(LedgerSettings, TenantSettings, FeedbackSettings):
    database_connections: ClassVar[int] = 4

    redis_url: RedisUrl = Field(examples=[_REDIS_EXAMPLE])
    api_host: str = Field(default="0.0.0.0", examples=["0.0.0.0"])  # noqa: S104 - a pod's own address
    api_port: int = Field(default=8000, ge=0, le=65535, examples=["8000"])


class ModelSettings(ProcessSettings):
    """Any OpenAI-compatible endpoint."""

    openai_api_key: Annotated[SecretStr, AfterValidator(_header_value)] = Field(examples=["sk-…"])
    openai_base_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, examples=["https://api.openai.com/v1"]
    )
    openai_model: Word = Field(default="gpt-4o-mini", examples=["gpt-4o-mini"])
    openai_fallback_model: Word | None = Field(default=None, examples=["gpt-4o"])
    openai_judge_model: Word | None = Field(default=None, examples=["gpt-4o"])
    """Gives a second opinion on sentences whose words are in doubt. None: there is none."""
    model_prices: ModelPrices = Field(default={}, examples=['{"our-model": {"input": 0.2, "output": 0.6}}'])
    """US dollars a million tokens, by model; `*` for each model that has no other price."""
    llm_timeout_seconds: Seconds = Field(default=timedelta(seconds=45), gt=timedelta(0), examples=["45"])
    llm_max_completion_tokens: int = Field(default=4_000, ge=500, le=1_000_000, examples=["4000"])
    """For one answer, with its thoughts. If it is cut off, the model is asked once more with four times as many."""
    llm_context_tokens: int | None = Field(default=None, ge=4_000, le=10_000_000, examples=["8192"])
    """The model's context, where its server cuts a longer prompt off without a word. None: the server tells."""


class EmbeddingSettings(ProcessSettings):
    """The embedder, an option of worker and sync."""

    # The model comes last, so that its check knows the others.
    embedding_base_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        default=None, examples=["http://tei.example:8080/v1"]
    )
    """None: OpenAI's."""
    embedding_api_key: Annotated[SecretStr, AfterValidator(_header_value)] | None = Field(
        default=None, examples=["sk-…"]
    )
    embedding_timeout_seconds: Seconds = Field(default=timedelta(seconds=2), gt=timedelta(0), examples=["2"])
    """For the vectors of one ticket that is enhanced; then the search goes by words alone."""
    embedding_model: str | None = Field(default=None, max_length=200, validate_default=True, examples=["minilm"])
    """`minilm`: in the process itself; else a model at the endpoint. None: no vectors."""

    @field_validator("embedding_model")
    @classmethod
    def _embedder_is_whole(cls, model: str | None, info: ValidationInfo) -> str | None:
        has_endpoint = any(info.data.get(name) for name in ("embedding_base_url", "embedding_api_key"))
        if model is None and info.data.get("embedding_base_url"):
            raise ValueError("is not set, though EMBEDDING_BASE_URL is: set it, or unset that")
        if model == "minilm" and has_endpoint:
            raise ValueError("minilm runs in the process: unset EMBEDDING_BASE_URL and EMBEDDING_API_KEY")
        if model not in {None, "minilm"} and "embedding_api_key" in info.data and not info.data["embedding_api_key"]:
            raise ValueError("needs EMBEDDING_API_KEY too; a server without keys takes any text")
        return model


class TrialSettings(LedgerSettings, TenantSettings, ModelSettings, EmbeddingSettings):
    """The variables of `ai-agents try --ticket`, as a worker's pod has them."""

    context_timeout_seconds: Seconds = Field(default=timedelta(seconds=30), gt=timedelta(0), examples=["30"])


class WorkerSettings(TrialSettings, FeedbackSettings):
    feedback_url: WebUrl | None = Field(default=None, examples=["https://ai-agents.example"])
    """Public URL of the API. Notes have a link to its `/feedback` if this and FEEDBACK_KEY are set."""
    database_connections: ClassVar[int] = 12
    """A transaction of a delivery takes milliseconds, so a few connections serve hundreds of deliveries in work."""
    database_sessions: ClassVar[int] = 2

    redis_url: RedisUrl = Field(examples=[_REDIS_EXAMPLE])
    # A delivery that waits for the model costs a few hundred kilobytes and no CPU.
    worker_concurrency: int = Field(default=128, ge=1, le=1000, examples=["128"])
    task_timeout_seconds: Seconds = Field(default=timedelta(seconds=120), gt=timedelta(0), examples=["120"])
    note_timeout_seconds: Seconds = Field(default=timedelta(seconds=15), gt=timedelta(0), examples=["15"])
    lease_seconds: Seconds = Field(default=timedelta(seconds=60), ge=timedelta(seconds=1), examples=["60"])
    max_attempts: int = Field(default=3, ge=1, le=100, examples=["3"])
    ledger_restored: bool = Field(default=False, examples=["true"])
    """The database was restored from a backup: tickets may have notes that it knows nothing of."""
    prometheus_port: int = Field(default=9090, ge=0, le=65535, examples=["9090"])
    # Less than the pod's terminationGracePeriodSeconds, so that unfinished attempts are released before it is killed.
    shutdown_grace_seconds: Seconds = Field(default=timedelta(seconds=45), gt=timedelta(0), examples=["45"])


class SyncSettings(LedgerSettings, TenantSettings, EmbeddingSettings):
    database_connections: ClassVar[int] = 8
    database_sessions: ClassVar[int] = 6

    redis_url: RedisUrl = Field(examples=[_REDIS_EXAMPLE])
    knowledge_dir: Path | None = Field(default=None, examples=["/etc/ai-agents/knowledge"])
    """A folder of Markdown for each tenant, `<slug>/`. None: tenants have no such files."""


class ConsoleSettings(LedgerSettings, TenantSettings):
    """The variables of the console, which uses the worker's role."""

    database_connections: ClassVar[int] = 6
    database_sessions: ClassVar[int] = 3

    redis_url: RedisUrl = Field(examples=[_REDIS_EXAMPLE])
    console_host: str = Field(default="127.0.0.1", examples=["127.0.0.1"])
    console_port: int = Field(default=8081, ge=0, le=65535, examples=["8081"])
    console_url: WebUrl | None = Field(default=None, examples=["https://console.example"])
    """The console's URL for people; sign-in by OIDC redirects there."""
    console_session_key: SecretStr | None = Field(default=None, min_length=32, examples=["$(openssl rand -hex 32)"])
    """Signs sessions. None: a random one, so that a restart ends all sessions."""
    console_oidc_issuer: Issuer | None = Field(default=None, examples=["https://login.example/realms/msp"])
    console_oidc_client_id: str | None = Field(default=None, examples=["ai-agents-console"])
    console_oidc_client_secret: SecretStr | None = Field(default=None, examples=["…"])
    """None: a public client, protected by PKCE only."""
    console_oidc_scopes: str = Field(default="openid profile email", examples=["openid profile email groups"])
    console_oidc_role_claim: str = Field(default="groups", examples=["groups"])
    console_oidc_operators: str = Field(default="ai-agents-operators", examples=["ai-agents-operators"])
    console_oidc_viewers: str = Field(default="ai-agents-viewers", examples=["ai-agents-viewers"])
    console_oidc_client_groups: ClientGroups = Field(
        default={}, examples=['{"acme-it": {"viewer": ["acme"]}, "team-north": {"operator": ["acme", "globex"]}}']
    )
    """Groups whose members may see and operate only the tenants that are named for them."""
    console_smoke_results: Path | None = Field(default=None, examples=["/etc/ai-agents/smoke/report.json"])
    """What the last smoke test reported, for the page Now."""
    console_trace_url: str | None = Field(default=None, examples=["https://tempo.example/trace/{trace_id}"])
    console_token: SecretStr | None = Field(
        default=None, min_length=16, validate_default=True, examples=["$(openssl rand -hex 16)"]
    )
    """Gives the role operator to anybody who has it."""

    @field_validator("console_oidc_client_id")
    @classmethod
    def _oidc_is_whole(cls, client_id: str | None, info: ValidationInfo) -> str | None:
        if client_id and not (info.data.get("console_url") and info.data.get("console_oidc_issuer")):
            raise ValueError("needs CONSOLE_OIDC_ISSUER and CONSOLE_URL too")
        return client_id

    @field_validator("console_oidc_client_groups")
    @classmethod
    def _groups_are_for_some(cls, groups: ClientGroups, info: ValidationInfo) -> ClientGroups:
        for_all = {info.data.get("console_oidc_operators"), info.data.get("console_oidc_viewers")}
        if both := sorted(groups.keys() & for_all):
            raise ValueError(f"names tenants for {both[0]!r}, which is the group for all tenants")
        if groups and not info.data.get("console_oidc_client_id"):
            raise ValueError("needs CONSOLE_OIDC_CLIENT_ID too")
        return groups

    @field_validator("console_token")
    @classmethod
    def _somebody_can_sign_in(cls, token: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if token is None and "console_oidc_client_id" in info.data and info.data["console_oidc_client_id"] is None:
            raise ValueError("nobody could sign in: set it, or CONSOLE_OIDC_CLIENT_ID")
        return token


class MigrateSettings(ProcessSettings):
    database_connections: ClassVar[int] = 1

    migration_database_url: DatabaseUrl = Field(
        examples=["postgresql://ai_agents_owner:…@db.example:5432/ai_agents?sslmode=require"]
    )


class EraseSettings(MigrateSettings, TenantSettings):
    """The variables of `tenants erase`, which needs the owner's role."""

    redis_url: RedisUrl = Field(examples=[_REDIS_EXAMPLE])


SomeSettings = TypeVar("SomeSettings", bound=ProcessSettings)


def load_settings(kind: type[SomeSettings]) -> SomeSettings:
    """*kind* from the environment; wrong or missing variables end the process (status 1) with a line for each."""
    try:
        return kind()
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = str(problem["loc"][0])
            sys.stderr.write(f"{name.upper()}: {_reason(problem)}, e.g. {kind.model_fields[name].examples[0]}\n")  # type: ignore[index]
        raise SystemExit(1) from None


def _reason(problem: Any) -> str:
    if problem["type"] == "missing":
        return "is required and not set"
    if problem["type"] == "too_short":
        return f"must be at least {problem['ctx']['min_length']} characters long"
    told: str = problem["msg"]
    return told.removeprefix("Value error, ").replace("Input should be", "must be", 1)
