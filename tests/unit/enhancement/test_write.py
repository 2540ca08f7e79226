"""There is one way to the model, and it leads through the mask."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import ValidationError

import app
from app.core.completion import Message
from app.core.masking import Mask
from app.core.source import SourceKind
from app.enhancement.portion import Portion
from app.enhancement.write import compose_messages, compose_repair
from tests.builders import a_source, a_ticket, gathered

CANARIES = {
    "jane.canary@acme.example": "{}",
    "+49 30 90182012": "{}",
    "4111 1111 1111 1111": "card {}",
    "DE89 3704 0044 0532 0130 00": "{}",
    "Canary#2026!": "password: {}",
    "glpat-9dk2LmQ0s83jdkW92kd": "token {}",
}


def composed(text: str) -> tuple[Message, ...]:
    """The messages about a ticket whose every text, and whose sources' every text, is *text*, and their repair."""
    ticket = a_ticket(subject=text, description=text, requester=text, priority=text, display_id=text)
    sources = gathered(
        *(a_source(kind, title=text, text=text) for kind in (SourceKind.TICKET, SourceKind.ARTICLE, SourceKind.ASSET))
    )
    mask = Mask()
    messages = compose_messages(ticket, Portion(sources), mask=mask, language="en", max_words=500)
    return compose_repair(messages, f'{{"summary": "{text}"}}', [f"These citations name no source: {text}."], mask=mask)


@pytest.mark.parametrize("canary", CANARIES)
def test_no_field_takes_a_value_past_the_mask(canary: str) -> None:
    for message in composed(CANARIES[canary].format(canary)):
        assert canary not in message.content


def test_the_prompts_own_words_are_not_masked() -> None:
    system, user, *_ = composed("Nothing to mask.")
    assert "[" not in system.content.replace('["T1"]', "")
    assert user.content.startswith("<<<DATA ")
    nonce = user.content.split()[1]
    assert nonce in system.content
    assert user.content.endswith(f"\n{nonce} DATA>>>")
    assert re.fullmatch("[a-z]{24}", nonce)  # digits may pass for an account's number


def test_a_message_refuses_text_that_was_not_masked() -> None:
    with pytest.raises(ValidationError):
        Message(role="user", content="plain")


def test_nobody_but_the_mask_makes_masked_text_and_nobody_but_the_adapter_calls_a_model() -> None:
    assert {place for place, name in called() if name == "MaskedText"} == {"core/masking.py"}
    assert {place for place, name in called() if name == "Message"} == {"enhancement/write.py"}
    assert not {place for place, name in called() if name == "model_construct"}  # would not ask for its type
    assert {place for place, name in imports() if name.split(".")[0] == "openai"} <= {
        "integrations/openai.py",
        "worker/toolkits.py",  # the client's type
    }


@cache
def trees() -> list[tuple[str, ast.AST]]:
    folder = Path(app.__path__[0])
    return [(str(file.relative_to(folder)), ast.parse(file.read_text("utf-8"))) for file in folder.rglob("*.py")]


def called() -> Iterator[tuple[str, str]]:
    """Where in the product what is called, by the last part of its name."""
    for place, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = node.func
                yield (
                    place,
                    name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else "",
                )


def imports() -> Iterator[tuple[str, str]]:
    for place, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                yield place, node.module or ""
            elif isinstance(node, ast.Import):
                yield from ((place, alias.name) for alias in node.names)


MAIL = "Slow again\nOn 3 Mar 2026, at 10:11, Jo <jo@acme.example> wrote:\n> It was fast\nThis e-mail is confidential and private."


def asked_about(description: str) -> dict[str, str]:
    ticket = a_ticket(description=description)
    user = compose_messages(ticket, Portion(gathered()), mask=Mask(), language="en", max_words=500)[1].content
    asked: dict[str, str] = json.loads(user.partition("\n")[2].rpartition("\n")[0])["ticket"]
    return asked


def test_the_requesters_own_words_come_before_what_they_quote() -> None:
    asked = asked_about(MAIL)
    assert asked["description"] == "Slow again"
    assert asked["quoted"].splitlines()[0] == "It was fast"
    assert asked["quoted"].endswith("private.")
    assert list(asked).index("description") < list(asked).index("quoted")


def test_what_is_quoted_leaves_room_for_the_own_words_and_has_it_where_there_are_few() -> None:
    quotation = "\n".join(f"> line {number}" for number in range(2_000))
    own = "word " * 1_150
    long, short = asked_about(f"{own}\n{quotation}"), asked_about(f"FYI\n{quotation}")
    assert (long["description"], len(long["quoted"])) == (own.strip(), 1_500)
    assert (short["description"], len(short["quoted"])) == ("FYI", 5_997)


def test_a_mail_that_is_only_a_quotation_is_the_description() -> None:
    asked = asked_about("> The printer jams\n> in tray two")
    assert asked["description"] == "The printer jams\nin tray two"
    assert "quoted" not in asked
