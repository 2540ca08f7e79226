"""What of a library's words gets into the log."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SAY = """
import asyncio, logging, sys, structlog
from app.telemetry.logs import set_up_logs

set_up_logs(level=sys.argv[1], form="json", process="test")
for name in ("httpx2", "httpcore2.http11", "openai", "somebody.else"):
    for level in (logging.DEBUG, logging.INFO, logging.WARNING):
        logging.getLogger(name).log(level, "of a library\\nwith a request below")
structlog.get_logger("app.somewhere").debug("ours")

async def fail():
    raise ValueError("words of a ticket")

async def forget():
    asyncio.create_task(fail())
    await asyncio.sleep(0.01)

asyncio.run(forget())
"""


def lines(level: str) -> list[dict[str, str]]:
    said = subprocess.run([sys.executable, "-c", SAY, level], check=True, capture_output=True, text=True).stderr
    return [json.loads(line) for line in said.splitlines()]


@pytest.mark.parametrize("level", ["debug", "warning", "error"])
def test_a_library_is_heard_from_warning_on_whatever_our_level_is(level: str) -> None:
    told = [(line["logger"], line["level"]) for line in lines(level) if line["event"] == "of a library"]
    assert "with a request below" not in str(lines(level))
    heard = ["httpx2", "httpcore2.http11", "openai", "somebody.else"] if level != "error" else []
    assert told == [(name, "warning") for name in heard]
    assert any(line["event"] == "ours" for line in lines(level)) == (level == "debug")


def test_a_task_that_nobody_waited_for_is_told_without_what_its_error_says() -> None:
    [line] = [line for line in lines("info") if line["logger"] == "asyncio"]
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"] == "ValueError"
    assert "words of a ticket" not in json.dumps(line)


SAY_OFTEN = """
import asyncio, sys, structlog
from app.telemetry.logs import FrequentLines, set_up_logs

set_up_logs(level=sys.argv[1], form="json", process="test")

async def main():
    lines = FrequentLines("webhook_accepted", logger="app.somewhere")
    async with lines.written():
        lines.add(tenant="acme", ticket_id="1")
        await asyncio.sleep(float(sys.argv[2]))
        structlog.get_logger("app.somewhere").warning("meanwhile")
        lines.add(tenant="acme", ticket_id="2")

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("level", "wait_s", "told"), [("info", "0", "m12"), ("info", "0.6", "1m2"), ("warning", "0", "m")]
)
def test_frequent_lines_read_as_any_other_and_none_is_lost_at_the_end(level: str, wait_s: str, told: str) -> None:
    said = subprocess.run([sys.executable, "-c", SAY_OFTEN, level, wait_s], check=True, capture_output=True, text=True)
    found = [json.loads(line) for line in said.stderr.splitlines()]
    assert "".join(line.get("ticket_id", "m") for line in found) == told
    [meanwhile] = [line for line in found if line["event"] == "meanwhile"]
    for line in found:
        assert set(line) - {"tenant", "ticket_id"} == set(meanwhile)
        assert len(line["timestamp"]) == len(meanwhile["timestamp"])


SAY_TO = """
import asyncio, sys, threading
from app.telemetry.logs import FrequentLines, set_up_logs

class Failing:
    failures = 0

    def write(self, text):
        if not Failing.failures:
            Failing.failures += 1
            raise OSError("no space left")
        sys.__stderr__.write(text)

    def flush(self):
        sys.__stderr__.flush()

class Slow(Failing):
    begun, overtaken = threading.Event(), threading.Event()

    def write(self, text):
        is_first = not Slow.begun.is_set()
        Slow.begun.set()
        if is_first:
            Slow.overtaken.wait(0.5)
        sys.__stderr__.write(text)
        Slow.overtaken.set()

def is_begun():
    return Failing.failures or Slow.begun.is_set()

async def main():
    set_up_logs(level="info", form="json", process="test")
    sys.stderr = {"failing": Failing, "slow": Slow}[sys.argv[1]]()
    lines = FrequentLines("webhook_accepted", logger="app.somewhere")
    async with lines.written():
        lines.add(ticket_id="1")
        while not is_begun():
            await asyncio.sleep(0.01)
        lines.add(ticket_id="2")

asyncio.run(main())
"""


def said_to(writer: str) -> list[dict[str, object]]:
    said = subprocess.run([sys.executable, "-c", SAY_TO, writer], check=True, capture_output=True, text=True).stderr
    return [json.loads(line) for line in said.splitlines()]


def test_lines_after_those_that_could_not_be_written_are_written_and_tell_how_many_are_lost() -> None:
    line, told = said_to("failing")
    assert (line["event"], line["ticket_id"]) == ("webhook_accepted", "2")
    assert (told["event"], told["level"], told["number"]) == ("log_lines_lost", "warning", 1)
    assert told["of"] == "webhook_accepted"


def test_the_last_lines_do_not_overtake_those_that_are_being_written() -> None:
    assert [line["ticket_id"] for line in said_to("slow")] == ["1", "2"]
