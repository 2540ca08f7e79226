"""What the workers talk to: a help desk and a model, in one process that is no bound.

    python -m bench.throughput.stub HISTORY

    /api/v3/…                   ServiceDesk Plus on premises, as far as a worker and the sync use it
    /v1/chat/completions        a model that cites the first source, after a settable time
    /bench/notes                when each ticket's note came, in monotonic seconds
    /bench/latency/<seconds>    the model's time

It parses no more than it needs and composes no answer twice, so a call costs about 60 µs: the simulators of product and
demo (aiohttp, with faults and criteria) cost ten times that. Its first line on standard output is its port.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote_to_bytes

import uvloop

from bench.throughput.corpus import FIRST_ID, Text, load_texts, signed_off, split

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# In a prompt, which is JSON in a string of JSON: a similar ticket, and how its own resolution begins, in whole words.
# With half of one, or with another ticket's, an answer says what its source does not, and is sent back.
_SOLVED: Final = re.compile(
    rb'\\"ref\\": ?\\"(T\d+)\\"(?:(?!\\"ref\\").)*?\\"resolution\\": ?\\"([^"\\.!?]{10,120})(?![^ "\\.!?])'
)
_EPOCH_MS: Final = 1_760_000_000_000
_STEP_MS: Final = 60_000
_SUCCESS: Final = {"status_code": 2000, "status": "success"}


class Stub:
    def __init__(self, texts: list[Text], history: int) -> None:
        past, self._new = split(texts)
        past = past[-history:] if history else []
        self._rows = [_past_row(number, text) for number, text in enumerate(past)]
        """Oldest update first."""
        self._assets = [_asset_row(number) for number in range(500)]
        self.latency_s = 0.0
        self.notes: dict[str, list[tuple[float, bytes]]] = {}
        """Ticket → when its notes came, and their forms."""
        self.unknown: dict[str, int] = {}
        self.asked = 0

    def answer(self, method: str, target: str, body: bytes) -> tuple[bytes, float]:  # noqa: PLR0911 - a line for each call
        """The whole answer to one call, and after how many seconds it is sent."""
        path, _, query = target.partition("?")
        parts = path.strip("/").split("/")
        match method, parts:
            case "POST", [*_, "v1", "chat", "completions"]:
                return self._complete(body), self.latency_s
            case "GET", [*_, "v3", "requests", ticket_id]:
                return self._ticket(ticket_id), 0
            case "POST", [*_, "v3", "requests", ticket_id, "notes"]:
                return self._add_note(ticket_id, body), 0
            case "GET", [*_, "v3", "requests", ticket_id, "notes"]:
                return self._list_notes(ticket_id), 0
            case "GET", [*_, "v3", "requests"]:
                return self._list_tickets(query), 0
            case "GET", [*_, "v3", "asset_assets" | "assets" as key]:
                return _listing(key, self._assets, query), 0
            case "GET", [*_, "v3", "solutions"]:
                return _listing("solutions", [], query), 0
            case "GET", ["bench", "notes"]:
                posted = {ticket: [at for at, _ in notes] for ticket, notes in self.notes.items()}
                return _ok({"notes": posted, "asked": self.asked, "unknown": self.unknown}), 0
            case "POST", ["bench", "latency", seconds]:
                self.latency_s = float(seconds)
                return _ok({}), 0
        self.unknown[f"{method} {path}"] = self.unknown.get(f"{method} {path}", 0) + 1
        return _http(404, {"response_status": {"status_code": 4000, "messages": [{"status_code": 4007}]}}), 0

    def _ticket(self, ticket_id: str) -> bytes:
        number = int(ticket_id) - FIRST_ID
        if number < 0:
            row = self._rows[int(ticket_id) - 1]
        else:
            text = self._new[number % len(self._new)]
            row = _row(ticket_id, text, signed_off(text, number), at=_EPOCH_MS + 30_000 * _STEP_MS)
        return _ok({"request": row, "response_status": _SUCCESS})

    def _add_note(self, ticket_id: str, body: bytes) -> bytes:
        notes = self.notes.setdefault(ticket_id, [])
        notes.append((time.monotonic(), body))
        return _ok({"note": {"id": f"{ticket_id}{len(notes)}"}, "response_status": _SUCCESS})

    def _list_notes(self, ticket_id: str) -> bytes:
        rows = []
        for number, (_, form) in enumerate(self.notes.get(ticket_id, []), start=1):
            told = json.loads(unquote_to_bytes(form.replace(b"+", b" ").partition(b"=")[2]))
            rows.append({"id": f"{ticket_id}{number}", "description": told["note"]["description"]})
        return _ok({"notes": rows, "list_info": {"has_more_rows": False}, "response_status": [_SUCCESS]})

    def _list_tickets(self, query: str) -> bytes:
        info = _list_info(query)
        criteria = info.get("search_criteria") or {}
        first = 0
        if criteria.get("condition") == "gte":
            first = max(0, -(-(int(criteria["value"]) - _EPOCH_MS) // _STEP_MS))
        return _listing("requests", self._rows[first:], query)

    def _complete(self, body: bytes) -> bytes:
        self.asked += 1
        # What the source says, word for word: an answer that says something else would be sent back.
        solved = _SOLVED.search(body)
        cited, said = ([solved[1].decode()], solved[2].decode()) if solved else ([], "")
        statements = [{"text": said, "citations": cited}] * bool(cited)
        draft = {
            "facts": statements,
            "hypotheses": [],
            "next_steps": statements,
            "questions": [],
            "summary": said or "No source fits this ticket.",
            "summary_citations": cited,
        }
        message = {"role": "assistant", "content": json.dumps(draft), "refusal": None}
        return _ok(
            {
                "id": f"chatcmpl-{self.asked}",
                "object": "chat.completion",
                "created": 1_764_000_000,
                "model": "stub",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
                "usage": {
                    "prompt_tokens": len(body) // 4,
                    "completion_tokens": 200,
                    "total_tokens": len(body) // 4 + 200,
                },
            }
        )


def _past_row(number: int, text: Text) -> dict[str, Any]:
    return _row(str(number + 1), text, text.description, at=_EPOCH_MS + number * _STEP_MS, resolution=text.resolution)


def _row(ticket_id: str, text: Text, description: str, *, at: int, resolution: str = "") -> dict[str, Any]:
    when = {"value": str(at), "display_value": "-"}
    return {
        "id": ticket_id,
        "subject": text.subject,
        "description": description,
        "requester": {"id": "1", "name": "Alex Example", "email_id": "alex.example@acme.example", "is_vipuser": False},
        "priority": {"id": "3", "name": "Medium"},
        "status": {"id": "2", "name": "Resolved" if resolution else "Open"},
        "category": {"id": "4", "name": "E-mail"},
        "site": None,
        "created_time": when,
        "last_updated_time": when,
        "resolved_time": when if resolution else None,
        "completed_time": None,
        "resolution": {"content": resolution} if resolution else None,
    }


def _asset_row(number: int) -> dict[str, Any]:
    return {
        "id": str(number + 1),
        "name": f"PC-{number:04}",
        "product_type": {"id": "1", "name": "Workstation"},
        "site": {"id": "1", "name": "Main office"},
        "user": None,
        "state": {"id": "1", "name": "In Use"},
        "last_updated_time": {"value": str(_EPOCH_MS), "display_value": "-"},
        "computer_system": {"host_name": f"pc-{number:04}"},
        "network_adapters": [{"ip_address": f"10.20.{number % 250}.{number % 199}", "mac_address": None}],
    }


def _list_info(query: str) -> dict[str, Any]:
    told = parse_qs(query).get("input_data", ["{}"])[0]
    info: dict[str, Any] = json.loads(told).get("list_info", {})
    return info


def _listing(key: str, rows: list[dict[str, Any]], query: str) -> bytes:
    info = _list_info(query)
    start, count = int(info.get("start_index", 1)), int(info.get("row_count", 10))
    page = rows[start - 1 : start - 1 + count]
    told = {"start_index": start, "row_count": len(page), "has_more_rows": start - 1 + count < len(rows)}
    return _ok({"response_status": [_SUCCESS], "list_info": told, key: page})


def _ok(answer: dict[str, Any]) -> bytes:
    return _http(200, answer)


def _http(status: int, answer: dict[str, Any]) -> bytes:
    body = json.dumps(answer).encode()
    return b"HTTP/1.1 %d -\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


class Connection(asyncio.Protocol):
    """Reads the calls of one connection, one after the other."""

    def __init__(self, stub: Stub) -> None:
        self._stub = stub
        self._read = bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._read[:end])
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(self._read) < end + 4 + length:
                return
            body = bytes(self._read[end + 4 : end + 4 + length])
            del self._read[: end + 4 + length]
            method, target, _ = head.partition(b"\r\n")[0].decode().split(" ", 2)
            answer, after_s = self._stub.answer(method, target, body)
            if after_s:
                asyncio.get_running_loop().call_later(after_s, self._write, answer)
            else:
                self._write(answer)

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)


async def main(history: int) -> None:
    folder = os.environ.get("RETRIEVAL_DATA")  # noqa: TID251 - as bench/retrieval.py reads it
    stub = Stub(load_texts(Path(folder) if folder else None), history)
    server = await asyncio.get_running_loop().create_server(lambda: Connection(stub), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
