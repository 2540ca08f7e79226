"""Every container gets what its command reads, and no credential that it doesn't."""

from __future__ import annotations

from copy import deepcopy

import pytest

from tests.manifests.environment import unknown_settings, unread_secrets, unset_variables
from tests.manifests.rendering import LOCAL, PRODUCTION, Object, of_kind, render

ENVIRONMENTS = pytest.mark.parametrize("folder", [PRODUCTION, LOCAL], ids=["production", "local"])


@ENVIRONMENTS
def test_every_required_variable_is_given(folder: str) -> None:
    assert unset_variables(render(folder)) == []


@ENVIRONMENTS
def test_every_setting_is_read_by_something(folder: str) -> None:
    assert unknown_settings(render(folder)) == []


@ENVIRONMENTS
def test_no_container_gets_a_credential_that_it_does_not_use(folder: str) -> None:
    assert unread_secrets(render(folder)) == []


def deployment(objects: list[Object], name: str) -> Object:
    return next(each for each in of_kind(objects, "Deployment") if each["metadata"]["name"] == name)


def test_a_missing_variable_a_needless_credential_and_a_misspelt_setting_are_found() -> None:
    objects = deepcopy(render(PRODUCTION))
    container = deployment(objects, "ai-agents-api")["spec"]["template"]["spec"]["containers"][0]
    container["envFrom"] = [{"secretRef": {"name": "openai"}}]
    container["env"] = []
    settings = next(each for each in of_kind(objects, "ConfigMap") if each["metadata"]["name"].startswith("settings"))
    settings["data"]["WORKER_CONCURENCY"] = "4"

    assert set(unset_variables(objects)) == {
        "('Deployment', 'ai-agents-api') runs api without DATABASE_URL",
        "('Deployment', 'ai-agents-api') runs api without REDIS_URL",
    }
    assert unread_secrets(objects) == [
        "('Deployment', 'ai-agents-api') gives api OPENAI_API_KEY of Secret openai, which it does not read"
    ]
    assert unknown_settings(objects) == [f"{settings['metadata']['name']}: nothing reads WORKER_CONCURENCY"]


@ENVIRONMENTS
def test_a_worker_is_not_killed_before_it_has_given_back_what_it_can_not_finish(folder: str) -> None:
    objects = render(folder)
    worker = deployment(objects, "ai-agents-worker")["spec"]["template"]["spec"]
    given = {
        key: value
        for each in of_kind(objects, "ConfigMap")
        if each["metadata"]["name"].startswith("settings")
        for key, value in each["data"].items()
    }

    assert float(given.get("SHUTDOWN_GRACE_SECONDS", 45)) + 10 <= worker["terminationGracePeriodSeconds"]
