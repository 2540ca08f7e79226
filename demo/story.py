"""The story of one run, from empty servers to the notes on the tickets.

    servers ─────────▶ migrate ─┬─▶ sync ────────┐
    help desk, model ───────────┤                ├─▶ webhooks ─▶ notes ─▶ addresses, and whatever comes then
                                └─▶ API, worker ─┘

The caller stops everything that it starts, however it ends.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpx

from app.db.session import open_database
from app.sender import Sender
from app.simulator.helpdesk import HelpDeskSimulator
from demo.addresses import tell_addresses
from demo.display import Display
from demo.embedded import find_free_port
from demo.failure import RunFailed
from demo.launcher import Process
from demo.model import ChosenModel, choose_model, offline_model
from demo.observer import Observer
from demo.offline_model import ModelSimulator
from demo.product import Product
from demo.progress import Call, Progress
from demo.run_folder import RunFolder
from demo.samples import Samples, open_samples, ticket_url
from demo.servers import Servers
from demo.side_by_side import side_by_side

_CALL_S: Final = 15.0
# So that a person can see them arrive one after another.
_BETWEEN_WEBHOOKS_S: Final = 0.08
_LOOK_EVERY_S: Final = 0.1
_WATCH_EVERY_S: Final = 0.5
# All deliveries are settled, so no second note should come. So long a wrong one is waited for.
_LOOK_ON_S: Final = 0.5


@dataclass
class Stage:
    """What the story needs and changes."""

    run: RunFolder
    display: Display
    serving: list[Process]
    """Filled with the product's processes that serve."""
    stack: AsyncExitStack
    """Closes what the story opens."""
    servers: asyncio.Task[Servers]
    is_once: bool
    is_passed: bool = False
    """Whether every ticket got exactly one note."""
    is_complete: bool = False
    """Whether everything is done, so that the demo only keeps running for the user."""


async def play(stage: Stage) -> None:
    """Play the story. Returns only if the demo runs once.

    Raises:
        RunFailed: It can't go on.
    """
    display, enter = stage.display, stage.stack.enter_async_context
    async with display.animated():
        samples, model = await _open_help_desk(stage)
        servers = await stage.servers
        product = Product(
            stage.run,
            stage.serving,
            display,
            servers,
            tenants=samples.environment,
            model=model,
            has_console=not stage.is_once,
        )
        await product.migrate()
        ready = product.start()
        client = await enter(httpx.AsyncClient(base_url=product.api_url, timeout=_CALL_S, trust_env=False))
        await side_by_side(ready, product.sync())
        # Given explicitly: else asyncpg reads PGSSLMODE from the environment.
        database = await enter(open_database(f"{servers.urls.worker}?sslmode=disable", name="ai-agents demo"))
        progress = Progress(_calls(samples))
        observer = Observer(progress, database=database, samples=samples)
        display.follow(progress)
        await side_by_side(
            _send_webhooks(samples, progress, display, client), _see_to_the_end(stage, progress, observer, model)
        )
    stage.is_passed = progress.is_passed
    display.summarise(progress)
    if not stage.is_once:
        tell_addresses(display, samples, product)
        stage.is_complete = True
        await _watch(display, observer)


async def _open_help_desk(stage: Stage) -> tuple[Samples, ChosenModel]:
    """The simulated ServiceDesk Plus and, unless the caller has one, a model: in this process."""
    with stage.display.step("ServiceDesk Plus") as step:
        help_desk = HelpDeskSimulator()
        stage.stack.push_async_callback(help_desk.stop)
        samples = await open_samples(help_desk, stage.run.path, port=find_free_port())
        step.detail = f"simulated, with {len(samples.portals)} tenants, at {help_desk.url}"
    with stage.display.step("Model") as step:
        model = choose_model(os.environ)  # noqa: TID251 - the caller's own model
        if model is None:
            simulator = ModelSimulator()
            stage.stack.push_async_callback(simulator.stop)
            await simulator.start(port=find_free_port())
            model = offline_model(simulator.url)
        step.detail = model.label
    return samples, model


def _calls(samples: Samples) -> list[Call]:
    return [
        Call(slug, ticket.id, ticket.subject, ticket_url=ticket_url(samples.portals[slug], ticket.id))
        for slug, ticket in samples.waiting
    ]


async def _send_webhooks(samples: Samples, progress: Progress, display: Display, client: httpx.AsyncClient) -> None:
    """Send one webhook for each open ticket, signed as its tenant's file says."""
    senders = {slug: samples.sender(slug, client) for slug in samples.portals}
    async with asyncio.TaskGroup() as group:
        for call in progress.calls.copy():
            body = samples.body(call.slug, call.ticket_id)
            group.create_task(_send(call, senders[call.slug], body, progress, display))
            await asyncio.sleep(_BETWEEN_WEBHOOKS_S)


async def _send(call: Call, sender: Sender, body: dict[str, object], progress: Progress, display: Display) -> None:
    call.sent_at, started = datetime.now(UTC), time.perf_counter()
    try:
        response = await sender.send(body)
    except httpx.HTTPError as error:
        raise RunFailed(f"the API did not answer a webhook ({type(error).__name__})", log=None) from error
    call.answer_s = time.perf_counter() - started
    if response.status_code == httpx.codes.ACCEPTED:
        call.accepted_at = datetime.now(UTC)
    else:
        call.is_refused, call.trouble = True, f"{response.status_code} {response.text}"
    for each in progress.news():
        display.changed(each)


async def _see_to_the_end(stage: Stage, progress: Progress, observer: Observer, model: ChosenModel) -> None:
    """Follow *progress* until all calls are finished."""
    loop = asyncio.get_running_loop()
    last_news = loop.time()
    while not progress.is_over:
        await asyncio.sleep(_LOOK_EVERY_S)
        for call in await observer.look():
            last_news = loop.time()
            stage.display.changed(call)
        if loop.time() - last_news > model.longest_silence_s:
            waiting = sum(not call.is_over for call in progress)
            raise RunFailed(
                f"{waiting} tickets made no progress for {model.longest_silence_s:.0f} s",
                log=stage.run.path / "worker.log",
            )
    await asyncio.sleep(_LOOK_ON_S)
    await observer.look()


async def _watch(display: Display, observer: Observer) -> None:
    """Show new calls and notes, without end."""
    while True:
        await asyncio.sleep(_WATCH_EVERY_S)
        for call in await observer.look():
            display.changed(call)
