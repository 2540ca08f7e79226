"""The intake: `uvicorn bench.peer.api:app --loop uvloop --http httptools`."""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from bench.peer.settings import DATABASE_URL, SECRET
from bench.peer.tables import Delivery
from bench.peer.worker import enhance

logging.basicConfig(level=logging.INFO)
log = logging.getLogger(__name__)

engine = create_async_engine(f"postgresql+asyncpg{DATABASE_URL}", pool_size=20, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Webhook(BaseModel):
    model_config = ConfigDict(extra="allow")

    event: str
    ticket_id: str
    subject: str = ""
    description: str = ""
    priority: str | None = None
    requester: str | None = None
    created_at: str | None = None


class Accepted(BaseModel):
    status: str = "accepted"
    job_id: UUID
    message: str = "Stored. A note follows on the ticket."


async def open_session() -> AsyncIterator[AsyncSession]:
    async with sessions() as session:
        yield session


@app.post("/webhook/servicedesk", status_code=202)
async def receive(
    request: Request,
    session: Annotated[AsyncSession, Depends(open_session)],
    x_tenant_id: Annotated[UUID, Header()],
    x_servicedesk_signature: Annotated[str, Header()],
) -> Accepted:
    body = await request.body()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, x_servicedesk_signature):
        raise HTTPException(401)
    try:
        webhook = Webhook.model_validate_json(body)
    except ValidationError as error:
        raise HTTPException(400) from error
    job_id = uuid5(x_tenant_id, f"{webhook.event}:{webhook.ticket_id}")
    await session.execute(text("select set_config('app.tenant_id', :tenant_id, true)"), {"tenant_id": str(x_tenant_id)})
    await session.execute(
        insert(Delivery)
        .values(tenant_id=x_tenant_id, job_id=job_id, ticket_id=webhook.ticket_id, event=webhook.event, body=body)
        .on_conflict_do_nothing()
    )
    await session.commit()
    enhance.delay(str(x_tenant_id), str(job_id))
    log.info("accepted tenant=%s ticket=%s job=%s", x_tenant_id, webhook.ticket_id, job_id)
    return Accepted(job_id=job_id)


@app.get("/health/ready")
async def ready(session: Annotated[AsyncSession, Depends(open_session)]) -> dict[str, Any]:
    await session.execute(text("select 1"))
    return {"status": "ready"}
