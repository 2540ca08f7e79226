from __future__ import annotations

from datetime import timedelta

import pytest

from app.settings import (
    ApiSettings,
    ConsoleSettings,
    EraseSettings,
    MigrateSettings,
    ProcessSettings,
    SyncSettings,
    WorkerSettings,
    load_settings,
)

GOOD = {
    "DATABASE_URL": "postgresql+asyncpg://user:secret-password@db:5432/ai_agents?sslmode=require",
    "REDIS_URL": "rediss://:secret-password@redis:6379/0",
    "OPENAI_API_KEY": "secret-password",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def refusal(kind: type[ProcessSettings], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line with which a process of these settings ends at its start."""
    with pytest.raises(SystemExit) as caught:
        load_settings(kind)
    assert caught.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "secret-password" not in line
    return line


def test_the_contracts_defaults(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LLM_TIMEOUT_SECONDS", "12.5")
    settings = load_settings(WorkerSettings)
    assert settings.task_timeout_seconds == timedelta(seconds=120)
    assert settings.context_timeout_seconds == timedelta(seconds=30)
    assert settings.llm_timeout_seconds == timedelta(seconds=12.5)
    assert settings.note_timeout_seconds == timedelta(seconds=15)
    assert settings.lease_seconds == timedelta(seconds=60)
    assert (settings.max_attempts, settings.worker_concurrency, settings.prometheus_port) == (3, 128, 9090)
    assert settings.openai_model == "gpt-4o-mini"
    assert settings.llm_max_completion_tokens == 4_000


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"EMBEDDING_MODEL": "text-embedding-3-small"}, "EMBEDDING_MODEL: needs EMBEDDING_API_KEY too"),
        ({"EMBEDDING_MODEL": "minilm", "EMBEDDING_API_KEY": "key"}, "EMBEDDING_MODEL: minilm runs in the process"),
        ({"EMBEDDING_BASE_URL": "http://tei:8080/v1"}, "EMBEDDING_MODEL: is not set, though EMBEDDING_BASE_URL is"),
        (
            {"EMBEDDING_MODEL": "m", "EMBEDDING_API_KEY": "k", "EMBEDDING_BASE_URL": "tei:8080"},
            "EMBEDDING_BASE_URL: must",
        ),
        ({"EMBEDDING_MODEL": "m", "EMBEDDING_API_KEY": "k k"}, "EMBEDDING_API_KEY: must be one line"),
        ({"EMBEDDING_TIMEOUT_SECONDS": "0"}, "EMBEDDING_TIMEOUT_SECONDS: "),
    ],
)
@pytest.mark.parametrize("kind", [WorkerSettings, SyncSettings])
def test_an_embedder_that_is_set_in_part_is_one_line_that_says_what_is_missing(
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: type[WorkerSettings | SyncSettings],
    given: dict[str, str],
    says: str,
) -> None:
    for name, value in given.items():
        environment.setenv(name, value)
    line = refusal(kind, capsys)
    assert line.startswith(says)
    assert "e.g. " in line


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("DATABASE_URL", '"postgresql://u:p@db/x"', "DATABASE_URL: stands in quotation marks"),
        ("OPENAI_API_KEY", "'sk-x'", "OPENAI_API_KEY: stands in quotation marks"),
        ("WORKER_CONCURRENCY", '"4"', "WORKER_CONCURRENCY: stands in quotation marks"),
        ("DATABASE_URL", "postgresql://u:p@ss@db/x", "DATABASE_URL: must be a URL with a host"),
        ("DATABASE_URL", "postgresql://u:p@db:abc/x", "DATABASE_URL: must be a URL with a host"),
        ("DATABASE_URL", "postgresql://u:p@[::1/x", "DATABASE_URL: must be a URL with a host"),
        ("DATABASE_URL", "postgresql:///x", "DATABASE_URL: must be a URL with a host"),
        ("DATABASE_URL", "mysql://u:p@db/x", "DATABASE_URL: must be a URL that begins with postgresql://"),
        ("LLM_TIMEOUT_SECONDS", "30s", "LLM_TIMEOUT_SECONDS: must be a number of seconds"),
        ("LLM_TIMEOUT_SECONDS", "inf", "LLM_TIMEOUT_SECONDS: must be a number of seconds"),
        ("LLM_TIMEOUT_SECONDS", "nan", "LLM_TIMEOUT_SECONDS: must be a number of seconds"),
        ("LOG_LEVEL", "verbose", "LOG_LEVEL: must be 'debug', 'info'"),
        ("OPENAI_MODEL", " ", "OPENAI_MODEL: holds blanks alone"),
        ("OPENAI_API_KEY", "sk-x\nsk-y", "OPENAI_API_KEY: must be one line"),
        ("OPENAI_BASE_URL", "https://x.example/openai?api-version=1", "OPENAI_BASE_URL: must be an http or https URL"),
        ("OPENAI_BASE_URL", "https://x.example /v1", "OPENAI_BASE_URL: must be an http or https URL"),
        ("LEDGER_RESTORED", "maybe", "LEDGER_RESTORED: must be a valid boolean"),
        ("FEEDBACK_KEY", "short", "FEEDBACK_KEY: must be at least 32 characters long"),
        ("DATABASE_URL", "", "DATABASE_URL: is required and not set, e.g. postgresql://"),
        ("DATABASE_URL", "postgresql://", "DATABASE_URL: must be a URL"),
        ("DATABASE_URL", "postgresql://db/x?sslmode=on", "DATABASE_URL: its sslmode must be one of disable, allow, "),
        ("REDIS_URL", "http://redis", "REDIS_URL: must be a URL that begins with redis:// or rediss://"),
        ("API_PORT", "http", "API_PORT: "),
        ("API_PORT", "70000", "API_PORT: "),
        ("LOG_LEVEL", "loud", "LOG_LEVEL: "),
    ],
)
def test_a_wrong_value_is_told_in_a_line_that_names_it_and_does_not_quote_it(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, says: str
) -> None:
    environment.setenv(name, value)
    line = refusal(ApiSettings if name == "API_PORT" else WorkerSettings, capsys)
    assert line.startswith(says)
    assert ", e.g. " in line


def test_each_variable_has_an_example_for_when_it_is_wrong() -> None:
    for kind in (ApiSettings, ConsoleSettings, EraseSettings, MigrateSettings, SyncSettings, WorkerSettings):
        assert not [name for name, field in kind.model_fields.items() if not field.examples]


def test_what_was_made_of_a_file_and_ends_in_a_line_break_is_read(environment: pytest.MonkeyPatch) -> None:
    for name, value in (GOOD | {"OPENAI_BASE_URL": "https://model.example/v1", "CONSOLE_TOKEN": "t" * 16}).items():
        environment.setenv(name, f"{value}\r\n")
    settings = load_settings(WorkerSettings)
    assert settings.openai_base_url == "https://model.example/v1"
    assert settings.openai_api_key.get_secret_value() == GOOD["OPENAI_API_KEY"]
    assert settings.database_url.get_secret_value() == GOOD["DATABASE_URL"]
    token = load_settings(ConsoleSettings).console_token
    assert token is not None
    assert token.get_secret_value() == "t" * 16


def test_an_issuer_may_be_named_by_its_metadata(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("CONSOLE_TOKEN", "t" * 16)
    environment.setenv("CONSOLE_OIDC_ISSUER", "https://login.example/x/.well-known/openid-configuration")
    assert load_settings(ConsoleSettings).console_oidc_issuer == "https://login.example/x"


def test_values_are_read_as_people_write_them(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("LOG_LEVEL", "INFO")
    environment.setenv("DATABASE_POOLER", "Transaction")
    environment.setenv("OPENAI_MODEL", "gpt-4o-mini\n")
    environment.setenv("OPENAI_BASE_URL", "https://model.example/v1/chat/completions")
    settings = load_settings(WorkerSettings)
    assert (settings.log_level, settings.database_pooler, settings.openai_model, settings.openai_base_url) == (
        "info",
        "transaction",
        "gpt-4o-mini",
        "https://model.example/v1",
    )


def test_an_embedder_is_off_unless_it_is_named(environment: pytest.MonkeyPatch) -> None:
    assert load_settings(WorkerSettings).embedding_model is None
    environment.setenv("EMBEDDING_MODEL", "minilm")
    assert load_settings(SyncSettings).embedding_model == "minilm"


def test_no_credential_is_in_a_repr(environment: pytest.MonkeyPatch) -> None:
    assert "secret-password" not in repr(load_settings(WorkerSettings))


def test_a_command_requires_its_own_variables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIGRATION_DATABASE_URL", "postgresql://owner:x@db/ai_agents")
    url = load_settings(MigrateSettings).migration_database_url.get_secret_value()
    assert url.startswith("postgresql://owner")


OIDC = {
    "CONSOLE_URL": "https://console.example",
    "CONSOLE_OIDC_ISSUER": "https://login.example",
    "CONSOLE_OIDC_CLIENT_ID": "console",
}


def test_groups_name_tenants_as_json(environment: pytest.MonkeyPatch) -> None:
    for name, value in OIDC.items():
        environment.setenv(name, value)
    assert load_settings(ConsoleSettings).console_oidc_client_groups == {}
    environment.setenv(
        "CONSOLE_OIDC_CLIENT_GROUPS", '{"Acme IT": {"viewer": ["acme"]}, "north": {"operator": ["acme", "globex"]}}'
    )
    assert load_settings(ConsoleSettings).console_oidc_client_groups == {
        "Acme IT": {"viewer": ["acme"]},
        "north": {"operator": ["acme", "globex"]},
    }


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("acme-it=acme", "Expecting value"),
        ('["acme"]', "valid dictionary"),
        ('{"it": ["acme"]}', "valid dictionary"),
        ('{"it": {"admin": ["acme"]}}', "'operator' or 'viewer'"),
        ('{"it": {"viewer": "acme"}}', "valid list"),
        ('{"it": {"viewer": ["Acme Corp"]}}', "names 'Acme Corp', which is no tenant's slug"),
        ('{"it": {"viewer": ["*"]}}', "no tenant's slug"),
        ('{"it": {"viewer": []}}', "at least one tenant for each group"),
        ('{"it": {}}', "at least one tenant for each group"),
        ('{"": {"viewer": ["acme"]}}', "at least one tenant for each group"),
        ('{"it": {"viewer": ["acme"], "operator": ["acme"]}}', "names a tenant twice for the group 'it'"),
        ('{"it": {"viewer": ["acme"]}, "it": {"operator": ["globex"]}}', "has a key twice"),
        ('{"ai-agents-viewers": {"viewer": ["acme"]}}', "which is the group for all tenants"),
    ],
)
def test_groups_that_are_not_clear_end_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str, says: str
) -> None:
    for name, given in (OIDC | {"CONSOLE_OIDC_CLIENT_GROUPS": value}).items():
        environment.setenv(name, given)
    line = refusal(ConsoleSettings, capsys)
    assert line.startswith("CONSOLE_OIDC_CLIENT_GROUPS: ")
    assert says in line


def test_groups_without_a_provider_end_the_start(
    environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("CONSOLE_TOKEN", "t" * 16)
    environment.setenv("CONSOLE_OIDC_CLIENT_GROUPS", '{"it": {"viewer": ["acme"]}}')
    assert "needs CONSOLE_OIDC_CLIENT_ID too" in refusal(ConsoleSettings, capsys)
