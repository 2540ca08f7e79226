"""`make test` tries the same inputs each time, so that it fails by what was changed alone; `make fuzz` tries new ones."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("the same each time", derandomize=True, deadline=None)
if "FUZZ_EXAMPLES" not in os.environ:
    settings.load_profile("the same each time")
