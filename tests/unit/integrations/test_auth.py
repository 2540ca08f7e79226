"""What an error about credentials tells to check is a file that is there to be checked."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.core.access_token import OAuthClient
from app.errors import TenantFileInvalid
from app.integrations.servicedesk.auth import ApiKey, create_authenticator
from app.tenants.secrets import API_KEY_FILE, OAUTH_FILES
from tests.builders import a_tenant

NOTHING: Any = None
CLOUD = {"edition": "cloud", "url": "https://sdp.example/app/desk", "accounts_url": "https://accounts.example"}


def named_files(text: str) -> set[str]:
    return set(re.findall(r"\b(?:\w+_)?(?:api_key|client_id|client_secret|refresh_token)\b", text))


def test_the_signer_of_the_cloud_names_the_oauth_files() -> None:
    tenant = a_tenant(servicedesk=CLOUD)
    authenticator = create_authenticator(tenant, OAuthClient("id", "secret", "token"), outbound=NOTHING, tokens=NOTHING)
    assert named_files(authenticator.secret) == set(OAUTH_FILES)


def test_the_signer_on_premises_names_the_keys_file() -> None:
    authenticator = create_authenticator(a_tenant(), ApiKey("key"), outbound=NOTHING, tokens=NOTHING)
    assert named_files(authenticator.secret) == {API_KEY_FILE}


def test_credentials_of_the_other_edition_name_both() -> None:
    with pytest.raises(TenantFileInvalid) as refused:
        create_authenticator(a_tenant(servicedesk=CLOUD), ApiKey("key"), outbound=NOTHING, tokens=NOTHING)
    assert named_files(str(refused.value)) == {API_KEY_FILE, *OAUTH_FILES}
