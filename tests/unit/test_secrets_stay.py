"""No secret is in what an object, an error or a log line says of itself: asked of every class that holds one."""

from __future__ import annotations

import io
import logging
import sys
import traceback
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import timedelta
from typing import Any

import pytest
import structlog
from pydantic import SecretStr, ValidationError

from app import settings as settings_module
from app.core.access_token import AccessToken, OAuthClient
from app.core.signature import verify_body
from app.errors import Unauthenticated
from app.integrations.servicedesk.auth import ApiKey
from app.settings import ProcessSettings, load_settings
from app.telemetry.logs import set_up_logs
from app.tenants import KnownTenant, TenantSecrets
from tests.builders import a_tenant

CANARY = "c4n4ry-7f3a91"
VALUES = {
    "database_url": f"postgresql://user:{CANARY}@db:5432/ai_agents",
    "migration_database_url": f"postgresql://user:{CANARY}@db:5432/ai_agents",
    "redis_url": f"rediss://:{CANARY}@redis:6379/0",
    "openai_api_key": f"sk-{CANARY}",
    "embedding_api_key": f"sk-{CANARY}",
    "feedback_key": f"{CANARY}-of-at-least-32-characters",
    "console_token": f"{CANARY}-of-16-and-more",
    "console_session_key": f"{CANARY}-of-at-least-32-characters",
    "console_oidc_client_secret": CANARY,
}
WRONG = ["{canary}", "://{canary}", "postgres:{canary}", "postgresql://[{canary}", "postgresql://db:{canary}/x",
         "redis://:{canary}@[", "{canary} {canary}", "{canary}\n", "{canary}é", "https://user:{canary}@model.example"]  # fmt: skip


def every_settings() -> list[type[ProcessSettings]]:
    found: dict[type[ProcessSettings], None] = {}  # once, whatever it inherits from
    left = [ProcessSettings]
    while left:
        kind = left.pop()
        found[kind] = None
        left += kind.__subclasses__()
    return list(found)


def is_secret(kind: type[ProcessSettings], name: str) -> bool:
    return "SecretStr" in repr(kind.model_fields[name].annotation)


def sayings(value: Any) -> Iterator[str]:
    """All that *value* says of itself."""
    yield from (repr(value), str(value), f"{value}", repr([value]), repr({"key": value}))
    for dump in ("model_dump", "model_dump_json"):
        if hasattr(value, dump):
            yield repr(getattr(value, dump)())
    with pytest.raises(RuntimeError) as raised:
        fail_with(value)
    yield "".join(traceback.TracebackException.from_exception(raised.value, capture_locals=True).format())


def fail_with(held: Any) -> None:
    raise RuntimeError("told with the variables of its frame") from KeyError(repr(held))


def test_each_variable_that_holds_a_credential_is_a_secret() -> None:
    named = {name for kind in every_settings() for name in kind.model_fields if is_secret(kind, name)}
    assert named == set(VALUES)
    suspicious = ("key", "secret", "token", "password", "database_url", "redis_url")
    for kind in every_settings():
        for name in kind.model_fields:
            # A folder, and two numbers.
            is_told = name in {"tenant_secrets_dir", "llm_max_completion_tokens", "llm_context_tokens"}
            assert is_secret(kind, name) == (any(word in name for word in suspicious) and not is_told), name


@pytest.mark.parametrize("kind", every_settings(), ids=lambda kind: kind.__name__)
def test_settings_say_no_secret(kind: type[ProcessSettings]) -> None:
    held = kind.model_validate({name: value for name, value in VALUES.items() if name in kind.model_fields})
    for name in kind.model_fields:
        if is_secret(kind, name):
            value = getattr(held, name)
            assert isinstance(value, SecretStr)
            assert CANARY in value.get_secret_value()
    for said in sayings(held):
        assert CANARY not in said


@pytest.mark.parametrize("pattern", WRONG)
@pytest.mark.parametrize("kind", every_settings(), ids=lambda kind: kind.__name__)
def test_what_is_said_of_a_wrong_value_does_not_quote_it(
    kind: type[ProcessSettings], pattern: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [name for name in kind.model_fields if is_secret(kind, name) or name == "openai_base_url"]
    wrong = pattern.format(canary=CANARY)
    for name in names:
        good = {other: value for other, value in VALUES.items() if other in kind.model_fields}
        try:
            kind.model_validate({**good, name: wrong})
        except ValidationError as error:
            for said in (str(error), repr(error)):
                assert CANARY not in said, name
            for other, value in {**good, name: wrong}.items():
                monkeypatch.setenv(other.upper(), value)
            with pytest.raises(SystemExit):
                load_settings(kind)
            said = capsys.readouterr().err
            assert said.startswith(name.upper())
            assert CANARY not in said
            monkeypatch.setenv(name.upper(), VALUES.get(name, "https://model.example"))


HOLDERS = [
    OAuthClient(client_id=CANARY, client_secret=CANARY, refresh_token=CANARY),
    TenantSecrets(
        webhook=(CANARY.encode(),),
        api_key=CANARY,
        oauth=OAuthClient(CANARY, CANARY, CANARY),
        model_api_key=CANARY,
        documentation_token=CANARY,
        monitoring_token=CANARY,
    ),
    KnownTenant(a_tenant(), TenantSecrets(webhook=(CANARY.encode(),), api_key=CANARY)),
    ApiKey(CANARY),
    AccessToken(CANARY, life=timedelta(hours=1)),
]


@pytest.mark.parametrize("holder", HOLDERS, ids=lambda holder: type(holder).__name__)
def test_what_holds_a_tenants_secrets_says_none(holder: Any) -> None:
    assert is_dataclass(holder)
    assert any(
        CANARY in repr(getattr(holder, each.name)) or is_dataclass(getattr(holder, each.name))
        for each in fields(holder)
    )
    for said in sayings(holder):
        assert CANARY not in said


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    set_up_logs(level="debug", form=request.param, process="test")
    yield written
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_an_exception_is_logged_without_its_message_its_causes_and_its_variables(log: io.StringIO) -> None:
    def check(secret: bytes) -> None:
        try:
            verify_body(b"{}", "sha256=" + "0" * 64, [secret])
        except Unauthenticated as error:
            raise ValueError(f"told: {secret!r}") from error

    try:
        check(CANARY.encode())
    except ValueError as error:
        structlog.get_logger("app.x").exception("ours")
        structlog.get_logger("app.x").error("ours", exc_info=error)
        logging.getLogger("library").exception("a library's")
        logging.getLogger("library").error("a library's", exc_info=error)
        # As asyncio tells of a task that nobody waited for.
        logging.getLogger("asyncio").error("Task exception was never retrieved\nfuture: %r", error, exc_info=error)
    text = log.getvalue()
    assert text.count("ValueError") == 5
    assert "test_secrets_stay.py" in text
    assert CANARY not in text


def test_settings_are_all_looked_at() -> None:
    """A class that is not derived from `ProcessSettings` would not be."""
    named = {
        name
        for name in vars(settings_module)
        if name.endswith("Settings") and name not in {"BaseSettings", "SomeSettings"}
    }
    assert named == {kind.__name__ for kind in every_settings()}
