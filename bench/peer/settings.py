"""The environment's variables."""

from __future__ import annotations

import os
from typing import Final

DATABASE_URL: Final = os.environ["DATABASE_URL"].removeprefix("postgresql")
"""From `://` on: API and worker put their drivers before it."""
REDIS_URL: Final = os.environ["REDIS_URL"]
HELP_DESK_URL: Final = os.environ.get("HELP_DESK_URL", "")
MODEL_URL: Final = os.environ.get("MODEL_URL", "")
SECRET: Final = os.environ.get("WEBHOOK_SECRET", "").encode()
DOES_SAME_WORK: Final = os.environ.get("PEER_FORM") == "same"
