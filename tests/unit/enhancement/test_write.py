"""There is one way to the model, and it leads through the mask."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import app
from app.core.completion import Message
from app.core.masking import Mask
from app.core.requester import Requester
from app.core.source import Source, SourceKind
from app.enhancement import write
from app.enhancement.portion import Portion
from app.enhancement.write import compose_messages, compose_repair, draft_schema, prompt_version
from tests.builders import a_source, a_ticket, gathered

TODAY = date(2026, 11, 28)
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
    messages = compose_messages(ticket, Portion(sources), mask=mask, language="en", max_words=500, today=TODAY)
    return compose_repair(messages, f'{{"summary": "{text}"}}', [f"These citations name no source: {text}."], mask=mask)


@pytest.mark.parametrize("canary", CANARIES)
def test_no_field_takes_a_value_past_the_mask(canary: str) -> None:
    for message in composed(CANARIES[canary].format(canary)):
        assert canary not in message.content


def test_the_prompts_own_words_are_not_masked() -> None:
    system, user, *_ = composed("Nothing to mask.")
    assert "[" not in re.sub(r"\[(?:email|phone|password)-\d\]", "", system.content)
    assert user.content.startswith("<<<DATA ")
    nonce = user.content.split()[1]
    assert nonce not in system.content, "the beginning of all prompts of a tenant is the same"
    assert user.content.endswith(f"\n{nonce} DATA>>>")
    assert re.fullmatch("[a-z]{24}", nonce)  # digits may pass for an account's number


def test_a_message_refuses_text_that_was_not_masked() -> None:
    with pytest.raises(ValidationError):
        Message(role="user", content="plain")


def test_nobody_but_the_mask_makes_masked_text_and_nobody_but_the_adapter_calls_a_model() -> None:
    assert callers("MaskedText") == {"core/masking.py"}
    assert callers("Message") == {"enhancement/write.py"}
    assert not callers("model_construct")  # would not ask for its type
    assert importers("openai") <= {
        "integrations/embeddings.py",  # it takes masked text alone
        "integrations/openai.py",
        "worker/toolkits.py",  # the client's type
    }


def trees(word: str) -> Iterator[tuple[str, ast.AST]]:
    """The product's files with *word* in them."""
    folder = Path(app.__path__[0])
    for file in folder.rglob("*.py"):
        if word in (text := file.read_text("utf-8")):
            yield file.relative_to(folder).as_posix(), ast.parse(text)


def callers(name: str) -> set[str]:
    """Where in the product what ends in *name* is called."""
    return {
        place
        for place, tree in trees(name)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and name in {getattr(node.func, "attr", None), getattr(node.func, "id", None)}
    }


def importers(package: str) -> set[str]:
    """Where in the product *package* or a part of it is imported."""
    return {
        place
        for place, tree in trees(package)
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name.split(".")[0] == package
    }


def asked_with(*sources: Source, **options: Any) -> dict[str, Any]:
    """The data of a prompt about these sources."""
    values = {"mask": Mask(), "language": "en", "max_words": 70, "today": TODAY, **options}
    user = compose_messages(a_ticket(), Portion(gathered(*sources)), **values)[1].content
    data: dict[str, Any] = json.loads(user.partition("\n")[2].rpartition("\n")[0])
    return data


def test_of_a_source_is_told_how_old_it_is_what_became_of_it_and_how_well_it_fits() -> None:
    ticket = a_source(
        title="#77 VPN",
        text="Problem: VPN stops\nResolution: Opened port 500.",
        staff_text="Opened port 500.",
        outcome="Resolved",
        category="Network",
        resolved_on=date(2026, 10, 29),
        score=0.456,
    )
    article = a_source(SourceKind.ARTICLE, title="VPN", text="Use IKEv2.", updated_on=date(2025, 11, 28), score=0.0)
    data = asked_with(ticket, article, requester=Requester(is_vip=True))
    assert data["today"] == "2026-11-28"
    assert data["about_requester"] == {"is_vip": True}
    [told, other] = data["sources"]
    assert list(told)[:4] == ["ref", "kind", "title", "resolution"], "what solved it before what it was about"
    assert told["resolution"] == "Opened port 500."
    assert told["problem"] == "VPN stops"
    assert told["age_days"] == 30
    assert (told["outcome"], told["category"], told["resolved"], told["fit"]) == (
        "Resolved",
        "Network",
        "2026-10-29",
        0.46,
    )
    assert (other["text"], other["updated"], other["age_days"]) == ("Use IKEv2.", "2025-11-28", 365)
    assert "fit" not in other


def test_of_a_source_is_told_which_newer_one_says_not_to_do_what_it_did() -> None:
    old = a_source(text="Reset the MFA methods by phone.", resolved_on=date(2025, 2, 10))
    new = a_source(SourceKind.ARTICLE, text="MFA is never reset by phone.", updated_on=date(2026, 9, 1))
    assert [each.get("overruled_by") for each in asked_with(old, new)["sources"]] == ["K1", None]


def test_all_tickets_of_a_tenant_have_the_same_beginning() -> None:
    def system(**options: Any) -> str:
        values = {"mask": Mask(), "language": "de", "max_words": 70, "house_rules": "P: is srv-file01.", **options}
        return compose_messages(a_ticket(), Portion(gathered(a_source())), **values)[0].content

    assert system(today=TODAY) == system(today=date(2027, 1, 1), requester=Requester(is_vip=True))


def test_the_version_of_the_prompt_is_stable_and_of_all_that_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompt_version()
    assert re.fullmatch("[0-9a-f]{12}", before)
    prompt_version.cache_clear()
    assert prompt_version() == before
    schema = {**draft_schema(), "description": "changed"}
    monkeypatch.setattr(write, "draft_schema", lambda: schema)
    prompt_version.cache_clear()
    assert prompt_version() != before
    prompt_version.cache_clear()


MAIL = "Slow again\nOn 3 Mar 2026, at 10:11, Jo <jo@acme.example> wrote:\n> It was fast\nThis e-mail is confidential and private."


def asked_about(description: str) -> dict[str, str]:
    ticket = a_ticket(description=description)
    user = compose_messages(ticket, Portion(gathered()), mask=Mask(), language="en", max_words=500, today=TODAY)[
        1
    ].content
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
    assert (long["description"], len(long["quoted"])) == (own.strip(), 1_491)
    assert (short["description"], len(short["quoted"])) == ("FYI", 5_991)
    assert re.fullmatch(r"line \d{3}", short["quoted"].splitlines()[-1]), "a whole line"


def test_a_mail_that_is_only_a_quotation_is_the_description() -> None:
    asked = asked_about("> The printer jams\n> in tray two")
    assert asked["description"] == "The printer jams\nin tray two"
    assert "quoted" not in asked
