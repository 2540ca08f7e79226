"""What a forked command has imported. Nothing here may start a thread, or read a variable that a test sets."""

import gc
import os

os.environ["LANGSMITH_TRACING"] = "false"  # as `ai-agents worker` says it
gc.disable()

import app.api.app  # noqa: E402
import app.cli  # noqa: E402
import app.console.app  # noqa: E402
import app.sync  # noqa: E402
import app.worker.app  # noqa: E402, F401

gc.freeze()
