"""A loopback server of embeddings, with `ConceptEmbedder`'s vectors, which can be slow and fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import SecretStr

from tests.embedders import a_vector
from tests.loopback import served

MODEL = "concepts"


@dataclass
class EmbeddingsServer:
    url: str = ""
    status: int = 200
    seconds: float = 0.0
    """How long an answer takes."""
    asked: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, object]:
        """Of a process that uses it."""
        return {
            "embedding_model": MODEL,
            "embedding_base_url": f"{self.url}/v1",
            "embedding_api_key": SecretStr("key-of-the-embedder"),
        }

    async def answer(self, request: web.Request) -> web.Response:
        assert request.headers["authorization"] == "Bearer key-of-the-embedder"
        call = await request.json()
        self.asked += call["input"]
        await asyncio.sleep(self.seconds)
        if self.status != 200:
            return web.json_response({"error": {"message": "no"}}, status=self.status)
        data = [{"index": place, "embedding": a_vector(text)} for place, text in enumerate(call["input"])]
        return web.json_response({"object": "list", "model": call["model"], "data": data})


@asynccontextmanager
async def open_embeddings() -> AsyncIterator[EmbeddingsServer]:
    server = EmbeddingsServer()
    async with served(web.post("/v1/embeddings", server.answer)) as server.url:
        yield server
