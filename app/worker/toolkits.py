"""Toolkits: a tenant's help desk, search, documentation and model. Opened on first use, replaced when its file changes.

Invariant: a toolkit belongs to one version of one tenant, and shares only pools of connections with others. The model
of a tenant with a key of its own is called with that key alone, and nobody else's with it. A toolkit of a version that
is not served any more is closed when the last attempt that uses it has ended. While one is opened, others are lent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog

from app.core.article import FILE_MARK
from app.core.budget import budgets
from app.core.outcome import MODEL_PATIENCE, TENANT_PATIENCE
from app.core.price import Price
from app.core.tenant import Tenant
from app.core.vectors import Embedder
from app.db.knowledge.documents import TICKETS
from app.db.knowledge.inventory import InventorySearch
from app.db.knowledge.origins import keep_origin
from app.db.knowledge.requesters import RequesterSearch
from app.db.knowledge.search import Search
from app.db.ledger.arrivals import ArrivalSearch
from app.db.ledger.claims import Claim
from app.db.limits.circuits import Circuits, Dependency
from app.db.reports.costs import Usages
from app.db.session import Database, SharedTransaction
from app.embedding import embed_ticket, may_embed
from app.enhancement.ports import Documentation, Model, Monitoring, Vectors
from app.enhancement.tools import Tools
from app.errors import Code, ModelAwaited, ModelKeyAwaited, TenantFileInvalid, TicketNotFound
from app.help_desks import open_help_desk
from app.integrations.asking import Memory
from app.integrations.documentation import Documentation as DocumentationServer
from app.integrations.documentation import open_documentation
from app.integrations.endpoint import Endpoint
from app.integrations.monitoring import Prometheus, open_prometheus
from app.integrations.openai import OpenAIModel, open_own_endpoint
from app.integrations.prices import Prices
from app.integrations.servicedesk import ServiceDesk
from app.tenants import KnownTenant, TenantDirectory
from app.tenants.secrets import MODEL_KEY_FILE
from app.worker.circuits import Circuit, GuardedDocumentation, GuardedModel, GuardedMonitoring, awaited

# If a call would have to wait longer, the attempt ends, so that the worker can take another tenant's delivery. Even
# with all slots of a tenant in use the wait is shorter, unless another program or the sync makes calls too.
LONGEST_WAIT_FOR_A_CALL: Final = timedelta(seconds=20)
# The model's own time limit ends before that of the attempt, so that a slow model is recognised as the cause.
_OF_MODEL_TIMEOUT: Final = 0.95
# What is gathered meanwhile takes as long.
_SHORT_WAIT: Final = timedelta(seconds=1)
_CLOSE_EVERY_S: Final = 15.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Toolkit:
    """The tools of one version of one tenant."""

    tenant: Tenant
    help_desk: ServiceDesk
    _monitoring: Prometheus | None
    _documentation: DocumentationServer | None
    _model: OpenAIModel
    _judge: OpenAIModel | None
    _vectors: Vectors | None
    _database: Database
    _circuits: Circuits
    _context_timeout: timedelta
    _model_timeout: timedelta
    _is_priced: bool
    _usages: Usages = field(default_factory=Usages)

    def tools(self, claim: Claim) -> Tools:
        """The tools for the workflow of *claim*."""
        circuits = self._circuits
        monitoring = self._monitoring and GuardedMonitoring(
            self._monitoring, Circuit.of(circuits, claim, Dependency.MONITORING)
        )
        documentation = self._documentation and GuardedDocumentation(
            self._documentation, Circuit.of(circuits, claim, Dependency.DOCUMENTATION)
        )
        model = GuardedModel(self._model, Circuit.of(circuits, claim, Dependency.MODEL), age=_age(claim))
        return self._tools(model, monitoring, documentation)

    def waits_for_model(self, claim: Claim) -> ModelKeyAwaited | ModelAwaited | None:
        """Why *claim* waits, as other deliveries found: its model's key was replaced, or it takes no more calls now."""
        age, left = _age(claim), self._model.busy_left
        if self._model.has_lost_its_key and age < TENANT_PATIENCE:
            return ModelKeyAwaited("the model's endpoint refused the key of another delivery a moment ago")
        if left > _SHORT_WAIT and age < MODEL_PATIENCE:
            return awaited("the model takes no more calls for now", left, age=age)
        return None

    def tools_of_trial(self, around: Callable[[Model], Model]) -> Tools:
        """The tools for a trial: its failures open no circuit. *around* returns what is asked in the model's place."""
        return self._tools(around(self._model), self._monitoring, self._documentation)

    def _tools(self, model: Model, monitoring: Monitoring | None, documentation: Documentation | None) -> Tools:
        reading = SharedTransaction(self._database)
        search = Search(reading, self.tenant, ticket_url=self.help_desk.ticket_url, article_url=self._article_url)
        return Tools(
            reading=reading,
            history=search,
            knowledge=search,
            inventory=InventorySearch(reading, self.tenant, asset_url=self.help_desk.asset_url),
            requesters=RequesterSearch(reading, self.tenant),
            monitoring=monitoring,
            model=model,
            judge=self._judge,
            may_use_model=self._may_use_model,
            note=self.tenant.note,
            house_rules=self.tenant.house_rules,
            context_timeout=self._context_timeout,
            model_timeout=self._model_timeout,
            arrivals=ArrivalSearch(reading, self.tenant, ticket_url=self.help_desk.ticket_url)
            if self.tenant.storms.find
            else None,
            collect_from=self.tenant.storms.collect_from,
            nearest=search if self.tenant.triage.suggest else None,
            suggested=self.tenant.triage.suggest,
            documentation=documentation,
            vectors=self._vectors,
        )

    def _article_url(self, article_id: str) -> str:
        if article_id.startswith(FILE_MARK):
            return self.tenant.knowledge.file_url(article_id)
        return self.help_desk.article_url(article_id)

    async def learn(self, ticket_id: str) -> None:
        """Store a resolved ticket in the history; remove one that is gone."""
        try:
            ticket = await self.help_desk.load_ticket(ticket_id)
        except TicketNotFound:
            await self.forget(ticket_id)
            raise
        store = await asyncio.to_thread(_load_store)
        async with self._database.as_tenant(self.tenant.id) as session:
            await store.upsert_tickets(session, self.tenant.id, [ticket], language=self.tenant.note.language)

    async def forget(self, ticket_id: str) -> None:
        """Remove a ticket that is gone from the history."""
        store = await asyncio.to_thread(_load_store)
        async with self._database.as_tenant(self.tenant.id) as session:
            await store.drop_stored(session, self.tenant.id, TICKETS, [ticket_id], language=self.tenant.note.language)

    async def _may_use_model(self) -> bool:
        """Whether no budget is used up. Notes that are in work at that moment are not stopped."""
        options = self.tenant.model
        if not options.has_budget:
            return True
        usage = await self._usages.load(self._database, self.tenant.id)
        return not any(each.is_used_up for each in budgets(options, usage, is_priced=self._is_priced))


def _age(claim: Claim) -> timedelta:
    """Since its webhook was accepted: a new one waits for its model, an older one's note is written without it."""
    return datetime.now(UTC) - claim.accepted_at


def _load_store() -> Any:
    """The module that writes the history, with SQLAlchemy, which a worker's start does without.

    It takes half a second of CPU to load. In a thread, for other attempts go on meanwhile.
    """
    from app.db import sqlalchemy_sessions  # noqa: F401, PLC0415 - what `as_tenant` loads
    from app.db.knowledge import store  # noqa: PLC0415

    return store


@dataclass(slots=True)
class _Opened:
    """A toolkit, the version of the tenant that it was opened for, and how many attempts use it now."""

    known: KnownTenant
    kit: Toolkit
    stack: AsyncExitStack
    borrowers: int = 0
    is_retired: bool = False


async def _retire(opened: _Opened) -> None:
    """Close it now, or when nobody uses it any more."""
    opened.is_retired = True
    if not opened.borrowers:
        await opened.stack.aclose()


@dataclass(slots=True, kw_only=True)
class Toolkits:
    """The toolkits of all tenants, until `close`."""

    database: Database
    endpoint: Endpoint
    model: str
    fallback_model: str | None
    judge_model: str | None
    context_timeout: timedelta
    model_timeout: timedelta
    max_tokens: int
    context_tokens: int | None
    prices: Mapping[str, Price]
    """By model, as `MODEL_PRICES` has them."""
    embedder: Embedder | None
    embedding_timeout: timedelta
    circuits: Circuits = field(init=False)
    """One object for all attempts of the process: it knows what failed in it."""
    _memory: Memory = field(default_factory=Memory)
    """Remembers which options an endpoint refuses."""
    _opened: dict[str, _Opened] = field(default_factory=dict)
    """By slug, as are the locks."""
    _opening: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)
    """Of toolkits that are being opened."""

    def __post_init__(self) -> None:
        self.circuits = Circuits(self.database)

    async def close(self) -> None:
        for opened in self._opened.values():
            await opened.stack.aclose()

    async def run_closing(self, tenants: TenantDirectory) -> None:
        """Close what is not served any more, again and again, without end."""
        while True:
            await asyncio.sleep(_CLOSE_EVERY_S)
            try:
                await self.close_unserved(tenants)
            except Exception:  # what can't be closed must not keep the others open
                log.exception("toolkit_not_closed")

    async def close_unserved(self, tenants: TenantDirectory) -> None:
        """Close the toolkits of tenants whose file is gone, or of which *tenants* has another version."""
        for slug, opened in list(self._opened.items()):
            if opened.known != tenants.find_slug(slug) and self._opened.get(slug) is opened:
                del self._opened[slug]
                await _retire(opened)

    def unpriced(self, tenant: Tenant) -> list[str]:
        """The models that the tenant's notes may be written by and whose price is not known."""
        options, prices = tenant.model, Prices(self.prices, tenant.model.price)
        fallback = None if options.has_own_key else self.fallback_model
        named = (options.name or self.model, fallback, options.judge_beside(self.judge_model))
        asked = dict.fromkeys(filter(None, named))
        return [model for model in asked if not prices.knows(options.base_url or self.endpoint.base_url, model)]

    @asynccontextmanager
    async def lend(self, known: KnownTenant) -> AsyncIterator[Toolkit]:
        """The tenant's toolkit. It stays open until the block ends.

        Raises:
            TenantFileInvalid: A secret is missing or of the other edition, or the tenant's rows are of another account.
        """
        opened = await self._find_or_open(known)
        opened.borrowers += 1
        try:
            yield replace(opened.kit, help_desk=opened.kit.help_desk.for_attempt())
        finally:
            opened.borrowers -= 1
            if opened.is_retired and not opened.borrowers:
                await opened.stack.aclose()

    async def _find_or_open(self, known: KnownTenant) -> _Opened:
        slug = known.tenant.slug
        if (opened := self._find(known)) is not None:
            return opened
        async with self._opening.setdefault(slug, asyncio.Lock()):
            if (opened := self._find(known)) is not None:  # while this waited
                return opened
            fresh = await self._open(known)
            replaced, self._opened[slug] = self._opened.get(slug), fresh
            if replaced is not None:
                await _retire(replaced)
            return fresh

    def _find(self, known: KnownTenant) -> _Opened | None:
        opened = self._opened.get(known.tenant.slug)
        return opened if opened is not None and opened.known == known else None

    def _vectors_of(self, tenant: Tenant) -> Vectors | None:
        embedder = self.embedder
        if embedder is None or not may_embed(tenant, embedder):
            return None
        return partial(embed_ticket, embedder=embedder, tenant=tenant, limit=self.embedding_timeout)

    async def _open(self, known: KnownTenant) -> _Opened:
        tenant = known.tenant
        await keep_origin(self.database, tenant)
        async with AsyncExitStack() as stack:
            help_desk = await stack.enter_async_context(
                open_help_desk(known, self.database, longest_wait=LONGEST_WAIT_FOR_A_CALL)
            )
            monitoring = (
                await stack.enter_async_context(open_prometheus(tenant, known.secrets.monitoring_token))
                if tenant.monitoring is not None
                else None
            )
            documentation = (
                await stack.enter_async_context(open_documentation(tenant, known.secrets.documentation_token))
                if tenant.documentation is not None
                else None
            )
            own = await stack.enter_async_context(_open_own_endpoint(known, limit=self.model_timeout))
            asked = partial(
                OpenAIModel,
                own or self.endpoint,
                tenant=tenant.slug,
                is_own=own is not None,
                limit=self.model_timeout * _OF_MODEL_TIMEOUT,
                max_tokens=self.max_tokens,
                context_tokens=tenant.model.context_tokens or (None if own else self.context_tokens),
                memory=self._memory,
                prices=Prices(self.prices, tenant.model.price),
            )
            judge = tenant.model.judge_beside(self.judge_model)
            model = asked(model=tenant.model.name or self.model, fallback=None if own else self.fallback_model)
            kit = Toolkit(
                tenant,
                help_desk,
                monitoring,
                documentation,
                model,
                asked(model=judge, fallback=None) if judge else None,
                self._vectors_of(tenant),
                self.database,
                self.circuits,
                self.context_timeout,
                self.model_timeout,
                not self.unpriced(tenant),
            )
            return _Opened(known, kit, stack.pop_all())
        raise AssertionError


@asynccontextmanager
async def _open_own_endpoint(known: KnownTenant, *, limit: timedelta) -> AsyncIterator[Endpoint | None]:
    """The tenant's own endpoint; None: it has none, and uses the shared one.

    Raises:
        TenantFileInvalid: The tenant has an endpoint of its own and its key is missing. The shared one is no
            replacement: the client's tickets must not go there.
    """
    options, key = known.tenant.model, known.secrets.model_api_key
    if options.base_url is None:
        yield None
        return
    if key is None:
        raise TenantFileInvalid(
            f"{known.tenant.slug}: secret {MODEL_KEY_FILE}: is missing; create it and replay",
            field=MODEL_KEY_FILE,
            code=Code.TENANT_SECRET_MISSING,
        )
    is_private = known.tenant.servicedesk.allow_private_address
    async with open_own_endpoint(
        api_key=key, base_url=options.base_url, allow_private=is_private, limit=limit
    ) as endpoint:
        yield endpoint
