"""The count can fail: made-up notes and answers, each with one thing wrong, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.faults.counting import Count, Note, Outcome, Promise, count
from tests.faults.tenants import Client

ACME, BOLT = Client("acme"), Client("bolt")
PROMISE = Promise("acme", "100001", 0, "job-1", 1.0)


def a_note(client: Client = ACME, ticket_id: str = "100001", version: int = 0, *, words: str = "") -> Note:
    html = f"<div><p>Seen at {client.word}. {words}</p><small>ref {client.reference(ticket_id, version)}</small></div>"
    return Note(client.slug, ticket_id, html, 2.0)


def an_outcome(status: str = "done", reason: str = "", **changes: str) -> Outcome:
    return replace(Outcome("acme", "100001", "job-1", status, reason), **changes)


def counted(**changes: Any) -> Count:
    """One ticket, promised, noted and done, but for *changes*."""
    facts: dict[str, Any] = {
        "clients": (ACME, BOLT),
        "promises": [PROMISE],
        "forged": [],
        "notes": [a_note()],
        "outcomes": [an_outcome()],
        "versions": {("acme", "100001"): 0},
    }
    return count(**{**facts, **changes})


def test_a_promise_that_was_kept_is_nothing_to_tell() -> None:
    result = counted()

    assert result.is_kept
    assert result.notes == 1


def test_a_ticket_without_its_note_is_lost() -> None:
    result = counted(notes=[])

    assert result.lost == ["acme ticket 100001: no note"]
    assert not result.is_kept


def test_a_delivery_that_the_ledger_does_not_know_is_lost() -> None:
    result = counted(outcomes=[])

    assert result.lost == ["acme ticket 100001, delivery job-1: not in the ledger"]


def test_a_delivery_that_is_never_settled_is_lost_though_its_note_is_there() -> None:
    assert len(counted(outcomes=[an_outcome("pending")]).lost) == 1
    assert len(counted(outcomes=[an_outcome("processing")]).lost) == 1


def test_ignoring_and_failing_want_a_reason() -> None:
    assert len(counted(outcomes=[an_outcome("ignored")]).lost) == 1
    assert len(counted(outcomes=[an_outcome("failed")]).lost) == 1


def test_what_an_operator_sees_as_failed_is_not_lost_and_is_told() -> None:
    result = counted(notes=[], outcomes=[an_outcome("failed", "the model said no")])

    assert result.is_kept
    assert result.failed == {"the model said no": 1}


def test_what_is_ignored_needs_another_delivery_that_has_the_note() -> None:
    promises = [PROMISE, replace(PROMISE, job_id="job-2")]
    outcomes = [an_outcome(), an_outcome("ignored", "it has its note", job_id="job-2")]

    assert counted(promises=promises, outcomes=outcomes).is_kept
    assert counted(promises=promises, outcomes=outcomes, notes=[]).lost == ["acme ticket 100001: no note"]


def test_two_notes_of_one_version_are_doubled() -> None:
    result = counted(notes=[a_note(), a_note()])

    assert result.doubled == ["acme ticket 100001: 2 notes"]
    assert not result.is_kept


def test_each_version_has_a_note_of_its_own() -> None:
    promises = [PROMISE, replace(PROMISE, version=1, job_id="job-2")]
    outcomes = [an_outcome(), an_outcome(job_id="job-2")]
    versions = {("acme", "100001"): 1}

    both = counted(
        promises=promises, outcomes=outcomes, versions=versions, notes=[a_note(version=0), a_note(version=1)]
    )
    newer = counted(promises=promises, outcomes=outcomes, versions=versions, notes=[a_note(version=1)])
    older = counted(promises=promises, outcomes=outcomes, versions=versions, notes=[a_note(version=0)])

    assert both.is_kept
    assert newer.is_kept
    assert older.lost == ["acme ticket 100001: no note"]


def test_words_of_another_tenant_are_seen() -> None:
    result = counted(notes=[a_note(words=f"As at {BOLT.word}.")])

    assert result.wrong_tenant == ["acme ticket 100001: words of bolt"]
    assert not result.is_kept


def test_a_note_in_another_tenants_help_desk_is_seen_though_its_ticket_is_there_too() -> None:
    astray = replace(a_note(), slug="bolt", html=a_note().html.replace(ACME.word, "somewhere"))
    result = counted(notes=[a_note(), astray], versions={("acme", "100001"): 0, ("bolt", "100001"): 0})

    assert result.wrong_tenant == ["bolt ticket 100001: a note that is not of this ticket"]


def test_a_note_without_a_reference_is_not_of_its_ticket() -> None:
    result = counted(notes=[a_note(), Note("acme", "100001", "<p>Hello</p>", 2.0)])

    assert result.wrong_tenant == ["acme ticket 100001: a note that is not of this ticket"]


def test_a_forgery_must_be_refused_and_leave_nothing() -> None:
    forged = ("acme", "100009")

    assert counted(forged=[(forged, 401)]).is_kept
    assert counted(forged=[(forged, 202)]).forged == ["acme ticket 100009: answered 202"]
    assert counted(
        forged=[(forged, 401)], outcomes=[an_outcome(), an_outcome(ticket_id="100009", job_id="job-9")]
    ).forged == ["acme ticket 100009: is in the ledger"]
    noted = counted(forged=[(forged, 401)], notes=[a_note(), a_note(ticket_id="100009")])
    assert noted.forged == ["acme ticket 100009: has a note"]
