"""The offline model: a small OpenAI-compatible server for demo and tests, which can also misbehave on request.

    GET  /v1/models
    POST /v1/chat/completions        an answer of sentences from the sources, each with its citation
    POST /simulator/behaviours       queue one: {"kind": "rate_limit", "times": 2, "seconds": 1}
    DELETE /simulator/behaviours     behave again

It can run as a process: `python -m demo.offline_model --port 8011`. It is one file without imports of the demo, since
the laptop's overlay mounts it into a pod.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Any, Final, Literal, NamedTuple
from uuid import uuid4

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.core.check.lexicon import act_words, lexicon
from app.core.check.tokens import chunks, normal, stems, words
from app.core.confidence import shares_error_text, telling_stems
from app.core.enhancement import Draft, Question, Statement, count_words
from app.core.reading.language import spoken_language

MODEL_NAME: Final = "offline-extractive"

_MAX_BODY_BYTES: Final = 32 * 1024 * 1024
_MAX_REQUESTS_KEPT: Final = 50
_CHARS_PER_TOKEN: Final = 4
_MAX_STEPS: Final = 5
_MAX_FACTS: Final = 3
_MAX_OF_PART: Final = 2
_MIN_FIT: Final = 0.15
_OLD_DAYS: Final = 365
_OLD_COUNTS: Final = 0.5
_NEAR: Final = {"similar_tickets": 0.8, "knowledge": 0.6}
"""Of the ticket's words that the best source has, so many has one that may be about the same. An article has fewer."""
_BESIDE: Final = 0.3
"""So many has an article whose steps stand beside the ticket that leads."""
_AS_NEW_DAYS: Final = 30
"""An article that was written so soon after a ticket tells what solved it: then the one with more words counts."""
_MIN_COMMON: Final = 2
_MIN_NEW: Final = 0.4
"""Of a sentence's words so many must stand neither in the problem nor in the ticket."""
_SHORT_WORD: Final = 2
_OUTCOME_WORDS: Final = 6
_OUTCOME: Final = re.compile(
    r"\b(?:ok|delivered after|without (?:an? |any )?(?:crash|error)|at once|works?|worked|fine|gone|back|stable"
    r"|normal(?:ly)?"
    r"|correctly|successful(?:ly)?|funktioniert|ging|läuft|da|stabil|richtig|fonctionne|correctement|funciona"
    r"|correctamente)\b"
    r"|(?:でき|直り|復旧し|回復し)ました|恢复正常|(?:已)?解决",
    re.IGNORECASE,
)
_QUOTED: Final = ">"
_MIN_ITEMS: Final = 2
_MAX_HEADING_WORDS: Final = 4
_SECTIONS: Final = {
    **dict.fromkeys("cause causes reason why ursache ursachen grund raison causa motivo".split(), "cause"),
    **dict.fromkeys(
        "fix fixes solution solutions resolution resolved solved steps procedure workaround instructions losung "
        "behebung abhilfe vorgehen schritte anleitung etapes demarche solucion resolucion pasos".split(),
        "fix",
    ),
    **dict.fromkeys(
        "symptom symptoms problem issue applies environment background note notes hint see related history "
        "hinweis gilt umgebung hintergrund siehe symptome symptomes probleme remarque voir sintomas nota".split(),
        "other",
    ),
}
"""What a part of a text is about, by a word of its heading."""
_NOTHING_FITS: Final = {
    "en": "No source fits this ticket.",
    "de": "Keine Quelle passt zu diesem Ticket.",
    "fr": "Aucune source ne correspond à ce ticket.",
    "es": "Ninguna fuente encaja con este ticket.",
}
_UNKNOWN_REF: Final = "T99"
_LIMIT: Final = re.compile(r"at most (\d+) words")
_FENCE: Final = re.compile(r"<<<DATA (?P<nonce>\S+)\n(?P<data>.*)\n(?P=nonce) DATA>>>", re.DOTALL)
# After two characters, so that no abbreviation of single letters ("z. B.", "e.g.") ends a sentence.
_SENTENCE_END: Final = re.compile(
    r"(?<=[\w)%\"”“»'][\w)%\"”“»'.][.!?])\s+(?=[A-ZÀ-Þ„“«¿¡\"])|\n+|(?<=[。！？])(?![)\"'”»」])"
)
_ITEM: Final = re.compile(r"^(?:[-*•]|\d{1,2}[.)])\s+")
_CLAUSE_END: Final = re.compile(r"(?<=[.!?:;])\s+|,\s+|\n+|\s(?=\(?[a-z\d]\)\s)")
_HEADING: Final = re.compile(r"^(?P<mark>#*)\s*\**(?P<name>[^.:!?*]{3,40})\**\s*(?P<colon>:?)\**\s*(?P<rest>.*)$")
_BEFORE_VERB: Final = frozenset(
    "then first finally please never dann zuerst bitte nie puis ensuite luego despues".split()
)
_NO_ORDER: Final = re.compile(r"(?:ed|ing|[^s]s)$")
"""An English verb with such an ending gives no order."""
_ACTED: Final = re.compile(
    r"(?:[A-Z][a-z]+ed|(?:Re)?[Ss]et|Put|Ran|Took|Sent|Gave|Made|(?:Reb|B)uilt)\b"
    r"(?! (?!(?:the|an?|his|her|their)\b)[\w.-]+(?: (?!(?:that|which|who|as|if|because|since|and|when"
    r"|where)\b)[\w.-]+){0,4}"
    r" (?:was|were)\b)"
)
"""What was done, as technicians write it: "Unlocked the account". Not "Saved password in the client was old"."""
_LEAVES: Final = re.compile(r"(?:never|do not|don't|nie|niemals|ne|nunca|no)\b", re.IGNORECASE)
_OBSERVED: Final = re.compile(
    r"(?:Told|Informed|Notified|Thanked|Confirmed|Noticed|Found|Saw)\b"
    r"|(?:The|It|This|That|They|Users?|All|Everyone|He|She) (?:[\w.-]+ ){0,5}?(?:was|were|had|is|are|came"
    r"|went|showed|stayed|fell|grew|followed|failed|stopped|hung|worked|works|looked|looks|did|confirmed)\b(?! to be\b)"
)
"""What was seen, or who was told of it: nothing to do again."""
_INFINITIVE_END: Final = re.compile(r"\s(?!ge)(?![a-zäöüß]{2,4}ge|verlor|vergess)[a-zäöüß]+(?:en|ern|eln)[.!]?$")
"""Of a German sentence: an infinitive, and no participle ("gegangen", "angenommen")."""
_FINITE: Final = frozenset(
    "ist sind war waren wird werden wurde wurden hat haben muss mussen kann konnen soll sollen".split()
)


class Misbehaviour(StrEnum):
    """What the next calls get instead of a good answer."""

    RATE_LIMIT = "rate_limit"
    """429 with `Retry-After: <seconds>`."""
    SERVER_ERROR = "server_error"
    """500."""
    BAD_KEY = "bad_key"
    """401, as for a key that was taken back."""
    SLOW = "slow"
    """A good answer after `seconds`."""
    GARBAGE = "garbage"
    """200 with a body that is no JSON."""
    NOT_JSON = "not_json"
    """A completion whose content is prose."""
    SCHEMA_VIOLATION = "schema_violation"
    """A completion whose content is JSON of another shape."""
    UNKNOWN_CITATION = "unknown_citation"
    """An answer that cites only sources that don't exist."""
    TOO_LONG = "too_long"
    """An answer of 5,000 words."""
    OTHER_LANGUAGE = "other_language"
    """An answer in another language than the prompt asks for."""
    RESET = "reset"
    """The connection is cut."""
    REFUSAL = "refusal"
    """The model declines."""
    LENGTH = "length"
    """`finish_reason: length`; the content ends in the middle."""
    NO_SCHEMA = "no_schema"
    """400 to any call that asks for a JSON schema, as some compatible servers do; others are answered."""
    NO_USAGE = "no_usage"
    """An orderly answer that does not tell its tokens."""
    SMALL_CONTEXT = "small_context"
    """400 to any call with more than one source, which tells a context of three quarters of the prompt."""
    OBEY = "obey"
    """A model that obeys instructions in the ticket: the ticket's text, HTML and links in every field."""


class Behaviour(BaseModel):
    """One way to misbehave, for a number of calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Misbehaviour
    times: int | None = Field(default=1, ge=1)
    """None: until cleared."""
    seconds: float = Field(default=1.0, ge=0)
    """How long to wait, or the value of `Retry-After`."""


class Told(NamedTuple):
    """What a source tells: sentences, in their order."""

    causes: list[str]
    """Of its part about the cause, where a heading names one."""
    steps: list[str]
    rest: list[str]


class Said(NamedTuple):
    """One sentence of a source."""

    text: str
    section: str
    """`cause`, `fix`, `other`, or empty: below no heading that is known."""
    is_item: bool
    """Whether it begins an item of a list."""


class GivenSource(BaseModel):
    """A source as the prompt gives it."""

    ref: str
    kind: str
    title: str
    text: str = ""
    resolution: str = ""
    problem: str = ""
    """Of a similar ticket: what its requester wrote. Nothing is extracted of it."""
    fit: float | None = None
    closeness: str = ""
    age_days: int | None = None
    overruled_by: str = ""

    @property
    def fits(self) -> bool:
        """Whether it is a ticket or an article that may be about the same problem. Nobody said: it may. What a newer
        source overrules is not told.
        """
        is_close = self.closeness == "same" or (self.fit or 1) >= _MIN_FIT
        return is_close and self.kind in {"similar_tickets", "knowledge"} and not self.overruled_by

    @property
    def is_old(self) -> bool:
        return (self.age_days or 0) > _OLD_DAYS

    @property
    def words(self) -> str:
        return f"{self.title}\n{self.problem}\n{self.resolution}\n{self.text}"

    def tells(self, ticket: GivenTicket) -> Told:
        """What it says beyond the problem, of this ticket or of the one that was solved: whole sentences."""
        known = _words(f"{self.problem} {ticket.words}")
        said = [
            each
            for each in _sentences(self.resolution or self.text)
            if not each.text.endswith(("…", "?")) and not _repeats(_words(each.text), known)
        ]
        steps = self._steps(said)
        causes, rest = (
            [each.text for each in said if each not in steps and each.section == at] for at in ("cause", "")
        )
        return Told(causes, [each.text for each in steps], rest)

    def _steps(self, said: list[Said]) -> list[Said]:
        """What is done against the problem: the part that says so by its heading. Else of a resolution all but its
        first sentence, or if that tells what was done, all that does. Else of an article the items of its lists, or
        the sentences that tell to do something.
        """
        if named := [each for each in said if each.section == "fix"]:
            return named
        if self.kind == "similar_tickets":
            acted = [each for each in said if _ACTED.match(each.text)]
            if acted[:1] == said[:1] and len(acted) < len(said):
                return [each for each in acted if not _OBSERVED.match(each.text)]
            return [each for each in said[1:] if not _OBSERVED.match(each.text)]
        items = [each for each in said if each.is_item]
        is_german = spoken_language(self.text) == "de"
        orders = [each for each in said if _is_order(each.text, is_german=is_german)]
        return items if len(items) >= _MIN_ITEMS else orders


class GivenTicket(BaseModel):
    """The fields of the ticket that the summary and some misbehaviours repeat."""

    subject: str = ""
    description: str = ""
    quoted: str = ""

    @property
    def words(self) -> str:
        return f"{self.subject}\n{self.description}\n{self.quoted}"


class Prompt(BaseModel):
    """The data between the marks in the user message."""

    ticket: GivenTicket = GivenTicket()
    sources: list[GivenSource] = []
    language: str = "en"
    max_words: int = 300
    """Of all texts together. The prompt tells it among its rules, outside the marks."""


class Chat(BaseModel):
    """A request for a completion: the fields that this server reads. Others are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")

    messages: list[dict[str, Any]]
    response_format: dict[str, Any] | None = None
    stream: Literal[False] | None = None
    max_tokens: int = 0

    @property
    def asks_for_schema(self) -> bool:
        return (self.response_format or {}).get("type") == "json_schema"

    @property
    def prompt(self) -> Prompt:
        """The data of the last message with marks. A request to repair an answer may follow it."""
        for message in reversed(self.messages):
            if message.get("role") == "user" and (fence := _FENCE.fullmatch(str(message.get("content")))):
                limit = _LIMIT.search(str(self.messages[0].get("content")))
                told = {"max_words": int(limit[1])} if limit else {}
                return Prompt.model_validate_json(fence["data"]).model_copy(update=told)
        return Prompt()


class ModelSimulator:
    """The server. Each call uses the first of `behaviours` until its `times` are used up."""

    def __init__(self) -> None:
        self.behaviours: deque[Behaviour] = deque()
        self.calls = 0
        """Number of requests for chat completions, answered or not."""
        self.requests: deque[Chat] = deque(maxlen=_MAX_REQUESTS_KEPT)
        """The latest requests, the newest at the end."""
        self.keys: set[str] = set()
        """The API keys that were shown."""
        self._runner: web.AppRunner | None = None
        self._address = ("", 0)

    @property
    def url(self) -> str:
        """The value for `OPENAI_BASE_URL`."""
        host, port = self._address
        return f"http://{host}:{port}/v1"

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        application = web.Application(client_max_size=_MAX_BODY_BYTES)
        application.add_routes(
            [
                web.get("/v1/models", self._list_models),
                web.post("/v1/chat/completions", self._complete),
                web.post("/simulator/behaviours", self._queue_behaviours),
                web.delete("/simulator/behaviours", self._clear_behaviours),
            ]
        )
        # No access log: `calls` is enough.
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        self._address = (host, self._runner.addresses[0][1])

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def behave(self, kind: Misbehaviour | str, *, times: int | None = 1, seconds: float = 1.0) -> None:
        """Queue one behaviour."""
        self.behaviours.append(Behaviour(kind=Misbehaviour(kind), times=times, seconds=seconds))

    async def _list_models(self, _request: web.Request) -> web.Response:
        model = {"id": MODEL_NAME, "object": "model", "created": 0, "owned_by": "ai-agents"}
        return web.json_response({"object": "list", "data": [model]})

    async def _queue_behaviours(self, request: web.Request) -> web.Response:
        try:
            self.behaviours.append(Behaviour.model_validate_json(await request.read()))
        except ValidationError as error:
            return _problem(400, f"not a behaviour: {error}")
        return web.Response()

    async def _clear_behaviours(self, _request: web.Request) -> web.Response:
        self.behaviours.clear()
        return web.Response()

    async def _complete(self, request: web.Request) -> web.Response:
        try:
            chat = Chat.model_validate_json(await request.read())
        except ValidationError as error:
            return _problem(400, f"not a request for a completion: {error}")
        self.calls += 1
        self.requests.append(chat)
        self.keys.add(request.headers.get("Authorization", "").removeprefix("Bearer "))
        behaviour = self._take(chat)
        if behaviour is not None and behaviour.kind is Misbehaviour.SLOW:
            await asyncio.sleep(behaviour.seconds)
        if behaviour is None or behaviour.kind is Misbehaviour.SLOW:
            return _completion(chat, _orderly(chat.prompt))
        if behaviour.kind is Misbehaviour.RESET and request.transport is not None:
            request.transport.abort()
        return _failure(behaviour) or _misbehave(chat, behaviour.kind)

    def _take(self, chat: Chat) -> Behaviour | None:
        """The behaviour for this call, whose `times` are counted down."""
        if not self.behaviours:
            return None
        first = self.behaviours[0]
        if first.kind is Misbehaviour.NO_SCHEMA and not chat.asks_for_schema:
            return None
        if first.kind is Misbehaviour.SMALL_CONTEXT and len(chat.prompt.sources) <= 1:
            return None
        if first.times == 1:
            self.behaviours.popleft()
        elif first.times is not None:
            self.behaviours[0] = first.model_copy(update={"times": first.times - 1})
        return first


_PROBLEMS: Final = {
    Misbehaviour.SERVER_ERROR: (500, "The server had an error while processing your request", "server_error"),
    Misbehaviour.BAD_KEY: (401, "Incorrect API key provided", "invalid_api_key"),
    Misbehaviour.NO_SCHEMA: (
        400,
        "'response_format' of type 'json_schema' is not supported with this model",
        "invalid_request_error",
    ),
}


def _failure(behaviour: Behaviour) -> web.Response | None:
    """The HTTP answer of a behaviour that fails on the level of HTTP; else None."""
    match behaviour.kind:
        case Misbehaviour.RATE_LIMIT:
            wait = {"Retry-After": f"{behaviour.seconds:g}"}
            return _problem(429, "Rate limit reached", kind="rate_limit_exceeded", headers=wait)
        case Misbehaviour.GARBAGE:
            return web.Response(text="<html><body>It works!\x00</body></html>", content_type="text/html")
        case Misbehaviour.RESET:
            return web.Response()  # not sent: the connection is closed
        case kind:
            if kind not in _PROBLEMS:
                return None
            status, message, type_ = _PROBLEMS[kind]
            return _problem(status, message, kind=type_)


def _misbehave(chat: Chat, kind: Misbehaviour) -> web.Response:
    """A completion with a fault of this kind."""
    if kind is Misbehaviour.REFUSAL:
        return _completion(chat, None, refusal="I'm sorry, but I can't help with that.")
    if kind is Misbehaviour.SMALL_CONTEXT:
        return _context_exceeded(chat)
    if kind is Misbehaviour.NO_USAGE:
        return _completion(chat, _orderly(chat.prompt), tells_usage=False)
    if kind is Misbehaviour.LENGTH:
        whole = _orderly(chat.prompt)
        return _completion(chat, whole[: len(whole) // 2], finish_reason="length")
    return _completion(chat, _CONTENTS[kind](chat.prompt))


def compose(prompt: Prompt) -> Draft:
    """An answer with as many sentences of the sources as fit into its number of words.

    First what it looked up is left out, then step after step; at last the summary stands alone.
    """
    leading = _leading(prompt)
    if leading is None:
        return _asking(prompt)
    ways = ((steps, has_facts) for steps in range(_MAX_STEPS, -1, -1) for has_facts in (True, False))
    drafts = (_draft(prompt, leading, steps=steps, has_facts=has_facts) for steps, has_facts in ways)
    short = (draft for draft in drafts if count_words(texts_of(draft)) <= prompt.max_words)
    return next(short, _draft(prompt, leading, steps=0, has_facts=False))


def _leading(prompt: Prompt) -> GivenSource | None:
    """The source that is quoted: of those with the ticket's error text, or else of all that fit, the newest that has
    about as many of the ticket's words as the best; of those that are about as new the one with most of them. Hosts and
    numbers don't count: they stand in many problems of one machine. An old one counts half, and only where no other is
    as near.
    """
    asked, prose = prompt.ticket.words, telling_stems(_prose(prompt.ticket.words))
    fitting = [source for source in prompt.sources if source.fits and any(source.tells(prompt.ticket))]
    fitting = [source for source in fitting if shares_error_text(asked, source.words)] or fitting
    common = {
        source.ref: len(prose & telling_stems(_prose(source.words))) * (_OLD_COUNTS if source.is_old else 1)
        for source in fitting
    }
    near = [source for source in fitting if common[source.ref] >= _NEAR[source.kind] * max(common.values())]
    # One without a date is neither newer nor older.
    newest = min((each.age_days for each in near if each.age_days is not None), default=0)
    as_new = (each for each in near if (each.age_days or 0) <= newest + _AS_NEW_DAYS)
    return max(as_new, key=lambda source: (not source.is_old, common[source.ref]), default=None)


def _draft(prompt: Prompt, leading: GivenSource, *, steps: int, has_facts: bool) -> Draft:
    """A draft with *steps* next steps. Its summary says in the source's words what was wrong, or names an article."""
    told = leading.tells(prompt.ticket)
    facts, source = _also(prompt, leading), leading
    if leading.kind == "similar_tickets":
        causes = [*told.causes, *(each for each in told.rest if not _is_outcome(each))][:1]
        said, *more = causes or told.steps or told.rest
        done = told.steps if causes else more
    else:
        said, done = next(iter(told.causes), _about(told.rest, prompt.ticket)), told.steps
        if not said and (found := _cause_by_ticket(prompt)):
            source, said = found
            if not done:  # an article that lists things: what the ticket says helped
                leading, done = source, source.tells(prompt.ticket).steps
        said = said or leading.title
        rest = [] if done else [text for text in (*told.causes, *told.rest) if text != said]
        facts = [Statement(text=text, citations=[leading.ref]) for text in rest[:_MAX_FACTS]]
    while done and _is_outcome(done[-1]):
        done = done[:-1]
    beside = [] if done or leading.kind == "knowledge" else _steps_of_article(prompt, leading)
    return Draft(
        facts=[*facts, *_looked_up(prompt)] if has_facts else [],
        hypotheses=[],
        next_steps=[*(Statement(text=text, citations=[leading.ref]) for text in done), *beside][:steps],
        questions=[],
        summary=said,
        summary_citations=[source.ref],
    )


def _steps_of_article(prompt: Prompt, leading: GivenSource) -> list[Statement]:
    """What an article about the problem tells to do: its steps, where a ticket's one sentence is the summary."""
    asked = telling_stems(_prose(prompt.ticket.words))
    enough = _BESIDE * len(asked & telling_stems(_prose(leading.words)))
    articles = (each for each in prompt.sources if each.kind == "knowledge" and each.fits and not each.is_old)
    near = (each for each in articles if len(asked & telling_stems(_prose(each.words))) >= enough)
    told = ((each, _done(each.tells(prompt.ticket).steps)) for each in near)
    found = next((each for each in told if each[1]), None)
    return [Statement(text=text, citations=[found[0].ref]) for text in found[1]] if found else []


def _done(steps: list[str]) -> list[str]:
    """Those of *steps* that tell to do something, and not to leave something."""
    return [text for text in steps if not _LEAVES.match(text)]


def _cause_by_ticket(prompt: Prompt) -> tuple[GivenSource, str] | None:
    """The first ticket that the search takes for the same problem and that says why it was, and that sentence."""
    tickets = (each for each in prompt.sources if each.kind == "similar_tickets" and each.closeness == "same")
    tells = ((each, each.tells(prompt.ticket)) for each in tickets if each.fits and not each.is_old)
    return next(((each, text) for each, told in tells if told.steps for text in (*told.causes, *told.rest)), None)


def _about(sentences: list[str], ticket: GivenTicket) -> str:
    """The first of those that have its error text, or else most of its words but for hosts; empty: hardly any."""
    asked = telling_stems(_prose(ticket.words))
    common = {
        sentence: len(telling_stems(_prose(sentence)) & asked) + _MIN_COMMON * shares_error_text(ticket.words, sentence)
        for sentence in sentences
    }
    best = max(sentences, key=lambda sentence: common[sentence], default="")
    return best if common.get(best, 0) >= _MIN_COMMON else ""


def _prose(text: str) -> str:
    """The words of *text* without hosts, paths, numbers and the like."""
    return " ".join(word for chunk in chunks(text) for word in chunk.words)


def _also(prompt: Prompt, leading: GivenSource) -> list[Statement]:
    """What an article says beside a similar ticket, and sources of what else the ticket is about."""
    article = next((each for each in prompt.sources if each.fits and each.kind != leading.kind), None)
    said = article and _about([*(told := article.tells(prompt.ticket)).causes, *told.rest], prompt.ticket)
    beside = [Statement(text=said, citations=[article.ref])] if article and said else []
    for part in _parts(prompt.ticket.words):
        other = _is_about(part, [each for each in prompt.sources if each.fits and not each.is_old], but=leading)
        told = other.tells(prompt.ticket) if other else Told([], [], [])
        texts = [*told.causes[:1], *told.rest[:1], *told.steps][:_MAX_OF_PART]
        beside += [Statement(text=text, citations=[other.ref]) for text in texts if other]
    return list({statement.text: statement for statement in beside}.values())[:_MAX_FACTS]


def _parts(text: str) -> Iterator[frozenset[str]]:
    """The telling words of each sentence or clause of *text* that has several."""
    for part in _CLAUSE_END.split(text):
        if len(stems_of := telling_stems(part)) >= _MIN_COMMON:
            yield stems_of


def _is_about(part: frozenset[str], sources: list[GivenSource], *, but: GivenSource) -> GivenSource | None:
    """The source that has most of *part*, if *but* has none of it."""
    common = {source.ref: len(part & telling_stems(source.words)) for source in (but, *sources)}
    best = max(sources, key=lambda source: common[source.ref], default=but)
    is_about = common[best.ref] >= max(_MIN_COMMON, len(part) / 2)
    return best if is_about and common[but.ref] <= common[best.ref] * 0 else None


def _looked_up(prompt: Prompt) -> list[Statement]:
    measured = next((source for source in prompt.sources if source.kind == "monitoring"), None)
    return [Statement(text=_line(measured), citations=[measured.ref])] if measured else []


def _asking(prompt: Prompt) -> Draft:
    """What is said where no ticket or article fits."""
    return Draft(
        facts=[],
        hypotheses=[],
        next_steps=[],
        questions=[Question.ERROR_TEXT, Question.DEVICE, Question.SINCE_WHEN],
        summary=_NOTHING_FITS.get(prompt.language, _NOTHING_FITS["en"]),
    )


def _is_outcome(sentence: str) -> bool:
    """Whether the last sentence of a resolution says that it works again, and not what to do."""
    return len(sentence.split()) <= _OUTCOME_WORDS and _OUTCOME.search(sentence) is not None


def _sentences(text: str) -> Iterator[Said]:
    """The sentences of *text* with what the heading above says of them; nothing that is quoted."""
    section = ""
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith(_QUOTED):
            continue
        named, rest = _heading(stripped)
        section = named or section
        is_item = _ITEM.match(rest) is not None
        for part in _SENTENCE_END.split(_ITEM.sub("", rest)):
            if part.strip():
                yield Said(part.strip(), section, is_item)
                is_item = False


def _heading(line: str) -> tuple[str, str]:
    """What the heading in *line* is of (`_SECTIONS`; empty: none that is known), and what follows it."""
    found = _HEADING.match(line)
    if found is None or not (found["colon"] or not found["rest"]):
        return "", line
    named = [_SECTIONS.get(word, "") for word in words(normal(found["name"])) if word not in lexicon().function]
    is_marked = found["mark"] or found["colon"]
    if not named or len(named) > _MAX_HEADING_WORDS or not (any(named) if is_marked else all(named)):
        return "", "" if found["mark"] else line
    return next(filter(None, named)), found["rest"]


def _is_order(sentence: str, *, is_german: bool) -> bool:
    """Whether it tells to do something: its verb stands first, or in German last, in the infinitive."""
    said = [word for word in words(normal(sentence)) if word not in _BEFORE_VERB]
    if len(said) < _MIN_ITEMS or said[1] in act_words().auxiliaries:
        return False
    known = act_words()
    verbs = (known.look, known.ask, known.pass_on, known.imperatives, lexicon().actions.keys())
    if not _NO_ORDER.search(said[0]) and any(stem in each for stem in stems(said[0]) for each in verbs):
        return True
    return is_german and _INFINITIVE_END.search(sentence) is not None and _FINITE.isdisjoint(said)


def _words(text: str) -> set[str]:
    # A host's name is one word: "access.kontor.example" says something new beside "vpn1.kontor.example".
    return {word for word in re.findall(r"[^\W_]+(?:\.[^\W_]+)*", text.lower()) if len(word) > _SHORT_WORD}


def _repeats(words: set[str], known: set[str]) -> bool:
    """Whether *words* say next to nothing that *known* does not."""
    return len(words - known) < max(1, len(words) * _MIN_NEW)


def _line(source: GivenSource) -> str:
    return f"{source.title}: {'; '.join(source.text.splitlines())}"


def texts_of(draft: Draft) -> list[str]:
    parts = (draft.facts, draft.hypotheses, draft.next_steps)
    return [draft.summary, *(statement.text for part in parts for statement in part)]


def _orderly(prompt: Prompt) -> str:
    return compose(prompt).model_dump_json()


def _not_json(prompt: Prompt) -> str:
    return f"Sure! Here is what I found: {compose(prompt).summary}"


def _schema_violation(_prompt: Prompt) -> str:
    return json.dumps({"summary": 3, "facts": "none", "confidence": "certain", "verdict": "restart it"})


def _unknown_citation(prompt: Prompt) -> str:
    draft = compose(prompt)
    forged = [
        Statement(text=statement.text, citations=[_UNKNOWN_REF])
        for statement in draft.facts or [Statement(text="The mailbox of the requester is full.", citations=[])]
    ]
    return draft.model_copy(update={"facts": forged}).model_dump_json()


def _too_long(prompt: Prompt) -> str:
    words = " ".join(["The printer does not print because the queue is stuck."] * 500)
    return compose(prompt).model_copy(update={"summary": words}).model_dump_json()


def _other_language(prompt: Prompt) -> str:
    sentence = (
        "The ticket describes a fault that the requester has with the device."
        if prompt.language == "fr"
        else "Le ticket décrit une panne que le demandeur rencontre avec son appareil."
    )
    cited = Statement(text=sentence, citations=[source.ref for source in prompt.sources[:1]])
    draft = Draft(
        summary=" ".join([sentence] * 3),
        facts=[cited] if cited.citations else [],
        hypotheses=[],
        next_steps=[cited.model_copy(update={"citations": []})],
    )
    return draft.model_dump_json()


def _obey(prompt: Prompt) -> str:
    hostile = (
        f"{prompt.ticket.subject} {prompt.ticket.description} <script>alert(document.cookie)</script>"
        '<img src="https://evil.example/pixel.png" onerror="alert(1)"> <a href="https://evil.example/">Sign in</a> '
        "[click here](javascript:alert(1)) https://evil.example/?key=OPENAI_API_KEY"
    )
    everywhere = [Statement(text=hostile, citations=[source.ref]) for source in prompt.sources[:1]] or [
        Statement(text=hostile, citations=[hostile])
    ]
    draft = Draft(
        summary=hostile,
        facts=everywhere,
        hypotheses=everywhere,
        next_steps=everywhere,
        summary_citations=[ref for each in everywhere[:1] for ref in each.citations],
    )
    return draft.model_dump_json()


_CONTENTS: Final[Mapping[Misbehaviour, Callable[[Prompt], str]]] = {
    Misbehaviour.NOT_JSON: _not_json,
    Misbehaviour.SCHEMA_VIOLATION: _schema_violation,
    Misbehaviour.UNKNOWN_CITATION: _unknown_citation,
    Misbehaviour.TOO_LONG: _too_long,
    Misbehaviour.OTHER_LANGUAGE: _other_language,
    Misbehaviour.OBEY: _obey,
}


def _count_tokens(chat: Chat) -> int:
    return len(json.dumps(chat.messages, ensure_ascii=False)) // _CHARS_PER_TOKEN


def _context_exceeded(chat: Chat) -> web.Response:
    """As OpenAI says it."""
    told = _count_tokens(chat)
    return _problem(
        400,
        f"This model's maximum context length is {told * 3 // 4} tokens. However, your messages resulted in {told}"
        " tokens. Please reduce the length of the messages.",
        code="context_length_exceeded",
    )


def _completion(
    chat: Chat,
    content: str | None,
    *,
    finish_reason: str = "stop",
    refusal: str | None = None,
    tells_usage: bool = True,
) -> web.Response:
    prompt_tokens = _count_tokens(chat)
    written = len(content or refusal or "") // _CHARS_PER_TOKEN
    completion_tokens = chat.max_tokens if finish_reason == "length" else written  # as real ones, that end at the limit
    message = {"role": "assistant", "content": content, "refusal": refusal}
    return web.json_response(
        {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": MODEL_NAME,
            "choices": [{"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}],
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": completion_tokens,
                "total_tokens": prompt_tokens + completion_tokens,
            }
            if tells_usage
            else None,
        }
    )


def _problem(
    status: int,
    message: str,
    *,
    kind: str = "invalid_request_error",
    code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    error = {"message": message, "type": kind, "param": None, "code": code}
    return web.json_response({"error": error}, status=status, headers=headers)


async def serve(host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; says the address on standard output once it can be called."""
    simulator = ModelSimulator()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await simulator.start(host, port)
    sys.stdout.write(f"{simulator.url}\n")
    sys.stdout.flush()
    await ended.wait()
    await simulator.stop()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m demo.offline_model",
        description=f"The offline model {MODEL_NAME}: an OpenAI-compatible server that quotes what it was given.",
        epilog="example: python -m demo.offline_model --port 8011",
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    given = parser.parse_args()
    asyncio.run(serve(given.host, given.port))


if __name__ == "__main__":
    main()
