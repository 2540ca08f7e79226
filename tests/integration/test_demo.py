"""`make demo` as its user sees it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from app.core.delivery import Status
from app.db.reports.deliveries import DeliveryView
from app.db.session import Database
from app.simulator.helpdesk import HelpDeskSimulator
from demo.embedded import find_free_port
from demo.launcher import CHECKOUT, environment
from demo.observer import Observer
from demo.progress import Call, Progress, Stage
from demo.samples import open_samples


async def test_the_demo_ends_with_one_note_on_each_of_twelve_tickets() -> None:
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "demo", "--once"],
        cwd=CHECKOUT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(re.findall(r"^\w+ +\d+ +1 note +\d+\.\d+ s$", ended.stdout, re.MULTILINE)) == 12
    assert "offline model" in ended.stdout
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize("open_output", [os.openpty, os.pipe], ids=["terminal", "pipe"])
def test_the_demo_ends_when_nobody_reads_its_output_any_more(open_output: Callable[[], tuple[int, int]]) -> None:
    reader, output = open_output()
    demo = subprocess.Popen(
        [sys.executable, "-m", "demo"],
        cwd=CHECKOUT,
        env=environment(TERM="dumb"),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that no SIGHUP comes
    )
    os.close(output)
    said = b""
    while b"Following" not in said:
        more = os.read(reader, 65536)
        assert more, said
        said += more
    os.close(reader)
    try:
        assert demo.wait(timeout=30) == 1
    finally:
        demo.terminate()
        demo.wait()


def test_ctrl_c_while_modules_are_imported_ends_it_without_a_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "demo"], cwd=CHECKOUT, env=environment(), stderr=subprocess.PIPE
    ) as demo:
        assert demo.stderr is not None
        while b"click" not in demo.stderr.readline():
            pass
        demo.send_signal(signal.SIGINT)
        assert b"Traceback" not in demo.stderr.read()
    assert demo.returncode == -signal.SIGINT


async def test_the_demo_goes_on_when_the_file_of_a_client_is_taken_out_again(
    worker_db: Database, tmp_path: Path
) -> None:
    help_desk = HelpDeskSimulator()
    samples = await open_samples(help_desk, tmp_path, port=find_free_port())
    try:
        slug, ticket = samples.waiting[0]
        help_desk.portals[slug].add_note(ticket.id, "<p>Seen.</p>")
        call = Call(slug, ticket.id, ticket.subject, accepted_at=ticket.created, status=Status.DONE)
        observer = Observer(Progress([call]), database=worker_db, samples=samples)
        assert [changed.stage for changed in await observer.look()] == [Stage.NOTED]
        (tmp_path / "tenants" / f"{slug}.yaml").unlink()
        assert await observer.look() == []
        assert slug not in samples.portals
        assert call.stage is Stage.NOTED
    finally:
        await help_desk.stop()


async def test_who_asks_for_news_between_two_tenants_is_not_told_that_a_ticket_with_its_note_failed(
    worker_db: Database, tmp_path: Path
) -> None:
    help_desk = HelpDeskSimulator()
    samples = await open_samples(help_desk, tmp_path, port=find_free_port())
    try:
        slug, ticket = samples.waiting[0]
        call = Call(slug, ticket.id, ticket.subject, sent_at=ticket.created)
        progress = Progress([call])
        help_desk.portals[slug].add_note(ticket.id, "<p>Seen.</p>")
        tenant, at = samples.tenant(slug).tenant, ticket.created
        done = DeliveryView(uuid4(), ticket.id, "created", Status.DONE, 1, 1, at, at, at, *[None] * 5)
        await Observer(progress, database=worker_db, samples=samples)._follow(slug, tenant.id, done)
        assert [changed.stage for changed in progress.news()] == [Stage.NOTED]
    finally:
        await help_desk.stop()
