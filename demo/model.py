"""Chooses the model for the demo's worker: the caller's, or the offline one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from demo.offline_model import MODEL_NAME

_DEFAULT_URL: Final = "https://api.openai.com/v1"
_DEFAULT_MODEL: Final = "gpt-4o-mini"
_FREE: Final = json.dumps({MODEL_NAME: {"input": 0, "output": 0}})
_OWN: Final = ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_FALLBACK_MODEL", "OPENAI_JUDGE_MODEL")
# Needed to reach the internet: the caller's model may be behind a proxy.
_WAY_OUT: Final = ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class ChosenModel:
    """A model, and the worker's environment for it."""

    label: str
    is_offline: bool
    environment: Mapping[str, str]
    longest_silence_s: float
    """If no ticket makes progress for so long, the demo reports that something hangs."""


def choose_model(environment: Mapping[str, str]) -> ChosenModel | None:
    """The model that the caller's *environment* names by OPENAI_API_KEY; None: the offline one."""
    given = {name: value for name in (*_OWN, *_WAY_OUT) if (value := environment.get(name))}
    if "OPENAI_API_KEY" not in given:
        return None
    host = urlsplit(given.get("OPENAI_BASE_URL", _DEFAULT_URL)).hostname or "?"
    return ChosenModel(
        label=f"{given.get('OPENAI_MODEL', _DEFAULT_MODEL)} at {host}, by OPENAI_API_KEY",
        is_offline=False,
        environment={"OPENAI_MODEL": _DEFAULT_MODEL, **given},
        longest_silence_s=300,
    )


def offline_model(url: str) -> ChosenModel:
    """The offline model, which answers at *url*."""
    return ChosenModel(
        label=f"{MODEL_NAME}: the offline model, extracts and no language model (OPENAI_API_KEY chooses a real one)",
        is_offline=True,
        environment={
            "OPENAI_API_KEY": "offline",
            "OPENAI_BASE_URL": url,
            "OPENAI_MODEL": MODEL_NAME,
            "MODEL_PRICES": _FREE,
        },
        longest_silence_s=60,
    )
