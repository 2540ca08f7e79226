"""Each server's published answers, replayed: the whole path gives one draft with the fewest calls.

No server was called. `model_servers/<server>.json` holds what a server sends, each with its public source; the stub here
refuses what the server refuses and answers in its shape. `docs/models.md` is the table of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import httpx2  # for its forms of a request and an answer
import pytest

from app.core.completion import Message, Option
from app.core.enhancement import Notice
from app.core.masking import Mask
from app.core.source import SourceKind
from app.enhancement.write import draft_schema
from app.errors import ModelDeclined, ModelRefused, PromptTooLong
from app.integrations.asking import Memory
from app.integrations.openai import OpenAIModel
from tests.builders import a_draft, a_source, a_ticket
from tests.enhancing import enhanced
from tests.model_wire import an_endpoint

FILES = sorted((Path(__file__).parent / "model_servers").glob("*.json"))
NAMES = [file.stem for file in FILES]
TICKET = a_ticket(description="Outlook shows no new mail since noon. " * 20)
FEW = [a_source()]
MANY = [
    a_source(kind, id=f"{kind}-{number}", text=f"Source {number}. {a_source().text} " + "Words of a source. " * 65)
    for kind in SourceKind
    for number in range(1, 6)
]
CONTEXT = 3_500
"""Of the stub, in tokens of four characters."""


@cache
def load(name: str) -> dict[str, Any]:
    file = Path(__file__).parent / "model_servers" / f"{name}.json"
    return dict(json.loads(file.read_text("utf-8")))


def having(part: str) -> list[str]:
    return [name for name in NAMES if load(name)[part] is not None]


@dataclass
class Server:
    """Behaves as one server does."""

    name: str
    context: int = 1_000_000
    filters: bool = False
    models: Sequence[str] = ("the-model",)
    refused_field: str = ""
    """One more field that it does not know."""
    calls: list[dict[str, Any]] = field(default_factory=list)

    def model(self, name: str = "the-model") -> OpenAIModel:
        endpoint = an_endpoint(self.answer)
        limit = timedelta(seconds=30)
        return OpenAIModel(endpoint, tenant="acme", model=name, fallback=None, limit=limit, memory=Memory())

    def answer(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":  # what of its own API it is asked for, as `integrations.ollama` does
            return httpx2.Response(404)
        call = json.loads(request.content)
        self.calls.append(call)
        told = load(self.name)
        prompt = sum(len(message["content"]) for message in call["messages"]) // 4
        asked = call.get("max_tokens") or call.get("max_completion_tokens") or 0
        draft = a_draft().model_dump_json()
        content = Template(told.get("around", "$draft")).substitute(draft=draft)
        left = self.context - prompt if told.get("fills_its_context") else self.context
        content, finish = content[: max(left, 0) * 4], "stop" if len(content) <= left * 4 else "length"
        written = len(content) // 4
        values = {
            "model": call["model"],
            "prompt": prompt,
            "asked": asked,
            "sum": prompt + asked,
            "context": self.context,
            "over": self.context + 1,
            "finish": finish,
            "field": self.refused_field,
            "content": content,
            "written": written,
            "both": prompt + written,
        }
        refusal = self._refusal(told, call, prompt, asked)
        if refusal is None:
            return httpx2.Response(200, json=filled(told["answer"], values))
        body = filled(refusal["body"], values)
        if isinstance(body, str):
            return httpx2.Response(refusal["status"], text=body)
        return httpx2.Response(refusal["status"], json=body)

    def _refusal(self, told: dict[str, Any], call: dict[str, Any], prompt: int, asked: int) -> dict[str, Any] | None:
        """The first that holds, in the order in which a server looks."""
        fields = fields_of(call)
        counted = prompt + asked if told["too_long"].get("counts_answer") else prompt
        holds = [
            (told["wrong_model"], call["model"] not in self.models),
            (told["filtered"], self.filters),
            *((each, each["field"] in fields) for each in told["refuses"]),
            (told["unknown_field"], self.refused_field in fields),
            (told["too_long"], counted > self.context),
            (told["no_room"], prompt + asked > self.context),
        ]
        return next((dict(refusal) for refusal, is_so in holds if refusal and is_so), None)


def fields_of(call: dict[str, Any]) -> set[str]:
    """What a server may refuse of *call*."""
    wanted = call.get("response_format", {}).get("type")
    roles = {"system"} if any(message["role"] == "system" for message in call["messages"]) else set()
    return {*call, wanted, *roles} - {None}


def filled(value: Any, values: dict[str, Any]) -> Any:
    """*value* with its `$names` replaced; a text that is one name alone becomes the value itself."""
    if isinstance(value, dict):
        return {key: filled(each, values) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, values) for each in value]
    if isinstance(value, str) and value.startswith("$") and value[1:] in values:
        return values[value[1:]]
    return Template(value).safe_substitute(values) if isinstance(value, str) else value


@pytest.mark.parametrize("name", NAMES)
async def test_a_draft_comes_with_the_fewest_calls(name: str, logged: list[Any]) -> None:
    told, server = load(name), Server(name)
    model = server.model()
    enhancement = await enhanced(TICKET, FEW, model)
    assert enhancement.summary == a_draft().summary
    assert enhancement.notices == ()
    assert len(server.calls) == told["calls"]
    await enhanced(TICKET, FEW, model)
    assert len(server.calls) == told["calls"] + 1, "what it refuses is remembered"
    refused = {each["field"].replace("system", "system_role") for each in told["refuses"]}
    assert set(enhancement.asked_without) == {option for option in Option if option in refused and told["calls"] > 1}
    assert enhancement.is_estimated is told.get("is_estimated", False)
    assert enhancement.prompt_tokens > 300
    assert len([entry for entry in logged if entry["event"] == "model_options_left_out"]) == (told["calls"] > 1)


@pytest.mark.parametrize("name", NAMES)
async def test_a_prompt_that_is_too_long_is_asked_again_with_what_fits(name: str, logged: list[Any]) -> None:
    server = Server(name, context=CONTEXT)
    model = server.model()
    await model.complete(prompt("A ticket. " * 80), schema=draft_schema())  # so that what it refuses is known
    learnt = len(server.calls)
    enhancement = await enhanced(TICKET, MANY, model)
    assert enhancement.summary == a_draft().summary
    assert enhancement.notices == (Notice.SOURCES_LEFT_OUT,)
    assert 0 < len(enhancement.left_out) < len(MANY)
    # Once as a whole, once with fewer sources, and once with the answer's limit lowered for either.
    assert len(server.calls) - learnt <= 4
    sent = [json.dumps(call) for call in server.calls[learnt:]]
    assert len(set(sent)) == len(sent), "nothing is sent again as it is"
    [entry] = [entry for entry in logged if entry["event"] == "prompt_shortened"]
    assert entry["told"], "the size that it tells is understood"


@pytest.mark.parametrize("name", [name for name in NAMES if load(name).get("fills_its_context")])
async def test_an_answer_that_a_full_context_cut_off_is_asked_for_again_with_fewer_sources(name: str) -> None:
    server = Server(name)
    await enhanced(TICKET, MANY, server.model())
    prompt = sum(len(message["content"]) for message in server.calls.pop()["messages"]) // 4
    server.context = prompt + 20
    enhancement = await enhanced(TICKET, MANY, server.model())
    assert enhancement.summary == a_draft().summary
    assert enhancement.notices == (Notice.SOURCES_LEFT_OUT,)
    assert len(server.calls) == 2


async def test_a_small_context_that_is_known_before_is_used_for_sources_too() -> None:
    server, limit = Server("ollama"), timedelta(seconds=30)
    model = OpenAIModel(
        an_endpoint(server.answer), tenant="acme", model="the-model", fallback=None, limit=limit, context_tokens=4_096
    )
    enhancement = await enhanced(TICKET, MANY, model)
    assert len(enhancement.left_out) < len(MANY)
    assert len(server.calls) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_a_ticket_that_is_too_long_by_itself_ends_with_the_gathered_context(name: str) -> None:
    server = Server(name, context=200)
    enhancement = await enhanced(TICKET, MANY, server.model())
    assert enhancement.notices == (Notice.TICKET_TOO_LONG,)
    assert len(server.calls) <= 12
    with pytest.raises(PromptTooLong):
        await server.model().complete(prompt("Word. " * 1_000), schema=draft_schema())


@pytest.mark.parametrize("name", having("filtered"))
async def test_a_content_filter_or_a_model_that_declines_is_told_with_one_call(name: str) -> None:
    server = Server(name, filters=True)
    with pytest.raises(ModelDeclined):
        await server.model().complete(prompt("A threat."), schema=draft_schema())
    assert len(server.calls) == 1
    assert (await enhanced(TICKET, FEW, server.model())).notices == (Notice.MODEL_DECLINED,)


@pytest.mark.parametrize("name", having("wrong_model"))
async def test_a_wrong_model_name_is_told_with_one_call(name: str) -> None:
    server = Server(name)
    with pytest.raises(ModelRefused, match="OPENAI_MODEL"):
        await server.model("gpt-44").complete(prompt("A ticket."), schema=draft_schema())
    assert len(server.calls) == 1


@pytest.mark.parametrize("refused", ["temperature", "max_tokens"])
@pytest.mark.parametrize("name", having("unknown_field"))
async def test_a_field_that_it_does_not_know_is_left_out_from_then_on(name: str, refused: str) -> None:
    server = Server(name)
    model = server.model()
    await model.complete(prompt("A ticket. " * 80), schema=draft_schema())
    server.refused_field = refused
    learnt = len(server.calls)
    # A server that knows neither name of the limit is asked without one.
    also = {each["field"] for each in load(name)["refuses"]} & {"max_completion_tokens"}
    calls = 3 if refused == "max_tokens" and also else 2
    for expected in (calls, calls + 1):
        completion = await model.complete(prompt("A ticket."), schema=draft_schema())
        assert completion.text
        assert len(server.calls) - learnt == expected
    assert Option(refused) in completion.asked_without
    assert refused not in server.calls[-1]
    assert server.calls[-1].get("response_format") == server.calls[0].get("response_format") or load(name)["refuses"]


def test_each_answer_has_its_public_source() -> None:
    for name in NAMES:
        told = load(name)
        parts = [told[part] for part in ("too_long", "no_room", "filtered", "wrong_model", "unknown_field")]
        for part in [*told["refuses"], *filter(None, parts)]:
            assert part["source"].startswith("https://")
        assert told["answer_source"].startswith("https://")


def prompt(ticket: str) -> list[Message]:
    mask = Mask()
    return [Message(role="system", content=mask.text("Rules.")), Message(role="user", content=mask.text(ticket))]


def row(told: dict[str, Any]) -> str:
    """A line of the table in `docs/models.md`."""

    def status(part: str) -> str:
        return str(told[part]["status"]) if told[part] else "–"

    names = {"json_schema": "strict JSON schema", "json_object": "JSON mode", "system": "system role"}
    refused = [f"{names.get(each['field'], each['field'])} ({each['status']})" for each in told["refuses"]]
    cells = [told["server"], ", ".join(refused) or "–", str(told["calls"])]
    cells += [status(part) for part in ("too_long", "filtered", "wrong_model", "unknown_field")]
    return f"| {' | '.join(cells)} |"


def test_the_page_of_models_tells_what_is_replayed_here() -> None:
    page = (Path(__file__).parents[3] / "docs" / "models.md").read_text("utf-8")
    rows = [row(load(name)) for name in NAMES]
    assert [line for line in page.splitlines() if line in rows] == rows, "write the table anew:\n" + "\n".join(rows)
